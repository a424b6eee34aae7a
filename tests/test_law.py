"""The law of gradient flow against its measurement in random networks."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.integrate import quad

from drnn_theory import (
    dilated_rnn,
    expected_gradient_profile,
    gradient_profile,
    mean_field_slopes,
    path_counts,
    skip_rnn,
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


def test_slopes_are_those_of_a_normal_variable():
    (slope,) = mean_field_slopes(1, 0, input_variance=4.0)
    integral, _ = quad(
        lambda z: (1 - np.tanh(2 * z) ** 2) ** 2 * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), -12, 12
    )
    assert slope == pytest.approx(integral, rel=1e-8)  # what quad promises


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
        (([1, 2], "1", 4), TypeError, "gain must be a non-negative number, got '1' (str)"),
        (([1, 2], True, 4), TypeError, "gain must be a non-negative number, got True (bool)"),
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
