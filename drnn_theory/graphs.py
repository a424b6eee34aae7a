r"""Cyclic graphs of recurrent architectures, and their unfolding in time.

A cyclic graph ([1], Definition 3.1; [2]) is a directed multigraph whose every edge (u, v) carries a
``lag``: the state of v at time t reads the state of u at time t - lag. Every directed cycle has a
positive total lag, so that no state depends on itself. Where the wiring repeats only every
``period`` steps (a clockwork RNN) the nodes are pairs (phase, unit), phase being the time modulo
the period.

An edge is a matrix unless it is an *identity*, which carries a state on unchanged: a residual sum
or a skip connection. A unit computes

.. math:: h_v(t) = f\Big(b_v + \sum_{\text{edges}} W h_u(t - n)\Big)
    + \sum_{\text{identities}} h_u(t - n),

and a unit that only identities enter is their sum, without nonlinearity, bias or parameters. In all
lengths a matrix counts one edge and an identity none. Two more attributes say what an edge costs:
``diagonal=True`` that it multiplies every unit by a number of its own, as the decay of a state
space does, an identity's too; ``attention=n`` that it is one of a window that reaches n steps back
and shares its matrices. :mod:`drnn_theory.layers` sets them.

Every graph that a function of the package takes is checked here first, as every scheme of dilations
is in ``drnn_theory.dilations``.

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
[2] Zhang et al., Architectural Complexity Measures of Recurrent Neural Networks, NIPS 2016,
arXiv:1602.08210.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from numbers import Integral, Real
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.checks import as_integer, require_memory, shown
from drnn_theory.edges import CheckedGraph, is_identity, matrix_edges, unit_of

__all__ = [
    "as_graph",
    "checked_graph",
    "cyclic_graph",
    "graph_from_json",
    "graph_to_json",
    "unfold",
]


def cyclic_graph(
    edges: Iterable[tuple[Hashable, Hashable, int]] | nx.Graph,
    *,
    inputs: Iterable[Hashable],
    outputs: Iterable[Hashable],
    period: int = 1,
    identities: Iterable[tuple[Hashable, Hashable, int]] = (),
) -> nx.MultiDiGraph:
    """Return the cyclic graph of an architecture: a MultiDiGraph with ``lag`` on every edge.

    ``edges`` are triples (u, v, lag), a frame with the columns source, target and lag, or a
    directed networkx graph whose edges carry ``lag``; the same triple twice is one edge. With
    period 1 the nodes are any hashables; with a longer period they are pairs (phase, unit), and the
    lag of an edge is congruent to the difference of its phases. ``inputs`` and ``outputs`` name
    units, every phase of which counts; they and the period are kept in ``graph.graph``.

    ``identities`` are triples too: edges that carry a state on unchanged, added after the
    nonlinearity. They count no edge in any length and have no parameters; they carry
    ``identity=True``. The same identity twice is one; beside an edge of the same triple it is
    another.

    Raises ValueError or TypeError, naming the culprit, for anything else, a cycle of total lag 0
    included. Acyclic graphs and outputs that no input reaches are accepted.

    >>> graph = cyclic_graph([("x", "h", 0), ("h", "h", 1), ("h", "h", 8)], inputs="x", outputs="h")
    Traceback (most recent call last):
    TypeError: inputs must be a list of units, got 'x'
    >>> graph = cyclic_graph(
    ...     [("x", "h", 0), ("h", "h", 1), ("h", "h", 8)], inputs=["x"], outputs=["h"]
    ... )
    >>> sorted(graph.edges(data="lag"))
    [('h', 'h', 1), ('h', 'h', 8), ('x', 'h', 0)]

    A second layer, and a sum of both as the output:

    >>> edges = [("x", "h", 0), ("h", "h", 1), ("h", "g", 0), ("g", "g", 4)]
    >>> sums = [("h", "y", 0), ("g", "y", 0)]
    >>> graph = cyclic_graph(edges, inputs=["x"], outputs=["y"], identities=sums)
    >>> sorted((u, v) for u, v, identity in graph.edges(data="identity") if identity)
    [('g', 'y'), ('h', 'y')]
    """
    period = as_integer(period, "period")
    graph = nx.MultiDiGraph(
        inputs=_units(inputs, "inputs"), outputs=_units(outputs, "outputs"), period=period
    )
    for source, target, lag, traits in _traited(edges, "edges"):
        _add(graph, source, target, lag, traits)
    carried = []
    for source, target, lag, traits in _traited(identities, "identities"):
        _add(graph, source, target, lag, traits | {"identity": True})
        carried.append((source, target))
    as_graph(graph)
    _check_carried(graph, carried)
    return graph


def _add(
    graph: nx.MultiDiGraph, source: Any, target: Any, lag: Any, traits: dict[str, Any]
) -> None:
    lag = _checked_lag(lag, source, target)
    key = f"identity {lag}" if traits.get("identity") else lag
    graph.add_edge(source, target, key=key, lag=lag, **traits)


def _check_carried(graph: nx.MultiDiGraph, carried: list[tuple[Any, Any]]) -> None:
    """Refuse identities that come from, or lead to, a unit of which nothing else speaks."""
    period = graph.graph["period"]
    pairs = [(unit_of(u, period), unit_of(v, period)) for u, v in carried]
    inputs, outputs = set(graph.graph["inputs"]), set(graph.graph["outputs"])
    written = {unit_of(n, period) for e in matrix_edges(graph) for n in e[:2]}
    fed = written | inputs | {v for _, v in pairs}
    read = written | outputs | {u for u, _ in pairs}
    for source, target in pairs:
        if source not in fed:
            raise ValueError(
                "an identity must come from a unit of the edges, an input or a sum, "
                f"got {shown(source)}"
            )
        if target not in read:
            raise ValueError(
                "an identity must lead to a unit of the edges, an output or a sum that is read, "
                f"got {shown(target)}"
            )


def as_graph(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Return ``graph`` if it is a cyclic graph, else raise ValueError or TypeError saying why not.

    Lags and the period that are integral but no int (numpy's integers, 4.0) become ints in place.

    >>> as_graph(nx.DiGraph([("x", "h")]))
    Traceback (most recent call last):
    TypeError: graph must be a nx.MultiDiGraph, got DiGraph
    """
    if not isinstance(graph, CheckedGraph):
        _check(graph)
    return graph


def checked_graph(graph: nx.MultiDiGraph) -> CheckedGraph:
    """Return the graph as one that is checked and pruned no more than once.

    It shares nodes and edges with the graph given: for a computation that does not change them and
    does not hand it out.

    >>> graph = checked_graph(cyclic_graph([("x", "h", 1)], inputs=["x"], outputs=["h"]))
    >>> as_graph(graph) is checked_graph(graph) is graph, graph.table.nodes
    (True, ['x', 'h'])
    """
    if isinstance(graph, CheckedGraph):
        return graph
    checked = CheckedGraph()
    checked.__dict__.update(as_graph(graph).__dict__)
    return checked


def _check(graph: Any) -> None:
    if not isinstance(graph, nx.MultiDiGraph):
        raise TypeError(f"graph must be a nx.MultiDiGraph, got {type(graph).__name__}")
    missing = {"inputs", "outputs", "period"} - graph.graph.keys()
    if missing:
        raise ValueError(
            "graph must carry inputs, outputs and period, got no "
            f"{' and no '.join(sorted(missing))}: build it with cyclic_graph"
        )
    period = graph.graph["period"] = as_integer(graph.graph["period"], "period")
    if graph.number_of_edges() == 0:
        raise ValueError("edges must be one or more triples (from, to, lag), got none")
    if period > 1:
        for node in graph:
            _check_phase(node, period)
    triples = set()
    for source, target, data in graph.edges(data=True):
        lag = data["lag"] = _checked_lag(data.get("lag"), source, target)
        _check_traits(data, source, target)
        if (source, target, lag, is_identity(data)) in triples:
            raise ValueError(
                f"{_lag_of(source, target)} must differ from its parallel edges', got {lag} twice"
            )
        triples.add((source, target, lag, is_identity(data)))
        if period > 1 and (lag - target[0] + source[0]) % period:
            raise ValueError(
                f"{_lag_of(source, target)} must be congruent to "
                f"{(target[0] - source[0]) % period} modulo the period {period}, got {lag}"
            )
    units = {unit_of(node, period) for node in graph}
    for role in ("inputs", "outputs"):
        for unit in _units(graph.graph[role], role):
            if unit not in units:
                raise ValueError(f"{role} must be units of the graph, got {shown(unit)}")
    instant = nx.DiGraph((u, v) for u, v, lag in graph.edges(data="lag") if lag == 0)
    if not nx.is_directed_acyclic_graph(instant):
        cycle = [source for source, _ in nx.find_cycle(instant)]
        raise ValueError(f"cycle {cycle} has total lag 0, so a state would depend on itself")


def unfold(graph: nx.MultiDiGraph, steps: int) -> nx.DiGraph:
    """Return the graph unfolded over times 0..steps: nodes (time, unit), acyclic, ``lag`` kept.

    An edge (u, v, lag) joins (t, u) to (t + lag, v) for every t at which both exist. The unfolded
    edge carries ``matrix=True`` if a matrix runs along it and ``identity=True`` if an identity
    does; it may carry both.

    >>> graph = cyclic_graph([("x", "h", 0), ("h", "h", 2)], inputs=["x"], outputs=["h"])
    >>> sorted(unfold(graph, 2).edges)
    [((0, 'h'), (2, 'h')), ((0, 'x'), (0, 'h')), ((1, 'x'), (1, 'h')), ((2, 'x'), (2, 'h'))]
    """
    graph = as_graph(graph)
    steps = as_integer(steps, "steps", minimum=0)
    period = graph.graph["period"]
    size = (steps // period + 1) * (graph.number_of_nodes() + graph.number_of_edges())
    require_memory(500 * size, f"a graph unfolded over {steps} steps")
    unfolded = nx.DiGraph()
    for node in graph:
        first = node[0] if period > 1 else 0
        unfolded.add_nodes_from((t, unit_of(node, period)) for t in range(first, steps + 1, period))
    for source, target, data in graph.edges(data=True):
        lag, kind = data["lag"], "identity" if is_identity(data) else "matrix"
        first = source[0] if period > 1 else 0
        u, v = unit_of(source, period), unit_of(target, period)
        unfolded.add_edges_from(
            ((t, u), (t + lag, v), {"lag": lag, kind: True})
            for t in range(first, steps - lag + 1, period)
        )
    return unfolded


def graph_to_json(graph: nx.MultiDiGraph) -> str:
    """Return the graph as JSON in networkx's node-link format; nodes must be JSON values.

    >>> graph = cyclic_graph([("x", "h", 0), ("h", "h", 1)], inputs=["x"], outputs=["h"])
    >>> graph_from_json(graph_to_json(graph)).edges == graph.edges
    True
    """
    data = nx.node_link_data(as_graph(graph), edges="edges")
    try:
        return json.dumps(data, allow_nan=False, default=_as_python)
    except (TypeError, ValueError) as error:
        raise TypeError(f"nodes must be JSON values to be written, got {error}") from None


def _as_python(value: Any) -> Any:
    """Return a numpy number as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{shown(value)} is a {type(value).__name__}")


def graph_from_json(text: str) -> nx.MultiDiGraph:
    """Return the cyclic graph that :func:`graph_to_json` wrote, checked as if it were built here.

    Raises ValueError, naming the culprit, for any other text. JSON has no tuples: lists that
    stand for nodes are read as tuples.

    >>> edges = [{"source": "x", "target": "h", "lag": 0}, {"source": "h", "target": "h", "lag": 3}]
    >>> text = json.dumps({"graph": {"inputs": ["x"], "outputs": ["h"]}, "edges": edges})
    >>> list(graph_from_json(text).edges(data="lag"))
    [('x', 'h', 0), ('h', 'h', 3)]
    """
    try:
        data = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"a graph must be JSON in node-link format, got {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("graph"), dict):
        raise ValueError("a JSON graph must be an object with the keys graph and edges, got none")
    if data.get("directed") is False:
        raise ValueError("a JSON graph must be directed, got false")
    links = data.get("edges", data.get("links"))
    if not isinstance(links, list):
        raise ValueError(f"edges of a JSON graph must be a list, got {shown(links)}")
    about = data["graph"]
    for key in ("inputs", "outputs"):
        if not isinstance(about.get(key), list):
            units = "none" if about.get(key) is None else shown(about[key])
            raise ValueError(f"{key} of a JSON graph must be a list in its graph, got {units}")
    for link in links:
        if not isinstance(link, dict) or not {"source", "target", "lag"} <= link.keys():
            raise ValueError(
                f"an edge of a JSON graph must have source, target and lag, got {shown(link)}"
            )
    nodes = data.get("nodes", [])
    if not isinstance(nodes, list) or not all(isinstance(n, dict) and "id" in n for n in nodes):
        raise ValueError(f"nodes of a JSON graph must be objects with an id, got {shown(nodes)}")
    between = nx.MultiDiGraph()
    for link in links:
        ends = _tupled(link["source"]), _tupled(link["target"])
        for end in ends:
            _check_hashable(end)
        traits = {name: link[name] for name in _TRAITS if name in link}
        between.add_edge(*ends, lag=link["lag"], **traits)
    graph = cyclic_graph(
        between,
        inputs=[_tupled(unit) for unit in about["inputs"]],
        outputs=[_tupled(unit) for unit in about["outputs"]],
        period=about.get("period", 1),
    )
    for node in nodes:  # those without an edge, too
        _check_hashable(_tupled(node["id"]))
        graph.add_node(_tupled(node["id"]))
    return as_graph(graph)


def _lag_of(source: Any, target: Any) -> str:
    return f"lag of edge {shown((source, target))}"


def _checked_lag(lag: Any, source: Any, target: Any) -> int:
    if type(lag) is int and lag >= 0:  # before a message is written for each of many edges
        return lag
    if lag is None:
        raise ValueError(f"{_lag_of(source, target)} must be a non-negative integer, got none")
    try:
        return as_integer(lag, _lag_of(source, target), minimum=0)
    except ValueError as error:
        if isinstance(lag, Real) and lag < 0:
            raise ValueError(
                f"{error}: graphs are causal; where an output sees k later inputs, add k to every "
                "lag, the output of time t then being that of t - k"
            ) from None
        raise


def _check_phase(node: Any, period: int) -> None:
    if not (isinstance(node, tuple) and len(node) == 2):
        raise ValueError(
            f"a node must be a pair (phase, unit) where the period is {period}, got {shown(node)}"
        )
    if type(node[0]) is int and 0 <= node[0] < period:
        return
    name = f"phase of node {shown(node)}"
    if not isinstance(node[0], Integral):
        raise TypeError(f"{name} must be an integer, got {shown(node[0])}")
    if as_integer(node[0], name, minimum=0) >= period:
        raise ValueError(f"{name} must be below the period {period}, got {node[0]}")


def _units(units: Iterable[Hashable], role: str) -> tuple[Hashable, ...]:
    if isinstance(units, str) or not isinstance(units, Iterable):
        raise TypeError(f"{role} must be a list of units, got {shown(units)}")
    units = tuple(units)
    if not units:
        raise ValueError(f"{role} must be one or more units, got none")
    for unit in units:
        _check_hashable(unit)
    return tuple(dict.fromkeys(units))


_TRAITS = ("identity", "attention", "diagonal")  # what an edge may carry besides its lag


def _check_traits(data: dict[str, Any], source: Any, target: Any) -> None:
    for name in ("identity", "diagonal"):
        value = data.get(name, False)
        if not isinstance(value, bool):
            raise TypeError(
                f"{name} of edge {shown((source, target))} must be True or False, "
                f"got {shown(value)}"
            )
    if "attention" in data:
        name = f"attention of edge {shown((source, target))}"
        data["attention"] = as_integer(data["attention"], name, minimum=0)


def _traited(edges: Any, name: str) -> Iterable[tuple[Hashable, Hashable, Any, dict[str, Any]]]:
    """Yield edges as (from, to, lag, what else they carry), of triples or of a networkx graph."""
    if isinstance(edges, nx.Graph):
        if not edges.is_directed():
            raise TypeError(f"a graph of {name} must be directed, got {type(edges).__name__}")
        for source, target, data in edges.edges(data=True):
            traits = {trait: data[trait] for trait in _TRAITS if trait in data}
            if "lag" not in data and data:  # drawn by another tool
                raise ValueError(
                    f"{_lag_of(source, target)} must be given as the attribute lag, "
                    f"got {', '.join(map(str, data))}"
                )
            yield source, target, data.get("lag"), traits
        return
    rule = f"{name} must be triples (from, to, lag)"
    if hasattr(edges, "columns") and hasattr(edges, "itertuples"):
        edges = _rows_of(edges, rule)
    if isinstance(edges, str) or not isinstance(edges, Iterable):
        raise TypeError(f"{rule}, got {shown(edges)}")
    for edge in edges:
        if isinstance(edge, str) or not isinstance(edge, Iterable):
            raise TypeError(f"{rule}, got {shown(edge)}")
        triple = tuple(edge)
        if len(triple) != 3:
            raise ValueError(f"{rule}, got {shown(edge if isinstance(edge, list) else triple)}")
        _check_hashable(triple[0])
        _check_hashable(triple[1])
        yield *triple, {}


def _rows_of(frame: Any, rule: str) -> Iterable[tuple[Any, ...]]:
    """Return the rows of a frame of edges, whose columns say which is which."""
    for ends in (["source", "target", "lag"], ["from", "to", "lag"], ["u", "v", "lag"]):
        if set(ends) <= set(frame.columns):
            rows: Iterable[tuple[Any, ...]] = frame[ends].itertuples(index=False, name=None)
            return rows
    columns = ", ".join(map(str, frame.columns))
    raise ValueError(f"{rule}, a frame of them must have source, target and lag, got {columns}")


def _check_hashable(node: Any) -> None:
    try:
        hash(node)
    except TypeError:
        raise TypeError(f"nodes must be hashable, got {shown(node)}") from None
    if node is None:
        raise ValueError("nodes must not be None, which networkx reserves")


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
