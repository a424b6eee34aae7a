r"""Graphs without cycles: unit by unit, the lengths to all lags at once.

Where no unit depends on itself, its lengths are the least of those of the units that it reads,
shifted by the lags of the edges: one pass over an array per edge, in the order of the edges. Beyond
the longest lag of a path nothing is reached, so that the answer holds for ever.
"""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np

from drnn_theory.checks import require_memory
from drnn_theory.edges import edge_table
from drnn_theory.paths.courses import UNREACHABLE, Course, Strand

__all__ = ["swept_course"]


def swept_course(graph: nx.MultiDiGraph, horizon: int, *, vertical: bool = True) -> Course | None:
    """Return the course of a graph without cycles, known up to ``horizon``, None if it has one.

    The graph's period must be 1. ``vertical=False`` counts an edge of lag 0 as nothing.
    """
    if graph.graph["period"] > 1:
        return None
    table = edge_table(graph)
    columns = (table.source, table.target, table.lag, table.weight)
    edges = [
        (u, v, lag, weight if vertical or lag else 0)
        for u, v, lag, weight in zip(*(column.tolist() for column in columns), strict=True)
    ]
    order = nx.DiGraph()
    order.add_nodes_from(range(len(table.nodes)))
    order.add_edges_from((u, v) for u, v, _, _ in edges)
    if not nx.is_directed_acyclic_graph(order):
        return None
    into: dict[int, list[tuple[int, int, int]]] = {}
    for u, v, lag, cost in edges:
        into.setdefault(v, []).append((u, lag, cost))
    readers = Counter(u for u, *_ in edges) + Counter(table.outputs)
    units = list(nx.topological_sort(order))
    reach: dict[int, int] = {}  # the longest lag of a path to each unit
    for node in units:
        reach[node] = max((reach[u] + lag for u, lag, _ in into.get(node, ())), default=0)
    farthest = max((reach[node] for node in table.outputs), default=0)
    size = min(horizon, farthest) + 1
    require_memory(4 * size * (_most_alive(units, into, readers) + 1), f"{size} lags of a unit")
    lengths: dict[int, np.ndarray] = {}
    left = dict(readers)
    for node in units:
        own = np.full(size, UNREACHABLE, dtype=np.int32)
        if node in table.inputs:
            own[0] = 0
        for u, lag, cost in into.get(node, ()):
            if lag < size:
                later = own[lag:]
                np.minimum(later, lengths[u][: size - lag] + cost, out=later)
            left[u] -= 1
            if not left[u]:
                del lengths[u]
        lengths[node] = own
    best = np.full(size, UNREACHABLE, dtype=np.int32)
    for node in table.outputs:
        np.minimum(best, lengths[node], out=best)
    if size <= farthest:
        return Course(best)
    best = np.append(best, np.int32(UNREACHABLE))  # one lag beyond, where nothing is reached
    return Course(best, 1, np.zeros(1, dtype=np.int64), (Strand(None, 1),), size)


def _most_alive(
    units: list[int], into: dict[int, list[tuple[int, int, int]]], readers: Counter[int]
) -> int:
    """Return how many units' lengths are held at once at most."""
    left, alive, most = dict(readers), 0, 0
    for node in units:
        alive += 1
        most = max(most, alive)
        for u, *_ in into.get(node, ()):
            left[u] -= 1
            alive -= not left[u]
    return most
