"""Rows of a study: arguments of a function, as plain values that JSON can hold, and their keys."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from drnn_theory.checks import shown

__all__ = ["ADDED", "as_plain", "checked_rows", "row_key"]


ADDED = ("error", "seconds", "where")
"""What a row of a study has beside its arguments and its results, in memory or as CSV."""


def checked_rows(function: Callable[..., Any], rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the rows as JSON by their keys, in order; equal rows are one."""
    if isinstance(rows, (str, Mapping)) or not isinstance(rows, Iterable):
        raise TypeError(f"rows must be dictionaries, one a row, got {shown(rows)}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # some built-in functions have none
        signature = None
    checked: dict[str, str] = {}
    for number, given in enumerate(rows):
        if not isinstance(given, Mapping):
            raise TypeError(f"rows must be dictionaries, got {shown(given)} as row {number}")
        row = as_plain(given, f"row {number}")
        reserved = [name for name in ADDED if name in row]
        if reserved:
            raise ValueError(
                f"row {number} must not have an argument {reserved[0]!r}, a column of every study, "
                f"got {shown(given)}"
            )
        try:
            key, text = row_key(row), json.dumps(row)
        except ValueError:
            raise ValueError(f"row {number} must hold finite numbers, got {shown(given)}") from None
        try:
            if signature is not None:
                signature.bind(**row)
        except TypeError as error:
            raise TypeError(
                f"row {number} must be arguments of {function.__name__}{signature}, "
                f"got {shown(given)}: {error}"
            ) from None
        checked.setdefault(key, text)
    return checked


def row_key(row: Mapping[str, Any]) -> str:
    """Return the hash of a row of plain values, whatever the order of its arguments.

    >>> row_key({"a": 1, "b": (2, 3)}) == row_key({"b": [2, 3], "a": 1})
    True
    >>> row_key({"a": 1}) == row_key({"a": 1.0})
    False
    """
    text = json.dumps(row, sort_keys=True, allow_nan=False)  # a NaN equals nothing
    return hashlib.sha256(text.encode()).hexdigest()


def as_plain(value: Any, what: str) -> Any:
    """Return a value as JSON can hold it, sequences as tuples; TypeError for any other."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    elif getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        value = value.item()  # a tensor of one number
    if value is None or isinstance(value, (bool, int, float, str)):
        return json.loads(json.dumps(value))  # an enumeration's member, say, as its value
    if isinstance(value, (list, tuple)):
        return tuple(as_plain(item, what) for item in value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"{what} must have names as keys, got {shown(value)}")
        return {str(key): as_plain(item, what) for key, item in value.items()}
    raise TypeError(
        f"{what} must hold plain values (None, booleans, numbers, strings and lists of them), "
        f"got {shown(value)}"
    )
