"""Gradient flow by lag of any causal torch module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drnn_theory.checks import as_integer, require_memory
from drnn_theory.gradients.passes import CotangentsOf, rows_of_jacobian
from drnn_theory.modules import (
    borrowed,
    choose_run,
    in_dtype,
    require_module,
    require_one_direction,
    sample_inputs,
)
from drnn_theory.outputs import Run, Runnable

__all__ = ["GradientProfile", "gradient_profile"]

MEMORY = 2**31
"""Bytes that one backward pass may keep unless the caller says otherwise."""

LEAST = -5000
"""The exponent of zero: below that of every float64."""

UNDERFLOW = 1e-250
"""A norm from which a float64 may go on to zero though its path goes on."""


@dataclass(frozen=True)
class GradientProfile:
    """The Jacobians d output_T / d input_{T-n} by lag n.

    Attributes:
        lags: 0..length-1.
        norms: Frobenius norm at each lag, the root of the mean square over the samples: every
            sequence of the batch at every output time.
        spread: standard deviation of the norm over the samples, 0 for a single one.
        spectral: largest singular value, root mean square likewise; None unless asked for.
        standard_error: of ``norms`` if they were estimated by probes, zeros if they are exact.
        samples: how many sequences and output times were averaged.
        dtype: in which the Jacobians were computed.

    >>> from drnn_theory.gradients import unit_dilated_rnn
    >>> profile = gradient_profile(unit_dilated_rnn([3]), 7, inputs=torch.ones(7, 1, 1))
    >>> profile.norms, profile.samples, profile.dtype
    (array([1., 0., 0., 1., 0., 0., 1.]), 1, torch.float64)
    """

    lags: np.ndarray
    norms: np.ndarray
    spread: np.ndarray
    spectral: np.ndarray | None
    standard_error: np.ndarray
    samples: int
    dtype: torch.dtype

    def effective_horizon(self, fraction: float = 0.01) -> float:
        """Return the lag from which the norm stays below ``fraction`` of its largest value.

        inf if it does not within the lags measured.

        >>> from drnn_theory.gradients import unit_dilated_rnn
        >>> model = unit_dilated_rnn([1]).requires_grad_(False)
        >>> _ = model.layers[0].weight_hh_l0.fill_(0.5)  # so that norms are 1, 1/2, 1/4, ..
        >>> profile = gradient_profile(model, 6, inputs=torch.ones(6, 1, 1))
        >>> profile.effective_horizon(0.1), profile.effective_horizon(0.01)
        (4.0, inf)
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be between 0 and 1, got {fraction}")
        above = np.flatnonzero(self.norms >= fraction * self.norms.max())
        if not self.norms.any():
            return 0.0
        after = int(above[-1]) + 1
        return float(after) if after < len(self.norms) else math.inf

    def decay_rate(self, first: int = 0) -> float:
        """Return r of the best fit norm ~ exp(-r n) by least squares of the log, n >= ``first``.

        Lags of zero norm are left out, and those of a norm below the smallest number that the
        dtype holds with all its digits; nan if fewer than two are left.

        >>> from drnn_theory.gradients import unit_dilated_rnn
        >>> profile = gradient_profile(unit_dilated_rnn([1]), 6, inputs=torch.ones(6, 1, 1))
        >>> abs(profile.decay_rate()) < 1e-12  # all norms are 1
        True
        """
        first = as_integer(first, "first", minimum=0)
        used = (self.norms >= torch.finfo(self.dtype).tiny) & (self.lags >= first)
        if used.sum() < 2:
            return math.nan
        return -float(np.polyfit(self.lags[used], np.log(self.norms[used]), 1)[0])

    @property
    def receptive_field(self) -> int:
        """How many steps reach the output, which is 1 + the last lag that is not zero.

        Within the lags measured. It counts structural zeros, and needs float64: in less a small
        gradient underflows to the zero of a path that is not there. Raises ValueError where even in
        float64 the norms become so small before they vanish that they may have underflowed.

        >>> from drnn_theory import dilated_cnn
        >>> from drnn_theory.gradients import unit_graph_rnn
        >>> convolutions = unit_graph_rnn(dilated_cnn([1, 2, 4]))
        >>> gradient_profile(convolutions, 20, inputs=torch.ones(20, 1, 1)).receptive_field
        8
        """
        if self.dtype != torch.float64:
            raise ValueError(
                f"receptive_field needs a profile in torch.float64, got {self.dtype}: "
                "call gradient_profile with dtype=torch.float64"
            )
        reached = np.flatnonzero(self.norms)
        if not len(reached):
            return 0
        final = int(reached[-1])
        if final + 1 < len(self.norms) and self.norms[final] < UNDERFLOW:
            raise ValueError(
                "receptive_field needs norms that vanish by structure, got underflow: "
                f"{self.norms[final]:.0e} at lag {final} and zeros after it; measure fewer steps, "
                "or a module whose gradient decays more slowly"
            )
        return final + 1


def gradient_profile(
    module: Runnable,
    length: int,
    *,
    inputs: Tensor | None = None,
    seeds: Iterable[int] = (0,),
    times: int = 1,
    last: bool = False,
    spectral: bool = False,
    probes: int | None = None,
    memory: int = MEMORY,
    dtype: torch.dtype | None = None,
    batch_first: bool | None = None,
    call: Callable[[Any, Tensor], Any] | None = None,
) -> GradientProfile:
    r"""Return the norms of the Jacobian of the output to the input at lags 0..length-1.

    Args:
        module: any causal torch module, or a function of a tensor. Of a returned tuple the first
            entry is the output if it has a step per step of the input, else the one entry that
            has; of a dictionary likewise. Complex outputs count as pairs of real numbers, further
            axes as units.
        length: number of lags.
        inputs: tensor (length + times - 1, batch, features). None draws one sequence per seed from
            a standard normal distribution, with ``module.input_size`` features.
        seeds: of the drawn inputs; the first is also that of the probes.
        times: average over this many output times, the last ones of the sequence.
        last: the module gives one output per sequence, (batch, units); lags count from the end.
        spectral: compute spectral norms, too.
        probes: estimate the norms from so many random cotangents instead of one per output unit:
            for wide outputs. Of a random sign vector v, the expected squared norm of v^T J is
            that of J. Every sequence and output time has vectors of its own.
        memory: bytes that autograd may keep at once, 2 GiB unless given; the output units go in
            chunks that keep to it.
        dtype: run a copy of the module in this dtype, complex parameters in the complex one of its
            size; float64 shows structural zeros.
        batch_first: whether the module takes and gives (batch, time, features). None asks the
            module's attribute of this name, else finds out by runs in which only other sequences
            change. ``inputs`` are (time, batch, features) in any case.
        call: ``call(module, x)`` runs the module instead of ``module(x)``.

    All lags come from one backward pass over a batch of cotangents, or from several where that is
    faster; for a :class:`DilatedRNN` without hooks from its adjoint, carried down layer by layer.
    The module runs without dropout, as in eval mode, and is left as it was: parameters, gradients,
    attributes, buffers and random state. :func:`find_leaks` tells whether it is causal; a module
    with a bidirectional layer is refused.

    Raises ValueError or TypeError for what does not fit: a module whose output for one sequence
    depends on another sequence or differs from call to call, a gradient that is not finite, a pass
    that needs more than ``memory`` even for one output unit.

    >>> from drnn_theory.gradients import unit_dilated_rnn
    >>> profile = gradient_profile(unit_dilated_rnn([1, 2, 4]), 9, inputs=torch.ones(9, 1, 1))
    >>> profile.norms
    array([1., 1., 2., 2., 4., 4., 6., 6., 9.])
    """
    length = as_integer(length, "length")
    times = as_integer(times, "times")
    memory = as_integer(memory, "memory")
    if probes is not None:
        probes = as_integer(probes, "probes", minimum=2)
        if spectral:
            raise ValueError(f"spectral must be False for an estimate by probes, got {spectral}")
    if last and times > 1:
        raise ValueError(f"times must be 1 with last=True, got {times}")
    require_module(module, call)
    if not last:  # the last output may well depend on all times both ways
        require_one_direction(module)
    module = in_dtype(module, dtype)
    seeds = list(seeds) if isinstance(seeds, Iterable) else seeds
    steps = length + times - 1
    x = sample_inputs(module, steps, inputs, seeds, dtype)
    origin = as_integer(seeds[0], "seed", minimum=0) if probes is not None and seeds else 0
    outputs = [steps - times + i for i in range(times)]

    def cotangents_of(index: int, units: int) -> Tensor:
        return _cotangents(units, probes, x.shape[1], index + 2**20 * origin).to(x)

    sums = _Sums(length, outputs, x, spectral)
    with borrowed(module), torch.enable_grad():
        own = getattr(module, "jacobian_rows", None)
        if last or call is not None or batch_first not in (None, getattr(module, "batch_first", 0)):
            own = None
        rows = None if own is None else own(x, outputs, cotangents_of, memory)
        if rows is not None:
            for index, part in rows:
                sums.add(index, part)
        else:
            run = choose_run(module, x, batch_first=batch_first, call=call, last=last)
            read = [-1] if last else outputs
            for index, part, sequence in _rows(run, x, read, cotangents_of, memory):
                sums.add(index, part, sequence)
    return sums.profile(estimated=probes is not None)


def _rows(
    run: Run, x: Tensor, times: Sequence[int], cotangents_of: CotangentsOf, memory: int
) -> Iterator[tuple[int, Tensor, int]]:
    """Yield (index of the time, rows, first sequence of the rows)."""
    if not run.alone:
        for index, part in rows_of_jacobian(run, x, times, cotangents_of, memory):
            yield index, part, 0
        return
    for sequence, single in enumerate(x.split(1, 1)):

        def of_one(index: int, units: int, sequence: int = sequence) -> Tensor:
            return cotangents_of(index, units)[:, sequence : sequence + 1]

        for index, part in rows_of_jacobian(run, single, times, of_one, memory):
            yield index, part, sequence


def _cotangents(units: int, probes: int | None, batch: int, seed: int) -> Tensor:
    """Return (c, batch, units): one per unit, or as many of random signs as there are probes."""
    if probes is None:
        return torch.eye(units).unsqueeze(1).expand(-1, batch, -1)
    generator = torch.Generator().manual_seed(seed)
    return 2.0 * torch.randint(0, 2, (probes, batch, units), generator=generator) - 1


class _Sums:
    """What is kept of the rows: squared norms per sample, and all of them for spectral norms.

    A sum of squares is kept as one of numbers below 1 and a power of two per lag and sample, so
    that no square underflows: what is not zero stays so.
    """

    def __init__(self, length: int, outputs: list[int], x: Tensor, spectral: bool) -> None:
        self.length, self.outputs, self.dtype = length, outputs, x.dtype
        self.rows = 0  # cotangents seen at each time
        shape = (len(outputs), length, x.shape[1])
        self.total = np.zeros(shape)
        self.squares = np.zeros(shape)  # of the rows' squared norms
        self.exponent = np.full(shape, LEAST)
        self.kept: list[dict[int, list[np.ndarray]]] = [{} for _ in outputs]
        self.keeps_rows = spectral
        if spectral:
            self.per_row = 8 * x[:length].numel() * len(outputs)

    def add(self, index: int, part: Tensor, sequence: int = 0) -> None:
        """Add rows (c, T, B, F) of one output time, B sequences from ``sequence`` on."""
        first = self.outputs[index] + 1 - self.length
        rows = part.detach()[:, first : first + self.length].flip(1).cpu().double().numpy()
        largest = np.abs(rows).max((0, 3), initial=0)  # (lags, B)
        if not np.isfinite(largest).all():
            self._refuse(largest)
        at = (index, slice(None), slice(sequence, sequence + rows.shape[2]))
        new = np.maximum(self.exponent[at], np.where(largest > 0, np.frexp(largest)[1], LEAST))
        shrunk = 2 * (self.exponent[at] - new)
        self.exponent[at] = new
        norms = np.square(np.ldexp(rows, -new[:, :, None])).sum(3)  # (c, lags, B)
        self.total[at] = np.ldexp(self.total[at], shrunk) + norms.sum(0)
        self.squares[at] = np.ldexp(self.squares[at], 2 * shrunk) + np.square(norms).sum(0)
        self.rows += len(rows) if index == sequence == 0 else 0
        if self.keeps_rows:
            require_memory(self.per_row * self.rows, "all Jacobians")
            self.kept[index].setdefault(sequence, []).append(rows)

    def _refuse(self, largest: np.ndarray) -> None:
        lag = int(np.flatnonzero(~np.isfinite(largest).all(1))[0])
        got = largest[lag][~np.isfinite(largest[lag])][0]
        way = "give dtype=torch.float64"
        if self.dtype == torch.float64:
            way = "not even torch.float64 holds it"
        raise ValueError(f"gradients must be finite, got {got} at lag {lag} in {self.dtype}: {way}")

    def profile(self, *, estimated: bool) -> GradientProfile:
        """Return what the sums say."""
        power = self.exponent.max((0, 2))  # (lags,): of two, by which a lag is scaled
        scale = 1 / self.rows if estimated else 1.0
        shrunk = 2 * (self.exponent - power[:, None])
        total = _by_lag(np.ldexp(self.total, shrunk))  # (lags, samples)
        squared = scale * total
        samples = squared.shape[1]
        norms = np.sqrt(squared.mean(1))
        spread = np.sqrt(squared).std(1, ddof=1) if samples > 1 else np.zeros_like(norms)
        error = np.zeros_like(norms)
        if estimated:  # by the delta method: the error of a root is the error over twice the root
            variance = _by_lag(np.ldexp(self.squares, 2 * shrunk)) / self.rows
            variance = (variance - np.square(total / self.rows)).clip(0) / (self.rows - 1)
            of_mean = np.sqrt(variance.sum(1)) / samples  # every sample has probes of its own
            error = np.divide(of_mean, 2 * norms, out=error, where=norms > 0)
        largest = self._spectral(power) if self.keeps_rows else None
        values = (np.ldexp(value, power) for value in (norms, spread, error))
        norms, spread, error = values
        return GradientProfile(
            np.arange(self.length), norms, spread, largest, error, samples, self.dtype
        )

    def _spectral(self, power: np.ndarray) -> np.ndarray:
        """Return the root mean square of the largest singular values, by lag."""
        jacobians = np.stack(  # (time, U, n, B, F)
            [
                np.concatenate([np.concatenate(parts) for parts in by_sequence.values()], axis=2)
                for by_sequence in self.kept
            ]
        )
        scaled = torch.from_numpy(np.ldexp(jacobians, -power[:, None, None]))
        values = torch.linalg.matrix_norm(scaled.movedim(1, 3), 2).numpy()  # (time, lags, B)
        return np.ldexp(np.sqrt(np.square(_by_lag(values)).mean(1)), power)


def _by_lag(values: np.ndarray) -> np.ndarray:
    """Return (times, lags, batch) as (lags, samples)."""
    return np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
