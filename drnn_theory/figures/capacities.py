"""Capacities: memory curves, information by degree, Lyapunov spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from drnn_theory.figures.marks import (
    COLOURS,
    draw_lines,
    legend_above,
    logarithmic,
    names_of_rows,
    require_names,
    whole_numbers,
)

if TYPE_CHECKING:
    from drnn_theory.capacities import InformationCapacity, LyapunovSpectrum, MemoryCurve

__all__ = [
    "plot_fisher_memory",
    "plot_information_capacity",
    "plot_lyapunov_exponents",
    "plot_memory_capacity",
]


def plot_memory_capacity(
    curves: Mapping[str, MemoryCurve | tuple[Any, Any]],
    *,
    bands: Mapping[str, tuple[Any, Any]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw memory capacities against the lag for each name.

    A curve is what :func:`memory_capacity` returned, or a pair (lags, values). Where it is
    estimated, a band of two standard errors lies about it. ``bands``, by the same names, are pairs
    (lower, upper) to shade instead: quartiles over draws, say.
    """
    ax = _draw_curves(curves, bands, ax)
    ax.set_ylabel("memory capacity (share recovered)")
    ax.set_ylim(0, max(1.0, ax.get_ylim()[1]) if ax.get_ylim()[1] > 0.5 else None)
    return ax


def plot_fisher_memory(
    curves: Mapping[str, MemoryCurve | tuple[Any, Any]],
    *,
    bands: Mapping[str, tuple[Any, Any]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw Fisher memories against the lag, on a log scale, for each name.

    Curves and bands as in :func:`plot_memory_capacity`.
    """
    ax = _draw_curves(curves, bands, ax, positive=True)
    logarithmic(ax)
    ax.set_ylabel("Fisher memory $J(k)$ (no unit)")
    return ax


def plot_information_capacity(
    capacities: Mapping[str, InformationCapacity | tuple[Any, Any]], *, ax: Axes | None = None
) -> Axes:
    """Draw information capacities as bars, one per name, stacked by degree.

    A capacity is what :func:`information_capacity` returned, or a pair (degrees, values).
    """
    require_names(capacities, "capacities")
    ax = plt.gca() if ax is None else ax
    pairs = {
        name: c if isinstance(c, tuple) else (c.degrees, c.values) for name, c in capacities.items()
    }
    names = list(pairs)
    rows = np.arange(len(names))
    left = np.zeros(len(names))
    for i, degree in enumerate(sorted({int(d) for degrees, _ in pairs.values() for d in degrees})):
        widths = np.array(
            [
                sum(value for d, value in zip(*pairs[name], strict=True) if int(d) == degree)
                for name in names
            ]
        )
        colour, hatch = COLOURS[i % len(COLOURS)], ("", "//", "..", "xx")[i % 4]
        label = f"degree {degree}"
        ax.barh(rows, widths, 0.7, left, label=label, color=colour, hatch=hatch, edgecolor="white")
        left += widths
    ax.set_yticks(rows, names_of_rows(names, ax.get_figure(root=True)))
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("information capacity (functions recovered)")
    legend_above(ax)
    return ax


def plot_lyapunov_exponents(
    spectra: Mapping[str, LyapunovSpectrum | Any], *, ax: Axes | None = None
) -> Axes:
    """Draw Lyapunov exponents against their number, largest first, for each name.

    A spectrum is what :func:`lyapunov_exponents` returned, or its values. Gaps are where a
    direction is forgotten at once.
    """
    require_names(spectra, "spectra")
    ax = plt.gca() if ax is None else ax
    values = {name: np.asarray(getattr(s, "values", s)) for name, s in spectra.items()}
    lines = {name: (np.arange(1, len(v) + 1), v) for name, v in values.items()}
    draw_lines(ax, lines)
    ax.axhline(0, color="0.5", linewidth=0.8, zorder=0)
    whole_numbers(ax, "x")
    ax.set_xlabel("number of the exponent")
    ax.set_ylabel("Lyapunov exponent (per step)")
    return ax


def _draw_curves(
    curves: Mapping[str, Any],
    bands: Mapping[str, tuple[Any, Any]] | None,
    ax: Axes | None,
    *,
    positive: bool = False,
) -> Axes:
    require_names(curves, "curves")
    ax = plt.gca() if ax is None else ax
    lines: dict[str, tuple[Any, Any]] = {}
    shades = dict(bands or {})
    for name, curve in curves.items():
        lags, values = curve if isinstance(curve, tuple) else (curve.lags, curve.values)
        values = np.asarray(values, dtype=float)
        lines[name] = (lags, np.where(values > 0, values, np.nan) if positive else values)
        if not isinstance(curve, tuple) and curve.samples and name not in shades:
            shades[name] = (values - 2 * curve.standard_error, values + 2 * curve.standard_error)
    draw_lines(ax, lines)
    for i, name in enumerate(lines):
        if name in shades:
            low, high = (np.asarray(edge, dtype=float) for edge in shades[name])
            colour = COLOURS[i % len(COLOURS)]
            ax.fill_between(lines[name][0], low, high, color=colour, alpha=0.18, linewidth=0)
    whole_numbers(ax, "x")
    ax.set_xlabel("lag $k$ (steps)")
    return ax
