"""Figures of gradient flow: its law beside measurements, and what it goes with."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from drnn_theory.figures import plot_gradient_profiles, plot_scatter
from drnn_theory.figures.marks import Curve, legend_above_all, logarithmic, whole_numbers
from drnn_theory.gallery.figure import PaperFigure, Rows, column
from drnn_theory.measured import load_measured

__all__ = ["GRADIENT_FLOW"]


NETWORKS = {
    "orthogonal": "linear, orthogonal",
    "tanh": "tanh, orthogonal",
    "gaussian": "linear, Gaussian (median)",
}


def _paint_law(rows: Rows, figure: Figure) -> None:
    """Draw norms: the tables hold their squares over the hidden size."""
    axes = figure.subplots(1, len(NETWORKS))
    for ax, (network, title) in zip(axes, NETWORKS.items(), strict=True):
        sizes = dict.fromkeys(row["hidden size"] for row in rows)
        law: dict[str, Curve] = {}
        measured: dict[str, Curve] = {}
        for size in sizes:
            these = [r for r in rows if (r["network"], r["hidden size"]) == (network, size)]
            some = these[::3]
            measured[f"$H = {size}$"] = (
                column(some, "lag"),
                np.sqrt(column(some, "measured")),
            )
            law["law"] = (column(these, "lag"), np.sqrt(column(these, "law")))
        plot_gradient_profiles(law, points=measured, ax=ax)
        logarithmic(ax)
        ax.set_title(title)
        ax.set_ylabel(r"$\|\partial h_T / \partial x_{T-n}\|_F\,/\sqrt{H}$ (no unit)")
    for ax in axes[1:]:
        ax.set_ylabel("")
    legend_above_all(figure, axes)


def _paint_flow(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, 3)
    drawn = [row for row in rows if row["weights"] == "uniform"]
    stacks = [row for row in drawn if row["architecture"][0].isdigit()]
    groups = {
        "dilated stacks": stacks,
        "skip and plain stacks": [row for row in drawn if row not in stacks],
    }
    ranks = {
        (row["reach"], row["predictor"]): row["spearman"]
        for row in load_measured("gradient_flow_correlations")
        if (row["weights"], row["architectures"]) == ("uniform", "all")
    }
    gradient = r"mean of $\log_{10}$ gradient (no unit)"
    panels = (
        ("mean recurrent length", "log gradient", "mean recurrent length (edges)", gradient),
        ("mean recurrent length", "horizon", "mean recurrent length (edges)", "horizon (steps)"),
        ("law log gradient", "log gradient", "by the law (no unit)", gradient),
    )
    for ax, (x, y, x_label, y_label) in zip(axes, panels, strict=True):
        plot_scatter({n: (column(g, x), column(g, y)) for n, g in groups.items()}, ax=ax)
        # the table turns the sign of the mean recurrent length, so that all are expected positive
        rank = ranks[y, "law"] if x.startswith("law") else -ranks[y, x]
        ax.set_title(f"rank correlation ${rank:.2f}$")
        if x == "mean recurrent length":
            whole_numbers(ax, "x")
        ax.set_xlabel(x_label)
        ax.set_ylabel(y_label)
    legend_above_all(figure, axes)


REACHES = {"log gradient": "mean log gradient", "horizon": "horizon", "mean lag": "mean lag"}


PREDICTORS = {
    "mean recurrent length": "minus mean recurrent length",
    "recurrent skip coefficient": "skip coefficient",
    "log paths": "log paths",
    "law": "law",
}


def _flow_table(_: Rows) -> Rows:
    """Return rank correlations, from the table of them."""
    ranks = {
        (row["weights"], row["architectures"], row["reach"], row["predictor"]): row
        for row in load_measured("gradient_flow_correlations")
    }
    groups = dict.fromkeys((weights, group) for weights, group, _, _ in ranks)
    return [
        {
            "weights": weights,
            "architectures": f"{group} ({ranks[weights, group, reach, 'law']['number']})",
            "reach": REACHES[reach],
            **{
                title: _rank(ranks[weights, group, reach, predictor]["spearman"])
                for predictor, title in PREDICTORS.items()
            },
        }
        for weights, group in groups
        for reach in REACHES
    ]


def _rank(correlation: float) -> str | None:
    """Return a rank correlation with three digits, None where it is not defined."""
    return None if math.isnan(correlation) else f"{correlation:.3f}"


def _law_in_words(rows: Rows) -> str:
    largest = max(row["hidden size"] for row in rows)
    said = []
    for network, title in NETWORKS.items():
        (end,) = [r for r in rows if (r["network"], r["hidden size"]) == (network, largest)][-1:]
        ratio = math.sqrt(end["measured"] / end["law"])
        said.append(f"{title} {ratio:.3g} times the law at lag {end['lag']}")
    return (
        "Three panels of gradient norms against the lag, the law as a line and measurements as "
        f"markers, by hidden size. With {largest} units: {'; '.join(said)}."
    )


def _flow_in_words(rows: Rows) -> str:
    drawn = [row for row in rows if row["weights"] == "uniform"]
    ranks = {
        (row["reach"], row["predictor"]): row["spearman"]
        for row in load_measured("gradient_flow_correlations")
        if (row["weights"], row["architectures"]) == ("uniform", "all")
    }
    mean = ("log gradient", "mean recurrent length"), ("horizon", "mean recurrent length")
    return (
        f"Three panels of points, one for each of {len(drawn)} architectures. Rank correlations: "
        f"gradient with mean recurrent length {-ranks[mean[0]]:.2f}, horizon with it "
        f"{-ranks[mean[1]]:.2f}, gradient with the law {ranks['log gradient', 'law']:.2f}."
    )


GRADIENT_FLOW = (
    PaperFigure(
        "gradient_law",
        "Gradient norms by lag in random stacks of dilations 1, 2, 4, 8 at gain 0.95 and hidden "
        "size H: the law (line, no fitted parameter) and measurements (markers; means over 3 to 40 "
        "networks, medians of 25 to 201). Gaussian matrices exceed the law by the order of "
        "k^4 / 12 H^2 on a path of k recurrent edges.",
        lambda: load_measured("gradient_law"),
        _paint_law,
        2.4,
        _law_in_words,
        about={},
    ),
    PaperFigure(
        "gradient_flow",
        "Measured gradient flow of 77 architectures of equal parameters (tanh, torch's "
        "initialisation): how much arrives goes with the mean recurrent length over lags 1..64, "
        "how far it reaches hardly does; the law predicts how much. The horizon is the lag, of 192 "
        "measured, from which on the norm is below 1% of its largest.",
        lambda: load_measured("gradient_flow"),
        _paint_flow,
        2.4,
        _flow_in_words,
        compared=_flow_table,
        table_caption="Rank correlations of measured gradient flow with what predicts it, by how "
        "the weights are drawn and over which architectures (how many).",
    ),
)
