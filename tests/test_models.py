"""The dilated models against what defines them: a loop over time, one cell at a time."""

import re

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
    return DilatedRNN(
        inputs, hidden, dilations, dtype=dtype, **KINDS[kind], **options, init="torch"
    )


def sample(*shape, seed=1, dtype=torch.float64):
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
    model, x = build(kind), sample(steps, 2, 3)
    torch.testing.assert_close(model(x)[0], naive(model, x)[0][-1], **EQUAL)


@pytest.mark.parametrize("wrong", [(2, 2, 4, 8), (1, 2, 4, 7)])
@pytest.mark.parametrize("kind", KINDS)
def test_one_wrong_dilation_is_seen(kind, wrong):
    model, x = build(kind), sample(16, 2, 3)
    error = (model(x)[0] - naive(model, x, wrong)[0][-1]).abs().max()
    assert error > 1e-7  # the equality above holds to 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_any_dilations_in_any_order_will_do(kind):
    model, x = build(kind, dilations=[7, 3, 3, 40, 1]), sample(50, 2, 3)
    torch.testing.assert_close(model(x)[0], naive(model, x)[0][-1], **EQUAL)


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_is_the_last_s_states_of_each_layer_oldest_first(kind):
    model, x = build(kind), sample(21, 2, 3)
    tops, cells = naive(model, x)
    for s, h, c, entry in zip(DILATIONS, tops, cells, model(x)[1], strict=True):
        expected = (h[-s:], c[-s:]) if kind == "lstm" else h[-s:]
        torch.testing.assert_close(entry, expected, **EQUAL)


# Streaming: a sequence fed in pieces.


def entries(state):
    """Every tensor of a state, in order."""
    return [h for entry in state for h in (entry if isinstance(entry, tuple) else (entry,))]


def assert_equal_states(actual, expected):
    for one, other in zip(entries(actual), entries(expected), strict=True):
        torch.testing.assert_close(one, other, **EQUAL)


VARIANTS = {"stack": {}, "fused": {"dilations": (4, 1, 8), "fusion": True}}
PIECES = {
    "one": [23],
    "none, then all": [0, 23],
    "single steps": [1] * 23,
    "shorter than a dilation": [3] * 7 + [2],
    "uneven, one empty": [5, 0, 1, 11, 6],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_fed_in_pieces_equals_the_sequence_fed_whole(kind, variant, pieces):
    model, x = build(kind, **VARIANTS[variant]), sample(23, 2, 3)
    whole, final = model(x)
    outputs, state = [], None
    for piece in x.split(pieces):
        output, state = model(piece, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs), whole, **EQUAL)
    assert_equal_states(state, final)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_fed_in_pieces_without_its_state_is_another(kind):
    model, x = build(kind), sample(23, 2, 3)
    assert (model(x[11:])[0] - model(x)[0][11:]).abs().max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_through_pieces_equal_those_through_the_whole(kind):
    model, x = build(kind), sample(23, 2, 3)
    model(x)[0].square().sum().backward()
    whole = [p.grad for p in model.parameters()]
    model.zero_grad()
    state, loss = None, 0.0
    for piece in x.split([5, 0, 1, 11, 6]):
        output, state = model(piece, state)
        loss = loss + output.square().sum()
    loss.backward()
    for p, expected in zip(model.parameters(), whole, strict=True):
        torch.testing.assert_close(p.grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_callers_is_overwritten(kind, variant):
    model, x = build(kind, **VARIANTS[variant]), sample(9, 2, 3)
    state = model(sample(5, 2, 3, seed=2))[1]
    held = [h.clone() for h in entries(state)]
    kept, caller = x.clone(), list(state)
    model(x, caller)
    assert all(torch.equal(h, old) for h, old in zip(entries(tuple(caller)), held, strict=True))
    assert torch.equal(x, kept)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_returned_state_owns_its_memory(kind, variant):
    model, x = build(kind, **VARIANTS[variant]), sample(9, 2, 3)
    with torch.no_grad():
        output, state = model(x)
        kept = output.clone()
        for h in entries(state):
            h.fill_(7.0)
    assert torch.equal(output, kept)
    sizes = [h.untyped_storage().nbytes() for h in entries(state)]
    assert sizes == [h.numel() * h.element_size() for h in entries(state)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_a_state_longer_than_the_sequence_keeps_its_youngest_part(kind, steps):
    model, x = build(kind), sample(20 + steps, 2, 3)
    state = model(x[20:], model(x[:20])[1])[1]
    tops, cells = naive(model, x)
    for s, h, c, entry in zip(DILATIONS, tops, cells, state, strict=True):
        expected = (h[-s:], c[-s:]) if kind == "lstm" else h[-s:]
        torch.testing.assert_close(entry, expected, **EQUAL)


# Variable lengths.

LENGTHS = {"mixed": [9, 14, 0, 1, 14, 6], "all empty": [0] * 6, "all full": [14] * 6}


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_sequence_of_a_padded_batch_runs_to_its_own_length(kind, variant, lengths):
    model, x = build(kind, **VARIANTS[variant]), sample(14, 6, 3)
    old = model(sample(10, 6, 3, seed=2))[1]
    for index, n in enumerate(lengths):
        x[n:, index] = float("nan")  # no padding may reach anything
    output, state = model(x, old, lengths=lengths)
    assert torch.equal(model(x, old, lengths=torch.tensor(lengths))[0], output)
    for index, n in enumerate(lengths):
        alone = slice(index, index + 1)
        expected, last = model(x[:n, alone], at(old, alone))
        torch.testing.assert_close(output[:n, alone], expected, **EQUAL)
        assert (output[n:, index] == 0).all()
        assert_equal_states(at(state, alone), last)


def at(state, batch):
    """The state of some sequences of a batch."""
    return tuple(
        tuple(h[:, batch] for h in entry) if isinstance(entry, tuple) else entry[:, batch]
        for entry in state
    )


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_sequence_comes_back_packed(kind, variant, sort):
    model = build(kind, **VARIANTS[variant])
    lengths = [14, 9, 9, 3] if sort else [9, 14, 3, 9]
    sequences = [sample(n, 3, seed=n + index) for index, n in enumerate(lengths)]
    packed = torch.nn.utils.rnn.pack_sequence(sequences, enforce_sorted=sort)
    output, state = model(packed)
    assert torch.equal(output.batch_sizes, packed.batch_sizes)
    unpacked = torch.nn.utils.rnn.unpack_sequence(output)
    for index, (sequence, result) in enumerate(zip(sequences, unpacked, strict=True)):
        expected, last = model(sequence.unsqueeze(1))
        torch.testing.assert_close(result.unsqueeze(1), expected, **EQUAL)
        assert_equal_states(at(state, slice(index, index + 1)), last)
    assert_equal_states(model(output_as_input(packed), state)[1], model(packed, state)[1])


def output_as_input(packed):
    return torch.nn.utils.rnn.PackedSequence(
        packed.data.clone(), packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices
    )


@pytest.mark.parametrize("kind", KINDS)
def test_padding_receives_no_gradient_and_spoils_none(kind):
    model, x = build(kind), sample(9, 2, 3)
    x[4:, 0] = float("inf")
    x.requires_grad_()
    model(x, lengths=[4, 9])[0].sum().backward()
    assert (x.grad[4:, 0] == 0).all()
    assert all(p.grad.isfinite().all() for p in model.parameters())


# Shapes.


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_unbatched_input_is_a_batch_of_one(kind, variant):
    model, x = build(kind, **VARIANTS[variant]), sample(12, 1, 3)
    state = model(sample(5, 1, 3, seed=2))[1]
    expected, last = model(x, state)
    flat = tuple(
        tuple(h.squeeze(1) for h in entry) if isinstance(entry, tuple) else entry.squeeze(1)
        for entry in state
    )
    output, new = model(x.squeeze(1), flat)
    assert torch.equal(output, expected.squeeze(1))
    assert all(
        torch.equal(h, other.squeeze(1))
        for h, other in zip(entries(new), entries(last), strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_batch_first_transposes_input_and_output_but_not_the_state(kind):
    model, x = build(kind), sample(12, 2, 3)
    other = build(kind, batch_first=True)
    output, state = other(x.transpose(0, 1), lengths=[12, 7])
    assert torch.equal(output, model(x, lengths=[12, 7])[0].transpose(0, 1))
    output, state = other(x.transpose(0, 1))
    assert torch.equal(output, model(x)[0].transpose(0, 1))
    assert_equal_states(state, model(x)[1])


@pytest.mark.parametrize("batch", [0, 2])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_steps_give_no_outputs_and_leave_the_state(kind, variant, batch):
    model = build(kind, **VARIANTS[variant])
    state = model(sample(5, batch, 3))[1]
    output, same = model(sample(0, batch, 3), state)
    assert output.shape == (0, batch, 5)
    assert all(torch.equal(a, b) for a, b in zip(entries(same), entries(state), strict=True))
    assert model(sample(0, 3))[0].shape == (0, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_may_have_its_own_size(kind):
    model, x = build(kind, hidden=[4, 2, 6, 5]), sample(20, 2, 3)
    output, state = model(x)
    torch.testing.assert_close(output, naive(model, x)[0][-1], **EQUAL)
    assert [h.shape[2] for h in state] == [4, 2, 6, 5] if kind != "lstm" else True
    assert model.hidden_size == model.hidden_sizes == (4, 2, 6, 5)
    assert build(kind).hidden_size == 5


# Fusion and dropout.


@pytest.mark.parametrize("steps", [1, 3, 20])
@pytest.mark.parametrize("kind", KINDS)
def test_fusion_is_a_causal_sum_over_the_last_top_states(kind, steps):
    model, x = build(kind, dilations=(4, 8), fusion=True), sample(steps, 2, 3)
    top = naive(model, x)[0][-1]
    weight, expected = model.fuse.weight, []
    for t in range(steps):
        terms = [top[t - k] @ weight[:, :, 3 - k].T for k in range(4) if t >= k]
        expected.append(sum(terms) + model.fuse.bias)
    torch.testing.assert_close(model(x)[0], torch.stack(expected), **EQUAL)


@pytest.mark.parametrize("fusion", [False, True])
def test_fusion_lets_the_residue_classes_of_time_meet(fusion):
    model, x = build("tanh", dilations=(4, 8), fusion=fusion), sample(20, 1, 3).requires_grad_()
    model(x)[0][-1].sum().backward()
    reached = [t for t in range(20) if x.grad[t].any()]
    assert reached == (list(range(20)) if fusion else [3, 7, 11, 15, 19])


def test_dropout_acts_between_layers_in_training_only():
    model, x = build("gru", dropout=0.5), sample(20, 2, 3)
    reference = build("gru")(x)[0]
    torch.manual_seed(3)
    first = model(x)[0]
    torch.manual_seed(3)
    assert torch.equal(model(x)[0], first)
    assert not torch.equal(model(x)[0], first)
    assert (first - reference).abs().max() > 1e-3
    assert torch.equal(model.eval()(x)[0], reference)


def test_dropout_of_everything_leaves_the_top_layer_its_bias_alone():
    model, x = build("tanh", dropout=1.0), sample(20, 2, 3)
    assert torch.equal(model(x)[0], model(2 * x)[0])
    assert not torch.equal(model(x)[1][0], model(2 * x)[1][0])  # the first layer sees its input


# Kinds of numbers, and torch's machinery.


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_dtypes_agree_with_float64_to_their_precision(kind, variant, dtype, monkeypatch):
    monkeypatch.setattr("drnn_theory.models.running.columns_are_faster", lambda *_: True)
    model, x = build(kind, **VARIANTS[variant]), sample(20, 2, 3)
    expected = model(x)[0]
    output, state = model.to(dtype)(x.to(dtype))
    assert output.dtype == dtype
    assert {h.dtype for h in entries(state)} == {dtype}
    with torch.no_grad():
        alone, _ = model.to(dtype)(x.to(dtype))
    torch.testing.assert_close(alone, output, rtol=0, atol=20 * torch.finfo(dtype).eps)
    own = dtype == torch.float32  # the backward pass of its own
    assert ("Recurrence" in names_in_graph(output)) == own
    # states of size 1 at most, rounded some ten times on the way: a few units of the last place
    torch.testing.assert_close(output.double(), expected, rtol=0, atol=20 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_inference_and_several_threads_change_nothing(kind, threads):
    model, x = build(kind, dtype=torch.float32), sample(23, 2, 3).float()
    expected = model(x)[0]
    torch.set_num_threads(threads)
    with torch.inference_mode():
        alone = model(x)[0]
    for output in (alone, model(x)[0]):  # an LSTM in float32 trains by columns on one thread only
        torch.testing.assert_close(output, expected, rtol=0, atol=20 * torch.finfo(x.dtype).eps)


def lstm_autocasts():
    """Whether torch.nn.LSTM itself runs in bfloat16: on some processors oneDNN has no kernel."""
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.nn.LSTM(3, 5)(torch.zeros(4, 2, 3))
    except RuntimeError:
        return False
    return True


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_autocast_runs_and_streams(kind, variant):
    if kind == "lstm" and not lstm_autocasts():
        pytest.skip("torch's own LSTM does not run in bfloat16 on this processor")
    model, x = build(kind, dtype=torch.float32, **VARIANTS[variant]), sample(20, 2, 3).float()
    expected = model(x)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        whole, _ = model(x)
        first, state = model(x[:7])
        second, _ = model(x[7:].bfloat16(), state)
        ragged, _ = model(x, lengths=[20, 9])
        double, _ = model(x.double())  # autocast itself leaves float64 as it is
    pieces = torch.cat([first, second])
    for result in (whole, pieces, double, ragged[:, :1]):
        error = (result.float() - expected[:, : result.shape[1]]).abs().max()
        assert error < 20 * torch.finfo(torch.bfloat16).eps
    whole.sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_dict_makes_the_round_trip_without_running_a_pickle(kind, tmp_path):
    model, x = build(kind, fusion=True), sample(9, 2, 3)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    other = build(kind, fusion=True, seed=5)
    assert not torch.equal(other(x)[0], model(x)[0])
    other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(other(x)[0], model(x)[0])


def test_the_parameters_live_in_torchs_own_layers():
    for kind, layer in {"tanh": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}.items():
        model = build(kind)
        assert [type(one) for one in model.layers] == [layer] * 4
        assert sum(p.numel() for p in model.parameters()) == sum(
            p.numel() for one in model.layers for p in one.parameters()
        )
        assert not [name for name in build(kind, bias=False).state_dict() if "bias" in name]


def test_the_model_moves_between_devices():
    model = build("gru", fusion=True).to("meta")
    output, state = model(sample(9, 2, 3).to("meta"))
    assert output.device.type == "meta"
    assert {h.device.type for h in state} == {"meta"}
    assert next(build("gru", device="meta").parameters()).device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_cuda_agrees_with_the_cpu(kind, variant):
    model, x = build(kind, **VARIANTS[variant]), sample(23, 2, 3)
    for options in ({}, {"lengths": [23, 9]}):
        expected, last = model.cpu()(x, **options)
        output, state = model.cuda()(x.cuda(), **options)
        torch.testing.assert_close(output.cpu(), expected, rtol=0, atol=1e-11)
        for h, other in zip(entries(state), entries(last), strict=True):
            torch.testing.assert_close(h.cpu(), other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_two_runs_under_one_seed_are_equal_to_the_bit(kind):
    runs = []
    for _ in range(2):
        model, x = build(kind), sample(20, 2, 3)
        model(x)[0].square().sum().backward()
        runs.append([p.grad for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
    assert not torch.equal(build(kind, seed=1)(x)[0], model(x)[0])


def functional(model, steps):
    """The model as a function of its input, its state and its parameters, with points for it."""
    names = [name for name, _ in model.named_parameters()]
    state = model(sample(6, 2, 3, seed=2))[1]
    points = [sample(steps, 2, 3), *entries(state), *model.parameters()]

    def call(x, *rest):
        given = iter(rest)
        old = tuple(
            tuple(next(given) for _ in entry) if isinstance(entry, tuple) else next(given)
            for entry in state
        )
        parameters = dict(zip(names, given, strict=True))
        output, new = torch.func.functional_call(model, parameters, (x, old))
        return (output, *entries(new))

    return call, [p.detach().requires_grad_() for p in points]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_are_right_to_the_second_order(kind, variant):
    options = {"stack": {"dilations": (1, 3)}, "fused": {"dilations": (2, 1), "fusion": True}}
    call, points = functional(build(kind, hidden=2, **options[variant]), 4)
    assert torch.autograd.gradcheck(call, points)
    assert torch.autograd.gradgradcheck(call, points, fast_mode=True)  # seeded by build


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own forward mode
@pytest.mark.parametrize("kind", KINDS)
def test_torch_func_sees_the_same_derivatives(kind):
    model, x = build(kind, dilations=(1, 3)), sample(7, 2, 3)
    parameters = dict(model.named_parameters())

    def loss(parameters, x):
        return torch.func.functional_call(model, parameters, (x,))[0].square().sum()

    loss(parameters, x).backward()
    for name, gradient in torch.func.grad(loss)(parameters, x).items():
        torch.testing.assert_close(gradient, parameters[name].grad, **EQUAL)
    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(
        parameters, torch.stack([x, 2 * x])
    )
    for name, gradients in each.items():
        torch.testing.assert_close(gradients[0], parameters[name].grad, **EQUAL)
    reverse = torch.func.jacrev(lambda x: model(x)[0])(x)
    torch.testing.assert_close(torch.func.jacfwd(lambda x: model(x)[0])(x), reverse, **EQUAL)
    assert reverse.abs().max() > 1e-2


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own forward mode
@pytest.mark.parametrize("kind", KINDS)
def test_forward_mode_agrees_with_reverse_mode(kind):
    model, x, direction = build(kind), sample(9, 2, 3), sample(9, 2, 3, seed=2)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, direction)
        change = torch.autograd.forward_ad.unpack_dual(model(dual)[0]).tangent.sum()
    (gradient,) = torch.autograd.grad(model(x.requires_grad_())[0].sum(), x)
    torch.testing.assert_close(change, (gradient * direction).sum(), rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_gradients_goes_back_in_one_pass(kind):
    model, x = build(kind), sample(9, 1, 3).requires_grad_()
    last = model(x)[0][-1, 0]
    asked = torch.eye(5).double()
    (batched,) = torch.autograd.grad(last, x, asked, is_grads_batched=True, retain_graph=True)
    by_vmap = torch.func.vmap(lambda v: torch.autograd.grad(last, x, v, retain_graph=True)[0])
    for unit in range(5):
        (one,) = torch.autograd.grad(model(x)[0][-1, 0, unit], x)
        torch.testing.assert_close(batched[unit], one, **EQUAL)
        torch.testing.assert_close(by_vmap(asked)[unit], one, **EQUAL)


# The recurrence with a backward pass of its own, against torch's layers.


@pytest.fixture
def by_torch(monkeypatch):
    """Run a model by torch's layers alone."""

    def run(model, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr("drnn_theory.models.running.columns_are_faster", lambda *_: False)
            return model(*arguments)

    return run


def gradients(model, output, state, *inputs):
    """The gradients of a fixed scalar of everything that a model returns, twice over."""
    loss = sum((h * sample(*h.shape, seed=9)).sum() for h in (output, *entries(state)))
    wanted = [*inputs, *model.parameters()]
    first = torch.autograd.grad(loss, wanted, retain_graph=True)
    second = torch.autograd.grad(loss, wanted)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    return first


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("chunk", [1, 5, 8, 2048])
@pytest.mark.parametrize("kind", KINDS)
def test_columns_in_chunks_of_any_size_equal_torchs_layers(
    kind, chunk, bias, by_torch, monkeypatch
):
    monkeypatch.setattr("drnn_theory.models.cells._columns_of_chunk", lambda size: chunk)
    model, x = build(kind, bias=bias, dropout=0.0), sample(23, 2, 3).requires_grad_()
    state = model(sample(20, 2, 3, seed=2))[1]
    started = [h.detach().requires_grad_() for h in entries(state)]
    state = list(zip(started[::2], started[1::2], strict=True)) if kind == "lstm" else started
    output, new = model(x, state)
    assert "Recurrence" in names_in_graph(output)
    expected, last = by_torch(model, x, state)
    assert "Recurrence" not in names_in_graph(expected)
    torch.testing.assert_close(output, expected, **EQUAL)
    assert_equal_states(new, last)
    pairs = zip(
        gradients(model, output, new, x, *started),
        gradients(model, expected, last, x, *started),
        strict=True,
    )
    for one, other in pairs:  # sums of a hundred terms of size 1
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-11)
    with torch.no_grad():
        torch.testing.assert_close(model(x, state)[0], expected, **EQUAL)


def nodes_of(x):
    """The functions that autograd recorded on the way to x."""
    seen, stack = set(), [x.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            stack.extend(parent for parent, _ in node.next_functions)
    return seen


def names_in_graph(x):
    """The names of those functions, in one string."""
    return " ".join(node.name() for node in nodes_of(x))


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_parameters_receive_nothing_and_hinder_nothing(kind, by_torch):
    model, x = build(kind), sample(23, 2, 3)
    for p in model.layers[1].parameters():
        p.requires_grad_(False)
    learned = [p for p in model.parameters() if p.requires_grad]
    ours = torch.autograd.grad(model(x)[0].sum(), learned)
    theirs = torch.autograd.grad(by_torch(model, x)[0].sum(), learned)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-11)


# Dynamo looks at .grad of what comes out of the layers that it leaves out, and warns itself.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_the_compiled_model_is_the_model(kind):
    model, x = build(kind, dilations=(2, 3), fusion=True), sample(23, 2, 3)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="aot_eager")
    output, state = compiled(x[:9])
    torch.testing.assert_close(output, model(x)[0][:9], **EQUAL)
    torch.testing.assert_close(compiled(x[9:], state)[0], model(x)[0][9:], **EQUAL)
    output.sum().backward()
    found = [p.grad for p in model.parameters()]
    model.zero_grad()
    model(x[:9])[0].sum().backward()
    for p, gradient in zip(model.parameters(), found, strict=True):
        torch.testing.assert_close(p.grad, gradient, rtol=1e-12, atol=1e-11)


# What public implementations get wrong, where no test above says it already.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own", [True, False])
def test_the_graph_of_the_backward_pass_does_not_grow_with_the_dilation(kind, own, by_torch):
    """Interleaving by strided slices and cat records s slices for a dilation of s."""
    sizes = []
    for s in (4, 32, 256):  # four steps of torch's layer each: those it does record
        model, x = build(kind, dilations=[s]), sample(4 * s, 2, 3)
        output, _ = model(x) if own else by_torch(model, x)
        sizes.append(len(nodes_of(output.sum())))
    assert len(set(sizes)) == 1


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_output_depends_on_the_future_and_all_depend_on_the_present(kind, variant):
    """Blocks of time in place of phases would make the chains start in the future."""
    model, x = build(kind, **VARIANTS[variant]), sample(13, 1, 3).requires_grad_()
    output = model(x)[0]
    for t in range(13):
        (gradient,) = torch.autograd.grad(output[t].sum(), x, retain_graph=True)
        assert not gradient[t + 1 :].any()
        assert gradient[t].any()


@pytest.mark.parametrize("kind", KINDS)
def test_an_lstm_like_any_cell_takes_back_the_very_state_that_it_returned(kind):
    model, x = build(kind), sample(30, 2, 3)
    state = None
    for piece in x.split(1):  # every piece is shorter than the largest dilation, 8
        output, state = model(piece, state)
    torch.testing.assert_close(output[0], model(x)[0][-1], **EQUAL)
    assert (output[0] - model(x[-1:])[0][0]).abs().max() > 1e-4


@pytest.mark.parametrize("steps", [9, 15, 16, 17])
@pytest.mark.parametrize("kind", KINDS)
def test_no_padding_reaches_the_state_when_the_dilation_does_not_divide_the_time(kind, steps):
    model, x = build(kind, dilations=[8]), sample(steps, 2, 3)
    tops, cells = naive(model, x)
    expected = (tops[0][-8:], cells[0][-8:]) if kind == "lstm" else (tops[0][-8:],)
    assert_equal_states(model(x)[1], (expected,))


@pytest.mark.parametrize("kind", KINDS)
def test_double_and_bfloat16_convert_the_whole_module(kind):
    model = build(kind, dtype=torch.float32, fusion=True)
    for convert, dtype in (("double", torch.float64), ("bfloat16", torch.bfloat16)):
        output, state = getattr(model, convert)()(sample(9, 2, 3).to(dtype))
        assert output.dtype == dtype
        assert {h.dtype for h in entries(state)} == {dtype}


# Refusals.


REFUSED_MODELS = {
    "cell": (
        {"cell": "gru"},
        ValueError,
        "cell must be one of 'RNN', 'GRU', 'LSTM' or a function "
        "(input_size, hidden_size) -> layer, got 'gru'",
    ),
    "nonlinearity": (
        {"nonlinearity": "identity"},
        ValueError,
        "nonlinearity must be one of 'tanh', 'relu', got 'identity'",
    ),
    "nonlinearity of another cell": (
        {"cell": "GRU", "nonlinearity": "relu"},
        ValueError,
        "nonlinearity must be 'tanh' unless the cell is 'RNN', got 'relu' with the cell 'GRU'",
    ),
    "dilations": (
        {"dilations": [1, 0]},
        ValueError,
        "dilations must be one or more positive integers, got [1, 0]: 0 is not positive",
    ),
    "input_size": (
        {"input_size": 0},
        ValueError,
        "input_size must be a positive integer, got 0",
    ),
    "hidden_size": (
        {"hidden_size": [4, 5]},
        ValueError,
        "hidden_size must be one integer or one per layer, 3, got 2: (4, 5)",
    ),
    "hidden_size as a string": (
        {"hidden_size": "20"},
        TypeError,
        "hidden_size must be a positive integer, got '20'",
    ),
    "dropout": ({"dropout": 1.5}, ValueError, "dropout must be a number in [0, 1], got 1.5"),
    "dropout as a bool": (
        {"dropout": True},
        TypeError,
        "dropout must be a number in [0, 1], got True",
    ),
    "dropout without a place": (
        {"dilations": [1], "dropout": 0.5},
        ValueError,
        "dropout must be 0 for one layer, got 0.5: it acts between two layers",
    ),
}


@pytest.mark.parametrize(
    ("options", "error", "message"), REFUSED_MODELS.values(), ids=REFUSED_MODELS
)
def test_a_model_that_cannot_be_is_refused(options, error, message):
    with pytest.raises(error, match=rf"^{re.escape(message)}\Z"):
        DilatedRNN(**({"input_size": 3, "hidden_size": 5, "dilations": [1, 2, 4]} | options))


def zeros(*shape, dtype=torch.float64, device="cpu"):
    return torch.zeros(*shape, dtype=dtype, device=device)


STATE = (zeros(1, 2, 5), zeros(2, 2, 5))
PAIRS = tuple((h, h) for h in STATE)
INPUT = "input must be a tensor of shape (time, batch, 3)"
REFUSED_CALLS = {
    "a list": ("RNN", {}, ([0.0],), TypeError, f"{INPUT}, got list"),
    "one axis": ("RNN", {}, (zeros(3),), ValueError, f"{INPUT} or (time, 3), got (3,)"),
    "features": ("RNN", {}, (zeros(4, 2, 5),), ValueError, f"{INPUT} or (time, 3), got (4, 2, 5)"),
    "features, batch first": (
        "RNN",
        {"batch_first": True},
        (zeros(2, 4, 5),),
        ValueError,
        "input must be a tensor of shape (batch, time, 3) or (time, 3), got (2, 4, 5)",
    ),
    "dtype": (
        "RNN",
        {},
        (zeros(4, 2, 3, dtype=torch.float32),),
        ValueError,
        "input must be torch.float64 as the parameters are, got torch.float32",
    ),
    "device": (
        "RNN",
        {},
        (zeros(4, 2, 3, device="meta"),),
        ValueError,
        "input must be on cpu as the parameters, got meta",
    ),
    "a state of one tensor": (
        "GRU",
        {},
        (zeros(4, 2, 3), zeros(2, 2, 5)),
        TypeError,
        "state must be a tuple of 2 entries, got Tensor",
    ),
    "a state of another depth": (
        "GRU",
        {},
        (zeros(4, 2, 3), STATE[:1]),
        ValueError,
        "state must be a tuple of 2 entries, got 1",
    ),
    "a state of another batch": (
        "GRU",
        {},
        (zeros(4, 3, 3), STATE),
        ValueError,
        "state[0] must be a tensor of shape (1, 3, 5), got (1, 2, 5)",
    ),
    "a state of another dtype": (
        "GRU",
        {},
        (zeros(4, 2, 3), (STATE[0], STATE[1].float())),
        ValueError,
        "state[1] must be torch.float64 as the parameters are, got torch.float32",
    ),
    "a state on another device": (
        "GRU",
        {},
        (zeros(4, 2, 3), (STATE[0].to("meta"), STATE[1])),
        ValueError,
        "state[0] must be on cpu as the parameters, got meta",
    ),
    "pairs where there are none": (
        "GRU",
        {},
        (zeros(4, 2, 3), PAIRS),
        TypeError,
        "state[0] must be a tensor of shape (1, 2, 5), got tuple",
    ),
    "no pairs for an LSTM": (
        "LSTM",
        {},
        (zeros(4, 2, 3), STATE),
        TypeError,
        "state[0] must be a pair (h, c) of tensors of shape (1, 2, 5), got Tensor",
    ),
    "a batched state for unbatched input": (
        "RNN",
        {},
        (zeros(4, 3), STATE),
        ValueError,
        "state must hold tensors (s, hidden_size) for unbatched input, got shape (1, 2, 5)",
    ),
    "a fused model's state is one entry longer": (
        "RNN",
        {"fusion": True},
        (zeros(4, 2, 3), STATE),
        ValueError,
        "state must be a tuple of 3 entries, got 2",
    ),
    "too few lengths": (
        "RNN",
        {},
        (zeros(4, 2, 3), None, [4]),
        ValueError,
        "lengths must be 2 integers from 0 to 4, one per sequence, got shape (1,)",
    ),
    "a length beyond the input": (
        "RNN",
        {},
        (zeros(4, 2, 3), None, [4, 5]),
        ValueError,
        "lengths must be 2 integers from 0 to 4, one per sequence, got [4, 5]",
    ),
    "fractional lengths": (
        "RNN",
        {},
        (zeros(4, 2, 3), None, [4.0, 2.5]),
        TypeError,
        "lengths must be 2 integers from 0 to 4, one per sequence, got torch.float32",
    ),
    "lengths of unbatched input": (
        "RNN",
        {},
        (zeros(4, 3), None, [4]),
        ValueError,
        "lengths must be None for unbatched input, got [4]",
    ),
    "lengths of a packed sequence": (
        "RNN",
        {},
        (torch.nn.utils.rnn.pack_sequence([zeros(4, 3)]), None, [4]),
        ValueError,
        "lengths must be None for a PackedSequence, got [4]",
    ),
}


@pytest.mark.parametrize(
    ("cell", "options", "arguments", "error", "message"), REFUSED_CALLS.values(), ids=REFUSED_CALLS
)
def test_a_call_that_cannot_be_is_refused(cell, options, arguments, error, message):
    model = DilatedRNN(3, 5, [1, 2], cell=cell, dtype=torch.float64, **options, init="torch")
    with pytest.raises(error, match=rf"^{re.escape(message)}\Z"):
        model(*arguments)
