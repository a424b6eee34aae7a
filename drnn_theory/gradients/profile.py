"""Gradient flow by lag of any causal torch module."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drnn_theory.checks import as_integer, require_memory, shown
from drnn_theory.gradients.passes import rows_of_jacobian
from drnn_theory.modules import borrowed, draw_inputs, runner

__all__ = ["GradientProfile", "gradient_profile"]

MEMORY = 2**31
"""Bytes that one backward pass may keep unless the caller says otherwise."""


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

        Lags of zero norm are left out; nan if fewer than two are left.

        >>> from drnn_theory.gradients import unit_dilated_rnn
        >>> profile = gradient_profile(unit_dilated_rnn([1]), 6, inputs=torch.ones(6, 1, 1))
        >>> abs(profile.decay_rate()) < 1e-12  # all norms are 1
        True
        """
        first = as_integer(first, "first", minimum=0)
        used = (self.norms > 0) & (self.lags >= first)
        if used.sum() < 2:
            return math.nan
        return -float(np.polyfit(self.lags[used], np.log(self.norms[used]), 1)[0])

    @property
    def receptive_field(self) -> int:
        """How many steps reach the output, which is 1 + the last lag that is not zero.

        Within the lags measured. It counts structural zeros, and needs float64: in less a small
        gradient underflows to the zero of a path that is not there.

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
        return int(reached[-1]) + 1 if len(reached) else 0


def gradient_profile(
    module: torch.nn.Module,
    length: int,
    *,
    inputs: Tensor | None = None,
    seeds: Iterable[int] = (0,),
    times: int = 1,
    spectral: bool = False,
    probes: int | None = None,
    memory: int = MEMORY,
    dtype: torch.dtype | None = None,
    call: Callable[[Tensor], Any] | None = None,
) -> GradientProfile:
    r"""Return the norms of the Jacobian of the output to the input at lags 0..length-1.

    Args:
        module: any causal module; time-major unless it says ``batch_first``. Of a returned tuple
            the first entry is the output.
        length: number of lags.
        inputs: tensor (length + times - 1, batch, features). None draws one sequence per seed from
            a standard normal distribution, with ``module.input_size`` features.
        seeds: of the drawn inputs.
        times: average over this many output times, the last ones of the sequence.
        spectral: compute spectral norms, too.
        probes: estimate the norms from so many random cotangents instead of one per output unit:
            for wide outputs. Of a random sign vector v, the expected squared norm of v^T J is
            that of J.
        memory: bytes that autograd may keep at once, 2 GiB unless given; the output units go in
            chunks that obey.
        dtype: run a copy of the module in this dtype; float64 shows structural zeros.
        call: how to run the module, if not by ``module(x)``: from (time, batch, features) to
            (time, batch, units).

    All lags come from one backward pass over a batch of cotangents, for a :class:`DilatedRNN` from
    its adjoint, carried down layer by layer. The module runs without dropout, as in eval mode, and
    is left as it was: parameters, gradients, training flags, buffers and random state.
    Whether it is causal at all is asked of :func:`find_leaks`.

    Raises ValueError or TypeError for what does not fit, a pass that needs more than ``memory``
    even for one output unit included.

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
    if dtype is not None:
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"dtype must be a floating torch.dtype, got {shown(dtype)}")
        if call is not None:
            raise ValueError("dtype must be None where call is given, which runs another module")
        module = copy.deepcopy(module).to(dtype)
    steps = length + times - 1
    x = draw_inputs(module, steps, inputs, seeds)
    run = runner(module, call)
    with borrowed(module), torch.enable_grad():
        outputs = [steps - times + i for i in range(times)]

        def asked(units: int) -> Tensor:
            return _cotangents(units, probes).to(x)

        own = getattr(module, "jacobian_rows", None)
        if own is not None and call is None:
            rows = own(x, outputs, asked, memory)
        else:
            rows = rows_of_jacobian(run, module, x, outputs, asked, memory)
        sums = _Sums(length, outputs, x, spectral)
        for index, part in rows:
            sums.add(index, part)
    return sums.profile(estimated=probes is not None)


def _cotangents(units: int, probes: int | None) -> Tensor:
    """Return (cotangents, units): one per unit, or as many of random signs as there are probes."""
    if probes is None:
        return torch.eye(units)
    generator = torch.Generator().manual_seed(0)
    return 2.0 * torch.randint(0, 2, (probes, units), generator=generator) - 1


class _Sums:
    """What is kept of the rows: squared norms per sample, and their Gram matrices if asked."""

    def __init__(self, length: int, outputs: list[int], x: Tensor, wanted: bool) -> None:
        self.length, self.outputs, self.dtype = length, outputs, x.dtype
        self.rows = 0  # cotangents seen at each time
        shape = (len(outputs), length, x.shape[1])
        self.total = torch.zeros(shape, dtype=torch.float64)
        self.squares = torch.zeros(shape, dtype=torch.float64)  # of the rows' squared norms
        self.kept: list[list[Tensor]] = [[] for _ in outputs]
        self.wanted = wanted
        if wanted:
            self.per_row = 8 * x[:length].numel() * len(outputs)

    def add(self, index: int, part: Tensor) -> None:
        """Add rows (c, T, B, F) of one output time."""
        first = self.outputs[index] + 1 - self.length
        part = part.detach()[:, first : first + self.length].flip(1)  # by lag
        self.rows += len(part) if index == 0 else 0
        norms = part.to(_wide(part)).square().sum(-1)  # (c, lags, B)
        self.total[index] += norms.sum(0).cpu()
        self.squares[index] += norms.square().sum(0).cpu()
        if self.wanted:
            require_memory(self.per_row * self.rows, "all Jacobians")
            self.kept[index].append(part.cpu().double())

    def profile(self, *, estimated: bool) -> GradientProfile:
        """Return what the sums say."""
        scale = 1 / self.rows if estimated else 1.0
        squared = (self.total * scale).movedim(1, 0).flatten(1)  # (lags, samples)
        samples = squared.shape[1]
        norms = squared.mean(1).sqrt()
        spread = squared.sqrt().std(1) if samples > 1 else torch.zeros_like(norms)
        error = torch.zeros_like(norms)
        if estimated:  # by the delta method: the error of a root is the error over twice the root
            variance = self.squares / self.rows - (self.total / self.rows).square()
            variance = variance.clamp(min=0) / (self.rows - 1)
            of_mean = variance.movedim(1, 0).flatten(1).sum(1).sqrt() / samples
            error = torch.where(norms > 0, of_mean / (2 * norms), 0.0)
        largest = None
        if self.wanted:
            jacobians = torch.stack([torch.cat(parts) for parts in self.kept])  # (time, U, n, B, F)
            values = torch.linalg.matrix_norm(jacobians.movedim(1, 3), 2)  # (time, lags, B)
            largest = values.movedim(1, 0).flatten(1).square().mean(1).sqrt().numpy()
        return GradientProfile(
            np.arange(self.length),
            norms.numpy(),
            spread.numpy(),
            largest,
            error.numpy(),
            samples,
            self.dtype,
        )


def _wide(x: Tensor) -> torch.dtype:
    """Return the dtype to sum squares in: float64 wherever the device has it."""
    return torch.float32 if x.device.type == "mps" else torch.float64
