"""Every architecture of the zoo against values worked by hand from its paper's wiring."""

import math
import re
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from torch import nn

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    clockwork_rnn,
    compute_mrl,
    count_parameters,
    cyclic_graph,
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
    residual_rnn,
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
    # one convolution into the stream, one layer for lags 0, 1, 2, 4, two for 3, 5, 6 and 8 (4 + 4)
    assert shortest_path_lengths(graph, 8).tolist() == [2, 2, 2, 3, 2, 3, 3, 4, 3]
    assert recurrent_edges_per_node(graph) == 0


def test_the_first_causal_convolution_of_a_wavenet_reads_a_step_back():
    graph = wavenet([1, 2, 4], first_kernel_size=2)
    assert receptive_field(graph) == 1 + 1 + 7
    assert shortest_path_lengths(graph, 8).tolist() == [2, 2, 2, 2, 2, 2, 3, 3, 4]


def test_a_tcn_passes_by_pairs_of_convolutions_that_it_does_not_need():
    graph = tcn([1, 2, 4])
    assert receptive_field(graph) == 1 + 2 * 7
    # lag 0 by the convolution of one tap alone; the first pair reads the input itself
    assert shortest_path_lengths(graph, 4).tolist() == [1, 2, 2, 4, 3]
    assert receptive_field(tcn([1, 2], blocks=3, kernel_size=3)) == 1 + 3 * 2 * 2 * 3


def test_residual_groups_are_those_of_es_rnn():
    graph = residual_rnn([[1, 2], [4, 8]])
    assert shortest_path_lengths(graph, 8).tolist() == [2, 3, 3, 4, 4, 5, 5, 6, 5]
    assert compute_mrl(graph, exact=True) == Fraction(35, 8)
    assert count_parameters(graph, 20, cell="LSTM") == 11_920
    three = residual_rnn([[1], [2], [4]])
    # one layer at least, and those of the lags that are paid
    assert shortest_path_lengths(three, 7).tolist() == [1, 2, 3, 4, 3, 4, 5, 6]
    fused = residual_rnn([[2], [4]], fusion=True)
    assert shortest_path_lengths(fused, 3).tolist() == [2, 2, 3, 3]


def test_kernel_sizes_may_differ_by_layer():
    graph = dilated_cnn([1, 4], kernel_size=[5, 3])
    assert receptive_field(graph) == 13
    assert lags(graph, "x", "h1") == [0, 1, 2, 3, 4]
    assert lags(graph, "h1", "h2") == [0, 4, 8]
    assert receptive_field(tcn([1, 4], kernel_size=[5, 3])) == 1 + 2 * (4 + 8)
    assert receptive_field(wavenet([1, 4], 2, kernel_size=[5, 3])) == 1 + 2 * (4 + 8)


def parameters_of(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def test_parameters_of_a_tcn_are_those_of_torch_modules():
    convolutions = [
        nn.Conv1d(1 if k == j == 0 else 25, 25, 7, dilation=2**k) for k in range(8) for j in (0, 1)
    ]
    built = parameters_of(*convolutions, nn.Conv1d(1, 25, 1))
    assert count_parameters(tcn([2**k for k in range(8)], kernel_size=7), 25) == built == 66_250


def test_parameters_of_a_wavenet_are_those_of_torch_modules():
    built = parameters_of(nn.Conv1d(3, 8, 2), *[nn.Conv1d(8, 8, 2, dilation=2**k) for k in (0, 1)])
    graph = wavenet([1, 2], first_kernel_size=2)
    assert count_parameters(graph, 8, input_size=3) == built


def test_parameters_of_residual_groups_are_those_of_torch_modules():
    built = parameters_of(*[nn.LSTM(1 if k == 0 else 20, 20) for k in range(4)])
    assert count_parameters(residual_rnn([[1, 2], [4, 8]]), 20, cell="LSTM") == built == 11_920


def test_a_strided_front_end_is_a_graph_of_a_period():
    # two strided convolutions, kernel 3 and stride 2 each: an output every fourth step
    edges = []
    for at in (0, 2):  # a exists at even times and reads the three latest inputs
        edges += [(((at - lag) % 4, "x"), (at, "a"), lag) for lag in range(3)]
    edges += [(((-lag) % 4, "a"), (0, "b"), lag) for lag in (0, 2, 4)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["b"], period=4)
    assert receptive_field(graph) == 1 + 2 + 4
    assert compute_mrl(graph, 8) == math.inf
    reached = np.isfinite(shortest_path_lengths(graph, 6, start=2))
    assert np.flatnonzero(reached).tolist() == [2, 6]
    assert compute_mrl(graph, 6, phase="best") == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers_rnn([]), "layers must be a list of lists of positive integers, got none"),
        (
            lambda: layers_rnn([1, 2]),
            "layers must be a list of lists of positive integers, got 1 for",
        ),
        (lambda: layers_rnn("12"), "layers must be a list of lists of positive integers, got '12'"),
        (lambda: layers_rnn([[0]]), "lags must be one or more positive integers, got [0]"),
        (lambda: stacked_rnn(0), "layers must be a positive integer, got 0"),
        (lambda: skip_rnn(True), "skip must be a positive integer, got True"),
        (lambda: narx_rnn(1.5), "max_lag must be a positive integer, got 1.5"),
        (lambda: mist_rnn([]), "lags must be one or more positive integers, got none"),
        (lambda: hierarchical_rnn([]), "periods must be one or more positive integers, got none"),
        (lambda: clockwork_rnn([0]), "periods must be one or more positive integers, got [0]"),
        (lambda: clockwork_rnn([10**9, 10**9 + 7]), "a graph of period 1000000007000000000 must"),
        (lambda: zhang_rnn("up"), "wiring must be one of 'sh', 'st', 'bu', 'td', got 'up'"),
        (lambda: fast_slow_rnn(1), "fast_cells must be an integer of at least 2, got 1"),
        (lambda: tcn([1], blocks=0), "blocks must be a positive integer, got 0"),
        (lambda: dilated_cnn([1], kernel_size=0), "kernel_size must be a positive integer, got 0"),
        (
            lambda: dilated_cnn([1, 2], kernel_size=[2]),
            "kernel_size must be one number or one per dilation, 2, got 1: [2]",
        ),
        (
            lambda: tcn([1, 2], kernel_size=[2, 0]),
            "kernel sizes must be one or more positive integers, got [2, 0]: 0 is not positive",
        ),
        (lambda: wavenet([1], first_kernel_size=0), "first_kernel_size must be a positive integer"),
        (
            lambda: residual_rnn([1, 2]),
            "groups must be a list of lists of positive integers, got 1 for group 1",
        ),
        (
            lambda: residual_rnn([[1, 2], []]),
            "dilations must be one or more positive integers, got none",
        ),
        (
            lambda: residual_rnn([[1, 2]]),
            "groups must be two or more, since no sum goes around the first, got [(1, 2)]",
        ),
        (lambda: residual_rnn("12"), "groups must be a list of lists of positive integers, got '1"),
    ],
)
def test_arguments_that_describe_no_architecture_are_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}"):
        call()


class Foreign(nn.Module):
    def __init__(self):
        super().__init__()
        self.dilations, self.graph = [1, 2, 4, 8], nx.MultiDiGraph()
        self.convolution = nn.Conv1d(1, 1, 3)


class Heir(DilatedRNN):
    pass


@pytest.mark.parametrize("measure", [compute_mrl, receptive_field, count_parameters])
@pytest.mark.parametrize("module", [Foreign(), nn.GRU(1, 2)])
def test_a_foreign_torch_module_is_refused_by_naming_what_measures_it(measure, module):
    message = (
        "architecture must be dilations, a cyclic graph or a model of this package, got the torch "
        f"module {type(module).__name__}: gradient_profile measures how far back any module reads"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        measure(module, 8) if measure is not receptive_field else measure(module)


def test_a_model_of_this_package_and_its_heirs_stand_for_their_wiring():
    assert compute_mrl(Heir(1, 2, [1, 2, 4, 8])) == 5.625
    assert compute_mrl(GraphRNN(residual_rnn([[1, 2], [4, 8]]), 1, 2)) == 4.375


def test_every_architecture_can_be_named_in_a_file():
    assert {"clockwork_rnn", "wavenet", "tcn", "layers_rnn"} <= FAMILIES.keys()
