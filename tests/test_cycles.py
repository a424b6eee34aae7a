"""Cycle ratios and longest walks against all cycles and walks, listed one by one."""

from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory.cycles import longest_walks, maximum_cycle_ratio, strong_components

edge_lists = st.integers(1, 5).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(
            st.tuples(
                st.integers(0, size - 1),
                st.integers(0, size - 1),
                st.integers(-6, 6),
                st.integers(1, 3),
            ),
            max_size=9,
        ),
    )
)


def columns(edges):
    """The four integer arrays of a list of edges (source, target, lag, weight)."""
    return [np.array(column, dtype=np.int64) for column in zip(*edges, strict=True)] or [
        np.zeros(0, dtype=np.int64) for _ in range(4)
    ]


def best_by_listing(edges):
    """The largest ratio over all cycles of a graph, None without one, from the list of cycles."""
    graph = nx.MultiDiGraph()
    for u, v, lag, weight in edges:
        graph.add_edge(u, v, lag=lag, weight=weight)
    ratios = []
    for nodes in nx.simple_cycles(nx.DiGraph(graph)):
        totals = {(0, 0)}
        for u, v in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            parallel = [(d["lag"], d["weight"]) for d in graph[u][v].values()]
            totals = {(a + lag, b + weight) for a, b in totals for lag, weight in parallel}
        ratios += [Fraction(lag, weight) for lag, weight in totals]
    return max(ratios, default=None)


@settings(max_examples=150)
@given(edge_lists)
def test_the_best_cycle_is_that_of_the_list_of_all_cycles(case):
    size, edges = case
    source, target, lag, weight = columns(edges)
    best = maximum_cycle_ratio(size, source, target, lag, weight)
    listed = best_by_listing(edges)
    if listed is None:
        assert best is None
        return
    assert best.ratio == listed
    # the witness is a cycle of that ratio
    assert target[best.cycle].tolist() == np.roll(source[best.cycle], -1).tolist()
    assert Fraction(int(lag[best.cycle].sum()), int(weight[best.cycle].sum())) == best.ratio
    assert best.critical[best.cycle].all()
    # the potentials prove that none is better
    p, q = best.ratio.numerator, best.ratio.denominator
    assert np.all(
        best.potentials[target] >= best.potentials[source] + q * lag.astype(object) - p * weight
    )


@settings(max_examples=150)
@given(edge_lists)
def test_the_longest_walks_are_those_of_bellman_and_ford(case):
    size, edges = case
    source, target, gain, _ = columns(edges)
    walks, cycle = longest_walks(size, source, target, gain)
    graph = nx.MultiDiGraph()
    graph.add_edges_from((u, v, {"length": -gain}) for u, v, gain, _ in edges)
    graph.add_edges_from(("start", node, {"length": 0}) for node in range(size))
    if cycle is None:
        lengths = nx.single_source_bellman_ford_path_length(graph, "start", weight="length")
        assert walks.tolist() == [-lengths[node] for node in range(size)]
    else:
        assert target[cycle].tolist() == np.roll(source[cycle], -1).tolist()
        assert gain[cycle].sum() > 0
        assert nx.negative_edge_cycle(graph, weight="length")


def test_walks_begin_where_they_are_told_to():
    source, target = np.array([0, 1]), np.array([1, 2])
    walks, cycle = longest_walks(
        4, source, target, np.array([5, 7]), start=np.array([0, -100, -100, -100])
    )
    assert (walks.tolist(), cycle) == ([0, 5, 12, -100], None)


def test_numbers_beyond_64_bits_stay_exact():
    lag = np.array([2**70, 1], dtype=object)
    best = maximum_cycle_ratio(
        2, np.array([0, 1]), np.array([1, 0]), lag, np.array([1, 1], dtype=object)
    )
    assert best.ratio == Fraction(2**70 + 1, 2)


@pytest.mark.parametrize(
    ("edges", "parts"),
    [([], [0, 1, 2]), ([(0, 1), (1, 0)], [0, 0, 1]), ([(0, 1), (1, 2)], [0, 1, 2])],
    ids=["no edge", "a cycle of two", "a path"],
)
def test_components_are_those_in_which_all_reach_each_other(edges, parts):
    source, target = (
        (np.array(ends, dtype=np.int64) for ends in zip(*edges, strict=True))
        if edges
        else (np.zeros(0, dtype=np.int64),) * 2
    )
    labels = strong_components(3, source, target)
    assert len(set(labels)) == len(set(parts))
    for u in range(3):
        for v in range(3):
            assert (labels[u] == labels[v]) == (parts[u] == parts[v])
