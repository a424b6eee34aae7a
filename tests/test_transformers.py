"""Attention, state spaces and hybrids against values worked by hand."""

import math
import re

import numpy as np
import pytest
import torch

from drnn_theory import (
    GraphRNN,
    causal_transformer,
    compute_mrl,
    count_parameters,
    griffin,
    longest_lag,
    longnet,
    path_counts,
    receptive_field,
    recurrent_depth,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    shortest_path_lengths,
    sliding_window_transformer,
    state_size,
    state_space_rnn,
    vertical_edges,
)
from tests.zero_one import zero_one_lengths


def test_every_lag_of_a_causal_transformer_takes_two_edges():
    graph = causal_transformer(64, layers=3)
    lengths = shortest_path_lengths(graph, 63)
    assert lengths.tolist() == [1] + [2] * 63
    assert compute_mrl(graph, exact=True) == 2
    assert vertical_edges(graph) == 1
    assert recurrent_edges_per_node(graph) == 0
    assert count_parameters(graph, 16, input_size=5) == (5 * 16 + 16) + 3 * 4 * 256
    assert state_size(graph, 16) == 3 * 63 * 2 * 16


@pytest.mark.parametrize(("window", "layers"), [(2, 5), (5, 3), (4, 4)])
def test_a_sliding_window_travels_its_width_a_layer(window, layers):
    graph = sliding_window_transformer(window, layers)
    reach = layers * (window - 1)
    expected = [1 + math.ceil(n / (window - 1)) for n in range(reach + 1)]
    assert shortest_path_lengths(graph, reach).tolist() == expected
    assert receptive_field(graph) == reach + 1


@pytest.mark.parametrize(("base", "powers"), [(2, 6), (3, 4), (4, 3)])
def test_the_dependency_of_longnet_is_logarithmic(base, powers):
    """Segments base**(i + 1) at dilations base**i: a layer for every digit that is not 0."""
    scheme = [base**power for power in range(powers)]
    graph = longnet([base * r for r in scheme], scheme, layers=powers)

    def digits(n):
        return (n % base > 0) + digits(n // base) if n else 0

    last = base**powers - 1
    lengths = shortest_path_lengths(graph, last + 1).tolist()
    assert lengths[: last + 1] == [1 + digits(n) for n in range(last + 1)]
    # the longest path to the lags below base**k is exactly 1 + k = 1 + log n
    for power in range(1, powers + 1):
        assert longest_lag(graph, base**power - 1)[1] == 1 + power
    # one layer fewer leaves lags out of reach
    assert math.isinf(longest_lag(longnet([base * r for r in scheme], scheme, powers - 1), last)[1])


def test_both_readings_of_a_state_space():
    graph, free = state_space_rnn(2, counted=True), state_space_rnn(2)
    assert shortest_path_lengths(graph, 9).tolist() == [1] + [3 + n for n in range(1, 10)]
    assert shortest_path_lengths(free, 9).tolist() == [1] + [3] * 9
    assert (recurrent_depth(graph), recurrent_skip_coefficient(graph)) == (1, 1)
    assert (recurrent_depth(free), recurrent_skip_coefficient(free)) == (0, math.inf)
    for one in (graph, free):  # a matrix and a bias in, a decay, a matrix and a bias out
        assert count_parameters(one, 8) == (8 + 8) + 2 * ((64 + 8) + 8 + (64 + 8))
        assert state_size(one, 8) == 2 * 8
        parameters = sum(p.numel() for p in GraphRNN(one, 1, 8).parameters())
        assert parameters == count_parameters(one, 8)


def test_griffin_mixes_recurrences_and_local_attention():
    counted = griffin(1, window=4, counted=True)
    # attention reaches 3 back; from there on a recurrence, in, along and out
    expected = [1, 2, 2, 2, 5, 6, 7]
    assert shortest_path_lengths(counted, 6).tolist() == expected
    assert shortest_path_lengths(griffin(1, window=4), 6).tolist() == [1, 2, 2, 2, 3, 3, 3]
    assert count_parameters(griffin(1, window=4), 8) == 16 + 2 * (72 + 8 + 72) + 256


GRAPHS = {
    "transformer": causal_transformer(9, 2),
    "sliding": sliding_window_transformer(3, 3),
    "longnet": longnet([4, 8, 16], [1, 2, 4], 3),
    "state space": state_space_rnn(2),
    "state space, counted": state_space_rnn(2, counted=True),
    "griffin": griffin(1, 4),
    "griffin, counted": griffin(2, 4, counted=True),
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_lengths_agree_with_a_search_of_its_own_and_counts_with_the_jacobian(graph):
    assert shortest_path_lengths(graph, 30).tolist() == zero_one_lengths(graph, 30, 0)
    model = GraphRNN(graph, 1, 1, nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        for parameter in [*model.weights, *model.decays]:
            parameter.fill_(1.0)
        for bias in model.biases:
            bias.zero_()
    x = torch.zeros(20, 1, 1, dtype=torch.float64)
    x[0] = 1.0  # the response to an impulse: positive sums pass the ReLU unchanged
    response = model(x)[0][:, 0, 0]
    assert response.tolist() == path_counts(graph, 19)
    assert np.isfinite(compute_mrl(graph, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: causal_transformer(0), "length must be a positive integer, got 0"),
        (lambda: causal_transformer(8, 0), "layers must be a positive integer, got 0"),
        (lambda: sliding_window_transformer(0), "window must be a positive integer, got 0"),
        (lambda: longnet([4], [1, 2]), "segments must be as many as dilations, 2, got 1"),
        (lambda: longnet([4, 2], [1, 4]), "dilations must be at most their segments, got 4 in one"),
        (lambda: state_space_rnn(counted="no"), "counted must be True or False, got 'no'"),
        (lambda: griffin(0), "blocks must be a positive integer, got 0"),
    ],
)
def test_what_is_no_architecture_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}"):
        call()
