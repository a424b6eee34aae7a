r"""The recurrence of one RNN or GRU layer on the CPU, with its own backward pass.

Data are feature-major: column t * B + b of (F, T*B) is step t of sequence b. With w = s * B columns
between a state and the next that reads it, a layer of any dilation s is the one loop

.. math:: y[:, a] = \mathrm{cell}(x[:, a], y[:, a - w])

over blocks a of at most w columns, the state before the first step standing in front of y. Columns
go in chunks that fit the cache: the input's product is one per chunk, and only the recurrent
product and the cell run per block. The backward pass keeps no gates: it recomputes those of a
chunk at once, from y, and turns them into the factors that carry dL/dy to every gate, so that a
block costs one product and two or three elementwise operations.

First derivatives only: asked for more (create_graph, a batch of gradients), the backward pass
differentiates torch's own layer instead.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .folding import run_layer

CHUNK = 2048  # columns; 512 loses a quarter to the calls, 8192 leaves the cache


def runs_in_columns(*tensors: Tensor) -> bool:
    """Tell whether Recurrence may run on these: plain tensors of one CPU, seen by autograd alone.

    Elsewhere (CUDA, lower precision, autocast, torch.func, forward mode, torch.compile) torch's
    layers do better or know more.
    """
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return False
    if torch.is_autocast_enabled("cpu"):
        return False
    return all(
        type(t) in (Tensor, torch.nn.Parameter)
        and t.device.type == "cpu"
        and t.dtype in (torch.float32, torch.float64)
        and forward_ad.unpack_dual(t).tangent is None
        for t in tensors
    )


def run_columns(layer: torch.nn.Module, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the layer's outputs (H, T*B) and its last states (H, s*B).

    ``x`` is (F, T*B) and ``state`` (H, s*B), both feature-major.
    """
    biases = (layer.bias_ih_l0, layer.bias_hh_l0) if layer.bias else (None, None)
    y = Recurrence.apply(x, state, layer.weight_ih_l0, layer.weight_hh_l0, *biases, layer.mode)
    kept = state.size(1) - y.size(1)  # of the old state, if the sequence is shorter than s
    return y, torch.cat([state[:, -kept:], y], 1) if kept > 0 else y[:, -kept:]


class Recurrence(torch.autograd.Function):
    """y[:, a] = cell(x[:, a], y[:, a - w]) with a recomputing backward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        state: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None,
        b_hh: Tensor | None,
        mode: str,
    ) -> Tensor:
        """Return y (H, T*B)."""
        width = state.size(1)
        full = x.new_empty(state.size(0), width + x.size(1))  # the state, then y
        full[:, :width] = state
        forward = _gru_forward if mode == "GRU" else _rnn_forward
        forward(mode, x, full, width, w_ih, w_hh, b_ih, b_hh)
        ctx.mode, ctx.width = mode, width
        ctx.save_for_backward(x, state, w_ih, w_hh, b_ih, b_hh, full)
        return full[:, width:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        """Return the gradients of x, the state and the parameters."""
        *inputs, full = ctx.saved_tensors
        if torch.is_grad_enabled() or not _has_memory(grads[0]):
            return *_differentiate_torch(ctx.mode, inputs, grads[0]), None
        x, _, w_ih, w_hh, b_ih, b_hh = inputs
        d_full = torch.empty_like(full)  # dL/d full, complete for a block once its readers are done
        d_full[:, : ctx.width] = 0
        d_full[:, ctx.width :] = grads[0]
        d_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        backward = _gru_backward if ctx.mode == "GRU" else _rnn_backward
        weights = backward(ctx.mode, x, full, d_full, d_x, ctx.width, w_ih, w_hh, b_ih, b_hh)
        return d_x, d_full[:, : ctx.width], *weights, None


def _has_memory(x: Tensor) -> bool:
    """Tell a tensor from one of the stand-ins that vmap passes about, batched gradients among them.

    Those have no storage to write to.
    """
    try:
        x.untyped_storage()
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _chunks(columns: int, width: int) -> tuple[int, list[tuple[int, int]]]:
    """Return the columns of a block and the bounds of the chunks: whole blocks, or parts of one."""
    block = min(width, CHUNK)
    size = CHUNK // block * block
    return block, [(a, min(a + size, columns)) for a in range(0, columns, size)]


def _column(bias: Tensor) -> Tensor:
    return bias.unsqueeze(1)


def _rnn_forward(
    mode: str,
    x: Tensor,
    full: Tensor,
    width: int,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
) -> None:
    """Fill y: y[:, a] = f(W x[:, a] + U y[:, a - w] + b)."""
    y = full[:, width:]
    activate = torch.Tensor.tanh_ if mode == "RNN_TANH" else torch.Tensor.relu_
    bias = None if b_ih is None or b_hh is None else _column(b_ih + b_hh)
    block, chunks = _chunks(x.size(1), width)
    for a, b in chunks:
        _affine(bias, w_ih, x[:, a:b], out=y[:, a:b])
        for before, now in zip(
            full[:, a:b].split(block, 1), y[:, a:b].split(block, 1), strict=True
        ):
            activate(now.addmm_(w_hh, before))


def _rnn_backward(
    mode: str,
    x: Tensor,
    full: Tensor,
    d_full: Tensor,
    d_x: Tensor | None,
    width: int,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
) -> tuple[Tensor | None, ...]:
    """Turn dL/dy into the gradients of the sums under f, in place, and add up the weights'."""
    y, d_y, back = full[:, width:], d_full[:, width:], w_hh.t().contiguous()
    d_ih, d_hh, d_b = torch.zeros_like(w_ih), torch.zeros_like(w_hh), w_hh.new_zeros(w_hh.size(0))
    block, chunks = _chunks(x.size(1), width)
    for a, b in reversed(chunks):
        slope = 1 - y[:, a:b].square() if mode == "RNN_TANH" else (y[:, a:b] > 0).to(y.dtype)
        parts = (slope, d_y[:, a:b], d_full[:, a:b])
        blocks = zip(*(part.split(block, 1) for part in parts), strict=True)
        for factor, d_now, d_before in reversed(list(blocks)):
            d_before.addmm_(back, d_now.mul_(factor))
        d_sum = d_y[:, a:b]
        d_ih.addmm_(d_sum, x[:, a:b].t())
        d_hh.addmm_(d_sum, full[:, a:b].t())
        d_b += d_sum.sum(1)
        if d_x is not None:
            torch.mm(w_ih.t(), d_sum, out=d_x[:, a:b])
    return d_ih, d_hh, d_b if b_ih is not None else None, d_b if b_hh is not None else None


def _gru_biases(b_ih: Tensor | None, b_hh: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Return the bias of the input's product and that of the new gate's recurrent product."""
    if b_ih is None or b_hh is None:
        return None, None
    gates = b_hh.size(0) // 3 * 2  # the reset and the update gate just add both biases
    return _column(torch.cat([b_ih[:gates] + b_hh[:gates], b_ih[gates:]])), _column(b_hh[gates:])


def _gru_forward(
    mode: str,
    x: Tensor,
    full: Tensor,
    width: int,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
) -> None:
    """Fill y: r, z = sigmoid(..), n = tanh(W_n x + r (U_n h + b_n)), y = n + z (h - n)."""
    y, size = full[:, width:], full.size(0)
    bias, bias_n = _gru_biases(b_ih, b_hh)
    w_rz, w_n = w_hh.split([2 * size, size])
    block, chunks = _chunks(x.size(1), width)
    columns = max((b - a for a, b in chunks), default=0)
    gates, inner = full.new_empty(3 * size, columns), full.new_empty(size, min(block, columns))
    views = _gru_views(gates, size, block)
    for a, b in chunks:
        if b - a < gates.size(1):  # the last one
            gates = gates[:, : b - a]
            views = _gru_views(gates, size, block)
        _affine(bias, w_ih, x[:, a:b], out=gates)
        blocks = zip(views, full[:, a:b].split(block, 1), y[:, a:b].split(block, 1), strict=True)
        for (rz, r, z, n), before, now in blocks:
            rz.addmm_(w_rz, before).sigmoid_()
            carried = _affine(bias_n, w_n, before, out=inner[:, : now.size(1)])
            torch.lerp(n.addcmul_(r, carried).tanh_(), before, z, out=now)


def _gru_views(gates: Tensor, size: int, block: int) -> list[tuple[Tensor, ...]]:
    """Return (r and z, r, z, n) of every block."""
    return [(part[: 2 * size], *part.split(size)) for part in gates.split(block, 1)]


def _gru_backward(
    mode: str,
    x: Tensor,
    full: Tensor,
    d_full: Tensor,
    d_x: Tensor | None,
    width: int,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
) -> tuple[Tensor | None, ...]:
    """Carry dL/dy down the blocks by factors per gate, and add up the weights' gradients."""
    size, d_y, back = full.size(0), d_full[:, width:], w_hh.t().contiguous()
    d_ih, d_hh = torch.zeros_like(w_ih), torch.zeros_like(w_hh)
    d_bi, d_bh = w_hh.new_zeros(3 * size), w_hh.new_zeros(3 * size)
    bias, bias_n = _gru_biases(b_ih, b_hh)
    w_rz, w_n = w_hh.split([2 * size, size])
    block, chunks = _chunks(x.size(1), width)
    for a, b in reversed(chunks):
        before = full[:, a:b]
        gates = _affine(bias, w_ih, x[:, a:b])
        gates[: 2 * size].addmm_(w_rz, before).sigmoid_()
        r, z, n = gates.split(size)
        carried = _affine(bias_n, w_n, before)
        n.addcmul_(r, carried).tanh_()
        d_n = (1 - z) * (1 - n.square())  # dy / d(sum under tanh)
        factors = torch.stack(  # dy / d(recurrent product): reset, update, new
            [d_n * carried * r * (1 - r), (before - n) * z * (1 - z), d_n * r]
        )
        d_sums = torch.empty_like(factors)
        blocks = zip(
            *(part.split(block, -1) for part in (factors, d_sums, z, d_y[:, a:b], d_full[:, a:b])),
            d_sums.flatten(0, 1).split(block, -1),
            strict=True,
        )
        for factor, d_sum, z_now, d_now, d_before, flat in reversed(list(blocks)):
            torch.mul(factor, d_now, out=d_sum)
            d_before.addcmul_(z_now, d_now).addmm_(back, flat)
        flat = d_sums.flatten(0, 1)
        d_hh.addmm_(flat, before.t())
        d_bh += flat.sum(1)
        torch.mul(d_n, d_y[:, a:b], out=d_sums[2])  # the input's product enters n without r
        d_ih.addmm_(flat, x[:, a:b].t())
        d_bi += flat.sum(1)
        if d_x is not None:
            torch.mm(w_ih.t(), flat, out=d_x[:, a:b])
    return d_ih, d_hh, d_bi if b_ih is not None else None, d_bh if b_hh is not None else None


def _affine(bias: Tensor | None, weight: Tensor, x: Tensor, out: Tensor | None = None) -> Tensor:
    """Return weight @ x + bias."""
    return torch.mm(weight, x, out=out) if bias is None else torch.addmm(bias, weight, x, out=out)


def _differentiate_torch(mode: str, inputs: list[Any], d_y: Tensor) -> tuple[Tensor | None, ...]:
    """Return the gradients by way of torch's own layer, to be differentiated again."""
    run = {"GRU": torch.gru, "RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu}[mode]
    weights = [w for w in inputs[2:] if w is not None]

    def layer(x: Tensor, h: Tensor) -> Any:
        return run(x, h, weights, len(weights) == 4, 1, 0.0, False, False, False)

    again = torch.is_grad_enabled()
    with torch.enable_grad():
        x, state = inputs[0].t().unsqueeze(1), inputs[1].t().unsqueeze(1)  # (T*B, 1, F)
        y, _ = run_layer(layer, x, (state,), state.size(0))
        wanted = [t for t in inputs if t is not None and t.requires_grad]
        grads = iter(torch.autograd.grad(y.squeeze(1).t(), wanted, d_y, create_graph=again))
    return tuple(next(grads) if t is not None and t.requires_grad else None for t in inputs)
