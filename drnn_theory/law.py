"""The law of gradient flow in wide networks; proofs/gradient_law.md derives it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

import networkx as nx
import numpy as np
from scipy.optimize import brentq

from drnn_theory.architectures import Architecture, as_architecture, cell_of
from drnn_theory.checks import as_integer, as_number, one_of, require_memory, shown
from drnn_theory.paths.general import Wiring
from drnn_theory.words import pairs_by_lag, words_are_paths

__all__ = ["expected_gradient_profile", "mean_field_slopes"]


def expected_gradient_profile(
    architecture: Architecture,
    gain: float | Iterable[float],
    horizon: int,
    *,
    cell: str | None = None,
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
    squared (``drnn_theory.words``): that is counted where it is cheap and refused elsewhere,
    with ValueError.

    Gaussian matrices exceed this limit at a finite width, in the mean over draws by the factor
    :math:`1 + k^4 / 12 H^2` for k uses of one matrix: by 10 % from :math:`k = 1.05 \sqrt H` on
    (17 uses at 256 units), and exponentially beyond. Orthogonal ones do not.

    A gated stack obeys another law, and only at rest: without input or biases, where all gates are
    1/2. There a step of a GRU or LSTM is the matrix :math:`I / 2 + U / 4`, U being the recurrent
    matrix of the candidate, and paths with the same uses of U add before they are squared; the
    edge into a layer counts 1/2 for a GRU and 1/4 for an LSTM. Inputs and biases move the gates,
    and this law says nothing there: measure with :func:`gradient_profile`.

    Args:
        architecture: a sequence of dilations, a cyclic graph, or a model of this package.
        gain: g, not its square; of a stack also one per layer. Of a gated cell, that of U.
        horizon: the largest lag.
        cell: "RNN", "GRU" or "LSTM"; None is that of a model, else "RNN". The gated ones need a
            stack; time and memory then grow with the square of the horizon.
        slopes: of a stack, the mean squared slope of the nonlinearity in each layer, from
            :func:`mean_field_slopes`; it multiplies the square of every edge into the layer.
        start: time of the input, which matters for a graph of a period above 1.

    The result is float64, inf where it passes the largest one. Raises ValueError, with the figure,
    for a horizon that is out of reach of memory or of some ten seconds.

    >>> expected_gradient_profile([1, 2], 0.5, 4)
    array([1.        , 0.25      , 0.3125    , 0.078125  , 0.08203125])
    >>> expected_gradient_profile([1], 1, 2, cell="GRU")  # 1/4 (1/2)^2, 1/4 ((1/2)^2 + (1/4)^2)
    array([0.25      , 0.078125  , 0.03222656])
    """
    cell = one_of(cell_of(architecture, cell), "cell", ["RNN", *_ENTRANCES])
    architecture = as_architecture(architecture)
    horizon = as_integer(horizon, "horizon", minimum=0)
    start = as_integer(start, "start", minimum=0)
    if cell != "RNN" and (slopes is not None or isinstance(architecture, nx.MultiDiGraph)):
        got = "a graph" if slopes is None else "slopes"
        raise ValueError(
            f"the law of a {cell} must be asked of a stack of dilations at rest, got {got}: "
            "measure it by gradient_profile"
        )
    if isinstance(architecture, nx.MultiDiGraph):
        if slopes is not None:
            raise ValueError("slopes must be None for a graph: it has no layers to list them by")
        return _of_graph(architecture, as_number(gain, "gain"), horizon, start)
    layers = len(architecture)
    gains = _per_layer(gain, "gain", layers)
    factors = [1.0] * layers if slopes is None else _per_layer(slopes, "slopes", layers)
    if cell != "RNN":
        return _of_gates(architecture, gains, horizon, _ENTRANCES[cell])
    require_memory(48 * (horizon + 1), f"{horizon + 1} lags")
    profile = np.zeros(horizon + 1)
    profile[0] = math.prod(factors)
    for dilation, g, factor in zip(architecture, gains, factors, strict=True):
        profile = _filtered(profile, dilation, g * g * factor)
    return profile


FILTERED = 64
"""Steps of a recursion from which on it is worth a compiled filter."""

_ENTRANCES = {"GRU": 0.5, "LSTM": 0.25}
"""What the edge into a gated layer multiplies its matrix by, at rest."""


def _filtered(values: np.ndarray, dilation: int, weight: float) -> np.ndarray:
    """Return y with y[.., n] = values[.., n] + weight * y[.., n - dilation], none negative."""
    count = values.shape[-1]
    if weight == 0 or dilation >= count:
        return values
    width = [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values, [*width, (0, -count % dilation)])
    rows = padded.reshape(*values.shape[:-1], -1, dilation)  # every residue class is a column
    if math.isinf(weight):  # then infinite wherever a path is longer than one edge
        reached = np.cumsum(rows > 0, axis=-2) - (rows > 0) > 0
        rows[reached] = math.inf
    elif rows.shape[-2] > FILTERED:
        from scipy.signal import lfilter  # takes a second to import

        with np.errstate(all="ignore"):
            rows = lfilter([1.0], [1.0, -weight], rows, axis=-2)
        rows[np.isnan(rows)] = math.inf  # the filter multiplies what overflowed by zero
    else:
        with np.errstate(over="ignore"):
            for row in range(1, rows.shape[-2]):
                rows[..., row, :] += weight * rows[..., row - 1, :]
    return rows.reshape(padded.shape)[..., :count]


def _of_gates(
    dilations: tuple[int, ...], gains: list[float], horizon: int, entrance: float
) -> np.ndarray:
    r"""Return the law of a gated stack at rest, by pairs of paths with the same uses of U.

    Paths a and b through a layer meet in :math:`F(a, b) = P(a, b) + ..`, P being the layer below:
    both use U, by g^2 / 16, or one of them keeps half its state. As a filter of P it is
    :math:`D / (1 - (g^2 / 16) x y D)` with :math:`D = 1 / ((1 - x / 2)(1 - y / 2))`.
    """
    require_memory(32 * (horizon + 1) ** 2, f"the pairs of {horizon + 1} lags of a gated stack")
    pairs = np.zeros((horizon + 1, horizon + 1))
    pairs[0, 0] = 1.0
    for dilation, g in zip(dilations, gains, strict=True):
        pairs *= entrance**2
        for first in range(0, horizon + 1, dilation):
            block = pairs[first : first + dilation]
            before = pairs[first - dilation : first][: len(block)] if first else None
            if before is not None:  # both lags less by the dilation
                block[:, dilation:] += g * g / 16 * before[:, : horizon + 1 - dilation]
            block[:] = _filtered(block, dilation, 0.5)
            if before is not None:
                block += before / 2
    return pairs.diagonal().copy()


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
    slopes = np.empty(layers)
    for layer in range(layers):
        variance = _fixed_point(gain, below)
        below, slopes[layer] = _tanh_moments(variance)
    return slopes


def _fixed_point(gain: float, below: float) -> float:
    """Return the largest s with s = g^2 E tanh(sqrt(s) z)^2 + below; 0 if nothing comes in."""
    most = gain * gain + below
    if below == 0 or gain == 0 or math.isinf(most):
        return 0.0 if below == 0 else most
    if most - below <= 1e-15 * below:
        return most

    def excess(variance: float) -> float:  # concave, not negative at `below`: a single root
        return gain * gain * _tanh_moments(variance)[0] + below - variance

    return brentq(excess, below, most, xtol=1e-300, rtol=1e-15, maxiter=2000)


def _tanh_moments(variance: float) -> tuple[float, float]:
    """Return E tanh(s z)^2 and E tanh'(s z)^2 for the variance s^2, by sums over equal steps.

    These are exponentially accurate for analytic functions: in z where s is small, and in u = s z
    where it is large and the slope lives on a few units of u.
    """
    sigma = math.sqrt(variance)
    if sigma <= 1:
        z = np.linspace(-9, 9, 721)
        weights = np.exp(-(z**2) / 2)
        weights /= weights.sum()
        squares = np.tanh(sigma * z) ** 2
        return float(weights @ squares), float(weights @ (1 - squares) ** 2)
    if math.isinf(sigma):
        return 1.0, 0.0
    u = np.linspace(-24, 24, 961)
    density = np.exp(-((u / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi)) * (u[1] - u[0])
    slopes = 1 / np.cosh(u) ** 2
    return 1 - float(density @ slopes), float(density @ slopes**2)


def _of_graph(graph: nx.MultiDiGraph, gain: float, horizon: int, start: int) -> np.ndarray:
    """Count the paths, each lagged edge for gain**2, or the pairs of paths of one word."""
    if not words_are_paths(graph):
        return pairs_by_lag(graph, gain * gain, horizon, start)
    wiring = Wiring(graph)
    start %= wiring.period
    squared = gain * gain
    if (fast := _by_filters(wiring, squared, horizon)) is not None:
        return fast
    back = max(wiring.largest_lag, 1)
    block = -(-max(back * wiring.units, FEWEST) // wiring.period) * wiring.period
    if horizon < 4 * block or back * wiring.units > MOST_STATES or math.isinf(squared):
        edges = sum(map(len, wiring.steps)) / wiring.period
        if horizon * edges > MOST_PASSES:
            raise ValueError(
                f"horizon must be at most {int(MOST_PASSES / edges)} where cycles lead through "
                f"several units or phases and read {back} steps back, got {horizon}"
            )
        require_memory(40 * (horizon + 1), f"{horizon + 1} lags")
        return np.array(_by_steps(wiring, squared, start, horizon)[0])
    require_memory(8 * (horizon + 1), f"{horizon + 1} lags")
    return _by_blocks(wiring, squared, start, horizon, back, block)


FEWEST, MOST_STATES = 256, 512
"""Steps of a block at least; values that are read back, up to which blocks are worth it."""

MOST_PASSES = 10**8
"""Edges passed one by one, some 0.15 us each."""


def _by_steps(
    wiring: Wiring, squared: float, start: int, horizon: int
) -> tuple[list[float], deque[list[float]]]:
    """Return the sum over the paths by lag, step after step, and those by unit that are read on."""
    back = max(wiring.largest_lag, 1)
    kept = deque(([0.0] * wiring.units for _ in range(back)), maxlen=back)
    totals = []
    for t in range(start, start + horizon + 1):
        current = [0.0] * wiring.units
        if t == start:
            for unit in wiring.sources(start):
                current[unit] += 1.0
        for u, v, lag, weight in wiring.steps[t % wiring.period]:
            if before := kept[-lag][u] if lag else current[u]:
                current[v] += squared * before if lag and weight else before
        kept.append(current)
        totals.append(sum(current[unit] for unit in wiring.output_units))
    return totals, kept


def _by_blocks(
    wiring: Wiring, squared: float, start: int, horizon: int, back: int, block: int
) -> np.ndarray:
    """Return the sum over the paths, many steps at once: each is linear in what is read back.

    None of the terms is negative, so that nothing cancels.
    """
    result = np.empty(horizon + 1)
    result[:back], kept = _by_steps(wiring, squared, start, back - 1)
    state = np.array(kept).reshape(-1)
    outputs, states = _responses(wiring, squared, start + back, back, block)
    for low in range(back, horizon + 1, block):
        size = min(block, horizon + 1 - low)
        result[low : low + size] = outputs(state)[:size]
        state = states(state)
    return result


def _responses(
    wiring: Wiring, squared: float, start: int, back: int, block: int
) -> tuple[_Response, _Response]:
    """Return what a block of steps makes of the values before it: its outputs, its last values."""
    size = back * wiring.units
    pairs = []
    for factor in (squared, min(squared, 1.0) > 0):  # weighted, and whether it is reached at all
        kept = deque(np.eye(size).reshape(back, wiring.units, size), maxlen=back)
        rows = np.empty((block, size))
        for step in range(block):
            current = np.zeros((wiring.units, size))
            for u, v, lag, weight in wiring.steps[(start + step) % wiring.period]:
                before = kept[-lag][u] if lag else current[u]
                with np.errstate(over="ignore"):
                    current[v] += factor * before if lag and weight else before
            kept.append(current)
            rows[step] = current[wiring.output_units].sum(0)
        pairs.append((rows, np.concatenate(kept)))
    (outputs, values), (reach, entered) = pairs
    return _Response(outputs, reach), _Response(values, entered)


class _Response:
    """A matrix of weights that are not negative, some of them infinite, for values that may be."""

    def __init__(self, weights: np.ndarray, reached: np.ndarray):
        self.finite = np.where(np.isfinite(weights), weights, 0.0)
        self.infinite = np.isinf(weights)
        self.reached = reached > 0

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of the values times their weights; nothing times infinity is nothing."""
        known = np.isfinite(values)
        with np.errstate(over="ignore"):
            sums = self.finite @ np.where(known, values, 0.0)
        if not known.all():
            sums[self.reached[:, ~known].any(axis=1)] = math.inf
        if self.infinite.any():
            sums[self.infinite[:, values > 0].any(axis=1)] = math.inf
        return sums


def _by_filters(wiring: Wiring, squared: float, horizon: int) -> np.ndarray | None:
    """Return the sum over the paths, unit after unit, each a filter of the units below it.

    None for a period above 1, and where a cycle leads through more than one unit.
    """
    if wiring.period > 1 or horizon < FILTERED or math.isinf(squared):
        return None
    edges = wiring.steps[0]
    below: dict[int, set[int]] = {unit: set() for unit in range(wiring.units)}
    for u, v, _, _ in edges:
        below[v] |= {u} - {v}
    try:
        order = list(TopologicalSorter(below).static_order())
    except CycleError:
        return None
    require_memory(8 * (wiring.units + 3) * (horizon + 1), f"{horizon + 1} lags")
    starts, sums = wiring.sources(0), np.zeros((wiring.units, horizon + 1))
    for unit in order:
        values = sums[unit]
        loops: dict[int, float] = {}
        values[0] += starts.count(unit)
        for u, v, lag, weight in edges:
            factor = squared if lag and weight else 1.0
            if v != unit or lag > horizon:
                continue
            if u == v:
                loops[lag] = loops.get(lag, 0.0) + factor
            else:
                with np.errstate(over="ignore"):
                    values[lag:] += factor * sums[u, : horizon + 1 - lag]
        if len(loops) == 1:
            sums[unit] = _filtered(values, *loops.popitem())
        elif loops:
            sums[unit] = _looped(values, loops)
    return sums[wiring.output_units].sum(0)


def _looped(values: np.ndarray, loops: dict[int, float]) -> np.ndarray:
    """Return y with y[n] = values[n] + the sum of weight * y[n - lag] over all loops."""
    from scipy.signal import lfilter  # takes a second to import

    denominator = np.zeros(max(loops) + 1)
    denominator[0] = 1.0
    for lag, weight in loops.items():
        denominator[lag] = -weight
    with np.errstate(all="ignore"):
        result = lfilter([1.0], denominator, values)
    overflown = np.flatnonzero(~np.isfinite(result))
    # from there on the filter multiplies infinity by zero; what no path reaches stays zero
    for n in range(overflown[0] if len(overflown) else len(result), len(result)):
        back = (weight * float(result[n - lag]) for lag, weight in loops.items() if lag <= n)
        result[n] = values[n] + sum(back)
    return result


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
