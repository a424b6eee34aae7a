"""One shortest path to a lag, from any starting phase, by the fast engine.

The lengths of all units at all times come from one search over the unfolded graph; the path is then
walked back from its end along edges that lengthen it by exactly their weight.
"""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.architectures import Architecture, as_cyclic_graph
from drnn_theory.checks import as_integer, require_memory
from drnn_theory.edges import unit_of
from drnn_theory.paths.courses import UNREACHABLE
from drnn_theory.paths.general import Wiring, path_lengths_by_unit

__all__ = ["lengths_by_start", "route", "shortest_path", "worst_start"]


def shortest_path(
    architecture: Architecture, lag: int, *, start: int | str = 0
) -> list[tuple[int, Any]]:
    """Return one shortest path to ``lag`` as its (time, unit) nodes; an empty list if none leads.

    It leads from an input at time ``start`` to an output ``lag`` steps later. ``start`` matters
    only where the graph's period is above 1, and may be "worst" or "best": the first phase in which
    the path is longest or shortest. Of several shortest paths it is one with the fewest identities
    on the way, and among those one whose last edges reach far back, so that it rises late. Raises
    ValueError if the search would not fit in memory.

    >>> shortest_path([1, 2, 4], 5)
    [(0, 'x'), (0, 'h1'), (1, 'h1'), (1, 'h2'), (1, 'h3'), (5, 'h3')]
    >>> from drnn_theory.architectures import clockwork_rnn
    >>> len(shortest_path(clockwork_rnn([1, 2, 4]), 4, start="worst")) - 1
    6
    """
    graph = as_cyclic_graph(architecture)
    lag = as_integer(lag, "lag", minimum=0)
    wiring = Wiring(graph)
    if start in ("worst", "best"):
        start = worst_start(wiring, lag, best=start == "best")
    return route(graph, wiring, as_integer(start, "start", minimum=0), lag)


def route(graph: nx.MultiDiGraph, wiring: Wiring, start: int, lag: int) -> list[tuple[int, Any]]:
    """Return the path of :func:`shortest_path` for a graph whose wiring is known."""
    if not wiring.output_units:
        return []
    period = wiring.period
    names = list(dict.fromkeys(unit_of(node, period) for node in wiring.table.nodes))
    # the unfolded graph repeats after a period: times count from the start's own phase
    phase = start % period
    lengths, heavy = _lengths(wiring, phase, lag)
    time = phase + lag
    unit = min(wiring.output_units, key=lambda u: int(lengths[time, u]))
    if lengths[time, unit] >= UNREACHABLE * heavy:
        return []
    nodes = [(time, unit)]
    sources = wiring.sources(phase)
    while time > phase or unit not in sources:
        edges = wiring.steps[time % period]
        back, unit = max(
            (n, u)
            for u, v, n, weight in edges
            if v == unit
            and n <= time
            and lengths[time - n, u] + _cost(weight, heavy) == lengths[time, unit]
        )
        time -= back
        nodes.append((time, unit))
    return [(time - phase + start, names[unit]) for time, unit in reversed(nodes)]


def worst_start(wiring: Wiring, lag: int, *, best: bool = False) -> int:
    """Return the first phase from which the path to the lag is longest, or shortest for ``best``.

    Phases in which no input arrives have no path at all, and do not count.
    """
    if wiring.period == 1 or not wiring.starts:
        return 0
    at_lag = [
        path_lengths_by_unit(wiring, [start], start + lag)[-1, wiring.output_units, 0].min(
            initial=UNREACHABLE
        )
        for start in wiring.starts
    ]
    return int(wiring.starts[int(np.argmin(at_lag) if best else np.argmax(at_lag))])


def lengths_by_start(wiring: Wiring, span: int) -> np.ndarray:
    """Return ``lengths[phase, n]`` for n = 0..span, inf where no path leads, as float64."""
    period = wiring.period
    table = np.full((period, span + 1), math.inf)
    every = path_lengths_by_unit(wiring, range(period), period - 1 + span)
    best = every[:, wiring.output_units].min(axis=1, initial=UNREACHABLE)
    for phase in range(period):
        lengths = best[phase : phase + span + 1, phase]
        table[phase] = np.where(lengths < UNREACHABLE, lengths, math.inf)
    return table


def _cost(weight: int, heavy: int) -> int:
    """Return what an edge costs: a matrix outweighs all identities that a path can pass."""
    return heavy if weight else int(heavy > 1)


def _lengths(wiring: Wiring, phase: int, lag: int) -> tuple[np.ndarray, int]:
    """Return lengths by time and unit, in units of ``heavy`` edges where there are identities."""
    last = phase + lag
    if np.all(wiring.table.weight):
        return path_lengths_by_unit(wiring, [phase], last)[:, :, 0], 1
    heavy = (last + 1) * wiring.units + 1
    require_memory(8 * (last + 1) * wiring.units, f"a path to lag {lag}")
    lengths = np.full((last + 1, wiring.units), UNREACHABLE * heavy, dtype=np.int64)
    lengths[phase, wiring.sources(phase)] = 0
    for time in range(phase, last + 1):
        for u, v, n, weight in wiring.steps[time % wiring.period]:
            if n <= time:
                reached = lengths[time - n, u] + _cost(weight, heavy)
                lengths[time, v] = min(lengths[time, v], reached)
    return lengths, heavy
