"""The state of a DilatedRNN: one entry per layer, a tensor or a nested tuple of tensors.

Every tensor is (s, batch, ..): the states of the last s steps, oldest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from drnn_theory.models.inputs import check_state

Tree = tuple[Any, ...] | None
"""How the tensors of an entry are nested: None is a tensor, a tuple holds trees."""


@dataclass(frozen=True)
class EntryForm:
    """What an entry of a state must look like."""

    tree: Tree
    steps: int  # s: the first axis of every tensor
    sizes: tuple[tuple[int, ...], ...]  # the axes of every tensor after (s, batch)
    dtypes: tuple[torch.dtype | None, ...]  # None: that of the parameters
    kind: str  # what a message calls the entry

    def zeros(self, like: Tensor, batch: int, dtype: torch.dtype) -> Any:
        """Return zeros, made from a tensor so that vmap sees them."""
        leaves = [
            like.new_zeros((self.steps, batch, *size), dtype=own or dtype)
            for size, own in zip(self.sizes, self.dtypes, strict=True)
        ]
        return grow(self.tree, iter(leaves))

    def checked(self, model: Any, name: str, entry: Any, batch: int) -> Any:
        """Return the entry with tuples for lists, or refuse what has another form."""
        if self.tree == (None, None):
            shape = (self.steps, batch, *self.sizes[0])
            if not isinstance(entry, (tuple, list)) or len(entry) != 2:
                got = type(entry).__name__
                raise TypeError(f"{name} must be {self.kind} of shape {shape}, got {got}")
        flat = list(self._flat(self.tree, name, entry))
        for (where, h), size, dtype in zip(flat, self.sizes, self.dtypes, strict=True):
            kind = self.kind if self.tree == (None, None) else "a tensor"
            shape = (self.steps, batch, *size)
            check_state(model, where, kind, h, shape, casts=True, dtype=dtype)
        return grow(self.tree, (h for _, h in flat))

    def _flat(self, tree: Tree, name: str, entry: Any) -> Iterator[tuple[str, Any]]:
        """Yield every tensor with its name."""
        if tree is None:
            yield name, entry
            return
        if not isinstance(entry, (tuple, list)) or len(entry) != len(tree):
            got = len(entry) if isinstance(entry, (tuple, list)) else type(entry).__name__
            raise TypeError(f"{name} must be a tuple of {len(tree)} entries, got {got}")
        pair = self.tree == (None, None)  # both tensors of an LSTM go by the entry's name
        for index, (branch, part) in enumerate(zip(tree, entry, strict=True)):
            yield from self._flat(branch, name if pair else f"{name}[{index}]", part)


def tensor_form(steps: int, size: int) -> EntryForm:
    """Return the form of one tensor (s, batch, size)."""
    return EntryForm(None, steps, ((size,),), (None,), "a tensor")


def pair_form(steps: int, size: int) -> EntryForm:
    """Return the form of an LSTM's pair (h, c)."""
    return EntryForm((None, None), steps, ((size,),) * 2, (None,) * 2, "a pair (h, c) of tensors")


def leaves_of(entry: Any) -> list[Tensor]:
    """Return the tensors of an entry, or of a state, in order.

    >>> [t.item() for t in leaves_of((torch.tensor(1), (torch.tensor(2), torch.tensor(3))))]
    [1, 2, 3]
    """
    if isinstance(entry, Tensor):
        return [entry]
    if isinstance(entry, (tuple, list)):
        return [leaf for part in entry for leaf in leaves_of(part)]
    return [entry]


def tree_of(entry: Any) -> Tree:
    """Return how the tensors of an entry are nested."""
    return tuple(map(tree_of, entry)) if isinstance(entry, (tuple, list)) else None


def grow(tree: Tree, leaves: Iterator[Any]) -> Any:
    """Return leaves nested as the tree says."""
    if tree is None:
        return next(leaves)
    return tuple([grow(branch, leaves) for branch in tree])


def map_state(function: Callable[[Tensor], Tensor], state: Any) -> Any:
    """Return the state with a function applied to every tensor."""
    if isinstance(state, (tuple, list)):
        return tuple(map_state(function, entry) for entry in state)
    return function(state)


def detached(state: Sequence[Any]) -> tuple[Any, ...]:
    """Return the state cut from the graph of what came before: for training on long streams.

    >>> from drnn_theory.models import DilatedRNN
    >>> _, state = DilatedRNN(1, 8, [1, 2], cell="LSTM")(torch.zeros(5, 2, 1))
    >>> [h.requires_grad for pair in detached(state) for h in pair]
    [False, False, False, False]
    """
    return map_state(Tensor.detach, tuple(state))


def checked_state(
    model: Any, forms: Sequence[EntryForm], state: Any, batch: int
) -> tuple[Any, ...]:
    """Return the state as a tuple, or refuse what this model cannot have returned."""
    rule = f"state must be a tuple of {len(forms)} entries"
    if isinstance(state, Tensor) or not isinstance(state, Sequence):
        raise TypeError(f"{rule}, got {type(state).__name__}")
    if len(state) != len(forms):
        raise ValueError(f"{rule}, got {len(state)}")
    return tuple(
        form.checked(model, f"state[{index}]", entry, batch)
        for index, (form, entry) in enumerate(zip(forms, state, strict=True))
    )


def cast_state(state: Any, dtype: torch.dtype) -> Any:
    """Return the state with its floats in that dtype."""
    return map_state(lambda h: h.to(dtype) if h.is_floating_point() else h, state)


def batched(state: Any, forms: Sequence[EntryForm]) -> Any:
    """Return the state of an unbatched sequence with the batch axis put in."""
    axes = {1 + len(size) for form in forms for size in form.sizes}

    def put_in(h: Any) -> Any:
        if isinstance(h, Tensor) and h.dim() not in axes:
            raise ValueError(
                f"state must hold tensors (s, hidden_size) for unbatched input,"
                f" got shape {tuple(h.shape)}"
            )
        return h.unsqueeze(1) if isinstance(h, Tensor) else h

    return map_state(put_in, state) if isinstance(state, (tuple, list)) else state
