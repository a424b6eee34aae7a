r"""The recurrence of one RNN or GRU layer on the CPU, with its own backward pass.

Data are feature-major: column t * B + b of (F, T*B) is step t of sequence b. With w = s * B columns
between a state and the next that reads it, a layer of any dilation s is the one loop

.. math:: y[:, a] = \mathrm{cell}(x[:, a], y[:, a - w])

over blocks a of at most w columns, the state before the first step standing in front of y. Columns
go in chunks that fit the cache: the input's product is one per chunk, and only the recurrent
product and the cell run per block. The backward pass turns the gates of a chunk, kept from the
forward pass, into the factors that carry dL/dy to every gate, so that a block costs one product and
two elementwise operations; the weights' gradients are one product per chunk.

First derivatives only: asked for more (create_graph, a batch of gradients), the backward pass
differentiates torch's own layer instead.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from drnn_theory.models.folding import run_layer

CHUNK = 2048  # columns: fewer cost more calls, more leave the cache
aten = torch.ops.aten


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
    tensors = (x, state, layer.weight_ih_l0, layer.weight_hh_l0, *biases)
    learns = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
    y = Recurrence.apply(*tensors, layer.mode, learns)
    kept = state.size(1) - y.size(1)  # of the old state, if the sequence is shorter than s
    return y, torch.cat([state[:, -kept:], y], 1) if kept > 0 else y[:, -kept:]


class Recurrence(torch.autograd.Function):
    """y[:, a] = cell(x[:, a], y[:, a - w])."""

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
        learns: bool,
    ) -> Tensor:
        """Return y (H, T*B); keep what the backward pass needs if the model ``learns``."""
        width = state.size(1)
        full = x.new_empty(state.size(0), width + x.size(1))  # the state, then y
        full[:, :width] = state
        forward = _gru_forward if mode == "GRU" else _rnn_forward
        kept = forward(mode, x, full, width, w_ih, w_hh, b_ih, b_hh, learns)
        ctx.mode, ctx.width = mode, width
        ctx.save_for_backward(x, state, w_ih, w_hh, b_ih, b_hh, full, *kept)
        return full[:, width:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        """Return the gradients of x, the state and the parameters."""
        inputs, (full, *kept) = ctx.saved_tensors[:6], ctx.saved_tensors[6:]
        if torch.is_grad_enabled() or not _has_memory(grads[0]):
            return *_differentiate_torch(ctx.mode, inputs, grads[0]), None, None
        x, _, w_ih, w_hh, b_ih, _ = inputs
        d_full = torch.empty_like(full)  # dL/d full: a block is complete when its reader is done
        d_full[:, : ctx.width] = 0
        d_full[:, ctx.width :] = grads[0]
        d_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        backward = _gru_backward if ctx.mode == "GRU" else _rnn_backward
        d_ih, d_hh, d_bi, d_bh = backward(
            ctx.mode, x, full, d_full, d_x, ctx.width, w_ih, w_hh, kept
        )
        d_biases = (d_bi, d_bh) if b_ih is not None else (None, None)
        return d_x, d_full[:, : ctx.width], d_ih, d_hh, *d_biases, None, None


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
    learns: bool,
) -> list[Tensor]:
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
    return []


def _rnn_backward(
    mode: str,
    x: Tensor,
    full: Tensor,
    d_full: Tensor,
    d_x: Tensor | None,
    width: int,
    w_ih: Tensor,
    w_hh: Tensor,
    kept: list[Tensor],
) -> tuple[Tensor, ...]:
    """Turn dL/dy into the gradients of the sums under f, in place, and add up the weights'."""
    y, d_y, back = full[:, width:], d_full[:, width:], w_hh.t().contiguous()
    d_ih, d_hh, d_b = torch.zeros_like(w_ih), torch.zeros_like(w_hh), w_hh.new_zeros(w_hh.size(0))
    block, chunks = _chunks(x.size(1), width)
    slopes = full.new_empty(full.size(0), max(b - a for a, b in chunks))  # of every chunk
    for a, b in reversed(chunks):
        slope = slopes[:, : b - a]
        if mode == "RNN_TANH":
            torch.sub(1.0, torch.mul(y[:, a:b], y[:, a:b], out=slope), out=slope)
        else:
            slope.copy_(y[:, a:b] > 0)
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
    return d_ih, d_hh, d_b, d_b.clone()


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
    learns: bool,
) -> list[Tensor]:
    """Fill y: r, z = sigmoid(..), n = tanh(W_n x + r (U_n h + b_n)), y = n + z (h - n).

    Returns r, z, n and U_n h + b_n, stacked, of every chunk.
    """
    y, size = full[:, width:], full.size(0)
    bias, bias_n = _gru_biases(b_ih, b_hh)
    w_rz, w_n = w_hh.split([2 * size, size])
    block, chunks = _chunks(x.size(1), width)
    kept: list[Tensor] = []
    for a, b in chunks:
        if learns or not kept:
            kept.append(full.new_empty(4 * size, b - a))
        gates = kept[-1][:, : b - a]
        _affine(bias, w_ih, x[:, a:b], out=gates[: 3 * size])
        blocks = (part.split(block, 1) for part in (gates, full[:, a:b], y[:, a:b]))
        for gate, before, now in zip(*blocks, strict=True):
            r, z, n, u = gate.split(size)
            gate[: 2 * size].addmm_(w_rz, before).sigmoid_()
            torch.lerp(
                n.addcmul_(r, _affine(bias_n, w_n, before, out=u)).tanh_(), before, z, out=now
            )
    return kept if learns else []


def _gru_backward(
    mode: str,
    x: Tensor,
    full: Tensor,
    d_full: Tensor,
    d_x: Tensor | None,
    width: int,
    w_ih: Tensor,
    w_hh: Tensor,
    kept: list[Tensor],
) -> tuple[Tensor, ...]:
    """Carry dL/dy down the blocks by factors per gate, and add up the weights' gradients."""
    size, d_y, back = full.size(0), d_full[:, width:], w_hh.t().contiguous()
    d_ih, d_hh = torch.zeros_like(w_ih), torch.zeros_like(w_hh)
    d_bi, d_bh = w_hh.new_zeros(3 * size), w_hh.new_zeros(3 * size)
    block, chunks = _chunks(x.size(1), width)
    columns = max(b - a for a, b in chunks)
    buffers = [full.new_empty(rows, size, columns) for rows in (3, 3, 2)]  # reused by every chunk
    for (a, b), gates in zip(reversed(chunks), reversed(kept), strict=True):
        r, z, n, u = gates.split(size)
        before = full[:, a:b]
        by_gate, d_sums, (d_n, spare) = (buffer[..., : b - a] for buffer in buffers)
        by_r, by_z, by_n = by_gate  # dy / d(recurrent product of the gate)
        aten.sigmoid_backward(torch.sub(before, n, out=spare), z, grad_input=by_z)
        aten.tanh_backward(torch.sub(1.0, z, out=spare), n, grad_input=d_n)  # dy / d(sum in tanh)
        aten.sigmoid_backward(torch.mul(d_n, u, out=spare), r, grad_input=by_r)
        torch.mul(d_n, r, out=by_n)
        flat = d_sums.flatten(0, 1)
        parts = (by_gate, d_sums, flat, z, d_y[:, a:b], d_full[:, a:b])
        blocks = zip(*(part.split(block, -1) for part in parts), strict=True)
        for factor, d_sum, d_flat, keep, d_now, d_before in reversed(list(blocks)):
            torch.mul(factor, d_now, out=d_sum)
            d_before.addcmul_(keep, d_now).addmm_(back, d_flat)
        d_hh.addmm_(flat, before.t())
        d_bh += flat.sum(1)
        torch.mul(d_n, d_y[:, a:b], out=d_sums[2])  # the input's product enters n without r
        d_ih.addmm_(flat, x[:, a:b].t())
        d_bi += flat.sum(1)
        if d_x is not None:
            torch.mm(w_ih.t(), flat, out=d_x[:, a:b])
    return d_ih, d_hh, d_bi, d_bh


def _affine(bias: Tensor | None, weight: Tensor, x: Tensor, out: Tensor | None = None) -> Tensor:
    """Return weight @ x + bias."""
    return torch.mm(weight, x, out=out) if bias is None else torch.addmm(bias, weight, x, out=out)


def _differentiate_torch(
    mode: str, inputs: tuple[Any, ...], d_y: Tensor
) -> tuple[Tensor | None, ...]:
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
