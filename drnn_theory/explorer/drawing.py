"""The drawing of the explorer: one SVG of d(n) above the unfolded graph, written as text.

Matplotlib takes about a second for a graph of nine layers over 256 steps; a path of line segments
written as text takes milliseconds, and follows the page's colours, dark or light. The figure that
is exported is :mod:`drnn_theory.figures`' own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np

from drnn_theory.edges import unit_of
from drnn_theory.explorer.views import View, number

__all__ = ["MOST_SEGMENTS", "PATH", "figure", "levels_of"]

WIDTH, LEFT, RIGHT = 760, 46, 12
PROFILE = 96
"""The height of the axes of d(n)."""
PATH = "#D55E00"
MOST_SEGMENTS = 12_000
"""Beyond so many edges the page shows the path without the graph around it."""


def figure(view: View, *, whole: bool = True) -> str:
    """Return the SVG of d(n) and of the unfolded graph with the path, over the same steps.

    ``whole`` draws all steps of the span, otherwise those up to the lag that is picked.
    """
    steps = view.span if whole else max(view.lag, 1)
    levels = levels_of(view)
    gap = min(26.0, 300 / len(levels))
    top = PROFILE + 58
    height = top + gap * (len(levels) - 1) + 56
    scale = (WIDTH - LEFT - RIGHT) / (steps + 1)

    def x(n: float) -> float:
        return LEFT + (n + 0.5) * scale

    y = {unit: top + gap * (len(levels) - 1 - i) for i, unit in enumerate(levels)}
    end = f"d({view.lag}) = {number(view.length)}" if view.path else "no path"
    about = f"shortest path to lag {view.lag}: {end}"
    return "".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{about}" '
            f'data-origin="{LEFT}" data-scale="{scale:.6f}" data-steps="{steps}" '
            'class="drnn-figure" font-size="11" fill="currentColor">',
            _profile(view, steps, x),
            _graph(view, steps, x, y, gap, scale),
            _axis(_ticks(view.start, steps), x, height - 40, _time_label(view)),
            "</svg>",
        ]
    )


def levels_of(view: View) -> list[Any]:
    """Return the units from the lowest level up: inputs first, outputs last."""
    about = view.graph.graph
    units = dict.fromkeys(unit_of(node, view.period) for node in view.graph)
    return sorted(units, key=lambda u: (u not in about["inputs"]) + (u in about["outputs"]))


def _profile(view: View, steps: int, x: Any) -> str:
    """Return the axes of d(n): a line with gaps where no path leads, and the lag picked."""
    lengths = view.lengths[: steps + 1]
    finite = lengths[np.isfinite(lengths)]
    low, high = (int(finite.min()), int(finite.max())) if len(finite) else (0, 1)
    low, high = (low, high) if high > low else (low - 1, high + 1)
    base, roof = 24 + PROFILE - 8, 24.0

    def y(d: float) -> float:
        return base - 6 - (base - 6 - roof) * (d - low) / (high - low)

    marks = sorted({int(finite.min()), int(finite.max())}) if len(finite) else []
    parts = [
        f'<text x="{LEFT}" y="12" font-style="italic">d(n), edges, {_phase_words(view)}</text>',
        _path_of([f"M{LEFT} {base}H{WIDTH - RIGHT}"], "currentColor", 1, 0.5),
        *(_label(LEFT - 8, y(d) + 4, str(d), "end") for d in marks),
        *(
            f'<path d="M{LEFT} {y(d):.1f}h{WIDTH - RIGHT - LEFT}" class="drnn-rule"/>'
            for d in marks
        ),
    ]
    pieces, inside = [], False
    for n, d in enumerate(lengths.tolist()):
        if math.isfinite(d):
            pieces.append(f"{'L' if inside else 'M'}{x(n):.1f} {y(d):.1f}")
        inside = math.isfinite(d)
    parts.append(_path_of(pieces, "currentColor", 1.2, 0.75))
    if steps <= 128:
        dots = [f"M{x(n):.1f} {y(d):.1f}h0" for n, d in enumerate(lengths) if math.isfinite(d)]
        parts.append(_path_of(dots, "currentColor", 4, 0.75))
    at = x(view.lag)
    if view.path:
        d = y(view.length)
        parts.append(f'<path d="M{at:.1f} {base}V{d:.1f}" stroke="{PATH}" stroke-width="1.2"/>')
        parts.append(f'<circle cx="{at:.1f}" cy="{d:.1f}" r="4" fill="{PATH}"/>')
        words = f"d({view.lag}) = {number(view.length)}"
    else:
        words = f"no path to lag {view.lag}"
        parts.append(f'<path d="M{at:.1f} {base}V{roof}" stroke="{PATH}" stroke-dasharray="3 3"/>')
    parts.append(_label(WIDTH - RIGHT, 12, words, "end", PATH))
    return "".join(parts)


def _graph(view: View, steps: int, x: Any, y: dict[Any, float], gap: float, scale: float) -> str:
    """Return the unfolded graph with the path in it."""
    start, period, graph = view.start, view.period, view.graph

    def line(t0: int, u0: Any, t1: int, u1: Any) -> str:
        a, b = x(t0 - start), x(t1 - start)
        if u0 == u1 and t1 - t0 > 1:
            rise = gap * min(0.9, 0.3 + 0.08 * (t1 - t0))
            return f"M{a:.1f} {y[u0]:.1f}Q{(a + b) / 2:.1f} {y[u0] - rise:.1f} {b:.1f} {y[u1]:.1f}"
        return f"M{a:.1f} {y[u0]:.1f}L{b:.1f} {y[u1]:.1f}"

    parts = [_label(LEFT - 10, y[unit] + 4, str(unit), "end") for unit in y]
    edges = sum(max(0, steps - lag + 1) for *_, lag in graph.edges(data="lag")) // period
    if edges <= MOST_SEGMENTS:
        grey, dots = [], []
        for u, v, lag in graph.edges(data="lag"):
            a, b = unit_of(u, period), unit_of(v, period)
            for t in _times(u, period, start, start + steps - lag):
                grey.append(line(t, a, t + lag, b))
        for node in graph:
            height = y[unit_of(node, period)]
            for t in _times(node, period, start, start + steps):
                dots.append(f"M{x(t - start):.1f} {height:.1f}h0")
        shade = max(0.15, min(0.4, scale / 25))  # lines that lie close add up
        grey = list(dict.fromkeys(grey))  # a matrix and an identity may stand side by side
        parts.append(_path_of(grey, "currentColor", min(1.0, 0.35 + scale / 40), shade))
        parts.append(_path_of(dots, "currentColor", max(1.2, min(6, scale / 2.2)), 0.7))
    else:
        words = f"{edges} edges are too many to draw: this is the path alone"
        parts.append(_label(WIDTH - RIGHT, min(y.values()) - 12, words, "end"))
        parts += [
            f'<path d="M{LEFT} {height:.1f}H{WIDTH - RIGHT}" class="drnn-rule"/>'
            for height in y.values()
        ]
    way = [line(t0, u0, t1, u1) for (t0, u0), (t1, u1) in pairwise(view.path)]
    parts.append(_path_of(way, PATH, 2.4, 1))
    size = max(4.0, min(9, scale / 1.8))
    parts.append(
        _path_of([f"M{x(t - start):.1f} {y[u]:.1f}h0" for t, u in view.path], PATH, size, 1)
    )
    return "".join(parts)


def _axis(ticks: list[tuple[int, int]], x: Any, height: float, label: str) -> str:
    marks = [f"M{x(n):.1f} {height:.1f}v5" for n, _ in ticks]
    parts = [
        _path_of([f"M{LEFT} {height:.1f}H{WIDTH - RIGHT}", *marks], "currentColor", 1, 0.5),
        *(_label(x(n), height + 18, str(time), "middle") for n, time in ticks),
        _label((LEFT + WIDTH - RIGHT) / 2, height + 34, label, "middle"),
    ]
    return "".join(parts)


def _phase_words(view: View) -> str:
    if view.period == 1:
        return "by lag n"
    return "by lag n, worst starting phase" if view.worst else f"by lag n, from phase {view.start}"


def _time_label(view: View) -> str:
    return "time (steps), lag n" if view.start == 0 else f"time (steps), lag n + {view.start}"


def _times(node: Any, period: int, first: int, last: int) -> range:
    """Return the times first..last at which a node of the cyclic graph exists."""
    phase = node[0] if period > 1 else 0
    return range(first + (phase - first) % period, last + 1, period)


def _ticks(start: int, steps: int) -> list[tuple[int, int]]:
    """Return up to ten ticks (steps from the start, time) at round times."""
    rough = max(1, steps / 8)
    unit = 10 ** int(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough)
    return [
        (time - start, time) for time in range(-(-start // step) * step, start + steps + 1, step)
    ]


def _path_of(pieces: Iterable[str], colour: str, width: float, opacity: float) -> str:
    return (
        f'<path d="{"".join(pieces)}" fill="none" stroke="{colour}" stroke-width="{width:.2f}" '
        f'stroke-opacity="{opacity}" stroke-linecap="round"/>'
    )


def _label(x: float, y: float, text: str, anchor: str, colour: str = "currentColor") -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {at} fill="{colour}">{escape(text)}</text>'
