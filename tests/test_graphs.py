import json
import re

import networkx as nx
import pytest
from hypothesis import given

from drnn_theory import (
    clockwork_rnn,
    compute_mrl,
    cyclic_graph,
    dilated_rnn,
    graph_from_json,
    graph_to_json,
    state_size,
    unfold,
)
from drnn_theory.edges import edge_table
from tests.strategies import cyclic_graphs

LOOP = [("x", "h", 0), ("h", "h", 1)]


def test_the_same_triple_twice_is_one_edge_and_another_lag_is_another():
    graph = cyclic_graph([*LOOP, *LOOP, ("h", "h", 2)], inputs=["x"], outputs=["h"])
    assert sorted(graph.edges(data="lag")) == [("h", "h", 1), ("h", "h", 2), ("x", "h", 0)]


def test_inputs_outputs_and_period_live_in_the_graph():
    graph = cyclic_graph(LOOP, inputs=iter(["x"]), outputs={"h"})
    assert graph.graph == {"inputs": ("x",), "outputs": ("h",), "period": 1}


def test_a_networkx_graph_with_lags_serves_as_edges():
    plain = nx.MultiDiGraph()
    plain.add_edge("x", "h", lag=0)
    plain.add_edge("h", "h", lag=3)
    plain.add_edge("h", "h", lag=1)
    graph = cyclic_graph(plain, inputs=["x"], outputs=["h"])
    assert compute_mrl(graph, vertical=False) == compute_mrl([1, 3], vertical=False) == 4 / 3


@pytest.mark.parametrize(
    ("edges", "where", "error", "message"),
    [
        ([], {}, ValueError, "edges must be one or more triples (from, to, lag), got none"),
        (7, {}, TypeError, "edges must be triples (from, to, lag), got 7"),
        ("xh", {}, TypeError, "edges must be triples (from, to, lag), got 'xh'"),
        ([("x", "h")], {}, ValueError, "edges must be triples (from, to, lag), got ('x', 'h')"),
        ([3], {}, TypeError, "edges must be triples (from, to, lag), got 3"),
        (
            [("x", "h", -1)],
            {},
            ValueError,
            "lag of edge ('x', 'h') must be a non-negative integer, got -1: graphs are causal; "
            "where an output sees k later inputs, add k to every lag, the output of time t then "
            "being that of t - k",
        ),
        (
            [("x", "h", 0.5)],
            {},
            ValueError,
            "lag of edge ('x', 'h') must be a non-negative integer, got 0.5",
        ),
        (
            [("x", "h", True)],
            {},
            TypeError,
            "lag of edge ('x', 'h') must be a non-negative integer, got True",
        ),
        (
            nx.MultiDiGraph([("x", "h")]),
            {},
            ValueError,
            "lag of edge ('x', 'h') must be a non-negative integer, got none",
        ),
        (nx.Graph([("x", "h")]), {}, TypeError, "a graph of edges must be directed, got Graph"),
        ([("x", ["h"], 0)], {}, TypeError, "nodes must be hashable, got ['h']"),
        ([("x", None, 0)], {}, ValueError, "nodes must not be None, which networkx reserves"),
        (
            [("x", "a", 0), ("a", "h", 0), ("h", "a", 0)],
            {},
            ValueError,
            "cycle ['a', 'h'] has total lag 0, so a state would depend on itself",
        ),
        (
            [("x", "h", 0), ("h", "h", 0)],
            {},
            ValueError,
            "cycle ['h'] has total lag 0, so a state would depend on itself",
        ),
        (LOOP, {"inputs": ["z"]}, ValueError, "inputs must be units of the graph, got 'z'"),
        (LOOP, {"outputs": ["z"]}, ValueError, "outputs must be units of the graph, got 'z'"),
        (LOOP, {"outputs": []}, ValueError, "outputs must be one or more units, got none"),
        (
            LOOP,
            {"inputs": "x"},
            TypeError,
            "inputs must be a list of units, got 'x'",
        ),
        (LOOP, {"inputs": 5}, TypeError, "inputs must be a list of units, got 5"),
        (LOOP, {"period": 0}, ValueError, "period must be a positive integer, got 0"),
        (
            LOOP,
            {"period": 2},
            ValueError,
            "a node must be a pair (phase, unit) where the period is 2, got 'x'",
        ),
        (
            [((0, "x"), (2, "h"), 2)],
            {"period": 2},
            ValueError,
            "phase of node (2, 'h') must be below the period 2, got 2",
        ),
        (
            [((0, "x"), (1, "h"), 4)],
            {"period": 2},
            ValueError,
            "lag of edge ((0, 'x'), (1, 'h')) must be congruent to 1 modulo the period 2, got 4",
        ),
    ],
)
def test_a_malformed_graph_is_refused_by_naming_the_culprit(edges, where, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        cyclic_graph(edges, **{"inputs": ["x"], "outputs": ["h"]} | where)


def test_a_graph_built_without_cyclic_graph_is_checked_where_it_is_used():
    with pytest.raises(
        ValueError, match=r"^graph must carry inputs, outputs and period, got no inputs and no out"
    ):
        compute_mrl(nx.MultiDiGraph([("x", "h")]))
    for graph in (nx.DiGraph([("x", "h")]), nx.Graph([("x", "h")])):
        with pytest.raises(TypeError, match=r"^graph must be a nx.MultiDiGraph, got (Di)?Graph$"):
            compute_mrl(graph)
    graph = dilated_rnn([1, 2])
    graph.add_edge("h1", "h2", lag=-4)
    with pytest.raises(ValueError, match=r"lag of edge \('h1', 'h2'\) must be .* got -4"):
        compute_mrl(graph)


def test_parallel_edges_of_one_lag_are_refused_where_cyclic_graph_would_merge_them():
    graph = dilated_rnn([1, 2])
    graph.add_edge("x", "h1", lag=0)
    with pytest.raises(ValueError, match=r"^lag of edge \('x', 'h1'\) must differ .* got 0 twice$"):
        compute_mrl(graph)


def test_integral_lags_and_periods_become_ints():
    graph = dilated_rnn([1, 2])
    graph.add_edge("h1", "h1", lag=3.0)
    graph.graph["period"] = 1.0
    assert state_size(graph, 4) == state_size([3, 2], 4)
    assert isinstance(graph.graph["period"], int)


def test_phases_are_integers():
    edges = [((0.0, "x"), (1.0, "h"), 1)]
    with pytest.raises(
        TypeError, match=r"^phase of node \(0\.0, 'x'\) must be an integer, got 0\.0"
    ):
        cyclic_graph(edges, inputs=["x"], outputs=["h"], period=2)


def test_acyclic_graphs_and_unreachable_outputs_are_accepted():
    graph = cyclic_graph([("x", "h", 0), ("a", "y", 1)], inputs=["x"], outputs=["y"])
    assert compute_mrl(graph) == float("inf")


def test_unfolding_joins_every_time_to_the_time_a_lag_later():
    unfolded = unfold(dilated_rnn([1, 2]), 3)
    assert set(unfolded) == {(t, u) for t in range(4) for u in ("x", "h1", "h2")}
    assert sorted(unfolded.successors((1, "h2"))) == [(3, "h2")]
    assert sorted(unfolded.successors((1, "h1"))) == [(1, "h2"), (2, "h1")]


def test_unfolding_respects_the_phases():
    edges = [((0, "x"), (0, "h"), 0), ((0, "h"), (0, "h"), 2), ((1, "x"), (0, "h"), 1)]
    unfolded = unfold(cyclic_graph(edges, inputs=["x"], outputs=["h"], period=2), 4)
    assert sorted(t for t, unit in unfolded if unit == "h") == [0, 2, 4]
    assert sorted(unfolded.successors((1, "x"))) == [(2, "h")]


@given(cyclic_graphs())
def test_every_unfolded_graph_is_acyclic_and_keeps_its_lags(graph):
    unfolded = unfold(graph, 9)
    assert nx.is_directed_acyclic_graph(unfolded)
    assert all(v[0] - u[0] == lag for u, v, lag in unfolded.edges(data="lag"))


def test_a_graph_too_large_to_unfold_is_refused_with_the_figure():
    with pytest.raises(ValueError, match=r"unfolded over 10000000000 steps must fit .* GiB$"):
        unfold(dilated_rnn([1, 2]), 10**10)


@given(cyclic_graphs())
def test_json_brings_back_the_same_graph(graph):
    again = graph_from_json(graph_to_json(graph))
    assert again.graph == graph.graph
    assert set(again.edges(data="lag")) == set(graph.edges(data="lag"))


def test_json_keeps_inputs_that_nothing_reads():
    graph = clockwork_rnn([2, 4])
    assert set(graph_from_json(graph_to_json(graph))) == set(graph)
    assert (1, "x") in graph


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(edges=None), "edges of a JSON graph must be a list, got None"),
        (lambda data: data.update(directed=False), "a JSON graph must be directed, got false"),
        (lambda data: data["nodes"].append({"id": {}}), "nodes must be hashable, got {}"),
        (lambda data: data["nodes"].append({"id": None}), "nodes must not be None"),
        (lambda data: data.update(nodes=[3]), "nodes of a JSON graph must be objects with an id"),
        (lambda data: data.pop("graph"), "a JSON graph must be an object with the keys graph and"),
        (lambda data: data["graph"].pop("inputs"), "inputs of a JSON graph must be a list"),
        (lambda data: data["edges"][0].pop("lag"), "must have source, target and lag, got {"),
        (lambda data: data["edges"][0].update(lag=-2), "lag of edge ('x', 'h1') must be a non-neg"),
        (lambda data: data["edges"][0].update(lag="1"), "got '1'"),
        (lambda data: data["graph"].update(outputs=["q"]), "outputs must be units of the graph"),
        (lambda data: data["graph"].update(period=3), "a node must be a pair (phase, unit)"),
    ],
)
def test_a_malformed_json_graph_is_refused_by_naming_the_culprit(change, message):
    data = json.loads(graph_to_json(dilated_rnn([1, 2])))
    change(data)
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        graph_from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", None, b"\xff", "[" * 100_000])
def test_what_is_no_json_graph_is_refused(text):
    with pytest.raises(ValueError, match=r"^a (JSON )?graph must be "):
        graph_from_json(text)


def test_a_node_that_json_cannot_hold_is_named():
    graph = cyclic_graph([("x", frozenset("h"), 0)], inputs=["x"], outputs=[frozenset("h")])
    with pytest.raises(TypeError, match=r"^nodes must be JSON values to be written, got "):
        graph_to_json(graph)


def test_the_edge_table_keeps_only_walks_from_input_to_output():
    edges = [*LOOP, ("h", "dead", 0), ("dead", "dead", 9), ("unfed", "h", 0)]
    table = edge_table(cyclic_graph(edges, inputs=["x"], outputs=["h"]))
    assert table.nodes == ["x", "h"]
    assert sorted(table.lag.tolist()) == [0, 1]
