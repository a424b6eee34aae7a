r"""The recurrence of one RNN or GRU layer on the CPU, with its own backward pass.

Data are feature-major: column t * B + b of (F, T*B) is step t of sequence b. With w = s * B columns
between a state and the next that reads it, a layer of any dilation s is the one loop

.. math:: y[:, a] = \mathrm{cell}(x[:, a], y[:, a - w])

over blocks a of at most w columns, the state before the first step standing in front of y. Columns
go in chunks that fit the cache: the input's product is one per chunk, and only the recurrent
product and the cell run per block. The backward pass turns the gates of a chunk, kept from the
forward pass, into the factors that carry dL/dy to every gate, so that a block costs one product and
two elementwise operations; the weights' gradients are one product per chunk. To compute the gates
anew would save three quarters of a GRU's memory, but costs a quarter of its time at 64 units.

First derivatives only: asked for more (create_graph, a batch of gradients), the backward pass
differentiates torch's own layer instead.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from drnn_theory.models.folding import run_layer

CHUNK = 100_000  # numbers of a state: fewer cost more calls, more leave the cache
FEWEST = 1000  # columns: with fewer, large weights are read too often
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
        d_x = None
        if ctx.needs_input_grad[0]:  # what fits takes the place of dL/dy, chunk by chunk
            d_x = d_full[:, ctx.width :] if x.size(0) == full.size(0) else torch.empty_like(x)
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


def _columns_of_chunk(size: int) -> int:
    """Return how many states of that size run at once."""
    return max(FEWEST, CHUNK // size)


def _chunks(y: Tensor, width: int) -> tuple[int, list[tuple[int, int]]]:
    """Return the columns of a block and the bounds of the chunks: whole blocks, or parts of one."""
    size, columns = y.shape
    chunk = _columns_of_chunk(size)
    block = min(width, chunk)
    chunk -= chunk % block
    return block, [(a, min(a + chunk, columns)) for a in range(0, columns, chunk)]


def _in_blocks(block: int, *parts: Tensor) -> list[tuple[Tensor, ...]]:
    """Return the blocks of some tensors of as many columns, side by side."""
    return list(zip(*(part.split(block, -1) for part in parts), strict=True))


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
    bias = None if b_ih is None or b_hh is None else (b_ih + b_hh).unsqueeze(1)
    block, chunks = _chunks(y, width)
    for a, b in chunks:
        _affine(bias, w_ih, x[:, a:b], out=y[:, a:b])
        for before, now in _in_blocks(block, full[:, a:b], y[:, a:b]):
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
    """Carry dL/dy down the blocks by the slope of f, and add up the weights' gradients."""
    y, d_y, back = full[:, width:], d_full[:, width:], w_hh.t()
    d_ih, d_hh, d_b = torch.zeros_like(w_ih), torch.zeros_like(w_hh), w_hh.new_zeros(w_hh.size(0))
    block, chunks = _chunks(y, width)
    buffer = full.new_empty(full.size(0), max(b - a for a, b in chunks))  # reused by every chunk
    for a, b in reversed(chunks):
        slope = buffer[:, : b - a]
        if mode == "RNN_TANH":
            torch.sub(1.0, torch.mul(y[:, a:b], y[:, a:b], out=slope), out=slope)
        else:
            slope.copy_(y[:, a:b] > 0)
        for factor, d_now, d_before in reversed(
            _in_blocks(block, slope, d_y[:, a:b], d_full[:, a:b])
        ):
            d_before.addmm_(back, factor.mul_(d_now))
        d_sum = slope  # the blocks have made it dL / d(sum under f)
        d_ih.addmm_(d_sum, x[:, a:b].t())
        d_hh.addmm_(d_sum, full[:, a:b].t())
        d_b += d_sum.sum(1)
        if d_x is not None:
            torch.mm(w_ih.t(), d_sum, out=d_x[:, a:b])
    return d_ih, d_hh, d_b, d_b.clone()


def _gru_weights(
    w_ih: Tensor, b_ih: Tensor | None, b_hh: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | float]:
    """Return the input's weight and bias with n in front of r and z, and the bias of u."""
    size = w_ih.size(0) // 3
    w = w_ih.roll(size, 0)
    if b_ih is None or b_hh is None:
        return w, None, 0.0
    b_rz, b_u = b_hh.split([2 * size, size])  # the gates r and z just add both biases
    return w, torch.cat([b_ih[2 * size :], b_ih[: 2 * size] + b_rz]).unsqueeze(1), b_u.unsqueeze(1)


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
    """Fill y: r, z = sigmoid(..), u = U_n h + b_u, n = tanh(W_n x + b_n + r u), y = n + z (h - n).

    Returns n, r, z and u of every chunk, stacked in this order: the input's product makes the first
    three, the state's the last three.
    """
    y, size = full[:, width:], full.size(0)
    w, b_w, b_u = _gru_weights(w_ih, b_ih, b_hh)
    block, chunks = _chunks(y, width)
    kept: list[Tensor] = []
    for a, b in chunks:
        if learns or not kept:
            kept.append(full.new_empty(4 * size, b - a))
        gates = kept[-1][:, : b - a]
        _affine(b_w, w, x[:, a:b], out=gates[: 3 * size])
        gates[3 * size :] = b_u
        parts = (full[:, a:b], y[:, a:b], gates[size:], gates[size : 3 * size], *gates.split(size))
        for before, now, sums, rz, n, r, z, u in _in_blocks(block, *parts):
            sums.addmm_(w_hh, before)
            rz.sigmoid_()
            torch.lerp(n.addcmul_(r, u).tanh_(), before, z, out=now)
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
    size, d_y = full.size(0), d_full[:, width:]
    w, back = w_ih.roll(size, 0), w_hh.t()
    d_w, d_hh, d_b = torch.zeros_like(w), torch.zeros_like(w_hh), w_hh.new_zeros(4 * size)
    block, chunks = _chunks(full[:, width:], width)
    buffer = full.new_empty(4 * size, max(b - a for a, b in chunks))  # reused by every chunk
    for (a, b), gates in zip(reversed(chunks), reversed(kept), strict=True):
        n, r, z, u = gates.split(size)
        before, factors = full[:, a:b], buffer[:, : b - a]
        by_n, by_r, by_z, by_u = factors.split(size)  # dy / d(the sum under n, .. and d u)
        aten.tanh_backward(torch.sub(1.0, z, out=by_n), n, grad_input=by_n)
        aten.sigmoid_backward(torch.mul(by_n, u, out=by_r), r, grad_input=by_r)
        aten.sigmoid_backward(torch.sub(before, n, out=by_z), z, grad_input=by_z)
        torch.mul(by_n, r, out=by_u)
        parts = (factors.unflatten(0, (4, size)), factors[size:], z, d_y[:, a:b], d_full[:, a:b])
        for factor, d_state, keep, d_now, d_before in reversed(_in_blocks(block, *parts)):
            factor.mul_(d_now)
            d_before.addcmul_(keep, d_now).addmm_(back, d_state)
        d_sums = factors  # the blocks have made them dL / d(the sum under n, .. and d u)
        d_w.addmm_(d_sums[: 3 * size], x[:, a:b].t())
        d_hh.addmm_(d_sums[size:], before.t())
        d_b += d_sums.sum(1)
        if d_x is not None:
            torch.mm(w.t(), d_sums[: 3 * size], out=d_x[:, a:b])
    return d_w.roll(-size, 0), d_hh, d_b[: 3 * size].roll(-size), d_b[size:]


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
