"""The reference: networkx on the unfolded graph. Slow, obvious, and what all else must equal."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.architectures import Architecture, as_cyclic_graph
from drnn_theory.checks import as_integer
from drnn_theory.edges import identity_edges
from drnn_theory.graphs import unfold

__all__ = ["reference_path", "reference_path_counts", "reference_path_lengths"]


def reference_path_lengths(
    graph: nx.MultiDiGraph, horizon: int, *, start: int = 0, vertical: bool = True
) -> np.ndarray:
    """Return d_start(n) for n = 0..horizon by Dijkstra's algorithm; inf where no path leads.

    A matrix weighs one, an identity nothing; ``vertical=False`` counts an edge of lag 0 as nothing.

    >>> from drnn_theory.architectures import dilated_rnn
    >>> reference_path_lengths(dilated_rnn([1, 2, 4]), 5)
    array([3., 4., 4., 5., 4., 5.])
    """
    unfolded, starts = _unfolded_from(graph, horizon, start)
    for *_, edge in unfolded.edges(data=True):
        edge["weight"] = 1 if (vertical or edge["lag"] > 0) and "identity" not in edge else 0
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
        for _, after, edge in unfolded.out_edges(node, data=True):
            counts[after] += counts[node] * (("matrix" in edge) + ("identity" in edge))
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


def reference_path(
    architecture: Architecture, lag: int, *, start: int = 0
) -> list[tuple[int, Any]]:
    """Return one shortest path to ``lag`` as its (time, unit) nodes; an empty list if none leads.

    Of several it is one with the fewest identities on the way.

    >>> reference_path([1, 2, 4], 5)
    [(0, 'x'), (0, 'h1'), (1, 'h1'), (1, 'h2'), (1, 'h3'), (5, 'h3')]
    """
    graph = as_cyclic_graph(architecture)
    lag = as_integer(lag, "lag", minimum=0)
    start = as_integer(start, "start", minimum=0)
    unfolded, starts = _unfolded_from(graph, lag, start)
    heavy = len(unfolded)  # a matrix outweighs all identities that a path can pass
    weights = None
    if identity_edges(graph):
        weights = "weight"
        for *_, edge in unfolded.edges(data=True):
            edge["weight"] = 1 if "identity" in edge else heavy
    routes = []
    for source in starts:
        for unit in graph.graph["outputs"]:
            target = (start + lag, unit)
            if target in unfolded and nx.has_path(unfolded, source, target):
                routes.append(nx.shortest_path(unfolded, source, target, weight=weights))
    return min(
        routes,
        key=lambda path: nx.path_weight(unfolded, path, "weight") if weights else len(path),
        default=[],
    )
