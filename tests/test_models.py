"""The dilated models against what defines them: a loop over time, one cell at a time."""

import pytest
import torch

from drnn_theory.models import DilatedRNN

DILATIONS = (1, 2, 4, 8)
KINDS = {  # every cell that a layer may have
    "tanh": {"cell": "RNN"},
    "relu": {"cell": "RNN", "nonlinearity": "relu"},
    "gru": {"cell": "GRU"},
    "lstm": {"cell": "LSTM"},
}
EQUAL = {"rtol": 0.0, "atol": 1e-12}  # float64: sums of under 100 terms of size 1, in another order


def build(kind, *, inputs=3, hidden=5, dilations=DILATIONS, dtype=torch.float64, seed=0, **options):
    torch.manual_seed(seed)
    return DilatedRNN(inputs, hidden, dilations, dtype=dtype, **KINDS[kind], **options)


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def step(layer, x, h, c):
    """One step of torch's cell, written out from its documentation."""
    gates_x, gates_h = x @ layer.weight_ih_l0.T, h @ layer.weight_hh_l0.T
    if layer.bias:
        gates_x, gates_h = gates_x + layer.bias_ih_l0, gates_h + layer.bias_hh_l0
    if layer.mode == "GRU":
        (rx, zx, nx), (rh, zh, nh) = gates_x.chunk(3, -1), gates_h.chunk(3, -1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        return (1 - z) * torch.tanh(nx + r * nh) + z * h, c
    if layer.mode == "LSTM":
        i, f, g, o = (gates_x + gates_h).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    return {"RNN_TANH": torch.tanh, "RNN_RELU": torch.relu}[layer.mode](gates_x + gates_h), c


def naive(model, x, dilations=None):
    """Run the model as it is defined: c_t = f(x_t, c_{t - s}), one step and one layer at a time.

    Returns the outputs of every layer, (T, B, H) each, and the c of every layer.
    """
    tops, cells = [], []
    for layer, s in zip(model.layers, dilations or model.dilations, strict=True):
        zero = x.new_zeros(x.shape[1], layer.hidden_size)
        h, c = {}, {}
        for t in range(x.shape[0]):
            h[t], c[t] = step(layer, x[t], h.get(t - s, zero), c.get(t - s, zero))
        x = torch.stack([h[t] for t in range(x.shape[0])]) if h else x.new_zeros(0, *zero.shape)
        tops.append(x)
        cells.append(torch.stack([c[t] for t in range(x.shape[0])]) if c else x)
    return tops, cells


@pytest.mark.parametrize("steps", [1, 7, 8, 16, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_the_folded_model_equals_the_loop_that_defines_it(kind, steps):
    model, x = build(kind), draw(steps, 2, 3)
    torch.testing.assert_close(model(x)[0], naive(model, x)[0][-1], **EQUAL)


@pytest.mark.parametrize("wrong", [(2, 2, 4, 8), (1, 2, 4, 7)])
@pytest.mark.parametrize("kind", KINDS)
def test_one_wrong_dilation_is_seen(kind, wrong):
    model, x = build(kind), draw(16, 2, 3)
    error = (model(x)[0] - naive(model, x, wrong)[0][-1]).abs().max()
    assert error > 1e-7  # the equality above holds to 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_any_dilations_in_any_order_will_do(kind):
    model, x = build(kind, dilations=[7, 3, 3, 40, 1]), draw(50, 2, 3)
    torch.testing.assert_close(model(x)[0], naive(model, x)[0][-1], **EQUAL)


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_is_the_last_s_states_of_each_layer_oldest_first(kind):
    model, x = build(kind), draw(21, 2, 3)
    tops, cells = naive(model, x)
    for s, h, c, entry in zip(DILATIONS, tops, cells, model(x)[1], strict=True):
        expected = (h[-s:], c[-s:]) if kind == "lstm" else h[-s:]
        torch.testing.assert_close(entry, expected, **EQUAL)
