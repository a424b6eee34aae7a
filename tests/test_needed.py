"""Outputs at some steps alone: the numbers of a run of everything, from fewer steps of layers."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import DilatedRNN, exponential_dilations
from drnn_theory.learning import recall
from drnn_theory.learning.trained import Network
from drnn_theory.models import dilated, needed
from drnn_theory.models.needed import needed_steps
from tests.test_models import EQUAL, KINDS, build, sample

BEST = (1, 6, 14, 31, 63, 134, 181, 232, 255)  # found for pixel MNIST


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Run what is needed alone however little that spares."""
    monkeypatch.setattr(needed, "FEWEST", 1)
    monkeypatch.setattr(needed, "SHARE", 1.0)


class Counts(list):
    layer = None  # whose steps are counted last


@pytest.fixture
def steps_run(monkeypatch):
    """The number of steps that one layer after the other runs."""
    counts, run_one = Counts(), dilated.run_one

    def count(layer, x, state, *rest, **options):
        if layer is not counts.layer:
            counts.layer = layer
            counts.append(0)
        counts[-1] += x.numel() // (layer.input_size * state[0].size(1))
        return run_one(layer, x, state, *rest, **options)

    for module in (dilated, needed):
        monkeypatch.setattr(module, "run_one", count)
    return counts


@settings(deadline=None)
@given(
    dilations=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    times=st.lists(st.integers(0, 24), min_size=1, max_size=3),
)
def test_the_needed_steps_are_those_that_the_outputs_reach(dilations, times):
    reached, layers = set(times), []
    for s in reversed(dilations):
        reached |= {t - k * s for t in reached for k in range(t // s + 1)}
        layers.append(sorted(reached))
    layers.reverse()
    found = needed_steps(tuple(dilations), tuple(times))
    assert [sorted(layer.steps.tolist()) for layer in found] == layers


@given(ends=st.lists(st.integers(0, 29), min_size=1, max_size=6), s=st.integers(1, 7))
def test_a_piece_passes_the_states_on_that_the_next_one_reads(ends, s):
    (layer,) = needed_steps((s,), tuple(ends))
    begin, passed = 0, []
    for number, piece in enumerate(layer.pieces):
        steps = layer.steps[begin : begin + piece.steps].tolist()
        begin += piece.steps
        history = passed + steps
        if number:
            assert len(passed) == piece.chains
            assert [t - s for t in steps] == history[: len(steps)]
        else:
            assert [t - s for t in steps[piece.chains :]] == steps[: -piece.chains]
            assert all(0 <= t < s for t in steps[: piece.chains])
        passed = history[-piece.chains :][piece.kept]
    assert begin == len(layer.steps)
    assert passed == []


@pytest.mark.parametrize("times", [[29], [0], [3, 29, 17], [5, 5]])
@pytest.mark.parametrize("dilations", [(1, 2, 4, 8), (1, 3, 7, 12), (4, 2, 3), (50, 1), (1,)])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_are_those_of_a_run_of_everything(kind, dilations, times):
    model, x = build(kind, dilations=dilations), sample(30, 2, 3).requires_grad_()
    wanted = [x, *model.parameters()]
    weights = sample(len(times), 2, 5, seed=2)
    some, everything = model.outputs_at(x, times), model(x)[0][times]
    assert torch.allclose(some, everything, **EQUAL)
    pairs = zip(
        torch.autograd.grad((some * weights).sum(), wanted),
        torch.autograd.grad((everything * weights).sum(), wanted),
        strict=True,
    )
    assert all(torch.allclose(a, b, **EQUAL) for a, b in pairs)


@pytest.mark.parametrize("hidden", [5, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_many_sequences_of_single_numbers_give_the_same_to_their_precision(kind, hidden):
    model = build(kind, hidden=hidden, dtype=torch.float32)
    x = sample(70, 64, 3, dtype=torch.float32)
    assert torch.allclose(model.outputs_at(x, [66, 69]), model(x)[0][[66, 69]], atol=1e-5)


def test_the_last_output_takes_a_fraction_of_the_steps(steps_run):
    for dilations, expected in (
        (exponential_dilations(9), [784, 392, 196, 98, 49, 25, 13, 7, 4]),
        (BEST, [784, 757, 678, 502, 170, 55, 22, 10, 4]),
    ):
        DilatedRNN(1, 4, dilations).outputs_at(torch.zeros(784, 1, 1), [783])
        assert steps_run == expected
        steps_run.clear()


def test_few_sequences_and_little_to_spare_are_run_as_a_whole(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(dilated, "run_needed", None)
    DilatedRNN(1, 4, exponential_dilations(9)).outputs_at(torch.zeros(784, 15, 1), [783])
    DilatedRNN(1, 4, [1, 1, 2]).outputs_at(torch.zeros(784, 16, 1), [783])
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        DilatedRNN(1, 4, [1, 2]).outputs_at(torch.zeros(784, 16, 1), [783])


def test_every_layer_may_have_its_own_size_and_no_biases():
    model, x = build("gru", hidden=[4, 2, 6, 5], bias=False), sample(20, 2, 3)
    assert torch.allclose(model.outputs_at(x, [19]), model(x)[0][19:], **EQUAL)


def test_the_axes_are_those_of_the_output():
    x = sample(12, 2, 3)
    expected = build("gru")(x)[0][[4, 11]]
    some = build("gru", batch_first=True).outputs_at(x.transpose(0, 1), [4, 11])
    assert torch.allclose(some, expected.transpose(0, 1), **EQUAL)
    alone = build("gru", batch_first=True).outputs_at(x[:, 0], [4, 11])
    assert torch.allclose(alone, expected[:, 0], **EQUAL)


def doubled(module, arguments, output):
    return (2 * output[0], *output[1:])


class Louder(DilatedRNN):
    def forward(self, *arguments):
        output, state = super().forward(*arguments)
        return 2 * output, state


def hooked(where):
    model = build("gru")
    (model if where == "model" else model.layers[1]).register_forward_hook(doubled)
    return model


ANOTHER = {
    "groups": lambda: build("gru", dilations=[[1, 2], [4, 8]]),
    "fusion": lambda: build("gru", dilations=(4, 1, 8), fusion=True),
    "a hook on a layer": lambda: hooked("layer"),
    "a hook on the model": lambda: hooked("model"),
    "a subclass": lambda: Louder(3, 5, [1, 2, 4], dtype=torch.float64),
    "layers of one's own": lambda: DilatedRNN(3, 5, [1, 2, 4], cell=torch.nn.GRU).double(),
}


@pytest.mark.parametrize("make", ANOTHER.values(), ids=ANOTHER)
def test_what_is_more_than_torchs_layers_in_a_stack_is_run_as_a_whole(make, steps_run):
    model, x = make(), sample(20, 2, 3)
    some = model.outputs_at(x, [19, 3])
    assert set(steps_run) == {20}
    assert torch.equal(some, model(x)[0][[19, 3]])


def test_dropout_in_training_drops_what_it_drops_in_a_whole_run(steps_run):
    model, x = build("gru", dropout=0.5), sample(20, 2, 3)
    torch.manual_seed(0)
    some = model.outputs_at(x, [19])
    torch.manual_seed(0)
    assert torch.equal(some, model(x)[0][19:])
    steps_run.clear()
    model.eval().outputs_at(x, [19])
    assert steps_run == [20, 10, 5, 3]


def test_autocast_casts_what_it_casts_in_a_whole_run():
    model, x = build("gru", dtype=torch.float32), sample(20, 2, 3, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(model.outputs_at(x, [19]), model(x)[0][19:])


@pytest.mark.parametrize("carries", [False, True])
def test_a_network_runs_what_its_answers_read_unless_it_carries_a_state(carries, steps_run):
    task = recall(20)
    model = DilatedRNN(task.input_size, 5, [1, 2, 4, 8])
    network = Network(model, 5, task.classes, "normal", carries=carries)
    x, _, weights = task.batch(4, seed=0)
    answers, state = network(x, weights.any(1).nonzero().squeeze(1))
    expected = network.readout(model(x)[0])[weights.any(1)]
    assert torch.allclose(answers, expected, atol=1e-5)
    assert (state is None, steps_run[3] < len(x)) == (not carries, not carries)


class Alone(DilatedRNN):
    """A DilatedRNN that returns its output without the state."""

    def forward(self, x):
        return super().forward(x)[0]


def test_a_class_that_returns_the_output_alone_gives_the_steps_asked_for():
    model, x = Alone(3, 5, [1, 2]), torch.randn(20, 4, 3)
    assert torch.equal(model.outputs_at(x, [7, 19]), model(x)[[7, 19]])


@pytest.mark.parametrize(
    ("times", "error", "message"),
    [
        ([], ValueError, "times must be steps from 0 to 3, one or more, got []"),
        ([4], ValueError, "times must be steps from 0 to 3, one or more, got [4]"),
        ([-1], ValueError, "times must be a non-negative integer, got -1"),
        ([1.5], ValueError, "times must be a non-negative integer, got 1.5"),
        (3, TypeError, "times must be a list of steps, got 3"),
        (torch.tensor(3), TypeError, "times must be a list of steps, got"),
    ],
)
def test_times_that_cannot_be_are_refused(times, error, message):
    with pytest.raises(error, match=rf"^{re.escape(message)}"):
        DilatedRNN(3, 5, [1, 2]).outputs_at(torch.zeros(4, 2, 3), times)


def test_an_input_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"^times must be steps of the input, which has none"):
        DilatedRNN(3, 5, [1, 2]).outputs_at(torch.zeros(0, 2, 3), [0])
    with pytest.raises(ValueError, match=r"^input must be a tensor of shape \(time, batch, 3\)"):
        DilatedRNN(3, 5, [1, 2]).outputs_at(torch.zeros(4, 2, 2), [3])
