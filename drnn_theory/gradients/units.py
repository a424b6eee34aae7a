"""Models whose Jacobians count paths: one unit per node, unit weights, ReLU, float64."""

from __future__ import annotations

from typing import Any, TypeVar

import torch

from drnn_theory.architectures import Architecture, as_cyclic_graph
from drnn_theory.dilations import as_dilations
from drnn_theory.models import DilatedRNN, GraphRNN

__all__ = ["unit_dilated_rnn", "unit_graph_rnn"]

Model = TypeVar("Model", DilatedRNN, GraphRNN)


def unit_dilated_rnn(dilations: Any) -> DilatedRNN:
    """Return the DilatedRNN whose Jacobians count paths, for a positive input.

    >>> unit_dilated_rnn([1, 2]).hidden_size
    1
    """
    scheme = as_dilations(dilations)
    return _unit(DilatedRNN(1, 1, scheme, nonlinearity="relu", dtype=torch.float64))


def unit_graph_rnn(architecture: Architecture) -> GraphRNN:
    """Return the GraphRNN whose Jacobians count paths, for a positive input.

    >>> from drnn_theory import skip_rnn
    >>> model = unit_graph_rnn(skip_rnn(2))
    >>> model(torch.tensor([[1.0], [0.0], [0.0], [0.0]], dtype=torch.float64))[0].flatten().tolist()
    [1.0, 1.0, 2.0, 3.0]
    """
    graph = as_cyclic_graph(architecture)
    return _unit(GraphRNN(graph, 1, 1, nonlinearity="relu", dtype=torch.float64))


def _unit(model: Model) -> Model:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(0.0 if "bias" in name else 1.0)
    return model
