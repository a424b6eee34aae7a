"""The order test: the shortest paths of the graph, read off the gradients of the model."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import parametrizations, prune

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    cyclic_graph,
    dilated_cnn,
    measure_path_lengths,
    shortest_path_lengths,
    skip_rnn,
    stacked_rnn,
)
from drnn_theory.gradients import lengths
from drnn_theory.paths.courses import UNREACHABLE
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.transformers import griffin
from tests.strategies import cyclic_graphs
from tests.test_graph_rnn import CLOCKWORK, LOOPS, TURNS

SCHEMES = {
    "the paper's nine layers": [2**i for i in range(9)],
    "a plain stack: 300 edges to lag 300": [1, 1],
    "hundreds of edges within a dilation": [1, 150],
    "no divisor chain": [1, 5, 18, 25],
    "unreachable lags": [6, 4],
    "one dilation that is never used twice": [299, 1],
}


@pytest.mark.parametrize("f", ["tanh", "relu"])
@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_a_stack_has_the_shortest_paths_of_its_scheme_less_the_vertical_edges(scheme, f):
    torch.manual_seed(0)
    model = DilatedRNN(2, 3, scheme, nonlinearity=f)
    expected = shortest_path_lengths(scheme, 300) - len(scheme)
    assert measure_path_lengths(model, 301).tolist() == expected.tolist()


def test_one_other_dilation_is_seen():
    measured = measure_path_lengths(DilatedRNN(1, 2, [1, 2, 5]), 20)
    assert measured.tolist() != (shortest_path_lengths([1, 2, 4], 19) - 3).tolist()


def test_fused_and_deep_stacks_count_the_lagged_edges_of_the_fusion():
    model = DilatedRNN(1, 2, [4, 8], fusion=True, batch_first=True)
    measured = measure_path_lengths(model, 64, vertical=True)
    assert measured.tolist() == shortest_path_lengths(model, 63).tolist()


def test_torchs_own_rnn_is_a_plain_stack():
    model = torch.nn.RNN(2, 3, num_layers=4)
    expected = shortest_path_lengths(stacked_rnn(4), 99)
    assert measure_path_lengths(model, 100, vertical=True).tolist() == expected.tolist()


GRAPHS = {
    "skip, where many paths hide the shortest": skip_rnn(2, layers=3),
    "loops": LOOPS,
    "convolutions": dilated_cnn([1, 2, 4]),
    "no lagged edge": dilated_cnn([1], kernel_size=1),
    "turns": TURNS,
    "clockwork": CLOCKWORK,
}


@pytest.mark.parametrize("f", ["tanh", "relu", "identity"])
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_has_its_shortest_paths_from_every_starting_phase(graph, f):
    torch.manual_seed(0)
    model = GraphRNN(graph, 1, 2, nonlinearity=f)
    for start in range(graph.graph["period"]):
        expected = shortest_path_lengths(graph, 99, start=start)
        measured = measure_path_lengths(model, 100, start=start, vertical=True)
        assert measured.tolist() == expected.tolist()


def test_hundreds_of_edges_are_told_from_one_more_among_a_thousand_times_as_many_paths():
    torch.manual_seed(0)
    measured = measure_path_lengths(GraphRNN(skip_rnn(2), 1, 1), 401)
    assert measured.tolist() == [(lag + 1) // 2 for lag in range(401)]


@settings(max_examples=25)
@given(cyclic_graphs(), st.integers(0, 3))
def test_any_graph_has_its_fewest_lagged_edges(graph, start):
    torch.manual_seed(0)
    wiring = Wiring(graph)
    start %= wiring.period
    by_unit = path_lengths_by_unit(wiring, [start], start + 40, vertical=False)[start:, :, 0]
    fewest = by_unit[:, wiring.output_units].min(axis=1, initial=UNREACHABLE)
    expected = np.where(fewest < UNREACHABLE, fewest, np.inf)
    measured = measure_path_lengths(GraphRNN(graph, 1, 1), 41, start=start)
    assert measured.tolist() == expected.tolist()


def test_the_module_is_left_as_it_was():
    torch.manual_seed(0)
    model = DilatedRNN(2, 3, [1, 2])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.random.get_rng_state()
    measure_path_lengths(model, 5)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.equal(generator, torch.random.get_rng_state())


def test_a_slope_that_is_no_integer_is_not_rounded():
    def response(w, rho):
        return np.array([1.0, w**2.5])

    message = "the slope at lag 1 must be near an integer for some w, got none"
    with pytest.raises(RuntimeError, match=f"^{message}$"):
        lengths._slopes(response, [1])


CARRY = "the carry of a {0} from step to step is no weight that could be scaled"


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (DilatedRNN(1, 2, [1], cell="GRU"), ValueError, "the cell must be 'RNN', got 'GRU': "),
        (DilatedRNN(1, 2, [1], cell="LSTM"), ValueError, "the cell must be 'RNN', got 'LSTM': "),
        (torch.nn.GRU(1, 2), ValueError, "the cell must be 'RNN', got 'GRU': "),
        (torch.nn.LSTM(1, 2), ValueError, "the cell must be 'RNN', got 'LSTM': "),
        (
            torch.nn.Linear(1, 2),
            TypeError,
            "module must be a DilatedRNN, a GraphRNN or a torch.nn.RNN, got Linear",
        ),
        (
            torch.nn.RNN(1, 2, bidirectional=True),
            ValueError,
            "bidirectional must be False, got True: its paths lead from the future",
        ),
    ],
)
def test_modules_whose_recurrence_is_more_than_weights_are_refused(module, error, message):
    if message.endswith(": "):
        message += CARRY.format("GRU" if "GRU" in message else "LSTM")
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        measure_path_lengths(module, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length must be a positive integer, got 0"),
        ({"length": 4, "start": -1}, "start must be a non-negative integer, got -1"),
        ({"length": 10**15}, "a measurement over 1000000000000000 lags must fit in half"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        measure_path_lengths(DilatedRNN(1, 2, [1, 2]), **arguments)


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize(
    "graph",
    [
        griffin(1, 4),
        cyclic_graph(
            [("x", "h", 0), ("h", "h", 1), ("h", "h", 4)],
            inputs=["x"],
            outputs=["h"],
            identities=[("h", "h", 3)],
        ),
    ],
    ids=["griffin", "a leaky unit"],
)
def test_lagged_identities_are_passed_as_they_are(graph, vertical):
    torch.manual_seed(0)
    model = GraphRNN(graph, 2, 2)
    for decay in model.decays:
        decay.data.zero_()  # as training may leave it
    measured = measure_path_lengths(model, 20, vertical=vertical)
    assert np.array_equal(measured, shortest_path_lengths(graph, 19, vertical=vertical))


def parametrised():
    model = DilatedRNN(1, 2, [1, 2, 4])
    parametrizations.orthogonal(model.layers[2], "weight_hh_l0")
    return model


def tied_between_layers():
    model = DilatedRNN(2, 2, [1, 2])
    model.layers[1].weight_ih_l0 = model.layers[1].weight_hh_l0
    return model


def tied_in_torchs():
    layer = torch.nn.RNN(4, 4)
    layer.weight_hh_l0 = layer.weight_ih_l0
    return layer


def normed_and_run():
    layer = parametrizations.weight_norm(torch.nn.RNN(2, 3), "weight_hh_l0")
    layer(torch.zeros(3, 1, 2))
    return layer


def pruned():
    model = DilatedRNN(1, 3, [1, 2])
    prune.random_unstructured(model.layers[1], "weight_hh_l0", 0.5)
    return model


@pytest.mark.parametrize(
    "make", [parametrised, tied_between_layers, tied_in_torchs, normed_and_run, pruned]
)
def test_weights_that_are_no_parameters_of_their_own_are_refused(make):
    with pytest.raises(ValueError, match=r"^every weight must be a parameter of its own for its "):
        measure_path_lengths(make(), 6)


def test_the_layers_of_torchs_rnn_are_vertical_edges():
    layers = torch.nn.RNN(2, 3, num_layers=3)
    assert measure_path_lengths(layers, 4, vertical=True).tolist() == [3, 4, 5, 6]
