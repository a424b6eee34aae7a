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

    def reached(self) -> list[tuple[frozenset[int], frozenset[int]]]:
        """Return, per start, the numbers of the components that its walks meet.

        Twice: all of them, and those that they meet again and again, by way of a cycle.
        """
        place = {node: c for c, part in enumerate(self.components) for node in part.nodes}
        # one bit per start, handed down in topological order
        met = [0] * len(self.components)
        for i, nodes in enumerate(self.sources):
            for node in nodes:
                met[place[node]] |= 1 << i
        lasting = [0] * len(self.components)
        for c, part in enumerate(self.components):
            for edge in part.above:
                met[c] |= met[place[edge.source]]
                lasting[c] |= lasting[place[edge.source]]
            if part.growth is not None:
                lasting[c] = met[c]
        return [
            (_numbers_with(met, i), _numbers_with(lasting, i)) for i in range(len(self.sources))
        ]


def _numbers_with(bits: list[int], i: int) -> frozenset[int]:
    return frozenset(number for number, starts in enumerate(bits) if starts >> i & 1)


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
    parts = strong_components(len(nodes), source[cycle.critical], target[cycle.critical])
    critical: dict[int, list[Edge]] = {}
    for e in np.flatnonzero(cycle.critical).tolist():
        critical.setdefault(int(parts[source[e]]), []).append(edges[e])
    period = math.lcm(*(_modulus(part)[0] for part in critical.values()))
    return Growth(-cycle.ratio, period, *_modulus(edges))


def _modulus(edges: list[Edge]) -> tuple[int, dict[int, int]]:
    """Return the gcd of the blocks of a strongly connected graph's cycles, and nodes' offsets."""
    onward: dict[int, list[Edge]] = {}
    for edge in edges:
        onward.setdefault(edge.source, []).append(edge)
    time = {edges[0].source: 0}
    queue = list(time)
    for node in queue:
        for edge in onward[node]:
            if edge.target not in time:
                time[edge.target] = time[node] + edge.shift
                queue.append(edge.target)
    modulus = math.gcd(*(time[e.source] + e.shift - time[e.target] for e in edges))
    return modulus, {node: at % modulus for node, at in time.items()}
