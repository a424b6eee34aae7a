"""Figures: numbers in, axes out.

Every function draws on the axes it is given (``ax=None`` takes the current ones) and returns them.
None computes, saves, shows or sets a style of its own, so that they work inside anyone's figure.
Colours are those of Okabe and Ito, told apart by the colour-blind; line styles and widths carry the
same distinction in grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from drnn_theory.graphs import unit_of

if TYPE_CHECKING:
    from drnn_theory.design import Option

__all__ = [
    "plot_gradient_profiles",
    "plot_mrl_against_span",
    "plot_options",
    "plot_profiles",
    "plot_unfolded",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X"
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))


def plot_unfolded(
    graph: nx.MultiDiGraph,
    steps: int,
    *,
    path: Sequence[tuple[int, Any]] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw a cyclic graph unfolded over times 0..steps: time across, units up, inputs lowest.

    ``path`` is a sequence of (time, unit) nodes to highlight, as ``shortest_path`` returns it.
    """
    ax = plt.gca() if ax is None else ax
    period = graph.graph["period"]
    units = list(dict.fromkeys(unit_of(node, period) for node in graph))
    inputs, outputs = graph.graph["inputs"], graph.graph["outputs"]
    units.sort(key=lambda unit: (unit not in inputs) + (unit in outputs))
    height = {unit: level for level, unit in enumerate(units)}
    segments, nodes = [], []
    for node in graph:
        first = node[0] if period > 1 else 0
        nodes += [(t, height[unit_of(node, period)]) for t in range(first, steps + 1, period)]
    for source, target, lag in graph.edges(data="lag"):
        first = source[0] if period > 1 else 0
        low, high = height[unit_of(source, period)], height[unit_of(target, period)]
        # an edge from before time 0 starts at the left margin
        for t in range(first - lag - lag % period, steps - lag + 1, period):
            if t + lag < 0 or (t - first) % period:
                continue
            segments.append(_bend((t, low), (t + lag, high)))
    ax.add_collection(LineCollection(segments, colors="0.72", linewidths=0.6, zorder=1))
    highlighted = [
        _bend((t0, height[u0]), (t1, height[u1])) for (t0, u0), (t1, u1) in pairwise(path)
    ]
    ax.add_collection(LineCollection(highlighted, colors=COLOURS[1], linewidths=1.8, zorder=2))
    on_path = {(t, height[unit]) for t, unit in path}
    for chosen, colour, size in ((False, "0.35", 10), (True, COLOURS[1], 22)):
        points = [p for p in nodes if (p in on_path) is chosen]
        if points:
            x, y = zip(*points, strict=True)
            ax.scatter(x, y, s=size, color=colour, zorder=3, linewidths=0)
    ax.set_xlim(-0.6, steps + 0.6)
    ax.set_ylim(-0.5, len(units) - 0.5)
    ax.set_xlabel("time $t$ (steps)")
    ax.set_yticks(range(len(units)), [str(unit) for unit in units])
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def plot_profiles(
    profiles: Mapping[str, np.ndarray], *, vertical: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw d(n) against the lag n = 0, 1, .. for each named profile; gaps where d is infinite."""
    ax = plt.gca() if ax is None else ax
    curves = {name: (np.arange(len(d)), np.asarray(d)) for name, d in profiles.items()}
    _lines(ax, curves)
    edges = "edges" if vertical else "lagged edges"
    ax.set_xlabel("lag $n$ (steps)")
    ax.set_ylabel(f"shortest path $d(n)$ ({edges})")
    return ax


def plot_mrl_against_span(
    curves: Mapping[str, tuple[Sequence[int], Sequence[float]]], *, ax: Axes | None = None
) -> Axes:
    """Draw the mean recurrent length against the span for each name: (spans, means)."""
    ax = plt.gca() if ax is None else ax
    _lines(ax, {name: (np.asarray(x), np.asarray(y)) for name, (x, y) in curves.items()})
    ax.set_xlabel("span $m$ (lags averaged, steps)")
    ax.set_ylabel("mean recurrent length (edges)")
    return ax


def plot_gradient_profiles(
    profiles: Mapping[str, tuple[np.ndarray, np.ndarray]], *, ax: Axes | None = None
) -> Axes:
    """Draw gradient norms against the lag on a log scale for each name: (lags, norms)."""
    ax = plt.gca() if ax is None else ax
    _lines(
        ax,
        {
            name: (lags, np.where(norms > 0, norms, np.nan))
            for name, (lags, norms) in profiles.items()
        },
    )
    ax.set_yscale("log")
    ax.set_xlabel("lag $n$ (steps)")
    ax.set_ylabel(r"gradient norm $\|\partial h_T / \partial x_{T-n}\|_F$ (no unit)")
    return ax


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
    _legend(ax)
    ax.set_yscale("log")
    ax.set_xlabel("hidden size $H$ (units per layer)")
    ax.set_ylabel("mean recurrent length (edges)")
    return ax


def _lines(ax: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Draw named curves, earlier ones wider, so that one that lies on another stays visible."""
    for i, (name, (x, y)) in enumerate(curves.items()):
        y = np.where(np.isfinite(y), y, np.nan)
        width = 0.9 + 1.6 * (len(curves) - 1 - i) / max(1, len(curves) - 1)
        ax.plot(
            x,
            y,
            label=name,
            color=COLOURS[i % len(COLOURS)],
            linestyle=STYLES[i % len(STYLES)],
            linewidth=width,
            marker="o" if np.count_nonzero(np.isfinite(y)) == 1 else None,
        )
    if curves:
        _legend(ax)


def _legend(ax: Axes) -> None:
    """Put the legend above the axes, where no curve can lie under it."""
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)


def _bend(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[float, float]]:
    """Return a line from start to end, arched if it stays on one level over several steps."""
    (x0, y0), (x1, y1) = start, end
    if y0 != y1 or x1 - x0 < 2:
        return [start, end]
    s = np.linspace(0, 1, 17)
    arch = 0.1 + 0.28 * min(1.0, (x1 - x0) / 8)
    return list(zip(x0 + (x1 - x0) * s, y0 + 4 * arch * s * (1 - s), strict=True))
