"""One layer of dilation s, run as s independent chains of one torch.nn layer.

Step t of the layer reads its own state at step t - s only, so the steps fall into s chains (one
for each phase t mod s) that share weights and never meet. Time-major data (T, B, F), cut at whole
multiples of s, *is* (T/s, s*B, F) in memory: the chains become members of the batch by a view.
"""

from __future__ import annotations

import torch
from torch import Tensor

LayerState = tuple[Tensor, ...]  # (h,) or, for an LSTM, (h, c); each (s, B, H), oldest first


def run_layer(
    layer: torch.nn.Module, x: Tensor, state: LayerState, dilation: int
) -> tuple[Tensor, LayerState]:
    """Return the layer's outputs (T, B, H) and its last ``dilation`` states.

    The T mod s steps that fill no whole row run as one shorter row: nothing is padded. The state
    is a queue, oldest first, so chain j starts from its entry j.
    """
    whole = x.size(0) // dilation * dilation
    outputs = []
    for part, width in ((x[:whole], dilation), (x[whole:], x.size(0) - whole)):
        if part.size(0):
            folded = part.unflatten(0, (-1, width)).flatten(1, 2)  # (T/s, s*B, F)
            y, last = _run_chains(layer, folded, tuple(h[:width].flatten(0, 1) for h in state))
            outputs.append(y.unflatten(1, (width, -1)).flatten(0, 1))  # (T, B, H)
            newest = (h.unflatten(0, (width, -1)) for h in last)  # (s, B, H)
            pairs = zip(state, newest, strict=True)
            state = tuple(
                new if width == dilation else torch.cat([h[width:], new]) for h, new in pairs
            )
    if not outputs:
        return state[0][:0], state  # (0, B, H)
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs), state


def _run_chains(layer: torch.nn.Module, x: Tensor, first: LayerState) -> tuple[Tensor, LayerState]:
    """Run torch's layer on (steps, chains, F) from the states (chains, H) of each chain."""
    initial = tuple(h.unsqueeze(0) for h in first)  # (1, chains, H)
    if isinstance(layer, torch.nn.LSTM):
        y, (h, c) = layer(x, initial)
        return y, (h.squeeze(0), c.squeeze(0))
    y, h = layer(x, initial[0])
    return y, (h.squeeze(0),)
