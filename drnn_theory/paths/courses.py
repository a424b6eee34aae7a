r"""Shortest path lengths by lag, known for all lags at once.

From some index on such a sequence is a merge of linear ones: the indices fall into classes modulo
some number, and in each class the lengths follow a strand, d(n + period) = d(n) + slope * period,
or no path leads to it at all.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np

from drnn_theory.checks import require_memory

__all__ = ["UNREACHABLE", "Course", "LengthsByLag", "Strand"]

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

    def first_gap(self) -> float:
        """Return the first lag above 0 that no path reaches, inf if there is none."""


class Strand(NamedTuple):
    """How the lengths of one class go on."""

    slope: Fraction | None  # per index; None where no path leads
    period: int  # a multiple of the course's modulus

    @property
    def rise(self) -> int:
        """How much the lengths grow over one period."""
        return (
            0
            if self.slope is None
            else self.slope.numerator * (self.period // self.slope.denominator)
        )

    def slower(self, factor: int) -> Strand:
        """Return the strand of an index that counts ``factor`` times as many."""
        slope = None if self.slope is None else self.slope / factor
        return Strand(slope, self.period * factor)


@dataclass(frozen=True)
class Course:
    """d(n) as an array, continued beyond it by one strand for each class of indices.

    The class of n is ``classes[n % modulus]``, a number into ``strands``. The strands hold from
    index ``since`` on, and the array holds at least one period of each after that. A modulus of 0
    says that nothing is known beyond the array. Inside the engines the array has a second axis, one
    column per start, whose strands are the same.
    """

    lengths: np.ndarray  # integers, UNREACHABLE or more where there is no path
    modulus: int = 0
    classes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    strands: tuple[Strand, ...] = ()
    since: int = 0
    _heights: dict[tuple[int, np.ufunc], np.ndarray] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def period(self) -> int:
        """The period common to all strands, 0 where nothing is known beyond the array."""
        return math.lcm(*(s.period for s in self.strands)) if self.modulus else 0

    def extended(self, size: int, dtype: Any = np.int32, unreachable: Any = None) -> np.ndarray:
        """Return the first ``size`` lengths, UNREACHABLE or another value where no path leads."""
        unreachable = UNREACHABLE if unreachable is None else unreachable
        known = self.lengths[:size]
        if len(known) == size and unreachable == UNREACHABLE:
            return np.minimum(known, UNREACHABLE, dtype=dtype)
        result = np.empty((size, *known.shape[1:]), dtype=dtype)
        result[: len(known)] = known
        result[: len(known)][known >= UNREACHABLE] = unreachable
        for number in range(len(self.strands) if size > len(known) else 0):
            self._continue(result, number, unreachable)
        return result

    def _continue(self, result: np.ndarray, number: int, unreachable: Any) -> None:
        """Write one strand's lengths into all of ``result`` that lies beyond the array."""
        strand, size = self.strands[number], len(self.lengths)
        later = result[size:]
        if len(self.strands) > 1:
            lags = size + self._places(number, size, len(result))
            if strand.slope is None:
                result[lags] = unreachable
                return
            copies = (lags - size) // strand.period + 1
            rise = (copies * strand.rise).reshape(-1, *[1] * (later.ndim - 1))
            result[lags] = self.lengths[lags - copies * strand.period] + rise
        elif strand.slope is None:
            later[:] = unreachable
        else:
            base = self.lengths[size - strand.period :].astype(result.dtype)
            full = len(later) // strand.period
            rows = later[: full * strand.period].reshape(full, *base.shape)
            steps = np.arange(1, full + 1, dtype=result.dtype) * strand.rise
            np.add(base, steps.reshape(-1, *[1] * base.ndim), out=rows)
            rest = later[full * strand.period :]
            np.add(base[: len(rest)], strand.rise * (full + 1), out=rest)

    def _places(self, number: int, low: int, high: int) -> np.ndarray:
        """Return the indices low..high-1 of one class, less ``low``."""
        if len(self.strands) == 1:
            return np.arange(high - low)
        rolled = np.roll(self.classes == number, -(low % self.modulus))
        return np.flatnonzero(np.resize(rolled, high - low))

    def members(self, number: int, low: int, high: int) -> np.ndarray:
        """Return the lengths at the indices low..high-1 of one class."""
        if len(self.strands) == 1:
            return self.lengths[low:high]
        return self.lengths[low + self._places(number, low, high)]

    def last_period(self, number: int) -> tuple[np.ndarray | range, np.ndarray]:
        """Return the indices of one class in its strand's last period, and the lengths there."""
        low = len(self.lengths) - self.strands[number].period
        if len(self.strands) == 1:
            return range(low, len(self.lengths)), self.lengths[low:]
        lags = low + self._places(number, low, len(self.lengths))
        return lags, self.lengths[lags]

    def heights(self, number: int, pick: np.ufunc) -> np.ndarray:
        """Return the least or largest (``pick``) length - slope * index of one class, for ever.

        Exactly, times the slope's denominator, one per column.
        """
        if (number, pick) not in self._heights:
            slope = self.strands[number].slope
            assert slope is not None
            indices, lengths = self.last_period(number)
            largest = max(slope.numerator * len(self.lengths), slope.denominator * UNREACHABLE)
            exact = np.int64 if largest < 2**62 else object
            lags = np.arange(indices.start, indices.stop) if isinstance(indices, range) else indices
            fallen = slope.denominator * lengths.reshape(len(lags), -1).astype(exact)
            fallen -= slope.numerator * lags.astype(exact)[:, None]
            self._heights[number, pick] = pick.reduce(fallen, axis=0)
        return self._heights[number, pick]

    def up_to(self, horizon: int) -> np.ndarray:  # noqa: D102
        known = min(horizon + 1, len(self.lengths))
        require_memory(8 * (horizon + 1) + 5 * known, f"{horizon + 1} lags")
        return self.extended(horizon + 1, np.float64, math.inf)

    def first_gap(self) -> float:
        """Return the first lag above 0 that no path reaches, inf if there is none."""
        gaps = self.lengths[1:] >= UNREACHABLE
        first = int(np.argmax(gaps)) if len(gaps) else 0
        if len(gaps) and gaps[first]:
            return first + 1
        return min(
            (
                int(self.last_period(number)[0][0]) + strand.period
                for number, strand in enumerate(self.strands)
                if strand.slope is None
            ),
            default=math.inf,
        )

    def totals(self, spans: Sequence[int]) -> list[int | None]:  # noqa: D102
        gap, size = self.first_gap(), len(self.lengths)
        whole = [span for span in spans if span < gap]
        totals = dict(
            zip(whole, _sums(self.lengths[1:], [min(n, size - 1) for n in whole]), strict=True)
        )
        beyond = [span for span in totals if span >= size]
        for number, strand in enumerate(self.strands if beyond else ()):
            if strand.slope is None:
                continue
            lags, lengths = self.last_period(number)
            copies = [_copies(strand, lags, span) for span in beyond]
            period = int(lengths.sum(dtype=np.int64))
            first = _sums(lengths, [more for more, _ in copies])
            for span, (more, times), part in zip(beyond, copies, first, strict=True):
                rises = times * (times + 1) // 2 * len(lengths) + (times + 1) * more
                totals[span] += times * period + part + strand.rise * rises
        return [totals.get(span) for span in spans]

    def longest(self, span: int) -> tuple[int, int | None]:  # noqa: D102
        gap = self.first_gap()
        if gap <= span:
            return int(gap), None
        known = self.lengths[1 : span + 1]
        top = int(np.argmax(known))
        length, lag = int(known[top]), top + 1
        for number, strand in enumerate(self.strands if span >= len(self.lengths) else ()):
            if strand.slope is None:
                continue
            lags, lengths = self.last_period(number)
            more, times = _copies(strand, lags, span)
            for low, high, rises in ((0, more, times + 1), (more, len(lengths), times)):
                if low < high and rises:  # these rise alike: the first longest of them
                    best = low + int(np.argmax(lengths[low:high]))
                    risen = int(lengths[best]) + rises * strand.rise
                    later = int(lags[best]) + rises * strand.period
                    if (risen, -later) > (length, -lag):
                        length, lag = risen, later
        return lag, length


def _sums(values: np.ndarray, counts: Sequence[int]) -> list[int]:
    """Return the sum of the first so many values for each count, without an array of them all."""
    known, total, last = {0: 0}, 0, 0
    for count in sorted(set(counts)):
        total += int(values[last:count].sum(dtype=np.int64))
        known[count], last = total, count
    return [known[count] for count in counts]


def _copies(strand: Strand, lags: Any, span: int) -> tuple[int, int]:
    """Return how often a strand's last lags recur up to ``span``: the first so many once more."""
    times = (span - int(lags[-1])) // strand.period
    more = bisect_right(lags, span - (times + 1) * strand.period)
    return more, times
