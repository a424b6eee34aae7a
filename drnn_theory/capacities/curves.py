r"""Memory curves: how much of the input of every lag can be recovered.

Both curves rest on the responses :math:`r_k = C A^k B` to an impulse. Memory capacity [1] is the
squared correlation of u(t - k) with its best linear estimate from what is read; Fisher memory [2]
the information on u(t - k) in what is read where the states carry noise of variance 1.

[1] Jaeger, Short term memory in echo state networks, GMD report 152, 2001.
[2] Ganguli, Huh, Sompolinsky, Memory traces in dynamical systems, PNAS 2008.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse
from scipy.linalg import eigh, lstsq, qr, svd

from drnn_theory.capacities.linear import LinearSystem
from drnn_theory.capacities.memory_curve import CONDITION, MemoryCurve
from drnn_theory.capacities.recursion import Recursion
from drnn_theory.capacities.spectra import Lagged, contracted
from drnn_theory.checks import as_integer, one_of, require_memory, shown

if TYPE_CHECKING:
    import torch

__all__ = ["fisher_memory", "linear_memory", "memory_capacity"]

ROUNDING = 1e-13
"""Relative size from which on a direction counts as one that no input reaches."""
SHARE = 1e-5
"""What the last half of the responses may add to all, when those after them are left out."""
LONGEST = 2**20
"""Steps in which responses must fade."""
LARGEST_STATE = 4096
"""Values of a state that may be read as a whole."""
CHUNK, SMALL_CHUNK = 4096, 256
"""Rows of responses that are held at a time, of vectors and of matrices."""


def memory_capacity(
    system: LinearSystem | torch.nn.Module,
    lags: int,
    *,
    read: Literal["output", "state"] = "output",
    **simulation: Any,
) -> MemoryCurve:
    r"""Return the memory capacity [1] at each lag k = 0..lags.

    .. math:: MC(k) = \max_w \operatorname{corr}^2\big(u(t - k),\, w^T y(t)\big)

    for an input u that is independent from step to step: the share of u(t - k) that a linear
    read-out recovers from what is read at time t. All lags together have at most as much as there
    are values read, and in a linear network exactly as much as there are linearly independent ones
    [3]: it is the curve that tells networks apart, and hardly the total [4].

    Args:
        system: a :class:`LinearSystem`, whose curve is exact, or any torch module of input size 1,
            whose curve is estimated.
        lags: the largest lag.
        read: "output" for the present states of the top layer (C of a system, the output of a
            model), or "state" for all that the network goes on from, the delayed states included.
        simulation: of a model only: ``samples=4000`` times after a ``washout`` (500, or twice the
            lags) of each of ``seeds=(0, 1, 2, 3)``, inputs uniform in [-1, 1] times
            ``scale=1.0``; ridge regression with ``ridge=1e-8`` on states in units of their
            standard deviation, tested on the share ``held_out=0.25``. A squared correlation counts
            as 0 below a threshold that a lag without memory passes with probability
            ``chance=1e-3`` (None for no threshold).

    Raises ValueError or TypeError for what does not fit; for a spectral radius from 1 on, outputs
    that no input reaches, lags beyond the samples, samples too few, and a condition above 1e7.

    [1] Jaeger, Short term memory in echo state networks, GMD report 152, 2001.
    [3] Ballarin, Grigoryeva, Ortega, Memory of recurrent networks: do we compute it right?,
    arXiv:2305.01457.
    [4] Ballarin, Grigoryeva, Ortega, Memory capacity of nonlinear recurrent networks: is it
    informative?, arXiv:2502.04832.

    >>> delay_line = LinearSystem(np.eye(3, k=-1), [1, 0, 0])
    >>> memory_capacity(delay_line, 4).values
    array([1., 1., 1., 0., 0.])
    >>> from drnn_theory.capacities import linear_system
    >>> curve = memory_capacity(linear_system([1, 2, 4], 10), 100)
    >>> round(curve.total, 2), curve.bound
    (9.92, 10.0)
    """
    one_of(read, "read", ("output", "state"))
    if not isinstance(system, LinearSystem):
        if not callable(system):
            raise TypeError(
                f"system must be a LinearSystem or a torch module, got {shown(system)}: "
                "linear_system builds one of an architecture"
            )
        from drnn_theory.capacities.of_models import simulated_memory

        return simulated_memory(system, lags, read=read, **simulation)
    if simulation:
        raise TypeError(
            f"a LinearSystem is not simulated and takes no {', '.join(simulation)}: its curve is "
            "exact"
        )
    return linear_memory(system, lags, read=read)


def linear_memory(
    system: LinearSystem, lags: int, *, read: Literal["output", "state"] = "output"
) -> MemoryCurve:
    r"""Return the memory capacity of a linear system, :math:`c_k^T P^{-1} c_k` for k = 0..lags.

    :math:`c_k` is the response and P the sum over all k of :math:`r_k r_k^T`, the covariance of
    what is read; with a period both are means over the phases, for one read-out serves all times.
    With the responses as the rows of a matrix R = Q T, Q orthonormal, the value at lag k is the
    squared norm of row k of Q; P, which squares the condition number, is never formed. The rows go
    on until they fade.

    >>> linear_memory(LinearSystem([[0.5]], [1.0]), 2).values  # a^2k (1 - a^2)
    array([0.75    , 0.1875  , 0.046875])
    """
    lags = as_integer(lags, "lags", minimum=0)
    if read == "state":
        system = _whole(system)
    _require_fading(system)
    require_memory(8 * system.outputs * (2 * system.outputs + 3 * lags), f"{lags + 1} responses")
    means = np.zeros((lags + 1, system.outputs))
    runs = [_forward(system, phase) for phase in range(system.period)]
    triangle = np.zeros((0, system.outputs))
    done = 0
    while True:
        count = max(lags + 1, system.size + 1, done)
        added = np.zeros((0, system.outputs))
        for begin in range(done, done + count, CHUNK):
            rows = min(CHUNK, done + count - begin)
            for run in runs:
                part = run(rows) / system.period**0.5
                added = _stacked(added, part)
                kept_part = part[: max(0, lags + 1 - begin)]
                means[begin : begin + len(kept_part)] += kept_part / system.period**0.5
        triangle = _stacked(triangle, added)
        done += count
        span = _Span(triangle)
        share = float(np.linalg.norm(span.whitened(added), 2)) ** 2
        if share < SHARE:
            break
    span.require_condition("what is read")
    values = (span.whitened(means) ** 2).sum(1)
    return MemoryCurve(np.arange(lags + 1), values, float(span.rank), np.zeros(lags + 1), 0)


def fisher_memory(system: LinearSystem, lags: int) -> MemoryCurve:
    r"""Return the Fisher memory curve [2] of a linear system, :math:`r_k^T N^{-1} r_k` by lag k.

    The information on u(t - k) in what is read at time t, y(t) = C x(t), if white noise of variance
    1 enters the states at every step: N is the covariance that it gives y. In a system by
    :func:`linear_system` it enters the *computed* states only, since a stored copy is exact; in one
    made by hand every state, unless it says how. The input enters a :func:`linear_system` with
    norm 1, as the noise does, so that all lags together have at most as much as values are read
    (``bound``; inf where the input enters without noise). A system that reads its whole state gives
    the curve of [2]; with a period it is the mean over the phases.

    Raises ValueError for systems that are not stable, that no input reaches, or where a direction
    of what is read has input and no noise.

    [2] Ganguli, Huh, Sompolinsky, Memory traces in dynamical systems, PNAS 2008.

    >>> fisher_memory(LinearSystem([[0.5]], [1.0]), 2).values  # a^2k (1 - a^2), as its capacity
    array([0.75    , 0.1875  , 0.046875])
    """
    lags = as_integer(lags, "lags", minimum=0)
    if not isinstance(system, LinearSystem):
        raise TypeError(f"system must be a LinearSystem, got {shown(system)}: use linear_system")
    _require_fading(system)
    values, rank = np.zeros(lags + 1), 0.0
    for phase in range(system.period):
        curve, independent = _fisher_of_phase(system, lags, phase)
        values += curve / system.period
        rank += independent / system.period
    norm = max(_norm_as_noise(b, g) for b, g in zip(system.B, system.noise, strict=True))
    return MemoryCurve(np.arange(lags + 1), values, norm * rank, np.zeros(lags + 1), 0)


def _fisher_of_phase(system: LinearSystem, lags: int, phase: int) -> tuple[np.ndarray, int]:
    """Return the curve of what is read at one phase, and how many directions of it have noise."""
    advance = _adjoint(system, phase)
    responses = np.zeros((lags + 1, system.outputs))
    covariance = np.zeros((system.outputs, system.outputs))
    done = 0
    while True:
        count = max(lags + 1, system.size + 1, done)
        added = np.zeros_like(covariance)
        for begin in range(done, done + count, SMALL_CHUNK):
            signals, noise = advance(min(SMALL_CHUNK, done + count - begin))
            part = signals[: max(0, lags + 1 - begin)]
            responses[begin : begin + len(part)] = part
            added += noise
        covariance += added
        done += count
        size = np.sqrt(np.diag(covariance))
        noisy = size > 0
        if np.abs(responses[:, ~noisy]).max(initial=0) > 0:
            raise ValueError("noise must enter what the input enters, got a value without noise")
        if not noisy.any():
            return np.zeros(lags + 1), 0
        scaled = covariance[noisy][:, noisy] / np.outer(size[noisy], size[noisy])
        values, vectors = eigh(scaled)
        independent = values > ROUNDING * values[-1]
        white = vectors[:, independent] / np.sqrt(values[independent]) / size[noisy][:, None]
        share = float(np.linalg.norm(white.T @ added[noisy][:, noisy] @ white, 2))
        if share < SHARE:
            break
    condition = float(np.sqrt(values[-1] / values[independent][0]))
    _require_condition(condition, "the noise of what is read")
    signal = responses[:, noisy]
    missed = signal / size[noisy] @ vectors[:, ~independent]
    if np.abs(missed).max(initial=0) > 1e-6:
        raise ValueError("noise must enter what the input enters, got a direction without noise")
    return ((signal @ white) ** 2).sum(1), int(independent.sum())


def _forward(system: LinearSystem, phase: int) -> Callable[[int], np.ndarray]:
    """Return what gives the next so many responses to an impulse at a phase, from its time on."""
    if system.period > 1:
        states, times = [system.B[phase]], [phase]

        def run(count: int) -> np.ndarray:
            read, states[0] = system.run(states[0], times[0], count)
            times[0] += count
            return read

        return run
    lagged = contracted(system.A[0], system.B[0] != 0)
    recursion, reads = Recursion(lagged.weights, len(lagged.kept)), _reads(system.C[0], lagged)
    reach = max(reads, default=0)
    past = [np.zeros((reach, len(lagged.kept)))]
    start = {0: system.B[0][lagged.kept][None]}

    def advance(count: int) -> np.ndarray:
        states = recursion.advance(start, count, 1)[:, 0]
        start.clear()
        states = np.concatenate([past[0], states])
        past[0] = states[count:]
        total = np.zeros((count, system.outputs))
        for delay, read in reads.items():
            total += states[reach - delay : reach - delay + count] @ read.T
        return total

    return advance


def _adjoint(system: LinearSystem, phase: int) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """Return what gives, for the next so many lags, responses read at a phase and their noise.

    What is read at one time is followed back, as a function of what entered the states 0, 1, 2, ..
    steps before; the noise's part of its covariance is summed over the lags.
    """
    if system.period > 1:
        return _periodic_adjoint(system, phase)
    noise, b = system.noise[0], system.B[0]
    lagged = contracted(system.A[0], (np.diff(noise.indptr) > 0) | (b != 0))
    transposed = {lag: sparse.csr_array(w.T) for lag, w in lagged.weights.items()}
    backward = Recursion(transposed, len(lagged.kept))
    start, done = _reads(system.C[0], lagged), [0]
    enters, spreads = b[lagged.kept], noise[lagged.kept].toarray()
    require_memory(
        16 * (backward.reach + SMALL_CHUNK) * system.outputs * len(enters), "the noise of a state"
    )

    def advance(count: int) -> tuple[np.ndarray, np.ndarray]:
        first = done[0]
        forcing = {at - first: read for at, read in start.items() if first <= at < first + count}
        states = backward.advance(forcing, count, system.outputs)
        done[0] += count
        flat = states.reshape(count * system.outputs, -1)
        spread = (flat @ spreads).reshape(count, system.outputs, -1)
        rows = spread.swapaxes(0, 1).reshape(system.outputs, -1)
        return (flat @ enters).reshape(count, -1), rows @ rows.T

    return advance


def _periodic_adjoint(
    system: LinearSystem, phase: int
) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    rows, times = [system.C[phase].toarray()], [phase]

    def advance(count: int) -> tuple[np.ndarray, np.ndarray]:
        signals = np.empty((count, system.outputs))
        covariance = np.zeros((system.outputs, system.outputs))
        for lag in range(count):
            at = times[0] % system.period
            signals[lag] = rows[0] @ system.B[at]
            spread = rows[0] @ system.noise[at]
            covariance += spread @ spread.T
            rows[0], times[0] = rows[0] @ system.A[at], times[0] - 1
        return signals, covariance

    return advance


def _reads(c: Any, lagged: Lagged) -> dict[int, np.ndarray]:
    """Return what is read by delay: y(t) = sum of D_m x(t - m) on the states that are kept."""
    place = np.full(len(lagged.root), -1)
    place[lagged.kept] = np.arange(len(lagged.kept))
    entries = c.tocoo()
    reads: dict[int, np.ndarray] = {}
    for row, column, value in zip(entries.row, entries.col, entries.data, strict=True):
        read = reads.setdefault(int(lagged.delay[column]), np.zeros((c.shape[0], len(lagged.kept))))
        read[row, place[lagged.root[column]]] += value * lagged.factor[column]
    return reads


class _Span:
    """The directions of what is read that responses reach, from the triangle of their QR."""

    def __init__(self, triangle: np.ndarray) -> None:
        self.size = np.linalg.norm(triangle, axis=0)
        if not self.size.any():
            raise ValueError("an output must be reached by the input, got responses that are all 0")
        self.size[self.size == 0] = 1.0
        _, values, self.vectors = svd(triangle / self.size, full_matrices=False)
        self.rank = int((values > ROUNDING * values[0]).sum())
        self.values = values[: self.rank]

    def whitened(self, rows: np.ndarray) -> np.ndarray:
        """Return rows in coordinates in which all responses together have covariance 1."""
        return (rows / self.size) @ self.vectors[: self.rank].T / self.values

    def require_condition(self, what: str) -> None:
        """Raise ValueError if the directions differ too much in size."""
        _require_condition(float(self.values[0] / self.values[-1]), what)


def _require_condition(condition: float, what: str) -> None:
    if condition > CONDITION:
        raise ValueError(
            f"{what} must have a condition number up to {CONDITION:.0e} for its curve to be "
            f"trusted, got {condition:.1e}: read fewer values, or draw orthogonal matrices"
        )


def _require_fading(system: LinearSystem) -> None:
    """Refuse systems whose responses do not fade, or not within the steps that are summed."""
    limit = SHARE ** (1 / LONGEST)  # what the last half of the steps may add, in squares
    if system.is_stable(limit):
        return
    radius = system.spectral_radius
    if system.is_stable():
        raise ValueError(
            f"the spectral radius must be below {limit:.6f} for responses to fade within {LONGEST} "
            f"steps, got {radius:.9f}: lower the gain"
        )
    raise ValueError(
        f"the spectral radius must be below 1 for a memory that fades, got {radius:.6g}: lower the "
        "gain"
    )


def _norm_as_noise(b: np.ndarray, noise: Any) -> float:
    """Return the least squared norm of a noise that does what the input does, inf if none does."""
    used = np.flatnonzero((b != 0) | (np.diff(noise.indptr) > 0))
    dense = noise[used].toarray()
    same = lstsq(dense, b[used])[0]
    missed = np.linalg.norm(dense @ same - b[used])
    return float(same @ same) if missed <= 1e-9 * np.linalg.norm(b) else math.inf


def _whole(system: LinearSystem) -> LinearSystem:
    """Return the system that reads its whole state."""
    if system.size > LARGEST_STATE:
        raise ValueError(
            f"a state must be of at most {LARGEST_STATE} values to be read as a whole, got "
            f"{system.size}: read the output"
        )
    if system.period == 1:
        return LinearSystem(system.A[0], system.B[0], noise=system.noise[0])
    return LinearSystem(list(system.A), list(system.B), noise=list(system.noise))


def _stacked(triangle: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the triangle of the QR of rows below those that a triangle stands for."""
    return np.asarray(qr(np.concatenate([triangle, rows]), mode="r", check_finite=False)[0])[
        : rows.shape[1]
    ]
