"""Every architecture of the zoo against values worked by hand from its paper's wiring."""

import math
import re
from fractions import Fraction

import pytest

from drnn_theory import (
    clockwork_rnn,
    compute_mrl,
    dilated_cnn,
    dilated_rnn,
    fast_slow_rnn,
    feedforward_depth,
    gated_feedback_rnn,
    hierarchical_rnn,
    layers_rnn,
    mist_rnn,
    narx_rnn,
    receptive_field,
    recurrent_depth,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    shortest_path_lengths,
    skip_rnn,
    stacked_rnn,
    tcn,
    vertical_edges,
    wavenet,
    zhang_rnn,
)
from drnn_theory.catalogue import FAMILIES


def lags(graph, source, target):
    return sorted(lag for u, v, lag in graph.edges(data="lag") if (u, v) == (source, target))


def test_a_stack_has_exactly_as_many_vertical_edges_as_layers():
    graph = layers_rnn([[1, 4], [2]])
    assert lags(graph, "x", "h1") == lags(graph, "h1", "h2") == [0]
    assert lags(graph, "h1", "h1") == [1, 4]
    assert lags(graph, "h2", "h2") == [2]
    assert graph.graph["outputs"] == ("h2",)


def test_plain_skip_narx_and_mist_are_stacks_of_their_lags():
    for graph, layers in [
        (stacked_rnn(3), [[1]] * 3),
        (skip_rnn(7, layers=2), [[1, 7]] * 2),
        (narx_rnn(4), [[1, 2, 3, 4]]),
        (mist_rnn([1, 2, 4, 8]), [[1, 2, 4, 8]]),
        (dilated_rnn([1, 3]), [[1], [3]]),
    ]:
        assert set(graph.edges(data="lag")) == set(layers_rnn(layers).edges(data="lag"))


def test_fusion_reads_the_top_states_of_as_many_steps_as_the_lowest_dilation():
    graph = dilated_rnn([4, 8], fusion=True)
    assert lags(graph, "h2", "y") == [0, 1, 2, 3]
    assert vertical_edges(graph) == 3
    assert compute_mrl(graph, 100) < math.inf == compute_mrl(dilated_rnn([4, 8]), 100)


def test_convolutions_read_multiples_of_their_dilation():
    graph = dilated_cnn([1, 3], kernel_size=3)
    assert lags(graph, "x", "h1") == [0, 1, 2]
    assert lags(graph, "h1", "h2") == [0, 3, 6]
    assert receptive_field(graph) == 9


@pytest.mark.parametrize(
    ("start", "lengths"),
    [(0, [2, 2, 2, 3]), (1, [3, 4, 5, 6]), (2, [2, 3, 3, 4]), (3, [3, 4, 5, 6])],
)
def test_clockwork_1_2_4_from_each_phase(start, lengths):
    graph = clockwork_rnn([1, 2, 4])
    assert shortest_path_lengths(graph, 4, start=start)[1:].tolist() == lengths


def test_clockwork_means_and_its_slow_worst_phase():
    graph = clockwork_rnn([1, 2, 4])
    assert compute_mrl(graph, 4, exact=True) == Fraction(9, 2)
    assert compute_mrl(clockwork_rnn([1, 2, 4, 8]), 8, exact=True) == Fraction(13, 2)
    assert recurrent_skip_coefficient(graph) == 4
    assert shortest_path_lengths(graph, 200, start=1)[200] == 202
    assert compute_mrl(clockwork_rnn([1]), 9) == compute_mrl([1], 9) + 1  # and its output row
    assert compute_mrl(graph, 10**18) > 10**17  # the worst phase: like a plain RNN's
    assert compute_mrl(graph, 10**18, phase="best") < 10**18 / 7


def test_a_clockwork_without_a_module_for_every_step_misses_inputs():
    graph = clockwork_rnn([2, 4])
    assert shortest_path_lengths(graph, 3, start=1).tolist() == [math.inf] * 4
    assert compute_mrl(graph, 4) == math.inf
    assert compute_mrl(graph, 4, phase="best") < math.inf


def test_a_hierarchy_climbs_to_its_slow_level_and_comes_back_to_the_output():
    graph = hierarchical_rnn([1, 4])
    # from phase 0: x, h1, h2 at once; h2 steps by 4; the output reads its latest state
    assert shortest_path_lengths(graph, 8, start=0).tolist() == [2, 3, 3, 3, 4, 4, 4, 4, 5]
    # from phase 1 three steps of h1 until h2 updates at time 4
    assert shortest_path_lengths(graph, 7, start=1).tolist() == [2, 3, 4, 5, 6, 6, 6, 7]
    assert recurrent_skip_coefficient(graph) == 4
    assert compute_mrl(hierarchical_rnn([1]), 9) == compute_mrl([1], 9) + 1


# (d_r, s, d_f, edges per node, d(3))
@pytest.mark.parametrize(
    ("graph", "depth", "skip", "feedforward", "per_node", "third"),
    [
        (zhang_rnn("sh"), 1, 1, 1, 1, 4),
        (zhang_rnn("st"), 1, 1, 2, 1, 5),
        (zhang_rnn("bu"), 1, 1, 2, 1, 4),  # one step up and on at once
        (zhang_rnn("td"), 2, 1, 2, Fraction(3, 2), 5),
        (gated_feedback_rnn(3), 3, 1, 3, 3, 4),  # up in one jump of lag 1, then along
        (fast_slow_rnn(2), 3, 1, 3, Fraction(2, 3), 6),  # x f1 s s s s f2
        (fast_slow_rnn(4), 5, 1, 5, Fraction(2, 5), 8),
    ],
    ids=["sh", "st", "bu", "td", "gated feedback", "fast-slow 2", "fast-slow 4"],
)
def test_wirings_within_one_step(graph, depth, skip, feedforward, per_node, third):
    assert recurrent_depth(graph) == depth
    assert recurrent_skip_coefficient(graph) == skip
    assert feedforward_depth(graph) == feedforward
    assert recurrent_edges_per_node(graph) == per_node
    assert shortest_path_lengths(graph, 3)[3] == third


def test_wavenet_reaches_its_receptive_field_with_the_fewest_layers_it_can():
    graph = wavenet([1, 2, 4], blocks=2)
    assert receptive_field(graph) == 1 + 2 * 7
    # lag 0 from the first layer's skip connection; lag 4 needs the third, as does 1 + 2 + 4;
    # lag 8 needs the fourth to sixth layer too
    assert shortest_path_lengths(graph, 8).tolist() == [2, 2, 3, 3, 4, 4, 4, 4, 5]


def test_a_tcn_passes_by_pairs_of_convolutions_that_it_does_not_need():
    graph = tcn([1, 2, 4])
    assert receptive_field(graph) == 1 + 2 * 7
    # 3 residual edges at lag 0; 1 pair used costs one edge more, 2 two
    assert shortest_path_lengths(graph, 3).tolist() == [3, 4, 4, 5]
    assert receptive_field(tcn([1, 2], blocks=3, kernel_size=3)) == 1 + 3 * 2 * 2 * 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers_rnn([]), "layers must be a list of lists of positive integers, got none"),
        (lambda: layers_rnn([1, 2]), "layers must be a list of lists of positive integers, got 1"),
        (lambda: layers_rnn("12"), "layers must be a list of lists of positive integers, got '12'"),
        (lambda: layers_rnn([[0]]), "lags must be one or more positive integers, got [0]"),
        (lambda: stacked_rnn(0), "layers must be a positive integer, got 0"),
        (lambda: skip_rnn(True), "skip must be a positive integer, got True (bool)"),
        (lambda: narx_rnn(1.5), "max_lag must be a positive integer, got 1.5"),
        (lambda: mist_rnn([]), "lags must be one or more positive integers, got none"),
        (lambda: hierarchical_rnn([]), "periods must be one or more positive integers, got none"),
        (lambda: clockwork_rnn([0]), "periods must be one or more positive integers, got [0]"),
        (lambda: clockwork_rnn([10**9, 10**9 + 7]), "a graph of period 1000000007000000000 must"),
        (lambda: zhang_rnn("up"), "wiring must be one of 'sh', 'st', 'bu', 'td', got 'up'"),
        (lambda: fast_slow_rnn(1), "fast_cells must be an integer of at least 2, got 1"),
        (lambda: tcn([1], blocks=0), "blocks must be a positive integer, got 0"),
        (lambda: dilated_cnn([1], kernel_size=0), "kernel_size must be a positive integer, got 0"),
    ],
)
def test_arguments_that_describe_no_architecture_are_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}"):
        call()


def test_every_architecture_can_be_named_in_a_file():
    assert {"clockwork_rnn", "wavenet", "tcn", "layers_rnn"} <= FAMILIES.keys()
