"""One shortest path: as long as the reference's, an edge at a time, in any phase."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drnn_theory import (
    clockwork_rnn,
    cyclic_graph,
    dilated_rnn,
    residual_rnn,
    shortest_path,
    shortest_path_lengths,
    unfold,
)
from drnn_theory.edges import identity_edges
from drnn_theory.explorer import views
from drnn_theory.explorer.choices import Choice
from drnn_theory.paths.reference import reference_path, reference_path_lengths
from tests.strategies import cyclic_graphs


def weights(graph, path, start):
    """Return matrices and identities on a path, each edge of which must be one of the graph."""
    unfolded = unfold(graph, path[-1][0])
    edges = [unfolded.edges[a, b] for a, b in pairwise(path)]
    assert path[0][0] == start
    assert path[0][1] in graph.graph["inputs"]
    assert path[-1][1] in graph.graph["outputs"]
    identities = sum("identity" in edge for edge in edges)
    return len(edges) - identities, identities


@given(cyclic_graphs(), st.integers(0, 12), st.integers(0, 5))
def test_a_path_of_a_random_graph_is_as_long_as_the_references(graph, lag, start):
    path = shortest_path(graph, lag, start=start)
    reference = reference_path(graph, lag, start=start)
    assert bool(path) == bool(reference)
    if path:
        assert path[-1][0] - path[0][0] == lag
        assert weights(graph, path, start) == weights(graph, reference, start)


@pytest.mark.parametrize("lag", [0, 1, 5, 9, 14])
def test_of_paths_with_identities_it_is_one_with_the_fewest(lag):
    graph = residual_rnn([[1, 2], [4, 8]])
    assert identity_edges(graph)
    path, reference = shortest_path(graph, lag), reference_path(graph, lag)
    assert weights(graph, path, 0) == weights(graph, reference, 0)
    assert weights(graph, path, 0)[0] == reference_path_lengths(graph, lag)[lag]


@pytest.mark.parametrize("lag", [1, 2, 3, 7, 20])
def test_the_worst_and_best_phases_are_those_of_the_lengths(lag):
    graph = clockwork_rnn([1, 2, 4])
    by_phase = [reference_path_lengths(graph, lag, start=start)[lag] for start in range(4)]
    for start, extreme in (("worst", max), ("best", min)):
        path = shortest_path(graph, lag, start=start)
        assert len(path) - 1 == extreme(by_phase)
        assert path[0][0] == by_phase.index(extreme(by_phase))
        assert len(path) - 1 == shortest_path_lengths(graph, lag, start=start)[lag]


def test_a_start_after_many_periods_costs_no_more_and_moves_the_path():
    graph = clockwork_rnn([1, 2, 4])
    early, late = shortest_path(graph, 9, start=3), shortest_path(graph, 9, start=3 + 4 * 10**9)
    assert [(t + 4 * 10**9, unit) for t, unit in early] == late


def test_a_lag_that_no_path_reaches_has_an_empty_path():
    assert shortest_path([2, 4], 3) == []
    apart = cyclic_graph([("x", "h", 0), ("z", "y", 1)], inputs=["x"], outputs=["y"])
    assert shortest_path(apart, 1) == []


def test_a_long_stack_is_walked_at_once():
    scheme = [2**k for k in range(9)]
    path = shortest_path(scheme, 4095)
    assert len(path) - 1 == shortest_path_lengths(scheme, 4095)[-1]
    assert path[0] == (0, "x")
    assert path[-1] == (4095, "h9")


def test_the_explorer_shows_the_same_path_and_the_same_mean():
    graph = clockwork_rnn([1, 2, 4])
    view = views.look(Choice.of(graph), span=12, lag=9)
    assert view.path == shortest_path(graph, 9, start=view.start)
    worst = np.max([reference_path_lengths(graph, 12, start=p) for p in range(4)], axis=0)
    assert view.lengths.tolist() == worst.tolist()
    assert view.mrl == worst[1:].mean()
    assert views.look(Choice.of([1, 2, 4]), lag=4).path == shortest_path(dilated_rnn([1, 2, 4]), 4)
