"""Recurrent networks with dilations, as torch modules."""

from drnn_theory.checks import require_extra

require_extra("torch", "running a model")

from drnn_theory.models.dilated import DilatedRNN
from drnn_theory.models.graph import GraphRNN, GraphState
from drnn_theory.models.initialisation import initialise
from drnn_theory.models.states import detached
from drnn_theory.models.streaming import Stream

__all__ = ["DilatedRNN", "GraphRNN", "GraphState", "Stream", "detached", "initialise"]
