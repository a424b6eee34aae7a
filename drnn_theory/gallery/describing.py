"""Alternative texts: what a figure shows, in words made from its rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["at_last", "in_words", "plainly", "values_of"]

Rows = Sequence[Mapping[str, Any]]


def plainly(name: str) -> str:
    """Return a name with its formulas as plain text.

    >>> plainly("lags 1 and $2^{l-1}$, 7 layers"), plainly("$H = 64$")
    ('lags 1 and 2^(l-1), 7 layers', 'H = 64')
    """
    parts = name.split("$")
    if len(parts) % 2 == 0:
        return name
    for k in range(1, len(parts), 2):
        inner = re.sub(r"\\([A-Za-z]+)", r"\1", parts[k])
        parts[k] = re.sub(r"\{([^{}]*)\}", lambda m: m[1] if len(m[1]) < 2 else f"({m[1]})", inner)
    return "".join(parts)


def in_words(values: Mapping[str, float]) -> str:
    """Return values by their names in one phrase, four digits each.

    >>> in_words({"plain": 71.0, "dilated": 10.015625, "convolution": float("inf")})
    'plain: 71; dilated: 10.02; convolution: out of reach'
    """
    return "; ".join(f"{plainly(name)}: {_number(value)}" for name, value in values.items())


def _number(value: float) -> str:
    if math.isinf(value):
        return "out of reach"
    return "undefined" if math.isnan(value) else f"{value:.4g}"


def values_of(rows: Rows, name: str, value: str) -> dict[str, float]:
    """Return the value of the last row of each name.

    >>> values_of([{"a": "x", "v": 1}, {"a": "x", "v": 2}], "a", "v")
    {'x': 2.0}
    """
    return {str(row[name]): float(row[value]) for row in rows}


def at_last(what: str, x: str, y: str, name: str = "architecture") -> Callable[[Rows], str]:
    """Return what describes curves: what they are of, and every one's value at the last point.

    >>> rows = [{"architecture": "plain", "lag": n, "d(n)": n + 1.0} for n in range(3)]
    >>> at_last("Lines of d(n) against the lag", "lag", "d(n)")(rows)
    'Lines of d(n) against the lag, 0 to 2. At 2, plain: 3.'
    """

    def describe(rows: Rows) -> str:
        ends = {str(row[name]): row for row in rows if row[y] is not None}  # the last row of each
        first, last = (edge(row[x] for row in rows) for edge in (min, max))
        values = {
            key if row[x] == last else f"{key} (at {row[x]})": float(row[y])
            for key, row in ends.items()
        }
        return f"{what}, {first} to {last}. At {last}, {in_words(values)}."

    return describe
