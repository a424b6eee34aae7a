"""The past recovered by 32 stacks in two budgets, read from the tables of a study."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from functools import cache
from typing import Any

from matplotlib.figure import Figure

from drnn_theory.figures import (
    plot_fisher_memory,
    plot_information_capacity,
    plot_memory_capacity,
    plot_scatter,
)
from drnn_theory.figures.marks import legend_above_all, whole_numbers
from drnn_theory.gallery.describing import in_words
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.measured import load_measured
from drnn_theory.tables import convention

__all__ = ["RECOVERED"]

BUDGETS = {"parameters": "equal parameters", "state": "equal state"}
CURVES = {"memory": plot_memory_capacity, "fisher": plot_fisher_memory}


def _paint_curves(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(len(CURVES), len(BUDGETS), sharex=True, sharey="row")
    for line, (curve, plot) in zip(axes, CURVES.items(), strict=True):
        for ax, (budget, title) in zip(line, BUDGETS.items(), strict=True):
            chosen = [r for r in rows if (r["curve"], r["budget"]) == (curve, budget)]
            medians: dict[str, Any] = {}
            bands: dict[str, Any] = {}
            for name in dict.fromkeys(str(row["architecture"]) for row in chosen):
                own = [row for row in chosen if row["architecture"] == name]
                low, middle, high = (
                    [float(row[key]) for row in own]
                    for key in ("lower quartile", "median", "upper quartile")
                )
                medians[name] = ([row["lag"] for row in own], middle)
                bands[name] = (low, high)
            plot(medians, bands=bands, ax=ax)
            ax.set_ylabel({"memory": "memory capacity", "fisher": "Fisher memory"}[curve])
            if curve == "memory":
                ax.set_title(title)
            ax.label_outer()
    legend_above_all(figure, axes.flat)


def _curves_in_words(rows: Rows) -> str:
    within = {
        name: sum(
            float(row["median"])
            for row in rows
            if (row["architecture"], row["budget"], row["curve"]) == (name, "parameters", "memory")
            and row["lag"] <= 32
        )
        for name in dict.fromkeys(str(row["architecture"]) for row in rows)
    }
    return (
        "Four panels of curves against the lag: memory capacity above, Fisher memory below, at "
        "equal parameters and at equal state. At equal parameters the medians of the memory "
        f"capacity at lags 0 to 32 add up to: {in_words(within)}."
    )


STACKS = (
    "plain, 4 layers",
    "1 2 4 8",
    "1 3 9 14",
    "skip 8, 2 layers",
    "plain, 2 layers",
    "1 6",
    "1 32",
)
"""Stacks whose information capacity is drawn."""
PARTS = {"information linear": "degree 1: linear memory", "information nonlinear": "degrees 2, 3"}


@cache
def _medians(column: str) -> Mapping[tuple[str, str], float]:
    """Return the median of a column over the draws, by architecture and budget."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in load_measured("capacities"):
        values.setdefault((row["architecture"], row["budget"]), []).append(float(row[column]))
    return {key: statistics.median(numbers) for key, numbers in values.items()}


def _computing() -> list[dict[str, Any]]:
    return [
        {
            "architecture": name,
            "budget": budget,
            "part": part,
            "median": _medians(column)[name, budget],
            "span": 32,
            "convention": convention(),
        }
        for budget in BUDGETS
        for name in STACKS
        for column, part in PARTS.items()
    ]


def _paint_computing(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, len(BUDGETS), sharey=True)
    for ax, (budget, title) in zip(axes, BUDGETS.items(), strict=True):
        chosen = [row for row in rows if row["budget"] == budget]
        bars: dict[str, Any] = {
            name: ((1, 2), [row["median"] for row in chosen if row["architecture"] == name])
            for name in dict.fromkeys(str(row["architecture"]) for row in chosen)
        }
        plot_information_capacity(bars, ax=ax)
        for bar, part in zip(ax.containers, PARTS.values(), strict=True):
            bar.set_label(part)
        whole_numbers(ax, "x")
        ax.set_title(title)
        ax.set_xlabel("functions recovered")
    legend_above_all(figure, axes)


def _computing_in_words(rows: Rows) -> str:
    said = [
        f"{BUDGETS[budget]}, {part}: "
        + in_words(
            {
                row["architecture"]: float(row["median"])
                for row in rows
                if (row["budget"], row["part"]) == (budget, part)
            }
        )
        for budget in BUDGETS
        for part in PARTS.values()
    ]
    return f"Stacked bars of the information capacity of {len(STACKS)} stacks. {'. '.join(said)}."


RESULTS = {
    "memory in span": "memory within\nthe span (linear)",
    "information linear": "degree 1\ncapacity (tanh)",
}
GROUPS = ("plain", "exponential", "optimal", "skip")
MEAN = "mean recurrent length"


def _bought() -> list[dict[str, Any]]:
    chosen = [row for row in load_measured("capacities") if row["draw"] == 0]
    return [
        {
            "architecture": row["architecture"],
            "family": row["family"],
            "budget": row["budget"],
            MEAN: row[MEAN],
            **{column: _medians(column)[row["architecture"], row["budget"]] for column in RESULTS},
            "span": row["span"],
            "convention": row["convention"],
        }
        for row in chosen
    ]


def _ranks() -> dict[tuple[str, str], float]:
    """Return rank correlations with the mean recurrent length over all stacks."""
    return {
        (str(row["result"]), str(row["budget"])): float(row["spearman"])
        for row in load_measured("capacities_correlations")
        if (row["predictor"], row["stacks"]) == (MEAN, "all")
    }


def _paint_bought(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(len(RESULTS), len(BUDGETS), sharex=True, sharey="row")
    for line, (column, label) in zip(axes, RESULTS.items(), strict=True):
        for ax, (budget, title) in zip(line, BUDGETS.items(), strict=True):
            groups = {
                family: tuple(
                    [row[key] for row in rows if (row["family"], row["budget"]) == (family, budget)]
                    for key in (MEAN, column)
                )
                for family in GROUPS
            }
            plot_scatter({family: (x, y) for family, (x, y) in groups.items()}, ax=ax)
            ax.set_title(f"{title}: ${_ranks()[column, budget]:.2f}$")
            whole_numbers(ax, "x")
            ax.set_xlabel("mean recurrent length (edges)")
            ax.set_ylabel(label)
            ax.label_outer()
    legend_above_all(figure, axes.flat)


def _bought_in_words(rows: Rows) -> str:
    ranks = {
        f"{' '.join(label.split())}, {BUDGETS[budget]}": _ranks()[column, budget]
        for column, label in RESULTS.items()
        for budget in BUDGETS
    }
    return (
        f"Four panels of points, one for each of {len({r['architecture'] for r in rows})} stacks: "
        "what is remembered against the mean recurrent length. Rank correlations: "
        f"{in_words(ranks)}."
    )


RECOVERED = (
    PaperFigure(
        "memory_curves",
        "Memory capacity and Fisher memory of linear stacks against the lag, in two budgets: at "
        "most 500 parameters, and at most 128 values of state. Medians and quartiles of 20 draws "
        "of random orthogonal matrices, gain 0.9. The longer the dilations, the lower the curve "
        "within the span and the longer its tail; skips echo.",
        lambda: load_measured("capacities_curves"),
        _paint_curves,
        4.2,
        _curves_in_words,
    ),
    PaperFigure(
        "memory_and_computing",
        "Information capacity of tanh stacks in two budgets, medians of 20 draws: inputs "
        "remembered (degree 1) and products of inputs computed (degrees 2 and 3).",
        _computing,
        _paint_computing,
        2.4,
        _computing_in_words,
    ),
    PaperFigure(
        "memory_bought",
        "What a short mean recurrent length buys: linear memory within the lags 1..32, and inputs "
        "remembered by tanh stacks, of 32 stacks in two budgets (medians of 20 draws). In the "
        "titles: rank correlations over all stacks; were short paths memory, they would be near "
        "-1.",
        _bought,
        _paint_bought,
        3.6,
        _bought_in_words,
    ),
)
