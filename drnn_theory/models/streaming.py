"""A DilatedRNN that takes one step after another.

A layer of dilation s keeps its last s states in a ring: a step reads the oldest and puts the new
one in its place, so that nothing is copied however large s is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from drnn_theory.checks import as_integer
from drnn_theory.models.folding import CELL_FUNCTIONS
from drnn_theory.models.running import called_as_chains
from drnn_theory.models.states import EntryForm, checked_state, grow, leaves_of
from drnn_theory.models.ways import are_plain, is_plain, is_watched, weights_of

if TYPE_CHECKING:
    from drnn_theory.models.dilated import DilatedRNN

__all__ = ["Stream"]


class Stream:
    """A model that runs step by step; ``DilatedRNN.stream`` makes it.

    >>> from drnn_theory.models import DilatedRNN
    >>> stream = DilatedRNN(3, 5, [1, 2], cell="LSTM").stream()
    >>> stream.step(torch.zeros(1, 3)).shape
    torch.Size([1, 5])
    """

    def __init__(self, model: DilatedRNN, batch_size: int, state: Sequence[Any] | None) -> None:
        batch = as_integer(batch_size, "batch_size")
        like = next(model.parameters(), torch.empty(0))
        like = like.detach().new_empty(0, batch, model.input_size)
        forms = model._forms(like)
        if state is None:
            state = tuple(form.zeros(like, batch, like.dtype) for form in forms)
        else:
            state = checked_state(model, forms, state, batch)
        self._model = model
        self._shape, self._dtype = (batch, model.input_size), like.dtype
        self._check_mode()
        rings = [
            _ring(layer, form, entry)
            for layer, form, entry in zip(model.layers, forms, state, strict=False)
        ]
        self._rings = rings
        self._fused = _Window(model.fuse, forms[-1], state[-1]) if model.fusion else None
        self._ends = model._ends

    def step(self, x: Tensor) -> Tensor:
        """Return the output (batch, hidden_size) for one step's input (batch, input_size)."""
        if not isinstance(x, Tensor) or x.shape != self._shape:
            got = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(f"a step's input must be a tensor of shape {self._shape}, got {got}")
        if x.dtype != self._dtype:
            raise ValueError(
                f"a step's input must be {self._dtype} as the parameters are, got {x.dtype}"
            )
        self._check_mode()
        with torch.no_grad():
            if len(self._ends) == 1:
                for ring in self._rings:
                    x = ring.step(x)
            else:
                x = self._step_by_groups(x)
            return x.clone() if self._fused is None else self._fused.step(x)

    @property
    def state(self) -> tuple[Any, ...]:
        """The state in the form that ``forward`` takes and returns, a copy."""
        rings = self._rings if self._fused is None else [*self._rings, self._fused]
        return tuple(ring.state() for ring in rings)

    def _step_by_groups(self, x: Tensor) -> Tensor:
        carried = x
        for index, ring in enumerate(self._rings):
            if index in self._ends:
                carried = x
            x = ring.step(x)
            if index + 1 in self._ends[1:]:
                x = x + carried
        return x

    def _check_mode(self) -> None:
        if self._model.training and self._model.dropout:
            raise ValueError(
                "a model with dropout must be in evaluation mode to stream, got training mode: "
                "call eval()"
            )


class _Ring:
    """The last s states of a layer, in slots of which ``at`` is the oldest."""

    def __init__(self, form: EntryForm, entry: Any) -> None:
        leaves = [h.detach().clone().unbind(0) for h in leaves_of(entry)]
        self.form = form
        self.slots: list[Any] = list(zip(*leaves, strict=True))
        self.at = 0

    def state(self) -> Any:
        """Return the entry of the state, oldest first."""
        ordered = self.slots[self.at :] + self.slots[: self.at]
        leaves = [torch.stack(column) for column in zip(*ordered, strict=True)]
        return grow(self.form.tree, iter(leaves))


class _Single(_Ring):
    """A ring for torch's layers with one tensor, run by torch's cells."""

    def __init__(self, layer: Any, form: EntryForm, entry: Any) -> None:
        super().__init__(form, entry)
        self.slots = [h for (h,) in self.slots]
        self.cell: Callable[..., Tensor] = CELL_FUNCTIONS[layer.mode]
        self.weights = weights_of(layer)

    def step(self, x: Tensor) -> Tensor:
        at = self.at
        self.slots[at] = h = self.cell(x, self.slots[at], *self.weights)
        self.at = at + 1 if at + 1 < len(self.slots) else 0
        return h

    def state(self) -> Tensor:
        return torch.stack(self.slots[self.at :] + self.slots[: self.at])


class _Pair(_Ring):
    """A ring for torch's LSTM."""

    def __init__(self, layer: Any, form: EntryForm, entry: Any) -> None:
        super().__init__(form, entry)
        self.cell: Callable[..., tuple[Tensor, Tensor]] = CELL_FUNCTIONS[layer.mode]
        self.weights = weights_of(layer)

    def step(self, x: Tensor) -> Tensor:
        at = self.at
        self.slots[at] = pair = self.cell(x, self.slots[at], *self.weights)
        self.at = at + 1 if at + 1 < len(self.slots) else 0
        return pair[0]


class _Called(_Ring):
    """A ring for any other layer, which is called with a sequence of one step."""

    def __init__(self, layer: Any, form: EntryForm, entry: Any) -> None:
        super().__init__(form, entry)
        self.layer = layer

    def step(self, x: Tensor) -> Tensor:
        at = self.at
        with called_as_chains(self.layer, self.form) as chains:
            y, self.slots[at] = chains(x.unsqueeze(0), self.slots[at])
        self.at = at + 1 if at + 1 < len(self.slots) else 0
        return y.squeeze(0)


class _Window(_Ring):
    """The top outputs that a fusion layer reads, and that layer."""

    def __init__(self, fuse: Any, form: EntryForm, entry: Any) -> None:
        super().__init__(form, entry)
        self.slots = [h for (h,) in self.slots]
        self.fuse, self.like = fuse, entry.detach()

    def step(self, x: Tensor) -> Tensor:
        window = [*self.slots[self.at :], *self.slots[: self.at], x]
        if self.slots:
            self.slots[self.at] = x
            self.at = (self.at + 1) % len(self.slots)
        return self.fuse(torch.stack(window, 2)).squeeze(2)

    def state(self) -> Tensor:
        ordered = self.slots[self.at :] + self.slots[: self.at]
        return torch.stack(ordered) if ordered else self.like.clone()


def _ring(layer: Any, form: EntryForm, entry: Any) -> Any:
    plain = is_plain(layer) and not is_watched() and are_plain(weights_of(layer))
    if not plain:
        return _Called(layer, form, entry)
    return _Pair(layer, form, entry) if layer.mode == "LSTM" else _Single(layer, form, entry)
