"""The file that holds a training, written whole or not at all and read as data alone."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drnn_theory.checks import shown

__all__ = ["load_checkpoint", "save_checkpoint"]

FORMAT = 1
TENSORS = ("network", "best_weights", "state", "random")


def save_checkpoint(path: Path, kept: dict[str, Any]) -> None:
    """Write what is kept to the file; one that was there before stays until all is on the disk.

    Raises ValueError where the file cannot be written, a full disk included.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            told = {name: _without_numpy(kept[name]) for name in kept if name not in TENSORS}
            torch.save({"format": FORMAT} | kept | told, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ValueError(
            f"checkpoint must be a file that can be written, got {path}: {why}"
        ) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _without_numpy(value: Any) -> Any:
    """Return dictionaries and sequences with numpy's numbers as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (dict, OrderedDict, Counter):
        pairs = {_without_numpy(name): _without_numpy(part) for name, part in value.items()}
        return type(value)(pairs)
    return type(value)(map(_without_numpy, value)) if type(value) in (list, tuple) else value


def load_checkpoint(
    path: Path, settings: dict[str, Any], device: torch.device
) -> dict[str, Any] | None:
    """Return what the file holds, None where there is none.

    A training that came to the end of its steps goes on for more. Raises ValueError for a file that
    is damaged, that holds more than tensors and plain values, or that was written with other
    settings.
    """
    if not path.exists():
        return None
    try:
        kept = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ValueError(
            f"checkpoint must be a whole file of tensors and plain values, got {path} ({why}): "
            "delete it to start again"
        ) from None
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise ValueError(f"checkpoint must be a file that train wrote, got {path}")
    for name, value in settings.items():
        written = kept["settings"].get(name, value)  # older files hold less
        longer = name == "steps" and kept["stopped"] == "steps" and value > written
        if written != value and not longer:
            raise ValueError(
                f"checkpoint must have {name} {shown(value, 300)}, as asked, got "
                f"{shown(written, 300)} in "
                f"{path}: delete it to start again"
            )
    return kept
