"""Figures of speed: DilatedRNN beside others, the starting dilation, the engines."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from drnn_theory.figures import plot_measures
from drnn_theory.figures.marks import (
    draw_lines,
    draw_ranges,
    legend_above_all,
    logarithmic,
    powers_of_two,
    whole_numbers,
)
from drnn_theory.gallery.describing import in_words
from drnn_theory.gallery.figure import PaperFigure, Rows, column
from drnn_theory.measured import load_measured
from drnn_theory.tables import Table

__all__ = ["SPEEDS"]


CELLS = ("RNN", "GRU", "LSTM")


RANGES = "least to largest"
"""Of the runs of which a table gives the median, in its columns low and high."""


def _has_ranges(rows: Rows) -> bool:
    return all("low" in row and "high" in row for row in rows)


SIDES = {
    "view": "view form",
    "undilated": "undilated torch.nn",
    "products": "matrix products",
}


def _speed() -> Table:
    """Return how many times the time of DilatedRNN each other side takes."""
    measured = load_measured("speed_cpu")
    rows = [r for r in measured if r["mode"] == "forward+backward"]
    key = ("cell", "hidden size", "steps", "threads")
    ours = {tuple(r[k] for k in key): r["milliseconds"] for r in rows if r["side"] == "DilatedRNN"}
    compared = [
        {k: v for k, v in r.items() if k != "ratio"}  # which is to the view form
        | {"times DilatedRNN": r["milliseconds"] / ours[tuple(r[k] for k in key)]}
        for r in rows
        if r["side"] != "DilatedRNN"
    ]
    return replace(measured, rows=compared)


def _paint_speed(rows: Rows, figure: Figure) -> None:
    one = [row for row in rows if row["threads"] == 1]
    lengths = sorted({row["steps"] for row in one})
    axes = figure.subplots(1, len(lengths), sharey=True, squeeze=False)[0]
    for ax, steps in zip(axes, lengths, strict=True):
        of_length = [row for row in one if row["steps"] == steps]
        measures: dict[str, dict[str, float]] = {}
        for row in of_length:
            side = str(SIDES.get(row["side"], row["side"]))
            name = f"{row['cell']}, {row['hidden size']} units"
            measures.setdefault(side, {})[name] = row["times DilatedRNN"]
        ax.axvline(1, color="0.5", linewidth=0.8, zorder=0)
        plot_measures(measures, ax=ax)
        powers_of_two(ax, "x")
        ax.set_title(f"{steps} steps")
        ax.set_xlabel("time (DilatedRNN: 1)")
    legend_above_all(figure, axes)


def _speed_table(rows: Rows) -> Rows:
    table: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        case = (f"{row['cell']} {row['hidden size']}", row["steps"], row["threads"])
        names = ("cell, $H$", "steps", "threads")
        cells = table.setdefault(case, dict(zip(names, case, strict=True)))
        cells[str(SIDES.get(row["side"], row["side"]))] = f"{row['times DilatedRNN']:.2f}"
    return list(table.values())


def _paint_start(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, 3)
    for ax, hidden in zip(axes, (20, 64), strict=False):
        of_size = [row for row in rows if row["hidden size"] == hidden]

        def of_cells(fusion: bool, *names: str, of_size: Rows = of_size) -> dict[str, Any]:
            chosen = {
                cell: [row for row in of_size if (row["cell"], row["fusion"]) == (cell, fusion)]
                for cell in CELLS
            }
            return {c: tuple(column(r, name) for name in names) for c, r in chosen.items()}

        draw_lines(ax, of_cells(False, "start", "seconds"), of_cells(True, "start", "seconds"))
        for fusion in (False, True) if _has_ranges(rows) else ():
            draw_ranges(ax, of_cells(fusion, "start", "low", "high"), RANGES)
        ax.set_title(f"{hidden} units")
        ax.set_ylabel("time per training step (s)")
        ax.set_ylim(bottom=0)
    axes[0].plot([], [], "o", color="0.35", markerfacecolor="white", label="markers: with fusion")
    steps = {row["start"]: row["sequential steps"] for row in rows}
    axes[2].plot(list(steps), list(steps.values()), color="0.35", marker="s", markersize=3)
    axes[2].set_title("both")
    powers_of_two(axes[2], "y")
    axes[2].set_ylabel("sequential steps")
    for ax in axes:
        powers_of_two(ax, "x")
        ax.set_xlabel("starting dilation")
    legend_above_all(figure, axes[:2])


def _start_table(rows: Rows) -> Rows:
    return [
        {
            "cell": row["cell"],
            "units": row["hidden size"],
            "start": row["start"],
            "fusion": row["fusion"],
            "sequential steps": row["sequential steps"],
            "seconds": f"{row['seconds']:.3f}",
            **({RANGES: f"{row['low']:.3f} to {row['high']:.3f}"} if _has_ranges(rows) else {}),
            "speed-up": f"{row['speed-up']:.2f}",
            "mean recurrent length": round(row["mean recurrent length"], 2),
        }
        for row in rows
    ]


def _paint_engines(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (grows, label) in zip(
        axes, (("span", "span (lags), 4 layers"), ("layers", "layers, span 2000")), strict=True
    ):
        chosen = [row for row in rows if row["grows"] == grows]
        by_engine: dict[str, list[Any]] = {}
        for row in chosen:
            by_engine.setdefault(str(row["engine"]), []).append(row)
        curves = {
            name: (column(own, grows), column(own, "seconds")) for name, own in by_engine.items()
        }
        draw_lines(ax, curves, curves)
        if _has_ranges(rows):
            ranges = {
                name: (column(own, grows), column(own, "low"), column(own, "high"))
                for name, own in by_engine.items()
            }
            draw_ranges(ax, ranges, RANGES)
        logarithmic(ax)
        ax.set_xlabel(label)
    axes[0].set_xscale("log")
    axes[0].xaxis.set_minor_locator(NullLocator())
    whole_numbers(axes[1], "x")
    axes[0].set_ylabel("median time (s)")
    legend_above_all(figure, axes)


def _speed_in_words(rows: Rows) -> str:
    one = [row for row in rows if row["threads"] == 1]
    means = {
        str(SIDES.get(side, side)): math.exp(
            float(np.mean([math.log(r["times DilatedRNN"]) for r in one if r["side"] == side]))
        )
        for side in dict.fromkeys(row["side"] for row in one)
    }
    return (
        "A panel for each length of sequence, a row for each cell and size, markers at the time "
        f"over that of DilatedRNN. Geometric means on one thread: {in_words(means)}."
    )


def _start_in_words(rows: Rows) -> str:
    steps = {row["start"]: row["sequential steps"] for row in rows}
    first, last = min(steps), max(steps)
    ups = [row["speed-up"] for row in rows if row["start"] == last and not row["fusion"]]
    return (
        f"Time per training step against the starting dilation, {first} to {last}, for 20 and 64 "
        f"units; and sequential steps, which fall from {steps[first]} to {steps[last]}. At "
        f"{last} a step without fusion is {min(ups):.2f} to {max(ups):.2f} times as fast as at "
        f"{first}."
    )


def _engines_in_words(rows: Rows) -> str:
    grown = [row for row in rows if row["grows"] == "span"]
    last: dict[str, Any] = {}
    for row in grown:
        last[str(row["engine"])] = row
    said = [f"{name} {r['seconds']:.3g} s at span {r['span']}" for name, r in last.items()]
    return (
        "Two panels of median times, against the span and against the number of layers, one line "
        f"for each engine. The longest of each: {'; '.join(said)}."
    )


SPEEDS = (
    PaperFigure(
        "speed",
        "Time of forward and backward pass of nine layers 1..256 on one CPU thread, batch 32, in "
        "units of that of DilatedRNN; to the right of 1 is slower. View form: torch.nn's layers "
        "on views, plainly; matrix products: those of DilatedRNN alone; two public "
        "implementations, whose markers nearly coincide.",
        _speed,
        _paint_speed,
        2.6,
        _speed_in_words,
        about={},
        compared=_speed_table,
        table_caption="Time of forward and backward pass of nine layers 1..256 on the CPU, batch "
        "32, in units of that of DilatedRNN with as many threads.",
    ),
    PaperFigure(
        "starting_dilation",
        "Time per training step (1000 steps, batch 32, one CPU thread) and sequential steps of "
        "nine layers against the starting dilation. Without fusion a start above 1 reaches no lag "
        "that it does not divide.",
        lambda: load_measured("starting_dilation"),
        _paint_start,
        2.3,
        _start_in_words,
        compared=_start_table,
        table_caption="Time per training step (1000 steps, batch 32, one CPU thread), and its "
        "ratio to a start at 1, of nine layers by their starting dilation.",
    ),
    PaperFigure(
        "engines",
        "Median time to compute d(0..span) of dilations 1, 2, 4, .. by engine, against the span "
        "and against the number of layers.",
        lambda: load_measured("engines"),
        _paint_engines,
        2.6,
        _engines_in_words,
    ),
)
