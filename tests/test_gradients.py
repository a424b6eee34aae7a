import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import DilatedRNN, gradient_profile, path_counts
from drnn_theory.gradients import unit_dilated_rnn
from tests.strategies import schemes


@settings(max_examples=60)
@given(schemes, st.integers(1, 60))
def test_with_unit_weights_the_jacobian_counts_the_paths(dilations, length):
    profile = gradient_profile(unit_dilated_rnn(dilations), length, inputs=torch.ones(length, 1, 1))
    assert profile.norms.tolist() == path_counts(dilations, length - 1)


def test_the_bridge_fails_for_another_scheme():
    profile = gradient_profile(unit_dilated_rnn([1, 2, 5]), 40, inputs=torch.ones(40, 1, 1))
    assert profile.norms.tolist() != path_counts([1, 2, 4], 39)


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_all_lags_from_one_pass_equal_one_jacobian_per_lag(cell, batch_first):
    torch.manual_seed(0)
    model = DilatedRNN(3, 4, [1, 2], cell=cell, dtype=torch.float64, batch_first=batch_first)
    x = torch.randn(7, 2, 3, dtype=torch.float64)

    def last(x):
        output, _ = model(x.transpose(0, 1) if batch_first else x)
        return output[:, -1] if batch_first else output[-1]

    jacobian = torch.autograd.functional.jacobian(last, x)  # (batch, units, T, batch, features)
    one = jacobian.diagonal(dim1=0, dim2=3)  # (units, T, features, batch)
    expected = one.square().sum(dim=(0, 2)).mean(dim=1).sqrt().flip(0)
    profile = gradient_profile(model, 7, inputs=x)
    assert profile.lags.tolist() == list(range(7))
    np.testing.assert_allclose(profile.norms, expected, rtol=1e-12)  # float64 sums reordered


def test_a_drawn_input_is_the_same_each_time_and_the_module_is_left_alone():
    torch.manual_seed(0)
    model = DilatedRNN(2, 3, [1, 2])
    before = torch.random.get_rng_state()
    first, second = gradient_profile(model, 6), gradient_profile(model, 6)
    assert first.norms.tolist() == second.norms.tolist()
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("length", "inputs", "message"),
    [
        (0, None, "length must be a positive integer, got 0"),
        (4, torch.ones(3, 1, 2), "inputs must have shape (4, batch, features), got (3, 1, 2)"),
        (4, torch.ones(4, 2), "inputs must have shape (4, batch, features), got (4, 2)"),
    ],
)
def test_wrong_lengths_and_shapes_are_refused(length, inputs, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        gradient_profile(DilatedRNN(2, 3, [1, 2]), length, inputs=inputs)
