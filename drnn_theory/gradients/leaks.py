"""Gradients from the future: where a module that should be causal is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from drnn_theory.checks import as_integer
from drnn_theory.modules import borrowed, draw_inputs, runner

__all__ = ["Leak", "find_leaks"]


@dataclass(frozen=True)
class Leak:
    """An output that depends on a later input: ``size`` is its gradient against the largest.

    Of all later inputs the one of the largest gradient is named.

    >>> print(Leak(output_time=2, input_time=3, size=0.5))
    the output at time 2 depends on the input at time 3: its gradient is 0.5 of the largest
    """

    output_time: int
    input_time: int
    size: float

    def __str__(self) -> str:
        """Say where."""
        return (
            f"the output at time {self.output_time} depends on the input at time "
            f"{self.input_time}: its gradient is {self.size:.2g} of the largest"
        )


def find_leaks(
    module: torch.nn.Module,
    length: int,
    *,
    inputs: Tensor | None = None,
    output_times: Iterable[int] | None = None,
    call: Callable[[Tensor], Any] | None = None,
) -> list[Leak]:
    """Return where outputs depend on inputs of the future, which a causal module's never do.

    One leak per output time, in order; none if the module is causal. ``output_times`` are those
    looked at: all up to a length of 64, else 64 spread evenly. A gradient counts from 1000 times
    the precision of its dtype on, relative to the largest of all, so that rounding (a convolution
    by Fourier transforms) is no leak. Everything else is as for :func:`gradient_profile`.

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
    x = draw_inputs(module, length, inputs, [0])[:, :1]
    run = runner(module, call)
    with borrowed(module), torch.enable_grad():
        copies = x.repeat(1, len(times), 1).requires_grad_()  # copy i is asked for times[i]
        output = run(copies)
        generator = torch.Generator().manual_seed(0)
        asked = torch.randn(len(times), output.shape[-1], generator=generator).to(output)
        rows = torch.arange(len(times), device=output.device)
        chosen = output[torch.tensor(times, device=output.device), rows]  # (times, units)
        (gradient,) = torch.autograd.grad(chosen, copies, asked)
    sizes = gradient.detach().abs().amax(2).double().cpu()  # (T, times)
    largest = float(sizes.max())
    least = 1000 * torch.finfo(x.dtype).eps * largest
    leaks = []
    for index, time in enumerate(times):
        future = sizes[time + 1 :, index]
        if len(future) and float(future.max()) > least:
            leaks.append(Leak(time, time + 1 + int(future.argmax()), float(future.max()) / largest))
    return leaks
