r"""The steps that a DilatedRNN's layers must run for some of its outputs alone.

Output t of a layer of dilation s reads the layer's states at t - s, t - 2s, .. and the layer below
at the same steps: for every residue of time modulo s that is read, a chain from its first step to
the last one read. Of dilations 1, 2, .., 2^(L - 1) over T steps the last output needs T / 2^(l - 1)
steps of layer l, less than 2T in all, where a run of everything takes LT.

The longest chains come first; then their k-th steps, k = 0, 1, .., stand side by side, and c chains
of equal length are a sequence on which the layer is one of dilation c. Where chains end, a
:class:`Piece` ends: the next one goes on with those that are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from drnn_theory.models.running import join_steps, own_rows, run_one
from drnn_theory.models.states import leaves_of, pair_form, tensor_form

if TYPE_CHECKING:
    from drnn_theory.models.dilated import DilatedRNN

__all__ = ["Needed", "Piece", "needed_steps", "run_needed", "spares"]

FEWEST = 16  # sequences: with fewer, more calls take longer than the steps that they spare
SHARE = 0.75  # of all steps: where more are needed, a run of everything is as fast


@dataclass(frozen=True)
class Piece:
    """Some chains over some steps; ``kept`` of its last states, oldest first, go on."""

    chains: int
    steps: int  # of all chains together
    kept: slice


@dataclass(frozen=True)
class Needed:
    """The steps that a layer runs, in the order in which it does, and the pieces they fall into."""

    steps: np.ndarray
    pieces: list[Piece]


@lru_cache(maxsize=64)  # a training asks for the same again and again
def needed_steps(dilations: tuple[int, ...], times: tuple[int, ...]) -> list[Needed]:
    """Return what every layer runs for the outputs at the times, bottom layer first.

    >>> [needed.steps.tolist() for needed in needed_steps((1, 2, 4), (5,))]
    [[0, 1, 2, 3, 4, 5], [1, 3, 5], [1, 5]]
    """
    read = np.unique(times)
    layers = []
    for dilation in reversed(dilations):
        residues, last = np.unique((read % dilation)[::-1], return_index=True)
        lengths = read[::-1][last] // dilation + 1
        order = np.argsort(-lengths, kind="stable")
        level = np.arange(lengths.max())[:, None]
        alive = level < lengths[order]
        steps = (level * dilation + residues[order])[alive]
        layers.append(Needed(steps, _pieces(alive.sum(1).tolist())))
        read = np.sort(steps)
    return layers[::-1]


def _pieces(chains: list[int]) -> list[Piece]:
    """Return the pieces of a layer with so many chains at its first, second, .. step.

    A piece may end with a step at which only its first chains are left.

    >>> [(piece.chains, piece.steps, piece.kept) for piece in _pieces([3, 3, 2, 1])]
    [(3, 8, slice(1, 2, None)), (1, 1, slice(0, 0, None))]
    """
    pieces, level = [], 0
    while level < len(chains):
        first = left = chains[level]
        begin = level
        while level < len(chains) and left == first:
            left = chains[level]
            level += 1
        goes_on = chains[level] if level < len(chains) else 0
        older = first - left  # states of chains that ended before the piece's last step
        pieces.append(Piece(first, sum(chains[begin:level]), slice(older, older + goes_on)))
    return pieces


def spares(model: DilatedRNN, x: Tensor, times: list[int]) -> bool:
    """Tell whether a run of what is needed alone is faster, for (T, B, F).

    Measured by tests/benchmarks/last_outputs.py.
    """
    if x.size(1) < FEWEST:
        return False
    plan = needed_steps(model.dilations, tuple(times))
    return sum(len(needed.steps) for needed in plan) <= SHARE * x.size(0) * len(plan)


def run_needed(model: DilatedRNN, x: Tensor, times: list[int]) -> Tensor:
    """Return the outputs (times, B, H) of (T, B, F), from a state of zeros."""
    batch, done = x.size(1), np.arange(x.size(0))
    form_of = pair_form if model.cell == "LSTM" else tensor_form
    plan = needed_steps(model.dilations, tuple(times))
    for layer, hidden, needed in zip(model.layers, model.hidden_sizes, plan, strict=True):
        x = _taken(x, batch, done, needed.steps)
        done = needed.steps
        form = form_of(needed.pieces[0].chains, hidden)
        state = tuple(leaves_of(form.zeros(x, batch, x.dtype)))
        axis, width = (0, 1) if x.dim() == 3 else (1, batch)  # of time, in rows or in columns
        outputs = []
        parts = x.split([piece.steps * width for piece in needed.pieces], axis)
        for part, piece in zip(parts, needed.pieces, strict=True):
            form = form_of(piece.chains, hidden)
            y, state = run_one(layer, part, state, form, hidden, None, watched=False)
            state = tuple(h[piece.kept] for h in state)
            outputs.append(y)
        x = join_steps(outputs, batch)
    return own_rows(x, batch)[_places(done, np.array(times))]


def _taken(x: Tensor, batch: int, before: np.ndarray, after: np.ndarray) -> Tensor:
    """Return the steps ``after`` of a sequence of steps ``before``, in rows or in columns."""
    if np.array_equal(before, after):
        return x
    places = _places(before, after)
    if x.dim() == 3:
        return x.index_select(0, places)
    return x.unflatten(1, (-1, batch)).index_select(1, places).flatten(1)


def _places(steps: np.ndarray, some: np.ndarray) -> Tensor:
    """Return where some of the steps stand among them."""
    place = np.empty(steps.max() + 1, dtype=np.int64)
    place[steps] = np.arange(len(steps))
    return torch.from_numpy(place[some])
