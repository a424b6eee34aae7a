r"""The best divisor chains, exactly, for spans of any size that fits in memory.

With n_i = s_i / s_{i-1} a chain's coins to the lags 1..m add up to

.. math:: \frac{m (m + 1)}{2} - \sum_{i \ge 2} (n_i - 1) F(s_i), \qquad
    F(s) = \sum_{n=1}^{m} \Big\lfloor \frac{n}{s} \Big\rfloor,

so that the most that a chain ending in s saves follows from those that end in the divisors of s.
"""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np

from drnn_theory.checks import require_memory

__all__ = ["best_chains", "deepest_chain"]


def deepest_chain(span: int, largest: int | None) -> int:
    """Return how many layers a divisor chain can have within ``span``, or ending in ``largest``."""
    return span.bit_length() if largest is None else 1 + len(_prime_factors(largest))


def best_chains(
    span: int, layers: list[int], largest: int | None, most: int
) -> tuple[int, list[tuple[int, ...]], bool]:
    """Return the least total (coins and ``span`` per layer), all chains that have it, if all are.

    ``layers`` are the depths allowed. At most ``most`` chains are listed.
    """
    require_memory(8 * (span + 1) * (max(layers) + 3), f"chains within {span}")
    savings = _savings(span, max(layers))
    whole = span * (span + 1) // 2
    ends = {
        depth: savings[depth - 1] if largest is None else savings[depth - 1][: largest + 1]
        for depth in layers
    }
    totals = {
        depth: whole - int(end.max() if largest is None else end[largest]) + depth * span
        for depth, end in ends.items()
    }
    least = min(totals.values())
    chains: list[tuple[int, ...]] = []
    for depth in layers:
        if totals[depth] != least:
            continue
        saved = whole + depth * span - least
        last = [largest] if largest is not None else np.flatnonzero(ends[depth] == saved).tolist()
        open_: list[tuple[int, ...]] = [(int(s),) for s in last]
        while open_ and len(chains) <= most:
            chain = open_.pop()
            level = depth - len(chain)  # layers below the chain so far
            if level == 0:
                chains.append(chain)
                continue
            s = chain[0]
            want = savings[level][s]
            for below in _proper_divisors(s):
                gain = (s // below - 1) * _floor_sum(span, s)
                if savings[level - 1][below] >= 0 and savings[level - 1][below] + gain == want:
                    open_.append((below, *chain))
    return least, sorted(chains, key=lambda c: (len(c), c))[:most], len(chains) <= most


def _savings(span: int, layers: int) -> list[np.ndarray]:
    """Return per depth - 1 and last dilation s = 0..span the most a chain saves, -1 for none.

    Quotients up to the root of the span go through all lower dilations at once; above it there
    are few lower dilations, each of which goes through all quotients at once.
    """
    values = np.arange(1, span + 1, dtype=np.int64)
    floors = np.zeros(span + 1, dtype=np.int64)
    floors[1:] = _floor_sum(span, values)
    first = np.full(span + 1, -1, dtype=np.int64)
    first[1] = 0
    depths = [first]
    root = isqrt(span)
    for _ in range(layers - 1):
        old, new = depths[-1], np.full(span + 1, -1, dtype=np.int64)
        for q in range(2, root + 1):
            below = old[1 : span // q + 1]
            gain = (q - 1) * floors[q : q * len(below) + 1 : q]
            _improve(new[q : q * len(below) + 1 : q], below, gain)
        for s in range(1, span // (root + 1) + 1):
            if old[s] < 0:
                continue
            quotients = np.arange(root + 1, span // s + 1)
            where = slice(s * (root + 1), s * (span // s) + 1, s)
            _improve(new[where], old[s : s + 1], (quotients - 1) * floors[where])
        depths.append(new)
    return depths


def _improve(best: np.ndarray, below: np.ndarray, gain: np.ndarray) -> None:
    np.maximum(best, np.where(below >= 0, below + gain, -1), out=best)


def _floor_sum(span: int, s: Any) -> Any:
    """Return floor(n / s) summed over n = 1..span, for a number or an array s."""
    quotient = (span + 1) // s
    return s * (quotient * (quotient - 1) // 2) + quotient * (span + 1 - quotient * s)


def _prime_factors(number: int) -> list[int]:
    factors, p = [], 2
    while p * p <= number:
        while number % p == 0:
            factors.append(p)
            number //= p
        p += 1
    return factors + [number] * (number > 1)


def _proper_divisors(number: int) -> list[int]:
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)} - {number})
