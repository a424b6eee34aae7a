"""The law of gradient flow in wide networks; proofs/gradient_law.md derives it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.architectures import as_architecture
from drnn_theory.checks import as_integer, as_number, require_memory, shown
from drnn_theory.paths.general import Wiring
from drnn_theory.words import pairs_by_lag, words_are_paths

__all__ = ["expected_gradient_profile", "mean_field_slopes"]


def expected_gradient_profile(
    architecture: Any,
    gain: float | Iterable[float],
    horizon: int,
    *,
    slopes: Iterable[float] | None = None,
    start: int = 0,
) -> np.ndarray:
    r"""Return the expected ||d h_{t+n} / d x_t||_F^2 / hidden_size for n = 0..horizon.

    In the limit of wide linear layers at fixed n, with independent random recurrent matrices whose
    squared singular values average :math:`g^2` (an orthogonal matrix times g, or Gaussian entries
    of variance :math:`g^2 / H`) and matrices of edges of lag 0 likewise of gain 1, every path with
    k lagged edges contributes :math:`g^{2k}`. For a stack of dilations that is

    .. math:: [z^n] \prod_l \frac{1}{1 - g^2 z^{s_l}},

    for any cyclic graph, the number of paths weighted so. Every edge is taken to have a matrix of
    its own, in every phase; the edges of attention share theirs. Paths that pass the same matrices
    in the same order, which identities or a shared matrix make possible, add up before they are
    squared (:mod:`drnn_theory.words`): that is counted where it is cheap and refused elsewhere,
    with ValueError.

    Args:
        architecture: a sequence of dilations or a cyclic graph.
        gain: g, not its square; of a stack also one per layer.
        horizon: the largest lag.
        slopes: of a stack, the mean squared slope of the nonlinearity in each layer, from
            :func:`mean_field_slopes`; it multiplies the square of every edge into the layer.
        start: time of the input, which matters for a graph of a period above 1.

    The result is float64, inf where it passes the largest one.

    >>> expected_gradient_profile([1, 2], 0.5, 4)
    array([1.        , 0.25      , 0.3125    , 0.078125  , 0.08203125])
    """
    architecture = as_architecture(architecture)
    horizon = as_integer(horizon, "horizon", minimum=0)
    start = as_integer(start, "start", minimum=0)
    if isinstance(architecture, nx.MultiDiGraph):
        if slopes is not None:
            raise ValueError("slopes must be None for a graph: it has no layers to list them by")
        return _of_graph(architecture, as_number(gain, "gain"), horizon, start)
    layers = len(architecture)
    gains = _per_layer(gain, "gain", layers)
    factors = [1.0] * layers if slopes is None else _per_layer(slopes, "slopes", layers)
    require_memory(16 * (horizon + 1), f"{horizon + 1} lags")
    profile = np.zeros(horizon + 1)
    profile[0] = math.prod(factors)
    with np.errstate(over="ignore", invalid="ignore"):
        for dilation, g, factor in zip(architecture, gains, factors, strict=True):
            for first in range(dilation, horizon + 1, dilation):
                here = profile[first : first + dilation]
                before = profile[first - dilation : first][: len(here)]
                here += np.where(before == 0, 0.0, g * g * factor * before)
    return profile


def mean_field_slopes(layers: int, gain: float, *, input_variance: float = 1.0) -> np.ndarray:
    r"""Return the mean squared slope of tanh in each layer of a wide random stack at rest.

    A unit's sum is then normal; its variance :math:`\sigma_l^2` in layer l is the fixed point of
    :math:`\sigma_l^2 = g^2 q_l + q_{l-1}`, where :math:`q_l = E \tanh^2(\sigma_l z)` and
    :math:`q_0` is the variance of an input that is independent over time; the slopes are
    :math:`E \tanh'(\sigma_l z)^2`. Matrices of lag 0 have gain 1, as in the law; biases are zero.

    >>> mean_field_slopes(2, 0.9, input_variance=1e-12).round(6)  # nothing to saturate it
    array([1., 1.])
    >>> mean_field_slopes(2, 0.9).round(3)
    array([0.41 , 0.523])
    """
    layers = as_integer(layers, "layers")
    gain = as_number(gain, "gain")
    below = as_number(input_variance, "input_variance")
    nodes = np.linspace(-9, 9, 1801)  # equal steps: exponentially accurate for analytic functions
    weights = np.exp(-(nodes**2) / 2)
    weights /= weights.sum()
    slopes = np.empty(layers)
    for layer in range(layers):
        here = 0.0
        for _ in range(10_000):  # a contraction, slow only at g = 1 with no input
            sigma = math.sqrt(gain * gain * here + below)
            last, here = here, float(weights @ np.tanh(sigma * nodes) ** 2)
            if abs(here - last) <= 1e-14 * here:
                break
        sigma = math.sqrt(gain * gain * here + below)
        slopes[layer] = weights @ (1 - np.tanh(sigma * nodes) ** 2) ** 2
        below = here
    return slopes


def _of_graph(graph: nx.MultiDiGraph, gain: float, horizon: int, start: int) -> np.ndarray:
    """Count the paths, each lagged edge for gain**2, or the pairs of paths of one word."""
    if not words_are_paths(graph):
        return pairs_by_lag(graph, gain * gain, horizon, start)
    wiring = Wiring(graph)
    start %= wiring.period
    last = start + horizon
    require_memory(100 * wiring.units * (last + 1), f"{horizon + 1} lags")
    squared = gain * gain
    sums = [[0.0] * wiring.units for _ in range(last + 1)]
    for unit in wiring.sources(start):
        sums[start][unit] += 1.0
    for t in range(start, last + 1):
        now = sums[t]
        for u, v, lag, weight in wiring.steps[t % wiring.period]:
            if t - lag >= start and (before := sums[t - lag][u]):
                now[v] += squared * before if lag and weight else before
    return np.array([sum(now[u] for u in wiring.output_units) for now in sums[start:]])


def _per_layer(values: Any, name: str, layers: int) -> list[float]:
    """Return one number per layer, of one number or as many."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        return [as_number(values, name)] * layers
    numbers = [as_number(value, name) for value in values]
    if len(numbers) != layers:
        raise ValueError(
            f"{name} must be one number or one per layer, {layers}, got {len(numbers)}: "
            f"{shown(numbers)}"
        )
    return numbers
