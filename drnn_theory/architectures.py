r"""The zoo: recurrent architectures of the literature as cyclic graphs.

Units are named as in the figures of the papers: ``x`` the input, ``h1``, ``h2``, .. the hidden
states from the bottom up, ``y`` an output where the architecture has one of its own. In a stack
the output is the top layer's state, so that every path from input to output has exactly L vertical
edges for L layers.

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import networkx as nx

from drnn_theory.dilations import as_dilations, as_integer, shown
from drnn_theory.graphs import as_graph, cyclic_graph

__all__ = [
    "Architecture",
    "as_architecture",
    "as_cyclic_graph",
    "dilated_cnn",
    "dilated_rnn",
    "layers_rnn",
    "skip_rnn",
    "stacked_rnn",
]

Architecture: TypeAlias = Iterable[int] | nx.MultiDiGraph
"""A flat sequence of dilations (a stack, bottom layer first) or a cyclic graph."""


def as_architecture(architecture: Any) -> tuple[int, ...] | nx.MultiDiGraph:
    """Return a stack's dilations as a tuple, or the cyclic graph, checked.

    A torch module of this package stands for the scheme or the graph that it was built from.

    >>> as_architecture([1, 2, 4])
    (1, 2, 4)
    """
    if isinstance(architecture, nx.Graph):
        return as_graph(architecture)
    if isinstance(getattr(architecture, "graph", None), nx.MultiDiGraph):  # a GraphRNN
        return as_graph(architecture.graph)
    if hasattr(architecture, "dilations"):  # a DilatedRNN
        if getattr(architecture, "fusion", False):
            return dilated_rnn(architecture.dilations, fusion=True)
        return as_dilations(architecture.dilations)
    return as_dilations(architecture)


def as_cyclic_graph(architecture: Any) -> nx.MultiDiGraph:
    """Return the cyclic graph of an architecture, that of a DilatedRNN for a scheme."""
    architecture = as_architecture(architecture)
    return dilated_rnn(architecture) if isinstance(architecture, tuple) else architecture


def layers_rnn(layers: Iterable[Iterable[int]]) -> nx.MultiDiGraph:
    """Return the stack whose layer l has recurrent edges of the lags ``layers[l - 1]``.

    >>> sorted(layers_rnn([[1, 4], [2]]).edges(data="lag"))
    [('h1', 'h1', 1), ('h1', 'h1', 4), ('h1', 'h2', 0), ('h2', 'h2', 2), ('x', 'h1', 0)]
    """
    rule = "layers must be a list of lists of positive integers"
    if isinstance(layers, (str, dict)) or not isinstance(layers, Iterable):
        raise TypeError(f"{rule}, got {shown(layers)}")
    lags = list(layers)
    if not lags:
        raise ValueError(f"{rule}, got none")
    edges: list[tuple[str, str, int]] = []
    for layer, layer_lags in enumerate(lags, start=1):
        if isinstance(layer_lags, str) or not isinstance(layer_lags, Iterable):
            raise TypeError(f"{rule}, got {shown(layer_lags)} for layer {layer}")
        below, here = _layer(layer - 1), _layer(layer)
        edges.append((below, here, 0))
        edges.extend((here, here, lag) for lag in as_dilations(layer_lags))
    return cyclic_graph(edges, inputs=["x"], outputs=[_layer(len(lags))])


def dilated_rnn(dilations: Iterable[int], *, fusion: bool = False) -> nx.MultiDiGraph:
    """Return the DilatedRNN [1]: layer l reads its own state of ``dilations[l - 1]`` steps before.

    With ``fusion`` an output ``y`` reads the top layer's states of the last ``dilations[0]`` steps
    (lags 0 .. dilations[0] - 1): the paper's repair for a lowest dilation above 1, without which
    the steps fall into classes that never meet. It adds one vertical edge.

    >>> sorted(dilated_rnn([2, 4], fusion=True).edges(data="lag"))  # doctest: +NORMALIZE_WHITESPACE
    [('h1', 'h1', 2), ('h1', 'h2', 0), ('h2', 'h2', 4), ('h2', 'y', 0), ('h2', 'y', 1),
     ('x', 'h1', 0)]
    """
    scheme = as_dilations(dilations)
    stack = layers_rnn([s] for s in scheme)
    if not fusion:
        return stack
    edges = list(stack.edges(data="lag"))
    edges += [(_layer(len(scheme)), "y", lag) for lag in range(scheme[0])]
    return cyclic_graph(edges, inputs=["x"], outputs=["y"])


def stacked_rnn(layers: int) -> nx.MultiDiGraph:
    """Return the plain stack: every layer reads its own state of the step before."""
    return layers_rnn([[1]] * as_integer(layers, "layers"))


def skip_rnn(skip: int, layers: int = 1) -> nx.MultiDiGraph:
    """Return the regular skip RNN [1]: every layer has recurrent edges of lags 1 and ``skip``."""
    return layers_rnn([[1, as_integer(skip, "skip")]] * as_integer(layers, "layers"))


def dilated_cnn(dilations: Iterable[int], kernel_size: int = 2) -> nx.MultiDiGraph:
    """Return the stack of dilated causal convolutions: layer l reads lags 0, s_l, 2 s_l, .. below.

    It has no cycle; lags of its receptive field and beyond are unreachable.

    >>> sorted(dilated_cnn([1, 2]).edges(data="lag"))
    [('h1', 'h2', 0), ('h1', 'h2', 2), ('x', 'h1', 0), ('x', 'h1', 1)]
    """
    scheme = as_dilations(dilations)
    taps = as_integer(kernel_size, "kernel_size")
    edges = [
        (_layer(layer - 1), _layer(layer), tap * s)
        for layer, s in enumerate(scheme, start=1)
        for tap in range(taps)
    ]
    return cyclic_graph(edges, inputs=["x"], outputs=[_layer(len(scheme))])


def _layer(number: int) -> str:
    """Return the name of a layer's unit; layer 0 is the input."""
    return f"h{number}" if number else "x"
