"""One layer of dilation s, run as s independent chains of one layer of torch.

Step t of the layer reads its own state at step t - s only, so the steps fall into s chains (one
for each phase t mod s) that share weights and never meet. Time-major data (T, B, F), cut at whole
multiples of s, *is* (T/s, s*B, F) in memory: the chains become members of the batch by a view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

LayerState = tuple[Tensor, ...]  # (h,) or, for an LSTM, (h, c); each (s, B, H), oldest first
FEW_ROWS, FEW_ROWS_LEARNING = 4, 2  # of an LSTM, up to which chains of unequal length run packed
SPARE = 4000  # numbers that the missing steps of a row hold, up to which they are run in training
KEEP = 1e4  # the input of a gate that is then 1 to the last bit, and 0 at minus that
Chains = Callable[[Any, LayerState], tuple[Any, LayerState]]
"""A layer as a function of its input (steps, chains, F) and the states (chains, H) of each chain;
it returns its output and the last states."""


def run_layer(
    layer: Callable[..., Any], x: Tensor, state: LayerState, dilation: int
) -> tuple[Tensor, LayerState]:
    """Return the outputs (T, B, H) of a layer called as torch's are, and its last states."""
    return run_chains(chains_of(layer), x, state, dilation)


def chains_of(layer: Callable[..., Any]) -> Chains:
    """Return a layer of torch, or what is called like one, as a function of chains."""

    def run(x: Tensor | PackedSequence, first: LayerState) -> tuple[Any, LayerState]:
        initial = tuple(h.unsqueeze(0) for h in first)  # (1, chains, H)
        if len(initial) == 1:
            y, h = layer(x, initial[0])
            return y, (h.squeeze(0),)
        y, (h, c) = layer(x, initial)
        return y, (h.squeeze(0), c.squeeze(0))

    return run


def run_chains(
    chains: Chains, x: Tensor, state: LayerState, dilation: int
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
            y, last = chains(folded, tuple(h[:width].flatten(0, 1) for h in state))
            outputs.append(y.unflatten(1, (width, -1)).flatten(0, 1))  # (T, B, H)
            newest = [h.unflatten(0, (width, -1)) for h in last]  # (s, B, H)
            if width < dilation:
                newest = [torch.cat([h[width:], new]) for h, new in zip(state, newest, strict=True)]
            state = tuple(newest)
    if not outputs:
        return state[0][:0], state  # (0, B, H)
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs), state


FUNCTIONS: dict[str, Any] = {  # torch's, of a sequence and of one step
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
    "GRU": torch.gru,
    "LSTM": torch.lstm,
}
CELL_FUNCTIONS: dict[str, Any] = {
    "RNN_TANH": torch.rnn_tanh_cell,
    "RNN_RELU": torch.rnn_relu_cell,
    "GRU": torch.gru_cell,
    "LSTM": torch.lstm_cell,
}


def run_folded(
    mode: str,
    training: bool,
    weights: list[Tensor],
    x: Tensor,
    state: LayerState,
    dilation: int,
) -> tuple[Tensor, LayerState]:
    """Return what :func:`run_layer` would for one of torch's layers, of that mode and weights.

    Torch's functions are called past their module: on short input it takes as long as they do.
    A last row of fewer than s steps is padded where outputs are states; an LSTM's c would be lost.
    It runs few rows packed, as chains of unequal length, for which torch has no kernel of its own;
    of many it takes the last steps as one step of torch's cell or, where autograd's record of that
    costs more than the missing steps, runs these as steps that keep c: by one input more, which
    opens the forget gate and closes the input gate.
    """
    steps, batch, _ = x.shape
    learns = torch.is_grad_enabled()
    width = min(dilation, steps)
    rest = steps % width
    options = (len(weights) == 4, 1, 0.0, training, False, False)
    function = FUNCTIONS[mode]
    size = state[0].size(2)
    starts = state if width == dilation else [h[:width] for h in state]
    first = [h.reshape(1, width * batch, size) for h in starts]
    if mode != "LSTM":
        if rest:
            x = pad(x, (0, 0, 0, 0, 0, width - rest))
        y, last = function(_fold(x, width), first[0], weights, *options)
        y = y.view(-1, batch, size)  # (T, B, H)
        if rest:
            y = y[:steps]
            return y, (y[-width:].clone(),)
        if width < dilation:
            return y, (torch.cat([state[0][width:], y]),)
        return y, (last.view(width, batch, size),)
    if not rest:
        y, *ends = function(_fold(x, width), first, weights, *options)
        newest = [h.view(width, batch, size) for h in ends]
    elif steps // width <= (FEW_ROWS_LEARNING if learns else FEW_ROWS):
        counts = [width * batch] * (steps // width) + [rest * batch]
        rows = torch.tensor(counts, device="cpu")
        y, *ends = function(x.reshape(-1, x.size(2)), rows, first, weights, *options[:-1])
        newest = [h.view(width, batch, size).roll(-rest, 0) for h in ends]
    elif learns and (width - rest) * batch * size <= SPARE:
        marked = pad(x, (0, 1, 0, 0, 0, width - rest))
        marked.detach()[steps:, :, -1] = 1
        gates = weights[0].new_tensor([-KEEP, KEEP, 0, 0]).repeat_interleave(size).unsqueeze(1)
        widened = [torch.cat([weights[0], gates], 1), *weights[1:]]
        y, _, c = function(_fold(marked, width), first, widened, *options)
        y = y.view(-1, batch, size)[:steps]
        newest = [y[-width:].clone(), c.view(width, batch, size).roll(-rest, 0)]
    else:
        cut = rest * batch
        whole, late = x.flatten(0, 1).split([(steps - rest) * batch, cut])
        y, h, c = function(whole.view(-1, width * batch, x.size(2)), first, weights, *options)
        early, *kept = c[0].split([cut, width * batch - cut])
        h, c = torch.lstm_cell(late, (h[0, :cut], early), *weights)
        y = torch.cat([y.view(-1, size), h])
        ends = [y[-width * batch :].clone(), torch.cat([*kept, c])]
        newest = [end.view(width, batch, size) for end in ends]
    if width < dilation:
        newest = [torch.cat([old[width:], h]) for old, h in zip(state, newest, strict=True)]
    return y.view(steps, batch, size), tuple(newest)


def _fold(x: Tensor, width: int) -> Tensor:
    """Return the chains (T/s, s*B, F) of whole rows."""
    return x.reshape(-1, width * x.size(1), x.size(2))


def run_ragged_layer(
    layer: Callable[..., Any], x: Tensor, state: LayerState, dilation: int, lengths: Tensor
) -> tuple[Tensor, LayerState]:
    """Return what :func:`run_layer` would for each sequence of the batch at its own length.

    Chain j of a sequence of n steps has ceil((n - j) / s) of them: the chains are sequences of
    unequal length, which torch's layers run when packed. Outputs beyond a length are zero.
    """
    folded, counts, phases = _ragged(x, dilation, lengths)
    rows, batch = folded.size(0), x.size(1)
    live = counts.nonzero().squeeze(1)  # the chains that have a step: torch packs no others
    output = state[0].new_zeros(rows, dilation * batch, state[0].size(2))
    if live.numel():
        counts, live = counts[live], live.to(x.device)
        chains = [h.flatten(0, 1) for h in state]  # (s*B, H)
        packed = pack_padded_sequence(folded[:, live], counts, enforce_sorted=False)
        y, last = chains_of(layer)(packed, tuple(h[live] for h in chains))
        y, _ = pad_packed_sequence(y, total_length=rows)
        output = output.to(y.dtype).index_copy(1, live, y)
        old_and_new = zip(chains, last, strict=True)
        chains = [h.to(new.dtype).index_copy(0, live, new) for h, new in old_and_new]
        state = _in_order(chains, lengths, phases, batch)
    return output.unflatten(1, (dilation, batch)).flatten(0, 1)[: x.size(0)], state


def run_ragged_chains(
    chains: Chains, x: Tensor, state: LayerState, dilation: int, lengths: Tensor, size: int
) -> tuple[Tensor, LayerState]:
    """Return what :func:`run_ragged_layer` would, for layers that take no packed sequence.

    Time is cut where a chain ends: between two cuts all chains that are left run together.
    ``size`` is the width of the output.
    """
    folded, counts, phases = _ragged(x, dilation, lengths)
    batch, old = x.size(1), [h.flatten(0, 1) for h in state]  # (s*B, H)
    output = x.new_zeros(folded.size(0), dilation * batch, size)
    begin = 0
    for end in counts.unique().tolist():
        if end == 0:
            continue
        live = (counts >= end).nonzero().squeeze(1).to(x.device)
        y, last = chains(folded[begin:end, live], tuple(h[live] for h in old))
        block = output[begin:end].to(y.dtype).index_copy(1, live, y)
        output = torch.cat([output[:begin].to(y.dtype), block, output[end:].to(y.dtype)])
        pairs = zip(old, last, strict=True)
        old = [h.to(new.dtype).index_copy(0, live, new) for h, new in pairs]
        begin = end
    state = _in_order(old, lengths, phases, batch) if begin else state
    return output.unflatten(1, (dilation, batch)).flatten(0, 1)[: x.size(0)], state


def _ragged(x: Tensor, dilation: int, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the chains (T/s, s*B, F), their lengths and the phases (s, 1)."""
    steps = x.size(0)
    rows = -(-steps // dilation)
    x = pad(x, (0, 0, 0, 0, 0, rows * dilation - steps))
    phases = torch.arange(dilation, device=lengths.device).unsqueeze(1)
    counts = ((lengths - phases + dilation - 1) // dilation).flatten()  # (s*B,)
    return x.unflatten(0, (rows, dilation)).flatten(1, 2), counts, phases


def _in_order(
    chains: list[Tensor], lengths: Tensor, phases: Tensor, batch: int
) -> tuple[Tensor, ...]:
    """Return the states (s, B, H), oldest first, of chains (s*B, H) that stand by phase."""
    dilation = phases.size(0)
    newest = (lengths + phases) % dilation  # the oldest step kept, n - s, has the phase of n
    return tuple(take_rows(h.unflatten(0, (dilation, batch)), newest) for h in chains)


def take_rows(history: Tensor, rows: Tensor) -> Tensor:
    """Return the tensor (R, B, ..) of ``history[rows[r, b], b]``."""
    index = rows.to(history.device)
    index = index.view(*index.shape, *[1] * (history.dim() - 2))
    return history.gather(0, index.expand(-1, -1, *history.shape[2:]))
