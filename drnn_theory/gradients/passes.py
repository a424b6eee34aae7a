"""Rows of the Jacobian of a module's output, by as few and as cheap backward passes as it allows.

A backward pass takes a cotangent v, one number per output unit, and returns v^T J. Three ways lead
to many of them:

- copies: the input is repeated, one copy for each cotangent. That is cheap for a loop over small
  cells, where a step costs hardly more for twenty sequences than for one.
- vmap: one forward pass, through which torch's vmap carries a batch of cotangents back. It saves
  the copies' forward passes, and costs more overhead per operation.
- loop: one forward pass, and one backward pass per cotangent; the best where operations are large.

Which is fastest is tried. A module that works step by step, with nodes in the graph for each,
shows it on its first steps. Of another the first cotangents are carried back one by one and by
vmap, and the faster way goes on. Both ways that carry many at once take so few that the memory
stays below twice that of the loop.
"""

from __future__ import annotations

import math
import time as clock
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from drnn_theory.outputs import Run

__all__ = ["CotangentsOf", "rows_of_jacobian"]

CotangentsOf = Callable[[int, int], Tensor]
"""From the index of a time and the number of output units to cotangents (c, batch, units)."""

FEW = 64
"""Steps up to which nothing is tried, for it does not pay."""

TRIED = 8
"""Steps on which the ways are tried."""

CACHE = 2**20
"""Bytes that operations pass quickly, about."""

GATHERED = 2**20
"""Bytes of rows up to which they are handed on together."""

NODE = 900
"""Bytes that a node of autograd's graph takes beside the tensors that it keeps, about."""

Rows = Iterator[tuple[int, Tensor]]


def rows_of_jacobian(
    run: Run, x: Tensor, times: Sequence[int], cotangents_of: CotangentsOf, memory: int
) -> Rows:
    """Yield (index of the time, rows): rows[c, t, b] = v_cb @ d output[time, b] / d x[t, b].

    ``cotangents_of`` gives the cotangents v, (cotangents, batch, units), for the index of a time
    and a number of output units. Each time's rows come in order, in chunks for which the tensors
    that autograd keeps take ``memory`` bytes at most.
    """
    parts = run.module.modules() if isinstance(run.module, torch.nn.Module) else ()
    if not run.alone and any(isinstance(part, torch.nn.RNNBase) for part in parts):
        yield from _by_copies(run, x, times, cotangents_of, memory, math.inf)
        return
    whole, chunk = _looked_at(run, x, memory), None if len(x) > FEW else math.inf
    if len(x) > FEW and not run.alone and whole.nodes >= len(x):  # else it has no steps
        chosen = _fastest_in_steps(run, whole, times, cotangents_of)
        if chosen is not None and chosen[0] == "copies":
            del whole

            yield from _by_copies(run, x, times, cotangents_of, memory, chosen[1])
            return
        chunk = None if chosen is None else chosen[1]
    yield from _by_graph(whole, times, cotangents_of, memory, chunk)


def _by_copies(
    run: Run, x: Tensor, times: Sequence[int], cotangents_of: CotangentsOf, memory: int, most: float
) -> Rows:
    """Yield the rows by copies of the input, ``most`` per pass."""
    units, kept_of_one = _bounded(run, x)
    by_time = [cotangents_of(index, units) for index in range(len(times))]
    batch, start = x.shape[1], 0
    chunk = int(min(len(by_time[0]), max(1, most)))
    counting = kept_of_one * batch * chunk > memory
    while start < len(by_time[0]):
        count = min(chunk, len(by_time[0]) - start)
        copies = x.repeat(1, count, 1).requires_grad_()  # (T, c*B, F)
        try:
            with _Kept(memory, count > 1, x.shape) if counting else nullcontext() as kept:
                output = run(copies)
        except _TooMuch:
            assert kept is not None
            chunk = max(1, min(chunk // 2, int(chunk * memory / kept.total)))
            continue
        for index, time in enumerate(times):
            cotangent = by_time[index][start : start + count].flatten(0, 1)  # (c*B, U)
            (gradient,) = torch.autograd.grad(
                output[time], copies, cotangent, retain_graph=index + 1 < len(times)
            )
            yield index, gradient.unflatten(1, (count, batch)).movedim(1, 0)
        start += count


def _by_graph(
    whole: _Seen,
    times: Sequence[int],
    cotangents_of: CotangentsOf,
    memory: int,
    chunk: float | None,
) -> Rows:
    """Yield the rows by one forward pass; ``chunk`` cotangents go back at once, None: tried."""
    output = whole.output
    allowed = max(1, int(memory // max(whole.kept, 1)))
    size = int(min(allowed, 2**31 if chunk is None else chunk, 2**31))
    untried = []  # one by one, then at once; then whichever took less time per cotangent goes on
    if chunk is None:
        cached = 2 * CACHE // (5 * whole.largest)  # of the two or three tensors of an operation
        size = min(size, _cotangents_at_once(whole), cached)
        size = size if size > 2 else 1  # two at once take longer than one and one
        untried = [1, size] if size > 1 else []
    times_taken = {size: math.inf}
    for index, time in enumerate(times):
        cotangents, start = cotangents_of(index, output.shape[-1]), 0
        rows: list[Tensor] = []  # of small passes, for one by one they are slow to add up
        while start < len(cotangents):
            fastest = min(times_taken, key=lambda count: times_taken[count])
            count = untried.pop(0) if untried else fastest
            part = cotangents[start : start + count]
            ends = index == len(times) - 1 and start + len(part) == len(cotangents)
            begin = clock.perf_counter()
            try:
                gradient = _pulled_back(output[time], whole.x, part, retain=not ends)
            except RuntimeError:  # an operation without a batching rule
                if count == 1:
                    raise
                untried, times_taken = [], {1: 0.0}
                continue
            seconds = (clock.perf_counter() - begin) / len(part)
            times_taken[count] = min(seconds, times_taken.get(count, math.inf))
            start += len(part)
            rows.append(gradient)
            if start == len(cotangents) or (1 + len(rows)) * gradient.nbytes > GATHERED:
                yield index, torch.cat(rows) if len(rows) > 1 else gradient
                rows = []


def _pulled_back(output: Tensor, x: Tensor, cotangents: Tensor, *, retain: bool) -> Tensor:
    """Return the rows (c, T, B, F) of cotangents (c, B, U)."""

    def pull(cotangent: Tensor, retain: bool) -> Tensor:
        return torch.autograd.grad(output, x, cotangent, retain_graph=retain)[0]

    if len(cotangents) == 1:
        return pull(cotangents[0], retain).unsqueeze(0)
    with warnings.catch_warnings():  # an operation that vmap loops over is as fast as ever
        warnings.filterwarnings("ignore", "There is a performance drop")
        # not is_grads_batched: its older vmap takes a convolution's cotangents one by one
        # the graph is kept, for it may have to be passed again without vmap
        return torch.func.vmap(partial(pull, retain=True))(cotangents)


class _Seen(NamedTuple):
    """What a forward pass shows: its output, the graph's nodes, the bytes that it keeps.

    ``largest`` is the number of bytes of the largest tensor that was kept or is in the graph.
    """

    x: Tensor
    output: Tensor
    nodes: int
    kept: int
    largest: int
    seconds: float


def _fastest_in_steps(
    run: Run, whole: _Seen, times: Sequence[int], cotangents_of: CotangentsOf
) -> tuple[str, int] | None:
    """Return the fastest way and its cotangents at once; None if the module cannot do a few steps.

    Its graph grows by as many nodes for every step, so that the ways compare over all steps as they
    do over the first. What fits into the memory and the cache is read off the whole pass.
    """
    x = whole.x[:TRIED].detach()
    try:
        few = _looked_at(run, x)
    except Exception:  # whatever the module cannot do with so few steps
        return None
    tried, passes = cotangents_of(0, few.output.shape[-1]), len(times)
    total, cached = len(tried), CACHE // whole.largest
    one = min(_timed(few, tried[:1]) for _ in range(3))
    seconds = {("graph", 1): few.seconds + total * passes * one}
    size = min(total, cached // 2, _cotangents_at_once(whole))
    if size > 1:
        first = min(size, 4)
        each = _timed(few, tried[:first]) / first
        if each < one and size > first:
            each = _timed(few, tried[:size]) / size
        seconds["graph", size] = few.seconds + total * passes * each
    count = min(total, cached, _copies_at_once(whole))
    if count > 1:
        copied = _looked_at(run, x.repeat(1, count, 1))
        each = _timed(copied, tried[:count].flatten(0, 1).unsqueeze(0))
        seconds["copies", count] = math.ceil(total / count) * (copied.seconds + passes * each)
    return min(seconds, key=lambda way: seconds[way])


def _looked_at(run: Run, x: Tensor, memory: int = 2**62) -> _Seen:
    x = x.detach().requires_grad_()
    begin = clock.perf_counter()
    with _Kept(memory, False, x.shape) as kept:
        output = run(x)
    seconds = clock.perf_counter() - begin
    nodes, largest = _graph_of(output)
    return _Seen(x, output, nodes, kept.total, max(1, kept.largest, largest), seconds)


def _timed(seen: _Seen, cotangents: Tensor) -> float:
    """Return the seconds that the cotangents of the last output take on their way back."""
    if len(cotangents) > 1:
        torch.func.vmap(torch.neg)(cotangents[:1])  # what vmap loads at its first use is no time
    begin = clock.perf_counter()
    try:
        _pulled_back(seen.output[-1], seen.x, cotangents, retain=True)
    except RuntimeError:  # an operation without a batching rule
        return math.inf
    return clock.perf_counter() - begin


def _graph_of(output: Tensor) -> tuple[int, int]:
    """Return the number of nodes in autograd's graph and the bytes of the largest gradient.

    Torch tells the gradients' shapes by a private name; without it the output's stands for them.
    """
    seen, waiting, largest = set(), [output.grad_fn], output.nbytes
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [before for before, _ in node.next_functions]
            for entry in getattr(node, "_input_metadata", ()):
                largest = max(largest, math.prod(entry.shape) * entry.dtype.itemsize)
    return len(seen), largest


# One backward pass keeps K bytes and a graph of G bytes, and works on about three tensors of the
# largest size L: twice that is what many cotangents at once may take.


def _cotangents_at_once(seen: _Seen) -> int:
    """Return c with K + G + 3 c L <= 2 (K + G + 3 L)."""
    held, work = seen.kept + NODE * seen.nodes, 3 * seen.largest
    return max(1, int((held + 2 * work) / work))


def _copies_at_once(seen: _Seen) -> int:
    """Return c with c K + G + 3 c L <= 2 (K + G + 3 L)."""
    graph, work = NODE * seen.nodes, 3 * seen.largest
    return max(1, int((2 * seen.kept + graph + 2 * work) / (seen.kept + work)))


def _bounded(run: Run, x: Tensor) -> tuple[int, float]:
    """Return the output's units and a bound on the bytes that autograd keeps for one sequence.

    Both are seen in the first 32 steps, if the module can do with so few; what is kept grows with
    the square of the length at most. To count them all would slow a recurrent layer by a tenth.
    """
    short = x[:32, :1].detach().requires_grad_()
    try:
        with _Kept(2**62, False, short.shape) as kept:
            output = run(short)
    except Exception:  # whatever the module cannot do with so few steps
        return run(x[:, :1].detach().requires_grad_()).shape[-1], math.inf
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
        self.total = self.largest = 0
        self.tensors: list[Tensor] = []

    def pack(self, tensor: Tensor) -> Tensor:
        """Count a tensor; an alias is kept, for a node that kept its own output would not die."""
        tensor = tensor.detach()
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
        sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}
        self.total, self.largest = sum(sizes.values()), max(sizes.values(), default=0)

    def __enter__(self) -> _Kept:
        self.hooks = saved_tensors_hooks(self.pack, lambda tensor: tensor)
        self.hooks.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.hooks.__exit__(*error)
        if not self.divisible:
            self.recount()
        self.tensors.clear()  # so that a backward pass frees them one by one
