# The public names by the six questions; a name is added to its group and to the reference.
# Name an architecture
from .dilations import as_dilations, exponential_dilations, is_divisor_chain
from .graphs import cyclic_graph, graph_to_json, graph_from_json, unfold
from .architectures import (
    stacked_rnn,
    dilated_rnn,
    skip_rnn,
    layers_rnn,
    residual_rnn,
    zhang_rnn,
    clockwork_rnn,
    hierarchical_rnn,
    narx_rnn,
    mist_rnn,
    gated_feedback_rnn,
    fast_slow_rnn,
    dilated_cnn,
    wavenet,
    tcn,
)
from .layers import sequential, Recurrent, Convolution, Attention, StateSpace
from .transformers import (
    causal_transformer,
    sliding_window_transformer,
    longnet,
    state_space_rnn,
    griffin,
)
from .catalogue import paper_architectures, read_architectures

# Measure it
from .measures import (
    compute_mrl,
    mrl_curve,
    default_span,
    longest_lag,
    receptive_field,
    vertical_edges,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    recurrent_depth,
    feedforward_depth,
    critical_cycle,
    deepest_path,
)
from .summaries import summary, compare, Summary, Comparison
from .paths import shortest_path_lengths, shortest_path, path_counts, path_table
from .capacities import (
    linear_system,
    LinearSystem,
    memory_capacity,
    fisher_memory,
    MemoryCurve,
    information_capacity,
    InformationCapacity,
    lyapunov_exponents,
    LyapunovSpectrum,
)

# Prove it
from .theorems import THEOREMS, Theorem, verify

# Design it
from .design import (
    optimal_dilations,
    recommend,
    best_exponential,
    counting_bound,
    load_optimal_schemes,
)
from .costs import count_parameters, hidden_size_for, state_size, sequential_steps, wavefront_steps

# Run it
from .models import DilatedRNN, GraphRNN, GraphState
from .gradients import gradient_profile, GradientProfile, find_leaks, Leak, measure_path_lengths
from .law import expected_gradient_profile, mean_field_slopes
from .learning import (
    Task,
    copy_memory,
    adding,
    recall,
    recall_within,
    pixel_mnist,
    pixel_digits,
    characters,
    reviews,
    train,
    Training,
)
from .studies import run_study, read_study, Study

# Show it
from .gallery import FIGURES, PaperFigure, write_figures
from .explorer import explore
from .measured import load_measured

__version__: str

__all__ = [
    # Name an architecture
    "as_dilations",
    "exponential_dilations",
    "is_divisor_chain",
    "cyclic_graph",
    "graph_to_json",
    "graph_from_json",
    "unfold",
    "stacked_rnn",
    "dilated_rnn",
    "skip_rnn",
    "layers_rnn",
    "residual_rnn",
    "zhang_rnn",
    "clockwork_rnn",
    "hierarchical_rnn",
    "narx_rnn",
    "mist_rnn",
    "gated_feedback_rnn",
    "fast_slow_rnn",
    "dilated_cnn",
    "wavenet",
    "tcn",
    "sequential",
    "Recurrent",
    "Convolution",
    "Attention",
    "StateSpace",
    "causal_transformer",
    "sliding_window_transformer",
    "longnet",
    "state_space_rnn",
    "griffin",
    "paper_architectures",
    "read_architectures",
    # Measure it
    "compute_mrl",
    "mrl_curve",
    "default_span",
    "longest_lag",
    "receptive_field",
    "vertical_edges",
    "recurrent_edges_per_node",
    "recurrent_skip_coefficient",
    "recurrent_depth",
    "feedforward_depth",
    "critical_cycle",
    "deepest_path",
    "summary",
    "compare",
    "Summary",
    "Comparison",
    "shortest_path_lengths",
    "shortest_path",
    "path_counts",
    "path_table",
    "linear_system",
    "LinearSystem",
    "memory_capacity",
    "fisher_memory",
    "MemoryCurve",
    "information_capacity",
    "InformationCapacity",
    "lyapunov_exponents",
    "LyapunovSpectrum",
    # Prove it
    "THEOREMS",
    "Theorem",
    "verify",
    # Design it
    "optimal_dilations",
    "recommend",
    "best_exponential",
    "counting_bound",
    "load_optimal_schemes",
    "count_parameters",
    "hidden_size_for",
    "state_size",
    "sequential_steps",
    "wavefront_steps",
    # Run it
    "DilatedRNN",
    "GraphRNN",
    "GraphState",
    "gradient_profile",
    "GradientProfile",
    "find_leaks",
    "Leak",
    "measure_path_lengths",
    "expected_gradient_profile",
    "mean_field_slopes",
    "Task",
    "copy_memory",
    "adding",
    "recall",
    "recall_within",
    "pixel_mnist",
    "pixel_digits",
    "characters",
    "reviews",
    "train",
    "Training",
    "run_study",
    "read_study",
    "Study",
    # Show it
    "FIGURES",
    "PaperFigure",
    "write_figures",
    "explore",
    "load_measured",
]
