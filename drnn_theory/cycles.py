r"""Cycle ratios of a weighted graph, exactly: the best total lag per counted edge over all cycles.

The recurrent skip coefficient and the recurrent depth [1] are such ratios. They are found in
integers, without listing cycles, by Lawler's scheme driven by cycles: at the ratio p/q of the best
cycle known, longest walks are relaxed with the weights q * lag - p * weight. A cycle among the
predecessors has a positive total, so its ratio is strictly better and is the next p/q. When nothing
moves any more, the potentials prove that no cycle is better, and their tight edges are those of the
critical cycles.

[1] Zhang et al., Architectural Complexity Measures of Recurrent Neural Networks, NIPS 2016,
arXiv:1602.08210.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["CycleRatio", "longest_walks", "maximum_cycle_ratio", "strong_components"]


@dataclass(frozen=True)
class CycleRatio:
    """The largest total lag / total weight over all cycles, with its witness and certificate."""

    ratio: Fraction
    cycle: list[int]  # the edges of one cycle that attains it, in order
    potentials: np.ndarray  # per node: potentials[v] >= potentials[u] + q * lag - p * weight
    critical: np.ndarray  # per edge: whether it lies on a cycle that attains the ratio


def maximum_cycle_ratio(
    size: int, source: np.ndarray, target: np.ndarray, lag: np.ndarray, weight: np.ndarray
) -> CycleRatio | None:
    """Return the largest ratio total lag / total weight of a cycle, None if there is no cycle.

    The graph has nodes 0..size-1 and one entry per edge in the four integer arrays. Every cycle
    must have a positive total weight. Lags may be negative: negate them to find the least ratio.
    """
    if len(source) == 0:
        return None
    lowest = min(0, int(np.min(lag))) * (1 if np.min(weight) > 0 else size) - 1  # below every ratio
    ratio, cycle = Fraction(lowest), []
    bound = 4 * (size + 1) * max(1, size) * (int(np.max(np.abs(lag))) + abs(lowest) + 1)
    exact = np.int64 if bound * int(np.max(weight)) < 2**62 else object
    lags, weights = lag.astype(exact), weight.astype(exact)
    while True:
        gain = ratio.denominator * lags - ratio.numerator * weights
        potentials, better = longest_walks(size, source, target, gain)
        if better is None:
            break
        cycle = better
        ratio = Fraction(int(np.sum(lags[cycle])), int(np.sum(weights[cycle])))
    if not cycle:
        return None
    tight = potentials[target] == potentials[source] + gain
    parts = strong_components(size, source[tight], target[tight])
    critical = tight & (parts[source] == parts[target])
    return CycleRatio(ratio, cycle, potentials, critical)


def longest_walks(
    size: int,
    source: np.ndarray,
    target: np.ndarray,
    gain: np.ndarray,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, list[int] | None]:
    """Return potentials[v], the largest ``start[u]`` + total gain over all walks from u to v.

    ``start`` is 0 everywhere unless given. If a cycle of positive gain makes them unbounded, the
    second value is such a cycle, as its edges in order; it is None otherwise.
    """
    potentials = np.zeros(size, dtype=gain.dtype) if start is None else start.astype(gain.dtype)
    by_target = np.argsort(target, kind="stable")
    tails, heads, gains = source[by_target], target[by_target], gain[by_target]
    first = np.flatnonzero(np.r_[True, heads[1:] != heads[:-1]]) if len(heads) else heads
    reached = heads[first]
    group = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(heads)]))
    via = np.full(size, -1)  # the edge by which each potential was last raised
    while len(heads):
        offers = potentials[tails] + gains
        best = np.maximum.reduceat(offers, first)
        raised = best > potentials[reached]
        if not np.any(raised):
            break
        attained = np.flatnonzero((offers == best[group]) & raised[group])
        via[heads[attained]] = by_target[attained]
        potentials[reached[raised]] = best[raised]
        cycle = _predecessor_cycle(via, source)
        if cycle:
            return potentials, cycle
    return potentials, None


def _predecessor_cycle(via: np.ndarray, source: np.ndarray) -> list[int] | None:
    """Return a cycle of the predecessor graph as its edges in order, None if there is none."""
    size = len(via)
    before = np.where(via >= 0, source[via], size)  # the node `size` stands for "no predecessor"
    jump = np.r_[before, size]
    for _ in range(size.bit_length()):
        jump = jump[jump]
    trapped = np.flatnonzero(jump[:-1] < size)
    if not len(trapped):
        return None
    node = first = int(jump[trapped[0]])  # size or more steps back: certainly on a cycle
    cycle = []
    while True:
        cycle.append(int(via[node]))
        node = int(before[node])
        if node == first:
            return cycle[::-1]


def strong_components(size: int, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the strongly connected component of each node, as labels 0, 1, .."""
    links = coo_array((np.ones(len(source), dtype=np.int8), (source, target)), shape=(size, size))
    return connected_components(links.tocsr(), directed=True, connection="strong")[1]
