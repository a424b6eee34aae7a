"""The edges of cyclic graphs: which are matrices, which identities, and all of them as arrays."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

__all__ = [
    "CheckedGraph",
    "EdgeTable",
    "Matrix",
    "bare_inputs",
    "edge_table",
    "identity_edges",
    "is_identity",
    "matrices",
    "matrix_edges",
    "scaled_identities",
    "sums",
    "unit_of",
]


def matrix_edges(graph: nx.MultiDiGraph) -> list[tuple[Hashable, Hashable, int]]:
    """Return the edges (u, v, lag) that are no identities.

    >>> from drnn_theory import cyclic_graph
    >>> matrix_edges(
    ...     cyclic_graph(
    ...         [("x", "h", 1)], inputs=["x"], outputs=["y"], identities=[("h", "y", 0)]
    ...     )
    ... )
    [('x', 'h', 1)]
    """
    return [(u, v, data["lag"]) for u, v, data in graph.edges(data=True) if not is_identity(data)]


class Matrix(NamedTuple):
    """An edge that is no identity: equal names share their weights.

    ``form`` is "full", "diagonal" (one number per unit) or "attention".
    """

    source: Hashable
    target: Hashable
    lag: int
    name: Hashable
    form: str


def matrices(graph: nx.MultiDiGraph, *, share_phases: bool = True) -> list[Matrix]:
    """Return the edges of :func:`matrix_edges` with the names of what they multiply by.

    The phases of a unit share their matrices: of the edges from one unit into a node, that of
    least lag has the same matrix in every phase, so has the next, and so on. The edges of attention
    from one unit into another share one name.

    >>> from drnn_theory import clockwork_rnn
    >>> edges = matrices(clockwork_rnn([1, 2]))
    >>> len(edges), len({edge.name for edge in edges})
    (12, 7)
    """
    period = graph.graph["period"]
    edges = [(u, v, data) for u, v, data in graph.edges(data=True) if not is_identity(data)]
    ranks: dict[Hashable, int] = {}
    named: dict[int, Matrix] = {}
    for i in sorted(range(len(edges)), key=lambda i: int(edges[i][2]["lag"])):
        u, v, data = edges[i]
        diagonal = "diagonal" if data.get("diagonal", False) else "full"
        form = "attention" if "attention" in data else diagonal
        ends = (unit_of(u, period), unit_of(v, period)) if share_phases else (u, v)
        group = ends[0], v, form
        rank = ranks[group] = 0 if form == "attention" else ranks.get(group, -1) + 1
        named[i] = Matrix(u, v, int(data["lag"]), (*ends, form, rank), form)
    return [named[i] for i in range(len(edges))]


def identity_edges(graph: nx.MultiDiGraph) -> list[tuple[Hashable, Hashable, int]]:
    """Return the identities (u, v, lag) of the graph.

    >>> from drnn_theory import cyclic_graph
    >>> identity_edges(
    ...     cyclic_graph(
    ...         [("x", "h", 1)], inputs=["x"], outputs=["y"], identities=[("h", "y", 0)]
    ...     )
    ... )
    [('h', 'y', 0)]
    """
    return [(u, v, data["lag"]) for u, v, data in graph.edges(data=True) if is_identity(data)]


def scaled_identities(graph: nx.MultiDiGraph) -> dict[tuple[Hashable, Hashable, int], Hashable]:
    """Return the diagonal identities, with the names of the numbers per unit they multiply by.

    >>> from drnn_theory import StateSpace, sequential
    >>> scaled_identities(sequential([StateSpace(counted=False)]))
    {('s1', 's1', 1): ('s1', 's1', 1)}
    """
    period = graph.graph["period"]
    return {
        (u, v, data["lag"]): (unit_of(u, period), unit_of(v, period), data["lag"])
        for u, v, data in graph.edges(data=True)
        if is_identity(data) and data.get("diagonal", False)
    }


def sums(graph: nx.MultiDiGraph) -> set[Hashable]:
    """Return the units that only identities enter, at any of their phases, inputs excepted.

    >>> from drnn_theory import cyclic_graph
    >>> sums(
    ...     cyclic_graph(
    ...         [("x", "h", 1)], inputs=["x"], outputs=["y"], identities=[("h", "y", 0)]
    ...     )
    ... )
    {'y'}
    """
    period = graph.graph["period"]
    carried = {unit_of(v, period) for _, v, _ in identity_edges(graph)}
    multiplied = {unit_of(v, period) for _, v, _ in matrix_edges(graph)}
    return carried - multiplied - set(graph.graph["inputs"])


def bare_inputs(graph: nx.MultiDiGraph) -> set[Hashable]:
    """Return the input nodes that are the input itself: no edge enters them and they are no output.

    >>> from drnn_theory import cyclic_graph
    >>> bare_inputs(cyclic_graph([("x", "h", 0), ("h", "h", 1)], inputs=["x", "h"], outputs=["h"]))
    {'x'}
    """
    period = graph.graph["period"]
    entered = {unit_of(node, period) for node in graph if graph.in_degree(node)}
    bare = set(graph.graph["inputs"]) - entered - set(graph.graph["outputs"])
    return {node for node in graph if unit_of(node, period) in bare}


def is_identity(data: dict[str, Any]) -> bool:
    """Tell whether an edge's data are those of an identity."""
    return bool(data.get("identity", False))


class EdgeTable(NamedTuple):
    """A cyclic graph as arrays, reduced to what lies on a walk from an input to an output.

    ``source``, ``target`` index ``nodes``; ``lag`` holds ints (objects where they pass 2**62);
    ``weight`` is what an edge counts in a length, 1 for a matrix and 0 for an identity.
    ``inputs`` and ``outputs`` are indices too. All are empty where no input reaches an output.
    """

    nodes: list[Hashable]
    source: np.ndarray
    target: np.ndarray
    lag: np.ndarray
    weight: np.ndarray
    inputs: list[int]
    outputs: list[int]


class CheckedGraph(nx.MultiDiGraph):
    """A cyclic graph that was checked, for one computation that changes nothing in it.

    It shares nodes and edges with the graph that it was made from. See
    :func:`drnn_theory.graphs.checked_graph`.
    """

    @cached_property
    def table(self) -> EdgeTable:
        """The graph as arrays, pruned once."""
        return _pruned(self)


def edge_table(graph: nx.MultiDiGraph) -> EdgeTable:
    """Return the graph as arrays, pruned to the nodes on walks from an input to an output."""
    return graph.table if isinstance(graph, CheckedGraph) else _pruned(graph)


def _pruned(graph: nx.MultiDiGraph) -> EdgeTable:
    period = graph.graph["period"]
    inputs, outputs = set(graph.graph["inputs"]), set(graph.graph["outputs"])
    starts = [node for node in graph if unit_of(node, period) in inputs]
    ends = [node for node in graph if unit_of(node, period) in outputs]
    after = _reached(graph.successors, starts)
    before = _reached(graph.predecessors, ends)
    nodes = [node for node in graph if node in after and node in before]
    index = {node: i for i, node in enumerate(nodes)}
    edges = [
        (index[u], index[v], int(data["lag"]), 0 if is_identity(data) else 1)
        for u, v, data in graph.edges(data=True)
        if u in index and v in index
    ]
    source, target, lag, weight = zip(*edges, strict=True) if edges else ((), (), (), ())
    exact = np.int64 if max(lag, default=0) < 2**62 else object
    return EdgeTable(
        nodes,
        np.array(source, dtype=np.int64),
        np.array(target, dtype=np.int64),
        np.array(lag, dtype=exact),
        np.array(weight, dtype=np.int64),
        [index[node] for node in starts if node in index],
        [index[node] for node in ends if node in index],
    )


def _reached(step: Any, roots: list[Hashable]) -> set[Hashable]:
    """Return all that repeated ``step`` reaches from the roots, themselves included."""
    reached, frontier = set(roots), list(roots)
    while frontier:
        new = set(step(frontier.pop())) - reached
        reached |= new
        frontier.extend(new)
    return reached


def unit_of(node: Any, period: int) -> Hashable:
    """Return the unit of a node, which is a pair (phase, unit) where the period is above 1."""
    return node if period == 1 else node[1]
