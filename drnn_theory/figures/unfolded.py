"""Graphs unfolded in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from drnn_theory.architectures import as_cyclic_graph
from drnn_theory.checks import as_integer
from drnn_theory.edges import is_identity, unit_of
from drnn_theory.figures.marks import COLOURS, as_typed

__all__ = ["plot_unfolded"]


def plot_unfolded(
    graph: nx.MultiDiGraph | Iterable[int],
    steps: int,
    *,
    path: Sequence[tuple[int, Any]] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw a cyclic graph, or a scheme of dilations, unfolded over times 0..steps.

    Time runs across, units stand one above another, inputs lowest. Identities are dashed.

    ``path`` is a sequence of (time, unit) nodes to highlight, as ``shortest_path`` returns it.
    """
    graph = as_cyclic_graph(graph)
    steps = as_integer(steps, "steps", minimum=0)
    ax = plt.gca() if ax is None else ax
    period = graph.graph["period"]
    units = list(dict.fromkeys(unit_of(node, period) for node in graph))
    inputs, outputs = graph.graph["inputs"], graph.graph["outputs"]
    units.sort(key=lambda unit: (unit not in inputs) + (unit in outputs))
    height = {unit: level for level, unit in enumerate(units)}
    segments: list[list[tuple[float, float]]] = []
    carried: list[list[tuple[float, float]]] = []
    nodes = []
    for node in graph:
        first = node[0] if period > 1 else 0
        nodes += [(t, height[unit_of(node, period)]) for t in range(first, steps + 1, period)]
    for source, target, data in graph.edges(data=True):
        lag, lines = data["lag"], carried if is_identity(data) else segments
        first = source[0] if period > 1 else 0
        low, high = height[unit_of(source, period)], height[unit_of(target, period)]
        # an edge from before time 0 starts at the left margin
        for t in range(first - period * -(-lag // period), steps - lag + 1, period):
            if t + lag < 0:
                continue
            lines.append(_bend((t, low), (t + lag, high)))
    room = min(1.0, 40 / (steps + 1))  # marks shrink where steps lie close
    ax.add_collection(LineCollection(segments, colors="0.72", linewidths=0.6 * room, zorder=1))
    if carried:
        dashes = (0, (3, 2))
        ax.add_collection(
            LineCollection(
                carried, colors="0.72", linewidths=0.6 * room, linestyles=[dashes], zorder=1
            )
        )
    highlighted = [
        _bend((t0, height[u0]), (t1, height[u1])) for (t0, u0), (t1, u1) in pairwise(path)
    ]
    ax.add_collection(LineCollection(highlighted, colors=COLOURS[1], linewidths=1.8, zorder=2))
    on_path = {(t, height[unit]) for t, unit in path}
    sizes = (10 * room**1.5, 22 * room**0.7)
    for chosen, colour, size in ((False, "0.35", sizes[0]), (True, COLOURS[1], sizes[1])):
        points = [p for p in nodes if (p in on_path) is chosen]
        if points:
            x, y = zip(*points, strict=True)
            ax.scatter(x, y, s=size, color=colour, zorder=3, linewidths=0)
    ax.set_xlim(-0.6, steps + 0.6)
    ax.set_ylim(-0.5, len(units) - 0.5)
    ax.set_xlabel("time $t$ (steps)")
    ax.set_yticks(range(len(units)), [as_typed(str(unit)) for unit in units])
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def _bend(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[float, float]]:
    """Return a line from start to end, arched if it stays on one level over several steps."""
    (x0, y0), (x1, y1) = start, end
    if y0 != y1 or x1 - x0 < 2:
        return [start, end]
    s = np.linspace(0, 1, 17)
    arch = 0.1 + 0.28 * min(1.0, (x1 - x0) / 8)
    return list(zip(x0 + (x1 - x0) * s, y0 + 4 * arch * s * (1 - s), strict=True))
