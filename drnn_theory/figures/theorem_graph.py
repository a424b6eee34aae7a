"""The graph of theorems: what rests on what, coloured by the evidence there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import networkx as nx
from matplotlib.axes import Axes

if TYPE_CHECKING:
    from collections.abc import Callable

    from drnn_theory.theorems import Theorem

__all__ = ["plot_theorem_graph", "theorem_graph"]

COLOURS = {"machine-checked": "#c7e3c9", "symbolic": "#cfe0f3", "written": "#f3e3c3"}


def theorem_graph() -> nx.DiGraph:
    """Return the graph of theorems: an edge from what is used to what uses it.

    Every node has its ``theorem``, its ``evidence`` (the strongest that it has beside the written
    proof and the cases: "machine-checked", "symbolic", or else "written") and its ``rank``, the
    length of the longest chain of theorems below it.

    >>> graph = theorem_graph()
    >>> sorted(graph.predecessors("theorem_3_1")), graph.nodes["theorem_3_1"]["evidence"]
    (['divisor_chain_mean'], 'machine-checked')
    """
    from drnn_theory.theorems import THEOREMS

    graph = nx.DiGraph()
    for theorem in THEOREMS.values():
        evidence = "symbolic" if theorem.symbolic else "written"
        graph.add_node(
            theorem.name,
            theorem=theorem,
            evidence="machine-checked" if theorem.machine else evidence,
        )
    for theorem in THEOREMS.values():
        graph.add_edges_from((below, theorem.name) for below in theorem.rests_on)
    for rank, names in enumerate(nx.topological_generations(graph)):
        for name in names:
            graph.nodes[name]["rank"] = rank
    return graph


def plot_theorem_graph(
    ax: Axes | None = None, *, link: Callable[[Theorem], str] | None = None
) -> Axes:
    """Draw the graph of theorems from left to right, and return the axes.

    ``link`` gives the address that a name leads to in an SVG.
    """
    graph = theorem_graph()
    ranks: dict[int, list[str]] = {}
    for name, rank in graph.nodes(data="rank"):
        ranks.setdefault(rank, []).append(name)
    place: dict[str, tuple[float, float]] = {}
    for rank in sorted(ranks):
        # as near as can be to the mean height of what a theorem rests on
        def height(name: str) -> float:
            below = [place[other][1] for other in graph.predecessors(name)]
            return sum(below) / len(below) if below else 0.5

        names = sorted(ranks[rank], key=height)
        for row, name in enumerate(names):
            place[name] = (rank, (row + 1) / (len(names) + 1))
    if ax is None:
        _, ax = plt.subplots(figsize=(12, 8), layout="constrained")
    for below, above in graph.edges:
        ax.annotate(
            "",
            xy=place[above],
            xytext=place[below],
            arrowprops={"arrowstyle": "->", "color": "0.6", "shrinkA": 14, "shrinkB": 14},
        )
    for name, (x, y) in place.items():
        text = ax.text(
            x,
            y,
            name,
            ha="center",
            va="center",
            fontsize="x-small",
            bbox={
                "boxstyle": "round,pad=0.25",
                "facecolor": COLOURS[graph.nodes[name]["evidence"]],
                "edgecolor": "0.4",
                "linewidth": 0.6,
            },
        )
        if link is not None:
            text.set_url(link(graph.nodes[name]["theorem"]))
    shown = {evidence for _, evidence in graph.nodes(data="evidence")}
    for evidence, colour in COLOURS.items():
        if evidence not in shown:
            continue
        ax.scatter([], [], color=colour, edgecolor="0.4", marker="s", s=60, label=evidence)
    ax.legend(title="beside cases and a written proof", loc="lower right", fontsize="x-small")
    ax.set_xlim(-0.5, max(ranks) + 0.5)
    ax.set_ylim(0, 1)
    ax.set_axis_off()
    return ax
