"""The law of gradient flow against its measurement in random networks."""

import doctest
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from drnn_theory import (
    DilatedRNN,
    clockwork_rnn,
    cyclic_graph,
    dilated_cnn,
    dilated_rnn,
    expected_gradient_profile,
    fast_slow_rnn,
    gated_feedback_rnn,
    gradient_profile,
    law,
    layers_rnn,
    mean_field_slopes,
    path_counts,
    residual_rnn,
    skip_rnn,
    zhang_rnn,
)
from tests.strategies import cyclic_graphs, schemes
from tests.studies.gradient_law import gaussian, measure, random_network, random_tanh
from tests.test_graph_rnn import CLOCKWORK

PROOF = Path(__file__).parents[1] / "proofs" / "gradient_law.md"


@settings(max_examples=50)
@given(schemes)
def test_at_gain_1_the_law_counts_the_paths(dilations):
    law = expected_gradient_profile(dilations, 1, 40)
    assert law.tolist() == path_counts(dilations, 40)


@settings(max_examples=50)
@given(schemes)
def test_a_stack_obeys_the_law_of_its_graph(dilations):
    law = expected_gradient_profile(dilations, 0.7, 40)
    of_graph = expected_gradient_profile(dilated_rnn(dilations), 0.7, 40)
    np.testing.assert_allclose(law, of_graph, rtol=1e-12)  # the same positive sums, reordered


GRAPHS = {
    "fusion": dilated_rnn([3, 4], fusion=True),
    "residual": residual_rnn([[1, 2], [4, 8]]),
    "two lags of one unit": layers_rnn([[1, 4], [2, 3]]),
    "convolutions": dilated_cnn([1, 2, 4]),
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
@pytest.mark.parametrize("gain", [0.0, 0.7, 1.0, 1.7, 40.0])
def test_filters_give_what_steps_in_time_give(graph, gain, monkeypatch):
    by_filters = expected_gradient_profile(graph, gain, 300)
    monkeypatch.setattr("drnn_theory.law._by_filters", lambda *_: None)
    with np.errstate(over="ignore"):
        by_steps = expected_gradient_profile(graph, gain, 300)
    np.testing.assert_allclose(by_filters, by_steps, rtol=1e-12)  # the same positive sums


CYCLES = {
    "clockwork": clockwork_rnn([1, 2, 4]),
    "phases without a common unit": clockwork_rnn([2, 3]),
    "fast and slow": fast_slow_rnn(3),
    "top down": zhang_rnn("td"),
    "every layer to every other": gated_feedback_rnn(3),
}


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("graph", CYCLES.values(), ids=CYCLES)
@pytest.mark.parametrize("gain", [0.0, 0.7, 3.0, 1e60])
def test_blocks_give_what_steps_in_time_give(graph, gain, start, monkeypatch):
    monkeypatch.setattr(law, "FEWEST", 16)
    horizon = 399
    by_blocks = expected_gradient_profile(graph, gain, horizon, start=start)
    monkeypatch.setattr(law, "MOST_STATES", 0)
    by_steps = expected_gradient_profile(graph, gain, horizon, start=start)
    np.testing.assert_allclose(by_blocks, by_steps, rtol=1e-11)  # the same positive sums
    assert start or gain < 1e60 or np.isinf(by_steps).any()


@settings(max_examples=10, deadline=None)
@given(cyclic_graphs(), st.integers(0, 3))
def test_blocks_give_what_steps_give_in_any_graph(graph, start):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(law, "FEWEST", 5)
        patch.setattr(law, "_by_filters", lambda *_: None)
        by_blocks = expected_gradient_profile(graph, 0.8, 60, start=start)
        patch.setattr(law, "MOST_STATES", 0)
        by_steps = expected_gradient_profile(graph, 0.8, 60, start=start)
    np.testing.assert_allclose(by_blocks, by_steps, rtol=1e-11)


def test_a_far_horizon_of_cycles_over_several_units_takes_blocks(monkeypatch):
    monkeypatch.setattr(law, "MOST_PASSES", 0)  # steps would be refused
    profile = expected_gradient_profile(zhang_rnn("td"), 0.5, 10**5)
    assert profile.shape == (10**5 + 1,)


def test_a_horizon_of_too_many_steps_is_refused_in_words():
    edges = [("x", "a", 0), ("a", "b", 0), ("b", "a", 1000), ("a", "a", 1)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["b"])
    with pytest.raises(
        ValueError,
        match=r"horizon must be at most 25000000 where .* 1000 steps back, got 30000000",
    ):
        expected_gradient_profile(graph, 0.5, 3 * 10**7)


@settings(max_examples=50)
@given(cyclic_graphs())
def test_in_any_graph_and_from_any_phase_the_law_at_gain_1_counts_the_paths(graph):
    for start in range(graph.graph["period"]):
        law = expected_gradient_profile(graph, 1, 20, start=start)
        assert law.tolist() == path_counts(graph, 20, start=start)


def test_one_layer_decays_by_the_square_of_the_gain_at_each_use():
    assert expected_gradient_profile([3], 0.5, 7).tolist() == [1, 0, 0, 0.25, 0, 0, 0.0625, 0]
    assert expected_gradient_profile([1], 0.5, 2, slopes=[0.5]).tolist() == [0.5, 0.0625, 0.0078125]
    assert expected_gradient_profile([1, 2], [0.5, 0], 2).tolist() == [1, 0.25, 0.0625]


def test_beyond_the_largest_float_the_law_is_infinite():
    law = expected_gradient_profile([1, 2], 1e80, 4)
    assert law.tolist()[:2] == [1, pytest.approx(1e160)]
    assert law.tolist()[4] == np.inf
    assert expected_gradient_profile([2], 1e80, 6).tolist()[5:] == [0, np.inf]


def test_the_law_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from drnn_theory import expected_gradient_profile, mean_field_slopes\n"
        "print(expected_gradient_profile([1, 2], 0.5, 2).tolist(), len(mean_field_slopes(2, 1)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[1.0, 0.25, 0.3125] 2"


def test_far_horizons_are_a_linear_filter():
    """Above and below the number of steps that are filtered, and for wide dilations."""
    dilations = [1, 7, 300]
    law = expected_gradient_profile(dilations, 0.999, 20_000)
    slow = np.zeros(20_001)
    slow[0] = 1
    for dilation in dilations:
        for lag in range(dilation, 20_001):
            slow[lag] += 0.999**2 * slow[lag - dilation]
    np.testing.assert_allclose(law, slow, rtol=1e-11)  # some thousand positive terms, reordered


@pytest.mark.parametrize("horizon", [50, 1100, 5000])
def test_no_gain_makes_the_law_undefined(horizon):
    for gains in ([2, 0], [0, 2], [1e200, 0], [0, 1e200], [1e-200, 1e200], [2, 2], [1e200, 0.5]):
        law = expected_gradient_profile([1, 2], gains, horizon)
        assert not np.isnan(law).any()
        assert (law >= 0).all()
    assert expected_gradient_profile([1, 2], [1e200, 0], horizon)[1:].min() == np.inf
    assert expected_gradient_profile([2, 1], [0, 0], horizon).sum() == 1
    doubled = expected_gradient_profile([1, 2], [2, 0], horizon)
    assert doubled[:500].tolist() == [4.0**n for n in range(min(500, horizon + 1))]


# Gates at rest.


def of_one_layer(gain, lag):
    """The law by hand: C(n, k)^2 ways in pairs to use the matrix k times, the rest halves."""
    return sum(
        math.comb(lag, k) ** 2 * 4.0 ** (k - lag) * (gain / 4) ** (2 * k) for k in range(lag + 1)
    )


@pytest.mark.parametrize("gain", [0, 0.5, 1, 2.5])
def test_one_gated_layer_obeys_the_sum_over_uses_of_its_matrix(gain):
    by_hand = [of_one_layer(gain, n) for n in range(41)]
    gru = expected_gradient_profile([1], gain, 40, cell="GRU")
    np.testing.assert_allclose(gru, np.array(by_hand) / 4, rtol=1e-13)
    lstm = expected_gradient_profile([3], gain, 120, cell="LSTM")
    np.testing.assert_allclose(lstm[::3], np.array(by_hand) / 16, rtol=1e-13)
    assert not lstm[1::3].any()


def test_paths_of_a_gated_stack_add_before_they_are_squared():
    gain, law = 0.9, expected_gradient_profile([1, 2], [0.9, 0.7], 2, cell="GRU")
    # lag 2: two steps of the lower layer or one of the upper; those without a matrix meet
    lower = [1 / 4, 2 * 1 / 2 * gain / 4, (gain / 4) ** 2]  # by uses of its matrix
    squares = (lower[0] + 1 / 2) ** 2 + lower[1] ** 2 + lower[2] ** 2 + (0.7 / 4) ** 2
    assert law[2] == pytest.approx(squares / 16, rel=1e-14)


def haar(size, gain, generator):
    """An orthogonal matrix, uniformly drawn: the signs of QR are not."""
    q, r = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    return gain * q * r.diagonal().sign()


def at_rest(cell, size, dilations, gain, seed):
    generator = torch.Generator().manual_seed(seed)
    model = DilatedRNN(size, size, dilations, cell=cell, dtype=torch.float64, bias=False)
    with torch.no_grad():
        for layer in model.layers:
            for name, weight in layer.named_parameters():
                gates = [haar(size, gain if "hh" in name else 1, generator) for _ in range(4)]
                weight.copy_(torch.cat(gates[: len(weight) // size]))
    return model


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("dilations", [[1], [1, 2, 4]])
def test_gated_stacks_at_rest_obey_their_law(cell, dilations):
    size, x = 96, torch.zeros(41, 1, 96)
    models = [at_rest(cell, size, dilations, 1, seed) for seed in range(4)]
    measured = [gradient_profile(model, 41, inputs=x).norms ** 2 / size for model in models]
    law = expected_gradient_profile(models[0], 1, 40)  # the model says which cell
    # four draws that scatter by some hundredths at lag 40, and a bias of five over the width
    assert np.abs(np.mean(measured, 0) / law - 1).max() < 0.13
    linear = expected_gradient_profile(dilations, 1, 40)
    assert np.abs(np.mean(measured, 0) / linear - 1).max() > 0.7


def test_away_from_rest_the_gated_law_ends():
    model, law = (
        at_rest("GRU", 64, [1, 2], 1, 0),
        expected_gradient_profile([1, 2], 1, 20, cell="GRU"),
    )
    noise = torch.randn(60, 2, 64, generator=torch.Generator().manual_seed(1))
    ratios = [
        gradient_profile(model, 60, inputs=scale * noise).norms[:21] ** 2 / 64 / law
        for scale in (0.03, 1)
    ]
    assert np.abs(ratios[0] - 1).max() < 0.2
    assert ratios[1][20] < 0.5  # gates that have moved let through less


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        (
            [1],
            {"cell": "LSTM", "slopes": [1]},
            "the law of a LSTM must be asked of a stack of dila",
        ),
        (skip_rnn(2), {"cell": "GRU"}, "the law of a GRU must be asked of a stack of dilations at"),
        ([1], {"cell": "QRNN"}, "cell must be one of 'RNN', 'GRU', 'LSTM', got 'QRNN'"),
        (
            DilatedRNN(1, 2, [2, 4], cell="GRU", fusion=True),
            {},
            "the law of a GRU must be asked of a stack of dilations at rest, got a graph: ",
        ),
    ],
)
def test_gates_whose_law_is_not_known_are_refused(architecture, options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        expected_gradient_profile(architecture, 1, 5, **options)


# Measurement. One draw scatters about the law by its width: the mean of the draws is compared, at
# every lag, to within four of its standard errors plus the bias of order 1 / H, of which 1.5 / H is
# allowed.

DRAWS = {16: 40, 64: 10, 256: 3}
ARCHITECTURES = {  # with the lags up to which the words of a graph are few and short against H
    "dilations 1, 2, 4": (dilated_rnn([1, 2, 4]), 33),
    "dilations 3, 2": (dilated_rnn([3, 2]), 33),
    "skip": (skip_rnn(5), 11),
}


def deviations(measured, law, size):
    """By how many of its tolerances the mean of the draws is off the law, at every lag."""
    at = law > 0
    ratio = measured[:, at] / law[at]
    error = 4 * ratio.std(0, ddof=1) / len(ratio) ** 0.5 + 1.5 / size
    return np.abs(ratio.mean(0) - 1) / error


@pytest.mark.parametrize("size", DRAWS)
@pytest.mark.parametrize(("graph", "lags"), ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_orthogonal_matrices_obey_the_law(graph, lags, size):
    lags = min(lags, 18) if size == 256 else lags
    measured = measure(graph, size, 0.95, DRAWS[size], lags)
    law = expected_gradient_profile(graph, 0.95, lags - 1)
    assert (measured[:, law == 0] == 0).all()
    assert deviations(measured, law, size).max() < 1
    other = expected_gradient_profile(graph, 0.9, lags - 1)
    assert deviations(measured, other, size).max() > 1.5  # g for g^2, say, would be seen


def test_gaussian_matrices_obey_the_law_where_their_excess_is_small():
    size, graph = 96, dilated_rnn([1, 4])
    law = expected_gradient_profile(graph, 0.9, 15)
    measured = measure(graph, size, 0.9, 15, 16, gaussian)
    # k <= 7 edges: k^4 / 12 H^2 < 0.022; the median of 15 draws scatters by some hundredths
    ratio = np.median(measured[:, :8], 0) / law[:8]
    assert np.abs(ratio - 1).max() < 0.06


def test_a_linear_layer_measures_the_powers_of_its_matrix():
    model = random_network(dilated_rnn([1]), 8, 1, 0, gaussian)
    powers = [torch.linalg.matrix_power(model.weights[1].detach(), n).norm() for n in range(5)]
    profile = gradient_profile(model, 5, inputs=torch.zeros(5, 1, 8))
    np.testing.assert_allclose(profile.norms, powers, rtol=1e-12)  # five products in float64


@pytest.mark.parametrize(("size", "edges"), [(16, 4), (32, 4), (32, 6)])
def test_gaussian_matrices_exceed_the_law_by_the_fourth_power_of_the_edges(size, edges):
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(20_000, size, size, generator=generator) / size**0.5
    squares = torch.linalg.matrix_power(draws, edges).square().sum((1, 2)) / size
    excess, error = float(squares.mean() - 1), float(squares.std() / len(squares) ** 0.5)
    expected = edges**4 / (12 * size**2)  # 0.083, 0.021, 0.105
    # the leading term in k and in k^4 / H^2: at k = 4 lower powers of k matter by half of it
    assert abs(excess - expected) < 4 * error + expected / 2
    assert excess > 4 * error


@pytest.mark.parametrize("gain", [0.9, 1.2])
def test_tanh_obeys_the_law_at_its_mean_field_slopes(gain):
    size, dilations, ratios = 64, [1, 2, 4], []
    slopes = mean_field_slopes(3, gain)
    law = expected_gradient_profile(dilations, gain, 20, slopes=slopes)
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        model = random_tanh(dilations, size, gain, generator)
        x = torch.randn(60, 2, size, generator=generator)
        profile = gradient_profile(model, 56, inputs=x, times=5)  # settled when the lag is small
        ratios.append(profile.norms[:21] ** 2 / size / law)
    ratios = np.array(ratios)
    error = 4 * ratios.std(0, ddof=1) / len(ratios) ** 0.5 + 1.5 / size
    assert (np.abs(ratios.mean(0) - 1) < error).all()
    linear = expected_gradient_profile(dilations, gain, 20)
    assert ((ratios * law / linear).mean(0) < 0.2).all()  # without the slopes it is far off


@pytest.mark.parametrize("variance", [1e-8, 0.1, 0.99, 1.01, 4, 100, 2500, 5000, 1e6, 1e12])
def test_slopes_are_those_of_a_normal_variable(variance):
    (slope,) = mean_field_slopes(1, 0, input_variance=variance)
    sigma = variance**0.5
    integral, _ = quad(  # over u = sigma z, where tanh has its slope within 25 units
        lambda u: np.cosh(u) ** -4 * np.exp(-u * u / variance / 2) / np.sqrt(2 * np.pi) / sigma,
        -min(25, 12 * sigma),
        min(25, 12 * sigma),
        points=[0],
        epsabs=0,
        limit=200,
    )
    assert slope == pytest.approx(integral, rel=1e-8)  # what quad promises


@pytest.mark.parametrize(("gain", "variance"), [(1, 1e-12), (1, 1e-6), (1.5, 1e-30), (3, 1e6)])
def test_the_variance_of_a_layer_is_a_fixed_point(gain, variance):
    found = law._fixed_point(gain, variance)
    again = gain**2 * law._tanh_moments(found)[0] + variance
    assert again == pytest.approx(found, rel=1e-9)
    assert found >= variance
    assert mean_field_slopes(1, gain, input_variance=variance)[0] == law._tanh_moments(found)[1]
    if gain > 1:  # the network keeps itself going, however small the input
        assert found > 0.5


def test_without_input_the_network_rests_and_beyond_all_floats_it_is_flat():
    assert mean_field_slopes(2, 1.5, input_variance=0).tolist() == [1, 1]
    assert mean_field_slopes(1, 1e200).tolist() == [0]


# The proof.


def test_every_example_of_the_proof_is_true():
    failed, attempted = doctest.testfile(str(PROOF), module_relative=False)
    assert attempted >= 5
    assert failed == 0


# Refusals.


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2], -1, 4), ValueError, "gain must be a non-negative number, got -1"),
        (([1, 2], float("nan"), 4), ValueError, "gain must be a non-negative number, got nan"),
        (([1, 2], "1", 4), TypeError, "gain must be a non-negative number, got '1'"),
        (([1, 2], True, 4), TypeError, "gain must be a non-negative number, got True"),
        (
            ([1, 2], [1, 1, 1], 4),
            ValueError,
            "gain must be one number or one per layer, 2, got 3: [1.0, 1.0, 1.0]",
        ),
        (([1, 2], 1, -1), ValueError, "horizon must be a non-negative integer, got -1"),
        (([1, 0], 1, 4), ValueError, "dilations must be one or more positive integers"),
        ((CLOCKWORK, [1, 1], 4), TypeError, "gain must be a non-negative number, got [1, 1]"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        expected_gradient_profile(*arguments)


def test_a_graph_has_no_slopes_per_layer():
    message = "slopes must be None for a graph: it has no layers to list them by"
    with pytest.raises(ValueError, match=f"^{message}$"):
        expected_gradient_profile(CLOCKWORK, 1, 4, slopes=[1.0])


def test_a_variance_is_not_negative():
    message = "input_variance must be a non-negative number, got -1"
    with pytest.raises(ValueError, match=f"^{message}$"):
        mean_field_slopes(2, 1, input_variance=-1)


def test_what_no_path_reaches_stays_zero_beside_what_overflows():
    even = expected_gradient_profile(layers_rnn([[2, 4]]), 1e3, 160)
    assert not even[1::2].any()
    assert np.isinf(even[104::2]).all()
    # by hand: y[n] = 25 (y[n - 2] + y[n - 101])
    y = [1.0]
    for n in range(1, 511):
        back = [y[n - lag] for lag in (2, 101) if lag <= n]
        y.append(25.0 * sum(back))
    law_of_two = expected_gradient_profile(layers_rnn([[2, 101]]), 5, 510)
    assert np.allclose(law_of_two, y, rtol=1e-10)
