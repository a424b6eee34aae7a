"""Figures: numbers in, axes out.

Every function draws on the axes it is given (``ax=None`` takes the current ones) and returns them.
None computes, saves, shows or sets a style of its own, so that they work inside anyone's figure.
Colours are those of Okabe and Ito, told apart by the colour-blind; line styles, widths and markers
carry the same distinction in grey.
"""

from drnn_theory.figures.capacities import (
    plot_fisher_memory,
    plot_information_capacity,
    plot_lyapunov_exponents,
    plot_memory_capacity,
)
from drnn_theory.figures.curves import (
    plot_digit_means,
    plot_gradient_profiles,
    plot_mrl_against_layers,
    plot_mrl_against_span,
    plot_path_lengths,
)
from drnn_theory.figures.learning import plot_training
from drnn_theory.figures.scatter import plot_measures, plot_options, plot_scatter
from drnn_theory.figures.unfolded import plot_unfolded

__all__ = [
    "plot_digit_means",
    "plot_fisher_memory",
    "plot_gradient_profiles",
    "plot_information_capacity",
    "plot_lyapunov_exponents",
    "plot_measures",
    "plot_memory_capacity",
    "plot_mrl_against_layers",
    "plot_mrl_against_span",
    "plot_options",
    "plot_path_lengths",
    "plot_scatter",
    "plot_training",
    "plot_unfolded",
]
