"""Linear systems and their exact curves of memory."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov

from drnn_theory import (
    GraphRNN,
    LinearSystem,
    clockwork_rnn,
    cyclic_graph,
    dilated_cnn,
    dilated_rnn,
    expected_gradient_profile,
    fast_slow_rnn,
    fisher_memory,
    linear_system,
    memory_capacity,
    residual_rnn,
    skip_rnn,
    wavenet,
)
from drnn_theory.architectures import as_cyclic_graph
from drnn_theory.capacities import assemble, sample_matrices, spectral_radius
from tests.strategies import cyclic_graphs

DELAY_LINE = LinearSystem(np.eye(6, k=-1), np.eye(6)[0])


def ring(size, weight):
    return LinearSystem(weight * np.roll(np.eye(size), 1, axis=0), np.eye(size)[0])


def random_system(seed, size=5, outputs=3):
    generator = np.random.default_rng(seed)
    a = generator.standard_normal((size, size))
    a *= 0.8 / np.abs(np.linalg.eigvals(a)).max()
    return LinearSystem(
        a, generator.standard_normal(size), generator.standard_normal((outputs, size))
    )


# Curves worked by hand


@pytest.mark.parametrize("a", [0.5, -0.9, 0.99])
def test_a_leaky_unit_remembers_a_geometric_series(a):
    k = np.arange(2001)
    for curve in (
        memory_capacity(LinearSystem([[a]], [3.0]), 2000),
        fisher_memory(LinearSystem([[a]], [1.0]), 2000),
    ):
        np.testing.assert_allclose(curve.values, a ** (2 * k) * (1 - a * a), rtol=1e-9)
        assert curve.total == pytest.approx(1)
        assert curve.bound == 1


def test_a_delay_line_remembers_its_length_and_no_more():
    for read in ("output", "state"):
        curve = memory_capacity(DELAY_LINE, 9, read=read)
        assert curve.values.tolist() == [1] * 6 + [0] * 4
        assert curve.total == curve.bound == 6


def test_a_delay_line_with_noise_in_every_state_loses_information_as_it_passes():
    values = fisher_memory(DELAY_LINE, 9).values
    np.testing.assert_allclose(values, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 0, 0, 0, 0])


def test_a_delay_line_with_noise_where_the_input_enters_reaches_the_bound():
    system = LinearSystem(np.eye(6, k=-1), np.eye(6)[0], noise=np.eye(6)[:, :1])
    curve = fisher_memory(system, 9)
    np.testing.assert_allclose(curve.values, [1] * 6 + [0] * 4)
    assert curve.total == pytest.approx(curve.bound)


@pytest.mark.parametrize(("size", "weight"), [(4, 0.5), (9, 0.95)])
def test_a_cyclic_reservoir_has_the_curve_of_the_textbook(size, weight):
    k = np.arange(5 * size)
    rounds = weight ** (2 * size * (k // size))
    curve = memory_capacity(ring(size, weight), k[-1])
    np.testing.assert_allclose(curve.values, rounds * (1 - weight ** (2 * size)), rtol=1e-9)
    fisher = fisher_memory(ring(size, weight), k[-1])
    np.testing.assert_allclose(fisher.values, weight ** (2 * k) * (1 - weight**2), rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_normal_connectivity_has_a_fisher_memory_of_one(seed):
    generator = np.random.default_rng(seed)
    q = np.linalg.qr(generator.standard_normal((7, 7)))[0]
    angle = generator.uniform(0, np.pi)
    turn = 0.9 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    normal = np.diag(generator.uniform(-0.95, 0.95, 7))
    normal[:2, :2] = turn
    b = generator.standard_normal(7)
    system = LinearSystem(q @ normal @ q.T, b / np.linalg.norm(b))
    assert fisher_memory(system, 600).total == pytest.approx(1)
    lopsided = LinearSystem(q @ (normal + np.eye(7, k=3)) @ q.T, b / np.linalg.norm(b))
    assert abs(fisher_memory(lopsided, 600).total - 1) > 0.05  # the control: not normal


# Agreement with the dense, obvious form


def dense(system, lags, steps=6000):
    """Sum the covariance of what is read, and the noise's, as they are defined."""
    a, b = system.A[0].toarray(), system.B[0]
    c, g = system.C[0].toarray(), system.noise[0].toarray()
    p = c @ solve_discrete_lyapunov(a, np.outer(b, b)) @ c.T
    n = c @ solve_discrete_lyapunov(a, g @ g.T) @ c.T
    responses = [c @ np.linalg.matrix_power(a, k) @ b for k in range(lags + 1)]
    memory = [r @ np.linalg.solve(p, r) for r in responses]
    return np.array(memory), np.array([r @ np.linalg.solve(n, r) for r in responses])


@pytest.mark.parametrize(
    "system",
    [
        *map(random_system, range(3)),
        linear_system([1, 3, 4], 3),
        linear_system([2, 5], 4, gain=0.7, matrices="gaussian", seed=4),
        linear_system(skip_rnn(6, 2), 3),
        linear_system(fast_slow_rnn(), 4, gain=0.5),
        linear_system(dilated_rnn([2, 4], fusion=True), 3, seed=1),
    ],
    ids=range(8),
)
def test_both_curves_agree_with_the_dense_equations(system):
    memory, fisher = dense(system, 40)
    np.testing.assert_allclose(memory_capacity(system, 40).values, memory, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(fisher_memory(system, 40).values, fisher, rtol=1e-6, atol=1e-9)


def test_a_state_read_as_a_whole_agrees_with_the_dense_equations():
    system = linear_system([1, 3], 2)
    whole = LinearSystem(system.A[0], system.B[0])
    curve = memory_capacity(system, 30, read="state")
    np.testing.assert_allclose(curve.values, dense(whole, 30)[0], rtol=1e-6, atol=1e-9)
    assert curve.values[:6].min() > 0.4  # most of it, below the state's eight values
    assert curve.bound == 8


def test_one_read_out_for_all_phases_remembers_what_their_means_say():
    system = linear_system(clockwork_rnn([1, 2]), 3, gain=0.8)
    assert system.period == 2
    # what is read at a time of phase (start + k) % 2, k steps after the impulse
    responses = np.stack([system.responses(400, phase=phase) for phase in range(2)])
    covariance = np.tensordot(responses, responses, ((0, 1), (0, 1))) / 2
    means = responses.mean(0)[:31]
    expected = [c @ np.linalg.solve(covariance, c) for c in means]
    curve = memory_capacity(system, 30)
    np.testing.assert_allclose(curve.values, expected, rtol=1e-6)
    assert curve.total <= curve.bound == 3


def test_the_fisher_memory_of_a_period_is_the_mean_over_its_phases():
    a, b = random_system(0, outputs=5), random_system(1, outputs=5)
    turns = LinearSystem([a.A[0], b.A[0]], [a.B[0], b.B[0]])
    two = a.A[0] @ b.A[0], b.A[0] @ a.A[0]
    noise = [
        solve_discrete_lyapunov(two[p].toarray(), np.eye(5) + (m @ m.T).toarray())
        for p, m in enumerate((a.A[0], b.A[0]))
    ]
    after = [a.B[0], a.A[0] @ b.B[0]], [b.B[0], b.A[0] @ a.B[0]]
    expected = [
        np.mean([r[k] @ np.linalg.solve(n, r[k]) for r, n in zip(after, noise, strict=True)])
        for k in range(2)
    ]
    np.testing.assert_allclose(fisher_memory(turns, 1).values, expected, rtol=1e-8)


# Bounds


@settings(max_examples=15)
@given(cyclic_graphs(), st.integers(1, 4), st.integers(0, 99))
def test_totals_meet_their_bounds_on_random_graphs(graph, hidden, seed):
    try:
        system = linear_system(graph, hidden, gain=0.7, seed=seed)
        memory = memory_capacity(system, 300)
    except ValueError as error:  # refused in words, never wrong
        assume(False)
        raise AssertionError from error
    assert memory.values.min() >= 0
    assert memory.values.max() <= 1 + 1e-9
    assert memory.total <= memory.bound * (1 + 1e-9)
    assert memory.bound <= hidden


@pytest.mark.parametrize("seed", range(4))
def test_the_totals_of_all_lags_are_the_rank_and_at_most_the_bound(seed):
    system = random_system(seed, size=6, outputs=4)
    memory, fisher = memory_capacity(system, 400), fisher_memory(system, 400)
    assert memory.total == pytest.approx(4)
    assert memory.bound == 4
    norm = float(system.B[0] @ system.B[0])
    assert fisher.total <= fisher.bound == pytest.approx(4 * norm)
    repeated = np.vstack([system.C[0].toarray(), np.zeros(6)])
    assert memory_capacity(LinearSystem(system.A[0], system.B[0], repeated), 4).bound == 4


def test_the_responses_of_a_wide_stack_follow_the_law_of_gradient_flow():
    scheme = [1, 2, 4, 8]
    squares = [
        (linear_system(scheme, 48, gain=0.95, seed=seed).responses(32) ** 2).sum(1)
        for seed in range(12)
    ]
    law = expected_gradient_profile(scheme, 0.95, 32)
    np.testing.assert_allclose(np.mean(squares, 0), law, rtol=0.2)


# Equality with the torch model

GRAPHS = {
    "dilated": dilated_rnn([1, 2, 5]),
    "skip": skip_rnn(4, 2),
    "fusion": dilated_rnn([3, 6], fusion=True),
    "clockwork": clockwork_rnn([1, 2, 4]),
    "convolutions": dilated_cnn([1, 2]),
    "fast and slow": fast_slow_rnn(),
    "residual": residual_rnn([[1, 2], [4]]),
    "skip connections": wavenet([1, 2]),
    "an input that is entered": cyclic_graph(
        [("x", "h", 0), ("h", "x", 2), ("x", "x", 1)], inputs=["x"], outputs=["h"]
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_system_equals_the_graph_rnn_of_identity_activation_step_by_step(name):
    graph = GRAPHS[name]
    drawn = sample_matrices(graph, 4, gain=0.8, seed=3)
    model = GraphRNN(graph, 1, 4, nonlinearity="identity", share_phases=False).double()
    with torch.no_grad():
        for edge, weight in zip(model.edges, model.weights, strict=True):
            if edge in drawn.edges:
                weight.copy_(torch.as_tensor(drawn.edges[edge]))
        for node, entry in zip(model.entrances, model.entries, strict=True):
            entry.copy_(torch.as_tensor(drawn.entries[node])[:, None])
        for bias in model.biases:
            bias.zero_()
    inputs = np.random.default_rng(0).standard_normal(30)
    with torch.no_grad():
        outputs = model(torch.as_tensor(inputs)[:, None, None])[0][:, 0].numpy()

    def driven(system):
        state, rows = np.zeros(system.size), []
        for time, u in enumerate(inputs):
            phase = time % system.period
            state = system.A[phase] @ state + system.B[phase] * u
            rows.append(system.C[phase] @ state)
        return np.array(rows)

    np.testing.assert_allclose(driven(assemble(graph, 4, drawn)), outputs, atol=1e-12)
    other = driven(assemble(graph, 4, sample_matrices(graph, 4, gain=0.8, seed=4)))
    assert np.abs(other - outputs).max() > 1e-3  # the control


def test_the_state_of_a_stack_holds_its_dilations_times_the_hidden_size():
    assert linear_system([1, 2, 4], 10).size == 70
    assert linear_system([1, 2, 4, 8], 3).size == 45


# Spectral radii


@pytest.mark.parametrize(
    ("architecture", "hidden"),
    [([1, 4], 5), (skip_rnn(30, 1), 6), (skip_rnn(50, 1), 3), (clockwork_rnn([1, 2]), 3)],
)
def test_the_spectral_radius_is_that_of_the_dense_matrix(architecture, hidden):
    system = linear_system(architecture, hidden, gain=0.9)
    product = np.eye(system.size)
    for a in system.A:
        product = a.toarray() @ product
    radius = np.abs(np.linalg.eigvals(product)).max() ** (1 / system.period)
    assert system.spectral_radius == pytest.approx(radius, rel=1e-6)
    assert system.is_stable()


@pytest.mark.parametrize("factor", [0.999, 1.001])
def test_stability_is_told_just_below_and_just_above_one(factor):
    system = linear_system(skip_rnn(40, 1), 6, gain=0.9)
    rate = factor / system.spectral_radius
    scaled = LinearSystem(rate * system.A[0], system.B[0])
    assert scaled.is_stable() is (factor < 1)


def test_a_ring_of_a_thousand_links_has_the_root_of_its_product():
    a = ring(1000, 0.5).A[0]
    assert spectral_radius(a) == pytest.approx(0.5)


# What is refused


def test_an_unstable_system_is_refused_with_its_radius():
    message = r"^the spectral radius must be below 1 for a memory that fades, got 1\.1: lower"
    for curve in (memory_capacity, fisher_memory):
        with pytest.raises(ValueError, match=message):
            curve(LinearSystem([[1.1]], [1]), 3)


def test_an_identity_loop_is_refused():
    graph = cyclic_graph([("x", "h", 0)], inputs=["x"], outputs=["h"], identities=[("h", "h", 2)])
    with pytest.raises(ValueError, match=r"^the spectral radius must be below 1 .* got 1: lower"):
        memory_capacity(linear_system(graph, 3), 5)


def test_an_output_that_no_input_reaches_is_refused():
    graph = cyclic_graph([("x", "h", 0), ("g", "y", 1)], inputs=["x"], outputs=["y"])
    with pytest.raises(ValueError, match=r"^an output must be reached by an input, got outputs"):
        linear_system(graph, 3)
    mute = LinearSystem([[0.5, 0], [0, 0.5]], [1, 0], [[0, 1]])
    with pytest.raises(ValueError, match=r"^an output must be reached by the input, got responses"):
        memory_capacity(mute, 3)


def test_responses_too_nearly_dependent_are_refused_with_their_condition():
    weak = LinearSystem(np.diag(np.linspace(0.1, 0.9, 14)), np.ones(14))
    with pytest.raises(
        ValueError, match=r"^what is read must have a condition number up to 1e\+07 .* got \d\.\de"
    ):
        memory_capacity(weak, 5, read="state")


def test_input_without_noise_is_refused():
    system = LinearSystem(np.diag([0.5, 0.2]), [1, 1], noise=[[1], [0]])
    with pytest.raises(ValueError, match=r"^noise must enter what the input enters, got a value"):
        fisher_memory(system, 3)
    system = LinearSystem(np.diag([0.5, 0.5]), [1, 2], [[1, 0], [1, 1]], noise=[[1], [1]])
    with pytest.raises(ValueError, match=r"^noise must enter what .* got a direction"):
        fisher_memory(system, 3)


def test_a_state_too_large_to_be_read_as_a_whole_is_refused():
    with pytest.raises(ValueError, match=r"^a state must be of at most 4096 values .* got 5100:"):
        memory_capacity(linear_system([255], 20), 10, read="state")


def test_a_memory_that_hardly_fades_is_refused_with_its_radius():
    with pytest.raises(
        ValueError, match=r"^the spectral radius must be below 0\.99998\d .* got 0\.99999999\d"
    ):
        memory_capacity(LinearSystem([[1 - 1e-8]], [1]), 3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1, 2]], [1]), ValueError, r"^A must be square and not empty, got shape \(1, 2\)"),
        (("no", [1]), TypeError, r"^A must be a matrix of numbers, got 'no'"),
        (([[np.nan]], [1]), ValueError, r"^A must be finite, got nan"),
        (([[0.5]], [1, 2]), ValueError, r"^B must have shape 1, got \(2,\)"),
        (([[0.5]], [1], [[1, 2]]), ValueError, r"^C must have shape any x 1, got \(1, 2\)"),
        (([0.5], [1]), ValueError, r"^A must have two axes, got shape \(1,\)"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        LinearSystem(*arguments)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: memory_capacity([1, 2, 4], 5), TypeError, r"^system must be a LinearSystem or a"),
        (lambda: memory_capacity(DELAY_LINE, -1), ValueError, r"^lags must be a non-negative"),
        (lambda: memory_capacity(DELAY_LINE, 3, read="all"), ValueError, r"^read must be one of"),
        (
            lambda: memory_capacity(DELAY_LINE, 3, seeds=[1]),
            TypeError,
            r"takes no seeds: its curve",
        ),
        (
            lambda: fisher_memory([1, 2], 5),
            TypeError,
            r"^system must be a LinearSystem, got \[1, 2",
        ),
        (lambda: linear_system([1], 3, gain=-1), ValueError, r"^gain must be a non-negative"),
        (lambda: linear_system([1], 3, matrices="unit"), ValueError, r"^matrices must be one of"),
        (lambda: linear_system([1], 0), ValueError, r"^hidden_size must be a positive integer"),
    ],
)
def test_arguments_out_of_range_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_scheme_and_its_graph_give_the_same_system():
    one, other = linear_system([1, 3], 4), linear_system(as_cyclic_graph([1, 3]), 4)
    assert (one.A[0] != other.A[0]).nnz == 0
