"""How models draw their parameters: every gate's matrix on its own, biases apart from matrices."""

import re

import pytest
import torch

from drnn_theory import DilatedRNN, GraphRNN, skip_rnn, state_space_rnn
from drnn_theory.models import initialise

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
SHAPES = {"one input": 1, "fewer inputs than units": 3, "as many": 8, "more": 13}


def build(cell, init="torch", *, inputs=3, hidden=8, seed=0, **options):
    torch.manual_seed(seed)
    return DilatedRNN(inputs, hidden, [1, 2], cell=cell, init=init, **options)


def matrices(layer):
    return [p.detach() for name, p in layer.named_parameters() if "weight" in name]


@pytest.mark.parametrize("inputs", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("cell", GATES)
def test_every_gate_has_an_orthogonal_matrix_of_its_own(cell, inputs):
    model = build(cell, "orthogonal", inputs=inputs, dtype=torch.float64)
    for layer in model.layers:
        for weight in matrices(layer):
            gates = weight.chunk(GATES[cell])
            for gate in gates:
                rows, columns = gate.shape
                product = gate @ gate.T if rows < columns else gate.T @ gate
                expected = torch.eye(min(rows, columns), dtype=torch.float64)
                torch.testing.assert_close(product, expected, rtol=0, atol=1e-13)
            assert not any(torch.equal(gates[0], other) for other in gates[1:])


@pytest.mark.parametrize("cell", GATES)
def test_glorots_bound_is_that_of_a_gate_not_of_the_stacked_gates(cell):
    model = build(cell, "glorot", inputs=100, hidden=50)
    for weight, columns in zip(matrices(model.layers[0]), (100, 50), strict=True):
        bound = (6 / (50 + columns)) ** 0.5
        for gate in weight.chunk(GATES[cell]):
            assert 0.99 * bound < gate.abs().max() <= bound  # of 2,500 numbers or more
            assert gate.std() == pytest.approx(bound / 3**0.5, rel=0.05)


@pytest.mark.parametrize("init", ["orthogonal", "glorot"])
def test_biases_are_zero_but_for_the_forget_gate_whose_sum_is_one(init):
    for cell in ("RNN", "GRU"):
        layer = build(cell, init).layers[1]
        assert not layer.bias_ih_l0.any()
        assert not layer.bias_hh_l0.any()
    layer = build("LSTM", init).layers[1]
    i, f, g, o = (layer.bias_ih_l0 + layer.bias_hh_l0).chunk(4)
    assert f.tolist() == [1.0] * 8
    assert not torch.stack([i, g, o]).any()


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("init", ["orthogonal", "glorot"])
def test_a_fused_model_draws_its_convolution_likewise(cell, init):
    torch.manual_seed(0)
    fuse = DilatedRNN(3, 8, [4, 8], cell=cell, init=init, fusion=True).fuse
    assert not fuse.bias.any()
    flat = fuse.weight.detach().flatten(1)
    gram = flat @ flat.T
    assert torch.allclose(gram, torch.eye(8), atol=1e-6) == (init == "orthogonal")
    assert fuse.weight.abs().max() <= (6 / (2 * 8 * 4)) ** 0.5 or init == "orthogonal"


def test_torchs_own_draws_stay_what_they_were():
    torch.manual_seed(0)
    layers = [torch.nn.GRU(3, 8), torch.nn.GRU(8, 8)]
    for own, other in zip(build("GRU").layers, layers, strict=True):
        assert all(map(torch.equal, own.parameters(), other.parameters()))


@pytest.mark.parametrize("init", ["torch", "orthogonal", "glorot"])
@pytest.mark.parametrize("fusion", [False, True])
@pytest.mark.parametrize("cell", GATES)
def test_reset_parameters_draws_all_of_them_once_more(cell, fusion, init):
    model, draws = build(cell, init, fusion=fusion), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        model.reset_parameters()
        draws.append([p.detach().clone() for p in model.parameters()])
    for before, one, same, other in zip(
        build(cell, init, fusion=fusion).parameters(), *draws, strict=True
    ):
        constant = init != "torch" and one.dim() == 1
        assert torch.equal(one, same)
        assert torch.equal(one, other) == torch.equal(one, before) == constant


@pytest.mark.parametrize("biases", ["torch", "zero"])
@pytest.mark.parametrize("matrices_by", ["torch", "orthogonal", "glorot"])
@pytest.mark.parametrize("cell", GATES)
def test_matrices_and_biases_are_chosen_apart(cell, matrices_by, biases):
    layer = getattr(torch.nn, cell)(8, 8, num_layers=2, bidirectional=True)
    torch.manual_seed(0)
    initialise(layer, matrices=matrices_by, biases=biases, forget=2.0)
    for name, p in layer.named_parameters():
        if "weight" in name:
            gate = p.detach().chunk(GATES[cell])[-1]
            squares = gate[:, :8].square().sum(0)
            orthogonal = bool(((squares - 1).abs() < 1e-5).all())
            assert orthogonal == (matrices_by == "orthogonal" and gate.shape[1] == 8)
            bound = {"torch": 8**-0.5, "glorot": (6 / (8 + gate.shape[1])) ** 0.5}
            limit = bound.get(matrices_by, 1.0)
            assert 0.5 * limit < p.abs().max() <= limit or matrices_by == "orthogonal"
        elif biases == "torch":
            assert 0.5 * 8**-0.5 < p.abs().max() <= 8**-0.5
        elif cell == "LSTM" and "bias_ih" in name:
            assert p.tolist() == [0.0] * 8 + [2.0] * 8 + [0.0] * 16
        else:
            assert not p.any()


def test_the_projection_of_an_lstm_is_one_matrix():
    layer = torch.nn.LSTM(3, 8, proj_size=4)
    initialise(layer, matrices="orthogonal")
    weight = layer.weight_hr_l0.detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(4), rtol=0, atol=1e-6)


@pytest.mark.parametrize("init", ["torch", "orthogonal", "glorot"])
def test_other_dtypes_and_no_device_will_do(init):
    for options in ({"dtype": torch.bfloat16}, {"device": "meta"}, {"bias": False}):
        model = build("LSTM", init, **options)
        assert model(torch.zeros(5, 2, 3, **{k: v for k, v in options.items() if k != "bias"}))
    weight = build("RNN", init, dtype=torch.bfloat16).layers[0].weight_hh_l0.detach().float()
    error = (weight @ weight.T - torch.eye(8)).abs().max()
    assert (error < 8 * 2**-8) == (init == "orthogonal")  # eight products of rounded numbers


def test_a_graph_draws_every_edges_matrix_on_its_own():
    torch.manual_seed(0)
    model = GraphRNN(skip_rnn(4, layers=2), 3, 8, init="orthogonal")
    for matrix in (*model.weights, *model.entries):
        columns = matrix.detach().T @ matrix.detach()
        torch.testing.assert_close(columns, torch.eye(len(columns)), rtol=0, atol=1e-6)
    assert not any(bias.any() for bias in model.biases)
    glorot = GraphRNN(skip_rnn(4, layers=2), 3, 8, init="glorot")
    for matrix in glorot.weights:
        bound = (6 / sum(matrix.shape)) ** 0.5
        assert 0.5 * bound < matrix.abs().max() <= bound


REFUSED = {
    "of a stack": (
        lambda: DilatedRNN(3, 5, [1], init="Glorot"),
        ValueError,
        "init must be one of 'torch', 'orthogonal', 'glorot', got 'Glorot'",
    ),
    "of a graph": (
        lambda: GraphRNN(skip_rnn(4), 3, 5, init=None),
        ValueError,
        "init must be one of 'torch', 'orthogonal', 'glorot', got None",
    ),
    "matrices": (
        lambda: initialise(torch.nn.GRU(2, 2), matrices="normal"),
        ValueError,
        "matrices must be one of 'torch', 'orthogonal', 'glorot', got 'normal'",
    ),
    "biases": (
        lambda: initialise(torch.nn.GRU(2, 2), biases=0),
        ValueError,
        "biases must be one of 'torch', 'zero', got 0",
    ),
    "layer": (
        lambda: initialise(torch.nn.Linear(2, 2)),
        TypeError,
        "layer must be a torch.nn.RNN, GRU or LSTM, got Linear: "
        "other layers know how to draw their own parameters",
    ),
}


@pytest.mark.parametrize(("build", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_drawn_is_refused(build, error, message):
    with pytest.raises(error, match=rf"^{re.escape(message)}\Z"):
        build()


@pytest.mark.parametrize("init", ["torch", "orthogonal", "glorot"])
def test_a_state_space_begins_with_decays_below_one_counted_as_edges_or_not(init):
    for counted in (True, False):
        model = GraphRNN(state_space_rnn(2, counted=counted), 3, 8, init=init)
        decays = [w for w in [*model.weights, *model.decays] if w.dim() == 1]
        assert len(decays) == 2
        assert all(bool(((w >= 0.9) & (w <= 0.999)).all()) for w in decays)
