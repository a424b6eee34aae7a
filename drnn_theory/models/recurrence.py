r"""The recurrence of one layer on the CPU, with its own backward pass.

Data are feature-major: column t * B + b of (F, T*B) is step t of sequence b. With w = s * B columns
between a state and the next that reads it, a layer of any dilation s is the one loop

.. math:: y[:, a] = \mathrm{cell}(x[:, a], y[:, a - w])

over blocks a of at most w columns, the state before the first step standing in front of y; the
loops are in :mod:`drnn_theory.models.cells`.

First derivatives only: asked for more (create_graph, a batch of gradients), the backward pass
differentiates torch's own layer instead.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from drnn_theory.models import cells
from drnn_theory.models.folding import FUNCTIONS, LayerState, run_layer

_LOOPS: dict[str, Any] = {
    "RNN_TANH": (cells.rnn_forward, cells.rnn_backward),
    "RNN_RELU": (cells.rnn_forward, cells.rnn_backward),
    "GRU": (cells.gru_forward, cells.gru_backward),
    "LSTM": (cells.lstm_forward, cells.lstm_backward),
}


def run_columns(
    mode: str, weights: list[Tensor], x: Tensor, state: LayerState, learns: bool
) -> tuple[Tensor, LayerState]:
    """Return the layer's outputs (H, T*B) and its last states (H, s*B).

    ``x`` is (F, T*B) and every tensor of the state (H, s*B), feature-major; ``learns`` tells
    whether anything needs a gradient.
    """
    biases = weights[2:] or (None, None)
    h, c = state if len(state) == 2 else (state[0], None)
    y, last_c = Recurrence.apply(x, h, c, *weights[:2], *biases, mode, learns)
    kept = h.size(1) - y.size(1)  # of the old state, if the sequence is shorter than s
    last = torch.cat([h[:, -kept:], y], 1) if kept > 0 else y[:, -kept:]
    return y, (last,) if c is None else (last, last_c)


class Recurrence(torch.autograd.Function):
    """y[:, a] = cell(x[:, a], y[:, a - w])."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        h: Tensor,
        c: Tensor | None,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None,
        b_hh: Tensor | None,
        mode: str,
        learns: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Return y (H, T*B) and the last w columns of c; keep what learning needs."""
        width, shape = h.size(1), (h.size(0), h.size(1) + x.size(1))
        start = (h,) if c is None else (h, c)
        states = [x.new_empty(shape) for _ in start]
        for state, first in zip(states, start, strict=True):
            state[:, :width] = first
        forward, _ = _LOOPS[mode]
        kept = forward(mode, x, states, (w_ih, w_hh, b_ih, b_hh), learns)
        ctx.mode = mode
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, h, c, w_ih, w_hh, b_ih, b_hh, *states, *(kept if learns else ()))
        return states[0][:, width:], None if c is None else states[1][:, -width:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        """Return the gradients of x, the state and the parameters."""
        saved = ctx.saved_tensors  # unpacked once: a checkpoint computes them again to that end
        inputs, rest = saved[:7], saved[7:]
        if all(g is None for g in grads):
            return (None,) * 9
        if torch.is_grad_enabled() or not all(_has_memory(g) for g in grads if g is not None):
            return *_differentiate_torch(ctx.mode, inputs, grads), None, None
        x, h, c, *weights = inputs
        width, count = h.size(1), 1 if c is None else 2
        states, kept = rest[:count], rest[count:]
        d_states = [torch.empty_like(state) for state in states]
        for d_state, grad in zip(d_states, grads, strict=False):  # of all columns or of the last
            given = 0 if grad is None else grad.size(1)
            d_state[:, : d_state.size(1) - given] = 0
            if grad is not None:
                d_state[:, -given:] = grad
        d_h = d_states[0]  # a block of it is complete when its reader is done
        d_x = None
        if ctx.needs_input_grad[0]:  # if it fits, it takes the place of dL/dy, chunk by chunk
            d_x = d_h[:, width:] if x.size(0) == h.size(0) else torch.empty_like(x)
        _, backward = _LOOPS[ctx.mode]
        d_ih, d_hh, d_bi, d_bh = backward(ctx.mode, x, states, d_states, d_x, weights, kept)
        d_biases = (None, None) if weights[2] is None else (d_bi, d_bh)
        d_c = None if c is None else d_states[1][:, :width]
        return d_x, d_h[:, :width], d_c, d_ih, d_hh, *d_biases, None, None


def _has_memory(x: Tensor) -> bool:
    """Tell a tensor from one of the stand-ins that vmap passes about, batched gradients among them.

    Those have no storage to write to.
    """
    try:
        x.untyped_storage()
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _differentiate_torch(
    mode: str, inputs: tuple[Any, ...], grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Return the gradients by way of torch's own layer, to be differentiated again."""
    run = FUNCTIONS[mode]
    weights = [w for w in inputs[3:] if w is not None]

    def layer(x: Tensor, first: Any) -> tuple[Tensor, Any]:
        y, *last = run(x, first, weights, len(weights) == 4, 1, 0.0, False, False, False)
        return y, last if mode == "LSTM" else last[0]

    again = torch.is_grad_enabled()
    with torch.enable_grad():
        x, *state = (t.t().unsqueeze(1) for t in inputs[:3] if t is not None)  # (T*B, 1, F)
        y, last = run_layer(layer, x, tuple(state), len(state[0]))
        pairs = [
            (t.squeeze(1).t(), d)
            for t, d in zip((y, *last[1:]), grads, strict=False)
            if d is not None
        ]
        with_gradient = [t for t in inputs if t is not None and t.requires_grad]
        outputs, d_outputs = zip(*pairs, strict=True)
        gradients = iter(torch.autograd.grad(outputs, with_gradient, d_outputs, create_graph=again))
    return tuple(next(gradients) if t is not None and t.requires_grad else None for t in inputs)
