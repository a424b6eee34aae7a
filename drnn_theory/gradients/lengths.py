r"""The order test: shortest paths read off the gradients of a torch module.

Let every recurrent weight be w times a positive number. A path with k lagged edges contributes a
positive multiple of :math:`w^k` to the Jacobian, so that at lag n

.. math:: J_n(w) = \sum_k c_{n,k} w^k, \qquad
    k_{\min}(n) = \lim_{w \to 0} \frac{d \log J_n}{d \log w} .

The slope is taken between w and w / 2. It is too large by about :math:`w c_{k+1} / c_k`, so that w
must be small; but :math:`w^k` must not underflow. Multiplying every weight of lag s by
:math:`\rho^s` multiplies :math:`J_n` by :math:`\rho^n`, whatever the path, and so changes no slope:
with :math:`\rho = w^{-1/s}` a path of n / s edges keeps its size. For every lag the smallest w and
the largest s of the module's lags are used for which nothing under- or overflows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from drnn_theory.checks import as_integer, require_memory
from drnn_theory.modules import borrowed, copied, weights_by_lag
from drnn_theory.outputs import Run

__all__ = ["measure_path_lengths"]

LADDER = [2.0**-exponent for exponent in (40, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)]
SMALLEST, LARGEST = 1e-290, 1e290  # a float64 in between has all its digits
OWN_WEIGHTS = (
    "every weight must be a parameter of its own for its paths to be measured, got {}: measure a "
    "module of the same architecture without it"
)
NEAR = 0.1  # how far from an integer a slope may be


def measure_path_lengths(
    module: torch.nn.Module,
    length: int,
    *,
    start: int = 0,
    vertical: bool = False,
    batch_first: bool | None = None,
) -> np.ndarray:
    """Return the lagged edges of the shortest path by lag, measured, as float64, index 0..length-1.

    ``module`` is a :class:`DilatedRNN` with RNN cells, a torch.nn.RNN or a :class:`GraphRNN`.
    Paths lead from an input at time ``start``, which matters only for a graph of a period above 1.
    With ``vertical=True`` edges of lag 0 count, too, and the result is shortest_path_lengths; by
    default the path of the fewest lagged edges is meant. inf where no path leads. ``batch_first``,
    if given, must be what the module says of itself.

    A copy of the module is measured, in float64, with positive weights at a point where every
    slope of the nonlinearity is 1: zero input and biases for tanh, positive ones for ReLU. GRU and
    LSTM are refused: their carry from step to step is no weight. Raises RuntimeError for a lag at
    which no choice of w gives a slope near an integer.

    >>> from drnn_theory import DilatedRNN
    >>> measure_path_lengths(DilatedRNN(1, 2, [1, 2, 4]), 9)
    array([0., 1., 1., 2., 1., 2., 2., 3., 2.])
    """
    length = as_integer(length, "length")
    start = as_integer(start, "start", minimum=0)
    if batch_first not in (None, getattr(module, "batch_first", None)):
        said = getattr(module, "batch_first", None)
        raise ValueError(f"batch_first must be {said} as the module says, got {batch_first!r}")
    weights_by_lag(module)  # refuses what has other ways through time than weights
    unshared: Any = getattr(module, "unshared", None)  # every edge by a matrix of its own
    module = unshared() if unshared else copied(module)
    module = module.double().eval()
    start %= getattr(module, "period", 1)
    if any(part._forward_pre_hooks for part in module.modules()):
        raise ValueError(OWN_WEIGHTS.format("a hook that may compute it before a pass"))
    weights = weights_by_lag(module)
    units = sum(len(weight) for weight, lag in weights if lag is not None)
    for decay in getattr(module, "decays", ()):
        decay.data.fill_(1.0)  # an identity is passed as it is
    require_memory(100 * units * (start + length), f"a measurement over {length} lags")

    def response(w: float, rho: float) -> np.ndarray:
        with torch.no_grad():
            scales = [
                1.0 if lag is None else w * rho**lag if lag or vertical else 1.0
                for _, lag in weights
            ]
            for (weight, _), scale in zip(weights, scales, strict=True):
                weight.fill_(scale / weight.shape[1])
        for (weight, _), scale in zip(weights_by_lag(module), scales, strict=True):
            if not (weight == scale / weight.shape[1]).all():
                raise ValueError(OWN_WEIGHTS.format("one that is computed, or tied to another"))
        return _impulse_response(module, start, length)

    with np.errstate(all="ignore"):
        lags: set[float] = {lag for _, lag in weights if lag} or {1}
        if any(lag for *_, lag in getattr(module, "identities", ())):
            lags = {math.inf}  # rho is 1: an identity is multiplied by none of its powers
        return _slopes(response, sorted(lags, reverse=True))


def _slopes(response: Any, lags: list[float]) -> np.ndarray:
    """Return the order in w of response(w, rho)[n] for every n, inf where it is zero."""
    orders = np.where(response(1.0, 1.0) == 0, np.inf, np.nan)
    for w in LADDER:
        for s in lags:
            unknown = np.isnan(orders)
            if not unknown.any():
                return orders
            rho = w ** (-1 / s)
            if -np.log2(w) * lags[0] / s > 1000:  # the weight of the largest lag would overflow
                continue
            full, half = response(w, rho), response(w / 2, rho)
            sound = unknown & (half > SMALLEST) & (full < LARGEST)
            slope = np.log2(full / half)
            sound &= np.abs(slope - np.round(slope)) < NEAR
            orders[sound] = np.round(slope[sound])
    if np.isnan(orders).any():
        lag = int(np.flatnonzero(np.isnan(orders))[0])
        raise RuntimeError(f"the slope at lag {lag} must be near an integer for some w, got none")
    return orders


def _impulse_response(module: Any, start: int, length: int) -> np.ndarray:
    """Return the sum over units of d output[start + n] / d input[start], n = 0..length-1."""
    period = getattr(module, "period", 1)
    level = 1.0 if module.nonlinearity == "relu" else 0.0
    run = Run(module, batch_first=module.batch_first)
    with borrowed(module), torch.enable_grad():
        for name, parameter in module.named_parameters():
            if "bias" in name:
                parameter.fill_(level)
        own = next(module.parameters())
        x = own.new_full((start + length, 1, module.input_size), level, requires_grad=True)
        output = run(x)
        by_lag = np.zeros(length)
        for lag in range(length - 1, max(length - 1 - period, -1), -1):
            total = output[start + lag].sum()  # inputs at start's phase: lags lag, lag - period, ..
            (gradient,) = torch.autograd.grad(total, x, retain_graph=True, materialize_grads=True)
            by_lag[lag::-period] = gradient[start : start + lag + 1 : period].sum((1, 2)).cpu()
    return by_lag
