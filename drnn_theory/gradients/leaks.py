"""Gradients from the future: where a module that should be causal is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from drnn_theory.checks import as_integer
from drnn_theory.modules import borrowed, choose_run, in_dtype, require_module, sample_inputs
from drnn_theory.outputs import Run, Runnable

__all__ = ["Leak", "find_leaks"]


@dataclass(frozen=True)
class Leak:
    """An output that depends on a later input.

    ``size`` is its gradient there against the largest that the same output has at any input. Of
    all later inputs the one of the largest gradient is named.

    >>> print(Leak(output_time=2, input_time=3, size=0.5))
    the output at time 2 depends on the input at time 3: its gradient is 0.5 of its largest
    """

    output_time: int
    input_time: int
    size: float

    def __str__(self) -> str:
        """Say where."""
        return (
            f"the output at time {self.output_time} depends on the input at time "
            f"{self.input_time}: its gradient is {self.size:.2g} of its largest"
        )


def find_leaks(
    module: Runnable,
    length: int,
    *,
    inputs: Tensor | None = None,
    output_times: Iterable[int] | None = None,
    dtype: torch.dtype | None = None,
    batch_first: bool | None = None,
    call: Callable[[Any, Tensor], Any] | None = None,
) -> list[Leak]:
    """Return where outputs depend on inputs of the future, which a causal module's never do.

    One leak per output time, in order; none if the module is causal. ``output_times`` are those
    looked at: all up to a length of 64, else 64 spread evenly. A gradient counts from 1000 times
    the precision of the measurement on, relative to the largest gradient of the same output. So
    rounding, as in a convolution by Fourier transforms, is no leak, and an output with large
    gradients does not hide the leak of another.

    A copy of the module is measured in ``dtype``, which is float64 unless given: or float32, for a
    module that cannot be copied or run in float64. The first sequence of the inputs is taken.
    Everything else is as for :func:`gradient_profile`; bidirectional modules are welcome.

    >>> both_ways = torch.nn.GRU(2, 3, bidirectional=True)
    >>> [leak.input_time > leak.output_time for leak in find_leaks(both_ways, 4)]
    [True, True, True]
    >>> find_leaks(torch.nn.GRU(2, 3), 4)
    []
    """
    length = as_integer(length, "length")
    if output_times is None:
        count = min(length, 64)
        output_times = [i * (length - 1) // max(count - 1, 1) for i in range(count)]
    times = sorted({as_integer(time, "output time", minimum=0) for time in output_times})
    if not times or times[-1] >= length:
        raise ValueError(f"output_times must be one or more times below {length}, got {times}")
    require_module(module, call)
    sample_inputs(module, length, inputs, [0])  # refuses what is none before any work

    def measured(dtype: torch.dtype | None) -> Tensor:
        own = in_dtype(module, dtype)
        x = sample_inputs(own, length, inputs, [0], dtype)[:, :1]
        with borrowed(own), torch.enable_grad():
            return _sizes(choose_run(own, x, batch_first=batch_first, call=call), x, times)

    if dtype is not None:
        sizes, precision = measured(dtype), torch.finfo(dtype).eps
    else:
        sizes, precision = _in_double(measured, module)
    leaks = []
    for time, row in zip(times, sizes.tolist(), strict=True):
        largest, future = max(row), row[time + 1 :]
        if future and max(future) > 1000 * precision * largest:
            later = time + 1 + future.index(max(future))
            leaks.append(Leak(time, later, max(future) / largest))
    return leaks


def _in_double(
    measured: Callable[[torch.dtype | None], Tensor], module: Runnable
) -> tuple[Tensor, float]:
    """Return the sizes and their precision in float64, or in float32 if only that can be had."""
    try:
        return measured(torch.float64), torch.finfo(torch.float64).eps
    except Exception:
        parts = module.parameters() if isinstance(module, torch.nn.Module) else ()
        low = any(part.dtype in (torch.float16, torch.bfloat16) for part in parts)
        return measured(torch.float32 if low else None), torch.finfo(torch.float32).eps


def _sizes(run: Run, x: Tensor, times: list[int]) -> Tensor:
    """Return the largest gradient of every output asked for at every input, (times, T)."""
    generator = torch.Generator().manual_seed(0)

    def cotangents(output: Tensor) -> Tensor:
        return torch.randn(len(times), output.shape[-1], generator=generator).to(output)

    if run.alone:
        x = x.requires_grad_()
        output = run(x)[:, 0]
        rows = [
            torch.autograd.grad(output[time], x, cotangent, retain_graph=True)[0]
            for time, cotangent in zip(times, cotangents(output), strict=True)
        ]
        gradient = torch.cat(rows, 1)
    else:
        copies = x.repeat(1, len(times), 1).requires_grad_()  # copy i is asked for times[i]
        output = run(copies)
        columns = torch.arange(len(times), device=output.device)
        chosen = output[torch.tensor(times, device=output.device), columns]  # (times, units)
        (gradient,) = torch.autograd.grad(chosen, copies, cotangents(output))
    sizes = gradient.detach().abs().amax(2).t().double().cpu()
    if not sizes.isfinite().all():
        raise ValueError(
            f"gradients must be finite, got inf or nan in {x.dtype}: give other inputs, or a dtype"
        )
    return sizes
