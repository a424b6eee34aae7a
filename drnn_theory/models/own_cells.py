"""Layers of the user's own inside a DilatedRNN.

Such a layer is called as ``output, state = layer(x, state)`` with x (T, B, F), an output (T, B, H)
and a state of any nesting, every tensor of which has the batch at axis 1. What it looks like is
learnt from a trial on zeros; then the layer runs as chains, as torch's own do.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from drnn_theory.models.folding import Chains, LayerState
from drnn_theory.models.states import EntryForm, Tree, grow, leaves_of, tree_of


@dataclass(frozen=True)
class OwnForm(EntryForm):
    """The form of such a layer's entry, and how wide the first axis of its tensors is."""

    widths: tuple[int, ...]  # k of the layer's tensors (k, batch, ..)
    kind_of_input: tuple[torch.dtype, torch.device]  # that it was tried on


def chains_of_own(layer: Callable[..., Any], form: OwnForm) -> Chains:
    """Return the layer as a function of chains, whose states are (chains, ..)."""

    def run(x: Tensor, first: LayerState) -> tuple[Tensor, LayerState]:
        pairs = zip(first, form.widths, strict=True)
        initial = [h.unsqueeze(0) if k == 1 else h.transpose(0, 1) for h, k in pairs]
        y, state = layer(x, grow(form.tree, iter(initial)))
        last = zip(leaves_of(state), form.widths, strict=True)
        return y, tuple(h.squeeze(0) if k == 1 else h.transpose(0, 1) for h, k in last)

    return run


@torch.compiler.disable
@torch.no_grad()
def try_layer(layer: Any, index: int, x: Tensor, size: int, hidden: int, steps: int) -> OwnForm:
    """Return the form of the layer's entry in the state, or refuse the layer in words.

    It runs on zeros in evaluation mode: for two batches, so that the batch's axis is known, and
    from a state of zeros, which ``None`` must stand for, as a chain may start in a later piece.
    """
    name = f"layer {index}, a {type(layer).__name__},"
    options: Any = {"dtype": x.dtype, "device": x.device}
    modes = [(m, m.training) for m in layer.modules()] if isinstance(layer, torch.nn.Module) else []
    try:
        for module, _ in modes:
            module.training = False
        two, three = (torch.zeros(2, batch, size, **options) for batch in (2, 3))
        tree, shapes, dtypes = _tried(layer, name, two, hidden)
        other, wider, _ = _tried(layer, name, three, hidden)
        if tree != other or [s[:1] + s[2:] for s in shapes] != [s[:1] + s[2:] for s in wider]:
            raise ValueError(
                f"{name} must return a state of one form for every batch, "
                f"got {shapes} for a batch of 2 and {wider} for one of 3"
            )
        if not x.is_meta:
            _check_zeros(layer, name, torch.ones_like(two), tree, shapes, dtypes)
    finally:
        for module, training in modes:
            module.training = training
    return OwnForm(
        tree,
        steps,
        tuple(s[2:] if s[0] == 1 else (s[0], *s[2:]) for s in shapes),
        tuple(None if dtype == x.dtype else dtype for dtype in dtypes),
        "a tensor" if tree is None else "a tuple",
        tuple(s[0] for s in shapes),
        (x.dtype, x.device),
    )


Tried = tuple[Tree, list[tuple[int, ...]], list[torch.dtype]]


def _tried(layer: Any, name: str, x: Tensor, hidden: int) -> Tried:
    """Return the state's tree, shapes and dtypes after a trial, whose results are checked."""
    call = getattr(layer, "forward", layer)
    with contextlib.suppress(ValueError):  # of a call that tells no signature
        try:
            inspect.signature(call).bind(x, None)
        except TypeError:
            signature = inspect.signature(call)
            raise TypeError(f"{name} must be called as layer(x, state), got {signature}") from None
    result = layer(x, None)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        got = (
            f"{len(result)} values" if isinstance(result, (tuple, list)) else type(result).__name__
        )
        raise TypeError(f"{name} must return (output, state), got {got}")
    output, last = result
    steps, batch, _ = x.shape
    shape = (steps, batch, hidden)
    if not isinstance(output, Tensor) or output.shape != shape:
        was = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(f"{name} must return an output of shape {shape}, got {was}")
    leaves = leaves_of(last)
    for h in leaves:
        if not isinstance(h, Tensor):
            raise TypeError(
                f"{name} must return a state that is a tensor or a nested tuple of tensors, "
                f"got {type(h).__name__} in it"
            )
        if h.dim() < 2 or h.size(1) != batch:
            raise ValueError(
                f"{name} must have the batch, {batch}, at axis 1 of every tensor of its state, "
                f"got shape {tuple(h.shape)}"
            )
    if not leaves:
        raise ValueError(f"{name} must return a state that holds a tensor, got {last!r}")
    return tree_of(last), [tuple(h.shape) for h in leaves], [h.dtype for h in leaves]


def _check_zeros(
    layer: Any,
    name: str,
    x: Tensor,
    tree: Tree,
    shapes: list[tuple[int, ...]],
    dtypes: list[torch.dtype],
) -> None:
    """Refuse a layer that starts from anything but zeros."""
    zeros = [x.new_zeros(shape, dtype=d) for shape, d in zip(shapes, dtypes, strict=True)]
    with_none, _ = layer(x, None)
    with_zeros, _ = layer(x, grow(tree, iter(zeros)))
    if not torch.allclose(with_none, with_zeros, rtol=1e-3, atol=1e-5, equal_nan=True):
        raise ValueError(
            f"{name} must take None for a state of zeros: its outputs differ by "
            f"{float((with_none - with_zeros).abs().max()):.2g}"
        )
