r"""The cells' loops over feature-major columns, forward and backward.

A state (H, w + T*B) holds the w columns before the first step, then one column per step and
sequence; an LSTM has two, h and c. Columns go in chunks that fit the cache: the input's product is
one per chunk, and only the recurrent product and the cell run per block of at most w columns.

A backward pass turns what the forward pass kept of a chunk into the factors that carry the gradient
of the state to every sum; the blocks multiply them by that gradient in place; then the weights'
gradients are one product per chunk. What is kept could be computed again: it would save three
quarters of a GRU's memory, but costs a quarter of its time at 64 units.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

CHUNK = 100_000  # numbers of a state: fewer cost more calls, more leave the cache
FEWEST = 1000  # columns: with fewer, large weights are read too often
aten = torch.ops.aten

States = Sequence[Tensor]  # h or, for an LSTM, h and c
Weights = tuple[Tensor, Tensor, Tensor | None, Tensor | None]  # w_ih, w_hh, b_ih, b_hh
Gradients = tuple[Tensor, Tensor, Tensor, Tensor]  # theirs


def rnn_forward(
    mode: str, x: Tensor, states: States, weights: Weights, learns: bool
) -> list[Tensor]:
    """Fill y: y[:, a] = f(W x[:, a] + U y[:, a - w] + b)."""
    (h,), (w_ih, w_hh, b_ih, b_hh) = states, weights
    y, block, chunks = _chunks(x, h)
    activate = _tanh_ if mode == "RNN_TANH" else torch.Tensor.relu_
    bias = _sum(b_ih, b_hh)
    for a, b in chunks:
        _affine(bias, w_ih, x[:, a:b], out=y[:, a:b])
        for before, after in _in_blocks(block, h[:, a:b], y[:, a:b]):
            activate(after.addmm_(w_hh, before))
    return []


def rnn_backward(
    mode: str,
    x: Tensor,
    states: States,
    d_states: States,
    d_x: Tensor | None,
    weights: Weights,
    kept: Sequence[Tensor],
) -> Gradients:
    """Carry dL/dy down the blocks by the slope of f, and add up the weights' gradients."""
    (h,), (d_h,), (w_ih, w_hh, _, _) = states, d_states, weights
    y, block, chunks = _chunks(x, h)
    d_y, back = d_h[:, -x.size(1) :], w_hh.t()
    d_ih, d_hh, d_b = torch.zeros_like(w_ih), torch.zeros_like(w_hh), w_hh.new_zeros(w_hh.size(0))
    buffer = h.new_empty(h.size(0), max(b - a for a, b in chunks))  # reused by every chunk
    for a, b in reversed(chunks):
        slope = buffer[:, : b - a]
        if mode == "RNN_TANH":
            torch.sub(1.0, torch.mul(y[:, a:b], y[:, a:b], out=slope), out=slope)
        else:
            slope.copy_(y[:, a:b] > 0)
        blocks = _in_blocks(block, slope, d_y[:, a:b], d_h[:, a:b])
        for factor, d_now, d_before in reversed(blocks):
            d_before.addmm_(back, factor.mul_(d_now))
        d_sum = slope  # by now times dL/dy
        d_ih.addmm_(d_sum, x[:, a:b].t())
        d_hh.addmm_(d_sum, h[:, a:b].t())
        d_b += d_sum.sum(1)
        if d_x is not None:
            torch.mm(w_ih.t(), d_sum, out=d_x[:, a:b])
    return d_ih, d_hh, d_b, d_b.clone()


def gru_forward(
    mode: str, x: Tensor, states: States, weights: Weights, learns: bool
) -> list[Tensor]:
    """Fill y: r, z = sigmoid(..), u = U_n h + b_u, n = tanh(W_n x + b_n + r u), y = n + z (h - n).

    Returns n, r, z and u of every chunk, stacked in this order: the input's product makes the first
    three, the state's the last three.
    """
    (h,), (w_ih, w_hh, b_ih, b_hh) = states, weights
    y, block, chunks = _chunks(x, h)
    size = h.size(0)
    w, bias, bias_u = w_ih.roll(size, 0), None, None
    if b_ih is not None and b_hh is not None:
        b_rz, b_u = b_hh.split([2 * size, size])  # r and z just add both biases
        bias = torch.cat([b_ih[2 * size :], b_ih[: 2 * size] + b_rz]).unsqueeze(1)
        bias_u = b_u.unsqueeze(1)
    kept: list[Tensor] = []
    for a, b in chunks:
        gates = _next_buffer(kept, learns, x, 4 * size, b - a)
        _affine(bias, w, x[:, a:b], out=gates[: 3 * size])
        gates[3 * size :] = 0.0 if bias_u is None else bias_u
        parts = (h[:, a:b], y[:, a:b], gates[size:], gates[size : 3 * size], *gates.split(size))
        for before, after, sums, rz, n, r, z, u in _in_blocks(block, *parts):
            sums.addmm_(w_hh, before)
            rz.sigmoid_()
            torch.lerp(_tanh_(n.addcmul_(r, u)), before, z, out=after)
    return kept


def gru_backward(
    mode: str,
    x: Tensor,
    states: States,
    d_states: States,
    d_x: Tensor | None,
    weights: Weights,
    kept: Sequence[Tensor],
) -> Gradients:
    """Carry dL/dy down the blocks by factors per gate, and add up the weights' gradients."""
    (h,), (d_h,), (w_ih, w_hh, _, _) = states, d_states, weights
    _, block, chunks = _chunks(x, h)
    size, d_y = h.size(0), d_h[:, -x.size(1) :]
    w, back = w_ih.roll(size, 0), w_hh.t()
    d_w, d_hh, d_b = torch.zeros_like(w), torch.zeros_like(w_hh), w_hh.new_zeros(4 * size)
    buffer = torch.empty_like(kept[0])  # reused by every chunk
    for (a, b), gates in zip(reversed(chunks), reversed(kept), strict=True):
        n, r, z, u = gates.split(size)
        before, factors = h[:, a:b], buffer[:, : b - a]
        by_n, by_r, by_z, by_u = factors.split(size)  # dy / d(the sum under n, .. and d u)
        aten.tanh_backward(torch.sub(1.0, z, out=by_n), n, grad_input=by_n)
        aten.sigmoid_backward(torch.mul(by_n, u, out=by_r), r, grad_input=by_r)
        aten.sigmoid_backward(torch.sub(before, n, out=by_z), z, grad_input=by_z)
        torch.mul(by_n, r, out=by_u)
        parts = (factors.unflatten(0, (4, size)), factors[size:], z, d_y[:, a:b], d_h[:, a:b])
        for factor, d_sums, keep, d_now, d_before in reversed(_in_blocks(block, *parts)):
            factor.mul_(d_now)
            d_before.addcmul_(keep, d_now).addmm_(back, d_sums)
        by_input, by_state = factors[: 3 * size], factors[size:]  # by now times dL/dy
        d_w.addmm_(by_input, x[:, a:b].t())
        d_hh.addmm_(by_state, before.t())
        d_b += factors.sum(1)
        if d_x is not None:
            torch.mm(w.t(), by_input, out=d_x[:, a:b])
    return d_w.roll(-size, 0), d_hh, d_b[: 3 * size].roll(-size), d_b[size:]


def lstm_forward(
    mode: str, x: Tensor, states: States, weights: Weights, learns: bool
) -> list[Tensor]:
    """Fill y and c: o, i, f = sigmoid(..), g = tanh(..), c = f c + i g, y = o tanh(c).

    Returns o, i, f and g of every chunk, stacked in this order.
    """
    (h, c), (w_ih, w_hh, b_ih, b_hh) = states, weights
    y, block, chunks = _chunks(x, h)
    size, new_c = h.size(0), c[:, -x.size(1) :]
    w, recurrent = w_ih.roll(size, 0), w_hh.roll(size, 0)
    bias = _sum(b_ih, b_hh)
    bias = None if bias is None else bias.roll(size, 0)
    kept: list[Tensor] = []
    for a, b in chunks:
        gates = _next_buffer(kept, learns, x, 4 * size, b - a)
        _affine(bias, w, x[:, a:b], out=gates)
        parts = (h[:, a:b], y[:, a:b], c[:, a:b], new_c[:, a:b], gates, gates[: 3 * size])
        for before, after, c_before, c_now, sums, oif, o, i, f, g in _in_blocks(
            block, *parts, *gates.split(size)
        ):
            sums.addmm_(recurrent, before)
            oif.sigmoid_()
            torch.mul(f, c_before, out=c_now).addcmul_(i, _tanh_(g))
            _tanh(c_now, out=after).mul_(o)
    return kept


def lstm_backward(
    mode: str,
    x: Tensor,
    states: States,
    d_states: States,
    d_x: Tensor | None,
    weights: Weights,
    kept: Sequence[Tensor],
) -> Gradients:
    """Carry dL/dy and dL/dc down the blocks, and add up the weights' gradients."""
    (h, c), (d_h, d_c), (w_ih, w_hh, _, _) = states, d_states, weights
    _, block, chunks = _chunks(x, h)
    size, d_y, d_new_c = h.size(0), d_h[:, -x.size(1) :], d_c[:, -x.size(1) :]
    new_c = c[:, -x.size(1) :]
    w, back = w_ih.roll(size, 0), w_hh.roll(size, 0).t()
    d_w, d_u, d_b = torch.zeros_like(w), torch.zeros_like(w_hh), w_hh.new_zeros(4 * size)
    buffer = h.new_empty(5 * size, kept[0].size(1))  # reused by every chunk
    for (a, b), gates in zip(reversed(chunks), reversed(kept), strict=True):
        o, i, f, g = gates.split(size)
        before, factors = h[:, a:b], buffer[:, : b - a]
        by_o, by_i, by_f, by_g, by_c = factors.split(size)  # dy / d(sum under o), dc / .., dy / dc
        t = _tanh(new_c[:, a:b], out=by_c)  # cheaper to compute again than to keep
        aten.sigmoid_backward(t, o, grad_input=by_o)
        aten.sigmoid_backward(g, i, grad_input=by_i)
        aten.sigmoid_backward(c[:, a:b], f, grad_input=by_f)
        aten.tanh_backward(i, g, grad_input=by_g)
        aten.tanh_backward(o, t, grad_input=by_c)
        d_sums, by_ifg = factors[: 4 * size], factors[size : 4 * size].unflatten(0, (3, size))
        parts = (by_o, by_ifg, by_c, d_sums, f, d_y[:, a:b], d_h[:, a:b])
        for of_o, of_ifg, of_c, d_total, keep, d_now, d_before, d_c_now, d_c_before in reversed(
            _in_blocks(block, *parts, d_new_c[:, a:b], d_c[:, a:b])
        ):
            of_o.mul_(d_now)
            of_ifg.mul_(d_c_now.addcmul_(of_c, d_now))
            d_c_before.addcmul_(keep, d_c_now)
            d_before.addmm_(back, d_total)
        d_w.addmm_(d_sums, x[:, a:b].t())
        d_u.addmm_(d_sums, before.t())
        d_b += d_sums.sum(1)
        if d_x is not None:
            torch.mm(w.t(), d_sums, out=d_x[:, a:b])
    d_b = d_b.roll(-size)
    return d_w.roll(-size, 0), d_u.roll(-size, 0), d_b, d_b.clone()


def _columns_of_chunk(size: int) -> int:
    """Return how many states of that size run at once."""
    return max(FEWEST, CHUNK // size)


def _chunks(x: Tensor, h: Tensor) -> tuple[Tensor, int, list[tuple[int, int]]]:
    """Return y, the columns of a block, and the bounds of the chunks.

    A chunk is some whole blocks of w columns, or a block is a part of w columns.
    """
    columns = x.size(1)
    chunk = _columns_of_chunk(h.size(0))
    block = min(h.size(1) - columns, chunk)
    chunk -= chunk % block
    return h[:, -columns:], block, [(a, min(a + chunk, columns)) for a in range(0, columns, chunk)]


def _in_blocks(block: int, *parts: Tensor) -> list[tuple[Tensor, ...]]:
    """Return the blocks of tensors with equal numbers of columns, side by side."""
    return list(zip(*(part.split(block, -1) for part in parts), strict=True))


def _next_buffer(kept: list[Tensor], learns: bool, x: Tensor, rows: int, columns: int) -> Tensor:
    """Return a new buffer, kept, or, if nothing is learnt, the one there is."""
    if learns or not kept:
        kept.append(x.new_empty(rows, columns))
    return kept[-1][:, :columns]


def _sum(b_ih: Tensor | None, b_hh: Tensor | None) -> Tensor | None:
    """Return both biases' sum as a column."""
    return None if b_ih is None or b_hh is None else (b_ih + b_hh).unsqueeze(1)


def _affine(bias: Tensor | None, weight: Tensor, x: Tensor, out: Tensor) -> None:
    """Put weight @ x + bias into ``out``."""
    if bias is None:
        torch.mm(weight, x, out=out)
    else:
        torch.addmm(bias, weight, x, out=out)


def _tanh(x: Tensor, out: Tensor) -> Tensor:
    """Return tanh(x) in ``out``, by numpy: as exact as torch's, and five times as fast."""
    np.tanh(x.numpy(), out=out.numpy())
    return out


def _tanh_(x: Tensor) -> Tensor:
    """Put tanh(x) in place of x."""
    values = x.numpy()
    np.tanh(values, out=values)
    return x
