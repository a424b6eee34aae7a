"""Figures of any architectures side by side: path lengths, means against the span, measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from drnn_theory.architectures import Architecture
from drnn_theory.figures import plot_measures, plot_mrl_against_span, plot_path_lengths
from drnn_theory.figures.marks import powers_of_two
from drnn_theory.gallery.describing import at_last, in_words, values_of
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.measures import (
    compute_mrl,
    longest_lag,
    mrl_curve,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    vertical_edges,
)
from drnn_theory.paths import lengths_over_phases
from drnn_theory.tables import convention

__all__ = [
    "curves_by_name",
    "measures_side_by_side",
    "mrl_by_span",
    "path_lengths_by_lag",
    "together",
]


def curves_by_name(
    rows: Rows, x: str, y: str, name: str = "architecture"
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return (x, y) for each name, as the rows have them in order."""
    names = dict.fromkeys(row[name] for row in rows)
    return {
        key: (
            np.array([float(row[x]) for row in rows if row[name] == key]),
            np.array([float(row[y]) for row in rows if row[name] == key]),
        )
        for key in names
    }


def path_lengths_by_lag(
    architectures: Mapping[str, Architecture],
    span: int,
    *,
    name: str,
    caption: str,
    own: Any = None,
) -> PaperFigure:
    """Return the figure of d(n) in the worst phase for lags 0..span; ``own`` that of others."""

    def compute() -> Rows:
        return [
            {"architecture": name, "lag": n, "d(n)": float(d)}
            for name, a in architectures.items()
            for n, d in enumerate(lengths_over_phases(a, span)[0].up_to(span))
        ]

    def paint(rows: Rows, figure: Figure) -> None:
        lengths = {n: d for n, (_, d) in curves_by_name(rows, "lag", "d(n)").items()}
        ax = plot_path_lengths(lengths, ax=figure.subplots())
        powers_of_two(ax, "y")
        if span % 8 == 0 and span <= 64:
            ax.set_xticks(range(0, span + 1, 8))

    about = {"span": span, "convention": convention(lags="0..span")}
    what = "Lines of the shortest path length d(n), in edges, against the lag n"
    describe = at_last(what, "lag", "d(n)")
    height = _height(len(architectures))
    return PaperFigure(name, caption, compute, paint, height, describe, about=about, own=own)


def mrl_by_span(
    architectures: Mapping[str, Architecture], span: int, *, name: str, caption: str
) -> PaperFigure:
    """Return the figure of the mean recurrent length against spans up to ``span``."""
    steps = {round(2 ** (k / 8)) for k in range(8 * span.bit_length())}
    spans = sorted({s for s in steps if s < span} | {span})

    def compute() -> Rows:
        return [
            {"architecture": name, "span": s, "mean recurrent length": float(mean)}
            for name, a in architectures.items()
            for s, mean in zip(spans, mrl_curve(a, spans), strict=True)
        ]

    def paint(rows: Rows, figure: Figure) -> None:
        curves = curves_by_name(rows, "span", "mean recurrent length")
        ax = plot_mrl_against_span(curves, ax=figure.subplots())
        powers_of_two(ax, "x")
        powers_of_two(ax, "y")

    what = "Lines of the mean recurrent length, in edges, against the span"
    describe = at_last(what, "span", "mean recurrent length")
    return PaperFigure(name, caption, compute, paint, _height(len(architectures)), describe)


def _height(curves: int) -> float:
    """Return inches for so many curves, whose legend takes a row for each two."""
    return 2.8 + 0.12 * max(0, -(-curves // 2) - 3)


def measures_side_by_side(
    architectures: Mapping[str, Architecture],
    span: int,
    *,
    name: str,
    caption: str,
    table_caption: str = "",
    own: Any = None,
) -> PaperFigure:
    """Return the figure of mean and longest shortest path, and what they cost, shortest first."""

    def compute() -> Rows:
        rows = []
        for name, a in architectures.items():
            mean = compute_mrl(a, span, exact=True)
            try:
                skip: Any = recurrent_skip_coefficient(a)
            except ValueError:  # no cycle: nothing recurs
                skip = None
            rows.append(
                {
                    "architecture": name,
                    "mean recurrent length": float(mean),
                    "exactly": mean,
                    "longest path": longest_lag(a, span)[1],
                    "vertical edges": vertical_edges(a),
                    "recurrent edges per node": recurrent_edges_per_node(a),
                    "recurrent skip coefficient": skip,
                }
            )
        return sorted(rows, key=lambda row: row["mean recurrent length"])

    def paint(rows: Rows, figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))

        def column(name: str) -> dict[str, float]:
            return {row["architecture"]: float(row[name]) for row in rows}

        lengths = {"mean": column("mean recurrent length"), "longest": column("longest path")}
        plot_measures(lengths, ax=left)
        plot_measures({"recurrent edges": column("recurrent edges per node")}, ax=right)
        right.tick_params(axis="y", labelleft=False)
        left.set_xlabel(f"shortest path over lags 1..{span} (edges)")
        right.set_xlabel("edges per hidden node")
        for ax in (left, right):
            powers_of_two(ax, "x")

    # of 36 letters and more a name takes more lines than one
    lines = max(-(-len(name) // 36) for name in architectures)
    height = max(1.6, len(architectures) * max(0.2, 0.04 + 0.12 * lines))
    about = {"span": span, "convention": convention()}
    return PaperFigure(
        name,
        caption,
        compute,
        paint,
        height,
        _measures_in_words,
        about=about,
        compared=_compared,
        table_caption=table_caption,
        own=own,
    )


def _measures_in_words(rows: Rows) -> str:
    means = values_of(rows, "architecture", "mean recurrent length")
    return (
        f"A row of markers for each of {len(rows)} architectures, shortest mean first: mean and "
        "longest shortest path, and recurrent edges per hidden node. Mean recurrent lengths in "
        f"edges: {in_words(means)}."
    )


def together(
    paper: Mapping[str, Architecture], own: Mapping[str, Architecture], *, only: bool
) -> dict[str, Architecture]:
    """Return the paper's architectures and one's own, these last so that they are drawn on top.

    Raises ValueError where one has the name of another.
    """
    if only:
        return dict(own)
    if twice := sorted(paper.keys() & own.keys()):
        raise ValueError(f"names in a figure must differ, got {twice[0]!r} twice")
    return {**paper, **own}


def _compared(rows: Rows) -> Rows:
    return [
        {
            "architecture": row["architecture"],
            "mean recurrent length": f"{row['mean recurrent length']:.3f}",
            "longest path": row["longest path"],
            "vertical edges": row["vertical edges"],
            "recurrent edges per node": f"{float(row['recurrent edges per node']):.3f}",
            "skip coefficient": None
            if row["recurrent skip coefficient"] is None
            else f"{float(row['recurrent skip coefficient']):.3g}",
        }
        for row in rows
    ]
