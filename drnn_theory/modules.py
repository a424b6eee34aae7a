"""A torch module that is not ours: borrowed and given back, run time-major, its inputs drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from drnn_theory.checks import as_integer, shown
from drnn_theory.models.checks import refusal_of_gates

__all__ = ["Run", "borrowed", "draw_inputs", "runner", "weights_by_lag"]

Run = Callable[[Tensor], Tensor]
"""From (time, batch, features) to (time, batch, units)."""


@contextmanager
def borrowed(module: torch.nn.Module) -> Iterator[None]:
    """Put the module in eval mode, its parameters asking for no gradient; then restore it all.

    Parameters, their ``.grad`` and ``requires_grad``, every submodule's training flag, buffers and
    the random state are afterwards what they were before. cuDNN has no backward pass for a
    recurrent layer in eval mode, so torch's recurrent layers run in training mode without dropout.
    """
    modules = list(module.modules())
    modes = [(part, part.training) for part in modules]
    dropouts = [(part, part.dropout) for part in modules if isinstance(part, torch.nn.RNNBase)]
    flags = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    buffers = [
        (part, name, buffer, buffer.detach().clone())
        for part in modules
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    devices = {parameter.device for parameter in module.parameters() if parameter.is_cuda}
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(list(devices)))
        try:
            module.eval()
            for layer, _ in dropouts:
                layer.training, layer.dropout = True, 0.0
            for parameter, _ in flags:
                parameter.requires_grad_(False)
            yield
        finally:
            for part, training in modes:
                part.training = training
            for layer, dropout in dropouts:
                layer.dropout = dropout
            for parameter, flag in flags:
                parameter.requires_grad_(flag)
            for part, name, buffer, before in buffers:
                part._buffers[name] = buffer
                with torch.no_grad():
                    buffer.copy_(before)


def runner(module: torch.nn.Module, call: Callable[[Tensor], Any] | None) -> Run:
    """Return the module as a function of time-major tensors.

    ``call`` replaces ``module(x)`` and is given and gives time-major tensors; without it the module
    is called, with the axes exchanged if it says ``batch_first``, and of a tuple the first is kept.
    """
    swap = call is None and getattr(module, "batch_first", False)

    def run(x: Tensor) -> Tensor:
        result = (call or module)(x.transpose(0, 1) if swap else x)
        output = result[0] if isinstance(result, (tuple, list)) else result
        if isinstance(output, Tensor) and output.dim() == 3 and swap:
            output = output.transpose(0, 1)
        if not isinstance(output, Tensor) or output.dim() != 3 or output.shape[1] != x.shape[1]:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"output must be a tensor (time, batch, units), got {got}")
        if len(output) != len(x):
            raise ValueError(
                f"output must have one step per step of the input, {len(x)}, got {len(output)}"
            )
        return output

    return run


def draw_inputs(
    module: torch.nn.Module, steps: int, inputs: Tensor | None, seeds: Iterable[int]
) -> Tensor:
    """Return the caller's inputs, checked, or one drawn sequence per seed, as the module has it."""
    if inputs is None:
        features: Any = getattr(module, "input_size", None)
        if not isinstance(features, int):
            raise ValueError(
                f"inputs must be given for a module without input_size, got {type(module).__name__}"
            )
        if not isinstance(seeds, Iterable):
            raise TypeError(f"seeds must be a list of non-negative integers, got {shown(seeds)}")
        seeds = [as_integer(seed, "seed", minimum=0) for seed in seeds]
        if not seeds:
            raise ValueError("seeds must be one or more non-negative integers, got none")
        drawn = [
            torch.randn(steps, features, generator=torch.Generator().manual_seed(seed))
            for seed in seeds
        ]
        inputs = torch.stack(drawn, dim=1)
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs must be a tensor, got {shown(inputs)}")
    if inputs.dim() != 3 or len(inputs) != steps or not inputs.shape[1]:
        raise ValueError(
            f"inputs must have shape ({steps}, batch, features), got {tuple(inputs.shape)}"
        )
    parameter = next(module.parameters(), inputs)
    return inputs.detach().to(parameter)


def weights_by_lag(module: Any) -> list[tuple[Tensor, int | None]]:
    """Return every matrix (out, in) of a recurrent module with the lag of its edge.

    The models of this package are asked; of a torch.nn.RNN the hidden matrices have lag 1. Raises
    ValueError or TypeError for a module whose recurrence is more than weights.

    >>> [lag for _, lag in weights_by_lag(torch.nn.RNN(2, 3))]
    [0, 1]
    """
    if isinstance(module, (torch.nn.GRU, torch.nn.LSTM)):
        raise ValueError(refusal_of_gates(type(module).__name__))
    if getattr(module, "bidirectional", False):
        raise ValueError("bidirectional must be False, got True: its paths lead from the future")
    if hasattr(module, "weights_by_lag"):
        return module.weights_by_lag()
    if not isinstance(module, torch.nn.RNN):
        raise TypeError(
            "module must be a DilatedRNN, a GraphRNN or a torch.nn.RNN, "
            f"got {type(module).__name__}"
        )
    return [
        (parameter.data, 1 if "_hh_" in name else 0)
        for name, parameter in module.named_parameters()
        if name.startswith("weight")
    ]
