r"""Cyclic graphs in block time, their strongly connected components, and the growth of each.

A graph of period m is one of period 1 whose nodes are the pairs (phase, unit) and whose time counts
blocks of m steps: node v of phase p exists at the times p + m j, j = 0, 1, .. An edge of lag n from
u to v then shifts j by (p_u + n - p_v) / m, which is never negative.

The lengths of a component's walks grow along its cycles. What they cost per block in the limit is
its least ratio of counted edges to blocks, the slope; the walks from a node to itself take only
multiples of its modulus, the greatest common divisor of its cycles' blocks, so that the times at
which its nodes are met fall into that many classes; and the cheapest walks repeat with its period,
a common multiple of the greatest common divisors over the cycles of each critical part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import networkx as nx
import numpy as np

from drnn_theory.cycles import maximum_cycle_ratio, strong_components
from drnn_theory.paths.general import Wiring

__all__ = ["Block", "Component", "Edge", "Growth"]


class Edge(NamedTuple):
    """An edge in block time."""

    source: int
    target: int
    shift: int  # blocks
    weight: int  # 1 if it counts, else 0


@dataclass(frozen=True)
class Growth:
    """How the lengths grow along the cycles of one component."""

    slope: Fraction  # counted edges per block
    period: int  # blocks after which the cheapest walks repeat
    modulus: int  # every cycle takes a multiple of so many blocks
    offsets: dict[int, int]  # by node: an edge shifts by the difference of its offsets, mod modulus


@dataclass(frozen=True)
class Component:
    """A strongly connected component, or a node on no cycle, whose growth is None."""

    nodes: list[int]  # every edge of shift 0 leads to a later one
    inner: list[Edge]
    above: list[Edge]  # edges from other components
    growth: Growth | None

    @property
    def largest_shift(self) -> int:
        """The most blocks that an inner edge reads back."""
        return max((edge.shift for edge in self.inner), default=0)


class Block:
    """A wiring in block time, its components in topological order."""

    def __init__(self, wiring: Wiring, *, vertical: bool = True):
        table = wiring.table
        self.size = len(table.nodes)
        self.phase = wiring.phase
        counted = table.weight if vertical else np.where(table.lag > 0, table.weight, 0)
        shifts = (wiring.phase[table.source] + table.lag - wiring.phase[table.target]) // (
            wiring.period
        )
        self.edges = [
            Edge(*edge)
            for edge in zip(
                table.source.tolist(),
                table.target.tolist(),
                shifts.tolist(),
                counted.tolist(),
                strict=True,
            )
        ]
        self.sources = [
            [node for node in table.inputs if wiring.phase[node] == start]
            for start in wiring.starts
        ]
        self.components = list(self._components(table.source, table.target))

    def _components(self, source: np.ndarray, target: np.ndarray) -> Iterator[Component]:
        label = strong_components(self.size, source, target)
        inner: dict[int, list[Edge]] = {}
        above: dict[int, list[Edge]] = {}
        order = nx.DiGraph()
        order.add_nodes_from(label.tolist())
        for edge in self.edges:
            u, v = int(label[edge.source]), int(label[edge.target])
            (inner if u == v else above).setdefault(v, []).append(edge)
            if u != v:
                order.add_edge(u, v)
        members: dict[int, list[int]] = {}
        for node, part in enumerate(label.tolist()):
            members.setdefault(part, []).append(node)
        for part in nx.topological_sort(order):
            edges = inner.get(part, [])
            yield Component(
                _in_order(members[part], edges),
                edges,
                above.get(part, []),
                _growth(members[part], edges) if edges else None,
            )

    def reached(self) -> list[frozenset[int]]:
        """Return, per start, the numbers of the components that its walks meet."""
        place = {node: c for c, part in enumerate(self.components) for node in part.nodes}
        # one bit per start, handed down in topological order
        met = [0] * len(self.components)
        for i, nodes in enumerate(self.sources):
            for node in nodes:
                met[place[node]] |= 1 << i
        for c, part in enumerate(self.components):
            for edge in part.above:
                met[c] |= met[place[edge.source]]
        return [
            frozenset(c for c, starts in enumerate(met) if starts >> i & 1)
            for i in range(len(self.sources))
        ]


def _in_order(nodes: list[int], edges: list[Edge]) -> list[int]:
    """Return the nodes so that every edge of shift 0 leads to a later one."""
    instant = nx.DiGraph()
    instant.add_nodes_from(nodes)
    instant.add_edges_from((e.source, e.target) for e in edges if e.shift == 0)
    return list(nx.topological_sort(instant))


def _growth(nodes: list[int], edges: list[Edge]) -> Growth:
    index = {node: i for i, node in enumerate(nodes)}
    source = np.array([index[e.source] for e in edges])
    target = np.array([index[e.target] for e in edges])
    large = max(e.shift for e in edges) >= 2**62
    shift = np.array([e.shift for e in edges], dtype=object if large else np.int64)
    weight = np.array([e.weight for e in edges], dtype=np.int64)
    # the least ratio of counted edges to blocks, as the largest of its negative
    cycle = maximum_cycle_ratio(len(nodes), source, target, -weight, shift)
    assert cycle is not None  # a component with an edge inside has a cycle
    critical = [e for e, best in zip(edges, cycle.critical.tolist(), strict=True) if best]
    periods = [modulus for modulus, _ in _moduli(critical)]
    ((modulus, offsets),) = _moduli(edges)
    return Growth(-cycle.ratio, math.lcm(*periods), modulus, offsets)


def _moduli(edges: list[Edge]) -> Iterator[tuple[int, dict[int, int]]]:
    """Yield, per strongly connected part, the gcd of its cycles' blocks and its nodes' offsets."""
    graph = nx.MultiDiGraph()
    graph.add_edges_from((e.source, e.target, {"shift": e.shift}) for e in edges)
    for part in nx.strongly_connected_components(graph):
        inner = graph.subgraph(part)
        if inner.number_of_edges() == 0:
            continue
        root = next(iter(part))
        time = {root: 0}
        for u, v in nx.bfs_edges(inner, root):
            time[v] = time[u] + min(data["shift"] for data in inner[u][v].values())
        modulus = math.gcd(*(time[u] + n - time[v] for u, v, n in inner.edges(data="shift")))
        yield modulus, {node: at % modulus for node, at in time.items()}
