"""Rows of the Jacobian of a module's output by one backward pass over a batch of cotangents.

A backward pass takes a cotangent v, one number per output unit, and returns v^T J. Two ways lead
to many of them at once. The input may be repeated, every copy being asked for another cotangent:
the way for torch.nn.RNN, GRU and LSTM, whose steps cost the same for one sequence as for twenty.
Or the forward pass is done once and torch's vmap carries the batch back, which saves all others
the copies' forward passes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from drnn_theory.modules import Run

__all__ = ["Asked", "rows_of_jacobian"]

Asked = Callable[[int], Tensor]
"""From the number of output units to cotangents, (cotangents, units)."""


def rows_of_jacobian(
    run: Run, module: torch.nn.Module, x: Tensor, times: Sequence[int], asked: Asked, memory: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield (index of the time, rows): rows[c, t, b] = v_c @ d output[time, b] / d x[t, b].

    ``asked`` gives the cotangents v, (cotangents, units), for a number of output units. Each
    time's rows come in order, in chunks for which the tensors that autograd keeps take
    ``memory`` bytes at most.
    """
    if any(isinstance(part, torch.nn.RNNBase) for part in module.modules()):
        yield from _by_copies(run, x, times, asked, memory)
        return
    try:
        first = next(rows := _by_vmap(run, x, times, asked, memory))
    except RuntimeError:  # an operation without a batching rule
        yield from _by_copies(run, x, times, asked, memory)
        return
    yield first
    yield from rows


def _by_copies(
    run: Run, x: Tensor, times: Sequence[int], asked: Asked, memory: int
) -> Iterator[tuple[int, Tensor]]:
    units, most = _tried(run, x)
    wanted = asked(units)
    batch, start, chunk = x.shape[1], 0, len(wanted)
    counting = most * batch * chunk > memory
    while start < len(wanted):
        part = wanted[start : start + chunk]
        copies = x.repeat(1, len(part), 1).requires_grad_()  # (T, c*B, F)
        try:
            with _Kept(memory, len(part) > 1, x.shape) if counting else nullcontext() as kept:
                output = run(copies)
        except _TooMuch:
            assert kept is not None
            chunk = max(1, min(chunk // 2, int(chunk * memory / kept.total)))
            continue
        for index, time in enumerate(times):
            cotangent = part.repeat_interleave(batch, dim=0)  # (c*B, U)
            (gradient,) = torch.autograd.grad(
                output[time], copies, cotangent, retain_graph=index + 1 < len(times)
            )
            yield index, gradient.unflatten(1, (len(part), batch)).movedim(1, 0)
        start += len(part)


def _by_vmap(
    run: Run, x: Tensor, times: Sequence[int], asked: Asked, memory: int
) -> Iterator[tuple[int, Tensor]]:
    x = x.detach().requires_grad_()
    with _Kept(memory, False, x.shape) as kept:
        output = run(x)
    parts = asked(output.shape[-1]).split(max(1, int(memory // max(kept.total, 1))))
    last = (len(times) - 1, len(parts) - 1)
    for index, time in enumerate(times):
        for count, part in enumerate(parts):
            cotangents = part.unsqueeze(1).expand(-1, x.shape[1], -1)  # (c, B, U)
            retain = (index, count) != last
            # not is_grads_batched: its older vmap takes a convolution's cotangents one by one
            pull = torch.func.vmap(partial(_pulled_back, output[time], x, retain))
            with warnings.catch_warnings():  # an operation that vmap loops over is as fast as ever
                warnings.filterwarnings("ignore", "There is a performance drop")
                gradient = pull(cotangents)
            yield index, gradient


def _pulled_back(output: Tensor, x: Tensor, retain: bool, cotangent: Tensor) -> Tensor:
    return torch.autograd.grad(output, x, cotangent, retain_graph=retain)[0]


def _tried(run: Run, x: Tensor) -> tuple[int, float]:
    """Return the output's units and a bound on the bytes that autograd keeps for one sequence.

    Both are seen in the first 32 steps, if the module can do with so few; what is kept grows with
    the square of the length at most. To count them all would slow a recurrent layer by a tenth.
    """
    short = x[:32, :1].detach().requires_grad_()
    try:
        with _Kept(2**62, False, short.shape) as kept:
            output = run(short)
    except Exception:  # whatever the module cannot do with so few steps
        with torch.no_grad():
            return run(x[:, :1]).shape[-1], math.inf
    return output.shape[-1], kept.total * (len(x) / len(short)) ** 2


class _TooMuch(Exception):
    pass


class _Kept:
    """Counts the bytes that autograd keeps for the backward pass, and stops when they are many.

    Tensors are added up as they come, and counted by their storages, which many may share, only
    when the sum passes the bound: a recurrent layer keeps ten thousands of them.
    """

    def __init__(self, memory: int, divisible: bool, shape: Sequence[int]) -> None:
        self.memory, self.divisible, self.shape = memory, divisible, shape
        self.total = 0
        self.tensors: list[Tensor] = []

    def pack(self, tensor: Tensor) -> Tensor:
        """Count a tensor."""
        self.tensors.append(tensor)
        self.total += tensor.nbytes
        if self.total > self.memory:
            self.recount()
            if self.total > self.memory:
                if self.divisible:
                    raise _TooMuch
                raise ValueError(
                    f"memory must hold what one backward pass over {tuple(self.shape)} keeps, "
                    f"got {self.memory} bytes"
                )
        return tensor

    def recount(self) -> None:
        """Count every storage once."""
        storages = (tensor.untyped_storage() for tensor in self.tensors)
        self.total = sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())

    def __enter__(self) -> _Kept:
        self.hooks = saved_tensors_hooks(self.pack, lambda tensor: tensor)
        self.hooks.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.hooks.__exit__(*error)
        if not self.divisible:
            self.recount()
        self.tensors.clear()  # so that a backward pass frees them one by one
