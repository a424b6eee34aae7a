"""Capacities estimated from simulated states, and exponents along a trajectory."""

import numpy as np
import pytest
import torch

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    LinearSystem,
    clockwork_rnn,
    dilated_rnn,
    gradient_profile,
    information_capacity,
    linear_system,
    lyapunov_exponents,
    memory_capacity,
    skip_rnn,
)
from drnn_theory.capacities import (
    exponents_together,
    information_of_states,
    memory_of_states,
    sample_matrices,
    simulate,
)


def linear_model(graph, size, seed=0):
    """Return the torch model of linear_system(graph, size, seed=seed)."""
    model = GraphRNN(graph, 1, size, nonlinearity="identity").double()
    drawn = sample_matrices(graph, size, seed=seed)
    with torch.no_grad():
        for edge, weight in zip(model.edges, model.weights, strict=True):
            weight.copy_(torch.as_tensor(drawn.edges[edge]))
        for bias in model.biases:
            bias.zero_()
    return model


class Reservoir(torch.nn.Module):
    """An echo state network: h' = tanh(W h + w u)."""

    input_size = 1

    def __init__(self, size, seed, radius=0.9):
        super().__init__()
        generator = np.random.default_rng(seed)
        w = generator.standard_normal((size, size))
        self.w = torch.as_tensor(radius * w / np.abs(np.linalg.eigvals(w)).max())
        self.entry = torch.as_tensor(generator.uniform(-0.5, 0.5, size))

    def forward(self, x, state=None):
        h = x.new_zeros(x.shape[1], len(self.entry)) if state is None else state[0]
        rows = []
        for u in x:
            h = torch.tanh(h @ self.w.T + u * self.entry)
            rows.append(h)
        return torch.stack(rows), h[None]


class Formula(torch.nn.Module):
    """Whose output is a given function of the input and of the one before it."""

    input_size = 1

    def __init__(self, *functions):
        super().__init__()
        self.functions = functions

    def forward(self, x):
        before = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
        return torch.cat([f(x, before) for f in self.functions], 2)


# Memory capacity


def test_estimates_converge_to_the_exact_values_with_the_root_of_the_samples():
    graph = dilated_rnn([1, 2])
    exact = memory_capacity(linear_system(graph, 4), 10).values
    inputs = np.random.default_rng(0).uniform(-1, 1, (3300, 16))
    states = simulate(linear_model(graph, 4), inputs)[100:]
    errors = []
    for samples in (200, 800, 3200):
        curves = [
            memory_of_states(states[-samples:, b], inputs[:, b], 10, chance=None) for b in range(16)
        ]
        errors.append(np.sqrt(np.mean([(curve.values - exact) ** 2 for curve in curves])))
    assert errors[0] > errors[1] > errors[2]
    rate = np.log(errors[2] / errors[0]) / np.log(16)
    assert rate == pytest.approx(-0.5, abs=0.1)  # 16 runs and 11 lags, not independent
    assert errors[2] < 0.04


def test_a_lag_without_memory_counts_as_nothing():
    model = Formula(lambda u, _: u)
    values = memory_capacity(model, 30, samples=2000, seeds=range(3)).values
    assert values[0] == pytest.approx(1)
    assert values[1:].max() <= 0.02
    assert np.count_nonzero(values[1:]) <= 2  # chance 0.001 for each of 90
    bare = memory_capacity(model, 30, samples=2000, seeds=range(3), chance=None).values
    assert np.count_nonzero(bare) == 31


@pytest.mark.parametrize("ridge", [0.0, 1e-6])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_curve_of_an_echo_state_network_is_that_of_reservoirpy(ridge):
    nodes = pytest.importorskip("reservoirpy.nodes")
    observables = pytest.importorskip("reservoirpy.observables")
    model, lags = Reservoir(20, seed=1), 15
    series = np.random.default_rng(0).uniform(-0.8, 0.8, (800, 1))
    w, entry = model.w.numpy(), model.entry.numpy()
    network = nodes.Reservoir(W=w, Win=entry[:, None], bias=np.zeros(20), lr=1.0)
    theirs = observables.memory_capacity(
        network >> nodes.Ridge(ridge=ridge), lags, as_list=True, series=series, test_size=200
    )
    # theirs begins when all lags are there, and trains once as many steps are over again
    states = simulate(model, series[lags:])[:, 0]
    times = len(states) - lags
    ours = memory_of_states(
        states[lags:], series[:, 0], lags, ridge=ridge, held_out=200 / times, chance=None
    )
    assert ours.samples == 200
    np.testing.assert_allclose(ours.values[1:], theirs, rtol=1e-6)
    assert ours.values[1] > 0.9 > ours.values[15]  # a curve, and no constant


def test_the_state_of_a_model_is_read_in_whole():
    model = linear_model(dilated_rnn([2]), 3)
    curve = memory_capacity(model, 8, read="state", samples=600, seeds=[0, 1])
    exact = memory_capacity(linear_system([2], 3), 8, read="state")
    assert curve.bound == exact.bound == 6
    np.testing.assert_allclose(curve.values, exact.values, atol=0.12)
    assert exact.values[:6].min() > 0.4 > exact.values[7]


# Information capacity


def test_information_capacity_tells_degrees_apart():
    model = Formula(
        lambda u, _: u,
        lambda _, v: 1.5 * v**2 - 0.5,
        lambda u, v: u * v,
        lambda u, _: 2.5 * u**3 - 1.5 * u,
    )
    capacity = information_capacity(model, 3, 3, samples=3000)
    np.testing.assert_allclose(capacity.values, [1, 2, 1], atol=0.02)
    assert capacity.total == pytest.approx(capacity.bound, rel=0.01)
    mixed = Formula(lambda u, v: u + v**2)
    values = information_capacity(mixed, 2, 3, samples=3000).values
    # u has variance 1/3, v^2 has 4/45
    np.testing.assert_allclose(values, np.array([15, 4]) / 19, atol=0.02)


def test_the_first_degree_of_a_linear_model_is_its_memory_capacity():
    graph = dilated_rnn([1, 2])
    exact = memory_capacity(linear_system(graph, 4), 60)
    capacity = information_capacity(linear_model(graph, 4), 2, [60, 5], samples=6000)
    assert capacity.values[0] == pytest.approx(exact.total, abs=0.1)
    assert capacity.values[1] < 0.02
    assert capacity.total <= capacity.bound * 1.01


@pytest.mark.parametrize("seed", range(2))
def test_a_network_that_mirrors_its_input_has_no_even_degree(seed):
    values = information_capacity(Reservoir(12, seed), 3, [30, 6, 4], scale=3.0).values
    assert values[0] > 1
    assert values[1] < 0.05
    assert values[2] > 0.1
    assert values.sum() <= 12 * 1.01


# Lyapunov exponents


def test_the_exponents_of_a_linear_system_are_logarithms_of_eigenvalues():
    system = linear_system(skip_rnn(4), 3)
    moduli = np.abs(np.linalg.eigvals(system.A[0].toarray()))
    spectrum = lyapunov_exponents(system)
    np.testing.assert_allclose(spectrum.values, np.log(np.sort(moduli)[::-1]))
    assert spectrum.values[0] == pytest.approx(np.log(system.spectral_radius), rel=1e-5)
    assert (spectrum.standard_error == 0).all()
    line = lyapunov_exponents(LinearSystem(np.eye(3, k=-1), [1, 0, 0]))
    assert (line.values == -np.inf).all()
    clock = linear_system(clockwork_rnn([1, 2]), 2, gain=0.7)
    largest = lyapunov_exponents(clock, 1).values[0]
    assert largest == pytest.approx(np.log(clock.spectral_radius))


def test_the_exponents_of_an_echo_state_network_are_those_of_an_independent_qr():
    size, steps, washout = 4, 60, 20
    model = Reservoir(size, seed=2)
    spectrum = lyapunov_exponents(model, steps=steps, washout=washout, interval=1, seed=5)
    w, entry = model.w.numpy(), model.entry.numpy()
    generator = np.random.default_rng(5)
    q = np.linalg.qr(generator.standard_normal((size, size)))[0]
    h, sums = np.zeros(size), np.zeros(size)
    for step in range(washout + steps):
        h = np.tanh(w @ h + entry * generator.uniform(-1, 1))
        q, r = np.linalg.qr((1 - h**2)[:, None] * w @ q)
        if step >= washout:
            sums += np.log(np.abs(np.diag(r)))
    np.testing.assert_allclose(spectrum.values, np.sort(sums / steps)[::-1], rtol=1e-9)
    np.testing.assert_allclose(spectrum.running[-1], spectrum.values)
    assert spectrum.running.shape == (10, size)
    assert 0 < spectrum.standard_error[0] < 0.1


def test_measured_exponents_of_a_linear_model_are_the_exact_ones():
    graph = dilated_rnn([1, 3])
    exact = lyapunov_exponents(linear_system(graph, 2, seed=1), 4).values
    measured = lyapunov_exponents(linear_model(graph, 2, seed=1), 4, steps=160, washout=80)
    np.testing.assert_allclose(measured.values, exact, atol=5e-3)


@pytest.mark.parametrize(
    "model",
    [
        lambda: DilatedRNN(1, 4, [1, 2], cell="LSTM"),
        lambda: DilatedRNN(1, 4, [1, 2], cell="GRU", batch_first=True),
        lambda: torch.nn.GRU(1, 4),
        lambda: GraphRNN(clockwork_rnn([1, 2]), 1, 3),
    ],
    ids=["LSTM", "GRU", "torch.nn.GRU", "clockwork"],
)
def test_any_model_that_goes_on_from_a_state_has_exponents(model):
    torch.manual_seed(0)
    model = model()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    spectrum = lyapunov_exponents(model, 2, steps=80, washout=16)
    assert np.isfinite(spectrum.values).all()
    assert spectrum.values[0] >= spectrum.values[1]
    assert spectrum.values[0] < 0
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


def test_the_largest_exponent_is_the_rate_at_which_gradients_decay():
    torch.manual_seed(1)
    model = DilatedRNN(1, 5, [1, 2], init="torch", dtype=torch.float64)
    largest = lyapunov_exponents(model, 1, steps=400, washout=40, interval=20).values[0]
    profile = gradient_profile(model, 60, inputs=2 * torch.rand(60, 10, 1).double() - 1)
    assert -largest == pytest.approx(profile.decay_rate(20), rel=0.1)


def test_models_that_run_together_have_the_exponents_that_they_have_alone():
    models = [linear_model(dilated_rnn([1, 2]), 2, seed=seed) for seed in range(3)]
    together = exponents_together(models, 2, 80, 16, 8, 1.0, [7, 8, 9])
    for model, seed, spectrum in zip(models, [7, 8, 9], together, strict=True):
        alone = lyapunov_exponents(model, 2, steps=80, washout=16, interval=8, seed=seed)
        np.testing.assert_allclose(spectrum.values, alone.values, rtol=1e-8)


# What is refused

MODEL = Formula(lambda u, v: u + v)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: memory_capacity(MODEL, 50, samples=40), ValueError, r"^lags must be below the 40"),
        (
            lambda: memory_capacity(MODEL, 9, washout=5),
            ValueError,
            r"^washout must be at least the",
        ),
        (lambda: memory_capacity(MODEL, 3, seeds=[]), ValueError, r"^seeds must be one or more"),
        (
            lambda: memory_capacity(Reservoir(40, 0), 3, samples=300),
            ValueError,
            r"^samples must number at least 10 per value read, 400, got 225: simulate longer",
        ),
        (
            lambda: information_capacity(Reservoir(40, 0), 1, 3, samples=300),
            ValueError,
            r"^samples must number at least 10 per value read, 400, got 300",
        ),
        (
            lambda: information_capacity(
                Formula(lambda u, _: u, lambda u, _: u + 1e-9 * u**2), 1, 3
            ),
            ValueError,
            r"^states must have a condition number up to 1e\+07 .*, got \d\.\de\+\d+: read fewer",
        ),
        (
            lambda: memory_capacity(Formula(lambda u, _: 0 * u + 1), 3),
            ValueError,
            r"^an output must be reached by the input, got 1 values that stay constant",
        ),
        (lambda: information_capacity(MODEL, 5, 60), ValueError, r"^products must number at most"),
        (lambda: information_capacity(MODEL, 2, [3]), ValueError, r"^lags must be one number or"),
        (
            lambda: memory_capacity(torch.nn.GRU(2, 3), 3),
            ValueError,
            r"^model must read one number per step, got input_size 2",
        ),
        (lambda: simulate("model", np.zeros((3, 1))), TypeError, r"^model must be a torch module"),
        (
            lambda: memory_capacity(MODEL, 3, read="state"),
            ValueError,
            r"^a model must return \(output, state\) for its state to be read, got Tensor",
        ),
        (
            lambda: lyapunov_exponents(MODEL),
            ValueError,
            r"^a model must return \(output, state\) for its exponents, got Tensor",
        ),
        (lambda: lyapunov_exponents([1, 2]), TypeError, r"^model must be a torch module or a Lin"),
        (
            lambda: lyapunov_exponents(torch.nn.GRU(1, 3), 4),
            ValueError,
            r"^count must be at most the 3 values of the state, got 4",
        ),
        (
            lambda: lyapunov_exponents(torch.nn.GRU(1, 3), steps=20),
            ValueError,
            r"^steps must be at least 10 intervals, 80, got 20",
        ),
        (
            lambda: lyapunov_exponents(linear_system([400], 10)),
            ValueError,
            r"^a system must have at most 3000 states for its spectrum, got 4000: its largest",
        ),
        (
            lambda: memory_of_states(np.zeros((30, 1)), np.zeros(30), 30),
            ValueError,
            r"^lags must lie within the 30 inputs, got 30",
        ),
        (
            lambda: information_of_states(np.zeros((30, 1)), np.zeros(31), [2]),
            ValueError,
            r"^lags must lie within the 1 inputs before the states, got 2",
        ),
    ],
)
def test_what_cannot_be_trusted_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


class OneState(torch.nn.Module):
    """A GRU cell over time whose state is (batch, units), or (1, batch, units), or batch first."""

    input_size = 1

    def __init__(self, axes=0, swapped=False):
        super().__init__()
        self.cell, self.axes, self.swapped = torch.nn.GRUCell(1, 4), axes, swapped

    def forward(self, x, state=None):
        x = x.transpose(0, 1) if self.swapped else x
        h = x.new_zeros(x.shape[1], 4) if state is None else state.reshape(-1, 4)
        output = []
        for u in x:
            h = self.cell(u, h)
            output.append(h)
        output = torch.stack(output, 1 if self.swapped else 0)
        return output, h.reshape(*[1] * self.axes, -1, 4)


def test_a_state_is_read_by_sequences_wherever_it_has_them():
    inputs = np.random.default_rng(0).uniform(-1, 1, (9, 3))
    models = [OneState(), OneState(1), OneState(swapped=True), OneState(2, swapped=True)]
    for model in models[1:]:
        model.load_state_dict(models[0].state_dict())
    expected = simulate(models[1], inputs, read="output")
    for model in models:
        assert np.allclose(simulate(model, inputs, read="state"), expected, atol=1e-12)


def test_a_state_without_an_axis_for_the_sequences_is_refused():
    class Total(OneState):
        def forward(self, x, state=None):
            output, last = super().forward(x)
            return output, last.sum(0)

    with pytest.raises(ValueError, match=r"^a model's state must have one axis for the sequences"):
        memory_capacity(Total(), 3, samples=200, read="state")


class Rotating(torch.nn.Module):
    """A unit with a complex state."""

    input_size = 1

    def forward(self, x, state=None):
        h = torch.zeros(x.shape[1], 1, dtype=torch.complex128) if state is None else state
        output = []
        for u in x:
            h = 0.9 * np.exp(1j) * h + u
            output.append(torch.view_as_real(h).flatten(1))
        return torch.stack(output), h


def test_a_complex_state_is_read_with_both_parts():
    inputs = np.random.default_rng(0).uniform(-1, 1, (9, 3))
    both = simulate(Rotating(), inputs, read="output")
    assert np.allclose(simulate(Rotating(), inputs, read="state"), both, atol=1e-12)
    with pytest.raises(ValueError, match=r"^a model must have real states for its exponents, got"):
        lyapunov_exponents(Rotating(), 1)
    turn = [[0.9 * np.exp(1j)]]
    with pytest.raises(ValueError, match=r"^A must be real, got complex numbers: write a \+ bi as"):
        LinearSystem(turn, [[1.0]], [[1.0]])


def test_a_bidirectional_layer_has_no_state_to_go_on_from():
    layer = torch.nn.GRU(1, 4, bidirectional=True)
    with pytest.raises(ValueError, match=r"^bidirectional must be False, got True"):
        lyapunov_exponents(layer, 2)
    with pytest.raises(ValueError, match=r"^bidirectional must be False, got True"):
        memory_capacity(layer, 3, samples=500, read="state")


def test_a_layer_with_computed_weights_is_measured_after_it_has_run():
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.GRU(1, 3), "weight_hh_l0")
    layer(torch.zeros(4, 1, 1))
    plain = torch.nn.GRU(1, 3)
    for name, _ in plain.named_parameters():
        getattr(plain, name).data.copy_(getattr(layer, name))
    for measure in (
        lambda model: memory_capacity(model, 3, samples=300).values,
        lambda model: lyapunov_exponents(model, 2).values,
        lambda model: gradient_profile(model, 5, dtype=torch.float64).norms,
    ):
        assert np.allclose(measure(layer), measure(plain), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1e-6])
def test_memory_does_not_depend_on_the_size_of_what_is_read(scale):
    class Scaled(DilatedRNN):
        def forward(self, x, state=None):
            output, last = super().forward(x, state)
            return scale * output, last

    model, small = DilatedRNN(1, 6, [1]), Scaled(1, 6, [1])
    small.load_state_dict(model.state_dict())
    curves = [memory_capacity(m, 6, samples=1000).values for m in (model, small)]
    assert np.allclose(curves[1], curves[0], atol=1e-9)


def test_a_model_that_diverges_is_refused():
    model = DilatedRNN(1, 4, [1], nonlinearity="relu")
    for layer in model.layers:
        layer.weight_hh_l0.data.fill_(1.0)
    with pytest.raises(ValueError, match=r"^a model's states must stay finite, got others from st"):
        memory_capacity(model, 3, samples=2000)
    with pytest.raises(ValueError, match=r"^ridge must be a non-negative number, got -5"):
        memory_capacity(DilatedRNN(1, 4, [1]), 3, samples=500, ridge=-5)
    with pytest.raises(ValueError, match=r"^scale must be a non-negative number, got nan"):
        memory_capacity(DilatedRNN(1, 4, [1]), 3, samples=500, scale=float("nan"))
