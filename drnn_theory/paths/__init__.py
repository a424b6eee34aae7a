"""Shortest path lengths and path counts by lag: one question, several engines, one answer.

===================  =========================================  ==============================
engine               serves                                     cost
===================  =========================================  ==============================
``stacks``           stacks whose lags form a divisor chain     closed form, any span
``stacks``           any stack                                  lags until its rule is certified
``certificates``     any cyclic graph, any span                 the same, component by component
``ranges``           graphs without cycles, long spans          ranges of lags, any span
``sweeps``           graphs without cycles, of too many ranges  edges times lags, by arrays
``general``          any cyclic graph, lag by lag               units and edges times lags
``reference``        the same by networkx                       slow; all others must equal it
===================  =========================================  ==============================

A certificate mostly takes some ten times the largest lag; for a stack up to the product of its two
largest lags, which {1, p, p + 1} needs; for a graph the period at which its classes of lags meet,
and the lags at which a slower component still matters, can be far larger. Then the lags are
computed up to the span, or the answer is refused with the number that is too large.
"""

from __future__ import annotations

import math

import networkx as nx
import numpy as np

from drnn_theory.architectures import Architecture, as_architecture, as_cyclic_graph
from drnn_theory.checks import as_integer, require_memory
from drnn_theory.dilations import is_divisor_chain
from drnn_theory.paths.certificates import combined, graph_courses
from drnn_theory.paths.counting import path_counts_of_graph, path_table_of_graph
from drnn_theory.paths.courses import UNREACHABLE, LengthsByLag
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.paths.ranges import range_course
from drnn_theory.paths.routes import shortest_path
from drnn_theory.paths.stacks import DivisorChain, as_stack, coin_course
from drnn_theory.paths.sweeps import swept_course

__all__ = [
    "lengths_over_phases",
    "lengths_to_gap",
    "path_counts",
    "path_table",
    "shortest_path",
    "shortest_path_lengths",
]

LONG = 10**4
"""Spans above it are looked at for a lag out of reach first; without cycles, ranges serve them."""

SIGHT, FAR_SIGHT = 100, 2 * 10**4
"""How many lags are looked at, and how many before a refusal."""


def shortest_path_lengths(
    architecture: Architecture, horizon: int, *, start: int | str = 0, vertical: bool = True
) -> np.ndarray:
    r"""Return the number of edges d(n) on the shortest path to lag n, for n = 0..horizon.

    ``architecture`` is a sequence of dilations or a cyclic graph. The paths lead from an input at
    time ``start`` to an output n steps later; ``start`` matters only where the graph's period is
    above 1, and may be "worst" or "best": that of all starts at each lag. All edges count unless
    ``vertical`` is False: then those of positive lag. The result is a float64 array of shape
    (horizon + 1,), inf where no path leads. Raises ValueError if it would not fit in memory.

    The default starts at time 0, phase 0 of the graph. :func:`~drnn_theory.compute_mrl` averages
    the worst start at each lag instead, ``start="worst"``; the two agree where the period is 1.

    >>> shortest_path_lengths([1, 2, 4], 8)
    array([3., 4., 4., 5., 4., 5., 5., 6., 5.])
    >>> shortest_path_lengths([2, 4], 4)
    array([ 2., inf,  3., inf,  3.])
    """
    architecture = as_architecture(architecture)
    horizon = as_integer(horizon, "horizon", minimum=0)
    if start not in ("worst", "best"):
        start = as_integer(start, "start", minimum=0)
    require_memory(8 * (horizon + 1), f"{horizon + 1} lags")
    stack = _stack_engine(architecture, horizon, vertical=vertical)
    if stack is not None:
        return stack.up_to(horizon)
    if isinstance(start, str):
        over = lengths_over_phases(architecture, max(horizon, 1), vertical=vertical, phase=start)
        return over[0].up_to(horizon)
    wiring = Wiring(architecture)
    start %= wiring.period
    known = path_lengths_by_unit(wiring, [start], start + horizon, vertical=vertical)
    known = known[start:, wiring.output_units, 0]
    lengths = known.min(axis=1, initial=UNREACHABLE)
    return np.where(lengths < UNREACHABLE, lengths, np.inf)


def path_counts(architecture: Architecture, horizon: int, *, start: int = 0) -> list[int]:
    r"""Return the exact number of paths to lag n, for n = 0..horizon, as a list of int.

    For a stack these are the coefficients of :math:`\prod_l 1 / (1 - z^{s_l})`.

    >>> path_counts([1, 2, 4], 8)
    [1, 1, 2, 2, 4, 4, 6, 6, 9]
    """
    graph = as_cyclic_graph(architecture)
    horizon = as_integer(horizon, "horizon", minimum=0)
    start = as_integer(start, "start", minimum=0)
    return path_counts_of_graph(graph, horizon, start=start)


def path_table(architecture: Architecture, horizon: int, *, start: int = 0) -> list[dict[int, int]]:
    r"""Return, for n = 0..horizon, the exact number of paths to lag n by their recurrent edges.

    Entry n maps the number of edges of positive lag, identities not counted, to the number of paths
    that have as many. For a stack these are the coefficients of
    :math:`\prod_l 1 / (1 - w z^{s_l})` in z and w.

    >>> path_table([1, 2], 4)[4]  # 2 + 2, 2 + 1 + 1, 1 + 1 + 1 + 1
    {2: 1, 3: 1, 4: 1}
    """
    graph = as_cyclic_graph(architecture)
    horizon = as_integer(horizon, "horizon", minimum=0)
    start = as_integer(start, "start", minimum=0)
    return path_table_of_graph(graph, horizon, start=start)


def lengths_over_phases(
    architecture: tuple[int, ...] | nx.MultiDiGraph,
    span: int,
    *,
    vertical: bool = True,
    phase: str = "worst",
) -> list[LengthsByLag]:
    """Return the lengths by lag, known at least up to ``span``, over the starting phases.

    One entry for the "worst" or the "best" phase at each lag; every phase's for the "mean".
    """
    stack = _stack_engine(architecture, span, vertical=vertical)
    if stack is not None:
        return [stack]
    courses = graph_courses(architecture, span, vertical=vertical)
    if phase == "mean":
        return list(courses)
    return [combined(courses, np.maximum if phase == "worst" else np.minimum, span)]


def lengths_to_gap(
    architecture: tuple[int, ...] | nx.MultiDiGraph,
    span: int,
    *,
    vertical: bool = True,
    phase: str = "worst",
) -> tuple[list[LengthsByLag], float]:
    """Return :func:`lengths_over_phases` and the first lag of 1..span that no path reaches, or inf.

    The courses are known up to that lag at least. It is looked for before any long search: beyond
    it no sum is finite.
    """

    def gap_within(sight: int) -> float:
        if span <= sight:
            return math.inf
        courses = lengths_over_phases(architecture, sight, vertical=vertical, phase=phase)
        gap = min(course.first_gap() for course in courses)
        return gap if gap <= sight else math.inf

    def courses_to(gap: float) -> list[LengthsByLag]:
        last = span if gap == math.inf else int(gap)
        return lengths_over_phases(architecture, last, vertical=vertical, phase=phase)

    gap = gap_within(SIGHT) if span > LONG else math.inf
    try:
        courses = courses_to(gap)
    except ValueError:
        gap = gap_within(FAR_SIGHT)
        if gap == math.inf:
            raise
        courses = courses_to(gap)
    gap = min(course.first_gap() for course in courses)
    return courses, gap if gap <= span else math.inf


def _stack_engine(
    architecture: tuple[int, ...] | nx.MultiDiGraph, horizon: int, *, vertical: bool
) -> LengthsByLag | None:
    """Return the course of a stack, or over longer spans of a graph without cycles, else None."""
    stack = as_stack(architecture)
    if stack is None and isinstance(architecture, nx.MultiDiGraph) and horizon > SIGHT:
        ranges = range_course(architecture, vertical=vertical) if horizon >= LONG else None
        return ranges or swept_course(architecture, horizon, vertical=vertical)
    if stack is None:
        return None
    if not vertical:
        stack = stack._replace(vertical=0)
    if is_divisor_chain(stack.coins):
        return DivisorChain(*stack)
    return coin_course(stack, max(horizon, 1))
