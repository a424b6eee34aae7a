"""Layers as people say them, and what a stack of them costs and reaches."""

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
    compute_mrl,
    count_parameters,
    default_span,
    dilated_cnn,
    graph_from_json,
    graph_to_json,
    layers_rnn,
    path_counts,
    read_architectures,
    receptive_field,
    residual_rnn,
    sequential,
    shortest_path_lengths,
    state_size,
    tcn,
    wavenet,
)
from drnn_theory import layers as layers_module
from drnn_theory.edges import identity_edges, matrix_edges
from tests.test_identities import column, unit_model

HYBRID = [Convolution(1), Recurrent(1), Recurrent(1), Attention(4), Recurrent(1, 8), StateSpace()]


def same(graph, other):
    return set(matrix_edges(graph)) == set(matrix_edges(other)) and set(
        identity_edges(graph)
    ) == set(identity_edges(other))


def test_families_that_are_stacks_are_lines_over_their_layers():
    assert same(layers_rnn([[1, 4], [2]]), sequential([Recurrent(1, 4), Recurrent(2)]))
    assert same(dilated_cnn([1, 4], [5, 3]), sequential([Convolution(5), Convolution(3, 4)]))
    groups = [[Recurrent(1), Recurrent(2)], [Recurrent(4), Recurrent(8)]]
    assert same(residual_rnn([[1, 2], [4, 8]]), sequential(groups, residual=True))


def test_a_residual_sum_of_a_recurrent_layer_is_a_unit_of_its_own():
    graph = sequential([Recurrent(1), Recurrent(2), Convolution(2)], residual=True)
    assert sorted(identity_edges(graph)) == [("h1", "r2", 0), ("h2", "r2", 0), ("r2", "h3", 0)]
    # the recurrence reads the layer, not the sum
    assert ("h2", "h2", 2) in matrix_edges(graph)
    assert ("r2", "h3", 1) in matrix_edges(graph)


def test_hybrids_take_the_cheapest_way_through_their_layers():
    graph = sequential(HYBRID, residual=True)
    # in by the first layer; attention reaches 3 back in one edge, the fifth layer 8 in two (in and
    # along); 4 to 7 are 3 by attention and the rest step by step after one edge into a recurrence
    lengths = shortest_path_lengths(graph, 9).tolist()
    assert lengths == [1, 2, 2, 2, 4, 5, 6, 7, 3, 4]


@pytest.mark.parametrize(
    "graph",
    [
        residual_rnn([[1, 2], [4, 8]]),
        residual_rnn([[2], [1, 3], [4]], fusion=True),
        tcn([1, 2], kernel_size=3),
        wavenet([1, 2], blocks=2, first_kernel_size=2),
        sequential(HYBRID, residual=True),
        sequential([Convolution(1), StateSpace(False), Attention(3, 2)], residual=True),
    ],
    ids=["residual", "fused", "tcn", "wavenet", "hybrid", "uncounted"],
)
def test_the_jacobian_counts_paths_and_its_order_is_the_shortest(graph):
    assert column(ones(graph), 0, 24) == path_counts(graph, 23)
    lengths = shortest_path_lengths(graph, 23)
    columns = np.array([column(ones(graph, scale), 0, 24) for scale in (2.0**-20, 2.0**-21)])
    reached = columns[0] > 0
    assert np.array_equal(reached, np.isfinite(lengths))
    order = np.log2(columns[0][reached] / columns[1][reached])
    # the next order is smaller by 2**-20 times a ratio of path counts below 2**10
    np.testing.assert_allclose(order, lengths[reached], atol=0.01)


def ones(graph, scale=1.0):
    model = unit_model(graph)
    with torch.no_grad():
        for weight in model.weights:
            weight.fill_(scale)
        for decay in model.decays:
            decay.fill_(1.0)
    return model


# Attention.


def test_attention_has_four_matrices_and_keeps_keys_and_values():
    graph = sequential([Convolution(1), Attention(5, 3)])
    hidden = torch.nn.MultiheadAttention(8, 1, bias=False)
    built = sum(p.numel() for p in hidden.parameters())
    assert count_parameters(graph, 8) == (8 + 8) + built == 16 + 4 * 64
    assert state_size(graph, 8) == (5 - 1) * 3 * 2 * 8
    # of an input of other width: queries, keys and values of three features, an output
    assert count_parameters(sequential([Attention(5)]), 8, input_size=3) == 3 * 24 + 64


def test_a_graph_rnn_reads_a_window_by_one_matrix():
    model = GraphRNN(sequential([Convolution(1), Attention(5)]), 1, 4)
    assert len(model.edges) == 6
    assert len({id(weight) for weight in model.weights}) == 2


@pytest.mark.parametrize("window", [2, 5, 8, 13, 16])
def test_a_range_is_the_window_edge_by_edge(window, monkeypatch):
    layers = [Convolution(1), Attention(window, 2), Recurrent(3), Attention(window)]
    for residual in (False, True):
        drawn = sequential(layers, residual=residual)
        with monkeypatch.context() as patch:
            patch.setattr(layers_module, "MOST_TAPS", 1)
            ranged = sequential(layers, residual=residual)
        assert ranged.number_of_nodes() > drawn.number_of_nodes()
        horizon = 3 * window + 10
        assert np.array_equal(
            shortest_path_lengths(ranged, horizon), shortest_path_lengths(drawn, horizon)
        )
        assert path_counts(ranged, horizon) == path_counts(drawn, horizon)
        assert receptive_field(ranged) == receptive_field(drawn)
        assert default_span(ranged) == default_span(drawn)
        assert count_parameters(ranged, 8) == count_parameters(drawn, 8)
        assert state_size(ranged, 8) == state_size(drawn, 8)
        again = graph_from_json(graph_to_json(ranged))
        assert state_size(again, 8) == state_size(ranged, 8)


def test_a_long_window_is_a_few_edges():
    graph = sequential([Convolution(1), Attention(10**6)])
    assert graph.number_of_edges() < 100
    assert receptive_field(graph) == 10**6
    assert count_parameters(graph, 8) == 16 + 256
    assert state_size(graph, 8) == (10**6 - 1) * 16


# State spaces.


def test_a_state_space_has_a_decay_per_unit_and_counts_it_or_not():
    for counted, lengths in ((True, [2, 3, 4, 5]), (False, [2, 2, 2, 2])):
        graph = sequential([StateSpace(counted)])
        assert shortest_path_lengths(graph, 3).tolist() == lengths
        assert count_parameters(graph, 8, cell="LSTM") == (8 + 8) + 8 + (64 + 8)
        assert state_size(graph, 8) == 8
        model = GraphRNN(graph, 1, 8)
        assert sum(p.numel() for p in model.parameters()) == 96


def test_an_uncounted_decay_is_a_linear_recurrence():
    torch.manual_seed(0)
    model = GraphRNN(sequential([StateSpace(False)]), 2, 3, dtype=torch.float64)
    x = torch.randn(6, 1, 2, dtype=torch.float64)
    into, out = model.weights
    state, expected = torch.zeros(1, 3, dtype=torch.float64), []
    for step in x:
        state = torch.tanh(step @ into.T + model.biases[0]) + model.decays[0] * state
        expected.append(torch.tanh(state @ out.T + model.biases[1]))
    torch.testing.assert_close(model(x)[0], torch.stack(expected), rtol=1e-12, atol=1e-12)
    assert model.decays[0].min() >= 0.9
    assert model.decays[0].max() <= 0.999


# Files.


def test_toml_names_layers(tmp_path):
    path = tmp_path / "named.toml"
    path.write_text(
        "[architectures]\n"
        "mine = { layers = [{ convolution = 1 }, { recurrent = [1, 8] }, "
        "{ attention = 4, dilation = 2 }, { state_space = false }], residual = true }\n"
        "plain = { layers = [{ recurrent = 1 }, [{ recurrent = 2 }, { recurrent = 4 }]] }"
    )
    named, _ = read_architectures(path)
    layers = [Convolution(1), Recurrent(1, 8), Attention(4, 2), StateSpace(False)]
    assert same(named["mine"], sequential(layers, residual=True))
    assert compute_mrl(named["plain"]) == compute_mrl([1, 2, 4])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{ layers = 3 }", "layers must be a list of tables, got 3"),
        ("{ layers = [{ recurent = 1 }] }", "a layer must have one of the keys recurrent, "),
        ("{ layers = [{ recurrent = 1, dilation = 2 }] }", "keys must be recurrent, got dilation"),
        ("{ layers = [{ attention = 0 }] }", "window must be a positive integer, got 0"),
        ("{ layers = [{ state_space = 1 }] }", "counted must be True or False, got 1"),
        ("{ layers = [{ recurrent = 1 }], lag = 1 }", "keys must be layers, residual, got lag"),
    ],
)
def test_layers_of_a_file_that_cannot_be_are_named(tmp_path, entry, message):
    path = tmp_path / "named.toml"
    path.write_text(f"[architectures]\nmine = {entry}")
    with pytest.raises(ValueError, match=re.escape(f"architectures.mine: {message}")):
        read_architectures(path)


# Refusals.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Recurrent(), "lags of Recurrent must be one or more positive integers, got none"),
        (
            lambda: Recurrent(0),
            "lags of Recurrent must be one or more positive integers, got .0.: 0 is",
        ),
        (lambda: Convolution(0), "kernel_size must be a positive integer, got 0"),
        (lambda: Convolution(3, 0), "dilation must be a positive integer, got 0"),
        (lambda: Convolution(10**15), "a kernel of 1000000000000000 taps must fit in half of"),
        (lambda: Attention(0), "window must be a positive integer, got 0"),
        (lambda: Attention(4, dilation=0), "dilation must be a positive integer, got 0"),
        (lambda: Attention(4, dilation=-1), "dilation must be a positive integer, got -1"),
        (lambda: StateSpace("no"), "counted must be True or False, got 'no'"),
        (lambda: sequential([]), "layers must be one or more of Recurrent, .* got none"),
        (lambda: sequential([Recurrent(1), []]), "layers must be .*, got an empty group"),
        (lambda: sequential([1, 2]), "layers must be one or more of Recurrent, .*, got 1"),
        (lambda: sequential("ab"), "layers must be one or more of Recurrent, .*, got 'ab'"),
        (lambda: sequential([[[Recurrent(1)]]]), "layers must be .*, got \\[Recurrent"),
        (lambda: sequential([Recurrent(1)], residual=1), "residual must be True or False, got 1"),
        (
            lambda: sequential([Recurrent(1)], residual=True),
            "residual layers must be two or more, since no sum goes around the first, got 1",
        ),
    ],
)
def test_layers_that_cannot_be_are_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        call()


def test_nested_dilations_are_refused_in_words_that_name_both_readings():
    message = (
        "dilations must be one or more positive integers, got [[1, 2], [4, 8]]: [1, 2] is a list; "
        "residual_rnn takes groups of dilations, layers_rnn the lags of each layer"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        compute_mrl([[1, 2], [4, 8]], 8)
