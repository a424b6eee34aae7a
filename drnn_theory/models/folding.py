"""One layer of dilation s, run as s independent chains of one torch.nn layer.

Step t of the layer reads its own state at step t - s only, so the steps fall into s chains (one
for each phase t mod s) that share weights and never meet. Time-major data (T, B, F), cut at whole
multiples of s, *is* (T/s, s*B, F) in memory: the chains become members of the batch by a view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

LayerState = tuple[Tensor, ...]  # (h,) or, for an LSTM, (h, c); each (s, B, H), oldest first


def run_layer(
    layer: Callable[..., Any], x: Tensor, state: LayerState, dilation: int
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
            newest = [h.unflatten(0, (width, -1)) for h in last]  # (s, B, H)
            if width < dilation:
                newest = [torch.cat([h[width:], new]) for h, new in zip(state, newest, strict=True)]
            state = tuple(newest)
    if not outputs:
        return state[0][:0], state  # (0, B, H)
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs), state


def run_ragged_layer(
    layer: Callable[..., Any], x: Tensor, state: LayerState, dilation: int, lengths: Tensor
) -> tuple[Tensor, LayerState]:
    """Return what :func:`run_layer` would for each sequence of the batch at its own length.

    Chain j of a sequence of n steps has ceil((n - j) / s) of them: the chains are sequences of
    unequal length, which torch's layers run when packed. Outputs beyond a length are zero.
    """
    steps, batch, _ = x.shape
    rows = -(-steps // dilation)
    x = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, rows * dilation - steps))
    folded = x.unflatten(0, (rows, dilation)).flatten(1, 2)  # (T/s, s*B, F)
    phases = torch.arange(dilation).unsqueeze(1)
    counts = ((lengths - phases + dilation - 1) // dilation).flatten()  # (s*B,)
    live = counts.nonzero().squeeze(1)  # the chains that have a step: torch packs no others
    output = state[0].new_zeros(rows, dilation * batch, state[0].size(2))
    if live.numel():
        counts, live = counts[live], live.to(x.device)
        chains = [h.flatten(0, 1) for h in state]  # (s*B, H)
        packed = pack_padded_sequence(folded[:, live], counts, enforce_sorted=False)
        y, last = _run_chains(layer, packed, tuple(h[live] for h in chains))
        y, _ = pad_packed_sequence(y, total_length=rows)
        output = output.to(y.dtype).index_copy(1, live, y)
        old_and_new = zip(chains, last, strict=True)
        chains = [h.to(new.dtype).index_copy(0, live, new) for h, new in old_and_new]
        state = tuple(h.unflatten(0, (dilation, batch)) for h in chains)
        newest = (lengths + phases) % dilation  # the oldest step kept, n - s, has the phase of n
        state = tuple(take_rows(h, newest) for h in state)
    return output.unflatten(1, (dilation, batch)).flatten(0, 1)[:steps], state


def take_rows(history: Tensor, rows: Tensor) -> Tensor:
    """Return the tensor (R, B, H) of ``history[rows[r, b], b]``."""
    index = rows.to(history.device).unsqueeze(2).expand(-1, -1, history.size(2))
    return history.gather(0, index)


def _run_chains(
    layer: Callable[..., Any], x: Tensor | PackedSequence, first: LayerState
) -> tuple[Any, LayerState]:
    """Run torch's layer on (steps, chains, F) from the states (chains, H) of each chain."""
    initial = tuple(h.unsqueeze(0) for h in first)  # (1, chains, H)
    if len(initial) == 1:
        y, h = layer(x, initial[0])
        return y, (h.squeeze(0),)
    y, (h, c) = layer(x, initial)
    return y, (h.squeeze(0), c.squeeze(0))
