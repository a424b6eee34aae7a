"""The table of optimal schemes that comes with the package."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["load_optimal_schemes", "machine_checked"]


def load_optimal_schemes() -> list[dict[str, Any]]:
    """Return every optimal scheme for 1..7 layers and the spans 8, 16, 32, 64, 99, 128, 256.

    One row per span and depth, by span: ``schemes``, all that have the least mean recurrent length
    ``mrl`` of all sets of distinct dilations from 1 within the span; the best ``exponential``
    scheme and its ``exponential_mrl``; the ``counting_bound``. All means are Fractions over the
    lags 1..span and count vertical edges. ``exhaustive`` says that the search excluded anything
    better, ``complete`` that it listed all as good. ``machine_checked`` is the file under
    proofs/rocq in which a proof assistant accepts both, None where the search alone stands behind
    the row. proofs/optimal_schemes.py computes the table.

    >>> row = next(r for r in load_optimal_schemes() if (r["span"], r["layers"]) == (99, 6))
    >>> row["schemes"]
    [(1, 4, 6, 21, 30, 37), (1, 5, 8, 20, 31, 33)]
    """
    return deepcopy(_rows())


def machine_checked(span: int, layers: int) -> str | None:
    """Return the file that proves all optima of one span and depth by machine, if any does.

    >>> machine_checked(99, 5), machine_checked(100, 5)
    ('optimal_schemes.v', None)
    """
    files = {(row["span"], row["layers"]): row["machine_checked"] for row in _rows()}
    return files.get((span, layers))


@cache
def _rows() -> list[dict[str, Any]]:
    text = resources.files("drnn_theory").joinpath("data/optimal_schemes.json").read_text("utf-8")
    return [
        {
            "span": row["span"],
            "layers": row["layers"],
            "schemes": [tuple(scheme) for scheme in row["schemes"]],
            "mrl": Fraction(row["mean recurrent length"]),
            "exponential": tuple(row["exponential"]),
            "exponential_mrl": Fraction(row["exponential mean recurrent length"]),
            "counting_bound": Fraction(row["counting bound"]),
            "exhaustive": row["exhaustive"],
            "complete": row["complete"],
            "machine_checked": row["machine-checked"],
        }
        for row in json.loads(text)["rows"]
    ]
