r"""The measures of memory: mean recurrent length first, then its relatives.

:math:`d_i(n)` is the number of edges on the shortest path from an input at time i to an output at
time i + n, in the graph unfolded over time. All edges but identities count, vertical ones too: a
stack of L layers has exactly L of those on every path. ``architecture`` is always a flat sequence
of dilations (a stack, bottom layer first), a cyclic graph, or a torch module of this package.

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
[2] Zhang et al., Architectural Complexity Measures of Recurrent Neural Networks, NIPS 2016,
arXiv:1602.08210.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import networkx as nx
import numpy as np

from drnn_theory.architectures import (
    Architecture,
    as_architecture,
    as_cyclic_graph,
    checked_architecture,
)
from drnn_theory.checks import as_integer, one_of, shown
from drnn_theory.cycles import longest_walks, maximum_cycle_ratio
from drnn_theory.edges import EdgeTable, edge_table, matrix_edges, sums, unit_of
from drnn_theory.paths import lengths_over_phases, lengths_to_gap

__all__ = [
    "CriticalCycle",
    "compute_mrl",
    "critical_cycle",
    "deepest_path",
    "default_span",
    "feedforward_depth",
    "longest_lag",
    "mrl_curve",
    "output_steps",
    "receptive_field",
    "recurrent_depth",
    "recurrent_edges_per_node",
    "recurrent_skip_coefficient",
    "vertical_edges",
]

Phase = Literal["worst", "mean", "best"]


def compute_mrl(
    architecture: Architecture,
    span: int | None = None,
    *,
    exact: bool = False,
    vertical: bool = True,
    phase: Phase = "worst",
) -> float | Fraction:
    r"""Return the mean recurrent length [1]: the mean shortest path over the lags 1..span.

    .. math:: \frac1m \sum_{n=1}^{m} \max_i d_i(n), \qquad m = \text{span}

    ``span`` is the largest dilation (the largest lag of a graph) unless given. Lags that no path
    reaches make the mean infinite. ``exact=True`` returns the Fraction of which the float is the
    rounding. ``vertical=False`` counts only edges of positive lag. ``phase`` takes, of all
    starting phases i, the "worst" (the definition), the "best" or the "mean"; it matters only
    where the graph's period is above 1. There :func:`~drnn_theory.shortest_path_lengths` has
    another default: it starts at phase 0, and gives the lengths averaged here by
    ``start="worst"``.

    >>> from drnn_theory import clockwork_rnn, shortest_path_lengths
    >>> clock = clockwork_rnn([1, 2])
    >>> compute_mrl(clock, 4), shortest_path_lengths(clock, 4)[1:].mean().item()
    (4.5, 3.0)
    >>> shortest_path_lengths(clock, 4, start="worst")[1:].mean().item()
    4.5

    Raises TypeError or ValueError for bad input, and ValueError, with the figure, where the answer
    can be neither proved periodic nor computed lag by lag within this machine's memory.

    >>> compute_mrl([1, 2, 4, 8])
    5.625
    >>> compute_mrl([1, 2, 4, 8], exact=True)
    Fraction(45, 8)
    >>> compute_mrl([2, 4, 8])
    inf
    >>> compute_mrl([2**k for k in range(61)])
    91.0
    """
    architecture = checked_architecture(architecture)
    mean = _means(architecture, [_span(architecture, span)], vertical=vertical, phase=phase)[0]
    return mean if exact else _as_float(mean)


def mrl_curve(
    architecture: Architecture,
    spans: Iterable[int],
    *,
    exact: bool = False,
    vertical: bool = True,
    phase: Phase = "worst",
) -> list[Any]:
    """Return :func:`compute_mrl` for each of many spans, from one pass over the lags.

    >>> mrl_curve([1, 2, 4, 8], [1, 2, 4, 8])
    [5.0, 5.0, 5.25, 5.625]
    """
    if isinstance(spans, str) or not isinstance(spans, Iterable):
        raise TypeError(f"spans must be an iterable of positive integers, got {shown(spans)}")
    spans = [as_integer(span, "span") for span in spans]
    if not spans:
        raise ValueError("spans must be one or more positive integers, got none")
    means = _means(checked_architecture(architecture), spans, vertical=vertical, phase=phase)
    return means if exact else [_as_float(mean) for mean in means]


def _means(
    architecture: tuple[int, ...] | nx.MultiDiGraph,
    spans: list[int],
    *,
    vertical: bool,
    phase: str,
) -> list[Any]:
    """Return the exact mean for each span of an architecture that has been checked."""
    one_of(phase, "phase", ("worst", "mean", "best"))
    courses, gap = lengths_to_gap(architecture, max(spans), vertical=vertical, phase=phase)
    finite = [span for span in spans if span < gap]
    totals = zip(*(course.totals(finite) for course in courses), strict=True)
    means = {
        span: Fraction(sum(total), span * len(total))
        for span, total in zip(finite, totals, strict=True)
    }
    return [means.get(span, math.inf) for span in spans]


def longest_lag(
    architecture: Architecture, span: int | None = None, *, vertical: bool = True
) -> tuple[int, float]:
    """Return the lag of 1..span whose shortest path is longest, and that length.

    The first such lag, in the worst phase; if some lags are unreachable, the first of those and
    inf.

    >>> longest_lag([1, 2, 4, 8])
    (7, 7)
    """
    architecture = checked_architecture(architecture)
    span = _span(architecture, span)
    (course,), gap = lengths_to_gap(architecture, span, vertical=vertical)
    lag, length = course.longest(span if gap == math.inf else int(gap))
    return lag, math.inf if length is None else length


def default_span(architecture: Architecture) -> int:
    """Return the span used unless one is given: the largest dilation, or lag, of the architecture.

    >>> default_span([1, 8, 2])
    8
    """
    return _span(as_architecture(architecture), None)


def _span(architecture: tuple[int, ...] | nx.MultiDiGraph, span: int | None) -> int:
    """Return the span, or the default of an architecture that has been checked."""
    if span is not None:
        return as_integer(span, "span")
    if isinstance(architecture, tuple):
        return max(architecture)
    largest = max(max(d["lag"], d.get("attention", 0)) for *_, d in architecture.edges(data=True))
    if largest == 0:
        raise ValueError("span must be given for a graph without lags, got none")
    return int(largest)


def vertical_edges(architecture: Architecture) -> float:
    """Return the fewest edges on any path from an input to an output at the same time.

    For a stack that is its number of layers, which every path has. Identities are no edges.

    >>> vertical_edges([1, 2, 4])
    3
    """
    courses = lengths_over_phases(checked_architecture(architecture), 1)
    length = courses[0].up_to(0)[0]
    return math.inf if math.isinf(length) else int(length)


def output_steps(architecture: Architecture) -> tuple[int, int]:
    """Return at how many of how many steps an output exists, (1, 1) where at every step.

    Where that is not every step, as above a strided layer, some lags are out of reach from every
    starting phase, and the mean of the worst phase is inf.

    >>> from drnn_theory import cyclic_graph
    >>> edges = [((0, "x"), (0, "h"), 0), ((1, "x"), (0, "h"), 1)]
    >>> output_steps(cyclic_graph(edges, inputs=["x"], outputs=["h"], period=2))
    (1, 2)
    """
    graph = as_architecture(architecture)
    if isinstance(graph, tuple) or graph.graph["period"] == 1:
        return 1, 1
    period, outputs = graph.graph["period"], set(graph.graph["outputs"])
    phases = {phase for phase, unit in graph if unit in outputs}
    share = math.gcd(len(phases), period)
    return len(phases) // share, period // share


def receptive_field(architecture: Architecture) -> float:
    """Return one plus the longest lag of a path from an input to an output: inf with a cycle.

    Where every shorter lag is reached too, as in convolutions, that is the number of steps that can
    reach an output; 0 if none can.

    >>> from drnn_theory import dilated_cnn
    >>> receptive_field(dilated_cnn([1, 2, 4])), receptive_field([1, 2, 4])
    (8, inf)
    """
    table = _table(architecture)
    if not len(table.source):
        return 1 if set(table.inputs) & set(table.outputs) else 0
    lags = table.lag.astype(object)  # their sum may pass 64 bits
    start = np.full(len(table.nodes), -1 - sum(lags), dtype=object)
    start[table.inputs] = 0
    walks, cycle = longest_walks(len(start), table.source, table.target, lags, start)
    if cycle is not None:
        return math.inf
    return int(max(walks[table.outputs])) + 1


def deepest_path(architecture: Architecture) -> list[tuple[Any, Any, int]]:
    """Return a path from input to output that attains the feedforward depth, as edges (u, v, lag).

    Identities on the way are listed too, and count none.

    >>> deepest_path([1, 2])
    [('x', 'h1', 0), ('h1', 'h2', 0)]
    """
    table, walks, gain, _ = _deepest_walks(architecture)
    tight = nx.MultiDiGraph()
    for u, v, lag, g in zip(table.source, table.target, table.lag, gain, strict=True):
        if walks[v] == walks[u] + g:
            tight.add_edge(int(u), int(v), lag=int(lag))
    end = max(table.outputs, key=lambda node: walks[node])
    starts = [node for node in table.inputs if walks[node] == 0]
    if end in starts and walks[end] == 0:
        return []
    tight.add_edges_from(("start", node) for node in starts)
    nodes = nx.shortest_path(tight, "start", end)[1:]
    return [
        (table.nodes[u], table.nodes[v], min(data["lag"] for data in tight[u][v].values()))
        for u, v in pairwise(nodes)
    ]


def recurrent_edges_per_node(architecture: Architecture) -> Fraction:
    """Return :math:`N_r` [1]: edges of positive lag on cycles per hidden node.

    Hidden nodes are all but the inputs and the sums, nodes that only identities enter. Identities
    do not count as edges. A convolution reads the past without recurrence and has none.

    >>> from drnn_theory import dilated_cnn, skip_rnn
    >>> recurrent_edges_per_node(skip_rnn(8, layers=4))
    Fraction(2, 1)
    >>> recurrent_edges_per_node(dilated_cnn([1, 2, 4]))
    Fraction(0, 1)
    """
    graph = as_cyclic_graph(architecture)
    inputs, period = set(graph.graph["inputs"]), graph.graph["period"]
    added = sums(graph)
    hidden = [n for n in graph if unit_of(n, period) not in inputs | added]
    if not hidden:
        raise ValueError("recurrent edges per node need a node that is no input, got none")
    part = {n: i for i, nodes in enumerate(nx.strongly_connected_components(graph)) for n in nodes}
    recurrent = sum(lag > 0 and part[u] == part[v] for u, v, lag in matrix_edges(graph))
    return Fraction(recurrent, len(hidden))


@dataclass(frozen=True)
class CriticalCycle:
    """A cycle measure with its witness and its certificate.

    ``cycle`` lists the edges (u, v, lag) of one cycle that attains ``ratio`` = lag / edges, where
    identities count no edge; inf if all of them are identities. The ``potentials`` prove that none
    is better: along every edge they grow by at least ``denominator * lag - numerator`` (at most,
    for the least ratio), along an identity by at least ``denominator * lag``. A ratio of inf needs
    no such proof as the largest; as the least it has denominator 0 and numerator 1.
    """

    ratio: Fraction | float
    cycle: list[tuple[Any, Any, int]]
    potentials: dict[Any, int]


def critical_cycle(architecture: Architecture, *, least: bool = False) -> CriticalCycle:
    """Return the cycle of largest (or ``least``) lag per edge on any input-output walk.

    Raises ValueError where no cycle lies on such a walk.

    >>> critical_cycle([1, 2, 4]).cycle
    [('h3', 'h3', 4)]
    """
    table = _table(architecture)
    cycle, ratio, potentials = _least_cycle(table) if least else _largest_cycle(table)
    nodes = table.nodes
    return CriticalCycle(
        ratio,
        [(nodes[table.source[e]], nodes[table.target[e]], int(table.lag[e])) for e in cycle],
        {node: int(value) for node, value in zip(nodes, potentials, strict=True)},
    )


def _largest_cycle(table: EdgeTable) -> tuple[list[int], Fraction | float, np.ndarray]:
    """Return a cycle of largest lag per edge, that ratio, and potentials."""
    size = len(table.nodes)
    free = np.flatnonzero(table.weight == 0)  # a cycle of these gains lag and counts no edge
    gain = np.ones(len(free), dtype=np.int64)
    _, cycle = longest_walks(size, table.source[free], table.target[free], gain)
    if cycle is not None:
        return free[cycle].tolist(), math.inf, np.zeros(size, dtype=np.int64)
    best = maximum_cycle_ratio(size, table.source, table.target, table.lag, table.weight)
    if best is None:
        raise ValueError(_NO_CYCLE)
    return best.cycle, best.ratio, best.potentials


def _least_cycle(table: EdgeTable) -> tuple[list[int], Fraction | float, np.ndarray]:
    """Return a cycle of least lag per edge: of most edges per lag, since every cycle has a lag."""
    most = maximum_cycle_ratio(
        len(table.nodes), table.source, table.target, table.weight, table.lag
    )
    if most is None:
        raise ValueError(_NO_CYCLE)
    return most.cycle, 1 / most.ratio if most.ratio else math.inf, -most.potentials


_NO_CYCLE = "a cycle must lie on a walk from an input to an output, got none"


def recurrent_skip_coefficient(architecture: Architecture) -> Fraction | float:
    """Return s [2]: the largest lag per edge of a directed cycle.

    It is inf if a cycle consists of identities alone, which carry a value on without an edge. Only
    cycles on a walk from an input to an output count; ValueError where there is none.

    >>> recurrent_skip_coefficient([1, 2, 4])
    Fraction(4, 1)
    """
    return critical_cycle(architecture).ratio


def recurrent_depth(architecture: Architecture) -> Fraction:
    """Return :math:`d_r` [2]: the largest number of edges per lag of a directed cycle.

    It is 0 if all cycles consist of identities, which count no edge. Only cycles on a walk from an
    input to an output count; ValueError where there is none.

    >>> recurrent_depth([4, 8])
    Fraction(1, 4)
    """
    ratio = critical_cycle(architecture, least=True).ratio
    return Fraction(0) if math.isinf(ratio) else 1 / Fraction(ratio)


def feedforward_depth(architecture: Architecture) -> Fraction:
    """Return :math:`d_f` [2]: the largest edges - lag * recurrent depth of an input-output path.

    In this package's convention, where the output of a stack is its top layer, a stack of L layers
    has depth L. It can be 0 or negative in odd graphs. ValueError where no cycle counts.

    >>> feedforward_depth([1, 2, 4])
    Fraction(3, 1)
    """
    table, walks, _, unit = _deepest_walks(architecture)
    return Fraction(int(max(walks[table.outputs])), unit)


def _deepest_walks(architecture: Architecture) -> tuple[EdgeTable, np.ndarray, np.ndarray, int]:
    """Return by node the largest (edges - lag * recurrent depth) of a walk from an input.

    Last come the gain per edge and the unit that both are measured in, as a fraction's denominator.
    No cycle gains anything, so that the best walk is a path.
    """
    architecture = checked_architecture(architecture)
    depth = recurrent_depth(architecture)
    table = _table(architecture)
    gain = depth.denominator * table.weight.astype(object)
    gain -= depth.numerator * table.lag.astype(object)
    unreached = -2 * sum(abs(gain)) - 1
    if unreached > -(2**61):
        gain = gain.astype(np.int64)
    start = np.full(len(table.nodes), unreached, dtype=gain.dtype)
    start[table.inputs] = 0
    walks, _ = longest_walks(len(start), table.source, table.target, gain, start)
    return table, walks, gain, depth.denominator


def _as_float(mean: float | Fraction) -> float:
    try:
        return float(mean)
    except OverflowError:
        raise ValueError(
            f"a mean must be below 2**1024 to be a float, got one of {int(mean).bit_length()} bits:"
            " ask for exact=True"
        ) from None


def _table(architecture: Architecture) -> EdgeTable:
    return edge_table(as_cyclic_graph(architecture))
