"""Checks of what a person types, in one grammar: what must hold, then what was got.

Whatever comes in from outside (an integer, a number, a word, a size, an optional package) is
checked here, before any work is done, so that every function refuses it in the same words.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable
from importlib import import_module
from numbers import Integral, Real
from types import ModuleType
from typing import Any

__all__ = [
    "as_integer",
    "as_number",
    "kind_of",
    "one_of",
    "require_extra",
    "require_memory",
    "shown",
]

EXTRAS = {
    "torch": "torch",
    "sklearn": "learning",
    "pandas": "tables",
    "ipywidgets": "notebook",
    "anywidget": "notebook",
}
"""Optional package: the extra of this package that installs it."""


def as_integer(value: Any, name: str, *, minimum: int = 1) -> int:
    """Return ``value`` as an int of at least ``minimum``; integral floats and numpy integers do.

    Raises ValueError for a number that will not do and TypeError for anything but a number; the
    message calls the value ``name``.

    >>> as_integer(8.0, "span")
    8
    >>> as_integer(0, "span")
    Traceback (most recent call last):
    ValueError: span must be a positive integer, got 0
    """
    if type(value) is int and value >= minimum:
        return value
    kind = {0: "a non-negative integer", 1: "a positive integer"}.get(
        minimum, f"an integer of at least {minimum}"
    )
    problem = f"{name} must be {kind}, got {shown(value)}"
    if isinstance(value, Real) and not isinstance(value, Integral):
        if not math.isfinite(value) or value % 1:
            raise ValueError(problem)
        value = int(float(value))
    try:
        if isinstance(value, bool) or type(value).__name__ == "bool":  # numpy's bool, too
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{problem}{kind_of(value)}") from None
    if number < minimum:
        raise ValueError(problem)
    return number


def as_number(value: Any, name: str, *, low: float = 0.0, high: float = math.inf) -> float:
    """Return ``value`` as a finite float in [low, high].

    Raises ValueError for a number that will not do and TypeError for anything else (a bool, a
    string); the message calls the value ``name``.

    >>> as_number(1, "gain"), as_number(0.5, "dropout", high=1)
    (1.0, 0.5)
    >>> as_number(-0.1, "gain")
    Traceback (most recent call last):
    ValueError: gain must be a non-negative number, got -0.1
    """
    if math.isinf(high):
        kinds = {0.0: "a non-negative number", -math.inf: "a number"}
        kind = kinds.get(low, f"a number of at least {low:g}")
    else:
        kind = f"a number in [{low:g}, {high:g}]"
    problem = f"{name} must be {kind}, got {shown(value)}"
    try:
        if isinstance(value, (bool, str, bytes)) or type(value).__name__ == "bool":
            raise TypeError
        number = float(value)
    except TypeError:
        raise TypeError(f"{problem}{kind_of(value)}") from None
    except OverflowError:
        raise ValueError(problem) from None
    if not (low <= number <= high and math.isfinite(number)):
        raise ValueError(problem)
    return number


def one_of(value: Any, name: str, choices: Iterable[str]) -> Any:
    """Return ``value`` if it is one of the words; ValueError, naming them all, if not.

    >>> one_of("GRU", "cell", ["RNN", "GRU", "LSTM"])
    'GRU'
    >>> one_of("gru", "cell", ["RNN", "GRU", "LSTM"])
    Traceback (most recent call last):
    ValueError: cell must be one of 'RNN', 'GRU', 'LSTM', got 'gru'
    """
    words = list(choices)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, words))}, got {shown(value)}")
    return value


def require_memory(needed: int, task: str) -> None:
    """Raise ValueError if ``needed`` bytes are more than half of this machine's memory.

    >>> require_memory(10**18, "10**17 lags")
    Traceback (most recent call last):
    ValueError: 10**17 lags must fit in half of this machine's memory, got 931322575 GiB
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no sysconf outside POSIX
        memory = 8 * 2**30
    if needed > memory // 2:
        raise ValueError(
            f"{task} must fit in half of this machine's memory, got {round(needed / 2**30)} GiB"
        )


def require_extra(package: str, task: str) -> ModuleType:
    """Return an optional package; ImportError, with the command that brings it, if missing.

    >>> require_extra("pandas", "a DataFrame").__name__
    'pandas'
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        package = package.partition(".")[0]
        if error.name != package:  # it is there, and something that it needs is not
            raise
        command = f'pip install "drnn_theory[{EXTRAS[package]}]"'
        raise ImportError(f"{task} needs {package}: {command}") from None


def kind_of(value: Any) -> str:
    """Return in brackets what a value is, unless the way it is written shows it.

    >>> kind_of("8"), kind_of(True), kind_of(range(3))
    ('', '', ' (range)')
    """
    return "" if isinstance(value, (str, bool)) else f" ({type(value).__name__})"


def shown(value: Any, limit: int = 60) -> str:
    """Return a short one-line repr of what the user typed.

    >>> shown(list(range(100)), limit=20)
    '[0, 1, 2, 3, 4, 5...'
    """
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integers of more than some thousand digits
        return f"{type(value).__name__} of too many digits to show"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def refusal_of_gates(cell: Any) -> str:
    """Return what a measurement says that needs all ways through time to be weights."""
    return (
        f"the cell must be 'RNN', got {cell!r}: the carry of a {cell} from step to step is no "
        "weight that could be scaled"
    )
