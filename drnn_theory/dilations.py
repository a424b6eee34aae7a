"""Schemes of dilations: tuples of positive integers, one per layer, bottom layer first.

One of the package's two doors, beside :mod:`drnn_theory.graphs`: a scheme is checked here before
any work is done.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable

from drnn_theory.checks import as_integer, kind_of, require_memory, shown

__all__ = ["as_dilations", "exponential_dilations", "is_divisor_chain"]


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
        unordered = (str, bytes, dict, set, frozenset)  # a scheme has an order, and no columns
        if isinstance(dilations, unordered) or hasattr(dilations, "columns"):
            raise TypeError
        require_memory(100 * operator.length_hint(dilations), f"a scheme of so many {name}")
        values = list(dilations)
    except TypeError:
        raise TypeError(f"{rule}, got {shown(dilations)}{kind_of(dilations)}") from None
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
                why = "no number" if isinstance(value, str) else f"a {type(value).__name__}"
            if name == "dilations" and isinstance(value, (list, tuple)):
                why += "; residual_rnn takes groups of dilations, layers_rnn the lags of each layer"
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
