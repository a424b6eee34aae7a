"""Unfolded graphs, as in figures 1 and 2 of Chang et al. (NIPS 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import networkx as nx
from matplotlib.figure import Figure

from drnn_theory.architectures import dilated_rnn, skip_rnn
from drnn_theory.figures import plot_unfolded
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.graphs import cyclic_graph, unfold
from drnn_theory.paths import shortest_path

__all__ = ["UNFOLDED"]


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
        return [(t + self.start, unit) for t, unit in shortest_path(self.graph, self.lag)]


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


def _paint(panels: list[Panel], figure: Figure) -> None:
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for ax, panel in zip(axes, panels, strict=True):
        plot_unfolded(panel.graph, panel.steps, path=panel.path, ax=ax)
        ax.set_title(f"{panel.title}\nlag {panel.lag}: {len(panel.path) - 1} edges")
        ax.set_xlabel(f"time $t$ ({panel.unit_of_time})")


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
        about={},
        rows_of=_edges,
    ),
)
