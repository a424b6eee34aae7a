"""Recurrent networks with dilations, as torch modules."""

from .dilated import DilatedRNN
from .graph import GraphRNN, GraphState

__all__ = ["DilatedRNN", "GraphRNN", "GraphState"]
