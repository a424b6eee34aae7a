"""The reference: networkx on the unfolded graph. Slow, obvious, and what all else must equal."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.architectures import as_cyclic_graph
from drnn_theory.checks import as_integer
from drnn_theory.graphs import unfold

__all__ = ["reference_path_counts", "reference_path_lengths", "shortest_path"]


def reference_path_lengths(
    graph: nx.MultiDiGraph, horizon: int, *, start: int = 0, vertical: bool = True
) -> np.ndarray:
    """Return d_start(n) for n = 0..horizon by Dijkstra's algorithm; inf where no path leads.

    ``vertical=False`` counts an edge of lag 0 as nothing.

    >>> from drnn_theory.architectures import dilated_rnn
    >>> reference_path_lengths(dilated_rnn([1, 2, 4]), 5)
    array([3., 4., 4., 5., 4., 5.])
    """
    unfolded, starts = _unfolded_from(graph, horizon, start)
    for *_, edge in unfolded.edges(data=True):
        edge["weight"] = 1 if vertical or edge["lag"] > 0 else 0
    lengths = nx.multi_source_dijkstra_path_length(unfolded, starts) if starts else {}
    return np.array(
        [
            min(
                (lengths.get((start + n, unit), math.inf) for unit in graph.graph["outputs"]),
                default=math.inf,
            )
            for n in range(horizon + 1)
        ],
        dtype=float,
    )


def reference_path_counts(graph: nx.MultiDiGraph, horizon: int, *, start: int = 0) -> list[int]:
    """Return the number of paths by lag 0..horizon, summed along a topological order.

    >>> from drnn_theory.architectures import dilated_rnn
    >>> reference_path_counts(dilated_rnn([1, 2, 4]), 5)
    [1, 1, 2, 2, 4, 4]
    """
    unfolded, starts = _unfolded_from(graph, horizon, start)
    counts = dict.fromkeys(unfolded, 0) | dict.fromkeys(starts, 1)
    for node in nx.topological_sort(unfolded):
        for after in unfolded.successors(node):
            counts[after] += counts[node]
    return [
        sum(counts.get((start + n, unit), 0) for unit in graph.graph["outputs"])
        for n in range(horizon + 1)
    ]


def _unfolded_from(
    graph: nx.MultiDiGraph, horizon: int, start: int
) -> tuple[nx.DiGraph, list[tuple[int, object]]]:
    """Return the unfolded graph up to time start + horizon and the input nodes at time start."""
    unfolded = unfold(graph, start + horizon)
    return unfolded, [(start, u) for u in graph.graph["inputs"] if (start, u) in unfolded]


def shortest_path(architecture: Any, lag: int, *, start: int = 0) -> list[tuple[int, Any]]:
    """Return one shortest path to ``lag`` as its (time, unit) nodes; an empty list if none leads.

    >>> shortest_path([1, 2, 4], 5)
    [(0, 'x'), (0, 'h1'), (1, 'h1'), (1, 'h2'), (1, 'h3'), (5, 'h3')]
    """
    graph = as_cyclic_graph(architecture)
    lag = as_integer(lag, "lag", minimum=0)
    start = as_integer(start, "start", minimum=0)
    unfolded, starts = _unfolded_from(graph, lag, start)
    found = []
    for source in starts:
        for unit in graph.graph["outputs"]:
            target = (start + lag, unit)
            if target in unfolded and nx.has_path(unfolded, source, target):
                found.append(nx.shortest_path(unfolded, source, target))
    return min(found, key=len, default=[])
