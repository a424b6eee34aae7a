"""The law of gradient flow where paths pass the same matrices in the same order."""

import re

import numpy as np
import pytest
import torch

from drnn_theory import (
    Attention,
    Convolution,
    GraphRNN,
    Recurrent,
    StateSpace,
    cyclic_graph,
    expected_gradient_profile,
    gradient_profile,
    path_counts,
    residual_rnn,
    sequential,
    tcn,
    wavenet,
)
from drnn_theory.edges import is_identity, matrices, unit_of
from drnn_theory.words import pairs_by_lag, words_are_paths
from tests.zero_one import random_wiring

LOOPS = cyclic_graph(  # two identity loops of lag 1 in series behind one matrix
    [("x", "a", 0)],
    inputs=["x"],
    outputs=["b"],
    identities=[("a", "a", 1), ("a", "b", 0), ("b", "b", 1)],
)


def by_words(graph, gain, horizon, start):
    """List all paths, collect them by word and lag, and square the sums."""
    period = graph.graph["period"]
    names = {(e.source, e.target, e.lag): e.name for e in matrices(graph, share_phases=False)}
    least = {}
    for (_, _, lag), name in names.items():
        least[name] = min(lag, least.get(name, lag))
    counts = {}
    stack = [
        (node, 0, ())
        for node in graph
        if unit_of(node, period) in graph.graph["inputs"]
        and (period == 1 or node[0] == start % period)
    ]
    while stack:
        node, time, word = stack.pop()
        if unit_of(node, period) in graph.graph["outputs"]:
            counts[word, time] = counts.get((word, time), 0) + 1
        for _, target, data in graph.out_edges(node, data=True):
            if time + data["lag"] <= horizon:
                letter = () if is_identity(data) else (names[node, target, data["lag"]],)
                stack.append((target, time + data["lag"], word + letter))
    sums = np.zeros(horizon + 1)
    for (word, time), count in counts.items():
        sums[time] += gain ** (2 * sum(least[name] > 0 for name in word)) * count**2
    return sums


@pytest.mark.parametrize("seed", range(25))
def test_words_of_random_wirings_are_counted_in_squares(seed):
    graph = random_wiring(seed)
    for start in range(graph.graph["period"]):
        expected = by_words(graph, 0.7, 6, start)
        law = expected_gradient_profile(graph, 0.7, 6, start=start)
        np.testing.assert_allclose(law, expected, rtol=1e-9, atol=0)  # sums in another order
        np.testing.assert_allclose(pairs_by_lag(graph, 0.49, 6, start), expected, rtol=1e-9)


def test_two_identity_loops_in_series_square_their_number_of_ways():
    assert not words_are_paths(LOOPS)
    assert expected_gradient_profile(LOOPS, 0.3, 6).tolist() == [(n + 1) ** 2 for n in range(7)]
    torch.manual_seed(0)
    model = GraphRNN(LOOPS, 4, 4, nonlinearity="identity", init="orthogonal", dtype=torch.float64)
    norms = gradient_profile(model, 7, inputs=torch.zeros(7, 1, 4)).norms
    np.testing.assert_allclose(norms**2 / 4, [(n + 1) ** 2 for n in range(7)], rtol=1e-12)


@pytest.mark.parametrize(
    "graph",
    [residual_rnn([[1, 2], [4, 8]]), tcn([1, 2]), wavenet([1, 2], 2)],
    ids=["residual", "tcn", "wavenet"],
)
def test_sums_around_layers_leave_every_path_its_own_word(graph):
    assert words_are_paths(graph)
    assert expected_gradient_profile(graph, 1, 20).tolist() == path_counts(graph, 20)
    np.testing.assert_allclose(
        pairs_by_lag(graph, 0.25, 12, 0), expected_gradient_profile(graph, 0.5, 12), rtol=1e-9
    )


def test_attention_reads_its_window_by_one_matrix():
    # two layers of one matrix each: lag 1 is read by either, one word, two paths
    graph = sequential([Convolution(1), Attention(2), Attention(2)])
    assert path_counts(graph, 2) == [1, 2, 1]
    assert expected_gradient_profile(graph, 0.5, 2).tolist() == [1, 4, 1]


def test_what_is_too_long_to_count_is_refused_with_what_is_not():
    message = (
        "horizon must be at most 222 for a graph in which identities lead in several ways between "
        "the same matrices, got 1000: the law squares the sum of such paths"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        expected_gradient_profile(LOOPS, 0.9, 1000)


def test_diagonal_edges_are_refused():
    message = "the law needs independent matrices on all edges, got the diagonal edge ('s2', 's2')"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        expected_gradient_profile(sequential([Recurrent(1), StateSpace()]), 0.9, 10)
