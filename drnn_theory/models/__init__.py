"""Recurrent networks with dilations, as torch modules."""

try:
    import torch  # noqa: F401
except ImportError:
    raise ImportError('models and gradients need torch: pip install "drnn_theory[torch]"') from None

from drnn_theory.models.dilated import DilatedRNN
from drnn_theory.models.graph import GraphRNN, GraphState
from drnn_theory.models.initialisation import initialise

__all__ = ["DilatedRNN", "GraphRNN", "GraphState", "initialise"]
