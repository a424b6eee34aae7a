"""Modules of other people: batch first or not, one output or many, whatever they return."""

import math
import re
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from drnn_theory import DilatedRNN, find_leaks, gradient_profile, measure_path_lengths, modules
from drnn_theory.gradients import profile as profiles
from tests.test_gradients import build, sample

EXACT = {"rtol": 1e-12, "atol": 1e-15}  # float64: the same sums, in another order


def by_torch(function, x, time=-1):
    """Norms by lag of d function(x)[time] / d x for one sequence, by torch's jacobian."""
    full = torch.autograd.functional.jacobian(lambda x: function(x)[time].flatten(), x)
    return full.square().sum((0, 2, 3)).sqrt().flip(0).numpy()


class Net(nn.Module):
    """Batch first inside, and the wrapper does not say so."""

    def __init__(self, layer=nn.GRU):
        super().__init__()
        torch.manual_seed(0)
        self.rnn = layer(3, 8, batch_first=True, dtype=torch.float64)

    def forward(self, x):
        return self.rnn(x)[0]


class Silent(nn.Module):
    """A convolution, batch first, whose taps are four steps apart: three sequences do not meet."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(3, 4, 2, dilation=4, dtype=torch.float64)

    def forward(self, x):
        return self.conv(nn.functional.pad(x.transpose(1, 2), (4, 0))).transpose(1, 2)


# Which axis is time.


@pytest.mark.parametrize("layer", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_batch_first_module_that_does_not_say_so_is_found_out(layer, batch):
    net, x = Net(layer), sample(16, batch, 3)
    right = gradient_profile(net.rnn, 16, inputs=x).norms
    assert (right > 0).all()
    np.testing.assert_allclose(gradient_profile(net, 16, inputs=x).norms, right, **EXACT)
    assert find_leaks(net, 16, inputs=x) == []
    told = gradient_profile(net, 16, inputs=x, batch_first=True)
    np.testing.assert_allclose(told.norms, right, **EXACT)


def test_what_no_batch_of_three_can_show_is_shown_by_time():
    net, x = Silent(), sample(16, 1, 3)
    assert np.flatnonzero(gradient_profile(net, 16, inputs=x).norms).tolist() == [0, 4]


def test_what_is_lost_in_rounding_is_shown_by_a_gradient():
    class Faint(Net):
        def forward(self, x):
            return x[..., :1] * 1e6 + 1e-14 * super().forward(x)

    net, x = Faint(), sample(12, 1, 3)
    assert (gradient_profile(net, 12, inputs=x).norms > 0).all()


@pytest.mark.parametrize("module", [nn.GRU(3, 8), nn.GRU(3, 8, batch_first=True), Net().float()])
def test_the_wrong_axis_is_refused(module):
    wrong = not (getattr(module, "batch_first", True))
    for measure in (gradient_profile, find_leaks):
        with pytest.raises(ValueError, match=r"^sequences must not depend .* give batch_first "):
            measure(module, 16, inputs=torch.randn(16, 2, 3), batch_first=wrong)


def test_statistics_over_the_batch_are_refused():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(3, track_running_stats=False)

        def forward(self, x):
            return self.norm(x.transpose(1, 2)).transpose(1, 2).cumsum(0)

    with pytest.raises(ValueError, match=r"batch_first .*, or switch off statistics "):
        gradient_profile(Normed(), 16, inputs=torch.randn(16, 1, 3))


def test_dropout_that_is_always_on_and_a_state_that_is_kept_are_refused():
    class Dropping(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x).cumsum(0)

    class Keeping(nn.Module):
        state = None

        def forward(self, x):
            output, self.state = self.rnn(x, self.state)
            return output

    keeping = Keeping()
    keeping.rnn = nn.GRU(3, 8)
    for module in (Dropping(), keeping):
        for measure in (gradient_profile, find_leaks):
            with pytest.raises(ValueError, match=r"^module must give one output for one input, "):
                measure(module, 8, inputs=torch.randn(8, 1, 3))
    assert keeping.state is None  # what it kept of the measurement was taken away

    def afresh(module, x):
        module.state = None
        return module(x)

    assert (gradient_profile(keeping, 8, inputs=torch.randn(8, 1, 3), call=afresh).norms > 0).all()


def test_batch_first_must_be_a_truth_value_and_agree_with_the_module():
    with pytest.raises(TypeError, match=r"^batch_first must be None, True or False, got 'yes'$"):
        gradient_profile(Net(), 4, inputs=torch.ones(4, 1, 3), batch_first="yes")
    message = r"^batch_first must be False as the module says, got True$"
    with pytest.raises(ValueError, match=message):
        measure_path_lengths(DilatedRNN(1, 2, [1, 2]), 4, batch_first=True)


def test_torchs_own_layers_are_not_asked_what_depends_on_what(monkeypatch):
    run, count = nn.GRU.forward, []
    monkeypatch.setattr(nn.GRU, "forward", lambda *given: (count.append(1), run(*given))[1])
    module, x = nn.GRU(2, 3).double(), sample(40, 1, 2)
    modules.choose_run(module, x)
    assert not count
    module.register_forward_hook(lambda *_: None)
    modules.choose_run(module, x)
    assert len(count) == 2


def test_every_attribute_is_given_back():
    class Counting(nn.GRU):
        def forward(self, x):
            self.seen = self.calls = getattr(self, "calls", 0) + 1
            self.table["x"] = x
            return super().forward(x)

    module = Counting(2, 3)
    module.table = {}
    before = {name: id(value) for name, value in vars(module).items()}
    gradient_profile(module, 5)
    assert {name: id(value) for name, value in vars(module).items()} == before
    assert module.table == {}


# How it is run.


def test_call_is_given_the_module_that_is_measured():
    conv = nn.Conv1d(1, 1, 2, dilation=3)

    def run(module, x):
        return module(nn.functional.pad(x.permute(1, 2, 0), (3, 0))).permute(2, 0, 1)

    options = {"inputs": torch.ones(8, 1, 1), "call": run, "dtype": torch.float64}
    assert gradient_profile(conv, 8, **options).receptive_field == 4
    assert conv.weight.dtype == torch.float32


def test_a_call_of_one_argument_and_a_method_are_refused():
    net = Net()
    message = r"^call must be a function of two arguments, call\(module, x\), got <function "
    for measure in (gradient_profile, find_leaks):
        with pytest.raises(TypeError, match=message):
            measure(net, 4, inputs=torch.ones(4, 1, 3), call=lambda x: net(x))
        with pytest.raises(TypeError, match=r"got the method 'forward': give the module, "):
            measure(net.forward, 4, inputs=torch.ones(4, 1, 3))
        with pytest.raises(TypeError, match=r"^module must be a torch.nn.Module or a fu.* 3$"):
            measure(3, 4)


def test_one_output_per_sequence_is_measured_from_the_end():
    class One(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.rnn = nn.LSTM(3, 8, dtype=torch.float64)
            self.read = nn.Linear(8, 2, dtype=torch.float64)

        def forward(self, x):
            return self.read(self.rnn(x)[0][-1])

    one, x = One(), sample(16, 1, 3)
    right = by_torch(lambda x: one(x), x, 0)
    found = gradient_profile(one, 16, inputs=x, last=True)
    np.testing.assert_allclose(found.norms, right, **EXACT)
    both = gradient_profile(one, 16, inputs=sample(16, 3, 3), last=True)
    assert both.samples == 3
    with pytest.raises(ValueError, match=r"got \(3, 2\) .*: for one output .* give last="):
        gradient_profile(one, 16, inputs=x)
    with pytest.raises(ValueError, match=r"^last must be False for a module with an outp"):
        gradient_profile(Net(), 16, inputs=x, last=True)
    with pytest.raises(ValueError, match=r"^times must be 1 with last=True, got 2$"):
        gradient_profile(one, 16, last=True, times=2)


def test_a_bidirectional_module_has_leaks_and_no_profile():
    for layer in (nn.RNN, nn.GRU, nn.LSTM):
        both = layer(2, 3, bidirectional=True)
        with pytest.raises(ValueError, match=r"^bidirectional must be False, got True: its paths "):
            gradient_profile(both, 8)
        with pytest.raises(ValueError, match=r"^bidirectional must be False"):
            gradient_profile(nn.ModuleList([both]), 8)
        for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
            assert len(find_leaks(both.to(dtype), 8)) == 7
    pooled = gradient_profile(
        both.float(), 8, last=True, call=lambda module, x: module(x)[0].mean(0)
    )
    assert (pooled.norms > 0).all()


def test_a_leak_that_a_loud_step_hid_is_found():
    class Loud(nn.Module):
        def forward(self, x):
            loud = torch.ones(len(x), 1, 1)
            loud[0] = 1e5
            return loud * x + torch.cat([x[1:], 0 * x[:1]])

    leaks = find_leaks(Loud(), 6, inputs=torch.randn(6, 1, 2))
    assert [(leak.output_time, leak.input_time) for leak in leaks] == [(t, t + 1) for t in range(5)]
    assert [leak.size for leak in leaks] == pytest.approx([1e-5, 1, 1, 1, 1])


def test_leaks_of_a_module_that_runs_in_one_dtype_only_are_those_of_that_dtype():
    class Single(nn.Module):
        def forward(self, x):
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return x + 1e-3 * torch.cat([x[1:], 0 * x[:1]])

    assert len(find_leaks(Single(), 6, inputs=torch.randn(6, 1, 2))) == 5


# What it returns.

RNN64 = nn.RNN(3, 8, dtype=torch.float64)
WEIGHT = RNN64.weight_hh_l0.detach()[:4].clone()


class Returning(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.rnn, self.how = RNN64, how

    def forward(self, x):
        return self.how(*self.rnn(x))


ANSWERS = {
    "the output second": lambda y, h: (h, y),
    "a dictionary": lambda y, h: {"state": h, "logits": y},
    "a list and more": lambda y, h: [y, h, "text"],
    "four axes": lambda y, h: y.unflatten(2, (2, 4)),
    "complex": lambda y, h: torch.complex(y[..., :4], y[..., 4:]),
}


@pytest.mark.parametrize("how", ANSWERS.values(), ids=ANSWERS)
def test_an_output_in_any_dress_is_read(how):
    x = sample(12, 2, 3)
    right = gradient_profile(RNN64, 12, inputs=x).norms
    found = gradient_profile(Returning(how), 12, inputs=x).norms
    np.testing.assert_allclose(found, right, **EXACT)
    assert find_leaks(Returning(how), 12, inputs=x) == []


def test_an_output_without_units_is_one_unit():
    x = sample(12, 1, 3)
    found = gradient_profile(Returning(lambda y, h: y[..., 0]), 12, inputs=x).norms
    np.testing.assert_allclose(found, by_torch(lambda x: RNN64(x)[0][..., :1], x), **EXACT)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        (lambda y, h: y.detach(), ValueError, "output must carry a gradient, got one that is det"),
        (
            lambda y, h: y.argmax(-1, True),
            ValueError,
            "output must be real or complex numbers",
        ),
        (
            lambda y, h: {"a": y, "b": y},
            ValueError,
            "output must be one tensor, got several that fit, 'a', 'b': choose by call(module, x)",
        ),
        (
            lambda y, h: y.tolist(),
            ValueError,
            "output must be a tensor (time, batch, units), got",
        ),
        (lambda y, h: y[1:], ValueError, "output must be a tensor (time, batch, units), got (11, "),
    ],
)
def test_an_output_that_cannot_be_read_is_refused(how, error, message):
    for measure in (gradient_profile, find_leaks):
        with pytest.raises(error, match=f"^{re.escape(message)}"):
            measure(Returning(how), 12, inputs=sample(12, 1, 3))


def test_a_function_is_measured_as_a_module_is():
    x = sample(7, 2, 3)
    found = gradient_profile(lambda x: x.cumsum(0) @ WEIGHT[:3, :3], 7, inputs=x).norms
    np.testing.assert_allclose(found, [WEIGHT[:3, :3].norm()] * 7, **EXACT)
    assert len(find_leaks(lambda x: x.flip(0), 7, inputs=x)) == 3
    assert gradient_profile(torch.tanh, 7, inputs=x.float(), dtype=torch.float64).dtype == x.dtype


def test_a_compiled_module_is_measured_as_the_one_it_was_made_of():
    module, x = Net(), sample(9, 2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against its own compiler of scripts
        compiled = torch.jit.script(module)
        traced = torch.jit.trace(module.eval(), x.transpose(0, 1))
    right = gradient_profile(module, 9, inputs=x).norms
    compiled.train()
    for each in (compiled, traced):
        np.testing.assert_allclose(gradient_profile(each, 9, inputs=x).norms, right, **EXACT)
    assert compiled.training


@pytest.mark.parametrize("axis", [0, 1])
def test_a_module_of_one_sequence_at_a_time_is_run_so(axis):
    class Single(nn.Module):
        def forward(self, x):
            if x.shape[1 - axis] != 1:
                raise ValueError("one sequence only")
            return torch.tanh(x.cumsum(axis))

    x = sample(9, 3, 2)
    found = gradient_profile(Single(), 9, inputs=x, spectral=True)
    right = gradient_profile(lambda x: torch.tanh(x.cumsum(0)), 9, inputs=x, spectral=True)
    for name in ("norms", "spread", "spectral"):
        np.testing.assert_allclose(getattr(found, name), getattr(right, name), **EXACT)
    estimates = [
        gradient_profile(m, 9, inputs=x, probes=50)
        for m in (Single(), lambda x: torch.tanh(x.cumsum(0)))
    ]
    np.testing.assert_allclose(estimates[0].norms, estimates[1].norms, **EXACT)
    assert find_leaks(Single(), 9, inputs=x) == []


def test_tokens_are_told_to_come_as_embeddings():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.rnn = nn.Embedding(9, 3), nn.GRU(3, 4)

        def forward(self, tokens=None, inputs_embeds=None):
            x = self.embedding(tokens) if inputs_embeds is None else inputs_embeds
            return {"last_hidden_state": self.rnn(x)[0]}

    model, tokens = Tokens(), torch.arange(6).reshape(6, 1)
    for inputs in (tokens, torch.ones(6, 1, 3)):
        with pytest.raises(TypeError, match=r"call=lambda module, x: module\(inputs_embeds=x\)$"):
            gradient_profile(model, 6, inputs=inputs)
    found = gradient_profile(
        model,
        6,
        inputs=model.embedding(tokens),
        call=lambda module, x: module(inputs_embeds=x),
        dtype=torch.float64,
    )
    assert found.receptive_field == 6


# Numbers.


class Complex(nn.Module):
    """A diagonal recurrence by a complex number, its first parameter or its second."""

    input_size = 1

    def __init__(self, first):
        super().__init__()
        if not first:
            self.w = nn.Parameter(torch.ones(1))
        self.decay = nn.Parameter(torch.polar(torch.tensor([0.95]), torch.tensor([1.0])))

    def forward(self, x):
        state, outputs = 0 * self.decay, []
        for step in x:
            state = self.decay * state + step
            outputs.append(state.real)
        return torch.stack(outputs)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("dtype", [None, torch.float64])
def test_complex_parameters_stay_complex_and_inputs_real(first, dtype):
    found = gradient_profile(Complex(first), 20, dtype=dtype)
    right = [abs(0.95**n * math.cos(n)) for n in range(20)]
    np.testing.assert_allclose(found.norms, right, atol=1e-6)
    assert found.dtype == (dtype or torch.float32)


def test_small_norms_do_not_vanish_in_their_squares():
    linear = nn.RNN(1, 1, nonlinearity="relu", bias=False, dtype=torch.float64)
    with torch.no_grad():
        linear.weight_hh_l0.fill_(0.5)
        linear.weight_ih_l0.fill_(1)
    found = gradient_profile(linear, 1000, inputs=torch.ones(1001, 2, 1), times=2)
    assert found.norms.tolist() == [2.0**-n for n in range(1000)]
    spectral = gradient_profile(linear, 1000, inputs=torch.ones(1000, 1, 1), spectral=True).spectral
    np.testing.assert_allclose(spectral, found.norms, **EXACT)
    assert found.receptive_field == 1000
    assert found.decay_rate() == pytest.approx(math.log(2))


def test_underflow_is_not_called_structure():
    torch.manual_seed(0)
    profile = gradient_profile(nn.RNN(3, 20), 2000, dtype=torch.float64)
    assert (profile.norms[:900] > 0).all()  # where their squares have long underflowed
    assert profile.norms[899] < 1e-162
    with pytest.raises(ValueError, match=r"^receptive_field needs .*, got underflow: "):
        _ = profile.receptive_field
    assert gradient_profile(nn.RNN(3, 20), 500, dtype=torch.float64).receptive_field == 500


def test_what_is_not_finite_is_refused_and_finite_in_float64():
    module = nn.RNN(1, 2, nonlinearity="relu", bias=False)
    with torch.no_grad():
        module.weight_hh_l0.copy_(2 * torch.eye(2))
        module.weight_ih_l0.fill_(1)
    x = torch.full((200, 1, 1), 1e-38)
    message = (
        "gradients must be finite, got inf at lag 128 in torch.float32: give dtype=torch.float64"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        gradient_profile(module, 200, inputs=x)
    double = gradient_profile(module, 200, inputs=x, dtype=torch.float64)
    np.testing.assert_allclose(double.norms[199], 2**0.5 * 2.0**199)
    with pytest.raises(ValueError, match=r"got nan at lag 0 .*: not even torch.float64 holds it$"):
        gradient_profile(lambda x: (0 * x).sqrt(), 4, inputs=torch.ones(4, 1, 1).double())


@pytest.mark.parametrize("way", ["seeds", "times", "both"])
def test_the_standard_error_of_probes_covers_the_exact_norms(way):
    """Ten models here; tests/studies/probe_coverage.py looks at forty and more samples."""
    from tests.studies.probe_coverage import covered

    batch, times = {"seeds": (32, 1), "times": (1, 8), "both": (8, 4)}[way]
    share = covered(models=10, batch=batch, times=times, probes=64)
    assert 0.86 < share <= 1  # 120 lags of ten models: 0.95 give or take two of ten correlated sets


# The adjoint.


def test_a_hook_and_all_its_kin_are_seen():
    torch.manual_seed(0)
    model, x = DilatedRNN(2, 4, [1, 2], dtype=torch.float64), sample(6, 1, 2)
    plain = gradient_profile(model, 6, inputs=x).norms
    assert model.jacobian_rows(x, [5], lambda i, n: torch.eye(n).unsqueeze(1), 2**20) is not None
    hook = model.register_forward_hook(lambda module, args, result: (10 * result[0], result[1]))
    np.testing.assert_allclose(gradient_profile(model, 6, inputs=x).norms, 10 * plain, rtol=1e-12)
    hook.remove()
    hook = model.layers[1].register_forward_pre_hook(lambda module, args: (2 * args[0], *args[1:]))
    assert model.jacobian_rows(x, [5], None, 2**20) is None
    hook.remove()
    everywhere = nn.modules.module.register_module_forward_hook(lambda *args: None)
    assert model.jacobian_rows(x, [5], None, 2**20) is None
    everywhere.remove()
    model.forward = lambda x: (3 * type(model).forward(model, x)[0], None)
    np.testing.assert_allclose(gradient_profile(model, 6, inputs=x).norms, 3 * plain, rtol=1e-12)
    del model.forward

    class Doubled(DilatedRNN):
        def forward(self, x):
            output, state = super().forward(x)
            return 2 * output, state

    doubled = Doubled(2, 4, [1, 2], dtype=torch.float64)
    doubled.load_state_dict(model.state_dict())
    np.testing.assert_allclose(gradient_profile(doubled, 6, inputs=x).norms, 2 * plain, rtol=1e-12)


@pytest.mark.parametrize("how", ["orthogonal", "weight norm", "pruned"])
def test_parametrised_and_pruned_layers_go_the_general_way(how):
    torch.manual_seed(0)
    model, x = DilatedRNN(2, 4, [1, 2], cell="GRU", dtype=torch.float64), sample(6, 1, 2)
    if how == "orthogonal":
        parametrizations.orthogonal(model.layers[1], "weight_hh_l0")
    elif how == "weight norm":
        parametrizations.weight_norm(model.layers[0], "weight_ih_l0")
    else:
        prune.l1_unstructured(model.layers[1], "weight_hh_l0", 0.5)
    assert model.jacobian_rows(x, [5], None, 2**20) is None
    right = by_torch(lambda x: model(x)[0], x)
    np.testing.assert_allclose(gradient_profile(model, 6, inputs=x).norms, right, rtol=1e-9)


def test_the_least_exponent_is_below_that_of_every_float():
    assert np.frexp(5e-324)[1] > profiles.LEAST


@pytest.mark.parametrize("name", ["GRU", "attention", "convolutions"])
def test_a_long_sequence_whose_way_is_tried_has_torchs_norms(name):
    module, x = build(name), sample(80, 1, 2)
    swap = getattr(module, "batch_first", False)
    module.eval()

    def output(x):
        result = module(x.transpose(0, 1) if swap else x)
        result = result[0] if isinstance(result, tuple) else result
        return result.transpose(0, 1) if swap else result

    right = by_torch(output, x)
    np.testing.assert_allclose(gradient_profile(module, 80, inputs=x).norms, right, rtol=1e-9)


@pytest.mark.parametrize("layer", [torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM])
def test_a_call_given_for_one_of_torchs_layers_is_run(layer):
    module, x = layer(2, 3), torch.randn(6, 2, 2, generator=torch.Generator().manual_seed(0))
    plain = gradient_profile(module, 6, inputs=x).norms
    doubled = gradient_profile(module, 6, inputs=x, call=lambda module, x: 2 * module(x)[0]).norms
    assert doubled == pytest.approx(2 * plain, rel=1e-5)


class Swapped(nn.Module):
    """A module with the batch first that does not say so."""

    def __init__(self):
        super().__init__()
        self.inner = nn.GRU(3, 4, batch_first=True)

    def forward(self, x):
        return self.inner(x)[0]


@pytest.mark.parametrize("batch", [1, 7])
def test_a_single_step_of_a_module_that_does_not_say_its_axes_is_one_step(batch):
    module, x = Swapped().double(), torch.randn(1, batch, 3, dtype=torch.float64)
    told = gradient_profile(module, 1, inputs=x, batch_first=True)
    assert np.array_equal(gradient_profile(module, 1, inputs=x).norms, told.norms)
    by_call = gradient_profile(module.inner, 1, inputs=x, call=lambda m, y: m(y)[0])
    assert np.allclose(by_call.norms, told.norms)


class Evaluated(nn.GRU):
    """A layer that gives half as much where it is evaluated."""

    def forward(self, x, state=None):
        output, last = super().forward(x, state)
        return output if self.training else output / 2, last


def test_a_subclass_of_torchs_layers_is_measured_in_eval_mode():
    layer, plain = Evaluated(3, 4), nn.GRU(3, 4)
    plain.load_state_dict(layer.state_dict())
    halves = gradient_profile(layer, 4).norms / gradient_profile(plain, 4).norms
    assert np.allclose(halves, 0.5)


def test_a_class_of_a_user_with_the_name_of_ours_is_run_as_it_is():
    class Loud(DilatedRNN):
        def forward(self, x, state=None):
            output, last = super().forward(x, state)
            return 3 * output, last

    Loud.__name__ = "DilatedRNN"
    loud, plain = Loud(2, 3, [1, 2]), DilatedRNN(2, 3, [1, 2])
    plain.load_state_dict(loud.state_dict())
    assert np.allclose(gradient_profile(loud, 4).norms, 3 * gradient_profile(plain, 4).norms)


def test_inputs_that_are_not_finite_are_refused():
    x = torch.zeros(4, 1, 2)
    x[2] = math.nan
    for measure in (
        lambda m: gradient_profile(m, 4, inputs=x),
        lambda m: find_leaks(m, 4, inputs=x),
    ):
        with pytest.raises(
            ValueError, match=r"^inputs must be finite, got nan or infinity in them"
        ):
            measure(DilatedRNN(2, 3, [1, 2], nonlinearity="relu"))


def test_the_numbers_of_a_seed_do_not_depend_on_the_default_type():
    model = DilatedRNN(2, 3, [1, 2], dtype=torch.float64)
    expected = gradient_profile(model, 5).norms
    torch.set_default_dtype(torch.float64)
    try:
        assert np.array_equal(gradient_profile(model, 5).norms, expected)
    finally:
        torch.set_default_dtype(torch.float32)
