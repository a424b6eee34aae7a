"""A module, borrowed for a measurement and given back as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["borrowed"]


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
