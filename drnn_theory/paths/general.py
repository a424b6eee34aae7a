r"""Any cyclic graph: shortest path lengths by lag from every starting phase.

``lengths[t, u, i]`` is the number of edges on the shortest path from an input at time i to unit u
at time t. From one start it is found by breadth-first search over the unfolded graph, built
directly as a sparse matrix; from many, step by step in time for all starts at once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from drnn_theory.checks import require_memory
from drnn_theory.edges import EdgeTable, edge_table
from drnn_theory.paths.courses import UNREACHABLE

__all__ = ["Wiring", "path_lengths_by_unit"]


class Wiring:
    """A cyclic graph taken apart into units and phases, pruned to its input-output walks."""

    def __init__(self, graph: nx.MultiDiGraph):
        self.period: int = graph.graph["period"]
        require_memory(64 * self.period, f"{self.period} phases")  # each has a list of its edges
        self.table: EdgeTable = edge_table(graph)
        parts = [self._split(node) for node in self.table.nodes]
        self.phase = np.array([phase for phase, _ in parts], dtype=np.int64)
        names = list(dict.fromkeys(unit for _, unit in parts))
        index = {name: i for i, name in enumerate(names)}
        self.unit = np.array([index[unit] for _, unit in parts], dtype=np.int64)
        self.units = len(names)
        inputs = set(graph.graph["inputs"])
        split = (self._split(node) for node in graph)
        self.starts = sorted({phase for phase, unit in split if unit in inputs})
        self.largest_lag = int(max(self.table.lag, default=0))

    def _split(self, node: Any) -> tuple[int, Any]:
        return (0, node) if self.period == 1 else node

    def sources(self, start: int) -> list[int]:
        """Return the units at which a path may start at time ``start``."""
        phase = start % self.period
        return [int(self.unit[node]) for node in self.table.inputs if self.phase[node] == phase]

    @cached_property
    def output_units(self) -> list[int]:
        """The units at which a path may end."""
        return sorted({int(self.unit[node]) for node in self.table.outputs})

    @cached_property
    def steps(self) -> list[list[tuple[int, int, int, int]]]:
        """By phase of its target, all edges in a workable order: source, target, lag, weight.

        All edges into a unit come before any edge of lag 0 out of it.
        """
        source, target, lag = self.table.source, self.table.target, self.table.lag
        weight = self.table.weight
        sorter: TopologicalSorter[int] = TopologicalSorter()
        for u, v, n in zip(source.tolist(), target.tolist(), lag.tolist(), strict=True):
            sorter.add(v, *([u] if n == 0 else []))
        rank = {node: i for i, node in enumerate(sorter.static_order())}
        steps: list[list[tuple[int, int, int, int]]] = [[] for _ in range(self.period)]
        for edge in sorted(range(len(source)), key=lambda e: rank[int(target[e])]):
            u, v = int(source[edge]), int(target[edge])
            ends = int(self.unit[u]), int(self.unit[v])
            steps[int(self.phase[v])].append((*ends, int(lag[edge]), int(weight[edge])))
        return steps


def path_lengths_by_unit(
    wiring: Wiring, starts: Sequence[int], last: int, *, vertical: bool = True
) -> np.ndarray:
    """Return ``lengths[t, u, i]`` for times 0..last, all units and the given starts, as int32.

    UNREACHABLE or more where there is no path. ``vertical=False`` counts an edge of lag 0 as 0.
    """
    if len(starts) == 1 and np.all(wiring.table.weight):
        return _by_breadth_first_search(wiring, starts[0], last, vertical=vertical)[:, :, None]
    cells = (last + 1) * wiring.units * len(starts)
    require_memory(4 * cells, f"{last + 1} lags from {len(starts)} starting phases")
    lengths = np.full((last + 1, wiring.units, len(starts)), UNREACHABLE, dtype=np.int32)
    for i, start in enumerate(starts):
        lengths[start, wiring.sources(start), i] = 0
    for t in range(last + 1):
        current = lengths[t]
        for u, v, lag, weight in wiring.steps[t % wiring.period]:
            if lag <= t:
                reached = lengths[t - lag, u] + (weight if vertical or lag else 0)
                np.minimum(current[v], reached, out=current[v])
    return lengths


def _by_breadth_first_search(
    wiring: Wiring, start: int, last: int, *, vertical: bool
) -> np.ndarray:
    """Return ``lengths[t, u]`` from one start; node t * units + u of the search is (t, u)."""
    units, period = wiring.units, wiring.period
    source, target, lag = wiring.table.source, wiring.table.target, wiring.table.lag
    roots = [node for node in wiring.table.inputs if wiring.phase[node] == start % period]
    if not vertical:
        source, target, lag, roots = _without_vertical_edges(wiring.table, roots)
    usable = lag <= last
    rounds = last // period + 1
    beyond = int(max(lag[usable], default=0))  # rows after the last time, for every edge to end in
    rows = rounds * period + beyond
    count = int(np.count_nonzero(usable))
    exact = np.int32 if rows * units < 2**31 - 1 and rounds * count < 2**31 else np.int64
    bytes_each = np.dtype(exact).itemsize
    require_memory(
        rows * units * (bytes_each + 9) + rounds * count * bytes_each,  # the search takes most
        f"{last + 1} lags of {units} units and {count} edges",
    )
    source, target, lag = source[usable], target[usable], lag[usable].astype(np.int64)
    row = wiring.phase[source] * units + wiring.unit[source]
    order = np.argsort(row, kind="stable")
    heads = (wiring.phase[source] + lag) * units + wiring.unit[target]
    block = period * units
    begin = [start * units + int(wiring.unit[node]) for node in roots]
    indices = np.empty(rounds * len(source) + len(begin), dtype=exact)
    offsets = (np.arange(rounds, dtype=exact) * block)[:, None]
    repeated = indices[: rounds * len(source)].reshape(rounds, len(source))
    np.add(offsets, heads[order].astype(exact), out=repeated)
    indices[rounds * len(source) :] = begin
    ends = np.zeros(rows * units + 2, dtype=exact)  # ends[k + 1] counts the edges out of nodes <= k
    degrees = np.bincount(row, minlength=block).astype(exact)
    ends[1 : rounds * block + 1].reshape(rounds, block)[:] = degrees
    ends[-1] = len(begin)  # one node more, from which the search starts
    np.cumsum(ends, out=ends)
    matrix = csr_array(
        (
            np.broadcast_to(1.0, len(indices)),  # the search reads no weights
            indices,
            ends,
        ),
        shape=(rows * units + 1, rows * units + 1),
    )
    visited, before = breadth_first_order(matrix, rows * units)
    del matrix, indices, ends, repeated
    begins = _begins_of_levels(visited, before)
    del before
    levels = np.zeros(len(visited), dtype=np.int32)
    levels[begins] = 1
    np.cumsum(levels, out=levels)
    depth = np.full(rows * units + 1, UNREACHABLE, dtype=np.int32)
    depth[visited] = levels
    return depth[: (last + 1) * units].reshape(last + 1, units)


def _begins_of_levels(visited: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return where the third and later levels begin among nodes in breadth-first order.

    The first is the root, visited[0], alone. The parents appear in the order of their children, so
    that a level ends where the parents pass the end of the level above.
    """
    rank = np.empty(len(before), dtype=visited.dtype)
    rank[visited] = np.arange(len(visited), dtype=visited.dtype)
    parents = memoryview(rank[before[visited[1:]]])
    del rank
    ends = array("q", [0, 1])
    while ends[-1] < len(visited):
        ends.append(1 + bisect_left(parents, ends[-1], ends[-1] - 1))
    return np.frombuffer(ends, dtype=np.int64)[2:-1]


def _without_vertical_edges(
    table: EdgeTable, roots: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Return edges and roots in which every edge of lag 0 is contracted into what precedes it."""
    instant = nx.DiGraph()
    instant.add_nodes_from(range(len(table.nodes)))
    level = table.lag == 0
    instant.add_edges_from(
        zip(table.source[level].tolist(), table.target[level].tolist(), strict=True)
    )
    closure = {node: [node, *nx.descendants(instant, node)] for node in instant}
    edges = {
        (int(table.source[e]), head, int(table.lag[e]))
        for e in np.flatnonzero(~level)
        for head in closure[int(table.target[e])]
    }
    source, target, lag = np.array(sorted(edges), dtype=table.lag.dtype).reshape(-1, 3).T
    roots = sorted({head for root in roots for head in closure[root]})
    return source.astype(np.int64), target.astype(np.int64), lag, roots
