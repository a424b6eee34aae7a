"""Better schemes: the best dilations with the same number of layers, at each span."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from tqdm import tqdm

from drnn_theory.architectures import Architecture, as_architecture
from drnn_theory.costs import hidden_layers, state_size
from drnn_theory.design import load_optimal_schemes, optimal_dilations
from drnn_theory.measures import compute_mrl
from drnn_theory.tables import Table, convention

__all__ = ["REACH", "better_schemes", "spans_of"]

REACH = "all lags in reach"
"""What is won from an architecture of which some lags are out of reach."""
EFFORT = {True: 10**7, False: 2 * 10**8}
"""Lags that a search looks at, by whether it is to be quick: a second, or some."""


class _Best(NamedTuple):
    dilations: tuple[int, ...]
    mean: Fraction
    proved: bool


def spans_of(span: int) -> list[int]:
    """Return the spans at which better schemes are looked for: a 16th, a quarter, the whole.

    >>> spans_of(256), spans_of(6)
    ([16, 64, 256], [6])
    """
    return sorted({s for s in (span // 16, span // 4) if s >= 4} | {span})


def better_schemes(
    architectures: Mapping[str, Architecture],
    span: int,
    *,
    quick: bool = False,
    hidden_size: int = 20,
) -> Table:
    """Return the best scheme with the same number of layers, by architecture and span.

    The class is that of :func:`drnn_theory.optimal_dilations`: stacks of distinct dilations from 1
    within the span. The layers of a graph are counted by :func:`drnn_theory.costs.hidden_layers`.
    Below them stands the best scheme of any depth. ``quick`` searches less. The states are those
    of streaming, of cells of ``hidden_size`` units.

    >>> better_schemes({"powers of two": [1, 2, 4, 8]}, 99, quick=True).rows[2]["best dilations"]
    (1, 5, 18, 25)
    """
    checked = {name: as_architecture(a) for name, a in architectures.items()}
    known = {(row["span"], row["layers"]): row for row in load_optimal_schemes()}
    best: dict[tuple[int, int | None], _Best] = {}

    def best_of(length: int, layers: int | None) -> _Best:
        if (length, layers) not in best:
            if (row := known.get((length, layers or 0))) is not None:
                best[length, layers] = _Best(row["schemes"][0], row["mrl"], row["exhaustive"])
            else:
                design = optimal_dilations(length, layers, effort=EFFORT[quick], progress=False)
                proved = design.certificate.exhaustive
                best[length, layers] = _Best(design.schemes[0], design.mrl, proved)
        return best[length, layers]

    rows: list[dict[str, Any]] = []
    spans = spans_of(span)
    pairs = [(name, a, length) for name, a in checked.items() for length in spans]
    for name, a, length in tqdm(pairs, desc="better schemes", unit="scheme"):
        layers = hidden_layers(a)
        mean = compute_mrl(a, length, exact=True)
        row = {"architecture": name, "layers": layers, "span": length, "its mean": float(mean)}
        row["its state"] = state_size(a, hidden_size)
        if layers > length:  # so many distinct dilations do not fit
            columns = ("best dilations", "their mean", "their state", "they win", "proved best")
            rows.append({**row, **dict.fromkeys(columns)})
            continue
        winner = best_of(length, layers)
        rows.append(
            {
                **row,
                "best dilations": winner.dilations,
                "their mean": float(winner.mean),
                "their state": state_size(winner.dilations, hidden_size),
                "they win": _share_won(mean, winner.mean),
                "proved best": winner.proved,
            }
        )
    for length in spans:
        winner = best_of(length, None)
        rows.append(
            {
                "architecture": "any depth",
                "layers": len(winner.dilations),
                "span": length,
                "its mean": None,
                "its state": None,
                "best dilations": winner.dilations,
                "their mean": float(winner.mean),
                "their state": state_size(winner.dilations, hidden_size),
                "they win": None,
                "proved best": winner.proved,
            }
        )
    notes = [
        "layers: of a graph, the hidden units that an edge from an earlier step enters or that a "
        "cycle leads through; sums and an output of its own are none",
        "best dilations: of stacks with the same number of layers, distinct dilations from 1 "
        "within the span; none where there are more layers than lags",
        "they win: by how much their mean is lower",
        f"state: values kept while streaming, with {hidden_size} units to a layer",
        "proved best: excluded by exhaustive search that any is better; else found by local search",
    ]
    return Table(rows, notes, {"convention": convention()})


def _share_won(mean: Any, best: Fraction) -> str:
    """Return by how many per cent a mean is lower than another.

    >>> _share_won(Fraction(10), Fraction(9)), _share_won(Fraction(9), Fraction(9))
    ('10.0%', 'nothing')
    >>> _share_won(math.inf, Fraction(9))
    'all lags in reach'
    """
    if math.isinf(mean):
        return REACH
    return f"{100 * float(1 - best / mean):.1f}%" if best < mean else "nothing"
