"""Shortest path lengths by lag, known for all lags at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from drnn_theory.checks import require_memory

__all__ = ["UNREACHABLE", "LengthsByLag", "Profile"]

UNREACHABLE = 2**30
"""Stands for "no path" in integer arrays; anything at or above it is unreachable."""


class LengthsByLag(Protocol):
    """What every engine answers: the shortest path lengths d(n) of one architecture."""

    def up_to(self, horizon: int) -> np.ndarray:
        """Return d(0..horizon) as float64, inf where there is no path."""

    def totals(self, spans: Sequence[int]) -> list[int | None]:
        """Return d(1) + .. + d(span) for each span, None where a lag is unreachable."""

    def longest(self, span: int) -> tuple[int, int | None]:
        """Return the first lag of 1..span whose path is longest, and that length."""


@dataclass(frozen=True)
class Profile:
    """d(n) as an array, continued by d(n + period) = d(n) + rise from the array's last period on.

    A period of 0 says that nothing is known beyond the array.
    """

    lengths: np.ndarray  # integers, UNREACHABLE or more where there is no path
    period: int = 0
    rise: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # per last lag

    def up_to(self, horizon: int) -> np.ndarray:  # noqa: D102
        require_memory(8 * (horizon + 1), f"{horizon + 1} lags")
        known = self.lengths[: horizon + 1]
        result = np.empty(horizon + 1)
        result[: len(known)] = known
        result[: len(known)][known >= UNREACHABLE] = math.inf
        rest = result[len(known) :]
        if len(rest):
            base = result[len(known) - self.period : len(known)]
            full = len(rest) // self.period
            rows = rest[: full * self.period].reshape(full, self.period)
            np.add(base, np.arange(1.0, full + 1)[:, None] * self.rise, out=rows)
            rest[full * self.period :] = (base + self.rise * (full + 1))[: len(rest) % self.period]
        return result

    def totals(self, spans: Sequence[int]) -> list[int | None]:  # noqa: D102
        known = self.lengths[1:]
        gaps = np.flatnonzero(known >= UNREACHABLE)
        reach = int(gaps[0]) if len(gaps) else math.inf  # lags 1..reach all have a path
        sums = np.concatenate([[0], np.cumsum(known, dtype=np.int64)])
        return [None if span > reach else self._total(span, sums) for span in spans]

    def _total(self, span: int, sums: np.ndarray) -> int:
        beyond = span - (len(sums) - 1)
        if beyond <= 0:
            return int(sums[span])
        # whole periods beyond the array rise by 1, 2, .., `full` times; a part of one follows
        full, part = divmod(beyond, self.period)
        base = self.lengths[-self.period :].astype(np.int64)
        one, piece = int(base.sum()), int(base[:part].sum())
        rise, piece_rise = int(self.rise.sum()), int(self.rise[:part].sum())
        return (
            int(sums[-1])
            + full * one
            + full * (full + 1) // 2 * rise
            + piece
            + (full + 1) * piece_rise
        )

    def longest(self, span: int) -> tuple[int, int | None]:  # noqa: D102
        known = self.lengths[1 : span + 1]
        gaps = np.flatnonzero(known >= UNREACHABLE)
        if len(gaps):
            return int(gaps[0]) + 1, None
        top = int(np.argmax(known))
        lag, length = top + 1, int(known[top])
        beyond = span - len(known)
        if beyond > 0:
            # every lag of the last period, after as many rises as fit
            full, part = divmod(beyond, self.period)
            first = len(self.lengths) - self.period
            for at in range(self.period):
                rises = full + (at < part)
                new = int(self.lengths[first + at]) + rises * int(self.rise[at])
                new_lag = first + at + rises * self.period
                if (new, -new_lag) > (length, -lag):
                    lag, length = new_lag, new
        return lag, length
