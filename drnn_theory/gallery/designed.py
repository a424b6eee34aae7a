"""The best dilations by number of layers, and architectures of one's own beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from drnn_theory.costs import hidden_layers
from drnn_theory.design import load_optimal_schemes
from drnn_theory.dilations import exponential_dilations
from drnn_theory.figures import plot_mrl_against_layers
from drnn_theory.figures.marks import legend_above_all, powers_of_two
from drnn_theory.gallery.describing import in_words
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.gallery.overview import curves_by_name, together
from drnn_theory.measures import compute_mrl
from drnn_theory.tables import convention

__all__ = ["OPTIMAL_MEANS"]

DESIGN_SPAN = 256
DESIGN_LINES = ("powers of two", "best exponential", "optimum", "counting bound")


def _optimal(span: int = DESIGN_SPAN) -> list[dict[str, Any]]:
    return [
        {
            "layers": row["layers"],
            "span": row["span"],
            "optimal schemes": "; ".join(" ".join(map(str, s)) for s in row["schemes"]),
            "optimum": row["mrl"],
            "best exponential": row["exponential_mrl"],
            "powers of two": compute_mrl(
                exponential_dilations(row["layers"]), row["span"], exact=True
            ),
            "counting bound": row["counting_bound"],
        }
        for row in load_optimal_schemes()
        if row["span"] == span
    ]


def _optimal_in_words(rows: Rows) -> str:
    best = min(rows, key=lambda row: float(row["optimum"]))
    return (
        "Two panels against the number of layers, 1 to 7: mean recurrent lengths of powers of two, "
        "of the best exponential scheme, of the optimum, and the counting bound; and how far each "
        f"is above the bound. The least optimum has {best['layers']} layers: "
        f"{float(best['optimum']):.4g} edges, the bound there being "
        f"{float(best['counting bound']):.4g} and powers of two {float(best['powers of two']):.4g}."
    )


def _own_optimal(own: Mapping[str, Any], span: int | None, only: bool) -> PaperFigure:
    """Return the figure with architectures as markers at their number of layers.

    The span is one of the table's, the next above that asked for.
    """
    spans = sorted({row["span"] for row in load_optimal_schemes()})
    chosen = min((s for s in spans if s >= (span or DESIGN_SPAN)), default=spans[-1])
    rows = _optimal(chosen)
    kept = ("optimum", "counting bound") if only else tuple(DESIGN_LINES)
    together(dict.fromkeys(DESIGN_LINES), own, only=only)
    layers = {name: hidden_layers(a) for name, a in own.items()}
    means = {name: compute_mrl(a, chosen, exact=True) for name, a in own.items()}

    def compute() -> list[dict[str, Any]]:
        named = [
            {"curve": line, "layers": row["layers"], "mean": row[line]}
            for line in kept
            for row in rows
        ]
        return [*named, *({"curve": n, "layers": layers[n], "mean": means[n]} for n in own)]

    def paint(numbers: Rows, figure: Figure) -> None:
        curves = curves_by_name(numbers, "layers", "mean", "curve")
        ax = plot_mrl_against_layers(curves, ax=figure.subplots())
        powers_of_two(ax, "y")

    def describe(_: Rows) -> str:
        optima = {f"{row['layers']} layers": float(row["optimum"]) for row in rows}
        return (
            f"Mean recurrent length over the lags 1..{chosen} against the number of layers. "
            f"Markers: {in_words({n: float(m) for n, m in means.items()})} edges. Optima: "
            f"{in_words(optima)}."
        )

    return PaperFigure(
        "optimal_schemes",
        f"Architectures of one's own (single markers) against the best dilations for the lags "
        f"1..{chosen}, by number of layers.",
        compute,
        paint,
        2.8,
        describe,
        about={"span": chosen, "convention": convention()},
    )


def _paint_optimal(rows: Rows, figure: Figure) -> None:
    left, right = figure.subplots(1, 2)
    layers = [row["layers"] for row in rows]
    names = DESIGN_LINES
    means = {name: [float(row[name]) for row in rows] for name in names}
    plot_mrl_against_layers({name: (layers, means[name]) for name in names}, ax=left)
    powers_of_two(left, "y")
    left.set_yticks([9, 12, 16, 32, 64, 128])
    bound = np.array(means["counting bound"])
    above = {n: (layers, 100 * (np.array(means[n]) / bound - 1)) for n in names[:-1]}
    plot_mrl_against_layers(above, ax=right)
    right.set_yscale("symlog", linthresh=1, linscale=0.3)
    right.set_yticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1000"])
    right.set_ylabel("above the counting bound (%)")
    legend_above_all(figure, (left, right))


def _optimal_table(rows: Rows) -> Rows:
    return [
        {
            "layers": row["layers"],
            "an optimal scheme": row["optimal schemes"].split(";")[0].replace(" ", ", "),
            "optimum": f"{float(row['optimum']):.3f}",
            "exponential": f"{float(row['best exponential']):.3f}",
            "powers of two": f"{float(row['powers of two']):.3f}",
            "bound": f"{float(row['counting bound']):.3f}",
        }
        for row in rows
    ]


OPTIMAL_MEANS = PaperFigure(
    "optimal_schemes",
    "The best dilations for lags 1..256 against exponential schemes and the counting bound: "
    "mean recurrent length (left) and its distance to the bound (right, linear below 1%), by "
    "number of layers.",
    _optimal,
    _paint_optimal,
    2.6,
    _optimal_in_words,
    compared=_optimal_table,
    table_caption="The best dilations by number of layers: their mean recurrent length in "
    "edges against exponential schemes and the counting bound.",
    own=_own_optimal,
)
