r"""Classes of indices: which of the lengths that are offered to a node decide in the end.

A node's lengths are the least of several offers (over the starting phases: the largest). In the end
that of the smallest slope wins, class by class: an offer of class k' modulo g' falls, at a node
whose classes are counted modulo g, into all classes congruent to it modulo gcd(g, g'). So each
class has the best slope of all that fall into it, and its period is a common multiple of theirs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from drnn_theory.paths.courses import Course, Strand

__all__ = ["Classes", "Offer", "cycle_classes", "meetings", "merged_classes"]


class Offer(NamedTuple):
    """What an edge hands on: ``course[j - shift] + weight`` at index j."""

    course: Course
    shift: int = 0
    weight: int = 0


class Classes(NamedTuple):
    """The growth of a node, class by class; see Course."""

    modulus: int
    numbers: np.ndarray  # by residue of the index
    strands: tuple[Strand, ...]

    def moved(self, shift: int) -> Classes:
        """Return the classes of indices that are larger by ``shift``."""
        if self.modulus == 1:
            return self
        return self._replace(numbers=np.roll(self.numbers, shift % self.modulus))


def merged_classes(offers: Sequence[Offer], pick: np.ufunc = np.minimum) -> Classes:
    """Return the classes of the least or largest (``pick``) of some offers."""
    slopes = _slopes(offers)
    modulus = math.lcm(*(offer.course.modulus for offer in offers))
    if modulus == 1:
        ranks = pick.reduce([_ranks(offer, slopes)[0] for offer in offers])
        return _one_class(int(ranks), slopes, offers)
    ranks = _fallen(offers[0], modulus, slopes, pick)
    for offer in offers[1:]:
        ranks = pick(ranks, _fallen(offer, modulus, slopes, pick))
    return _with_periods(ranks, slopes, offers, {})


def cycle_classes(
    entered: np.ndarray, slope: Fraction, period: int, offers: Sequence[Offer]
) -> Classes:
    """Return the classes of a component's nodes, of offset 0.

    ``entered`` says of each class modulo the component's modulus whether its own cycles are ever
    met; they have the given slope and period. The shifts of the offers are to offset 0, too.
    """
    slopes = _slopes(offers, slope)
    never = len(slopes)
    ranks = np.full(len(entered), never)
    for offer in offers:
        if len(entered) == 1:
            ranks[0] = min(ranks[0], *_ranks(offer, slopes))
        else:
            ranks = np.minimum(ranks, _fallen(offer, len(entered), slopes, np.minimum))
    own = slopes.index(slope)
    if len(ranks) == 1 and all(len(offer.course.strands) == 1 for offer in offers):
        best = min(own, ranks[0]) if entered[0] or ranks[0] < never else never
        return _one_class(int(best), slopes, offers, *([period] if best == own else []))
    ranks = np.where(entered | (ranks < never), np.minimum(ranks, own), never)
    return _with_periods(ranks, slopes, offers, {own: period})


def meetings(classes: Classes, offer: Offer) -> list[tuple[int, int]]:
    """Return the pairs of an offer's strand and the class of a node that it ever falls into."""
    if len(classes.strands) == 1 or len(offer.course.strands) == 1:
        theirs, ours = range(len(offer.course.strands)), range(len(classes.strands))
        return list(itertools.product(theirs, ours))
    common = math.gcd(classes.modulus, offer.course.modulus)
    falling = _presence(offer.course.classes, len(offer.course.strands), common)
    moved = np.roll(classes.numbers, -(offer.shift % classes.modulus))
    present = _presence(moved, len(classes.strands), common)
    return [(a, b) for a, b in np.argwhere(falling.astype(float) @ present.T > 0).tolist()]


def _slopes(offers: Sequence[Offer], *own: Fraction) -> list[Fraction]:
    """Return all slopes, ascending: ranks into the list compare as the slopes do."""
    strands = [s for offer in offers for s in offer.course.strands]
    return sorted({s.slope for s in strands if s.slope is not None}.union(own))


def _fallen(offer: Offer, modulus: int, slopes: list[Fraction], pick: np.ufunc) -> np.ndarray:
    """Return by class of the node the best rank that the offer has in it; len(slopes) for none."""
    of_strand = np.array(_ranks(offer, slopes))
    common = math.gcd(modulus, offer.course.modulus)
    best = pick.reduce(of_strand[offer.course.classes].reshape(-1, common), axis=0)
    return np.resize(np.roll(best, offer.shift % common), modulus)


def _ranks(offer: Offer, slopes: list[Fraction]) -> list[int]:
    """Return the rank of each strand's slope, len(slopes) for none."""
    never = len(slopes)
    return [never if s.slope is None else slopes.index(s.slope) for s in offer.course.strands]


def _one_class(rank: int, slopes: list[Fraction], offers: Sequence[Offer], *own: int) -> Classes:
    """Return the one class of indices that there is, from offers of one strand each."""
    slope = slopes[rank] if rank < len(slopes) else None
    strands = [offer.course.strands[0] for offer in offers]
    period = math.lcm(*own, *(s.period for s in strands if slope is not None and s.slope == slope))
    return Classes(1, np.zeros(1, dtype=np.int64), (Strand(slope, period),))


def _with_periods(
    ranks: np.ndarray, slopes: list[Fraction], offers: Sequence[Offer], own: dict[int, int]
) -> Classes:
    """Return the classes by rank, modulo as small a number as will do, with their periods."""
    modulus = len(ranks)
    for prime in _primes(modulus):
        while modulus % prime == 0:
            rows = ranks[:modulus].reshape(prime, -1)
            if not np.all(rows == rows[0]):
                break
            modulus //= prime
    present, numbers = np.unique(ranks[:modulus], return_inverse=True)
    kinds = [slopes[rank] if rank < len(slopes) else None for rank in present]
    periods = [math.lcm(modulus, own.get(int(rank), 1)) for rank in present]
    classes = Classes(
        modulus,
        numbers.reshape(-1),
        tuple(Strand(s, p) for s, p in zip(kinds, periods, strict=True)),
    )
    for offer in offers:
        for theirs, ours in meetings(classes, offer):
            strand = offer.course.strands[theirs]
            if strand.slope is not None and strand.slope == kinds[ours]:
                periods[ours] = math.lcm(periods[ours], strand.period)
    return classes._replace(strands=tuple(map(Strand, kinds, periods)))


def _presence(numbers: np.ndarray, count: int, modulus: int) -> np.ndarray:
    """Return ``present[k, r]``: whether class k has an index congruent to r."""
    present = np.zeros((count, modulus), dtype=bool)
    present[numbers, np.resize(np.arange(modulus), len(numbers))] = True
    return present


def _primes(number: int) -> list[int]:
    """Return the prime factors of a number, each once."""
    factors, candidate = [], 2
    while candidate * candidate <= number:
        if number % candidate == 0:
            factors.append(candidate)
            while number % candidate == 0:
                number //= candidate
        candidate += 1
    return [*factors, number] if number > 1 else factors
