"""Mean and longest path against the span, for the networks of which orders are printed."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from drnn_theory.figures.marks import draw_lines, legend_above_all, powers_of_two
from drnn_theory.gallery.describing import at_last
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.gallery.overview import curves_by_name
from drnn_theory.orders import path_length_orders
from drnn_theory.tables import Table

__all__ = ["ORDER_FIGURES"]

SPANS = tuple(4**k for k in range(7))
TABLED = 64
DRAWN = {"mean recurrent length": "mean (edges)", "longest path": "longest (edges)"}


def _orders() -> Table:
    return path_length_orders(SPANS)


def _paint(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, len(DRAWN), sharey=True)
    for ax, (measure, label) in zip(axes, DRAWN.items(), strict=True):
        numbers = [
            {**row, measure: math.nan if row[measure] is None else row[measure]} for row in rows
        ]
        draw_lines(ax, curves_by_name(numbers, "span", measure, "network"))
        powers_of_two(ax, "x")
        powers_of_two(ax, "y")
        ax.set_xlabel("span $m$ (steps)")
        ax.set_ylabel(f"shortest path, {label}")
    legend_above_all(figure, axes)


def _in_words(rows: Rows) -> str:
    what = "Lines of mean and longest shortest path, in edges, against the span"
    (drawn, means), (_, longest) = (
        at_last(what, "span", measure, "network")(rows).split(". At ") for measure in DRAWN
    )
    return f"{drawn}. Means at {means} Longest paths at {longest}"


def _table(rows: Rows) -> Rows:
    """Return the networks at the longest span."""
    return [
        {
            "network": row["network"],
            "order, as printed": f"${row['maximum path length (printed)']}$".replace(
                "log_k", r"\log_k"
            )
            if row["maximum path length (printed)"]
            else None,
            "longest path": int(row["longest path"]),
            "mean recurrent length": f"{float(row['mean recurrent length']):.3f}",
            "parameters": row["parameters"],
            "state": row["state"],
            "sequential steps": row["sequential steps"],
        }
        for row in rows
        if row["span"] == TABLED
    ]


ORDER_FIGURES = (
    PaperFigure(
        "orders",
        "Mean and longest shortest path against the span, of networks that cover it: what the "
        "orders of maximum path lengths (Vaswani et al., table 1) hide is the constant and the "
        "mean.",
        _orders,
        _paint,
        3.2,
        _in_words,
        compared=_table,
        table_caption=f"Longest and mean shortest path in edges over the lags 1..{TABLED}, the "
        "order printed by Vaswani et al. (2017, table 1), and costs with 64 units per state.",
    ),
)
