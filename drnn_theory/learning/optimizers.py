"""Optimizers by name, and RMSProp as TensorFlow 1 had it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from drnn_theory.checks import one_of, shown

__all__ = ["OPTIMIZERS", "TensorFlowRMSProp", "make_optimizer"]


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
    choice: str | Callable[..., torch.optim.Optimizer], network: torch.nn.Module, rate: float
) -> torch.optim.Optimizer:
    """Return the optimizer of that name, or what the function makes of the parameters."""
    if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not rate > 0:
        raise ValueError(f"learning_rate must be a positive number, got {shown(rate)}")
    if callable(choice):
        return choice(network.parameters())
    return OPTIMIZERS[one_of(choice, "optimizer", OPTIMIZERS)](network.parameters(), rate)
