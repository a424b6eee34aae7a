r"""Gradient flow by lag: what autograd says of the Jacobians d output_T / d input_{T-n}.

Along every path of the unfolded graph a gradient is multiplied once per edge, and the Jacobian at
lag n sums over all paths of lag n. With one unit per layer, unit weights, no bias, ReLU and a
positive input every factor is 1, so that the Jacobian is the number of paths: the bridge between
the graph and the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from drnn_theory.dilations import as_dilations, as_integer
from drnn_theory.models import DilatedRNN

__all__ = ["GradientProfile", "gradient_profile", "unit_dilated_rnn"]


@dataclass(frozen=True)
class GradientProfile:
    """``norms[n]`` = Frobenius norm of d output_T / d input_{T-n} for ``lags`` n = 0..length-1."""

    lags: np.ndarray
    norms: np.ndarray


def gradient_profile(
    module: torch.nn.Module, length: int, *, inputs: torch.Tensor | None = None
) -> GradientProfile:
    r"""Return the norms of the Jacobian of the last output to the input at each lag.

    ``inputs`` has shape (length, batch, features), the mean of the squared norms over the batch
    being taken; None draws (length, 1, module.input_size) from a standard normal distribution,
    seeded, in the module's dtype. All lags come from one backward pass: the input is repeated once
    per output unit, and every copy is asked for another unit's gradient. The module is left as it
    was; only parameters' dtype and device are read.

    >>> profile = gradient_profile(unit_dilated_rnn([1, 2, 4]), 9, inputs=torch.ones(9, 1, 1))
    >>> profile.norms
    array([1., 1., 2., 2., 4., 4., 6., 6., 9.])
    """
    length = as_integer(length, "length")
    parameter = next(module.parameters())
    if inputs is None:
        generator = torch.Generator().manual_seed(0)
        features: Any = module.input_size
        inputs = torch.randn(length, 1, features, generator=generator)
    if inputs.dim() != 3 or len(inputs) != length:
        raise ValueError(
            f"inputs must have shape ({length}, batch, features), got {tuple(inputs.shape)}"
        )
    inputs = inputs.detach().to(parameter)
    batch_first = getattr(module, "batch_first", False)

    def run(x: torch.Tensor) -> torch.Tensor:
        result: Any = module(x.transpose(0, 1) if batch_first else x)
        output = result[0] if isinstance(result, tuple) else result
        return output[:, -1] if batch_first else output[-1]  # (batch, units)

    batch = inputs.shape[1]
    with torch.no_grad():
        units = run(inputs).shape[-1]
    copies = inputs.repeat_interleave(units, dim=1).requires_grad_()  # (T, batch * units, F)
    asked = torch.eye(units).repeat(batch, 1).to(parameter)  # copy j of an input asks for unit j
    (gradient,) = torch.autograd.grad(run(copies), copies, asked)
    squares = gradient.double().square().sum(dim=(1, 2)) / batch
    norms = squares.sqrt().flip(0).cpu().numpy()
    return GradientProfile(np.arange(length), norms)


def unit_dilated_rnn(dilations: Any) -> DilatedRNN:
    """Return the DilatedRNN whose Jacobians count paths: one unit, unit weights, ReLU, float64.

    >>> unit_dilated_rnn([1, 2]).hidden_size
    1
    """
    model = DilatedRNN(1, 1, as_dilations(dilations), nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(0.0 if "bias" in name else 1.0)
    return model
