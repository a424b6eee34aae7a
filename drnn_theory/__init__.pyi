from .architectures import dilated_cnn, dilated_rnn, layers_rnn, skip_rnn, stacked_rnn
from .catalogue import paper_architectures, read_architectures
from .costs import count_parameters, state_size
from .dilations import as_dilations, exponential_dilations, is_divisor_chain
from .gradients import GradientProfile, gradient_profile
from .graphs import cyclic_graph, graph_from_json, graph_to_json, unfold
from .measures import (
    compute_mrl,
    critical_cycle,
    default_span,
    feedforward_depth,
    longest_lag,
    mrl_curve,
    receptive_field,
    recurrent_depth,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    vertical_edges,
)
from .models import DilatedRNN
from .paths import path_counts, shortest_path, shortest_path_lengths
from .summaries import Comparison, Summary, compare, summary
from .theorems import THEOREMS, Theorem

__all__ = [
    "THEOREMS",
    "Comparison",
    "DilatedRNN",
    "GradientProfile",
    "Summary",
    "Theorem",
    "as_dilations",
    "compare",
    "compute_mrl",
    "count_parameters",
    "critical_cycle",
    "cyclic_graph",
    "default_span",
    "dilated_cnn",
    "dilated_rnn",
    "exponential_dilations",
    "feedforward_depth",
    "gradient_profile",
    "graph_from_json",
    "graph_to_json",
    "is_divisor_chain",
    "layers_rnn",
    "longest_lag",
    "mrl_curve",
    "paper_architectures",
    "path_counts",
    "read_architectures",
    "receptive_field",
    "recurrent_depth",
    "recurrent_edges_per_node",
    "recurrent_skip_coefficient",
    "shortest_path",
    "shortest_path_lengths",
    "skip_rnn",
    "stacked_rnn",
    "state_size",
    "summary",
    "unfold",
    "vertical_edges",
]
