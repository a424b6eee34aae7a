r"""Layers by their usual names, stacked into a cyclic graph.

===========================  ===============================================================
layer                        reads
===========================  ===============================================================
``Recurrent(1, 4)``          the layer below now, its own state of 1 and of 4 steps before
``Convolution(3, 2)``        the layer below 0, 2 and 4 steps before
``Attention(3, 2)``          the same steps, whose edges share their matrices
``StateSpace()``             the layer below now, its own state of the step before unmixed
===========================  ===============================================================

Units are ``x``, the input, and ``h1``, ``h2``, .. from the bottom up; a residual sum that a
recurrent layer ends in is a unit ``r2``, .. of its own, since the recurrence reads the layer's
state and not the sum.

The costs of attention are modelling choices: a layer of H units has queries, keys, values and an
output, 4 H^2 parameters without biases, and streams with keys and values of the steps that its
window still reads, 2 H numbers each. Its softmax is no part of a graph: every edge counts one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import networkx as nx

from drnn_theory.checks import as_integer, require_memory, shown
from drnn_theory.dilations import as_dilations
from drnn_theory.graphs import cyclic_graph

__all__ = [
    "Attended",
    "Attention",
    "Convolution",
    "Layer",
    "Recurrent",
    "StateSpace",
    "layer_name",
    "sequential",
    "stacked",
]

MOST_TAPS = 10_000
"""Longer windows of attention are ranges: a few identities in place of an edge per step."""

_Edge: TypeAlias = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True, init=False)
class Recurrent:
    """A recurrent layer that reads its own states of the given lags.

    >>> sequential([Recurrent(1), Recurrent(1, 8)]).number_of_edges()
    5
    """

    lags: tuple[int, ...]

    def __init__(self, *lags: int) -> None:
        object.__setattr__(self, "lags", as_dilations(lags, name="lags of Recurrent"))

    def edges(self, below: str, number: int) -> Iterator[_Edge]:
        """Yield the edges of the layer of that number, the last into its output.

        >>> list(Recurrent(8).edges("x", 1))
        [('x', 'h1', {'lag': 0}), ('h1', 'h1', {'lag': 8})]
        """
        yield below, layer_name(number), {"lag": 0}
        for lag in self.lags:
            yield layer_name(number), layer_name(number), {"lag": lag}


@dataclass(frozen=True)
class Convolution:
    """A causal convolution of ``kernel_size`` taps, ``dilation`` steps apart.

    >>> sorted(lag for *_, lag in sequential([Convolution(3, 2)]).edges(data="lag"))
    [0, 2, 4]
    """

    kernel_size: int
    dilation: int = 1

    def __post_init__(self) -> None:
        _set_integers(self, "kernel_size", "dilation")
        require_memory(1000 * self.kernel_size, f"a kernel of {self.kernel_size} taps")

    def edges(self, below: str, number: int) -> Iterator[_Edge]:
        """Yield the edges of the layer of that number, the last into its output.

        >>> list(Convolution(2, 4).edges("x", 1))
        [('x', 'h1', {'lag': 0}), ('x', 'h1', {'lag': 4})]
        """
        for tap in range(self.kernel_size):
            yield below, layer_name(number), {"lag": tap * self.dilation}


@dataclass(frozen=True)
class Attention:
    """Causal attention: a step reads ``window`` steps of the layer below, every dilation-th.

    The step itself is one of them, so that the lags are 0, dilation, .., (window - 1) * dilation.
    Above 10,000 of them the window is a range: one matrix and a ladder of identities whose lags are
    powers of two, with one way to each lag.

    >>> sorted(lag for *_, lag in sequential([Attention(3, 2)]).edges(data="lag"))
    [0, 2, 4]
    >>> sequential([Attention(10**6)]).number_of_edges() < 100
    True
    """

    window: int
    dilation: int = 1

    def __post_init__(self) -> None:
        _set_integers(self, "window", "dilation")

    def edges(self, below: str, number: int) -> Iterator[_Edge]:
        """Yield the edges of the layer of that number, the last into its output.

        >>> [(u, v, traits["lag"]) for u, v, traits in Attention(2, 4).edges("x", 1)]
        [('x', 'h1', 0), ('x', 'h1', 4)]
        """
        name, reach = layer_name(number), (self.window - 1) * self.dilation
        if self.window > MOST_TAPS:
            yield from _range(below, name, self.window - 1, self.dilation)
            return
        for tap in range(self.window):
            yield below, name, {"lag": tap * self.dilation, "attention": reach}


@dataclass(frozen=True)
class Attended:
    """Causal attention to the steps at the given lags, which may be any.

    >>> sorted(lag for *_, lag in sequential([Attended((0, 1, 4))]).edges(data="lag"))
    [0, 1, 4]
    """

    lags: tuple[int, ...]

    def edges(self, below: str, number: int) -> Iterator[_Edge]:
        """Yield the edges of the layer of that number, the last into its output."""
        for lag in self.lags:
            yield below, layer_name(number), {"lag": lag, "attention": max(self.lags)}


@dataclass(frozen=True)
class StateSpace:
    """A linear recurrence whose units decay each by itself, between two matrices.

    The state ``s`` reads the layer below and its own last value times a decay per unit, H
    parameters in all; the layer's output reads the state. With ``counted`` the decay is an edge
    like a recurrent matrix; without it is an identity, which counts none: nothing is mixed and no
    nonlinearity is passed on the way from step to step.

    >>> from drnn_theory import shortest_path_lengths
    >>> [
    ...     shortest_path_lengths(sequential([StateSpace(counted)]), 3).tolist()
    ...     for counted in (True, False)
    ... ]
    [[2.0, 3.0, 4.0, 5.0], [2.0, 2.0, 2.0, 2.0]]
    """

    counted: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.counted, bool):
            raise TypeError(f"counted must be True or False, got {shown(self.counted)}")

    def edges(self, below: str, number: int) -> Iterator[_Edge]:
        """Yield the edges of the layer of that number, the last into its output.

        >>> [(u, v, traits["lag"]) for u, v, traits in StateSpace().edges("x", 1)]
        [('x', 's1', 0), ('s1', 's1', 1), ('s1', 'h1', 0)]
        """
        state = f"s{number}"
        yield below, state, {"lag": 0}
        decay = {} if self.counted else {"identity": True}
        yield state, state, {"lag": 1, "diagonal": True, **decay}
        yield state, layer_name(number), {"lag": 0}


Layer: TypeAlias = Recurrent | Convolution | Attention | Attended | StateSpace


def sequential(
    layers: Iterable[Layer | Iterable[Layer]], *, residual: bool = False
) -> nx.MultiDiGraph:
    """Return the stack of the layers, bottom layer first; the output is the top layer's.

    With ``residual`` a sum joins the output of every layer but the first to what the layer reads:
    the first takes the input to another width. A list in place of a layer is a group of layers,
    which one sum goes around.

    >>> from drnn_theory import compute_mrl
    >>> compute_mrl(sequential([Recurrent(s) for s in (1, 2, 4, 8)]))
    5.625
    >>> groups = [[Recurrent(1), Recurrent(2)], [Recurrent(4), Recurrent(8)]]
    >>> compute_mrl(sequential(groups, residual=True))
    4.375
    """
    if not isinstance(residual, bool):
        raise TypeError(f"residual must be True or False, got {shown(residual)}")
    groups = _groups(layers)
    if residual and len(groups) < 2:
        raise ValueError(
            "residual layers must be two or more, since no sum goes around the first, got 1"
        )
    return stacked(groups, residual=residual)


def stacked(
    groups: list[list[Layer]], *, residual: bool, projected: bool = False
) -> nx.MultiDiGraph:
    """Return the graph of groups of layers, perhaps with a sum around each.

    ``projected`` sums go around the first group, too, past a convolution of one tap ``p`` that
    gives the input its width.
    """
    wiring = nx.MultiDiGraph()
    below, number = "x", 0
    for place, group in enumerate(groups, start=1):
        passed = below
        for layer in group:
            number += 1
            for source, target, traits in layer.edges(below, number):
                wiring.add_edge(source, target, **traits)
            below = layer_name(number)
        if residual and (place > 1 or projected):
            if passed == "x":
                wiring.add_edge("x", "p", lag=0)
                passed = "p"
            if isinstance(group[-1], Recurrent):
                wiring.add_edge(below, f"r{place}", lag=0, identity=True)
                below = f"r{place}"
            wiring.add_edge(passed, below, lag=0, identity=True)
    return cyclic_graph(wiring, inputs=["x"], outputs=[below])


def layer_name(number: int) -> str:
    """Return the name of a layer's unit; layer 0 is the input.

    >>> layer_name(0), layer_name(2)
    ('x', 'h2')
    """
    return f"h{number}" if number else "x"


def _groups(layers: Any) -> list[list[Layer]]:
    rule = "layers must be one or more of Recurrent, Convolution, Attention and StateSpace"
    if isinstance(layers, (str, dict)) or not isinstance(layers, Iterable):
        raise TypeError(f"{rule}, got {shown(layers)}")
    groups = []
    for item in layers:
        group = [item] if isinstance(item, Layer) else item
        if isinstance(group, (str, dict)) or not isinstance(group, Iterable):
            raise TypeError(f"{rule}, got {shown(item)}")
        group = list(group)
        for layer in group:
            if not isinstance(layer, Layer):
                raise TypeError(f"{rule}, got {shown(layer)}")
        if not group:
            raise ValueError(f"{rule}, got an empty group")
        groups.append(group)
    if not groups:
        raise ValueError(f"{rule}, got none")
    return groups


def _set_integers(layer: Any, *names: str) -> None:
    for name in names:
        object.__setattr__(layer, name, as_integer(getattr(layer, name), name))


def _range(below: str, unit: str, last: int, step: int) -> Iterator[_Edge]:
    """Yield edges with exactly one way of each of the lags 0, step, .., last * step.

    The values are carried up through the bits of a lag, the lowest first, along two units per bit:
    with ``<=`` the bits so far are at most those of ``last``, with ``>`` they are more.
    """
    below_or_equal, above = f"{unit} values", None
    yield below, below_or_equal, {"lag": 0, "attention": last * step}
    for bit in range(last.bit_length()):
        lag, name = step << bit, f"{unit} {step << bit}"
        smaller, greater = f"{name}<=", f"{name}>"
        if last >> bit & 1:  # 0 is less, 1 leaves the order as it is
            ways = [(below_or_equal, smaller, 0), (below_or_equal, smaller, lag)]
            ways += [(above, smaller, 0), (above, greater, lag)] if above else []
        else:  # 1 is more, 0 leaves the order as it is
            ways = [(below_or_equal, smaller, 0), (below_or_equal, greater, lag)]
            ways += [(above, greater, 0), (above, greater, lag)] if above else []
        for source, target, delay in ways:
            yield source, target, {"lag": delay, "identity": True, "attention": 0}
        if above or not last >> bit & 1:
            above = greater
        below_or_equal = smaller
    yield below_or_equal, unit, {"lag": 0, "identity": True, "attention": 0}
