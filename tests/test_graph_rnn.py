"""GraphRNN against what defines it: a loop over time, one node and one edge at a time."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    GraphState,
    compute_mrl,
    cyclic_graph,
    dilated_cnn,
    dilated_rnn,
    layers_rnn,
    path_counts,
    skip_rnn,
)
from tests.strategies import cyclic_graphs, schemes

EQUAL = {"rtol": 1e-12, "atol": 1e-12}  # float64: the same sums, in another order
NONLINEARITIES = {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda x: x}

# Period 2: h lives at even times and is read at odd ones by k, which it reads in turn.
TURNS = cyclic_graph(
    [
        ((0, "x"), (0, "h"), 0),
        ((1, "x"), (1, "k"), 0),
        ((0, "h"), (1, "k"), 1),
        ((1, "k"), (0, "h"), 3),
        ((1, "k"), (1, "k"), 4),
    ],
    inputs=["x"],
    outputs=["k"],
    period=2,
)
# A clockwork of periods 1 and 2: the slow module s updates at even times and is held at odd ones.
CLOCKWORK = cyclic_graph(
    [((p, "x"), (p, "f"), 0) for p in (0, 1)]
    + [((0, "x"), (0, "s"), 0), ((0, "s"), (0, "s"), 2), ((0, "s"), (1, "f"), 1)]
    + [((0, "s"), (0, "f"), 2), ((0, "f"), (1, "f"), 1), ((1, "f"), (0, "f"), 1)]
    + [((0, "s"), (0, "y"), 0), ((0, "s"), (1, "y"), 1), ((0, "f"), (0, "y"), 0)]
    + [((1, "f"), (1, "y"), 0)],
    inputs=["x"],
    outputs=["y"],
    period=2,
)
# The loop h -> k -> h takes 7 steps, h's own 3: blocks of 2 rows read across their borders.
LOOPS = cyclic_graph(
    [("x", "h", 0), ("h", "k", 5), ("k", "h", 2), ("h", "h", 3), ("k", "y", 0), ("x", "y", 4)],
    inputs=["x"],
    outputs=["y", "h"],
)
ZOO = {
    "stack": dilated_rnn([1, 2, 4]),
    "stack that skips steps": dilated_rnn([3, 2]),
    "fused stack": dilated_rnn([2, 4], fusion=True),
    "skip": skip_rnn(5, layers=2),
    "two lags a layer": layers_rnn([[2, 3], [4]]),
    "convolutions": dilated_cnn([1, 2, 4], kernel_size=3),
    "loops": LOOPS,
    "top down": cyclic_graph(
        [("x", "a", 0), ("a", "b", 0), ("a", "a", 1), ("b", "b", 1), ("b", "a", 1)],
        inputs=["x"],
        outputs=["b"],
    ),
    "input that is an output": cyclic_graph([("h", "h", 2)], inputs=["h"], outputs=["h"]),
    "turns": TURNS,
    "clockwork": CLOCKWORK,
}


def naive(model, x, move=0):
    """Run the model as it is defined; ``move`` adds to the lag of the last edge: the control."""
    graph, period = model.graph, model.graph.graph["period"]
    act = NONLINEARITIES[model.nonlinearity]

    def unit(node):
        return node if period == 1 else node[1]

    entered = {unit(v) for _, v in graph.edges()}
    roles = graph.graph
    bare = {n for n in graph if unit(n) in set(roles["inputs"]) - entered - set(roles["outputs"])}
    edges = list(graph.edges(data="lag"))
    edges[-1] = (*edges[-1][:2], edges[-1][2] + move)
    states, outputs = {}, []

    def state(node, t):
        """The state by recursion, so that no order of the nodes is assumed."""
        if t < 0 or (period > 1 and t % period != node[0]):
            return x.new_zeros(x.shape[1], model.input_size if node in bare else model.hidden_size)
        if node in bare:
            return x[t]
        if (node, t) not in states:
            total = model.biases[model.nodes.index(node)].expand(x.shape[1], -1)
            if node in model.entrances:
                total = total + x[t] @ model.entries[model.entrances.index(node)].T
            for (u, v, lag), weight in zip(edges, model.weights, strict=True):
                if v == node:
                    total = total + state(u, t - lag) @ weight.T
            states[node, t] = act(total)
        return states[node, t]

    for t in range(x.shape[0]):
        outs = [state(n, t) for n in graph if unit(n) in roles["outputs"]]
        outputs.append(sum(outs, x.new_zeros(x.shape[1], model.hidden_size)))
    return torch.stack(outputs)


def build(graph, *, inputs=3, hidden=4, seed=0, **options):
    torch.manual_seed(seed)
    return GraphRNN(graph, inputs, hidden, dtype=torch.float64, **options, init="torch")


def sample(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("graph", ZOO.values(), ids=ZOO)
def test_the_model_equals_the_loop_that_defines_it(graph, nonlinearity):
    model, x = build(graph, nonlinearity=nonlinearity), sample(25, 2, 3)
    torch.testing.assert_close(model(x)[0], naive(model, x), **EQUAL)


@settings(max_examples=60)
@given(cyclic_graphs(), st.integers(1, 25))
def test_any_graph_equals_the_loop_that_defines_it(graph, steps):
    model, x = build(graph, inputs=2, hidden=3), sample(steps, 2, 2)
    torch.testing.assert_close(model(x)[0], naive(model, x), **EQUAL)


@pytest.mark.parametrize("graph", ZOO.values(), ids=ZOO)
def test_one_wrong_lag_is_seen(graph):
    model, x = build(graph), sample(25, 2, 3)
    error = (model(x)[0] - naive(model, x, move=graph.graph["period"])).abs().max()
    assert error > 1e-4  # the equality above holds to 1e-12


@settings(max_examples=30)
@given(schemes, st.sampled_from(["tanh", "relu"]))
def test_a_stack_with_the_weights_of_a_dilated_rnn_gives_its_output_and_state(scheme, f):
    torch.manual_seed(0)
    stack = DilatedRNN(3, 4, scheme, nonlinearity=f, dtype=torch.float64, init="torch")
    model, x = build(dilated_rnn(scheme), nonlinearity=f), sample(30, 2, 3)
    with torch.no_grad():
        for (source, target, _), weight in zip(model.edges, model.weights, strict=True):
            layer = stack.layers[int(target[1:]) - 1]
            weight.copy_(layer.weight_hh_l0 if source == target else layer.weight_ih_l0)
        for bias, layer in zip(model.biases, stack.layers, strict=True):
            bias.copy_(layer.bias_ih_l0 + layer.bias_hh_l0)
    (one, states), (other, kept) = model(x), stack(x)
    torch.testing.assert_close(one, other, **EQUAL)
    for mine, theirs in zip(states.recent, kept, strict=True):
        torch.testing.assert_close(mine, theirs, **EQUAL)


# The bridge: gradients are paths.


def count_by_gradient(graph, length, start=0):
    """The Jacobian from time ``start`` on by lag, of unit weights, ReLU and a positive input."""
    model = build(graph, inputs=1, hidden=1, nonlinearity="relu")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
        for bias in model.biases:
            bias.zero_()

    x = torch.ones(start + length, 1, 1, dtype=torch.float64, requires_grad=True)
    output = model(x)[0]
    asked = torch.zeros_like(output, requires_grad=True)
    (gradient,) = torch.autograd.grad(output, x, asked, create_graph=True)  # J^T asked
    (column,) = torch.autograd.grad(gradient[start].sum(), asked)  # J's column of time start
    return column[start:, 0, 0].tolist()


@pytest.mark.parametrize("graph", ZOO.values(), ids=ZOO)
def test_with_unit_weights_the_jacobian_counts_the_paths(graph):
    for start in range(graph.graph["period"]):
        counts = path_counts(graph, 35, start=start)  # below 2**53
        assert count_by_gradient(graph, 36, start) == counts


@settings(max_examples=40)
@given(cyclic_graphs(), st.integers(0, 3))
def test_in_any_graph_the_jacobian_counts_the_paths(graph, start):
    assert count_by_gradient(graph, 20, start) == path_counts(graph, 19, start=start)


def test_the_bridge_fails_for_the_other_starting_phase():
    assert count_by_gradient(TURNS, 40, start=0) != path_counts(TURNS, 39, start=1)


# Streaming.


@pytest.mark.parametrize("pieces", [[20], [0, 20], [1] * 20, [3] * 6 + [2], [5, 0, 1, 14]])
@pytest.mark.parametrize("graph", ZOO.values(), ids=ZOO)
def test_a_sequence_fed_in_pieces_equals_the_sequence_fed_whole(graph, pieces):
    model, x = build(graph), sample(20, 2, 3)
    whole, final = model(x)
    outputs, state = [], None
    for piece in x.split(pieces):
        output, state = model(piece, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs), whole, **EQUAL)
    assert state.phase == final.phase == 20 % graph.graph["period"]
    for one, other in zip(state.recent, final.recent, strict=True):
        torch.testing.assert_close(one, other, **EQUAL)


def test_the_callers_state_is_not_written_to():
    model, x = build(LOOPS), sample(9, 2, 3)
    _, state = model(x)
    before = [h.clone() for h in state.recent]
    model(x, state)
    assert all(torch.equal(one, other) for one, other in zip(before, state.recent, strict=True))


@pytest.mark.parametrize("graph", [LOOPS, TURNS], ids=["period 1", "period 2"])
def test_unbatched_and_batch_first_inputs_are_the_same_sequences(graph):
    model, x = build(graph), sample(9, 2, 3)
    output, state = model(x)
    one, kept = model(x[:, 0])
    torch.testing.assert_close(one, output[:, 0], **EQUAL)
    torch.testing.assert_close(kept.recent[0], state.recent[0][:, 0], **EQUAL)
    again, _ = model(x[:, 0], kept)
    torch.testing.assert_close(again, model(x, state)[0][:, 0], **EQUAL)
    model.batch_first = True
    torch.testing.assert_close(model(x.transpose(0, 1))[0], output.transpose(0, 1), **EQUAL)


def test_the_output_is_zero_where_no_output_unit_exists():
    output, _ = build(TURNS)(sample(10, 2, 3))
    assert output[::2].abs().max() == 0
    assert output[1::2].abs().min() > 0


@pytest.mark.parametrize("graph", [LOOPS, CLOCKWORK], ids=["period 1", "period 2"])
def test_the_gradients_are_right_to_the_second_order(graph):
    model, x = build(graph, hidden=2, inputs=1), sample(7, 1, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: model(x)[0], x)
    assert torch.autograd.gradgradcheck(lambda x: model(x)[0], x)


def test_a_model_is_the_same_after_saving_and_loading(tmp_path):
    model, x = build(LOOPS), sample(9, 2, 3)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    other = build(LOOPS, seed=1)
    other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(model(x)[0], other(x)[0])


def test_measures_read_the_graph_of_a_model():
    assert compute_mrl(build(skip_rnn(4))) == compute_mrl(skip_rnn(4))


def test_the_model_says_what_it_is_made_of():
    text = "3 nodes, 6 edges, period=1, input_size=3, hidden_size=4, nonlinearity='tanh'"
    assert text in repr(build(LOOPS))


# Refusals.


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2], 3, 4), TypeError, "graph must be a nx.MultiDiGraph, got list"),
        ((LOOPS, 0, 4), ValueError, "input_size must be a positive integer, got 0"),
        ((LOOPS, 3, -1), ValueError, "hidden_size must be a positive integer, got -1"),
        ((skip_rnn(10**15), 3, 4), ValueError, "the state of one sequence must fit in half of"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        GraphRNN(*arguments)


@pytest.mark.parametrize("f", ["gelu", None])
def test_an_unknown_nonlinearity_is_refused(f):
    message = f"nonlinearity must be one of 'tanh', 'relu', 'identity', got {f!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GraphRNN(LOOPS, 3, 4, nonlinearity=f)


RULE = "input must be a tensor of shape (time, batch, 3)"


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0], TypeError, f"{RULE}, got list"),
        (sample(4), ValueError, f"{RULE} or (time, 3), got (4,)"),
        (sample(4, 2, 5), ValueError, f"{RULE} or (time, 3), got (4, 2, 5)"),
        (
            sample(4, 2, 3).float(),
            ValueError,
            "input must be torch.float64 as the parameters are, got torch.float32",
        ),
        (
            sample(4, 2, 3).to("meta"),
            ValueError,
            "input must be on cpu as the parameters, got meta",
        ),
    ],
)
def test_wrong_inputs_are_refused(x, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        build(LOOPS)(x)


def test_the_message_for_batch_first_names_the_axes_in_that_order():
    with pytest.raises(ValueError, match=r"^input must be a tensor of shape \(batch, time, 3\) or"):
        build(LOOPS, batch_first=True)(sample(4, 2, 5))


KEPT = (sample(5, 2, 3), sample(2, 2, 4))


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ((), TypeError, "state must be a GraphState, got tuple"),
        (GraphState(-1, ()), ValueError, "phase of the state must be a non-negative integer"),
        (GraphState(2, ()), ValueError, "phase of the state must be below 2, got 2"),
        (GraphState(0, ()), ValueError, "state must hold 2 tensors, got 0"),
        (
            GraphState(0, (1, 2)),
            TypeError,
            "state of node (0, 'h') must be a tensor of shape (1, 2, 4), got int",
        ),
        (
            GraphState(0, (sample(1, 2, 3), sample(2, 2, 4))),
            ValueError,
            "state of node (0, 'h') must be a tensor of shape (1, 2, 4), got (1, 2, 3)",
        ),
        (
            GraphState(0, (sample(1, 2, 4).float(), sample(2, 2, 4))),
            ValueError,
            "state of node (0, 'h') must be torch.float64 as the parameters are, got torch.float32",
        ),
    ],
)
def test_wrong_states_are_refused(state, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        build(TURNS)(sample(4, 2, 3), state)
