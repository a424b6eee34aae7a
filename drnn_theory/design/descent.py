"""Local search: replace one dilation after another by the best single one, from many starts.

Nothing is proved here. It finds what the exact search is measured against, and what is reported
where exact search is out of reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log

import numpy as np

from drnn_theory.design.bounds import best_exponential
from drnn_theory.design.branching import Target, cost
from drnn_theory.paths.stacks import fewest_coins

__all__ = ["descents", "first_scheme"]

CELLS = 8_000_000
"""Lags times candidate dilations that are looked at together."""

CALL = 20_000
"""The effort of one step over and above its lags: so many lags take as long as starting it."""


def descents(
    target: Target, *, seed: int, budget: int
) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Yield schemes that no single replacement improves, their costs and the effort of each.

    First from the best exponential scheme; then, until ``budget`` is spent or the cost is 0, again
    and again from the last scheme accepted, with some of its dilations drawn again; sometimes a
    slightly worse scheme is accepted, or the best returned to.
    """
    rng = np.random.default_rng(seed)
    accepted, level, spent = _settle(target, first_scheme(target), rng)
    yield accepted, level, spent
    best, least = accepted, level
    while spent < budget and least and target.layers > len(target.given):
        proposed, total, effort = _settle(target, _redrawn(target, accepted, rng), rng)
        spent += effort
        yield proposed, total, effort
        if total < least:
            best, least = proposed, total
        # a scheme 0.5 % worse is accepted with probability 1 / e
        if total <= level or rng.random() < exp((level - total) / (0.005 * max(level, 1))):
            accepted, level = proposed, total
        elif level > least and rng.random() < 0.05:
            accepted, level = best, least


def first_scheme(target: Target) -> tuple[int, ...]:
    """Return the best exponential scheme, what does not fit replaced by the smallest free values.

    A scheme has room for it: the limit is at least the number of dilations to choose.
    """
    scheme = set(target.given)
    exponential = [s for s in best_exponential(target.span, target.layers) if s <= target.limit]
    for s in [*exponential, *range(2, target.limit + 1)]:
        if len(scheme) == target.layers:
            break
        scheme.add(s)
    return tuple(sorted(scheme))


def _redrawn(target: Target, scheme: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """Return the scheme with one to three free dilations drawn again, evenly in their logarithm."""
    kept = [s for s in scheme if s not in target.given]
    drop = min(len(kept), int(rng.integers(1, 4)))
    for i in sorted(rng.choice(len(kept), size=drop, replace=False), reverse=True):
        del kept[i]
    taken = {*kept, *target.given}
    while len(taken) < target.layers:
        s = round(exp(rng.uniform(log(2), log(target.limit + 0.49))))
        while s in taken:  # of a crowded neighbourhood the next free value
            s = s + 1 if s < target.limit else 2
        taken.add(s)
    return tuple(sorted(taken))


def _settle(
    target: Target, scheme: tuple[int, ...], rng: np.random.Generator
) -> tuple[tuple[int, ...], int, int]:
    """Replace single dilations by the best ones until none is better; return the effort as well."""
    total, effort = cost(target, scheme), 0
    free = [s for s in scheme if s not in target.given]
    stale = 0  # dilations in a row that were the best in their place
    while stale < len(free):
        s = free.pop(0)
        rest = tuple(sorted({*free, *target.given}))
        stale += 1
        for low, high in _windows(target, s, rng):
            totals, spent = _costs(target, rest, low, high)
            effort += spent
            at = int(np.argmin(totals))
            if totals[at] < total:
                s, total, stale = low + at, int(totals[at]), 1
        free.append(s)
    return tuple(sorted({*free, *target.given})), total, effort


def _windows(target: Target, s: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return ranges of values that may stand in for s: all, or around s and around a few others."""
    end = target.limit + 1
    if end <= 2000:
        return [(2, end)]
    centres = [s, *(round(exp(rng.uniform(log(2), log(end)))) for _ in range(7))]
    return [(max(2, centre - 32), min(end, centre + 32)) for centre in centres]


def _costs(target: Target, rest: tuple[int, ...], low: int, high: int) -> tuple[np.ndarray, int]:
    """Return the cost of ``rest`` with each of low..high-1 added, and the effort.

    Row i of the table is for the value low + i. With k copies of it the table reads a window on the
    fewest coins of ``rest`` that slides by -k from row to row: a view, without a copy.
    """
    span = target.span
    coins = fewest_coins(rest, span)
    longest = int(coins.max())
    dtype = np.dtype(np.uint8 if longest <= 120 else np.uint16 if longest <= 30_000 else np.int32)
    width = max(1, CELLS // (span + 1))
    if high - low > width:
        halves = [(low, low + width), (low + width, high)]
        parts = [_costs(target, rest, *half) for half in halves]
        return np.concatenate([totals for totals, _ in parts]), sum(spent for _, spent in parts)
    padded = np.full(2 * span + 1, longest, dtype=dtype)  # lags below 0 improve nothing
    padded[span:] = coins
    table = np.tile(padded[span:], (high - low, 1))
    effort, k = table.size + CALL * len(rest), 1
    while True:
        # k copies, and so any more, are of use only where the others need more for the same
        useful = low + np.flatnonzero(coins[k * low : k * high : k] > k)
        if not len(useful):
            break
        first, rows = int(useful[0]), int(useful[-1] - useful[0]) + 1
        window = np.ndarray(
            (rows, span + 1),
            dtype,
            padded,
            (span - k * first) * dtype.itemsize,
            (-k * dtype.itemsize, dtype.itemsize),
        )
        block = table[first - low : first - low + rows]
        np.minimum(block, window + dtype.type(k), out=block)
        effort += rows * (span + 1) + CALL
        k += 1
    if target.reach is None:
        totals = table.sum(axis=1, dtype=np.int64)
    else:
        totals = np.count_nonzero(table > target.reach, axis=1)
    taken = [s - low for s in rest if low <= s < high]
    totals[taken] = np.iinfo(np.int64).max
    return totals, effort
