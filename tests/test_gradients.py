"""Gradient flow by lag, against one Jacobian per lag and against the paths of the graph."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    dilated_cnn,
    gradient_profile,
    path_counts,
    receptive_field,
)
from drnn_theory.gradients import unit_dilated_rnn, unit_graph_rnn
from drnn_theory.gradients.passes import rows_of_jacobian
from drnn_theory.gradients.profile import _cotangents
from drnn_theory.models.adjoint import rows_of_adjoint
from drnn_theory.outputs import Run
from tests.strategies import cyclic_graphs, schemes

LARGE = 2**30
EXACT = {"rtol": 1e-12, "atol": 1e-15}  # float64: the same sums, in another order


class TCN(torch.nn.Module):
    """Dilated causal convolutions, time-major; every layer normalised and dropped out."""

    def __init__(self, inputs=2, hidden=4, dilations=(1, 2, 4)):
        super().__init__()
        sizes = [inputs, *[hidden] * len(dilations)]
        self.input_size = inputs
        self.layers = torch.nn.ModuleList(
            torch.nn.Conv1d(a, hidden, 2, dilation=s)
            for a, s in zip(sizes, dilations, strict=False)
        )
        self.norm, self.drop = torch.nn.BatchNorm1d(hidden), torch.nn.Dropout(0.5)

    def forward(self, x):
        x = x.permute(1, 2, 0)  # (B, F, T)
        for layer in self.layers:
            padded = torch.nn.functional.pad(x, (layer.dilation[0], 0))
            x = self.drop(self.norm(torch.tanh(layer(padded))))
        return x.permute(2, 0, 1)


class Attention(torch.nn.Module):
    """A Transformer encoder with a causal mask, batch-major, dropping out."""

    def __init__(self, inputs=2, hidden=4):
        super().__init__()
        self.input_size, self.batch_first = inputs, True
        self.enter = torch.nn.Linear(inputs, hidden)
        layer = torch.nn.TransformerEncoderLayer(hidden, 2, 8, batch_first=True)
        self.encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x):
        mask = torch.nn.Transformer.generate_square_subsequent_mask(x.shape[1]).to(x)
        return self.encoder(self.enter(x), mask=mask)


class OnesOwnStack(torch.nn.Module):
    """Someone else's stack: it cannot do with fewer steps than two and returns a list beside."""

    def __init__(self):
        super().__init__()
        self.input_size = 2
        self.cells = torch.nn.ModuleList([torch.nn.LSTM(2, 4), torch.nn.RNN(4, 4)])

    def forward(self, x):
        if len(x) < 2:
            raise IndexError("too short")
        states = []
        for cell in self.cells:
            x, state = cell(x)
            states.append(state)
        return x, states


MODULES = {
    "GRU": lambda: torch.nn.GRU(2, 4, num_layers=2, dropout=0.5),
    "LSTM": lambda: torch.nn.LSTM(2, 4, batch_first=True),
    "RNN": lambda: torch.nn.RNN(2, 4, nonlinearity="relu"),
    "convolutions": TCN,
    "attention": Attention,
    "a stack of one's own": OnesOwnStack,
    "dilated": lambda: DilatedRNN(2, 4, [1, 3], cell="GRU", init="torch"),
    "graph": lambda: GraphRNN(dilated_cnn([1, 2]), 2, 4, init="torch"),
}


def build(name, dtype=torch.float64):
    torch.manual_seed(0)
    return MODULES[name]().to(dtype)


def sample(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def jacobian(module, x, time):
    """d output[time] / d x by torch, one unit after the other: (units, T, batch, features)."""
    swap = getattr(module, "batch_first", False)
    module.eval()

    def output(x):
        result = module(x.transpose(0, 1) if swap else x)
        result = result[0] if isinstance(result, tuple) else result
        return result[:, time] if swap else result[time]

    full = torch.autograd.functional.jacobian(output, x)  # (batch, units, T, batch, features)
    return full.diagonal(dim1=0, dim2=3).permute(0, 1, 3, 2)


@settings(max_examples=60)
@given(schemes, st.integers(1, 60))
def test_with_unit_weights_the_jacobian_counts_the_paths(dilations, length):
    profile = gradient_profile(unit_dilated_rnn(dilations), length, inputs=torch.ones(length, 1, 1))
    assert profile.norms.tolist() == path_counts(dilations, length - 1)


def test_the_bridge_fails_for_another_scheme():
    profile = gradient_profile(unit_dilated_rnn([1, 2, 5]), 40, inputs=torch.ones(40, 1, 1))
    assert profile.norms.tolist() != path_counts([1, 2, 4], 39)


@settings(max_examples=40)
@given(cyclic_graphs(periods=[1]), st.integers(1, 30))
def test_with_unit_weights_the_jacobian_of_a_graph_counts_its_paths(graph, length):
    profile = gradient_profile(unit_graph_rnn(graph), length, inputs=torch.ones(length, 1, 1))
    assert profile.norms.tolist() == path_counts(graph, length - 1)


# All lags from one pass.


@pytest.mark.parametrize("name", MODULES)
def test_all_lags_from_one_pass_equal_one_gradient_per_unit(name):
    module, x = build(name), sample(7, 2, 2)
    profile = gradient_profile(module, 7, inputs=x, spectral=True)
    one = jacobian(module, x, -1).flip(1)  # (units, lags, batch, features)
    frobenius = one.square().sum(dim=(0, 3))  # (lags, batch)
    values = torch.linalg.svdvals(one.permute(1, 2, 0, 3))[..., 0]
    assert profile.lags.tolist() == list(range(7))
    np.testing.assert_allclose(profile.norms, frobenius.mean(1).sqrt(), **EXACT)
    np.testing.assert_allclose(profile.spread, frobenius.sqrt().std(1), **EXACT)
    np.testing.assert_allclose(profile.spectral, values.square().mean(1).sqrt(), **EXACT)
    assert profile.standard_error.tolist() == [0.0] * 7
    assert profile.samples == 2


STACKS = {
    "doubling": {"dilations": [1, 2, 4]},
    "halving": {"dilations": [4, 2, 1]},
    "no divisors": {"dilations": [3, 2, 7, 5]},
    "one layer": {"dilations": [5]},
    "longer than the sequence": {"dilations": [64, 1, 3]},
    "fused": {"dilations": [4, 2], "fusion": True},
    "sizes of their own, no bias": {"dilations": [1, 2], "hidden_size": [3, 4], "bias": False},
}


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM", "relu"])
@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_the_adjoint_of_a_stack_equals_the_backward_pass_of_its_model(stack, cell):
    kind = {"nonlinearity": "relu"} if cell == "relu" else {"cell": cell}
    torch.manual_seed(0)
    model = DilatedRNN(
        2, **{"hidden_size": 4, **stack, **kind, "dtype": torch.float64}, init="torch"
    )
    x, times = sample(23, 2, 2), [22, 10, 0]
    fast = rows_of_adjoint(model, x, times, _eye, LARGE)
    slow = rows_of_jacobian(Run(model), x, times, _eye, LARGE)
    for (index, one), (other_index, other) in zip(fast, slow, strict=True):
        assert index == other_index
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-15)


def test_the_adjoint_of_another_stack_is_another():
    torch.manual_seed(0)
    model, x = DilatedRNN(2, 4, [1, 2, 5], dtype=torch.float64, init="torch"), sample(9, 2, 2)
    ((_, one),) = rows_of_adjoint(model, x, [8], _eye, LARGE)
    model.dilations = (1, 2, 4)
    ((_, other),) = rows_of_adjoint(model, x, [8], _eye, LARGE)
    assert (one - other).abs().max() > 1e-3  # the equality above holds to 1e-12


def _eye(index, units):
    return torch.eye(units, dtype=torch.float64).unsqueeze(1).expand(-1, 2, -1)


@pytest.mark.parametrize("name", MODULES)
def test_norms_are_averaged_over_output_times(name):
    module, x = build(name), sample(9, 2, 2)
    profile = gradient_profile(module, 6, inputs=x, times=4)
    squares = []
    for time in (5, 6, 7, 8):
        one = jacobian(module, x, time)[:, time - 5 : time + 1].flip(1)
        squares.append(one.square().sum(dim=(0, 3)))
    squares = torch.cat(squares, dim=1)  # (lags, samples)
    np.testing.assert_allclose(profile.norms, squares.mean(1).sqrt(), **EXACT)
    np.testing.assert_allclose(profile.spread, squares.sqrt().std(1), **EXACT)
    assert profile.samples == 8


def test_every_seed_draws_a_sequence_of_its_own():
    module = build("GRU")
    together = gradient_profile(module, 6, seeds=[3, 5])
    apart = [gradient_profile(module, 6, seeds=[seed]).norms for seed in (3, 5)]
    np.testing.assert_allclose(together.norms, np.sqrt(np.mean(np.square(apart), 0)), **EXACT)
    assert (np.abs(apart[0] - apart[1]) > 1e-6).any()
    again = gradient_profile(module, 6, seeds=[3, 5])
    assert together.norms.tolist() == again.norms.tolist()


def test_a_caller_may_say_how_the_module_is_run():
    encoder, x = build("attention"), sample(6, 1, 2)
    encoder.batch_first = False  # it is not true, so that the caller has to know better
    told = gradient_profile(
        encoder, 6, inputs=x, call=lambda module, x: module(x.transpose(0, 1)).transpose(0, 1)
    )
    encoder.batch_first = True
    assert told.norms.tolist() == gradient_profile(encoder, 6, inputs=x).norms.tolist()


def test_a_module_without_batching_rules_gets_copies_of_its_input():
    class Odd(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.square()

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return torch.from_numpy(2 * x.numpy() * grad.numpy())  # which vmap cannot follow

    class Module(torch.nn.Module):
        def forward(self, x):
            return Odd.apply(x).cumsum(0)

    x = sample(5, 1, 3)
    profile = gradient_profile(Module(), 5, inputs=x)
    np.testing.assert_allclose(profile.norms, 2 * x.flip(0).norm(dim=(1, 2)), **EXACT)


# Memory.


@pytest.mark.parametrize("name", MODULES)
def test_in_chunks_under_a_memory_bound_the_norms_are_the_same(name):
    module, x = build(name), sample(8, 2, 2)
    least = next(
        2**k for k in range(8, 30) if _fits(module, x, 2**k)
    )  # hardly more than one unit needs
    small = gradient_profile(module, 8, inputs=x, spectral=True, memory=least)
    large = gradient_profile(module, 8, inputs=x, spectral=True)
    np.testing.assert_allclose(small.norms, large.norms, **EXACT)
    np.testing.assert_allclose(small.spectral, large.spectral, **EXACT)


def _fits(module, x, memory):
    try:
        gradient_profile(module, len(x), inputs=x, memory=memory)
    except ValueError:
        return False
    return True


def test_no_pass_keeps_more_than_the_bound():
    batches = []

    class Recorder(torch.nn.GRU):
        def forward(self, x):
            batches.append(x.shape[1])
            return super().forward(x)

    module = Recorder(2, 32)
    gradient_profile(module, 50, memory=2**20)
    whole = sum(copies for copies in batches if copies > 1)
    assert whole >= 32  # every unit was asked for, but never all at once
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        module(torch.zeros(50, batches[-1], 2))
    size = sum({t.data_ptr(): t.untyped_storage().nbytes() for t in kept}.values())
    assert size <= 2**20


def test_what_cannot_fit_the_memory_is_refused():
    message = "memory must hold what one backward pass over (50, 1, 2) keeps, got 1000 bytes"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        gradient_profile(TCN(), 50, memory=1000)
    message = "memory must hold what one backward pass over (50, 1, 2) keeps, "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}[0-9]+ bytes, got 1000$"):
        gradient_profile(DilatedRNN(2, 4, [1, 2]), 50, memory=1000)


# Probes.


@pytest.mark.parametrize("name", ["GRU", "convolutions", "dilated"])
def test_probes_estimate_the_norms_within_their_standard_error(name):
    module = build(name)
    exact = gradient_profile(module, 7, seeds=[0, 1])
    estimate = gradient_profile(module, 7, seeds=[0, 1], probes=400)
    few = gradient_profile(module, 7, seeds=[0, 1], probes=25)
    assert (estimate.standard_error > 0).any()
    beyond = np.abs(estimate.norms - exact.norms) / np.maximum(estimate.standard_error, 1e-15)
    assert beyond.max() < 4  # seven normal deviates pass four once in 2000 draws
    assert beyond.max() > 0.01  # and they are no exact norms in disguise
    ratio = few.standard_error.sum() / estimate.standard_error.sum()
    assert 2.5 < ratio < 6  # as the root of 400 / 25, which is 4, by so few as 25


@pytest.mark.parametrize("name", ["convolutions", "dilated"])  # by autograd and by the adjoint
def test_another_seed_draws_other_probes(name):
    module, x = build(name), sample(7, 2, 2)

    def norms(seed):
        return gradient_profile(module, 7, inputs=x, seeds=[seed], probes=5).norms

    assert np.array_equal(norms(0), norms(0))
    reached = norms(0) > 0
    assert np.all(norms(0)[reached] != norms(1)[reached])


@pytest.mark.parametrize("name", ["convolutions", "dilated"])
def test_sequences_and_output_times_do_not_share_probes(name, monkeypatch):
    module, drawn = build(name), []

    def kept(*arguments):
        drawn.append(_cotangents(*arguments))  # (probes, sequences, units)
        return drawn[-1]

    monkeypatch.setattr("drnn_theory.gradients.profile._cotangents", kept)
    gradient_profile(module, 7, inputs=sample(9, 3, 2), times=3, probes=40)
    rows = torch.cat([part.transpose(0, 1).flatten(1) for part in drawn])
    assert len(rows) == 9  # one for each sequence at each time
    alike = (rows @ rows.T / rows.shape[1]).fill_diagonal_(0)
    assert alike.abs().max() < 0.5  # of independent signs: 160 or more each, 0.08 on average


def test_the_standard_error_is_that_of_the_mean_over_the_probes():
    module, x = build("convolutions"), sample(7, 1, 2)
    signs = 2.0 * torch.randint(0, 2, (50, 4), generator=torch.Generator().manual_seed(0)) - 1
    rows = torch.einsum("pu,utbf->ptbf", signs.double(), jacobian(module, x, -1).flip(1))
    squares = rows.square().sum(dim=(2, 3))  # (probes, lags)
    norms = squares.mean(0).sqrt()
    error = squares.std(0) / 50**0.5 / (2 * norms)  # d sqrt(q) = dq / (2 sqrt(q))
    profile = gradient_profile(module, 7, inputs=x, probes=50)
    np.testing.assert_allclose(profile.norms, norms, **EXACT)
    np.testing.assert_allclose(profile.standard_error, error, rtol=1e-9)  # a difference of squares


# What a profile says.


def test_the_receptive_field_of_convolutions_is_that_of_their_graph():
    module = build("convolutions", torch.float32)
    profile = gradient_profile(module, 20, dtype=torch.float64)
    assert profile.receptive_field == receptive_field(dilated_cnn([1, 2, 4])) == 8
    assert next(module.parameters()).dtype == torch.float32


def test_the_receptive_field_needs_float64():
    message = (
        "receptive_field needs a profile in torch.float64, got torch.float32: call "
        "gradient_profile with dtype=torch.float64"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _ = gradient_profile(TCN(), 20).receptive_field


def linear_profile(gain, length=60):
    """A single unit whose gradient decays by a known gain a step."""
    model = unit_graph_rnn([1])
    model.weights[1].data.fill_(gain)
    return gradient_profile(model, length, inputs=torch.ones(length, 1, 1))


@pytest.mark.parametrize("gain", [0.5, 0.9, 1.05])
def test_the_decay_rate_is_minus_the_log_of_the_gain(gain):
    profile = linear_profile(gain)
    assert profile.decay_rate() == pytest.approx(-math.log(gain), rel=1e-9)  # a fit of exact powers
    assert profile.decay_rate(first=50) == pytest.approx(-math.log(gain), rel=1e-9)


def test_the_effective_horizon_is_where_the_norm_stays_below_a_fraction():
    profile = linear_profile(0.5)
    assert profile.effective_horizon(0.2) == 3  # 1/2 and 1/4 are above, 1/8 is below
    assert profile.effective_horizon() == 7
    assert linear_profile(0.99).effective_horizon() == math.inf
    silent = gradient_profile(unit_graph_rnn([1]), 5, inputs=-torch.ones(5, 1, 1))
    assert silent.effective_horizon() == 0
    assert math.isnan(silent.decay_rate())
    assert silent.receptive_field == 0


@pytest.mark.parametrize("fraction", [0, 1, -0.5, math.nan])
def test_a_fraction_is_between_0_and_1(fraction):
    with pytest.raises(ValueError, match=f"^fraction must be between 0 and 1, got {fraction}$"):
        linear_profile(0.5).effective_horizon(fraction)


# The module is left as it was.


def everything(module):
    return {
        "parameters": [(p.tolist(), p.requires_grad, p.grad) for p in module.parameters()],
        "buffers": {name: buffer.tolist() for name, buffer in module.named_buffers()},
        "identities": [id(buffer) for buffer in module.buffers()],
        "modes": [part.training for part in module.modules()],
        "dropouts": [getattr(part, "dropout", None) for part in module.modules()][:1],
        "random": torch.random.get_rng_state().tolist(),
    }


@pytest.mark.parametrize("name", MODULES)
def test_the_module_is_left_as_it_was(name):
    module = build(name)
    parts = list(module.modules())
    parts[-1].training = False  # a flag of its own
    next(module.parameters()).requires_grad_(False)
    list(module.parameters())[-1].grad = torch.ones_like(list(module.parameters())[-1])
    before = everything(module)
    gradient_profile(module, 6)
    assert str(everything(module)) == str(before)


def test_the_module_is_left_as_it_was_when_it_fails():
    class Failing(TCN):
        def forward(self, x):
            self.norm.running_mean += 1
            self.norm.num_batches_tracked = torch.tensor(7)
            torch.rand(1)
            raise KeyError("on purpose")

    module = Failing()
    before = everything(module)
    with pytest.raises(KeyError, match="on purpose"):
        gradient_profile(module, 6)
    assert str(everything(module)) == str(before)


def test_dropout_is_off_during_the_measurement():
    module, x = build("GRU"), sample(6, 1, 2)
    first, second = (gradient_profile(module, 6, inputs=x).norms.tolist() for _ in range(2))
    module.dropout = 0.0
    assert first == second == gradient_profile(module, 6, inputs=x).norms.tolist()


# Refusals.


@pytest.mark.parametrize(
    ("length", "inputs", "message"),
    [
        (0, None, "length must be a positive integer, got 0"),
        (4, torch.ones(3, 1, 2), "inputs must have shape (4, batch, features), got (3, 1, 2)"),
        (4, torch.ones(4, 2), "inputs must have shape (4, batch, features), got (4, 2)"),
        (4, torch.ones(4, 0, 2), "inputs must have shape (4, batch, features), got (4, 0, 2)"),
    ],
)
def test_wrong_lengths_and_shapes_are_refused(length, inputs, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        gradient_profile(DilatedRNN(2, 3, [1, 2]), length, inputs=inputs)


class Summing(torch.nn.Module):
    input_size = 2

    def __init__(self, result):
        super().__init__()
        self.result = result

    def forward(self, x):
        return self.result(x)


@pytest.mark.parametrize(
    ("module", "options", "error", "message"),
    [
        (
            Summing(lambda x: x.sum()),
            {},
            ValueError,
            "output must be a tensor (time, batch, units), got () for inputs (4, 3, 2)",
        ),
        (
            Summing(lambda x: "text"),
            {},
            ValueError,
            "output must be a tensor (time, batch, units), got str for inputs (4, 3, 2): "
            "call(module, x) may return the tensor",
        ),
        (
            Summing(lambda x: x[1:]),
            {},
            ValueError,
            "output must be a tensor (time, batch, units), got (3, 3, 2) for inputs (4, 3, 2): "
            "it must have one step per step of the input",
        ),
        (
            torch.nn.Linear(2, 2),
            {},
            ValueError,
            "inputs must be given for a module without input_size, got Linear",
        ),
        (TCN(), {"inputs": [1.0]}, TypeError, "inputs must be a tensor, got [1.0]"),
        (
            TCN(),
            {"seeds": []},
            ValueError,
            "seeds must be one or more non-negative integers, got none",
        ),
        (TCN(), {"seeds": 3}, TypeError, "seeds must be a list of non-negative integers, got 3"),
        (
            TCN(),
            {"dtype": "float64"},
            TypeError,
            "dtype must be a floating torch.dtype, got 'float64'",
        ),
        (TCN(), {"seeds": [-1]}, ValueError, "seed must be a non-negative integer, got -1"),
        (TCN(), {"times": 0}, ValueError, "times must be a positive integer, got 0"),
        (TCN(), {"memory": 0}, ValueError, "memory must be a positive integer, got 0"),
        (TCN(), {"probes": 1}, ValueError, "probes must be an integer of at least 2, got 1"),
        (
            TCN(),
            {"probes": 4, "spectral": True},
            ValueError,
            "spectral must be False for an estimate by probes, got True",
        ),
        (
            TCN(),
            {"call": abs},
            TypeError,
            "call must be a function of two arguments, call(module, x), got "
            "<built-in function abs>",
        ),
    ],
)
def test_what_does_not_fit_is_refused(module, options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        gradient_profile(module, 4, **options)
