r"""The dilated recurrent network of [1].

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..dilations import as_dilations, as_integer
from .folding import LayerState, run_layer

_CELLS = {"RNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}


class DilatedRNN(torch.nn.Module):
    r"""A stack of recurrent layers, layer l reading its own state of s_l steps before [1].

    .. math:: c_t^{(l)} = f(x_t^{(l)}, c_{t - s_l}^{(l)}), \quad x_t^{(l + 1)} = c_t^{(l)}

    Args:
        input_size: features of the input.
        hidden_size: units of every layer.
        dilations: s_1, .., s_L, bottom layer first; any positive integers in any order.
        cell: f, one of "RNN", "GRU", "LSTM".
        nonlinearity: "tanh" or "relu", of the cell "RNN" only.
        batch_first: input and output are (batch, time, features) instead of
            (time, batch, features); the state is not affected, as in torch.nn.GRU.

    Called as ``model(x, state=None)``, it returns ``(output, state)``. The state is a tuple with
    one entry per layer: its last s_l states, a tensor (s_l, batch, hidden_size), oldest first; for
    "LSTM" a pair (h, c) of such tensors. ``None`` stands for zeros. Passing the state on feeds a
    sequence in pieces of any length.

    The parameters live in ``layers``, one torch.nn.RNN, GRU or LSTM per dilation.

    >>> model = DilatedRNN(3, 5, [1, 2, 4], cell="GRU")
    >>> output, state = model(torch.zeros(10, 2, 3))
    >>> output.shape, [h.shape[0] for h in state]
    (torch.Size([10, 2, 5]), [1, 2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        dilations: Iterable[int],
        *,
        cell: str = "RNN",
        nonlinearity: str = "tanh",
        batch_first: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        fusion: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if cell not in _CELLS:
            raise ValueError(f"cell must be one of 'RNN', 'GRU', 'LSTM', got {cell!r}")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        if cell != "RNN" and nonlinearity != "tanh":
            raise ValueError(
                f"nonlinearity is the cell 'RNN''s to choose, got {nonlinearity!r} for {cell!r}"
            )
        if dropout or fusion:
            raise NotImplementedError("dropout and fusion are not there yet")
        self.dilations = as_dilations(dilations)
        self.input_size = as_integer(input_size, "input_size")
        self.hidden_size = as_integer(hidden_size, "hidden_size")
        self.cell = cell
        self.batch_first = batch_first
        self.fusion = fusion
        options: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        if cell == "RNN":
            options["nonlinearity"] = nonlinearity
        self.layers = torch.nn.ModuleList(
            _CELLS[cell](
                self.hidden_size if layer else self.input_size, self.hidden_size, **options
            )
            for layer in range(len(self.dilations))
        )

    def forward(
        self, x: Tensor, state: Sequence[Any] | None = None
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Return the top layer's states and the state from which the next piece goes on."""
        if self.batch_first:
            x = x.transpose(0, 1)
        if state is None:
            state = self.zero_state(x.size(1))
        new_state = []
        for layer, dilation, old in zip(self.layers, self.dilations, state, strict=True):
            x, new = run_layer(layer, x, _as_tuple(old), dilation)
            new_state.append(new if self.cell == "LSTM" else new[0])
        return x.transpose(0, 1) if self.batch_first else x, tuple(new_state)

    def zero_state(self, batch: int) -> tuple[Any, ...]:
        """Return the state that None stands for: zeros, in the parameters' dtype and device."""
        like = next(self.parameters())
        zeros = [like.new_zeros(s, batch, self.hidden_size) for s in self.dilations]
        return tuple((h, h) for h in zeros) if self.cell == "LSTM" else tuple(zeros)


def _as_tuple(entry: Tensor | Sequence[Tensor]) -> LayerState:
    return (entry,) if isinstance(entry, Tensor) else tuple(entry)
