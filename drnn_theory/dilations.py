"""Schemes of dilations: tuples of positive integers, one per layer, bottom layer first.

This is one of the package's two doors (the other is :mod:`drnn_theory.graphs`): whatever a
person types as a scheme, a span or a count is checked here, before any work is done.
"""

from __future__ import annotations

import itertools
import math
import operator
import os
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

__all__ = [
    "as_dilations",
    "as_integer",
    "exponential_dilations",
    "is_divisor_chain",
    "require_memory",
]


def as_integer(value: Any, name: str, *, minimum: int = 1) -> int:
    """Return ``value`` as an int of at least ``minimum``; integral floats and numpy integers do.

    Raises ValueError for a number that will not do and TypeError for what is no number; the
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
        raise TypeError(f"{problem} ({type(value).__name__})") from None
    if number < minimum:
        raise ValueError(problem)
    return number


def as_dilations(dilations: Iterable[int], *, name: str = "dilations") -> tuple[int, ...]:
    """Return a scheme of dilations as a tuple of int, bottom layer first.

    Any flat iterable of positive integers will do: a list, a generator, a numpy array. Order and
    repetitions are kept. Raises TypeError or ValueError for anything else; the message calls them
    ``name``.

    >>> as_dilations(2**k for k in range(4))
    (1, 2, 4, 8)
    >>> as_dilations([1, 0, 4])
    Traceback (most recent call last):
    ValueError: dilations must be one or more positive integers, got [1, 0, 4]: 0 is not positive
    """
    rule = f"{name} must be one or more positive integers"
    try:
        if isinstance(dilations, (str, bytes, dict, set, frozenset)):  # a scheme has an order
            raise TypeError
        require_memory(100 * operator.length_hint(dilations), f"a scheme of so many {name}")
        values = list(dilations)
    except TypeError:
        raise TypeError(f"{rule}, got {shown(dilations)} ({type(dilations).__name__})") from None
    if not values:
        raise ValueError(f"{rule}, got none")
    scheme = []
    for value in values:
        try:
            scheme.append(as_integer(value, "dilation"))
        except (TypeError, ValueError) as error:
            try:
                why = "not positive" if value <= 0 else "not an integer"
            except (TypeError, ValueError):  # an array has no single truth value
                why = "not an integer"
            if isinstance(error, TypeError):
                why = f"a {type(value).__name__}"
            raise type(error)(f"{rule}, got {shown(values)}: {shown(value)} is {why}") from None
    return tuple(scheme)


def exponential_dilations(layers: int, base: int = 2, *, start: int = 0) -> tuple[int, ...]:
    """Return the dilations ``base**(start + l - 1)`` for layers l = 1..layers [1].

    ``start`` is the paper's starting exponent: with it the lowest dilation is ``base**start``.

    [1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.

    >>> exponential_dilations(4)
    (1, 2, 4, 8)
    >>> exponential_dilations(3, start=2)
    (4, 8, 16)
    """
    layers = as_integer(layers, "layers")
    base = as_integer(base, "base")
    start = as_integer(start, "start", minimum=0)
    digits = layers * (start + layers) * base.bit_length() // 8
    require_memory(digits, f"dilations up to {base}**{start + layers - 1}")
    return tuple(base ** (start + layer) for layer in range(layers))


def is_divisor_chain(dilations: Iterable[int]) -> bool:
    """Tell whether the distinct dilations, sorted, begin with 1 and each divides the next.

    >>> is_divisor_chain([1, 3, 6, 24]), is_divisor_chain([1, 3, 4]), is_divisor_chain([2, 4])
    (True, False, False)
    """
    coins = sorted(set(as_dilations(dilations)))
    return coins[0] == 1 and all(b % a == 0 for a, b in itertools.pairwise(coins))


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


def shown(value: Any, limit: int = 60) -> str:
    """Return a short one-line repr of what the user typed."""
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integers of more than some thousand digits
        return f"{type(value).__name__} of too many digits to show"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
