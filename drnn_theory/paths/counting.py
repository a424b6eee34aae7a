r"""Exact path counts by lag, and the memory that their many digits take.

Counts are added up step by step in time; states older than the largest lag are let go. The
generating function of the counts, F(z) = sum over n of c(n) z^n, has no negative coefficient, so
that c(n) <= F(z) / z^n for every z within its radius of convergence: the least of these bounds has
but log n bits too many, and says beforehand how long the integers become.
"""

from __future__ import annotations

import math
from collections import Counter

import networkx as nx
import numpy as np
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import splu

from drnn_theory.checks import require_memory
from drnn_theory.cycles import maximum_cycle_ratio
from drnn_theory.paths.general import Wiring

__all__ = ["path_counts_of_graph", "path_table_of_graph"]

FEW = 2**24
"""Bytes below which no guard is needed."""

SAMPLES = 64
"""Lags at which the length of the integers is bounded."""

FEW_LAGS, MANY_LAGS = 100, 1000
"""Lags from which the lengths of a table's integers, and its entries, are told."""

EMPTY_ROW, ROW, ENTRY = 88, 250, 66
"""Bytes of rows of a table, and of an entry but for the count: slot and key."""


def path_counts_of_graph(graph: nx.MultiDiGraph, horizon: int, *, start: int = 0) -> list[int]:
    """Return the exact number of paths by lag 0..horizon from the inputs at time ``start``.

    Raises ValueError, with the figure, if the counts would not fit in memory.
    """
    wiring = Wiring(graph)
    start %= wiring.period
    _require_room_for_counts(wiring, start, horizon)
    rows = min(wiring.largest_lag, horizon) + 1
    counts = [[0] * wiring.units for _ in range(rows)]  # of times modulo rows
    totals = []
    for t in range(start, start + horizon + 1):
        current = counts[t % rows] = [0] * wiring.units
        if t == start:
            for unit in wiring.sources(start):
                current[unit] += 1
        for u, v, lag, _ in wiring.steps[t % wiring.period]:
            if t - lag >= start:
                current[v] += counts[(t - lag) % rows][u]
        totals.append(sum(current[unit] for unit in wiring.output_units))
    return totals


def path_table_of_graph(
    graph: nx.MultiDiGraph, horizon: int, *, start: int = 0
) -> list[dict[int, int]]:
    """Return, by lag 0..horizon, how many paths have how many matrices of positive lag.

    Raises ValueError, with the figure, if the table would not fit in memory.
    """
    wiring = Wiring(graph)
    start %= wiring.period
    _require_room_for_table(wiring, start, horizon)
    return _table(wiring, start, horizon)


def _table(wiring: Wiring, start: int, horizon: int) -> list[dict[int, int]]:
    rows = min(wiring.largest_lag, horizon) + 1
    tables: list[list[Counter[int]]] = [[] for _ in range(rows)]  # of times modulo rows
    totals = []
    for t in range(start, start + horizon + 1):
        current: list[Counter[int]] = [Counter() for _ in range(wiring.units)]
        tables[t % rows] = current
        if t == start:
            for unit in wiring.sources(start):
                current[unit][0] += 1
        for u, v, lag, weight in wiring.steps[t % wiring.period]:
            if t - lag >= start:
                for edges, paths in list(tables[(t - lag) % rows][u].items()):
                    current[v][edges + (weight if lag else 0)] += paths
        total = sum((current[unit] for unit in wiring.output_units), Counter())
        totals.append(dict(sorted(total.items())))
    return totals


def _require_room_for_counts(wiring: Wiring, start: int, horizon: int) -> None:
    """Raise ValueError if the counts to a horizon would not fit in memory."""
    task = f"path counts to {horizon} lags"
    rows = min(wiring.largest_lag, horizon) + 1
    if (horizon + 1 + rows * wiring.units) * (48 + _most_bytes(wiring, horizon)) < FEW:
        return
    require_memory(8 * (horizon + 1 + rows * wiring.units), task)
    lags, bits = _bounds(wiring, start, horizon)
    sizes = _bytes_of(bits) / _differences(wiring)[0] + 8
    totals = np.trapezoid(sizes[:, -1], lags) + sizes[0, -1]
    kept = np.maximum(lags, horizon + 1 - rows)
    states = np.trapezoid(sizes[:, :-1].sum(axis=1), kept) + sizes[-1, :-1].sum()
    require_memory(int(totals + states / wiring.period), task)


def _require_room_for_table(wiring: Wiring, start: int, horizon: int) -> None:
    """Raise ValueError if the table to a horizon would not fit in memory.

    The entries of a row are as many as the numbers of edges that its paths may take: from those of
    the slowest cycle to those of the fastest, but for as many as are missing near both ends.
    """
    task = f"a table of paths to {horizon} lags"
    rows = min(wiring.largest_lag, horizon) + 1
    most = (horizon + 1) * (ENTRY + _most_bytes(wiring, horizon))
    if (horizon + 1 + rows * wiring.units) * (ROW + most) < FEW:
        return
    require_memory(EMPTY_ROW * (horizon + 1), task)
    lags, bits = _bounds(wiring, start, horizon)
    longest = bits[:, -1]
    every, step = _differences(wiring)
    near = min(horizon, MANY_LAGS)
    known, share = _entries(wiring, start, near)
    reached = np.flatnonzero(known)
    slope = _spread(wiring) / step
    entries = known[reached[-1]] + slope * (lags - reached[-1])
    entries = np.where(lags > near, entries, np.interp(lags, reached, known[reached]))
    if max(2 * wiring.largest_lag, len(wiring.table.source)) < FEW_LAGS < horizon:
        ends = [row for row in _table(wiring, start, FEW_LAGS)[-1 - wiring.largest_lag :] if row]
        mean = np.mean([n.bit_length() for row in ends or [{0: 1}] for n in row.values()])
        longest = longest * mean / max(np.interp(FEW_LAGS, lags, longest), 1)
    sizes = (ROW - EMPTY_ROW + entries * (ENTRY + _bytes_of(longest))) / every
    sizes = EMPTY_ROW + np.where(bits[:, -1] < -1, 0, sizes)
    kept = np.maximum(lags, horizon + 1 - rows)
    states = (np.trapezoid(sizes, kept) + sizes[-1]) * max(share, 1)
    require_memory(int(np.trapezoid(sizes, lags) + states), task)


def _entries(wiring: Wiring, start: int, horizon: int) -> tuple[np.ndarray, float]:
    """Return how many numbers of edges the paths to each lag take, and those by unit over those.

    A set of numbers is the bits of an integer.
    """
    rows = min(wiring.largest_lag, horizon) + 1
    sets = [[0] * wiring.units for _ in range(rows)]  # of times modulo rows
    sizes = []
    for t in range(start, start + horizon + 1):
        current = sets[t % rows] = [0] * wiring.units
        if t == start:
            for unit in wiring.sources(start):
                current[unit] = 1
        for u, v, lag, weight in wiring.steps[t % wiring.period]:
            if t - lag >= start:
                current[v] |= sets[(t - lag) % rows][u] << (weight if lag else 0)
        total = 0
        for unit in wiring.output_units:
            total |= current[unit]
        sizes.append(total.bit_count())
    kept = sum(numbers.bit_count() for row in sets for numbers in row)
    return np.array(sizes), kept / max(sum(sizes[-rows:]), 1)


def _most_bytes(wiring: Wiring, horizon: int) -> float:
    """Return bytes that no count to the horizon takes more than: no unit is passed twice a step."""
    if not wiring.table.nodes:
        return 0
    return (horizon + 1) * wiring.units * math.log2(len(wiring.table.source) + 2) / 7


def _spread(wiring: Wiring) -> float:
    """Return by how many edges per lag the cycles differ."""
    table = wiring.table
    ends = len(table.nodes), table.source, table.target
    counted = table.weight * (table.lag > 0)
    most = maximum_cycle_ratio(*ends, counted, table.lag)
    least = maximum_cycle_ratio(*ends, -counted, table.lag)
    return float(most.ratio + least.ratio) if most and least else 0.0


def _differences(wiring: Wiring) -> tuple[int, int]:
    """Return what the lags of paths, and the edges of paths of one lag, differ by multiples of.

    Two paths differ by closed walks, on which edges may be passed backwards: sums of the walks
    around the edges outside a spanning tree, each of some lag and some edges.
    """
    table = wiring.table
    near: dict[int, list[tuple[int, int, int]]] = {}
    joints = [(-1, node, 0, 0) for node in table.inputs]
    joints += [(node, -2, 0, 0) for node in table.outputs]
    edges = zip(
        table.source.tolist(),
        table.target.tolist(),
        table.lag.tolist(),
        (table.weight * (table.lag > 0)).tolist(),
        strict=True,
    )
    every = [*edges, *joints]
    for u, v, lag, weight in every:
        near.setdefault(u, []).append((v, lag, weight))
        near.setdefault(v, []).append((u, -lag, -weight))
    place, queue = {-1: (0, 0)}, [-1]
    for u in queue:
        for v, lag, weight in near[u]:
            if v not in place:
                place[v] = place[u][0] + lag, place[u][1] + weight
                queue.append(v)
    step, longer = 0, (0, 0)
    for u, v, lag, weight in every:
        walk = place[u][0] + lag - place[v][0], place[u][1] + weight - place[v][1]
        while walk[0]:  # Euclid's algorithm leaves one of lag 0
            times = longer[0] // walk[0]
            longer, walk = walk, (longer[0] - times * walk[0], longer[1] - times * walk[1])
        step = math.gcd(step, walk[1])
    return max(abs(longer[0]), 1), max(step, 1)


def _bytes_of(bits: np.ndarray) -> np.ndarray:
    """Return the bytes that Python's integers of so many bits take; the smallest are shared."""
    digits = np.maximum(np.ceil(bits / 30), 1)
    return np.where(bits <= 8, 0, 16 * np.ceil((24 + 4 * digits) / 16))


def _bounds(wiring: Wiring, start: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return some lags of 0..horizon, and the bits of the counts there by node and of the whole.

    A bound by F(z) / z^n is about n times too large near a pole of F, which is taken off.
    """
    table = wiring.table
    sources = np.zeros(len(table.nodes))
    sources[[node for node in table.inputs if wiring.phase[node] == start]] = 1

    def solved(exponent: float, given: np.ndarray) -> np.ndarray | None:
        """Return the sums over all walks from what is given at z = 2**exponent, or None."""
        with np.errstate(over="ignore", under="ignore"):
            weights = np.exp2(exponent * table.lag.astype(float))
        if not np.all(np.isfinite(weights)):
            return None
        size = len(table.nodes)
        walks = csc_array((weights, (table.target, table.source)), shape=(size, size))
        try:
            values = splu((eye_array(size, format="csc") - walks).tocsc()).solve(given)
        except RuntimeError:  # singular
            return None
        return values if np.all(np.isfinite(values)) else None

    def converges(exponent: float) -> bool:
        walks = solved(exponent, np.ones(len(table.nodes)))
        return walks is not None and walks.min() > 0

    lags = np.unique(np.linspace(0, horizon, SAMPLES + 1).round())
    low = -1.0
    while not converges(low):
        low *= 2
        if low < -(2.0**40):  # paths of lag 0 alone are more than floats count
            most = (lags + 1) * wiring.units * math.log2(len(table.source) + 2)
            return lags, np.repeat(most[:, None], len(sources) + 1, axis=1)
    high = 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if converges(middle) else (low, middle)
    bits = np.full((len(lags), len(sources) + 1), np.inf)
    for exponent in low - np.geomspace(1e-10, 64, 3 * SAMPLES):
        walks = solved(exponent, sources)
        if walks is None:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.log2([*walks, walks[table.outputs].sum()])
        bits = np.fmin(bits, ends - exponent * lags[:, None])
    return lags, bits - np.log2(lags + 1)[:, None]
