"""Checks of a model's input and state: shape, dtype and device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def autocasts(x: Tensor) -> bool:
    """Tell whether autocast is on where the tensor is."""
    device = x.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def check_input(model: Any, x: Any, *, casts: bool = False) -> None:
    """Refuse anything but an input of the model."""
    order = "batch, time" if model.batch_first else "time, batch"
    rule = f"input must be a tensor of shape ({order}, {model.input_size})"
    if not isinstance(x, Tensor):
        raise TypeError(f"{rule}, got {type(x).__name__}")
    if x.dim() not in (2, 3) or x.size(-1) != model.input_size:
        raise ValueError(f"{rule} or (time, {model.input_size}), got {tuple(x.shape)}")
    _check_kind(model, "input", x, casts)


def check_state(
    model: Any,
    name: str,
    kind: str,
    h: Any,
    shape: tuple[int, ...],
    *,
    casts: bool = False,
    dtype: torch.dtype | None = None,
) -> None:
    """Refuse anything but a tensor of that shape; ``kind`` says what must be in its place.

    ``dtype`` is that of the parameters where it is not given.
    """
    rule = f"{name} must be {kind} of shape {shape}"
    if not isinstance(h, Tensor):
        raise TypeError(f"{rule}, got {type(h).__name__}")
    if h.shape != shape:
        raise ValueError(f"{rule}, got {tuple(h.shape)}")
    if dtype is None:
        _check_kind(model, name, h, casts)
    elif h.dtype != dtype:
        raise ValueError(f"{name} must be {dtype} as the layer returns it, got {h.dtype}")


def _check_kind(model: Any, name: str, x: Tensor, casts: bool) -> None:
    """Refuse another dtype or device; a model that ``casts`` takes any float under autocast."""
    own = next(model.parameters(), None)
    if own is None:  # quantised, or cells of one's own without parameters
        return
    if x.dtype != own.dtype and not (casts and autocasts(x) and x.dtype.is_floating_point):
        raise ValueError(f"{name} must be {own.dtype} as the parameters are, got {x.dtype}")
    if x.device != own.device:
        raise ValueError(f"{name} must be on {own.device} as the parameters, got {x.device}")


def as_lengths(lengths: Tensor | Sequence[int], x: Tensor) -> Tensor:
    """Return the lengths of a batch (T, B, F) as a tensor on the CPU, where torch packs from."""
    steps, batch, _ = x.shape
    rule = f"lengths must be {batch} integers from 0 to {steps}, one per sequence"
    values = lengths if isinstance(lengths, Tensor) else torch.tensor(lengths, device="cpu")
    if values.shape != (batch,):
        raise ValueError(f"{rule}, got shape {tuple(values.shape)}")
    if values.numel() and (values.is_floating_point() or values.dtype == torch.bool):
        raise TypeError(f"{rule}, got {values.dtype}")
    if values.is_meta:
        return values
    values = values.cpu()
    if values.numel() and (int(values.min()) < 0 or int(values.max()) > steps):
        raise ValueError(f"{rule}, got {values.tolist()}")
    return values.long()
