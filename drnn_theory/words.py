r"""Words of matrices: what the law of gradient flow counts where identities make ways coincide.

A path is read as the word of the matrices that it passes, in order. Paths of one word and one lag
differ only in the identities between the matrices, or in the lag at which a shared matrix is read;
their products are the same, so that they add up before they are squared:

.. math:: \sum_{\text{words } w} g^{2 k(w)} \Big( \#\{\text{paths of word } w \text{ and lag } n\}
    \Big)^2 .

Where no two paths have one word this is the number of paths, each weighed by :math:`g^{2k}`. In
general it is the number of *pairs* of paths of one word, counted matrix by matrix: ``B[t, t']``
holds the pairs that have just passed the same matrix at times t and t'.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.checks import shown
from drnn_theory.edges import is_identity, matrices, unit_of

__all__ = ["pairs_by_lag", "words_are_paths"]

MOST_WORK = 10**10  # multiplications, seconds


def words_are_paths(graph: nx.MultiDiGraph) -> bool:
    """Tell whether no two paths of the graph pass the same matrices in the same order.

    That is certain where between two matrices, from the inputs and to the outputs, identities lead
    in one way at most, and no matrix is read at two lags.

    >>> from drnn_theory import residual_rnn
    >>> words_are_paths(residual_rnn([[1, 2], [4, 8]]))
    True
    """
    named = [edge.name for edge in matrices(graph, share_phases=False)]
    if len(set(named)) < len(named):
        return False
    carried = _carried(graph)
    plain = nx.DiGraph(carried)
    if plain.number_of_edges() < carried.number_of_edges():
        return False
    if not nx.is_directed_acyclic_graph(plain):
        return False
    order = list(nx.topological_sort(plain))
    for source in order:
        ways = dict.fromkeys(order, 0) | {source: 1}
        for node in order:
            for after in plain.successors(node):
                ways[after] += ways[node]
        if max(ways.values()) > 1:
            return False
    return True


def pairs_by_lag(
    graph: nx.MultiDiGraph, squared_gain: float, horizon: int, start: int
) -> np.ndarray:
    """Return, for lags 0..horizon, the pairs of paths of one word, lagged matrices weighed.

    Raises ValueError where that takes too many multiplications.
    """
    period = graph.graph["period"]
    carried = _carried(graph, start % period)
    letters: dict[Hashable, list[Any]] = {}
    for edge in matrices(graph, share_phases=False):
        letters.setdefault(edge.name, []).append(edge)
    heads = {START, *(edges[0].target for edges in letters.values())}
    work = len(heads) * (len(letters) + 1) * (horizon + 1) ** 4
    if work > MOST_WORK:
        most = int((MOST_WORK / len(heads) / (len(letters) + 1)) ** 0.25) - 1
        raise ValueError(
            f"horizon must be at most {most} for a graph in which identities lead in several ways "
            f"between the same matrices, got {horizon}: the law squares the sum of such paths"
        )
    ways = {head: _ways(carried, head, horizon) for head in heads}
    into: dict[Hashable, list[tuple[Hashable, float, np.ndarray]]] = {}
    for edges in letters.values():
        weight = squared_gain if min(edge.lag for edge in edges) > 0 else 1.0
        for head in heads:
            by_lag = np.zeros(horizon + 1)
            for edge in edges:
                if edge.lag <= horizon and edge.source in ways[head]:
                    by_lag[edge.lag :] += ways[head][edge.source][: horizon + 1 - edge.lag]
            if by_lag.any():
                into.setdefault(edges[0].target, []).append((head, weight, _shifts(by_lag)))
    first = np.zeros((horizon + 1, horizon + 1))
    first[0, 0] = 1.0
    latest: dict[Hashable, np.ndarray] = {START: first}
    result = np.zeros(horizon + 1)
    while latest:
        for head, pairs in latest.items():
            if END in ways[head]:
                shifts = _shifts(ways[head][END])
                result += np.einsum("ij,jk,ik->i", shifts, pairs, shifts, optimize=True)
        following: dict[Hashable, np.ndarray] = {}
        for target, readings in into.items():
            total = sum(
                weight * (shifts @ latest[head] @ shifts.T)
                for head, weight, shifts in readings
                if head in latest
            )
            if np.any(total):
                following[target] = np.asarray(total)
        latest = following
    return result


START, END = ("the input",), ("the output",)  # nodes of no graph


def _carried(graph: nx.MultiDiGraph, phase: int | None = None) -> nx.MultiDiGraph:
    """Return the identities, joined to one start and one end; inputs of that phase if given."""
    period = graph.graph["period"]
    carried = nx.MultiDiGraph()
    carried.add_nodes_from(graph)
    for source, target, data in graph.edges(data=True):
        if data.get("diagonal", False):
            raise ValueError(
                "the law needs independent matrices on all edges, got the diagonal edge "
                f"{shown((source, target))}"
            )
        if is_identity(data):
            carried.add_edge(source, target, lag=data["lag"])
    for node in graph:
        unit = unit_of(node, period)
        if unit in graph.graph["inputs"] and (phase is None or period == 1 or node[0] == phase):
            carried.add_edge(START, node, lag=0)
        if unit in graph.graph["outputs"]:
            carried.add_edge(node, END, lag=0)
    return carried


def _ways(carried: nx.MultiDiGraph, head: Hashable, horizon: int) -> dict[Hashable, np.ndarray]:
    """Return the number of ways by identities from a node to every other, by lag."""
    reached = {head, *nx.descendants(carried, head)}
    inner = carried.subgraph(reached)
    instant = nx.DiGraph((u, v) for u, v, lag in inner.edges(data="lag") if lag == 0)
    instant.add_nodes_from(reached)
    order = list(nx.topological_sort(instant))
    ways = {node: np.zeros(horizon + 1) for node in order}
    ways[head][0] = 1.0
    for time in range(horizon + 1):
        for node in order:
            for source, _, lag in inner.in_edges(node, data="lag"):
                if lag <= time:
                    ways[node][time] += ways[source][time - lag]
    return ways


def _shifts(by_lag: np.ndarray) -> np.ndarray:
    """Return the matrix that delays a sequence by the lags, each so often."""
    size = len(by_lag)
    delay = np.arange(size)[:, None] - np.arange(size)
    return np.where(delay >= 0, by_lag[delay], 0.0)
