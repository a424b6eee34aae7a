"""Optimizers by name, and RMSProp as TensorFlow 1 had it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from drnn_theory.checks import as_number, one_of, shown

__all__ = [
    "LEARNING_RATE",
    "OPTIMIZERS",
    "TensorFlowRMSProp",
    "described",
    "make_optimizer",
    "make_scheduler",
]

LEARNING_RATE = 1e-3
HOW = ("params", "foreach", "fused", "capturable", "differentiable")
"""What a group of parameters has that says nothing of the numbers an optimizer comes to."""


class TensorFlowRMSProp(torch.optim.Optimizer):
    r"""RMSProp with the epsilon inside the root and a mean square that starts at one.

    .. math:: v \leftarrow \rho v + (1 - \rho) g^2, \qquad
        w \leftarrow w - \eta \, g / \sqrt{v + \varepsilon}, \qquad v_0 = 1

    That is RMSPropOptimizer of TensorFlow 1, whose epsilon is 1e-10 by default. While v is near its
    start the steps are those of gradient descent, short where gradients are small.
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, alpha: float = 0.9, eps: float = 1e-10
    ) -> None:
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take one step; ``closure``, if given, returns the loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["square"] = torch.ones_like(parameter)
                square = state["square"].mul_(group["alpha"])
                square.addcmul_(parameter.grad, parameter.grad, value=1 - group["alpha"])
                root = (square + group["eps"]).sqrt_()
                parameter.addcdiv_(parameter.grad, root, value=-group["lr"])
        return loss


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "rmsprop": lambda parameters, lr: torch.optim.RMSprop(parameters, lr=lr, alpha=0.9),
    "rmsprop_tensorflow": lambda parameters, lr: TensorFlowRMSProp(parameters, lr=lr),
    "adam": lambda parameters, lr: torch.optim.Adam(parameters, lr=lr),
}


def make_optimizer(
    choice: str | Callable[..., torch.optim.Optimizer],
    network: torch.nn.Module,
    rate: float | None,
) -> torch.optim.Optimizer:
    """Return the optimizer of that name, or what the function makes of a list of parameters."""
    if rate is not None and not as_number(rate, "learning_rate", low=-math.inf) > 0:
        raise ValueError(f"learning_rate must be a positive number, got {shown(rate)}")
    parameters = list(network.parameters())
    if not callable(choice):
        make = OPTIMIZERS[one_of(choice, "optimizer", OPTIMIZERS)]
        return make(parameters, LEARNING_RATE if rate is None else float(rate))
    if rate is not None:
        raise ValueError(
            f"learning_rate must not be given with an optimizer of your own, got {shown(rate)}: "
            f"set it there, as in functools.partial(torch.optim.Adam, lr={rate:g})"
        )
    optimizer = choice(parameters)
    methods = ("step", "zero_grad", "state_dict", "load_state_dict")
    able = all(callable(getattr(optimizer, name, None)) for name in methods)
    if not able or isinstance(optimizer, torch.optim.LBFGS):
        raise TypeError(
            "optimizer must return an optimizer of torch, or one with its methods, that steps "
            f"without a closure, got {shown(optimizer)}"
        )
    return optimizer


def make_scheduler(schedule: Callable[..., Any] | None, optimizer: torch.optim.Optimizer) -> Any:
    """Return the scheduler that the function makes of the optimizer, None for None."""
    if schedule is None:
        return None
    if not callable(schedule):
        raise TypeError(
            "schedule must be a function of the optimizer that returns a scheduler, got "
            f"{shown(schedule)}"
        )
    scheduler = schedule(optimizer)
    measured = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
    if measured or not callable(getattr(scheduler, "step", None)):
        raise TypeError(
            f"schedule must return a scheduler that steps without a metric, got {shown(scheduler)}"
        )
    return scheduler


def described(part: Any) -> str | None:
    """Return class and settings of an optimizer or a scheduler as made, None for None."""
    if part is None:
        return None
    kept = part.state_dict() if hasattr(part, "state_dict") else {}
    groups = kept.get("param_groups", [kept])
    told = [{name: group[name] for name in group if name not in HOW} for group in groups]
    return f"{type(part).__qualname__} {_settings(told)}"


def _settings(value: Any) -> Any:
    """Return what is said of settings: numbers and words, and for anything else its class."""
    if isinstance(value, Mapping):
        return {name: _settings(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_settings(part) for part in value]
    if isinstance(value, (np.generic, torch.Tensor)) and value.ndim == 0:
        return value.item()
    plain = value is None or isinstance(value, (bool, int, float, str))
    return value if plain else type(value).__qualname__
