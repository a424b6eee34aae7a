"""Architectures and programs side by side: points and rows of markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from drnn_theory.figures.marks import (
    COLOURS,
    MARKERS,
    Curve,
    legend_above,
    legend_name,
    logarithmic,
    names_of_rows,
)

if TYPE_CHECKING:
    from drnn_theory.design import Option

__all__ = ["plot_measures", "plot_options", "plot_scatter"]


def plot_options(options: Sequence[Option], *, ax: Axes | None = None) -> Axes:
    """Draw the options of :func:`recommend`: mean recurrent length against hidden size."""
    ax = plt.gca() if ax is None else ax
    sizes, means = [o.hidden_size for o in options], [float(o.mrl) for o in options]
    ax.plot(sizes, means, color="0.72", linewidth=0.8, zorder=1)
    for i, option in enumerate(options):
        ax.plot(
            sizes[i],
            means[i],
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            linestyle="none",
            label=", ".join(map(str, option.dilations)),
        )
    legend_above(ax)
    logarithmic(ax)
    ax.set_xlabel("hidden size $H$ (units per layer)")
    ax.set_ylabel("mean recurrent length (edges)")
    return ax


def plot_measures(measures: Mapping[str, Mapping[str, float]], *, ax: Axes | None = None) -> Axes:
    """Draw one row per name, first on top, and one marker per measure: measure -> name -> value."""
    ax = plt.gca() if ax is None else ax
    names = list(dict.fromkeys(name for values in measures.values() for name in values))
    rows = np.arange(len(names))
    ax.hlines(rows, 0, 1, transform=ax.get_yaxis_transform(), colors="0.9", linewidths=0.6)
    for i, (measure, values) in enumerate(measures.items()):
        ax.plot(
            [values.get(name, np.nan) for name in names],
            rows,
            linestyle="none",
            marker=MARKERS[i % len(MARKERS)],
            markersize=4,
            color=COLOURS[i % len(COLOURS)],
            markerfacecolor="none" if i % 2 else None,
            label=legend_name(measure),
        )
    ax.set_yticks(rows, names_of_rows(names, ax.get_figure(root=True)))
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    legend_above(ax)
    return ax


def plot_scatter(groups: Mapping[str, Curve], *, ax: Axes | None = None) -> Axes:
    """Draw named groups of points (x, y), each with a marker and colour of its own."""
    ax = plt.gca() if ax is None else ax
    for i, (name, (x, y)) in enumerate(groups.items()):
        ax.plot(
            x,
            y,
            linestyle="none",
            marker=MARKERS[i % len(MARKERS)],
            markersize=3.2,
            color=COLOURS[i % len(COLOURS)],
            markerfacecolor="none" if i % 2 else None,
            markeredgewidth=0.8,
            label=legend_name(name),
        )
    legend_above(ax)
    return ax
