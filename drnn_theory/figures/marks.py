"""Colours, lines and legends that all figures share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from drnn_theory.checks import shown

__all__ = [
    "COLOURS",
    "MARKERS",
    "STYLES",
    "draw_lines",
    "legend_above",
    "legend_above_all",
    "legend_name",
    "logarithmic",
    "powers_of_two",
    "require_names",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The colours of Okabe and Ito, which the colour-blind tell apart; the last is black."""
MARKERS = "osD^vP*X"
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))

MARK = "\u2060"
Curve = tuple[Any, Any]


def require_names(curves: Any, what: str) -> None:
    """Raise TypeError or ValueError unless there are curves by their names."""
    rule = f"{what} must map one or more names to what is drawn"
    if not isinstance(curves, Mapping):
        raise TypeError(f"{rule}, got {shown(curves)}")
    if not curves:
        raise ValueError(f"{rule}, got none")


def draw_lines(
    ax: Axes, curves: Mapping[str, Curve], points: Mapping[str, Curve] | None = None
) -> None:
    """Draw named curves, earlier ones wider, so that one that lies on another stays visible.

    ``points`` are drawn as markers, in the colour of the curve of the same name.
    """
    points = points or {}
    for i, name in enumerate(dict.fromkeys([*curves, *points])):
        colour = COLOURS[i % len(COLOURS)]
        label = legend_name(name)
        if name in curves:
            x, y = curves[name]
            y = np.where(np.isfinite(np.asarray(y, dtype=float)), y, np.nan).astype(float)
            alone = np.count_nonzero(np.isfinite(y)) == 1
            ax.plot(
                x,
                y,
                label=label,
                color=colour,
                linestyle=STYLES[i % len(STYLES)],
                linewidth=0.9 + 1.1 * (len(curves) - 1 - i) / max(1, len(curves) - 1),
                marker="o" if alone else None,
            )
            label = "_" + name
        if name in points:
            x, y = points[name]
            ax.plot(
                x,
                np.asarray(y, dtype=float),
                label=label,
                color=colour,
                linestyle="none",
                marker=MARKERS[i % len(MARKERS)],
                markersize=3,
                markerfacecolor="white",
                markeredgewidth=0.8,
                zorder=3,
            )
    legend_above(ax)


def legend_name(name: str) -> str:
    """Return the label by which a legend shows a name as it was typed.

    matplotlib leaves out labels that begin with an underscore: a mark that has no width stands
    before them until the legend is made.
    """
    return MARK + name if name.startswith("_") else name


def _write_names(legend: Legend) -> None:
    """Write the names as they were typed, those that are no formula letter by letter."""
    parser = MathTextParser("agg")
    for text in legend.get_texts():
        name = text.get_text().removeprefix(MARK)
        text.set_text(name)
        try:
            parser.parse(name)
        except ValueError:
            text.set_parse_math(False)


def legend_above(ax: Axes) -> None:
    """Put the legend above the axes, where no curve can lie under it, as wide as it fits."""
    handles, labels = ax.get_legend_handles_labels()
    if labels:
        figure = ax.get_figure(root=True)
        assert figure is not None
        width = figure.get_size_inches()[0] * ax.get_position().width
        form = _columns(labels, width) | {"bbox_to_anchor": (0.5, 1), "borderaxespad": 0.2}
        _write_names(ax.legend(handles, labels, loc="lower center", **form))


def legend_above_all(figure: Figure, axes: Sequence[Axes]) -> None:
    """Replace the legends of axes by one above them all; it must lay out its parts by itself."""
    named: dict[str, Artist] = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        named |= dict(zip(map(str, labels), handles, strict=True))
        if (legend := ax.get_legend()) is not None:
            legend.remove()
    labels = list(named)
    form = _columns(labels, figure.get_size_inches()[0])
    legend = figure.legend(list(named.values()), labels, loc="outside upper center", **form)
    _write_names(legend)


def _columns(labels: Sequence[str], width: float) -> dict[str, Any]:
    """Return how a legend stands in as many columns as fit into a width in inches."""
    size = FontProperties(size=mpl.rcParams["legend.fontsize"]).get_size_in_points()
    # a letter is about half as wide as its size; a handle and its gaps about four letters
    column = size * (0.5 * max(map(len, labels)) + 4)
    ncols = max(1, min(len(labels), int(72 * width / column)))
    rows = -(-len(labels) // ncols)
    return {
        "ncols": -(-len(labels) // rows),
        "frameon": False,
        "columnspacing": 1.2,
        "handlelength": 2.2,
    }


def logarithmic(ax: Axes) -> None:
    """Make the y axis logarithmic with its values written out: 1, 2, 5, 10, .."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def powers_of_two(ax: Axes, axis: Literal["x", "y"]) -> None:
    """Make an axis logarithmic with its values written out: 1, 2, 4, .."""
    if axis == "x":
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    else:
        ax.set_yscale("log", base=2)
        ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))
