"""All ways through DilatedRNN are one function: in outputs, states and gradients, to 1e-12."""

import pytest
import torch
from torch.nn.utils import prune
from torch.utils.checkpoint import checkpoint

from drnn_theory.models import DilatedRNN, folding, running, ways
from tests.test_models import EQUAL, KINDS, entries, names_in_graph, sample, step

STACKS = {
    "stack": {"dilations": [1, 2, 4]},
    "fused": {"dilations": [3, 1, 4], "fusion": True},
    "groups": {"dilations": [[2, 3], [1, 4], [2]]},
    "groups, fused": {"dilations": [[2, 1], [4]], "fusion": True},
}
STEPS, BATCH = 11, 3


def build(kind, stack, **options):
    torch.manual_seed(0)
    return DilatedRNN(
        2, 4, dtype=torch.float64, **KINDS[kind], **STACKS[stack], **options, init="torch"
    )


def by_definition(model, x, state):
    """The output and the state, one step of one cell after another."""
    carried, new = x, []
    ends = [sum(map(len, model.groups[: n + 1])) for n in range(len(model.groups))]
    for index, (layer, s) in enumerate(zip(model.layers, model.dilations, strict=True)):
        if index in ends:
            carried = x
        old = state[index] if model.cell == "LSTM" else (state[index],) * 2
        h, c = ({t - s: part[t] for t in range(s)} for part in old)
        for t in range(len(x)):
            h[t], c[t] = step(layer, x[t], h[t - s], c[t - s])
        last = [torch.stack([part[t] for t in range(len(x) - s, len(x))]) for part in (h, c)]
        new.append(tuple(last) if model.cell == "LSTM" else last[0])
        x = torch.stack([h[t] for t in range(len(x))])
        if index + 1 in ends[1:]:
            x = x + carried
    if model.fusion:
        seen, width = torch.cat([state[-1], x]), model.dilations[0]
        taps = model.fuse.weight.unbind(2)
        new.append(seen[len(x) :])
        x = model.fuse.bias + sum(seen[k : k + len(x)] @ taps[k].T for k in range(width))
    return x, tuple(new)


def in_pieces(model, x, state):
    outputs = []
    for piece in x.split([4, 0, 1, 6]):
        output, state = model(piece, state)
        outputs.append(output)
    return torch.cat(outputs), state


def checkpointed(model, x, state):
    return checkpoint(model, x, state, use_reentrant=False)


def with_lengths(model, x, state):
    return model(x, state, lengths=[len(x)] * x.shape[1])


def packed(model, x, state):
    given = torch.nn.utils.rnn.pack_padded_sequence(x, [len(x)] * x.shape[1])
    output, state = model(given, state)
    return torch.nn.utils.rnn.pad_packed_sequence(output)[0], state


def one_by_one(model, x, state):
    """Every sequence of the batch on its own, unbatched."""
    parts = []
    for b in range(x.shape[1]):
        parts.append(model(x[:, b], pick(state, b)))
    outputs, states = zip(*parts, strict=True)
    return torch.stack(outputs, 1), stack(states)


def pick(entry, b):
    if isinstance(entry, (tuple, list)):
        return tuple(pick(part, b) for part in entry)
    return entry[:, b]


def stack(parts):
    if isinstance(parts[0], tuple):
        return tuple(stack(column) for column in zip(*parts, strict=True))
    return torch.stack(parts, 1)


def as_own_cells(model, x, state):
    """Torch's layers, given as if they were a user's."""
    layers = iter(model.layers)
    dilations = model.groups if len(model.groups) > 1 else model.dilations
    other = DilatedRNN(
        model.input_size,
        model.hidden_size,
        dilations,
        cell=lambda *_: next(layers),
        fusion=model.fusion,
        dtype=torch.float64,
        init="torch",
    )
    if model.fusion:
        other.fuse = model.fuse
    return other(x, state)


def plain(model, x, state):
    return model(x, state)


RUNNING = "drnn_theory.models.running"
WAYS = {  # how the model is called, and what is forced inside it
    "as it chooses": (plain, {}),
    "columns": (plain, {"columns_are_faster": True}),
    "folded": (plain, {"columns_are_faster": False}),
    "called": (plain, {"is_plain": False}),
    "by parts of columns": (in_pieces, {"columns_are_faster": True}),
    "by parts folded": (in_pieces, {"columns_are_faster": False}),
    "by parts called": (in_pieces, {"is_plain": False}),
    "one sequence, columns": (one_by_one, {"columns_are_faster": True}),
    "one sequence, folded": (one_by_one, {"columns_are_faster": False}),
    "lengths": (with_lengths, {}),
    "lengths, cut in time": (with_lengths, {"takes_packed": False}),
    "packed": (packed, {}),
    "checkpoint, columns": (checkpointed, {"columns_are_faster": True}),
    "checkpoint, folded": (checkpointed, {"columns_are_faster": False}),
    "cells of one's own": (as_own_cells, {}),
}


def results(model, run, x, state):
    """Outputs, states and the gradients of a fixed scalar of both, of all that may learn."""
    x = x.clone().requires_grad_()
    leaves = iter([h.clone().requires_grad_() for h in entries(state)])
    held = []

    def again(entry):
        if isinstance(entry, tuple):
            return tuple(again(part) for part in entry)
        held.append(next(leaves))
        return held[-1]

    output, new = run(model, x, again(state))
    loss = sum((h * sample(*h.shape, seed=9)).sum() for h in (output, *entries(new)))
    return [output, *entries(new)], torch.autograd.grad(loss, [x, *held, *model.parameters()])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_way_is_the_loop_that_defines_the_model(kind, stack, way, monkeypatch):
    run, forced = WAYS[way]
    model, x = build(kind, stack), sample(STEPS, BATCH, 2)
    with torch.no_grad():
        state = model(sample(7, BATCH, 2, seed=2))[1]
    expected = results(model, by_definition, x, state)
    for name, value in forced.items():
        monkeypatch.setattr(f"{RUNNING}.{name}", lambda *_, value=value: value)
    values = results(model, run, x, state)
    for one, other in zip(values[0], expected[0], strict=True):
        torch.testing.assert_close(one, other, **EQUAL)
    for one, other in zip(values[1], expected[1], strict=True):  # sums of a hundred terms
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 30.0])  # gates between and at their ends
@pytest.mark.parametrize(
    ("rows", "spare", "marks"),
    [(9, 0, (False, False)), (0, 9**9, (True, False)), (0, 0, (False, True))],
)
def test_an_lstm_keeps_its_state_whichever_way_it_takes_its_last_steps(
    rows, spare, marks, scale, monkeypatch
):
    """Packed, as steps that keep c among those of whole rows, or as one step of torch's cell."""
    model, x = build("lstm", "stack"), scale * sample(STEPS, BATCH, 2)
    state = model(sample(7, BATCH, 2, seed=2))[1]
    state = tuple(tuple(h.detach() for h in pair) for pair in state)
    expected = results(model, by_definition, x, state)
    monkeypatch.setattr(f"{RUNNING}.columns_are_faster", lambda *_: False)
    monkeypatch.setattr(folding, "FEW_ROWS_LEARNING", rows)
    monkeypatch.setattr(folding, "SPARE", spare)
    names = names_in_graph(model(x, state)[0])
    assert marks == ("ConstantPadNdBackward0" in names, "SplitWithSizesBackward0" in names)
    values = results(model, plain, x, state)
    for one, other in zip(values[0], expected[0], strict=True):
        torch.testing.assert_close(one, other, **EQUAL)
    for one, other in zip(values[1], expected[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_ways_are_the_ways_that_they_are_called(kind, monkeypatch):
    model, x = build(kind, "stack"), sample(STEPS, BATCH, 2)
    names = {}
    for way in ("columns", "folded", "called"):
        with monkeypatch.context() as patch:
            for name, value in WAYS[way][1].items():
                patch.setattr(f"{RUNNING}.{name}", lambda *_, value=value: value)
            calls = []
            patch.setattr(
                f"{RUNNING}.run_chains", lambda *a, calls=calls: calls.append(1) or chains(*a)
            )
            names[way] = "Recurrence" in names_in_graph(model(x)[0]), bool(calls)
    assert names == {"columns": (True, False), "folded": (False, False), "called": (False, True)}


def asked(monkeypatch, answer):
    """Record what is asked of the choice, and which way each layer then runs."""
    questions, taken = [], []

    def choose(*question):
        questions.append(question)
        return answer(*question)

    monkeypatch.setattr(f"{RUNNING}.columns_are_faster", choose)
    for name in ("run_columns", "run_folded"):
        run = getattr(running, name)
        monkeypatch.setattr(
            running, name, lambda *a, run=run, name=name: taken.append(name) or run(*a)
        )
    return questions, taken


@pytest.mark.parametrize("columns", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("cell", "mode"), [("RNN", "RNN_TANH"), ("GRU", "GRU"), ("LSTM", "LSTM")])
def test_the_choice_is_asked_with_width_chain_length_and_dtype(
    cell, mode, dtype, columns, monkeypatch
):
    model = DilatedRNN(2, 5, [1, 3, 4], cell=cell, dtype=dtype, init="torch")
    questions, taken = asked(monkeypatch, lambda *_: columns)
    model(torch.zeros(11, 7, 2, dtype=dtype))
    assert questions == [
        (mode, 5, 7, 11, dtype, True),
        (mode, 5, 21, 4, dtype, True),  # 11 steps are chains of 4, 4 and 3
        (mode, 5, 28, 3, dtype, True),
    ]
    assert taken == ["run_columns" if columns else "run_folded"] * 3


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_every_layer_takes_the_way_chosen_for_its_own_width(cell, monkeypatch):
    torch.manual_seed(0)
    model = DilatedRNN(2, 4, [1, 2, 4, 1], cell=cell, dtype=torch.float64, init="torch")
    x = sample(STEPS, BATCH, 2)
    expected = model(x)[0]
    _, taken = asked(monkeypatch, lambda mode, hidden, width, *_: width == 2 * BATCH)
    torch.testing.assert_close(model(x)[0], expected, **EQUAL)
    assert taken == ["run_folded", "run_columns", "run_folded", "run_folded"]


def test_what_learns_is_what_autograd_would_follow(monkeypatch):
    model = DilatedRNN(2, 4, [1, 2], cell="GRU", init="torch")
    questions, _ = asked(monkeypatch, lambda *_: False)

    def learns(*arguments):
        questions.clear()
        model(*arguments)
        return [question[-1] for question in questions]

    x = torch.zeros(5, 1, 2)
    assert learns(x) == [True, True]
    with torch.no_grad():
        assert learns(x) == [False, False]
    state = model(x[:0])[1]
    model.requires_grad_(False)
    assert learns(x) == [False, False]
    assert learns(x.clone().requires_grad_()) == [True, True]
    assert learns(x, (state[0], state[1].clone().requires_grad_())) == [False, True]
    model.layers[0].weight_hh_l0.requires_grad_(True)
    assert learns(x) == [True, True]  # what the first layer learns passes the second


def test_the_choice_turns_where_its_names_say(monkeypatch):
    def choice(mode="GRU", hidden=ways.NARROW, width=1, steps=1000, single=False, learns=True):
        dtype = torch.float32 if single else torch.float64
        return ways.columns_are_faster(mode, hidden, width, steps, dtype, learns)

    assert choice(steps=ways.FEWEST_STEPS)
    assert not choice(steps=ways.FEWEST_STEPS - 1)
    wide = 10**6  # columns: too many but for narrow layers
    assert choice(width=wide)
    assert not choice(width=wide, hidden=ways.NARROW + 1)
    assert choice(width=64, hidden=ways.WIDE)
    assert not choice(width=64, hidden=ways.WIDE + 1)
    assert choice("LSTM")
    assert not choice("LSTM", single=True)
    assert not choice(learns=False)
    assert choice(learns=False, width=wide)
    assert not choice("RNN_TANH", learns=False, width=wide)
    assert choice("RNN_TANH", learns=False, width=wide, hidden=ways.TINY)
    assert not choice("RNN_RELU", width=wide)
    assert choice("RNN_RELU", width=wide, hidden=ways.TINY)
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert choice("RNN_TANH", width=wide, hidden=ways.NARROW - 1) == (threads == 1)


def chains(*arguments):
    from drnn_theory.models.folding import run_chains

    return run_chains(*arguments)


@pytest.mark.parametrize("stack", STACKS)
def test_one_sum_left_out_is_seen(stack):
    model, x = build("gru", stack), sample(STEPS, BATCH, 2)
    state = model(x[:0])[1]
    other = DilatedRNN(
        2, 4, model.dilations, cell="GRU", fusion=model.fusion, dtype=torch.float64, init="torch"
    )
    other.load_state_dict(model.state_dict())
    error = (other(x)[0] - by_definition(model, x, state)[0]).abs().max()
    assert (error > 1e-3) == ("groups" in stack)


# Hooks that make weights, and layers that are not torch's.


def pruned(layer):
    prune.l1_unstructured(layer, "weight_hh_l0", 0.5)
    return layer.weight_hh_l0_orig


def weight_normed(layer):
    torch.nn.utils.weight_norm(layer, "weight_hh_l0")
    return layer.weight_hh_l0_g


def spectral_normed(layer):
    torch.nn.utils.spectral_norm(layer, "weight_hh_l0")
    return layer.weight_hh_l0_orig


def parametrised(layer):
    torch.nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    return layer.parametrizations.weight_hh_l0.original0


def spectrally_parametrised(layer):
    torch.nn.utils.parametrizations.spectral_norm(layer, "weight_hh_l0")
    return layer.parametrizations.weight_hh_l0.original


MAKERS = [pruned, weight_normed, spectral_normed, parametrised, spectrally_parametrised]
deprecated = pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")


@deprecated
@pytest.mark.parametrize("lengths", [None, [9, 4]])
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])  # a relu may die, and learn nothing
def test_weights_that_a_hook_makes_are_made_and_learnt(kind, make, lengths):
    model, x = build(kind, "stack"), sample(9, 2, 2)
    source = make(model.layers[1])
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):  # a second step is where a graph that was kept would be missed
        output, _ = model(x, lengths=lengths)
        weight = model.layers[1].weight_hh_l0.detach().clone()
        if make is not spectrally_parametrised:  # reading which takes a step of its iteration
            state = model.eval()(x[:0])[1]
            expected = by_definition(model.train(), x, state)[0]
            torch.testing.assert_close(output[:4], expected[:4], **EQUAL)
        optimiser.zero_grad()
        output.square().sum().backward()
        assert source.grad.abs().max() > 0
        optimiser.step()
    model(x)
    assert (model.layers[1].weight_hh_l0 - weight).abs().max() > 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_pruned_weight_is_made_from_its_changed_original(kind):
    model, x = build(kind, "stack"), sample(9, 1, 2)
    prune.l1_unstructured(model.layers[1], "weight_hh_l0", 0.5)
    with torch.no_grad():
        before = model(x)[0]
        model.layers[1].weight_hh_l0_orig.mul_(10)
        assert (model(x)[0] - before).abs().max() > 1e-2
    prune.remove(model.layers[1], "weight_hh_l0")
    output, _ = model(x)
    torch.testing.assert_close(output, by_definition(model, x, model(x[:0])[1])[0], **EQUAL)


@deprecated
@pytest.mark.parametrize("make", [spectral_normed, spectrally_parametrised])
def test_a_power_iteration_takes_one_step_a_call_whatever_the_steps(make):
    left = []
    for steps in (8, 9):  # of dilation 4: two whole rows, and one step more
        model = build("gru", "stack")
        make(model.layers[2])
        model(sample(9, 2, 2)[:steps])
        left.append([b.clone() for b in model.layers[2].buffers()])
    assert left[0]
    assert all(map(torch.equal, *left))


class Doubled(torch.nn.GRU):
    """A subclass whose output is not its state."""

    def forward(self, x, h=None):
        y, h = super().forward(x, h)
        return 2 * y, h


@pytest.mark.parametrize("lengths", [None, [9, 4]])
def test_a_subclass_runs_as_its_own_forward_says(lengths):
    model, x = build("gru", "stack"), sample(9, 2, 2)
    plain, _ = model(x, lengths=lengths)
    other = Doubled(4, 4, dtype=torch.float64)
    other.load_state_dict(model.layers[2].state_dict())
    model.layers[2] = other
    torch.testing.assert_close(model(x, lengths=lengths)[0], 2 * plain, **EQUAL)
    first, state = model(x[:4])
    second, _ = model(x[4:], state)
    torch.testing.assert_close(torch.cat([first, second]), model(x)[0], **EQUAL)


def forward_hook(layer):
    return layer.register_forward_hook(lambda module, given, result: (2 * result[0], result[1]))


def own_forward(layer):
    forward = type(layer).forward

    def doubled(x, h=None):
        y, h = forward(layer, x, h)
        return 2 * y, h

    layer.forward = doubled


def global_hook(layer):
    def hook(module, given, result):
        return (2 * result[0], result[1]) if module is layer else None

    return torch.nn.modules.module.register_module_forward_hook(hook)


@pytest.mark.parametrize("lengths", [None, [9, 4]])
@pytest.mark.parametrize("hook", [forward_hook, own_forward, global_hook])
@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_on_a_layer_is_called_however_it_is_put_there(kind, hook, lengths):
    model, x = build(kind, "stack"), sample(9, 2, 2)
    before, _ = model(x, lengths=lengths)
    handle = hook(model.layers[2])
    try:
        torch.testing.assert_close(model(x, lengths=lengths)[0], 2 * before, **EQUAL)
    finally:
        if handle is not None:
            handle.remove()


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_of_the_backward_pass_are_called(kind):
    model, x = build(kind, "stack"), sample(9, 2, 2).requires_grad_()
    seen = []
    model.layers[1].register_full_backward_hook(lambda *_: seen.append("after"))
    model.layers[1].register_full_backward_pre_hook(lambda *_: seen.append("before"))
    model(x)[0].sum().backward()
    assert set(seen) == {"before", "after"}


PRIVATE = {
    "hooks": ("HOOKS", ("_forward_hooks", "a_name_that_torch_gave_up")),
    "transforms": ("TRANSFORMS", "a_name_that_torch_gave_up"),
    "dispatch modes": ("DISPATCH", "a_name_that_torch_gave_up"),
    "forward mode": ("FORWARD_MODE", "a_name_that_torch_gave_up"),
}


@pytest.mark.parametrize(("name", "value"), PRIVATE.values(), ids=PRIVATE)
@pytest.mark.parametrize("kind", KINDS)
def test_without_a_private_name_of_torch_the_layers_are_called(kind, name, value, monkeypatch):
    model, x = build(kind, "stack"), sample(9, 2, 2)
    expected, last = model(x)
    monkeypatch.setattr(f"drnn_theory.models.ways.{name}", value)
    if name == "HOOKS":  # which the general measures look up by the same names
        monkeypatch.setattr("drnn_theory.modules.HOOKS", value)
    monkeypatch.setattr(f"{RUNNING}.columns_are_faster", lambda *_: True)  # were it to ask
    output, state = model(x)
    assert "Recurrence" not in names_in_graph(output)
    torch.testing.assert_close(output, expected, **EQUAL)
    for one, other in zip(entries(state), entries(last), strict=True):
        torch.testing.assert_close(one, other, **EQUAL)
    ragged = model(x, lengths=[9, 4])[0][:, :1]
    torch.testing.assert_close(ragged, expected[:, :1], **EQUAL)


# Checkpoints, no steps, no sequences.


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_computes_again_what_it_did_not_keep(kind):
    model, x = build(kind, "stack"), sample(9, 2, 2).requires_grad_()
    checkpoint(lambda x: model(x)[0], x, use_reentrant=False).sum().backward()
    (expected,) = torch.autograd.grad(model(x)[0].sum(), x)
    torch.testing.assert_close(x.grad, expected, **EQUAL)


@pytest.mark.parametrize("shape", [(0, 2), (5, 0), (0, 0)])
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_over_nothing_has_gradients_of_zero(kind, stack, shape):
    model, x = build(kind, stack), sample(*shape, 2).requires_grad_()
    output, _ = model(x)
    assert output.shape == (*shape, 4)
    output.sum().backward()
    assert x.grad.shape == x.shape
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_meta_tensors_have_the_shapes_that_numbers_would(kind, stack):
    model, x = build(kind, stack), sample(9, 2, 2)
    expected, last = model(x, lengths=[9, 4])
    shapes = [h.shape for h in (expected, *entries(last))]
    model.to("meta")
    for lengths in ([9, 4], torch.tensor([9, 4]), torch.tensor([9, 4], device="meta"), None):
        output, state = model(x.to("meta"), lengths=lengths)
        assert [h.shape for h in (output, *entries(state))] == shapes
        assert {h.device.type for h in (output, *entries(state))} == {"meta"}
