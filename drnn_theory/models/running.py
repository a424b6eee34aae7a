"""One layer of a DilatedRNN over a sequence, whichever way it runs.

A sequence is in rows (T, B, F) or in columns (F, T*B): each is a view of the other, and a layer
takes what the last one gave.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from drnn_theory.models.folding import (
    Chains,
    LayerState,
    chains_of,
    run_chains,
    run_folded,
    run_ragged_chains,
    run_ragged_layer,
)
from drnn_theory.models.own_cells import OwnForm, chains_of_own
from drnn_theory.models.recurrence import run_columns
from drnn_theory.models.states import EntryForm
from drnn_theory.models.ways import (
    are_plain,
    columns_are_faster,
    is_plain,
    makes_weights_alone,
    takes_packed,
    weights_of,
)


def run_one(
    layer: Any,
    x: Tensor,
    state: LayerState,
    form: EntryForm,
    hidden: int,
    lengths: Tensor | None,
    watched: bool,
) -> tuple[Tensor, LayerState]:
    """Return a layer's outputs, in rows or in columns, and its last states (s, B, ..).

    ``watched`` tells that the layer must be called as torch calls it.
    """
    dilation, batch = form.steps, state[0].size(1)
    if x.numel() == 0 and (x.size(0) == 0 or batch == 0):
        return _nothing(layer, x, hidden), state
    plain = not watched and is_plain(layer)
    weights = weights_of(layer) if plain else []
    plain = plain and are_plain(weights)
    if lengths is not None:
        rows = as_rows(x, batch)
        if takes_packed(layer):
            return run_ragged_layer(layer, rows, state, dilation, lengths)
        with called_as_chains(layer, form) as chains:
            return run_ragged_chains(chains, rows, state, dilation, lengths, hidden)
    if not plain:
        with called_as_chains(layer, form) as chains:
            return run_chains(chains, as_rows(x, batch), state, dilation)
    tensors = (x, *state, *weights)
    learns = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
    return run_plain(layer.mode, layer.training, weights, x, state, dilation, learns)


def run_plain(
    mode: str,
    training: bool,
    weights: list[Tensor],
    x: Tensor,
    state: LayerState,
    dilation: int,
    learns: bool,
) -> tuple[Tensor, LayerState]:
    """Return what one of torch's layers of these weights gives, by the faster of the two ways.

    By columns only if it ``learns``, or where they are faster in inference, too.
    """
    batch, hidden = state[0].shape[1:]
    steps = -(-x.numel() // (weights[0].size(1) * batch * dilation))  # of a chain
    if not columns_are_faster(mode, hidden, dilation * batch, steps, x.dtype, learns):
        return run_folded(mode, training, weights, as_rows(x, batch), state, dilation)
    first = tuple(h.flatten(0, 1).t() for h in state)  # (H, s*B)
    y, last = run_columns(mode, weights, as_columns(x), first, learns)
    return y, tuple(own_rows(h, batch) for h in last)


def as_rows(x: Tensor, batch: int) -> Tensor:
    """Return a sequence in rows (T, B, F)."""
    return x if x.dim() == 3 else x.t().unflatten(0, (-1, batch))


def as_columns(x: Tensor) -> Tensor:
    """Return a sequence in columns (F, T*B)."""
    return x if x.dim() == 2 else x.flatten(0, 1).t()


def join_steps(parts: list[Tensor], batch: int) -> Tensor:
    """Return the parts of a sequence one after the other, in columns if the first is."""
    if len(parts) == 1:
        return parts[0]
    if parts[0].dim() == 2:
        return torch.cat([as_columns(part) for part in parts], 1)
    return torch.cat([as_rows(part, batch) for part in parts])


def own_rows(x: Tensor, batch: int) -> Tensor:
    """Return a sequence in rows, those of columns in memory of their own."""
    if x.dim() == 3:
        return x
    return x.t().clone(memory_format=torch.contiguous_format).unflatten(0, (-1, batch))


def _nothing(layer: Any, x: Tensor, hidden: int) -> Tensor:
    """Return outputs without a number in them, that depend on all parameters for autograd."""
    parameters = layer.parameters() if isinstance(layer, torch.nn.Module) else ()
    total = x.sum() + sum(p.sum() for p in parameters if p.is_floating_point())
    return x.new_zeros(*x.shape[:2], hidden) + total


@contextlib.contextmanager
def called_as_chains(layer: Any, form: EntryForm) -> Iterator[Chains]:
    """Yield the layer as a function of chains, whose weights are made at the first call only.

    A layer is called twice where s does not divide the steps. A hook of torch.nn.utils that makes
    weights (spectral_norm, which takes a step of a power iteration) is meant to run once.
    """
    if isinstance(form, OwnForm):
        yield chains_of_own(layer, form)
        return
    made = False

    def call(*arguments: Any) -> Any:
        nonlocal made
        again, made = made, makes_weights_alone(layer)
        return layer.forward(*arguments) if again else layer(*arguments)

    with parametrize.cached():
        yield chains_of(call)
