import re
import tracemalloc

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import (
    DilatedRNN,
    clockwork_rnn,
    costs,
    count_parameters,
    cyclic_graph,
    dilated_cnn,
    dilated_rnn,
    fast_slow_rnn,
    graphs,
    hidden_size_for,
    residual_rnn,
    sequential_steps,
    skip_rnn,
    state_size,
    state_space_rnn,
    tcn,
    unfold,
    wavefront_steps,
)
from drnn_theory.costs import hidden_layers
from tests.strategies import schemes


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.integers(1, 6),
    st.integers(1, 4),
    st.sampled_from(["RNN", "GRU", "LSTM"]),
    st.booleans(),
)
def test_parameters_and_state_are_those_of_the_torch_module(
    dilations, hidden, features, cell, fuse
):
    model = DilatedRNN(features, hidden, dilations, cell=cell, fusion=fuse)
    graph = dilated_rnn(dilations, fusion=fuse)
    sizes = {"input_size": features, "cell": cell}
    assert count_parameters(graph, hidden, **sizes) == sum(p.numel() for p in model.parameters())
    if not fuse:  # a scheme is counted without its graph
        assert count_parameters(dilations, hidden, **sizes) == count_parameters(
            graph, hidden, **sizes
        )
        assert state_size(dilations, hidden, cell=cell) == state_size(graph, hidden, **sizes)
    _, state = model(torch.zeros(1, 1, features))
    tensors = [t for layer in state for t in (layer if isinstance(layer, tuple) else (layer,))]
    if not fuse:  # a module keeps the states that fusion reads beside those that the layer reads
        assert state_size(graph, hidden, **sizes) == sum(t.numel() for t in tensors)


@pytest.mark.parametrize(
    ("architecture", "parameters", "state"),
    [
        ([1, 2, 4], (20 + 400 + 40) + 2 * (800 + 40), 140),
        (skip_rnn(8, layers=2), (20 + 800 + 40) + (1200 + 40), 320),
        (dilated_cnn([1, 4]), (40 + 20) + (800 + 20), 1 + 4 * 20),
        (dilated_rnn([2, 2], fusion=True), (20 + 400 + 40) + (800 + 40) + (800 + 20), 80),
    ],
)
def test_costs_worked_by_hand_for_20_hidden_units_and_one_feature(architecture, parameters, state):
    assert count_parameters(architecture, 20) == parameters
    assert state_size(architecture, 20) == state


def wired(*edges, sums=()):
    return cyclic_graph(edges, inputs=["x"], outputs=["y"], identities=sums)


UP, LOOP = ("x", "h", 0), ("h", "h", 1)


@pytest.mark.parametrize(
    ("architecture", "layers"),
    [
        ((1, 2, 2), 3),
        (skip_rnn(8, layers=2), 2),
        (dilated_cnn([1, 4]), 2),
        (dilated_rnn([2, 4], fusion=True), 2),
        (tcn([1, 2]), 4),
        (clockwork_rnn([1, 2, 4]), 3),
        (fast_slow_rnn(3), 4),
        (residual_rnn([[1, 2], [4]]), 3),
        (state_space_rnn(2), 2),
        (wired(UP, LOOP, ("h", "y", 0)), 1),
        (wired(UP, LOOP, ("h", "y", 0), ("y", "y", 3)), 2),
        (wired(UP, ("h", "y", 0), ("y", "h", 1)), 2),
        (wired(("x", "p", 0), ("p", "h", 0), LOOP, ("h", "y", 0)), 1),
        (wired(UP, LOOP, ("s", "y", 0), sums=[("h", "s", 0), ("h", "s", 5)]), 1),
        (wired(("x", "y", 0)), 1),
    ],
    ids=[
        "a stack",
        "one for each layer with skips",
        "convolutions",
        "fusion reads a state and is none",
        "two convolutions to a block, its map of the input not counted",
        "an output of its own is none",
        "cells in one loop",
        "sums are none",
        "a state space is one",
        "an output of its own",
        "an output that remembers",
        "units in a loop of two",
        "a map of the present is none",
        "a sum of earlier states is none",
        "at least one",
    ],
)
def test_layers_are_the_hidden_units_that_remember(architecture, layers):
    assert hidden_layers(architecture) == layers


def test_matrices_are_shared_by_the_phases_and_the_state_is_the_largest_over_them():
    edges = [((p, "x"), (p, "h"), 0) for p in (0, 2)]
    edges += [((0, "h"), (2, "h"), 2), ((2, "h"), (0, "h"), 2)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["h"], period=4)
    assert count_parameters(graph, 3) == count_parameters([2], 3)
    assert state_size(graph, 3) == 3  # one state of h at a time: it exists every other step only


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_a_model_is_counted_with_its_own_cell(cell):
    model = DilatedRNN(1, 5, [1, 3], cell=cell)
    assert count_parameters(model, 5) == sum(p.numel() for p in model.parameters())
    assert state_size(model, 5) == state_size([1, 3], 5, cell=cell)
    assert count_parameters(model, 5, cell="RNN") == count_parameters([1, 3], 5)


@pytest.mark.parametrize("measure", [count_parameters, state_size])
def test_bad_sizes_and_cells_are_refused(measure):
    with pytest.raises(ValueError, match=r"^hidden_size must be a positive integer, got 0$"):
        measure([1], 0)
    with pytest.raises(ValueError, match=re.escape("must be one of 'RNN', 'GRU', 'LSTM', got 'X'")):
        measure([1], 3, cell="X")


cells = st.sampled_from(["RNN", "GRU", "LSTM"])


@settings(max_examples=40)
@given(st.integers(50, 10**7), schemes, cells, st.integers(1, 4))
def test_one_unit_more_than_fits_is_too_many(parameters, dilations, cell, inputs):
    if count_parameters(dilations, 1, cell=cell, input_size=inputs) > parameters:
        with pytest.raises(ValueError, match="must be at least"):
            hidden_size_for(parameters, dilations, cell=cell, input_size=inputs)
        return
    hidden = hidden_size_for(parameters, dilations, cell=cell, input_size=inputs)
    assert count_parameters(dilations, hidden, cell=cell, input_size=inputs) <= parameters
    assert count_parameters(dilations, hidden + 1, cell=cell, input_size=inputs) > parameters


def test_the_least_budget_that_fits_one_unit_gives_one_unit():
    assert hidden_size_for(12, [1], cell="GRU") == 1
    with pytest.raises(ValueError, match=re.escape("parameters must be at least 12 for one unit")):
        hidden_size_for(11, [1], cell="GRU")


@given(schemes, st.integers(1, 40))
def test_steps_are_the_longest_chains_of_the_unfolded_graph(dilations, length):
    graph = unfold(dilated_rnn(dilations), length - 1)  # times 0..length - 1
    states = graph.subgraph(node for node in graph if node[1] != "x")
    assert wavefront_steps(dilations, length) == nx.dag_longest_path_length(states) + 1
    layers = [f"h{layer}" for layer in range(1, len(dilations) + 1)]
    chains = [
        nx.dag_longest_path_length(states.subgraph(node for node in states if node[1] == layer)) + 1
        for layer in layers
    ]
    assert sequential_steps(dilations, length) == sum(chains)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: count_parameters([1], 0), ValueError, "hidden_size must be a positive integer"),
        (lambda: count_parameters([], 3), ValueError, "dilations must be one or more"),
        (lambda: count_parameters([1], 3, cell="gru"), ValueError, "got 'gru'"),
        (lambda: state_size([1], 3, cell=1.5), ValueError, "'GRU', 'LSTM', got 1.5"),
        (lambda: state_size([1], True), TypeError, "hidden_size must be a positive integer"),
        (lambda: hidden_size_for(0, [1]), ValueError, "parameters must be a positive integer"),
        (lambda: sequential_steps([1], 0), ValueError, "length must be a positive integer, got 0"),
        (lambda: wavefront_steps([1], 1.5), ValueError, "length must be a positive integer"),
    ],
)
def test_what_has_no_cost_is_refused(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def far_apart(period):
    edges = [((0, "x"), (0, "h"), 0), ((0, "h"), (0, "h"), period)]
    return cyclic_graph(edges, inputs=["x"], outputs=["h"], period=period)


@pytest.mark.parametrize(
    ("module", "measure"),
    [
        (costs, lambda: state_size(far_apart(10**5), 20)),
        (graphs, lambda: unfold(skip_rnn(8, layers=2), 2000)),
        (graphs, lambda: unfold(clockwork_rnn([1, 2, 4]), 2000)),
    ],
    ids=["state by phase", "unfolded", "unfolded phases"],
)
def test_the_memory_that_is_asked_for_is_what_is_used(module, measure, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "require_memory", lambda needed, task: asked.append(needed))
    tracemalloc.start()
    try:
        kept = measure()
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept
    assert 1 / 1.2 < used / max(asked) < 1.2


def test_a_state_of_more_values_than_64_bits_count_is_exact():
    graph = cyclic_graph([("x", "h", 0), ("h", "h", 10**19)], inputs=["x"], outputs=["h"])
    assert state_size(graph, 20) == 2 * 10**20
