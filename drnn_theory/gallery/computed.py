"""Shortest paths and their means: computed exactly, closed forms beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from matplotlib.figure import Figure

from drnn_theory import architectures as zoo
from drnn_theory.catalogue import paper_architectures
from drnn_theory.dilations import exponential_dilations
from drnn_theory.figures import (
    plot_digit_means,
    plot_mrl_against_span,
    plot_path_lengths,
)
from drnn_theory.figures.marks import powers_of_two
from drnn_theory.gallery.describing import at_last
from drnn_theory.gallery.designed import OPTIMAL_MEANS
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.gallery.overview import (
    curves_by_name,
    measures_side_by_side,
    mrl_by_span,
    path_lengths_by_lag,
    together,
)
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
    closed = [row for row in rows if row.get("closed form") is not None]
    lines = curves_by_name(closed, "span", "closed form")
    points = curves_by_name(closed, "span", "mean recurrent length")
    others = [row for row in rows if row.get("closed form") is None]
    lines |= curves_by_name(others, "span", "mean recurrent length")
    ax = plot_mrl_against_span(lines, points=points, ax=figure.subplots())
    powers_of_two(ax, "x")
    powers_of_two(ax, "y")


def _own_against_span(own: Mapping[str, Any], span: int | None, only: bool) -> PaperFigure:
    together(dict.fromkeys(CLOSED_FORMS), own, only=only)
    figure = FIGURE_AGAINST_SPAN
    named = "the architectures named" if only else "architectures of one's own"
    caption = f"Mean recurrent length of {named} against the span, the number of lags averaged"
    alone = mrl_by_span(own, span or 2**12, name=figure.name, caption=f"{caption}.")
    if only:
        return alone

    def both() -> list[Any]:
        columns = dict.fromkeys(("layers", "closed form", "theorem"))
        return [*figure.rows, *({**columns, **row} for row in alone.rows)]

    return replace(
        figure,
        caption=f"{caption}; beside them, with markers, stacks of L = 1..13 layers at the span "
        "m = 2^(L-1) that each reaches.",
        compute=both,
        height=figure.height + 0.4,
    )


ZOO_DILATIONS = exponential_dilations(7)
WIRINGS: dict[str, Any] = {
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


def _digits_in_words(rows: Rows) -> str:
    least = min(rows, key=lambda row: float(row["F"]))
    return (
        "Lines of the periodic part F against the position of N in its octave, one line for each "
        "of three octaves: zero at powers of two, negative and ever more jagged between. The "
        f"least value drawn is {least['F']:.4g}, at N = {least['lags']}."
    )


def _paint_digit_means(rows: Rows, figure: Figure) -> None:
    curves = {
        f"$N = 2^{{{octave}}}..2^{{{octave + 1}}}$": (
            [row["position"] for row in rows if row["octave"] == octave],
            [row["F"] for row in rows if row["octave"] == octave],
        )
        for octave in reversed(OCTAVES)
    }
    plot_digit_means(curves, ax=figure.subplots())


PAPER: dict[str, Any] = {
    name.replace("2^(l-1) in layer l", "$2^{l-1}$, 7 layers"): a
    for name, a in paper_architectures(7).items()
}


def _own_lengths(own: Mapping[str, Any], span: int | None, only: bool) -> PaperFigure:
    return path_lengths_by_lag(
        together(PAPER, own, only=only),
        span or SPAN,
        name="path_lengths",
        caption="Shortest path lengths d(n) by lag, in the worst starting phase.",
    )


def _own_zoo(own: Mapping[str, Any], span: int | None, only: bool) -> PaperFigure:
    return measures_side_by_side(
        together(WIRINGS, own, only=only),
        span or SPAN,
        name="zoo",
        caption="Mean and longest shortest path of architectures, and the recurrent edges per "
        "hidden node that they cost.",
        table_caption="Mean recurrent length and longest shortest path of architectures, in edges, "
        "and what they cost.",
    )


FIGURE_AGAINST_SPAN = PaperFigure(
    "mrl_against_span",
    "Mean recurrent length against the span m = 2^(L-1) for stacks of L = 1..13 layers: closed "
    "forms (lines) on the exact values of the unfolded graph (markers). Lags 1 and 2^(l-1) in "
    "layer l have the means of dilations 1, 2, .., m.",
    _against_span,
    _paint_against_span,
    2.8,
    at_last(
        "Lines of the mean recurrent length, in edges, against the span",
        "span",
        "mean recurrent length",
    ),
    own=_own_against_span,
)


COMPUTED = (
    path_lengths_by_lag(
        PAPER,
        SPAN,
        name="path_lengths",
        caption="Shortest path lengths d(n) of seven-layer architectures, by lag. That of the lags "
        "1 and 2^(l-1) in layer l coincides with that of dilations 1..64, the skip RNN's with the "
        "plain stack's up to lag 63.",
        own=_own_lengths,
    ),
    FIGURE_AGAINST_SPAN,
    measures_side_by_side(
        WIRINGS,
        SPAN,
        name="zoo",
        caption="Mean and longest shortest path of recurrent and convolutional architectures, and "
        "the recurrent edges per hidden node that they cost.",
        table_caption="Mean recurrent length and longest shortest path of recurrent and "
        "convolutional architectures, in edges, and what they cost.",
        own=_own_zoo,
    ),
    PaperFigure(
        "clockwork_phases",
        "Shortest path lengths of a clockwork RNN with periods 1, 2, 4, by the time at which the "
        "input arrives: in the worst phases, 1 and 3 mod 4, they grow as those of a plain RNN.",
        _phases,
        _paint_phases,
        2.4,
        at_last(
            "Lines of the shortest path length d(n), in edges, against the lag n",
            "lag",
            "d(n)",
            "input",
        ),
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
        _digits_in_words,
        wide=False,
        about={"convention": convention(False, lags="0..N - 1")},
    ),
    OPTIMAL_MEANS,
)
