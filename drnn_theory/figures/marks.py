"""Colours, lines and legends that all figures share."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.mathtext import MathTextParser
from matplotlib.textpath import text_to_path
from matplotlib.ticker import (
    FormatStrFormatter,
    LogFormatterMathtext,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from drnn_theory.checks import shown

__all__ = [
    "COLOURS",
    "MARKERS",
    "STYLES",
    "as_typed",
    "draw_lines",
    "draw_ranges",
    "in_lines",
    "legend_above",
    "legend_above_all",
    "legend_name",
    "logarithmic",
    "names_of_rows",
    "powers_of_two",
    "require_names",
    "whole_numbers",
]

COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"),
    *("#000000", "#661100", "#332288", "#4D4D00", "#882255", "#00454F"),
)
"""Six colours of Okabe and Ito, which the colour-blind tell apart, and six that are much darker."""
MARKERS = "osD^vP*X<>ph"
STYLES = 2 * (
    "-",
    (0, (4, 1.6)),
    (0, (6, 1.4, 1, 1.4)),
    (0, (1, 1.4)),
    (0, (6, 1.4, 1, 1.4, 1, 1.4)),
    (0, (9, 2.6)),
)
"""A dash for each colour: two curves of one dash differ in lightness, so that grey is enough."""

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
            finite = np.concatenate([[False], np.isfinite(y), [False]])
            # a line does not show a point without a neighbour
            alone = np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:])
            single = np.count_nonzero(finite) == 1
            ax.plot(
                x,
                y,
                label=label,
                color=colour,
                linestyle=STYLES[i % len(STYLES)],
                linewidth=0.9 + 1.1 * (len(curves) - 1 - i) / max(1, len(curves) - 1),
                marker=(MARKERS[i % len(MARKERS)] if single else "o") if len(alone) else None,
                markevery=alone.tolist() if len(alone) else None,
                markersize=mpl.rcParams["lines.markersize"] if single else 2.5,
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


def draw_ranges(ax: Axes, ranges: Mapping[str, tuple[Any, Any, Any]], label: str) -> None:
    """Draw bars from the least to the largest value of named curves, each (x, low, high).

    They take the colours that :func:`draw_lines` gives curves in the same order; the legend has one
    bar for all.
    """
    for i, (x, low, high) in enumerate(ranges.values()):
        colour = COLOURS[i % len(COLOURS)]
        ax.vlines(x, low, high, color=colour, linewidth=4, alpha=0.4, zorder=1)
    ax.vlines([], [], [], color="0.35", linewidth=4, alpha=0.4, label=label)


def legend_name(name: str) -> str:
    """Return the label by which a legend shows a name as it was typed.

    matplotlib leaves out labels that begin with an underscore: a mark that has no width stands
    before them until the legend is made.
    """
    return MARK + name if name.startswith("_") else name


def as_typed(text: str) -> str:
    r"""Return text as a title or a tick shows it as it was typed, if it is no formula.

    >>> as_typed("lag $n$"), as_typed("$x_$")
    ('lag $n$', '\\$x_\\$')
    """
    return text if _is_readable(text) else text.replace("$", r"\$")


def in_lines(text: str, width: float, size: float) -> str:
    """Return text in as many lines as a width in inches makes of it, a formula as it is.

    ``size`` is that of its letters in points.

    >>> in_lines("a name of many words", 1, 10)
    'a name of\\nmany words'
    """
    if is_math_text(text) and _is_readable(text):
        return text
    letters, lines = len(text), [text]
    while letters > 8 and max(map(partial(_extent, size=size), lines)) > 72 * width:
        letters = min(letters - 1, int(72 * width / size / 0.4), letters * 19 // 20)
        lines = textwrap.wrap(text, letters)
    return "\n".join(lines)


def _extent(text: str, size: float) -> float:
    """Return the width of text in points."""
    font = FontProperties(size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0])


def names_of_rows(names: Sequence[str], figure: Figure | None) -> list[str]:
    """Return names as they stand beside rows, in no more than two fifths of the figure."""
    assert figure is not None  # axes have one until they are removed
    width, size = 0.4 * figure.get_size_inches()[0], _points("ytick.labelsize")
    return [in_lines(as_typed(name), width, size) for name in names]


def _is_readable(text: str) -> bool:
    """Tell whether matplotlib reads the formulas in a text, if there are any."""
    if not is_math_text(text):
        return True
    try:
        MathTextParser("agg").parse(text.replace("\n", " "))
    except ValueError:
        return False
    return True


def _write_names(legend: Legend) -> None:
    """Write the names as they were typed, those that are no formula letter by letter."""
    for text in legend.get_texts():
        name = text.get_text().removeprefix(MARK)
        text.set_text(name)
        if not _is_readable(name):
            text.set_parse_math(False)


def legend_above(ax: Axes) -> None:
    """Put the legend above the axes, where no curve can lie under it, as wide as it fits.

    It says which curves coincide with one drawn before, and which have nothing to show.
    """
    handles, labels = ax.get_legend_handles_labels()
    if labels:
        figure = ax.get_figure(root=True)
        assert figure is not None
        # axes grow by about an eighth where the figure lays out its parts by itself
        width = 1.12 * figure.get_size_inches()[0] * ax.get_position().width
        labels = _wrapped(_with_remarks(labels, _remarks(ax)), width)
        form = _columns(labels, width) | {"bbox_to_anchor": (0.5, 1), "borderaxespad": 0.2}
        _write_names(ax.legend(handles, labels, loc="lower center", **form))


def legend_above_all(figure: Figure, axes: Sequence[Axes]) -> None:
    """Replace the legends of axes by one above them all; it must lay out its parts by itself.

    It says which curves coincide wherever both are drawn.
    """
    named: dict[str, Artist] = {}
    said: list[dict[str, str]] = []
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        named |= dict(zip(map(str, labels), handles, strict=True))
        said.append(_remarks(ax))
        if (legend := ax.get_legend()) is not None:
            legend.remove()
    everywhere = {k: v for k, v in said[0].items() if all(one.get(k) == v for one in said)}
    width = figure.get_size_inches()[0]
    labels = _wrapped(_with_remarks(list(named), everywhere), width)
    form = _columns(labels, width)
    legend = figure.legend(list(named.values()), labels, loc="outside upper center", **form)
    _write_names(legend)


def _remarks(ax: Axes) -> dict[str, str]:
    """Return what is to be said of curves: one drawn before has its points, or it has none.

    The key is the label.
    """
    before: dict[str, tuple[Any, Any]] = {}
    remarks: dict[str, str] = {}
    for line in ax.get_lines():
        label, (x, y) = str(line.get_label()), line.get_data()
        if label.startswith("_") or line.get_linestyle() == "None":
            continue
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        if not np.isfinite(y).any():
            remarks[label] = "no finite value"
            continue
        if len(x) < 2:
            continue
        for other, (u, v) in before.items():
            if np.array_equal(x, u) and np.array_equal(y, v, equal_nan=True):
                remarks[label] = f"same as {other.removeprefix(MARK)}"
                break
        else:
            before[label] = (x, y)
    return remarks


def _with_remarks(labels: Sequence[str], remarks: Mapping[str, str]) -> list[str]:
    return [f"{label} ({remarks[label]})" if label in remarks else label for label in labels]


def _wrapped(labels: Sequence[str], width: float) -> list[str]:
    """Return labels in as many lines as a legend of that width in inches makes of them."""
    size = _points("legend.fontsize")
    # a handle and its gaps take about four letters
    return [in_lines(label, width - 4 * size / 72, size) for label in labels]


def _points(setting: Any) -> float:
    return FontProperties(size=mpl.rcParams[setting]).get_size_in_points()


def _columns(labels: Sequence[str], width: float) -> dict[str, Any]:
    """Return how a legend stands in as many columns as fit into a width in inches."""
    size = _points("legend.fontsize")
    plain = [re.sub(r"[${}^_\\]" if "$" in label else MARK, "", label) for label in labels]
    letters = [max(map(len, label.split("\n"))) for label in plain]

    def fits(rows: int) -> bool:
        # a letter is about half as wide as its size; a handle and its gaps about four letters
        widest = [max(letters[k : k + rows]) for k in range(0, len(letters), rows)]
        return sum(size * (0.5 * most + 4) for most in widest) <= 72 * width

    rows = next((n for n in range(1, len(labels)) if fits(n)), len(labels))
    return {
        "ncols": -(-len(labels) // rows),
        "frameon": False,
        "columnspacing": 1.2,
        "handlelength": 2.2,
    }


def logarithmic(ax: Axes) -> None:
    """Make the y axis logarithmic: 1, 2, 5, 10, .. written out, powers of ten where it is long."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    if high / low > 10**4:
        ax.yaxis.set_major_locator(LogLocator(numticks=8))
        ax.yaxis.set_major_formatter(LogFormatterMathtext())
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        subs = (1,) if high / low > 300 else (1, 2, 5) if high / low > 3 else range(1, 10)
        ax.yaxis.set_major_locator(LogLocator(subs=tuple(map(float, subs))))
        ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def powers_of_two(ax: Axes, axis: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, its values 1, 2, 4, .. written out; a short one stays linear.

    An axis is short if it has fewer than three powers of two, or reaches zero: then its values are
    whole numbers.
    """
    low, high = _limits_of_data(ax, axis)
    if (
        not 0 < low <= high < math.inf
        or math.floor(math.log2(high)) - math.ceil(math.log2(low)) < 2
    ):
        whole_numbers(ax, axis)
        return
    (ax.set_xscale if axis == "x" else ax.set_yscale)("log", base=2)
    own: Axis = ax.xaxis if axis == "x" else ax.yaxis
    own.set_major_formatter(FormatStrFormatter("%g"))
    own.set_minor_locator(NullLocator())


def whole_numbers(ax: Axes, axis: Literal["x", "y"]) -> None:
    """Write whole numbers along an axis that counts edges, lags or layers."""
    own: Axis = ax.xaxis if axis == "x" else ax.yaxis
    own.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 4, 5, 10], min_n_ticks=3))
    own.set_major_formatter(FormatStrFormatter("%g"))


def _limits_of_data(ax: Axes, axis: Literal["x", "y"]) -> tuple[float, float]:
    """Return the least and the largest value drawn along an axis, without margins."""
    low, high = ax.dataLim.intervalx if axis == "x" else ax.dataLim.intervaly
    return float(low), float(high)
