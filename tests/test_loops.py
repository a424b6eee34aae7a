"""A unit whose cycles are its own loops, run as a layer, is the unit run block after block."""

import pytest
import torch

from drnn_theory import GraphRNN, cyclic_graph, layers_rnn, skip_rnn, state_space_rnn
from drnn_theory.models import graph as graphs
from drnn_theory.models import loops, running

EQUAL = {"rtol": 1e-12, "atol": 1e-12}  # float64: the same sums, in another order
LAGS = {"one": [1], "two": [1, 6], "three": [2, 9, 11], "wide": [3], "near": [3, 7]}


def build(lags, **options):
    torch.manual_seed(0)
    graph = layers_rnn([lags, lags])
    return GraphRNN(graph, 3, 4, dtype=torch.float64, init="torch", **options)


def sample(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def results(model, x, state=None):
    """Return outputs, states and every gradient of a loss that reads both."""
    x = x.clone().requires_grad_()
    output, after = model(x, state)
    loss = (output * sample(*output.shape)).sum()
    loss = loss + sum((h * sample(*h.shape)).sum() for h in after.recent)
    model.zero_grad()
    loss.backward()
    return [output, *after.recent, x.grad, *(p.grad.clone() for p in model.parameters())]


@pytest.fixture(name="blocks")
def _blocks(monkeypatch):
    """Return a function that runs something with every unit block after block."""

    def run(function, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(graphs, "run_loops", lambda *_: None)
            return function(*arguments)

    return run


@pytest.fixture(name="taken")
def _taken(monkeypatch):
    """Record which components run as a layer."""
    rows = []
    run = loops.run_loops
    monkeypatch.setattr(graphs, "run_loops", lambda *a: rows.append(run(*a)) or rows[-1])
    return rows


@pytest.mark.parametrize("columns", [True, False])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("lags", LAGS.values(), ids=LAGS)
def test_outputs_states_and_gradients_are_those_of_blocks(
    lags, nonlinearity, columns, blocks, taken, monkeypatch
):
    monkeypatch.setattr(running, "columns_are_faster", lambda *_: columns)
    model = build(lags, nonlinearity=nonlinearity)
    for steps in (12, 25):
        x = sample(steps, 2, 3)
        with torch.no_grad():
            _, state = blocks(model, sample(20, 2, 3))
        taken.clear()
        for one, other in zip(
            results(model, x, state), blocks(results, model, x, state), strict=True
        ):
            torch.testing.assert_close(one, other, **EQUAL)
        assert [rows is None for rows in taken] == [lags == LAGS["near"]] * 2


def test_columns_are_for_weights_that_learn(monkeypatch):
    asked = []
    monkeypatch.setattr(running, "columns_are_faster", lambda *a: asked.append(a) or False)
    model, x = build([2, 9]), sample(20, 2, 3).requires_grad_()
    model(x)
    model.requires_grad_(False)(x)  # a Jacobian may be asked for many rows at once
    question = ("RNN_TANH", 4, 4, 5, torch.float64)  # the last block is a chain of one step
    assert asked[::6] == [(*question, True), (*question, False)]


def test_a_sequence_in_pieces_is_the_sequence(taken):
    model, x = build([1, 6]), sample(40, 2, 3)
    outputs, state = [], None
    for piece in x.split([5, 0, 1, 27, 7]):
        output, state = model(piece, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs), model(x)[0], **EQUAL)
    assert any(rows is None for rows in taken)  # a piece of one step


def test_gradients_are_right_to_the_second_order(taken):
    model, x = build([1, 4]), sample(9, 1, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: model(x)[0], x)
    assert torch.autograd.gradgradcheck(lambda x: model(x)[0], x)
    assert taken[-1] is not None


def test_where_little_is_saved_blocks_must_be_long(taken):
    model = build([1])
    for steps, batch in ((25, 1024), (25, 1025), (64, 1025)):
        model(sample(steps, batch, 3))
    assert [rows is None for rows in taken] == [False, False, True, True, False, False]


def test_what_is_no_layer_of_torch_runs_block_after_block(taken):
    x = sample(20, 2, 3)
    build([1, 6], nonlinearity="identity")(x)
    GraphRNN(state_space_rnn(2), 3, 4, dtype=torch.float64)(x)  # decays, a number for each unit
    residual = cyclic_graph(
        [("x", "a", 0), ("a", "a", 1), ("a", "b", 0), ("b", "b", 1)],
        inputs=["x"],
        outputs=["b"],
        identities=[("a", "b", 0)],
    )
    model = GraphRNN(residual, 3, 4, dtype=torch.float64)
    taken.clear()
    model(x)
    assert [rows is None for rows in taken] == [False]  # b is carried to: a alone is a layer
    model = GraphRNN(skip_rnn(6), 3, 4, dtype=torch.float64)
    taken.clear()
    mapped = torch.func.vmap(lambda part: model(part)[0], in_dims=1, out_dims=1)(x)
    assert taken == [None]  # what follows torch sees every step
    torch.testing.assert_close(mapped, model(x)[0], **EQUAL)
