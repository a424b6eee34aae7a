r"""The Jacobian of a DilatedRNN by lag, its adjoint carried down layer by layer.

Let :math:`A^l_t = v^\top \partial y_T / \partial h^l_t` for cotangents v of the output at time T.
Within a layer of dilation s, and from one layer to the next,

.. math::
    A^l_t = B^l_t + A^l_{t + s} \frac{\partial h^l_{t + s}}{\partial h^l_t}, \qquad
    B^{l - 1}_t = A^l_t \frac{\partial h^l_t}{\partial h^{l - 1}_t},

B being zero above the top but for t = T. The adjoint lives only on lags T - t that are multiples
of the gcd of the dilations passed so far. For dilations that double this makes one chain per layer:
about 2 T small products in all, where a backward pass through L layers has L T.

What multiplies the weights is elementwise and known from a forward pass over a single sequence. In
every cell the recurrent Jacobian is diag(carry) + sum_g diag(factor_g) U_g, g running over gates.
For an LSTM the adjoint of the cell is carried, that of the state h being a product of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear, pad

from drnn_theory.models.folding import run_layer
from drnn_theory.models.ways import runs_as_written

if TYPE_CHECKING:
    from drnn_theory.models.dilated import DilatedRNN

__all__ = ["has_adjoint", "rows_of_adjoint"]


class _Factors(NamedTuple):
    """The elementwise part of a layer's Jacobians at all times, (T, B, gates, H) each.

    ``gates`` scales the adjoint into every gate of the recurrent product, ``inputs`` into every
    gate of the input's (None where the same); ``carry`` is the direct part dh_t / dh_{t - s}.
    ``cell`` is dc_t / dc_{t - s} and ``peep`` dh_t / dc_t of an LSTM.
    """

    gates: Tensor
    inputs: Tensor | None
    carry: Tensor | None
    cell: Tensor | None
    peep: Tensor | None


def has_adjoint(model: DilatedRNN) -> bool:
    """Tell whether the model is one whose adjoint this is: residual sums are not part of it."""
    return len(model.groups) == 1 and runs_as_written(model)


def rows_of_adjoint(
    model: DilatedRNN,
    x: Tensor,
    times: Sequence[int],
    cotangents_of: Callable[[int, int], Tensor],
    memory: int,
) -> Iterator[tuple[int, Tensor]]:
    """Yield (index of the time, rows): rows[c, t, b] = v_cb @ d output[time, b] / d x[t, b].

    What :func:`rows_of_jacobian` yields for any module, up to rounding; lags of no path are zero.
    """
    steps, batch, _ = x.shape
    gates = 4 if model.cell == "LSTM" else 3
    value = x.element_size() * steps * batch
    held = value * sum(model.hidden_sizes) * 3 * gates
    row = value * (max(model.hidden_sizes) * (2 + gates) + model.input_size)
    if held + row > memory:
        raise ValueError(
            f"memory must hold what one backward pass over {tuple(x.shape)} keeps, "
            f"{held + row} bytes, got {memory}"
        )
    factors = _all_factors(model, x)
    for index, time in enumerate(times):
        for part in cotangents_of(index, model.hidden_sizes[-1]).split(
            max(1, (memory - held) // row)
        ):
            yield index, _pull_back(model, factors, x, time, part)


@torch.inference_mode()
def _pull_back(
    model: DilatedRNN, factors: list[_Factors], x: Tensor, time: int, cotangents: Tensor
) -> Tensor:
    """Return the rows (c, T, B, F) of the output at one time."""
    steps, batch, features = x.shape
    # adjoint[q] belongs to lag q * stride: (lags, B, c, H); stride 0 stands for lag 0 alone
    stride = 0
    adjoint = cotangents.transpose(0, 1).unsqueeze(0)  # of the cotangents (c, B, units)
    if model.fusion:
        taps = model.fuse.weight.flip(2)[
            :, :, : time + 1
        ]  # (out, in, lag): the last is the present
        adjoint = torch.einsum("cbo,oin->nbci", cotangents, taps)
        stride = 1
    layers: list[Any] = list(zip(model.layers, model.dilations, factors, strict=True))
    for layer, dilation, factor in reversed(layers):
        new = gcd(stride, dilation)
        width, count = dilation // new, time // new + 1
        spread = adjoint.new_zeros(-(-count // width) * width, *adjoint.shape[1:])  # whole blocks
        every = stride // new if stride else count
        spread[: len(adjoint) * every : every] = adjoint
        stride = new
        factor_at = _at_lags(factor, time, stride, len(spread))
        adjoint = _LAYER[type(layer)](layer, factor_at, spread, width)[:count]
    result = x.new_zeros(adjoint.shape[2], steps, batch, features)
    result[:, time - stride * (len(adjoint) - 1) : time + 1 : stride] = adjoint.flip(0).movedim(
        2, 0
    )
    return result


def _at_lags(factors: _Factors, time: int, stride: int, count: int) -> _Factors:
    """Return the factors at ``count`` lags 0, stride, .., zeros before time 0, (n, B, 1, G, H)."""
    chosen = torch.arange(time, -1, -stride, device=factors.gates.device)
    missing = count - len(chosen)
    parts = [None if f is None else f[chosen].unsqueeze(2) for f in factors]
    padding = (0, 0) * 4 + (0, missing)
    gates, *others = (None if f is None else pad(f, padding) for f in parts)
    assert gates is not None
    return _Factors(gates, *others)


def _rnn_back(layer: Any, factors: _Factors, adjoint: Tensor, width: int) -> Tensor:
    """Return the adjoint of the layer's input at all lags."""
    rows = _rows(adjoint, width)
    factor = factors.gates.squeeze(3).split(width)
    for current, slope, row, later in zip(
        adjoint.split(width), factor, rows, _later(rows), strict=True
    ):
        current.mul_(slope)
        if later is not None:
            later.addmm_(row, layer.weight_hh_l0)
    return adjoint @ layer.weight_ih_l0


def _gru_back(layer: Any, factors: _Factors, adjoint: Tensor, width: int) -> Tensor:
    """Return the adjoint of the layer's input at all lags; see :func:`_factors_of_gru`."""
    assert factors.carry is not None
    assert factors.inputs is not None
    scaled = adjoint.new_empty(width, *adjoint.shape[1:-1], 3, layer.hidden_size)
    rows = scaled.flatten(0, 2).flatten(1)
    adjoints = adjoint.unsqueeze(3)  # an axis for the gates
    blocks = zip(
        adjoints.split(width),
        factors.gates.split(width),
        factors.carry.split(width),
        _later(adjoints.split(width)),
        _later(_rows(adjoint, width)),
        strict=True,
    )
    for current, gates, carry, later, later_rows in blocks:
        if later is not None and later_rows is not None:
            torch.mul(current, gates, out=scaled)
            later.addcmul_(current, carry)
            later_rows.addmm_(rows, layer.weight_hh_l0)
    return (adjoints * factors.inputs).flatten(3) @ layer.weight_ih_l0


def _lstm_back(layer: Any, factors: _Factors, adjoint: Tensor, width: int) -> Tensor:
    """Return the adjoint of the layer's input at all lags; see :func:`_factors_of_lstm`."""
    assert factors.cell is not None
    assert factors.peep is not None
    adjoints = adjoint.unsqueeze(3)  # an axis for the gates
    cells = torch.zeros_like(adjoints)
    scaled = adjoint.new_empty(*adjoint.shape[:3], 4, layer.hidden_size)
    by_cell, by_state = factors.gates.split([3, 1], 3)
    from_cell, from_state = scaled.split([3, 1], 3)
    blocks = zip(
        *(t.split(width) for t in (adjoints, cells, by_cell, by_state, factors.peep, factors.cell)),
        *(t.split(width) for t in (from_cell, from_state)),
        _rows(scaled.flatten(3), width),
        _later(cells.split(width)),
        _later(_rows(adjoint, width)),
        strict=True,
    )
    for h, c, gates, gate, peep, keep, out, out_last, rows, later_c, later in blocks:
        c.addcmul_(h, peep)  # the adjoint of c_t: by way of h_t, and of c_{t + s}
        torch.mul(c, gates, out=out)
        torch.mul(h, gate, out=out_last)
        if later is not None:
            torch.mul(c, keep, out=later_c)
            later.addmm_(rows, layer.weight_hh_l0)
    return scaled.flatten(3) @ layer.weight_ih_l0


_LAYER = {torch.nn.RNN: _rnn_back, torch.nn.GRU: _gru_back, torch.nn.LSTM: _lstm_back}


def _rows(tensor: Tensor, width: int) -> Sequence[Tensor]:
    """Return blocks of ``width`` lags as matrices, one row per lag, sequence and cotangent."""
    return tensor.flatten(0, 2).split(width * tensor.shape[1] * tensor.shape[2])


def _later(blocks: Sequence[Tensor]) -> list[Tensor | None]:
    """Return for every block the next, one step of the layer earlier in time."""
    return [*blocks[1:], None]


@torch.inference_mode()
def _all_factors(model: DilatedRNN, x: Tensor) -> list[_Factors]:
    """Run one forward pass, layer by layer, and return every layer's factors."""
    factors = []
    layer: Any
    for layer, dilation in zip(model.layers, model.dilations, strict=True):
        zero = x.new_zeros(dilation, x.shape[1], layer.hidden_size)
        state = (zero, zero) if isinstance(layer, torch.nn.LSTM) else (zero,)
        y, _ = run_layer(layer, x, state, dilation)
        before = torch.cat([zero, y])[: len(y)]  # h_{t - s}
        if isinstance(layer, torch.nn.GRU):
            factors.append(_factors_of_gru(layer, x, before))
        elif isinstance(layer, torch.nn.LSTM):
            factors.append(_factors_of_lstm(layer, x, before, dilation))
        else:
            slope = 1 - y.square() if layer.mode == "RNN_TANH" else (y > 0).to(y.dtype)
            factors.append(_Factors(slope.unsqueeze(2), None, None, None, None))
        x = y
    return factors


def _factors_of_gru(layer: Any, x: Tensor, before: Tensor) -> _Factors:
    """h' = (1 - z) n + z h, n = tanh(i_n + r * r_n): the gates r, z, n in torch's order."""
    from_input, from_state = _products(layer, x, before)
    r, z = torch.sigmoid((from_input + from_state).narrow(-1, 0, 2 * layer.hidden_size)).chunk(
        2, -1
    )
    carried = from_state.narrow(-1, 2 * layer.hidden_size, layer.hidden_size)
    n = torch.tanh(from_input.narrow(-1, 2 * layer.hidden_size, layer.hidden_size) + r * carried)
    d_n = (1 - z) * (1 - n.square())
    d_r, d_z = d_n * carried * r * (1 - r), (before - n) * z * (1 - z)
    gates, inputs = torch.stack([d_r, d_z, d_n * r], 2), torch.stack([d_r, d_z, d_n], 2)
    return _Factors(gates, inputs, z.unsqueeze(2), None, None)


def _factors_of_lstm(layer: Any, x: Tensor, before: Tensor, dilation: int) -> _Factors:
    """c' = f c + i g, h' = o tanh(c'): the gates i, f, g scale the adjoint of c', o that of h'."""
    from_input, from_state = _products(layer, x, before)
    i, f, g, o = (from_input + from_state).chunk(4, -1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    added = i * g
    blocks = list(added.split(dilation))  # in place: c_t = f_t c_{t - s} + i_t g_t
    for last, current, keep in zip(blocks, blocks[1:], f.split(dilation)[1:], strict=False):
        current.addcmul_(keep, last[: len(current)])
    c = added
    c_before = torch.cat([c.new_zeros(dilation, *c.shape[1:]), c])[: len(c)]
    squashed = torch.tanh(c)
    gates = torch.stack(
        [g * i * (1 - i), c_before * f * (1 - f), i * (1 - g.square()), squashed * o * (1 - o)], 2
    )
    peep = o * (1 - squashed.square())
    return _Factors(gates, None, None, f.unsqueeze(2), peep.unsqueeze(2))


def _products(layer: Any, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    biases = (layer.bias_ih_l0, layer.bias_hh_l0) if layer.bias else (None, None)
    return linear(x, layer.weight_ih_l0, biases[0]), linear(before, layer.weight_hh_l0, biases[1])
