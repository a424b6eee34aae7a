"""Shortest paths and their means: computed exactly, closed forms beside them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from matplotlib.figure import Figure

from drnn_theory import architectures as zoo
from drnn_theory.catalogue import paper_architectures
from drnn_theory.design import load_optimal_schemes
from drnn_theory.dilations import exponential_dilations
from drnn_theory.figures import (
    plot_digit_means,
    plot_mrl_against_layers,
    plot_mrl_against_span,
    plot_path_lengths,
)
from drnn_theory.figures.marks import legend_above_all, powers_of_two
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.gallery.overview import curves_by_name, measures_side_by_side, path_lengths_by_lag
from drnn_theory.measures import compute_mrl
from drnn_theory.paths import shortest_path_lengths
from drnn_theory.tables import convention
from drnn_theory.theorems import THEOREMS

__all__ = ["COMPUTED"]

SPAN = 64


# name: (theorem, dilations 1, 2, .., m -> (architecture, the theorem's case))
CLOSED_FORMS: dict[str, tuple[str, Callable[[tuple[int, ...]], tuple[Any, tuple[int, ...]]]]] = {
    "plain stack": ("plain_stack_mean", lambda s: ((1,) * len(s), (len(s), s[-1]))),
    "lags 1 and $m$": ("skip_mean", lambda s: (zoo.skip_rnn(s[-1], len(s)), (len(s), s[-1]))),
    "dilations 1, 2, .., $m$": ("exponential_mean", lambda s: (s, (2, len(s)))),
    "lags 1 and $2^{l-1}$": (
        "per_layer_lags_mean",
        lambda s: (zoo.layers_rnn([[1, k] for k in s]), (len(s),)),
    ),
    "dilated CNN": ("dilated_cnn_mean", lambda s: (zoo.dilated_cnn(s), (2, len(s), s[-1]))),
}


def _against_span() -> list[dict[str, Any]]:
    rows = []
    for name, (theorem, case_of) in CLOSED_FORMS.items():
        for layers in range(1, 14):
            dilations = exponential_dilations(layers)
            architecture, case = case_of(dilations)
            predicted = THEOREMS[theorem].predict(*case)
            mean = predicted[0] if isinstance(predicted, sp.Tuple) else predicted
            rows.append(
                {
                    "architecture": name,
                    "layers": layers,
                    "span": dilations[-1],
                    "mean recurrent length": compute_mrl(architecture, dilations[-1], exact=True),
                    "closed form": Fraction(int(mean.p), int(mean.q)),
                    "theorem": theorem,
                }
            )
    return rows


def _paint_against_span(rows: Rows, figure: Figure) -> None:
    lines, points = (
        curves_by_name(rows, "span", column) for column in ("closed form", "mean recurrent length")
    )
    ax = plot_mrl_against_span(lines, points=points, ax=figure.subplots())
    ax.set_xscale("log", base=2)
    powers_of_two(ax, "y")


ZOO_DILATIONS = exponential_dilations(7)
ZOO: dict[str, Any] = {
    "plain stack, 7 layers": (1,) * 7,
    "skip RNN, lags 1 and 64, 7 layers": zoo.skip_rnn(64, 7),
    "DilatedRNN 1..64": ZOO_DILATIONS,
    "DilatedRNN 4..64, fusion": zoo.dilated_rnn(ZOO_DILATIONS[2:], fusion=True),
    "DilatedRNN 1, 4, 9, 16, 23": (1, 4, 9, 16, 23),
    "lags 1 and $2^{l-1}$, 7 layers": zoo.layers_rnn([[1, s] for s in ZOO_DILATIONS]),
    "NARX, lags 1..8": zoo.narx_rnn(8),
    "MIST, lags 1, 2, .., 64": zoo.mist_rnn(ZOO_DILATIONS),
    "clockwork, periods 1..64": zoo.clockwork_rnn(ZOO_DILATIONS),
    "hierarchical, periods 1, 8, 64": zoo.hierarchical_rnn([1, 8, 64]),
    "top-down (Zhang)": zoo.zhang_rnn("td"),
    "gated feedback, 3 layers": zoo.gated_feedback_rnn(3),
    "fast-slow, 3 fast cells": zoo.fast_slow_rnn(3),
    "dilated CNN 1..64": zoo.dilated_cnn(ZOO_DILATIONS),
    "WaveNet 1..64": zoo.wavenet(ZOO_DILATIONS),
    "TCN 1..32": zoo.tcn(ZOO_DILATIONS[:-1]),
}


PERIODS, PHASE_LAGS = (1, 2, 4), 24


def _phases() -> list[dict[str, Any]]:
    graph = zoo.clockwork_rnn(PERIODS)
    profiles = [shortest_path_lengths(graph, PHASE_LAGS, start=start) for start in range(4)]
    named = {"worst": np.max(profiles, axis=0)} | {
        f"input at time {start} mod 4": d for start, d in enumerate(profiles)
    }
    return [
        {"input": name, "lag": n, "d(n)": float(d)}
        for name, profile in named.items()
        for n, d in enumerate(profile)
    ]


def _paint_phases(rows: Rows, figure: Figure) -> None:
    lengths = {n: d for n, (_, d) in curves_by_name(rows, "lag", "d(n)", "input").items()}
    plot_path_lengths(lengths, ax=figure.subplots()).set_xticks(range(0, PHASE_LAGS + 1, 4))


OCTAVES = (4, 6, 12)


def _digit_means() -> list[dict[str, Any]]:
    layers = max(OCTAVES) + 1
    digits = shortest_path_lengths(exponential_dilations(layers), 2**layers - 1) - layers
    sums = np.concatenate([[0], np.cumsum(digits)])  # sums[N] is that over 0..N-1
    return [
        {
            "octave": octave,
            "lags": lags,
            "position": math.log2(lags) - octave,
            "mean digit sum": Fraction(int(sums[lags]), lags),
            "F": float(sums[lags] / lags - math.log2(lags) / 2),
        }
        for octave in OCTAVES
        for lags in range(2**octave, 2 ** (octave + 1) + 1)
    ]


def _paint_digit_means(rows: Rows, figure: Figure) -> None:
    curves = {
        f"$N = 2^{{{octave}}}..2^{{{octave + 1}}}$": (
            [row["position"] for row in rows if row["octave"] == octave],
            [row["F"] for row in rows if row["octave"] == octave],
        )
        for octave in reversed(OCTAVES)
    }
    plot_digit_means(curves, ax=figure.subplots())


DESIGN_SPAN = 256


def _optimal() -> list[dict[str, Any]]:
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
        if row["span"] == DESIGN_SPAN
    ]


def _paint_optimal(rows: Rows, figure: Figure) -> None:
    left, right = figure.subplots(1, 2)
    layers = [row["layers"] for row in rows]
    names = ("powers of two", "best exponential", "optimum", "counting bound")
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


COMPUTED = (
    path_lengths_by_lag(
        {
            name.replace("2^(l-1) in layer l", "$2^{l-1}$, 7 layers"): a
            for name, a in paper_architectures(7).items()
        },
        SPAN,
        name="path_lengths",
        caption="Shortest path lengths d(n) of seven-layer architectures, by lag. That of the lags "
        "1 and 2^(l-1) in layer l coincides with that of dilations 1..64, the skip RNN's with the "
        "plain stack's up to lag 63.",
    ),
    PaperFigure(
        "mrl_against_span",
        "Mean recurrent length against the span m = 2^(L-1) for stacks of L = 1..13 layers: closed "
        "forms (lines) on the exact values of the unfolded graph (markers). Lags 1 and 2^(l-1) in "
        "layer l have the means of dilations 1, 2, .., m.",
        _against_span,
        _paint_against_span,
        2.8,
    ),
    measures_side_by_side(
        ZOO,
        SPAN,
        name="zoo",
        caption="Mean and longest shortest path of recurrent and convolutional architectures, and "
        "the recurrent edges per hidden node that they cost.",
    ),
    PaperFigure(
        "clockwork_phases",
        "Shortest path lengths of a clockwork RNN with periods 1, 2, 4, by the time at which the "
        "input arrives: in the worst phases, 1 and 3 mod 4, they grow as those of a plain RNN.",
        _phases,
        _paint_phases,
        2.4,
        wide=False,
        about={"span": PHASE_LAGS, "convention": convention(lags="0..span")},
    ),
    PaperFigure(
        "digit_means",
        "The periodic part of the mean recurrent length of dilations 1, 2, 4, ..: the mean number "
        "of recurrent edges over the lags 0..N-1 is log2(N)/2 + F(log2 N), with F continuous and "
        "nowhere differentiable (Delange).",
        _digit_means,
        _paint_digit_means,
        2.4,
        wide=False,
        about={"convention": convention(False, lags="0..N - 1")},
    ),
    PaperFigure(
        "optimal_schemes",
        "The best dilations for lags 1..256 against exponential schemes and the counting bound: "
        "mean recurrent length (left) and its distance to the bound (right, linear below 1%), by "
        "number of layers.",
        _optimal,
        _paint_optimal,
        2.6,
        compared=_optimal_table,
    ),
)
