"""Unfolded graphs, as in figures 1 and 2 of Chang et al. (NIPS 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from matplotlib.figure import Figure

from drnn_theory.architectures import Architecture, as_cyclic_graph, dilated_rnn, skip_rnn
from drnn_theory.figures import plot_unfolded
from drnn_theory.figures.marks import as_typed, in_lines
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.graphs import cyclic_graph, unfold
from drnn_theory.paths import shortest_path, shortest_path_lengths

__all__ = ["UNFOLDED", "unfolded_side_by_side"]


@dataclass(frozen=True)
class Panel:
    """A graph unfolded over times 0..steps, with a shortest path of that lag from a start."""

    title: str
    graph: nx.MultiDiGraph
    steps: int
    lag: int
    start: int = 0
    unit_of_time: str = "steps"
    given: list[tuple[int, Any]] | None = None

    @property
    def path(self) -> list[tuple[int, Any]]:
        """The nodes of a shortest path, the one given if there are several."""
        if self.given is not None:
            return self.given
        return shortest_path(self.graph, self.lag, start=self.start)


def _edges(panels: list[Panel]) -> Rows:
    return [
        {
            "panel": panel.title,
            "from time": t0,
            "from unit": u0,
            "to time": t1,
            "to unit": u1,
            "lag": t1 - t0,
            "on the path": ((t0, u0), (t1, u1))
            in set(zip(panel.path, panel.path[1:], strict=False)),
        }
        for panel in panels
        for (t0, u0), (t1, u1) in sorted(unfold(panel.graph, panel.steps).edges, key=str)
    ]


def _paint(panels: list[Panel], figure: Figure, columns: int = 3) -> None:
    columns = min(columns, len(panels))
    axes = figure.subplots(-(-len(panels) // columns), columns, squeeze=False).flat
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    for ax, panel in zip(axes, panels, strict=False):
        plot_unfolded(panel.graph, panel.steps, path=panel.path, ax=ax)
        edges = f"lag {panel.lag}: {len(panel.path) - 1} edges"
        size, width = ax.title.get_size(), 0.9 * figure.get_size_inches()[0] / columns
        ax.set_title(f"{in_lines(as_typed(panel.title), width, size)}\n{edges}")
        ax.set_xlabel(f"time $t$ ({panel.unit_of_time})")


def _in_words(rows: Rows) -> str:
    """Return how long the highlighted path of each panel is."""
    said = []
    for panel in dict.fromkeys(str(row["panel"]) for row in rows):
        path = [row for row in rows if row["panel"] == panel and row["on the path"]]
        first = min(row["from time"] for row in path)
        last = max(row["to time"] for row in path)
        said.append(f"{panel}: from time {first} to {last} in {len(path)} edges")
    return (
        "Graphs unfolded in time, states as dots and connections as lines, a shortest path in "
        f"colour. {'; '.join(said)}."
    )


def _one_layer() -> list[Panel]:
    chains = [f"phase {phase}" for phase in range(4)]
    side_by_side = cyclic_graph([(c, c, 1) for c in chains], inputs=chains, outputs=chains)
    chain = [(time, "phase 1") for time in range(3)]
    return [
        Panel("skip edges: lags 1 and 4", skip_rnn(4), 12, 11, 1),
        Panel("dilation 4", dilated_rnn([4]), 12, 8, 1),
        Panel("its phases side by side", side_by_side, 3, 8, 0, "four steps each", chain),
    ]


def _stacks() -> list[Panel]:
    return [
        Panel("dilations 1, 2, 4", dilated_rnn([1, 2, 4]), 12, 10, 1),
        Panel("dilations 2, 4 with fusion", dilated_rnn([2, 4], fusion=True), 12, 11, 1),
    ]


STEPS = 14
FEW = 6  # units of a graph that is drawn small


def unfolded_side_by_side(
    architectures: Mapping[str, Architecture], *, name: str, caption: str, most: int = 4
) -> PaperFigure:
    """Return the figure of architectures unfolded: the last ones of few units, two in a row.

    Where none is that small, dilations 1, 2, 4 stand for an example.
    """
    graphs = {title: as_cyclic_graph(a) for title, a in architectures.items()}
    small = [title for title, graph in graphs.items() if graph.number_of_nodes() <= FEW + 1]
    if not small:
        graphs, small = {"dilations 1, 2, 4": dilated_rnn([1, 2, 4])}, ["dilations 1, 2, 4"]
    chosen = small[-most:]

    def panels() -> list[Panel]:
        return [_farthest(title, graphs[title]) for title in chosen]

    def paint(drawn: list[Panel], figure: Figure) -> None:
        _paint(drawn, figure, columns=2)

    rows = -(-len(chosen) // 2)
    units = max(graphs[title].number_of_nodes() for title in chosen)
    lines = max(-(-len(title) // 34) for title in chosen)  # which a title of so many letters takes
    height = rows * (0.9 + 0.22 * units + 0.15 * (lines - 1))
    return PaperFigure(name, caption, panels, paint, height, _in_words, about={}, rows_of=_edges)


def _farthest(title: str, graph: nx.MultiDiGraph) -> Panel:
    """Return the panel with a shortest path to the lag that takes most edges, of those drawn."""
    lengths = shortest_path_lengths(graph, STEPS - 2, start=1)
    reached = np.where(np.isfinite(lengths), lengths, -1)
    return Panel(title, graph, STEPS, int(np.argmax(reached)), 1)


UNFOLDED = (
    PaperFigure(
        "skip_and_dilated",
        "One recurrent layer unfolded in time: with regular skip edges; with dilated ones, which "
        "need half as many; and the same dilated layer as four independent chains that run at "
        "once in a quarter of the steps. A shortest path is highlighted in each, the same in "
        "the last two, but for its edge from the input.",
        _one_layer,
        _paint,
        1.6,
        _in_words,
        about={},
        rows_of=_edges,
    ),
    PaperFigure(
        "stacks",
        "Stacks unfolded in time: three layers of dilations 1, 2, 4; and two that start at "
        "dilation 2, whose odd lags only the fusion output reaches. A shortest path is highlighted "
        "in each.",
        _stacks,
        _paint,
        1.9,
        _in_words,
        about={},
        rows_of=_edges,
    ),
)
