"""Recurrent networks with dilations, as torch modules."""

from drnn_theory.models.dilated import DilatedRNN
from drnn_theory.models.graph import GraphRNN, GraphState

__all__ = ["DilatedRNN", "GraphRNN", "GraphState"]
