r"""Capacities estimated from simulated states of any torch model that reads one number per step.

Memory capacity [1] by ridge regression of past inputs on the states, the squared correlation on a
held-out part; information capacity [2] on products of Legendre polynomials of past inputs, degree
by degree. Inputs are independent and uniform in [-1, 1]. Capacities of nonlinear networks depend on
the scale of the input as much as on the network [3]: the curve, with its scale, is the result.

[1] Jaeger, Short term memory in echo state networks, GMD report 152, 2001.
[2] Dambre, Verstraeten, Schrauwen, Massar, Information processing capacity of dynamical systems,
Scientific Reports 2012.
[3] Ballarin, Grigoryeva, Ortega, Memory capacity of nonlinear recurrent networks: is it
informative?, arXiv:2502.04832.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, islice
from typing import Any

import numpy as np
import torch
from scipy.linalg import qr, solve
from scipy.special import eval_legendre
from scipy.stats import chi2

from drnn_theory.capacities.memory_curve import MemoryCurve
from drnn_theory.capacities.simulation import (
    as_sample_sizes,
    delayed,
    require_condition,
    require_samples,
    sample_sequences,
    simulate,
)
from drnn_theory.checks import as_integer, as_number, shown

__all__ = [
    "InformationCapacity",
    "information_capacity",
    "information_of_states",
    "memory_of_states",
    "simulate",
    "simulated_memory",
]

PRODUCTS = 256
"""Products of polynomials that are held at a time."""


def simulated_memory(
    model: torch.nn.Module,
    lags: int,
    *,
    read: str = "output",
    samples: int = 4000,
    washout: int | None = None,
    seeds: Iterable[int] = (0, 1, 2, 3),
    scale: float = 1.0,
    ridge: float = 1e-8,
    held_out: float = 0.25,
    chance: float | None = 1e-3,
) -> MemoryCurve:
    """Return the memory capacity of a model, estimated; see :func:`memory_capacity`.

    >>> from drnn_theory import DilatedRNN
    >>> generator = torch.manual_seed(0)
    >>> curve = simulated_memory(DilatedRNN(1, 8, [1, 2], init="torch"), 10, samples=1000)
    >>> curve.bound, curve.samples, bool(curve.values[0] > 0.9 > curve.values[10])
    (8.0, 1000, True)
    """
    lags = as_integer(lags, "lags", minimum=0)
    samples, washout = as_sample_sizes(samples, washout, lags)
    if chance is not None:
        chance = as_number(chance, "chance", high=1.0)
    inputs = sample_sequences(washout + samples, seeds)
    states = simulate(model, as_number(scale, "scale") * inputs, read=read)
    spread = float(states[washout:].std()) or 1.0  # in whose units the ridge is meant
    curves = [
        memory_of_states(
            states[washout:, b] / spread,
            inputs[:, b],
            lags,
            ridge=ridge,
            held_out=held_out,
            chance=chance,
        )
        for b in range(inputs.shape[1])
    ]
    values = np.stack([curve.values for curve in curves])
    return MemoryCurve(
        np.arange(lags + 1),
        values.mean(0),
        float(states.shape[2]),
        _standard_error(values),
        sum(curve.samples for curve in curves),
    )


def memory_of_states(
    states: np.ndarray,
    inputs: np.ndarray,
    lags: int,
    *,
    ridge: float = 1e-8,
    held_out: float = 0.25,
    chance: float | None = 1e-3,
) -> MemoryCurve:
    """Return the memory capacity that states have of the inputs that drove them.

    The squared correlation, on the last part of the states, of u(t - k) with its estimate by the
    ridge regression of the first part, for k = 0..lags.

    Args:
        states: (times, values).
        inputs: at least as many times; the last of them belongs to the last state.
        lags: the largest lag; all must lie within the inputs.
        ridge: added to the diagonal of the states' products.
        held_out: share of the states that the correlation is of.
        chance: probability with which a lag of no memory passes the threshold below which a value
            counts as 0; None sets no threshold.

    >>> u = np.sin(np.arange(60.0) ** 2)
    >>> curve = memory_of_states(np.stack([u[1:], u[:-1]], 1), u, 1)
    >>> curve.values.round(6), curve.samples
    (array([1., 1.]), 15)
    """
    lags = as_integer(lags, "lags", minimum=0)
    held_out = as_number(held_out, "held_out", high=1.0)
    states, inputs = np.asarray(states, dtype=float), np.asarray(inputs, dtype=float)
    if states.ndim != 2 or inputs.ndim != 1 or len(inputs) < len(states):
        raise ValueError(
            "states must have shape (times, values) and inputs as many times or more, got "
            f"{states.shape} and {inputs.shape}"
        )
    skipped = max(0, lags - (len(inputs) - len(states)))
    times, features = len(states) - skipped, states.shape[1]
    tested = round(times * held_out)
    trained = times - tested
    if lags >= len(inputs) or tested < 3:
        raise ValueError(f"lags must lie within the {len(inputs)} inputs, got {lags}")
    require_samples(trained, features)
    targets = delayed(inputs, lags)[-times:]
    rows = states[-times:]
    ridge = as_number(ridge, "ridge")
    center, middle = rows[:trained].mean(0), targets[:trained].mean(0)
    known, answers = rows[:trained] - center, targets[:trained] - middle
    require_condition(known)
    gram = known.T @ known + ridge * np.eye(features)
    weights = solve(gram, known.T @ answers, assume_a="pos")
    guess = (rows[trained:] - center) @ weights
    values = _squared_correlation(guess, targets[trained:])
    if chance is not None:
        values = np.where(values > chi2.isf(chance, 1) / tested, values, 0.0)
    return MemoryCurve(
        np.arange(lags + 1), values, float(features), np.full(lags + 1, math.nan), tested
    )


@dataclass(frozen=True)
class InformationCapacity:
    """What functions of past inputs can be recovered linearly from the states, by degree.

    Attributes:
        degrees: 1..the largest asked for.
        values: the capacity of each degree, summed over all products of that degree.
        lags: the largest lag of the products of each degree.
        products: how many products each degree has.
        bound: how many values are read, which all degrees together cannot pass.
        standard_error: of the values, over the seeds; nan for a single one.
        samples: times per seed.

    >>> from drnn_theory import DilatedRNN
    >>> generator = torch.manual_seed(0)
    >>> capacity = information_capacity(DilatedRNN(1, 4, [1]), 2, 5, samples=2000)
    >>> capacity.products, capacity.bound, bool(0 < capacity.total < 4)
    (array([ 6, 21]), 4.0, True)
    """

    degrees: np.ndarray
    values: np.ndarray
    lags: np.ndarray
    products: np.ndarray
    bound: float
    standard_error: np.ndarray
    samples: int

    @property
    def total(self) -> float:
        """The sum over the degrees.

        >>> none = np.zeros(1)
        >>> InformationCapacity(none, np.array([1.5]), none, none, 2.0, none, 10).total
        1.5
        """
        return float(self.values.sum())


def information_capacity(
    model: torch.nn.Module,
    degree: int,
    lags: int | Iterable[int],
    *,
    read: str = "output",
    samples: int = 4000,
    washout: int | None = None,
    seeds: Iterable[int] = (0, 1, 2, 3),
    scale: float = 1.0,
    chance: float = 1e-2,
) -> InformationCapacity:
    r"""Return the information processing capacity [2] of a model, degree by degree.

    A target is a product of Legendre polynomials of past inputs,
    :math:`\prod_k P_{d_k}(u(t - k))`, of degree :math:`\sum_k d_k`; its capacity the share of its
    variance that a linear read-out of the states explains, adjusted for the number of values read.
    Targets are orthogonal, so that all together have at most as much as there are values.

    Args:
        model: any torch module of input size 1.
        degree: the largest degree.
        lags: the largest lag, or one for each degree: products become many.
        read: "output", or "state" for the whole state that the model returns.
        samples: times that the regression is of, at least ten per value read.
        washout: times before them; by default 500, or twice the lags if that is more.
        seeds: of the inputs, one sequence each.
        scale: what the model reads is the input times this.
        chance: probability that any product of a degree without capacity counts.

    Raises ValueError or TypeError for what does not fit; for samples too few and for states too
    nearly dependent (condition above 1e7), with the figure.

    [2] Dambre et al., Information processing capacity of dynamical systems, Scientific Reports
    2012.

    >>> from drnn_theory import DilatedRNN
    >>> generator = torch.manual_seed(0)
    >>> capacity = information_capacity(DilatedRNN(1, 6, [1, 2]), 3, [10, 5, 3], samples=2000)
    >>> capacity.degrees, bool(0 < capacity.total < capacity.bound)
    (array([1, 2, 3]), True)
    """
    degree = as_integer(degree, "degree")
    reach = _lags_by_degree(lags, degree)
    samples, washout = as_sample_sizes(samples, washout, max(reach))
    chance = as_number(chance, "chance", high=1.0)
    products = [math.comb(lag + d, d) for d, lag in enumerate(reach, start=1)]
    if sum(products) > 200_000:
        raise ValueError(
            f"products must number at most 200000, got {sum(products)}: lower the lags of the "
            "high degrees"
        )
    inputs = sample_sequences(washout + samples, seeds)
    states = simulate(model, scale * inputs, read=read)[washout:]
    values = np.stack(
        [
            information_of_states(states[:, b], inputs[:, b], reach, chance=chance)
            for b in range(inputs.shape[1])
        ]
    )
    return InformationCapacity(
        np.arange(1, degree + 1),
        values.mean(0),
        np.array(reach),
        np.array(products),
        float(states.shape[2]),
        _standard_error(values),
        samples,
    )


def information_of_states(
    states: np.ndarray, inputs: np.ndarray, lags: Sequence[int], *, chance: float = 1e-2
) -> np.ndarray:
    """Return the information capacity that states have of the inputs that drove them, by degree.

    ``states`` are (times, values); ``inputs``, in [-1, 1], may begin earlier, by the largest lag at
    least; ``lags`` are the largest lags of the products of degree 1, 2, ..

    >>> u = np.random.default_rng(0).uniform(-1, 1, 2001)
    >>> states = np.stack([u[1:], u[:-1] ** 2], 1)  # a first degree, and a second
    >>> information_of_states(states, u, [1, 1]).round(6)
    array([1., 1.])
    """
    samples, features = states.shape
    if len(inputs) < samples + max(lags):
        raise ValueError(
            f"lags must lie within the {len(inputs) - samples} inputs before the states, got "
            f"{max(lags)}"
        )
    require_samples(samples, features)
    rows = states - states.mean(0)
    require_condition(rows)
    basis = qr(rows, mode="economic", check_finite=False)[0]
    values = np.zeros(len(lags))
    for degree, lag in enumerate(lags, start=1):
        products = math.comb(lag + degree, degree)
        threshold = chi2.isf(chance / products, features) / samples
        for targets in _legendre_products(inputs, degree, lag, samples):
            centred = targets - targets.mean(0)
            share = ((basis.T @ centred) ** 2).sum(0) / (centred**2).sum(0)
            adjusted = 1 - (1 - share) * (samples - 1) / (samples - features - 1)
            values[degree - 1] += adjusted[share > threshold].sum()
    return values


def _legendre_products(
    inputs: np.ndarray, degree: int, lag: int, samples: int
) -> Iterator[np.ndarray]:
    """Yield all products of a degree over lags 0..lag: (samples, products), some at a time."""
    powers = [np.sqrt(2 * n + 1) * eval_legendre(n, inputs) for n in range(degree + 1)]
    past = [delayed(power, lag)[-samples:] for power in powers]
    chosen = combinations_with_replacement(range(lag + 1), degree)
    while some := list(islice(chosen, PRODUCTS)):
        products = np.ones((samples, len(some)))
        for column, lags in enumerate(some):
            for k in set(lags):
                products[:, column] *= past[lags.count(k)][:, k]
        yield products


def _squared_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the squared correlation of the columns, 0 where one is constant."""
    a, b = a - a.mean(0), b - b.mean(0)
    power = (a**2).sum(0) * (b**2).sum(0)
    return np.divide((a * b).sum(0) ** 2, power, out=np.zeros(a.shape[1]), where=power > 0)


def _lags_by_degree(lags: Any, degree: int) -> list[int]:
    if isinstance(lags, str) or not isinstance(lags, Iterable):
        return [as_integer(lags, "lags", minimum=0)] * degree
    numbers = [as_integer(lag, "lags", minimum=0) for lag in lags]
    if len(numbers) != degree:
        raise ValueError(
            f"lags must be one number or one per degree, {degree}, got {shown(numbers)}"
        )
    return numbers


def _standard_error(values: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over the first axis, nan for a single row."""
    if len(values) < 2:
        return np.full(values.shape[1], math.nan)
    return np.asarray(values.std(0, ddof=1) / len(values) ** 0.5)
