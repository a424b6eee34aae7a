"""The drawing of the explorer: d(n) above the unfolded graph, laid out for a width and a font size.

The page shows it as text, which takes milliseconds and follows the page's colours, dark or light;
a saved figure is the same scene on paper.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.edges import is_identity, unit_of
from drnn_theory.explorer.scene import INK, Dots, Lines, Mark, Point, Scene, Words, to_svg
from drnn_theory.explorer.views import View, number

__all__ = ["MOST_SEGMENTS", "PAGE", "PATH", "Sheet", "figure", "layout", "levels_of"]

PATH = "#D55E00"
MOST_SEGMENTS = 12_000
"""Beyond so many edges the path is drawn without the graph around it."""
LEAST_ROOM = 9.0
"""Where steps lie closer than so many units, one chain of every kind of edge is drawn."""
MOST_OVERLAPS = 12
"""Of edges of one kind no more than so many are drawn above one another."""


@dataclass(frozen=True)
class Sheet:
    """What a drawing must fit: its width and the size of its letters, both in units of a scene."""

    width: float = 760.0
    size: float = 12.0
    font: str = ""


PAGE = Sheet()


def figure(view: View, *, whole: bool = True, sheet: Sheet = PAGE) -> str:
    """Return the SVG of d(n) and of the unfolded graph with the path.

    ``whole`` draws all steps of the span, otherwise those up to the lag that is picked.
    """
    return to_svg(layout(view, whole=whole, sheet=sheet))


def layout(view: View, *, whole: bool = True, sheet: Sheet = PAGE) -> Scene:
    """Return the scene of d(n) and of the unfolded graph with the path, over the same steps."""
    steps = view.span if whole else max(view.lag, 1)
    size, levels = sheet.size, levels_of(view)
    names = {unit: _short(str(unit)) for unit in levels}
    left = max(3.2 * size, size * max(map(_extent, names.values())) + 1.4 * size)
    right = sheet.width - 1.4 * size
    frame = Frame(left, right, steps, size)
    gap = max(1.35 * size, min(2.2 * size, 30 * size / len(levels)))

    title = _title(view, sheet)
    marks: list[Mark] = [
        frame.words(0.5 * size, (0.85 + 1.35 * i) * size, line) for i, line in enumerate(title)
    ]
    roof = (1.35 * len(title) + 2.6) * size
    base = roof + 7 * size
    top = base + 5.6 * size
    foot = top + gap * (len(levels) - 1) + 1.6 * size
    y = {unit: top + gap * (len(levels) - 1 - i) for i, unit in enumerate(levels)}
    marks += _profile(view, frame, roof, base)
    marks += _graph(view, frame, y, gap)
    marks += [
        frame.words(left - 0.7 * size, height, names[unit], "end") for unit, height in y.items()
    ]
    times = [(time - view.start, time) for time in _round(view.start, view.start + steps, 8)]
    marks += _axis(frame, times, foot, "time (steps)")
    lengths = [f"{d:g}" if math.isfinite(d) else "" for d in view.lengths[: steps + 1].tolist()]
    data = {
        "origin": f"{left:.2f}",
        "scale": f"{frame.scale:.6f}",
        "steps": str(steps),
        "roof": f"{roof:.1f}",
        "foot": f"{foot:.1f}",
        "lengths": " ".join(d or "-" for d in lengths),
    }
    return Scene(sheet.width, foot + 3.4 * size, marks, " ".join(title), sheet.font, data)


@dataclass(frozen=True)
class Frame:
    """Where lags 0..steps stand, from ``left`` to ``right``, and words of one size beside them."""

    left: float
    right: float
    steps: int
    size: float

    @property
    def scale(self) -> float:
        """How far two lags stand apart."""
        return (self.right - self.left) / (self.steps + 1)

    def x(self, lag: float) -> float:
        """Return where a lag stands."""
        return self.left + (lag + 0.5) * self.scale

    def words(self, x: float, y: float, text: str, anchor: str = "start") -> Words:
        """Return words on a line whose middle is at y."""
        return Words((x, y + 0.35 * self.size), text, anchor, INK, self.size)


def levels_of(view: View) -> list[Any]:
    """Return the units from the lowest level up: inputs first, outputs last."""
    about = view.graph.graph
    units = dict.fromkeys(unit_of(node, view.period) for node in view.graph)
    return sorted(units, key=lambda u: (u not in about["inputs"]) + (u in about["outputs"]))


def _title(view: View, sheet: Sheet) -> list[str]:
    """Return the lines of the title, none wider than the sheet."""
    if view.path:
        shown = f"a shortest path to lag {view.lag}: {number(view.length)} edges"
    else:
        shown = f"no path to lag {view.lag}"
    mean = f"mean recurrent length {number(view.mrl)} over lags 1..{view.span}"
    room = int((sheet.width - sheet.size) / (0.62 * sheet.size))
    lines = (view.choice.title, f"{mean}, vertical edges counted", f"in orange, {shown}")
    return [part for line in lines for part in textwrap.wrap(line, room)]


def _profile(view: View, frame: Frame, roof: float, base: float) -> list[Mark]:
    """Return the axes of d(n): a line with gaps where no path leads, and the lag picked."""
    size, x = frame.size, frame.x
    lengths = view.lengths[: frame.steps + 1]
    finite = lengths[np.isfinite(lengths)]
    low, high = (int(finite.min()), int(finite.max())) if len(finite) else (0, 1)
    low, high = (low, high) if high > low else (low - 1, high + 1)

    def y(d: float) -> float:
        return base - 0.6 * size - (base - 0.6 * size - roof) * (d - low) / (high - low)

    ticks = _round(low, high, 4)
    ruled = [[(frame.left, y(d)), (frame.right, y(d))] for d in ticks]
    marks: list[Mark] = [
        frame.words(0.5 * size, roof - 1.45 * size, f"d(n) in edges, {_phase_words(view)}"),
        Lines(ruled, INK, 1, 0.2),
        *(frame.words(frame.left - 0.7 * size, y(d), str(d), "end") for d in ticks),
    ]
    chains: list[list[Point]] = []
    inside = False
    for n, d in enumerate(lengths.tolist()):
        if math.isfinite(d):
            if not inside:
                chains.append([])
            chains[-1].append((x(n), y(d)))
        inside = math.isfinite(d)
    marks.append(Lines(chains, INK, 1.3, 0.8))
    every = frame.steps <= 128
    dots = [point for chain in chains if every or len(chain) == 1 for point in chain]
    marks.append(Dots(dots, INK, 4, 0.8))
    if view.path:
        at = (x(view.lag), y(view.length))
        marks += [Lines([[(at[0], base), at]], PATH, 1.4), Dots([at], PATH, 8)]
    else:
        marks.append(Lines([[(x(view.lag), base), (x(view.lag), roof)]], PATH, 1.4, 1, True))
    lags = [(n, n) for n in _round(0, frame.steps, 8)]
    return [*marks, *_axis(frame, lags, base, "lag n (steps)")]


def _graph(view: View, frame: Frame, y: dict[Any, float], gap: float) -> list[Mark]:
    """Return the unfolded graph with the path in it; identities are dashed."""
    start, period, graph, steps = view.start, view.period, view.graph, frame.steps
    sparse = frame.scale < LEAST_ROOM
    strides = {lag: _stride(lag, frame) for *_, lag in graph.edges(data="lag")}
    edges = sum(
        len(_times(u, period, start, start + steps - lag, strides[lag]))
        for u, _, lag in graph.edges(data="lag")
    )
    levels = [[(frame.left, height), (frame.right, height)] for height in y.values()]
    marks: list[Mark] = []
    if edges <= MOST_SEGMENTS:
        width = min(1.0, 0.5 + frame.scale / 60)
        shade = 0.4 if sparse else max(0.25, min(0.45, frame.scale / 40))
        drawn: dict[bool, dict[Any, None]] = {False: {}, True: {}}
        for u, v, about in graph.edges(data=True):
            a, b, lag = unit_of(u, period), unit_of(v, period), about["lag"]
            for t in _times(u, period, start, start + steps - lag, strides[lag]):
                # a matrix and an identity may stand side by side: the matrix is seen
                drawn[is_identity(about)][t, a, t + lag, b] = None
        for dashed, ends in drawn.items():
            seen = [end for end in ends if not dashed or end not in drawn[False]]
            marks += _ways(seen, frame, y, gap, start, (INK, width, shade), dashed, "edges")
        if sparse:
            marks.insert(0, Lines(levels, INK, 1, 0.2))
        else:
            dots = [
                (frame.x(t - start), y[unit_of(node, period)])
                for node in graph
                for t in _times(node, period, start, start + steps)
            ]
            marks.append(Dots(dots, INK, max(2.0, min(6, frame.scale / 2.2)), 0.65))
        if max(strides.values()) > 1:
            marks.append(_note(frame, y, "not every edge is drawn: many lie close"))
    else:
        marks.append(Lines(levels, INK, 1, 0.25))
        marks.append(_note(frame, y, f"{edges} edges are too many to draw: this is the path alone"))
    on_path = [(t0, u0, t1, u1) for (t0, u0), (t1, u1) in pairwise(view.path)]
    for dashed in (False, True):
        chosen = [edge for edge in on_path if _is_carried(graph, edge) is dashed]
        marks += _ways(chosen, frame, y, gap, start, (PATH, 2.4, 1.0), dashed, "path")
    path = [(frame.x(t - start), y[unit]) for t, unit in view.path]
    return [*marks, Dots(path, PATH, max(4.5, min(9, frame.scale / 1.8)))]


def _ways(
    ends: list[tuple[int, Any, int, Any]],
    frame: Frame,
    y: dict[Any, float],
    gap: float,
    start: int,
    look: tuple[str, float, float],
    dashed: bool,
    role: str,
) -> list[Mark]:
    """Return edges as marks: arcs within a level over several steps, straight lines otherwise."""
    straight: list[list[Point]] = []
    arcs: list[list[Point]] = []
    for t0, u0, t1, u1 in ends:
        a, b = (frame.x(t0 - start), y[u0]), (frame.x(t1 - start), y[u1])
        if u0 == u1 and t1 - t0 > 1:
            rise = gap * min(0.9, 0.3 + 0.08 * (t1 - t0))
            arcs.append([a, ((a[0] + b[0]) / 2, a[1] - rise), b])
        else:
            straight.append([a, b])
    marks: list[Mark] = [Lines(straight, *look, dashed, role)] if straight else []
    return [*marks, Lines(arcs, *look, dashed, role, curved=True)] if arcs else marks


def _is_carried(graph: nx.MultiDiGraph, edge: tuple[int, Any, int, Any]) -> bool:
    """Tell whether a path takes an identity there, which is no edge longer than a matrix beside."""
    t0, u0, t1, u1 = edge
    period = graph.graph["period"]
    u, v = ((t0 % period, u0), (t1 % period, u1)) if period > 1 else (u0, u1)
    return any(is_identity(about) for about in graph[u][v].values() if about["lag"] == t1 - t0)


def _stride(lag: int, frame: Frame) -> int:
    """Return from every how many steps an edge of that lag is drawn."""
    if frame.scale < LEAST_ROOM:
        return max(lag, math.ceil(LEAST_ROOM / frame.scale))
    return max(1, -(-min(lag, frame.steps) // MOST_OVERLAPS))


def _note(frame: Frame, y: dict[Any, float], words: str) -> Words:
    return frame.words(frame.right, min(y.values()) - 2 * frame.size, words, "end")


def _axis(frame: Frame, ticks: list[tuple[int, int]], height: float, label: str) -> list[Mark]:
    size = frame.size
    line = [[(frame.left, height), (frame.right, height)]]
    line += [[(frame.x(n), height), (frame.x(n), height + 0.4 * size)] for n, _ in ticks]
    return [
        Lines(line, INK, 1, 0.6),
        *(frame.words(frame.x(n), height + 1.1 * size, str(t), "middle") for n, t in ticks),
        frame.words((frame.left + frame.right) / 2, height + 2.4 * size, label, "middle"),
    ]


def _phase_words(view: View) -> str:
    if view.period == 1:
        return "by lag n"
    return "by lag n, worst starting phase" if view.worst else f"by lag n, from phase {view.start}"


def _times(node: Any, period: int, first: int, last: int, stride: int = 1) -> range:
    """Return times first..last at which a node of the cyclic graph exists, stride or more apart."""
    phase = node[0] if period > 1 else 0
    return range(first + (phase - first) % period, last + 1, period * -(-stride // period))


def _round(low: int, high: int, most: int) -> list[int]:
    """Return round numbers of low..high, up to ``most`` intervals apart.

    >>> _round(9, 17, 4), _round(0, 256, 8), _round(3, 4, 8)
    ([10, 12, 14, 16], [0, 50, 100, 150, 200, 250], [3, 4])
    """
    rough = max(1, (high - low) / most)
    unit = 10 ** int(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough)
    return list(range(-(-low // step) * step, high + 1, step))


def _extent(text: str) -> float:
    """Return the most that a text is wide, in sizes of its letters."""
    return sum(1.1 if letter in "WMmw@%" or ord(letter) > 0x250 else 0.72 for letter in text)


def _short(name: str, most: float = 9.0) -> str:
    """Return the name, or as much of its beginning as fits.

    >>> _short("h12"), _short("the second of the slow units")
    ('h12', 'the second..')
    """
    if _extent(name) <= most:
        return name
    kept = next(i for i in range(len(name), -1, -1) if _extent(name[:i]) <= most - 1.5)
    return f"{name[:kept]}.."
