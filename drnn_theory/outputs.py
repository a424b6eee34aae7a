"""A module's output, read as one tensor (time, batch, units), whatever it comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["Run", "Runnable"]


class Runnable(Protocol):
    """What is run on a tensor: a torch module, ours or not, or a function."""

    def __call__(self, x: Tensor, /) -> Any:
        """Return what an output is read from: a tensor, or several by place or name."""


class Run:
    """A module as a function from (time, batch, features) to (time, batch, units).

    ``batch_first`` exchanges the first two axes on the way in and out. With ``last`` the module
    gives one output per sequence, and the result is (1, batch, units). ``alone`` says that it takes
    one sequence at a time. ``call`` replaces ``module(x)``.

    >>> Run(torch.nn.GRU(2, 3, batch_first=True), batch_first=True)(torch.zeros(7, 4, 2)).shape
    torch.Size([7, 4, 3])
    """

    def __init__(
        self,
        module: Runnable,
        call: Callable[..., Any] | None = None,
        batch_first: bool = False,
        last: bool = False,
        alone: bool = False,
    ) -> None:
        self.module, self.call = module, call
        self.batch_first, self.last, self.alone = batch_first, last, alone

    def __call__(self, x: Tensor) -> Tensor:
        """Run the module and read its output; ValueError for one that cannot be read."""
        given = x.transpose(0, 1) if self.batch_first else x
        result = self.module(given) if self.call is None else self.call(self.module, given)
        steps, batch, _ = x.shape
        output = self._chosen(result, steps, batch, tuple(given.shape))
        if output.is_complex():
            output = torch.view_as_real(output)
        if not output.is_floating_point():
            raise ValueError(f"output must be real or complex numbers, got {output.dtype}")
        if x.requires_grad and not output.requires_grad:
            raise ValueError(
                "output must carry a gradient, got one that is detached from the input (by "
                "detach, numpy or torch.no_grad)"
            )
        if self.last:
            return output.reshape(1, batch, -1)
        if self.batch_first:
            output = output.transpose(0, 1)
        return output.reshape(steps, batch, -1)

    def _chosen(self, result: Any, steps: int, batch: int, given: tuple[int, ...]) -> Tensor:
        """Return the tensor that is the output: the first of a tuple if it fits, or what fits."""
        entries = _tensors(result)
        axes = (batch, steps) if self.batch_first else (steps, batch)
        by_step = [name for name, t in entries.items() if tuple(t.shape[:2]) == axes]
        fitting = by_step
        if self.last:
            deep = [name for name in by_step if entries[name].dim() > 2]
            fitting = [n for n, t in entries.items() if t.shape[:1] == (batch,) and n not in deep]
            if deep and not fitting:
                raise ValueError(
                    f"last must be False for a module with an output per step, got {_said(result)}"
                )
        elif any(entries[name].dim() > 2 for name in by_step):
            first = next(iter(entries))
            fitting = [n for n in by_step if entries[n].dim() > 2 or n == first == 0]
        if len(fitting) == 1 or (fitting and fitting[0] == 0):
            return entries[fitting[0]]
        if fitting:
            names = ", ".join(map(repr, fitting))
            raise ValueError(
                f"output must be one tensor, got several that fit, {names}: choose by "
                "call(module, x)"
            )
        raise ValueError(self._problem(result, steps, batch, given))

    def _problem(self, result: Any, steps: int, batch: int, given: tuple[int, ...]) -> str:
        """Say what must hold of the output, what was got, and the way out."""
        order = "batch, time" if self.batch_first else "time, batch"
        rule = "(batch, units)" if self.last else f"({order}, units)"
        text = f"output must be a tensor {rule}, got {_said(result)} for inputs {given}"
        shapes = [tuple(t.shape) for t in _tensors(result).values()]
        if not self.last and any(shape[:1] == (batch,) and len(shape) <= 2 for shape in shapes):
            return f"{text}: for one output per sequence give last=True"
        axis = 1 if self.batch_first else 0
        if not self.last and any(
            len(s) > 2 and s[1 - axis] == batch and s[axis] != steps for s in shapes
        ):
            return f"{text}: it must have one step per step of the input"
        return text if shapes else f"{text}: call(module, x) may return the tensor"


def _tensors(result: Any) -> dict[Any, Tensor]:
    """Return the tensors in a result by place or name."""
    if isinstance(result, Tensor):
        return {0: result}
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(result, Mapping):
        pairs = result.items()
    elif isinstance(result, (tuple, list)):
        pairs = enumerate(result)
    return {name: value for name, value in pairs if isinstance(value, Tensor)}


def _said(result: Any) -> str:
    """Return the shapes of a result, or its type."""
    if isinstance(result, Tensor):
        return str(tuple(result.shape))
    shapes = ", ".join(f"{name}: {tuple(t.shape)}" for name, t in _tensors(result).items())
    return f"{type(result).__name__} of {shapes}" if shapes else type(result).__name__
