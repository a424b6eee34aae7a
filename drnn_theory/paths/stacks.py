r"""Stacks: the shortest path to lag n is the fewest coins that pay n, plus the vertical edges.

A stack's path from the input at time t to the top state at t + n climbs its L layers once each and
takes recurrent edges on the way, whose lags sum to n: it pays n with coins whose values are the
lags. The order of the layers does not matter, nor does the layer that a lag belongs to. So

.. math:: d(n) = L + c(n), \qquad c(n) = 1 + \min_i c(n - s_i), \quad c(0) = 0 .

Two engines compute c. For a divisor chain 1 = s_1 | s_2 | .. greedy payment is optimal and
everything has a closed form. For any other coins, c reads only its last s_L values, so that
c(n + s_L) = c(n) + 1 on s_L consecutive lags proves it for all later ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np

from drnn_theory.checks import require_memory
from drnn_theory.edges import edge_table
from drnn_theory.paths.courses import UNREACHABLE, Course, Strand

__all__ = ["DivisorChain", "Stack", "allow_copies", "as_stack", "coin_course", "fewest_coins"]

CHUNK = 2**18  # lags whose intermediate results stay in the cache


class Stack(NamedTuple):
    """What the shortest paths of a stack depend on."""

    coins: tuple[int, ...]  # the distinct lags of all recurrent edges, ascending
    vertical: int  # edges of lag 0 on every path


def as_stack(architecture: tuple[int, ...] | nx.MultiDiGraph) -> Stack | None:
    """Return the coins and vertical edges of a stack, None for a graph of any other shape.

    A graph of period 1 is a stack if all its walks from input to output climb one chain of nodes,
    joined by single edges of lag 0, with recurrent edges only from a node to itself, no identities.
    """
    if isinstance(architecture, tuple):
        return Stack(tuple(sorted(set(architecture))), len(architecture))
    if architecture.graph["period"] > 1:
        return None
    table = edge_table(architecture)
    if len(table.inputs) != 1 or len(table.outputs) != 1 or not np.all(table.weight):
        return None
    loops = table.source == table.target
    above = dict(zip(table.source[~loops].tolist(), table.target[~loops].tolist(), strict=True))
    chain = len(above) == np.count_nonzero(~loops) == len(set(above.values()))
    if not chain or np.any(table.lag[~loops]) or len(above) != len(table.nodes) - 1:
        return None
    coins = sorted({int(lag) for lag in table.lag[loops]})
    return Stack(tuple(coins), len(above)) if coins else None


class DivisorChain:
    r"""The course of a divisor chain in closed form: greedy payment gives the digit sum

    .. math:: c(n) = \sum_{i=1}^{L} \Big\lfloor \frac{n}{s_i} \Big\rfloor
        - \sum_{i=2}^{L} n_i \Big\lfloor \frac{n}{s_i} \Big\rfloor
        = n - \sum_{i=2}^{L} (n_i - 1) \Big\lfloor \frac{n}{s_i} \Big\rfloor,
        \qquad n_i = s_i / s_{i-1} .
    """

    def __init__(self, coins: Sequence[int], vertical: int):
        self.vertical = vertical
        self.coins = tuple(coins)
        self.weights = [(s, s // below - 1) for below, s in pairwise(coins)]

    def up_to(self, horizon: int) -> np.ndarray:  # noqa: D102
        require_memory(24 * (horizon + 1), f"{horizon + 1} lags")
        lags = np.arange(horizon + 1)
        lengths = lags + self.vertical
        for s, weight in self.weights:
            if s <= horizon:
                lengths -= weight * (lags // s)
        return lengths.astype(float)

    def totals(self, spans: Sequence[int]) -> list[int | None]:  # noqa: D102
        return [self._total(span) for span in spans]

    def first_gap(self) -> float:  # noqa: D102
        return math.inf

    def _total(self, span: int) -> int:
        total = span * self.vertical + span * (span + 1) // 2
        for s, weight in self.weights:
            quotient, rest = divmod(span + 1, s)  # floor(n / s) summed over n = 0..span
            total -= weight * (s * (quotient * (quotient - 1) // 2) + quotient * rest)
        return total

    def longest(self, span: int) -> tuple[int, int | None]:
        """Return the first lag of 1..span with the largest digit sum, and its path length.

        It is span itself, or agrees with span in its high digits, is one less in the next, and has
        the largest digits below.
        """
        candidates = [span]
        for s in self.coins[1:]:
            if span // s:
                candidates.append(span // s * s - 1)
        length, lag = max((self._length(n), -n) for n in candidates if n > 0)
        return -lag, length

    def _length(self, n: int) -> int:
        return self.vertical + n - sum(weight * (n // s) for s, weight in self.weights)


def coin_course(stack: Stack, horizon: int) -> Course:
    """Return the course of a stack, certified for all lags if that takes fewer than ``horizon``.

    Doubles the number of lags until c(n + s_L) = c(n) + 1 holds for the last s_L of them.
    """
    coins, vertical = stack
    largest = coins[-1]
    size = 4 * largest
    while True:
        certain = size <= horizon
        size = min(size, horizon)
        known = fewest_coins(coins, size)
        if certain:
            last, before = known[-largest:], known[-2 * largest : -largest]
            reachable = before < UNREACHABLE
            if np.array_equal(reachable, last < UNREACHABLE) and np.all(
                (last == before + 1) | ~reachable
            ):
                known += vertical
                return _certified(coins, known)
        if size == horizon:
            known += vertical
            return Course(known)
        size *= 2


def fewest_coins(coins: Sequence[int], horizon: int) -> np.ndarray:
    """Return the fewest coins that pay each of 0..horizon, UNREACHABLE or more where none do.

    Works through the coins in ascending order, each time allowing further copies of one coin.
    """
    require_memory(8 * (horizon + 1), f"{horizon + 1} lags")
    count = np.full(horizon + 1, UNREACHABLE, dtype=np.int32)
    count[0] = 0
    usable = [s for s in coins if s <= horizon]
    if usable and usable[0] == 1:
        count = np.arange(horizon + 1, dtype=np.int32)
        usable = usable[1:]
    for i, s in enumerate(usable):
        # k / gcd(k, s) copies of s are worth fewer of a larger k: no best payment has so many
        larger = (k // math.gcd(k, s) - 1 for k in usable[i + 1 :])
        allow_copies(count, s, copies=min(larger, default=None))
    return count


def allow_copies(count: np.ndarray, s: int, *, cost: int = 1, copies: int | None = None) -> None:
    """Allow copies of coin s, each at ``cost``, along the first axis of ``count``, in place.

    Any number of them, or at least ``copies``. By rows row k of the (n // s, s) view reads row
    k - 1; by doubling there are shifts of 1, 2, 4, .. copies.
    """
    most = (len(count) - 1) // s
    copies = most if copies is None else min(copies, most)
    if s >= 2000:
        buffer = np.empty((s, *count.shape[1:]), dtype=count.dtype)
        for low in range(s, len(count), s):
            row = count[low : low + s]
            cheaper = buffer[: len(row)]
            np.add(count[low - s : low - s + len(row)], cost, out=cheaper)
            np.minimum(row, cheaper, out=row)
        return
    block, allowed = 1, 0
    while allowed < copies:
        back = block * s
        for high in range(len(count), back, -CHUNK):  # downwards, to read what is not yet written
            low = max(high - CHUNK, back)
            part = count[low:high]
            np.minimum(part, count[low - back : high - back] + block * cost, out=part)
        allowed += block
        block *= 2


def _certified(coins: Sequence[int], lengths: np.ndarray) -> Course:
    """Return the course that rises by one every largest coin, on multiples of the coins' gcd."""
    largest, modulus = coins[-1], math.gcd(*coins)
    classes = np.ones(modulus, dtype=np.int8)
    classes[0] = 0
    strands = (Strand(Fraction(1, largest), largest), Strand(None, modulus))
    since = len(lengths) - 2 * largest
    return Course(lengths, modulus, classes, strands[: min(modulus, 2)], since)
