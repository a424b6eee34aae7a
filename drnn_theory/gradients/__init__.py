r"""Gradient flow by lag: what autograd says of the Jacobians d output_T / d input_{T-n}.

Along every path of the unfolded graph a gradient is multiplied once per edge, and the Jacobian at
lag n sums over all paths of lag n. With one unit per layer, unit weights, no bias, ReLU and a
positive input every factor is 1, so that the Jacobian is the number of paths: the bridge between
the graph and the model.
"""

import drnn_theory.models  # noqa: F401  # says what to install where torch is missing
from drnn_theory.gradients.leaks import Leak, find_leaks
from drnn_theory.gradients.lengths import measure_path_lengths
from drnn_theory.gradients.profile import GradientProfile, gradient_profile
from drnn_theory.gradients.units import unit_dilated_rnn, unit_graph_rnn

__all__ = [
    "GradientProfile",
    "Leak",
    "find_leaks",
    "gradient_profile",
    "measure_path_lengths",
    "unit_dilated_rnn",
    "unit_graph_rnn",
]
