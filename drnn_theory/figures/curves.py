"""Curves over lags, spans and layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from drnn_theory.figures.marks import Curve, draw_lines, logarithmic, require_names, whole_numbers

if TYPE_CHECKING:
    from drnn_theory.gradients import GradientProfile

__all__ = [
    "plot_digit_means",
    "plot_gradient_profiles",
    "plot_mrl_against_layers",
    "plot_mrl_against_span",
    "plot_path_lengths",
]


def plot_path_lengths(
    lengths: Mapping[str, np.ndarray], *, vertical: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw d(n) against the lag n = 0, 1, .. for each name; gaps where d is infinite."""
    require_names(lengths, "lengths")
    ax = plt.gca() if ax is None else ax
    draw_lines(ax, {name: (np.arange(len(d)), np.asarray(d)) for name, d in lengths.items()})
    whole_numbers(ax, "x")
    whole_numbers(ax, "y")
    edges = "edges" if vertical else "lagged edges"
    ax.set_xlabel("lag $n$ (steps)")
    ax.set_ylabel(f"shortest path $d(n)$ ({edges})")
    return ax


def plot_mrl_against_span(
    curves: Mapping[str, Curve],
    *,
    points: Mapping[str, Curve] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean recurrent length against the span for each name: (spans, means).

    ``points``, by the same names, are drawn as markers on top: exact values on closed forms, say.
    """
    require_names(curves, "curves")
    ax = plt.gca() if ax is None else ax
    draw_lines(ax, curves, points)
    whole_numbers(ax, "x")
    whole_numbers(ax, "y")
    ax.set_xlabel("span $m$ (lags averaged, steps)")
    ax.set_ylabel("mean recurrent length (edges)")
    return ax


def plot_mrl_against_layers(curves: Mapping[str, Curve], *, ax: Axes | None = None) -> Axes:
    """Draw the mean recurrent length against the number of layers for each name: (layers, means).

    Layers are counted one by one, so that every value has a marker.
    """
    require_names(curves, "curves")
    ax = plt.gca() if ax is None else ax
    draw_lines(ax, curves, curves)
    whole_numbers(ax, "x")
    whole_numbers(ax, "y")
    ax.set_xlabel("layers $L$")
    ax.set_ylabel("mean recurrent length (edges)")
    return ax


def plot_digit_means(curves: Mapping[str, Curve], *, ax: Axes | None = None) -> Axes:
    r"""Draw the periodic part of the mean digit sum against log2 of the number of lags: (x, F)."""
    require_names(curves, "curves")
    ax = plt.gca() if ax is None else ax
    draw_lines(ax, curves)
    ax.set_xlabel(r"position in the octave, $\log_2 N - \lfloor\log_2 N\rfloor$")
    ax.set_ylabel(r"$F(\log_2 N)$ (edges)")
    return ax


def plot_gradient_profiles(
    profiles: Mapping[str, tuple[Any, Any] | GradientProfile],
    *,
    points: Mapping[str, tuple[Any, Any]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw gradient norms against the lag on a log scale for each name.

    A profile is what :func:`gradient_profile` returned, or a pair (lags, norms). ``points``,
    by the same names, are drawn as markers on top: measurements on a law, say.
    """
    require_names(profiles, "profiles")
    ax = plt.gca() if ax is None else ax
    pairs = {name: p if isinstance(p, tuple) else (p.lags, p.norms) for name, p in profiles.items()}
    curves = {
        name: (lags, np.where(np.asarray(norms) > 0, norms, np.nan))
        for name, (lags, norms) in pairs.items()
    }
    draw_lines(ax, curves, points)
    whole_numbers(ax, "x")
    logarithmic(ax)
    ax.set_xlabel("lag $n$ (steps)")
    ax.set_ylabel(r"gradient norm $\|\partial h_T / \partial x_{T-n}\|_F$ (no unit)")
    return ax
