r"""Certificates: from when on the shortest paths of a cyclic graph are a merge of linear sequences.

By the theory of powers of reducible matrices in the (min, +) algebra [1, 2] the lengths by lag are
at last linear on every class of a partition of the lags into residues. The components are taken in
topological order. The classes of each are known from its cycles and from the classes above it
(``classes``); what remains is to show from which lag on they hold. If in each class, of period p
and slope s,

    lengths(j + p) = lengths(j) + s p   for all j from some time on up to the end of the known ones,

for at least as long as an edge of the component reads back, and if a line below each offer from
above of a larger slope has passed a line above this class's lengths, strictly, then it holds for
ever: proofs/graph_certificate.md.

[1] Gavalec, Linear matrix period in max-plus algebra, Linear Algebra Appl. 307 (2000) 167-182.
[2] De Schutter, On the ultimate behavior of the sequence of consecutive powers of a matrix in the
max-plus algebra, Linear Algebra Appl. 307 (2000) 103-117.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import networkx as nx
import numpy as np

from drnn_theory.checks import require_memory
from drnn_theory.paths.blocks import Block, Component
from drnn_theory.paths.classes import Classes, Offer, cycle_classes, meetings, merged_classes
from drnn_theory.paths.courses import UNREACHABLE, Course, Strand
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.paths.solving import cost_per_index, solved

__all__ = ["combined", "graph_courses", "plain_courses"]

CELLS = 3 * 10**7
"""Values of one array that are computed in search of a certificate; a span may need more."""

NEAR = 100
"""Spans up to it are not worth a certificate."""

LOOK = 2**14
"""Indices looked at at once for the classes that paths have met."""

WORK = 10**8
"""Steps of about 50 ns that a search may take, likewise."""

NOWHERE = Course(
    np.full((1, 1), UNREACHABLE, dtype=np.int32),
    1,
    np.zeros(1, dtype=np.int64),
    (Strand(None, 1),),
)
"""Of a node that no path reaches."""


class TooFar(ValueError):
    """No certificate within the limits; the message says what stands in the way."""


def graph_courses(graph: nx.MultiDiGraph, span: int, *, vertical: bool = True) -> list[Course]:
    """Return the course of every starting phase, known at least up to lag ``span``.

    Doubles the known times until all courses are certified or the span is reached. Raises
    ValueError, with the period or the transient, where neither fits in memory or a reasonable time.
    """
    wiring = Wiring(graph)
    last = max(4 * wiring.largest_lag + 3 * wiring.period, NEAR)
    try:
        if last >= span:
            return plain_courses(wiring, span, vertical=vertical)
        return _certified_courses(wiring, span, vertical=vertical)
    except ValueError as error:  # memory, or TooFar
        raise ValueError(f"span must be within reach, got {span}: {error}") from None


def plain_courses(wiring: Wiring, span: int, *, vertical: bool = True) -> list[Course]:
    """Return the course of every starting phase, known up to lag ``span`` and no further."""
    last = span + wiring.period
    lengths = path_lengths_by_unit(wiring, wiring.starts, last, vertical=vertical)
    return [
        Course(lengths[start:, wiring.output_units, i].min(axis=1, initial=UNREACHABLE))
        for i, start in enumerate(wiring.starts)
    ]


def _certified_courses(wiring: Wiring, span: int, *, vertical: bool) -> list[Course]:
    block = Block(wiring, vertical=vertical)
    blocks = (wiring.period - 1 + span) // wiring.period + 1  # these hold all lags of the span
    budget = Budget(blocks, wiring.period)
    single = any(c.growth is not None and c.growth.modulus > 1 for c in block.components)
    reached = block.reached()
    groups: dict[tuple[frozenset[int], int], list[int]] = {}
    for i, (_, lasting) in enumerate(reached):  # what is met once alone leaves no strand
        groups.setdefault((lasting, i if single else 0), []).append(i)
    courses: dict[int, Course] = {}
    for which in groups.values():
        nodes: dict[int, Course] = {}
        met = frozenset[int]().union(*(reached[i][0] for i in which))
        for number in sorted(met):  # which is a topological order
            _add_component(block.components[number], nodes, block, which, budget)
        by_phase = []
        for phase in range(wiring.period):
            outputs = [n for n in wiring.table.outputs if wiring.phase[n] == phase and n in nodes]
            offers = [Offer(nodes[node]) for node in outputs]
            by_phase.append(joined(offers, budget) if offers else NOWHERE)
        courses |= zip(
            which, _by_lag(by_phase, [wiring.starts[i] for i in which], budget), strict=True
        )
    return [courses[i] for i in range(len(wiring.starts))]


def combined(courses: Sequence[Course], pick: np.ufunc, span: int) -> Course:
    """Return the least or largest (``pick``) of courses, lag by lag, at least up to ``span``."""
    if all(course is courses[0] for course in courses):
        return courses[0]
    try:
        columns = [replace(p, lengths=p.lengths[:, None]) for p in courses]
        best = joined([Offer(p) for p in columns], Budget(span + 1, 1), pick)
    except TooFar as error:
        raise ValueError(f"span must be within reach, got {span}: {error}") from None
    return replace(best, lengths=best.lengths[:, 0])


class Budget:
    """How many indices may be computed: all that the span needs if they fit, else some millions."""

    def __init__(self, most: int, period: int):
        self.most = most  # indices that the span needs
        self.period = period  # lags per index
        self.work: float = WORK

    def clipped(self, size: int, width: int, cost: float, problem: str = "") -> int:
        """Return ``size``, or what the span needs if that is less, and spend its cost.

        ``width`` counts the values per index. Raises TooFar, with the problem, where it is beyond
        the limits.
        """
        size = min(size, self.most)
        try:
            require_memory(12 * self.most * width, f"{self.most * self.period} lags")
        except ValueError as error:
            if size * width > CELLS or size * cost > self.work:
                raise TooFar(
                    f"{problem or 'no certificate of periodicity was found in fewer steps'}, and "
                    f"{error}; a smaller span is computed lag by lag"
                ) from None
        self.work -= size * cost
        return size

    def check_period(self, period: int, factors: Iterable[int]) -> None:
        """Raise TooFar where lengths repeat with a period that is beyond the limits."""
        if period > CELLS and period <= self.most:
            named = sorted({factor * self.period for factor in factors})
            shown = ", ".join(map(str, named[:8])) + (", .." if len(named) > 8 else "")
            raise TooFar(
                f"shortest paths repeat only every {period * self.period} lags, the least common "
                f"multiple of {shown}; a smaller span is computed lag by lag"
            )


def joined(
    offers: Sequence[Offer],
    budget: Budget,
    pick: np.ufunc = np.minimum,
    *,
    sources: Sequence[int] = (),
    starts: int = 1,
) -> Course:
    """Return the least or largest (``pick``) of what is offered, index by index.

    ``sources`` are the columns whose paths start there, at index 0.
    """
    if not offers:
        lengths = _offered((), 2, sources, starts)
        return replace(NOWHERE, lengths=lengths, since=1)
    starts = offers[0].course.lengths.shape[1]
    cost = 0.05 * len(offers) * starts
    if len(offers) == 1 and not sources and pick is np.minimum:
        return _passed_on(offers[0], budget)
    since = max(1, *(offer.course.since + offer.shift for offer in offers))
    moduli = [offer.course.modulus for offer in offers]
    if not all(moduli) or math.lcm(*moduli) > budget.most:
        size = budget.clipped(budget.most, starts, cost)
        return Course(_offered(offers, size, sources, starts, pick))
    budget.check_period(math.lcm(*moduli), moduli)
    classes = merged_classes(offers, pick)
    period = max(strand.period for strand in classes.strands)
    budget.check_period(period, [s.period for o in offers for s in o.course.strands])
    size, problem = max(2 * (period + 1), since + period + 1), ""
    while True:
        size = budget.clipped(size, starts, cost, problem)
        lengths = _offered(offers, size, sources, starts, pick)
        if size == budget.most:
            return Course(lengths)
        course = Course(lengths, *classes, max(since, size // 2))
        if _holds_for_ever(course, offers, 0, pick):
            return course
        problem = f"the transient is longer than {size * budget.period} lags"
        size *= 2


def _passed_on(offer: Offer, budget: Budget) -> Course:
    """Return the lengths of a node that only one edge enters."""
    course, shift, weight = offer
    if shift == weight == 0:
        return course
    starts = course.lengths.shape[1]
    size = budget.clipped(len(course.lengths) + shift, starts, 0.05 * starts)
    lengths = _offered([offer], size, (), starts)
    if not course.modulus or size == budget.most:
        return Course(lengths)
    classes = np.roll(course.classes, shift % course.modulus)
    return replace(course, lengths=lengths, classes=classes, since=course.since + shift)


def _offered(
    offers: Sequence[Offer],
    size: int,
    sources: Sequence[int],
    starts: int,
    pick: np.ufunc = np.minimum,
) -> np.ndarray:
    """Return the least or largest offer at each of ``size`` indices, for all starts."""
    best = np.full((size, starts), UNREACHABLE if pick is np.minimum else 0, dtype=np.int32)
    best[0, list(sources)] = 0
    for course, shift, weight in offers:
        if shift < size:
            lengths = course.extended(size - shift)
            if weight:
                lengths += weight
            pick(best[shift:], lengths, out=best[shift:])
    return best


def _add_component(
    component: Component,
    courses: dict[int, Course],
    block: Block,
    which: list[int],
    budget: Budget,
) -> None:
    """Add the courses of one component's nodes to those above it, for starts by number."""
    nodes, growth, starts = component.nodes, component.growth, len(which)
    offers: dict[int, list[Offer]] = {node: [] for node in nodes}
    for edge in component.above:
        if edge.source in courses:
            offer = Offer(courses[edge.source], edge.shift, edge.weight)
            offers[edge.target].append(offer)
    sources = {node: [k for k, i in enumerate(which) if node in block.sources[i]] for node in nodes}
    if growth is None:
        (node,) = nodes
        courses[node] = joined(offers[node], budget, sources=sources[node], starts=starts)
        return
    every = [
        offer._replace(shift=offer.shift - growth.offsets[node])
        for node in nodes
        for offer in offers[node]
    ]
    since = max((o.course.since + o.shift for node in nodes for o in offers[node]), default=1)
    back = max(edge.shift for edge in component.inner)
    width, cost = starts * len(nodes), cost_per_index(component, starts)
    known = all(o.course.modulus for o in every) and growth.modulus <= budget.most
    if known:
        budget.check_period(growth.modulus, [growth.modulus])
    size, problem = 2 * since + 4 * (back + 1), ""
    while True:
        size = budget.clipped(size if known else budget.most, width, cost, problem)
        lengths = solved(
            component, [_offered(offers[n], size, sources[n], starts) for n in nodes], size
        )
        if size == budget.most:
            courses |= zip(nodes, map(Course, lengths), strict=True)
            return
        classes = cycle_classes(_entered(component, lengths), growth.slope, growth.period, every)
        period = max(strand.period for strand in classes.strands)
        first = max(since, size // 2)
        if first + period + back < size:
            continued = {
                node: Course(rows, *classes.moved(growth.offsets[node]), first)
                for node, rows in zip(nodes, lengths, strict=True)
            }
            if all(_holds_for_ever(continued[n], offers[n], back) for n in nodes):
                courses |= continued
                return
            problem = f"the transient is longer than {size * budget.period} lags"
            size *= 2
        else:
            strands = [s.period for offer in every for s in offer.course.strands]
            budget.check_period(period, [growth.period, *strands])
            size = max(2 * (period + back + 1), since + period + back + 1, 2 * size)


def _entered(component: Component, lengths: Sequence[np.ndarray]) -> np.ndarray:
    """Return, by class modulo the component's modulus, whether a path has met it so far."""
    growth = component.growth
    assert growth is not None
    modulus = growth.modulus
    entered = np.zeros(modulus, dtype=bool)
    for node, rows in zip(component.nodes, lengths, strict=True):
        for low in range(0, len(rows), LOOK):
            met = np.any(rows[low : low + LOOK] < UNREACHABLE, axis=1)
            met = np.concatenate([met, np.zeros(-len(met) % modulus, dtype=bool)])
            entered |= np.roll(met.reshape(-1, modulus).any(axis=0), low - growth.offsets[node])
            if entered.all():
                return entered
    return entered


def _holds_for_ever(
    course: Course, offers: Sequence[Offer], back: int, pick: np.ufunc = np.minimum
) -> bool:
    """Tell whether a node's lengths certify its strands, as the head of this module says.

    ``back`` is the most that an edge within its component reads back.
    """
    size, since = len(course.lengths), course.since
    for number, strand in enumerate(course.strands):
        if since + strand.period + back > size:
            return False
        late = course.members(number, since, size)
        if strand.slope is None:
            if np.any(late < UNREACHABLE):
                return False
            continue
        before = course.members(number, since, size - strand.period)
        after = course.members(number, since + strand.period, size)
        if np.any(late >= UNREACHABLE) or np.any(after - before != strand.rise):
            return False
    classes = Classes(course.modulus, course.classes, course.strands)
    return all(
        _is_left_behind(offer, theirs, course, ours, pick)
        for offer in offers
        for theirs, ours in meetings(classes, offer)
    )


def _is_left_behind(offer: Offer, theirs: int, course: Course, ours: int, pick: np.ufunc) -> bool:
    """Tell whether a strand offered to a class of another slope has lost against it for ever."""
    strand, own = offer.course.strands[theirs], course.strands[ours]
    if (
        strand.slope is own.slope
        or strand.slope == own.slope
        or (strand if pick is np.minimum else own).slope is None
    ):
        return True
    assert strand.slope is not None
    assert own.slope is not None  # classes have the best slope of all
    assert (strand.slope > own.slope) == (pick is np.minimum)
    at = len(course.lengths) - own.period
    opposite = np.maximum if pick is np.minimum else np.minimum
    a, b = strand.slope.as_integer_ratio()
    c, d = own.slope.as_integer_ratio()
    # both lines at that index, times their denominators
    line = offer.course.heights(theirs, pick), a * (at - offer.shift) + b * offer.weight
    other = course.heights(ours, opposite), c * at
    if max(b, d) * max(abs(line[1]), abs(other[1]), max(b, d) * UNREACHABLE) > 2**60:
        line, other = (line[0].astype(object), line[1]), (other[0].astype(object), other[1])
    lead = d * (line[0] + line[1]) - b * (other[0] + other[1])
    return bool(np.all(lead > 0 if pick is np.minimum else lead < 0))


def _by_lag(by_phase: Sequence[Course], starts: Sequence[int], budget: Budget) -> list[Course]:
    """Return by lag, from each start, the lengths that are known by phase in block time.

    Their columns are the starts', or one for all of them.
    """
    phases = len(by_phase)
    certified = all(course.modulus for course in by_phase)
    size = max(len(course.lengths) for course in by_phase)
    width = phases * len(starts)
    size = budget.clipped(size if certified else budget.most, width, 0.05 * width)
    blocks = np.empty((len(starts), size, phases), dtype=np.int32)
    for phase, course in enumerate(by_phase):
        blocks[:, :, phase] = course.extended(size).T
    lengths = [rows.reshape(-1)[start:] for rows, start in zip(blocks, starts, strict=True)]
    modulus = math.lcm(*(course.modulus for course in by_phase))
    if not certified or modulus * phases > budget.most * budget.period or size == budget.most:
        return list(map(Course, lengths))
    budget.check_period(modulus, [course.modulus for course in by_phase])
    kinds: dict[Strand, int] = {}
    numbers = np.empty((modulus, phases), dtype=np.int64)
    for phase, course in enumerate(by_phase):
        own = [kinds.setdefault(strand.slower(phases), len(kinds)) for strand in course.strands]
        numbers[:, phase] = np.resize(np.array(own)[course.classes], modulus)
    since = max(course.since for course in by_phase) * phases
    classes, strands = numbers.reshape(-1), tuple(kinds)
    return [
        Course(known, modulus * phases, np.roll(classes, -start), strands, max(0, since - start))
        for known, start in zip(lengths, starts, strict=True)
    ]
