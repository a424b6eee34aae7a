"""Layers of the user's own: a layer-normalised LSTM against a naive loop, and what is refused."""

import re

import pytest
import torch

from drnn_theory import (
    DilatedRNN,
    compute_mrl,
    count_parameters,
    expected_gradient_profile,
    gradient_profile,
    hidden_size_for,
    state_size,
)
from tests.test_models import EQUAL, assert_equal_states, at, sample

DILATIONS = (1, 3, 4)


class NormalisedLSTM(torch.nn.Module):
    """Ba, Kiros, Hinton, Layer normalization, 2016, arXiv:1607.06450."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.from_input = torch.nn.Linear(input_size, 4 * hidden_size)
        self.from_state = torch.nn.Linear(hidden_size, 4 * hidden_size, bias=False)
        self.of_gates = torch.nn.LayerNorm(4 * hidden_size)
        self.of_cell = torch.nn.LayerNorm(hidden_size)

    def step(self, x, h, c):
        sums = self.of_gates(self.from_input(x) + self.from_state(h))
        i, f, g, o = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.of_cell(c)), c

    def forward(self, x, state=None):
        zero = x.new_zeros(x.shape[1], self.from_state.in_features)
        h, c = (zero, zero) if state is None else (part[0] for part in state)
        outputs = []
        for now in x:
            h, c = self.step(now, h, c)
            outputs.append(h)
        return torch.stack(outputs), (h[None], c[None])


class Window(torch.nn.Module):
    """A mean over the last three inputs, its state (2, batch, features) inside nested tuples."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.out = torch.nn.Linear(input_size, hidden_size)

    def forward(self, x, state=None):
        count = x.new_zeros(1, x.shape[1], dtype=torch.long)
        seen = x.new_zeros(2, *x.shape[1:])
        if state is not None:
            (seen,), count = state
        seen = torch.cat([seen, x])
        mean = (seen[2:] + seen[1:-1] + seen[:-2]) / 3
        return torch.tanh(self.out(mean)), ((seen[-2:],), count + len(x))


def build(cell=NormalisedLSTM, dilations=DILATIONS, **options):
    torch.manual_seed(0)
    return DilatedRNN(2, 4, dilations, cell=cell, dtype=torch.float64, **options)


def naive(model, x):
    """One step of one layer after another; outputs and the c of the layers."""
    cells = []
    for layer, s in zip(model.layers, model.dilations, strict=True):
        zero = x.new_zeros(x.shape[1], 4)
        h, c = {}, {}
        for t in range(len(x)):
            h[t], c[t] = layer.step(x[t], h.get(t - s, zero), c.get(t - s, zero))
        x = torch.stack([h[t] for t in range(len(x))])
        cells.append(torch.stack([c[t] for t in range(len(x))]))
    return x, cells


@pytest.mark.parametrize("steps", [1, 4, 13])
def test_a_layer_normalised_lstm_equals_its_loop_whole(steps):
    model, x = build(), sample(steps, 3, 2).requires_grad_()
    output, state = model(x)
    expected, cells = naive(model, x)
    torch.testing.assert_close(output, expected, **EQUAL)
    for (h, c), s, seen in zip(state, DILATIONS, cells, strict=True):
        assert h.shape == c.shape == (s, 3, 4)
        kept = min(s, steps)
        torch.testing.assert_close(c[-kept:], seen[-kept:], **EQUAL)
    wanted = [x, *model.parameters()]
    for one, other in zip(
        torch.autograd.grad(output.square().sum(), wanted),
        torch.autograd.grad(expected.square().sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-11)
    wrong = build(dilations=(1, 3, 5))(sample(9, 3, 2))[0]
    assert (wrong - build()(sample(9, 3, 2))[0]).abs().max() > 1e-6


@pytest.mark.parametrize("cell", [NormalisedLSTM, Window])
@pytest.mark.parametrize("pieces", [[1] * 13, [2, 0, 5, 6]])
def test_in_pieces_and_as_a_stream_it_is_what_it_is_whole(cell, pieces):
    model, x = build(cell, dilations=[[1, 3], [2]], fusion=True), sample(13, 3, 2)
    whole, final = model(x)
    outputs, state = [], None
    for piece in x.split(pieces):
        output, state = model(piece, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs), whole, **EQUAL)
    assert_equal_states(flat(state), flat(final))
    stream = model.stream(batch_size=3)
    torch.testing.assert_close(torch.stack([stream.step(now) for now in x]), whole, **EQUAL)
    assert_equal_states(flat(stream.state), flat(final))
    assert torch.equal(model(x[:, 0])[0], model(x[:, :1])[0][:, 0])


def flat(state):
    from drnn_theory.models.states import leaves_of

    return tuple(leaves_of(state))


@pytest.mark.parametrize("cell", [NormalisedLSTM, Window])
def test_with_lengths_every_sequence_ends_at_its_own(cell):
    model, x, lengths = build(cell), sample(13, 5, 2), [13, 0, 4, 9, 1]
    output, state = model(x, lengths=lengths)
    for b, n in enumerate(lengths):
        expected, last = model(x[:n, b : b + 1])
        torch.testing.assert_close(output[:n, b : b + 1], expected, **EQUAL)
        assert not output[n:, b].any()
        assert_equal_states(at(flat(state), slice(b, b + 1)), flat(last))


def test_the_state_is_nested_as_the_layers_is():
    model = build(Window)
    ((seen,), count), *_ = model(sample(5, 3, 2))[1]
    assert seen.shape == (1, 3, 2, 2)  # s, batch, the layer's first axis, features
    assert count.shape == (1, 3)
    assert count.dtype == torch.long
    assert [entry[1].shape[0] for entry in model(sample(5, 3, 2))[1]] == list(DILATIONS)


def test_measures_know_the_scheme_and_gradients_go_the_general_way():
    model = build()
    assert compute_mrl(model) == compute_mrl(DILATIONS)
    profile = gradient_profile(model, 6, inputs=sample(6, 1, 2))
    x = sample(6, 1, 2)
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x)[0][-1, 0], x)
    norms = jacobian.square().sum((0, 2, 3)).sqrt().flip(0)
    assert profile.norms == pytest.approx(norms.numpy(), rel=1e-10)


def test_torchs_own_layers_may_come_as_ones_own():
    cell = lambda i, h: torch.nn.GRU(i, h, num_layers=2)  # noqa: E731
    model, x = build(cell), sample(9, 3, 2)
    assert model(x)[1][2].shape == (4, 3, 2, 4)
    first, state = model(x[:5])
    torch.testing.assert_close(torch.cat([first, model(x[5:], state)[0]]), model(x)[0], **EQUAL)
    before = model(x)[0]
    torch.manual_seed(5)
    model.reset_parameters()
    assert (model(x)[0] - before).abs().max() > 1e-3


def test_a_pair_of_states_of_two_sizes_starts_from_zeros_of_both():
    cell = lambda i, h: torch.nn.LSTM(i, 6, proj_size=h)  # noqa: E731
    model, x = build(cell), sample(5, 3, 2)
    _, state = model(x)
    assert [[tuple(h.shape[2:]) for h in pair] for pair in state] == [[(4,), (6,)]] * len(state)
    layer, dilation = model.layers[0], model.dilations[0]
    assert dilation == 1
    torch.testing.assert_close(model.states(x)[0], layer(x)[0], **EQUAL)


class Made(torch.nn.Module):
    """A layer that returns what a function says."""

    def __init__(self, function):
        super().__init__()
        self.function, self.weight = function, torch.nn.Parameter(torch.ones(1))

    def forward(self, x, state=None):
        return self.function(x, state)


def wide(x):
    return x.new_ones(*x.shape[:2], 4)


NAME = "layer 0, a Made, must"
RETURNED = {
    "no pair": (lambda x, s: wide(x), TypeError, "return (output, state), got Tensor"),
    "three": (lambda x, s: (x, x, x), TypeError, "return (output, state), got 3 values"),
    "another width": (
        lambda x, s: (x, x),
        ValueError,
        "return an output of shape (2, 2, 4), got (2, 2, 2)",
    ),
    "a dict": (
        lambda x, s: (wide(x), {"h": x}),
        TypeError,
        "return a state that is a tensor or a nested tuple of tensors, got dict in it",
    ),
    "the batch elsewhere": (
        lambda x, s: (wide(x), x.new_zeros(x.shape[1], 7)),
        ValueError,
        "have the batch, 2, at axis 1 of every tensor of its state, got shape (2, 7)",
    ),
    "nothing": (
        lambda x, s: (wide(x), ()),
        ValueError,
        "return a state that holds a tensor, got ()",
    ),
    "a state that grows": (
        lambda x, s: (wide(x), x.new_zeros(x.shape[1], x.shape[1])),
        ValueError,
        "return a state of one form for every batch, got [(2, 2)] for a batch of 2 and [(3, 3)] "
        "for one of 3",
    ),
    "a start that is learnt": (
        lambda x, s: (wide(x) * (s is None), x.new_zeros(1, x.shape[1])),
        ValueError,
        "take None for a state of zeros: its outputs differ by 1",
    ),
}


@pytest.mark.parametrize(("function", "error", "message"), RETURNED.values(), ids=RETURNED)
def test_a_layer_that_is_no_layer_is_refused_at_the_first_call(function, error, message):
    model = build(lambda i, h: Made(function))
    with pytest.raises(error, match=rf"^{re.escape(f'{NAME} {message}')}\Z"):
        model(sample(5, 3, 2))


def test_a_layer_that_takes_no_state_is_refused_at_the_first_call():
    model = build(lambda i, h: torch.nn.Linear(i, h))
    message = "layer 0, a Linear, must be called as layer(x, state), got (input: "
    with pytest.raises(TypeError, match=rf"^{re.escape(message)}"):
        model(sample(5, 3, 2))


SHARED = torch.nn.GRU(4, 4)
ARGUMENTS = {
    "init": (
        {"init": "orthogonal"},
        ValueError,
        "init must be 'torch' for a cell of one's own, got 'orthogonal': "
        "its layers draw their own parameters",
    ),
    "bias": (
        {"bias": False},
        ValueError,
        "bias must be True for a cell of one's own, got False: its layers decide about biases",
    ),
    "no module": (
        {"cell": lambda i, h: torch.tanh},
        TypeError,
        "cell must return a torch.nn.Module, got builtin_function_or_method",
    ),
    "one layer twice": (
        {"cell": lambda i, h: SHARED},
        ValueError,
        "cell must return a new layer for every call, got one layer twice",
    ),
}


@pytest.mark.parametrize(("options", "error", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_what_a_cell_of_ones_own_does_not_have_is_refused(options, error, message):
    with pytest.raises(error, match=rf"^{re.escape(message)}\Z"):
        build(**({"cell": NormalisedLSTM} | options))


def test_a_trial_leaves_the_mode_as_it_was():
    model = build()
    model.layers[0].of_gates.eval()
    model(sample(5, 3, 2))
    assert [m.training for m in model.layers[0].modules()] == [True, True, True, False, True]


FORMULAS = {
    "law": lambda model: expected_gradient_profile(model, 1.0, 5),
    "parameters": lambda model: count_parameters(model, 4, cell="GRU"),
    "hidden size": lambda model: hidden_size_for(10**4, model),
    "state": lambda model: state_size(model, 4),
}


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_formulas_of_cells_refuse_a_cell_of_ones_own(formula):
    formula(DilatedRNN(2, 4, [1, 2], cell="GRU"))
    message = (
        "the cell must be 'RNN', 'GRU' or 'LSTM', got a model with a cell of one's own, for which "
        "no formula is known: count the parameters of the model, or measure it by gradient_profile"
    )
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}\Z"):
        formula(build())
