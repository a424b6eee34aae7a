r"""Graphs without cycles: the lags that k edges reach, as ranges.

A window of attention reaches a range of lags, and the layers above it ranges of sums of them. Unit
after unit, in the order of the edges, the lags that paths of k counted edges reach are kept as few
disjoint ranges, without those that fewer edges reach. The number of ranges, not of lags, is what
that costs: a Transformer over 10^6 steps has one range per layer. Convolutions of wide dilations
with few taps have many; beyond a limit ``sweeps`` serves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from drnn_theory.checks import require_memory
from drnn_theory.edges import edge_table

__all__ = ["Ranges", "range_course"]

MOST_RANGES = 20_000  # of all units together

Range = tuple[int, int]  # the first and the last lag of it


@dataclass(frozen=True)
class Ranges:
    """d(n) as disjoint ranges of lags in ascending order, each with its length."""

    pieces: list[tuple[int, int, int]]  # first lag, last lag, edges

    def up_to(self, horizon: int) -> np.ndarray:  # noqa: D102
        require_memory(8 * (horizon + 1), f"{horizon + 1} lags")
        lengths = np.full(horizon + 1, math.inf)
        for first, last, edges in self.pieces:
            lengths[first : last + 1] = edges
        return lengths

    def totals(self, spans: Sequence[int]) -> list[int | None]:  # noqa: D102
        gap = self.first_gap()
        return [self._total(span) if span < gap else None for span in spans]

    def _total(self, span: int) -> int:
        ranges = ((max(first, 1), min(last, span), edges) for first, last, edges in self.pieces)
        return sum(edges * (last - first + 1) for first, last, edges in ranges if first <= last)

    def longest(self, span: int) -> tuple[int, int | None]:  # noqa: D102
        if self.first_gap() <= span:
            return int(self.first_gap()), None
        reached = [
            (edges, -max(first, 1))
            for first, last, edges in self.pieces
            if max(first, 1) <= min(last, span)
        ]
        edges, lag = max(reached)
        return -lag, edges

    def first_gap(self) -> float:
        """Return the first lag from 1 on that no path reaches."""
        lag = 1
        for first, last, _ in self.pieces:
            if first > lag:
                break
            lag = max(lag, last + 1)
        return lag


def range_course(graph: nx.MultiDiGraph, *, vertical: bool = True) -> Ranges | None:
    """Return the course of a graph without cycles, None if it has one or takes too many ranges.

    The graph's period must be 1. ``vertical=False`` counts an edge of lag 0 as nothing.
    """
    if graph.graph["period"] > 1:
        return None
    table = edge_table(graph)
    into: dict[int, dict[tuple[int, int], list[int]]] = {}  # target -> (source, cost) -> lags
    order: nx.DiGraph = nx.DiGraph()
    order.add_nodes_from(range(len(table.nodes)))
    for u, v, lag, weight in zip(
        *(column.tolist() for column in (table.source, table.target, table.lag, table.weight)),
        strict=True,
    ):
        cost = weight if vertical or lag else 0
        into.setdefault(v, {}).setdefault((u, cost), []).append(lag)
        order.add_edge(u, v)
    if not nx.is_directed_acyclic_graph(order):
        return None
    reached: dict[int, dict[int, list[Range]]] = {}
    kept = 0
    for node in nx.topological_sort(order):
        by_edges: dict[int, list[Range]] = {0: [(0, 0)]} if node in table.inputs else {}
        for (source, cost), lags in into.get(node, {}).items():
            for edges, ranges in reached[source].items():
                if len(ranges) * len(lags) > 50 * MOST_RANGES:
                    return None
                shifted = [(first + n, last + n) for n in lags for first, last in ranges]
                by_edges.setdefault(edges + cost, []).extend(shifted)
        reached[node] = _cheapest(by_edges)
        kept += sum(map(len, reached[node].values()))
        if kept > MOST_RANGES:
            return None
    ends: dict[int, list[Range]] = {}
    for node in table.outputs:
        for edges, ranges in reached[node].items():
            ends.setdefault(edges, []).extend(ranges)
    pieces = [(*piece, edges) for edges, ranges in _cheapest(ends).items() for piece in ranges]
    return Ranges(sorted(pieces))


def _cheapest(by_edges: dict[int, list[Range]]) -> dict[int, list[Range]]:
    """Return disjoint ranges by cost, each lag at its least cost alone."""
    covered: list[Range] = []
    least = {}
    for edges in sorted(by_edges):
        fresh = _without(_merged(by_edges[edges]), covered)
        if fresh:
            least[edges] = fresh
            covered = _merged([*covered, *fresh])
    return least


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the union as ascending ranges, no two of which touch."""
    union: list[Range] = []
    for first, last in sorted(ranges):
        if union and first <= union[-1][1] + 1:
            union[-1] = union[-1][0], max(last, union[-1][1])
        else:
            union.append((first, last))
    return union


def _without(ranges: list[Range], covered: list[Range]) -> list[Range]:
    """Return what the covered ranges leave of the others; both ascend and are disjoint."""
    left, at = [], 0
    for first, last in ranges:
        while at and covered[at - 1][1] >= first:  # one covered range may cut several
            at -= 1
        while at < len(covered) and covered[at][1] < first:
            at += 1
        start = first
        while at < len(covered) and covered[at][0] <= last:
            if covered[at][0] > start:
                left.append((start, covered[at][0] - 1))
            start = covered[at][1] + 1
            at += 1
        if start <= last:
            left.append((start, last))
    return left
