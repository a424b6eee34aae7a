r"""Certificates: from when on the shortest paths of a cyclic graph repeat, for ever.

Every strongly connected component, taken in topological order, grows at the best rate that it can
reach: the maximum cycle mean (lag per edge) of its own cycles or of a component above it. If p is a
multiple of the periods of the cycles that attain this rate and q = p / rate, then

    lengths(t + p) = lengths(t) + q   for all t of the second half of the known times,

checked entry by entry, goes on for ever if the new lengths read nothing but such values: those of
the component itself, of components above at the same rate, and never those of a slower component
above. For each of the latter two things are checked: a line below its lengths has already passed a
line above this component's, strictly; and the known times are long enough to have shown every
residue of time at which it reaches this component at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import networkx as nx
import numpy as np

from drnn_theory.checks import require_memory
from drnn_theory.cycles import maximum_cycle_ratio, strong_components
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.paths.profiles import UNREACHABLE, Profile

__all__ = ["combined", "graph_profiles"]


@dataclass(frozen=True)
class Component:
    """A strongly connected component as one starting phase reaches it."""

    nodes: list[int]
    above: list[tuple[int, int, int, int]]  # component, source node, target node, lag of its edges
    rate: Fraction | None  # lag per edge in the limit; None if it is reached finitely often
    period: int


def graph_profiles(graph: nx.MultiDiGraph, span: int, *, vertical: bool = True) -> list[Profile]:
    """Return the profile of every starting phase, known at least up to lag ``span``.

    Doubles the known times until all profiles are certified or the span is reached. Raises
    ValueError, with the figure, where neither fits in memory.
    """
    wiring = Wiring(graph)
    starts = range(len(wiring.starts))
    last, longest = 4 * (wiring.largest_lag + wiring.period), 1
    if not np.all(wiring.table.weight):  # identities: lag by lag
        last = max(last, span + wiring.period)
    groups: list[tuple[list[int], list[Component]]] = []
    if last < span + wiring.period:
        groups = _reached_components(wiring, vertical)
        periods = [c.period for _, components in groups for c in components]
        periods += [
            _unit_period(wiring, part, u) for _, part in groups for u in wiring.output_units
        ]
        longest = max(periods, default=1)
        last = 4 * (min(longest, span) + wiring.largest_lag + wiring.period)
    while True:
        reaches_span = last >= span + wiring.period
        last = min(last, span + wiring.period)
        try:
            known = path_lengths_by_unit(wiring, wiring.starts, last, vertical=vertical)
        except ValueError as error:
            raise ValueError(
                f"span must be within reach, got {span}: no certificate of periodicity was found "
                f"in fewer steps, and {error}"
            ) from None
        if reaches_span:
            return [_profile(wiring, known, i, span) for i in starts]
        if last >= 2 * longest and all(
            _holds_for_ever(wiring, part, known[:, :, which], vertical) for which, part in groups
        ):
            reached = {i: part for which, part in groups for i in which}
            return [_profile(wiring, known, i, span, reached[i]) for i in starts]
        last *= 2


def _reached_components(wiring: Wiring, vertical: bool) -> list[tuple[list[int], list[Component]]]:
    """Return the components that each start reaches, for starts (by number) that reach the same.

    What a start reaches only at once, the input itself as a rule, is left out: it plays no part
    in the second half of the known times.
    """
    table = wiring.table
    weight = np.where((table.lag > 0) | vertical, 1, 0)
    size = len(table.nodes)
    label = strong_components(size, table.source, table.target)
    links = list(zip(table.source.tolist(), table.target.tolist(), table.lag.tolist(), strict=True))
    condensed = nx.DiGraph((int(label[u]), int(label[v])) for u, v, _ in links)
    condensed.add_nodes_from(label.tolist())
    cyclic = set(nx.nodes_with_selfloops(condensed))
    condensed.remove_edges_from([(part, part) for part in cyclic])
    order = list(nx.topological_sort(condensed))
    members: dict[int, list[int]] = {part: [] for part in order}
    for node in range(size):
        members[int(label[node])].append(node)
    crossing: dict[int, list[tuple[int, int, int, int]]] = {part: [] for part in order}
    for u, v, lag in links:
        if label[u] != label[v]:
            crossing[int(label[v])].append((int(label[u]), u, v, lag))
    own: dict[int, tuple[Fraction, int]] = {}  # rate and period of a component's best cycles
    for part in cyclic:
        inside = (label[table.source] == part) & (label[table.target] == part)
        edges = [a[inside] for a in (table.source, table.target, table.lag, weight)]
        cycle = maximum_cycle_ratio(size, *edges)
        assert cycle is not None  # a component with an edge inside has a cycle
        source, target, lag = (a[cycle.critical] for a in edges[:3])
        own[part] = cycle.ratio, math.lcm(*_cycle_periods(source, target, lag))

    groups: dict[frozenset[int], list[int]] = {}
    for i, start in enumerate(wiring.starts):
        roots = {int(label[n]) for n in table.inputs if wiring.phase[n] == start}
        reached = (roots & cyclic).union(*(nx.descendants(condensed, root) for root in roots))
        groups.setdefault(frozenset(reached), []).append(i)
    result = []
    for reach, which in groups.items():
        place: dict[int, int] = {}
        components: list[Component] = []
        for part in order:
            if part not in reach:
                continue
            above = [(place[c], u, v, lag) for c, u, v, lag in crossing[part] if c in place]
            rates = [components[c].rate for c, *_ in above] + [
                own[part][0] if part in own else None
            ]
            rate = max((r for r in rates if r is not None), default=None)
            periods = [components[c].period for c, *_ in above if components[c].rate == rate]
            if part in own and own[part][0] == rate:
                periods.append(own[part][1])
            place[part] = len(components)
            components.append(
                Component(members[part], above, rate, math.lcm(wiring.period, *periods))
            )
        result.append((which, components))
    return result


def _cycle_periods(source: np.ndarray, target: np.ndarray, lag: np.ndarray) -> list[int]:
    """Return, per strongly connected part of these edges, the gcd of its cycles' total lags."""
    graph = nx.MultiDiGraph()
    graph.add_weighted_edges_from(
        zip(source.tolist(), target.tolist(), lag.tolist(), strict=True), weight="lag"
    )
    periods = []
    for part in nx.strongly_connected_components(graph):
        root = next(iter(part))
        inner = graph.subgraph(part)
        time = {root: 0}
        for u, v in nx.bfs_edges(inner, root):
            time[v] = time[u] + min(data["lag"] for data in inner[u][v].values())
        periods.append(math.gcd(*(time[u] + n - time[v] for u, v, n in inner.edges(data="lag"))))
    return [abs(p) for p in periods if p]


def _holds_for_ever(
    wiring: Wiring, components: list[Component], known: np.ndarray, vertical: bool
) -> bool:
    """Tell whether the second half of ``known`` certifies the periods of all components."""
    half = len(known) // 2
    late = known[half:]

    def at(node: int, low: int = 0, high: int | None = None) -> np.ndarray:
        """Return the lengths of a node at its times low <= t - half < high."""
        first = (int(wiring.phase[node]) - half - low) % wiring.period
        return late[low:high, wiring.unit[node]][first :: wiring.period]

    for component in components:
        period, rate = component.period, component.rate
        window = len(late) - period
        if window <= wiring.largest_lag:
            return False
        rise = 0 if rate is None else period / rate
        gap = False
        for node in component.nodes:
            before, after = at(node, 0, window), at(node, period)
            open_before, open_after = before >= UNREACHABLE, after >= UNREACHABLE
            if not np.array_equal(open_before, open_after):
                return False
            if not np.all((after - before == rise) | open_before):
                return False
            open_ends = bool(np.any(open_before) or np.any(at(node) >= UNREACHABLE))
            if rate is None and not np.all(at(node) >= UNREACHABLE):
                return False
            gap |= open_ends
        for c, u, v, lag in component.above:
            other = components[c]
            if other.rate is None or other.rate == rate:
                continue
            assert rate is not None  # a component's rate is the largest above it
            if gap and window <= wiring.largest_lag + math.lcm(other.period, period):
                return False
            weight = 1 if vertical or lag else 0
            first = len(known) - period  # from here on the slower component must not matter
            lows = _heights(at(u), half, wiring, u, other.rate, min)
            highs = _heights(at(v), half, wiring, v, rate, max)
            for low, high in zip(lows, highs, strict=True):
                if low is None:
                    continue
                if high is None or (first - lag) / other.rate + low + weight <= first / rate + high:
                    return False
    return True


def _heights(
    values: np.ndarray,
    half: int,
    wiring: Wiring,
    node: int,
    rate: Fraction,
    pick: Callable[[np.ndarray], int],
) -> list[Fraction | None]:
    """Return, per start, the least or largest (``pick``) length - time / rate; None if all open."""
    first = half + (int(wiring.phase[node]) - half) % wiring.period
    times = first + wiring.period * np.arange(len(values))
    heights = []
    for column in values.T:
        reached = column < UNREACHABLE
        scaled = column[reached].astype(object) * rate.numerator
        scaled -= times[reached].astype(object) * rate.denominator
        heights.append(Fraction(pick(scaled), rate.numerator) if len(scaled) else None)
    return heights


def _profile(
    wiring: Wiring,
    known: np.ndarray,
    i: int,
    span: int,
    components: list[Component] | None = None,
) -> Profile:
    """Return the profile from start number i, continued for ever if components are certified."""
    start = wiring.starts[i]
    profiles = []
    for unit in wiring.output_units:
        lengths = known[start:, unit, i]
        if components is None:
            profiles.append(Profile(lengths))
            continue
        period = _unit_period(wiring, components, unit)
        rises = np.zeros(wiring.period, dtype=np.int64)
        for c in components:
            for node in c.nodes:
                if wiring.unit[node] == unit:
                    rises[wiring.phase[node]] = 0 if c.rate is None else int(period / c.rate)
        phases = (start + np.arange(len(lengths) - period, len(lengths))) % wiring.period
        profiles.append(Profile(lengths, period, rises[phases]))
    if not profiles:  # no input reaches an output
        nothing = np.full(len(known) - start, UNREACHABLE, dtype=np.int32)
        return Profile(nothing, 1, np.zeros(1, dtype=np.int64))
    return combined(profiles, np.minimum, span)


def _unit_period(wiring: Wiring, components: list[Component], unit: int) -> int:
    """Return the period of a unit's lengths, over all the phases at which it exists."""
    return math.lcm(wiring.period, *(c.period for c in components if unit in wiring.unit[c.nodes]))


def combined(profiles: Sequence[Profile], pick: np.ufunc, span: int) -> Profile:
    """Return the least or largest (``pick``) of profiles, lag by lag.

    The best of the last common period stays the best for ever if it also has the best rise, which
    is awaited by doubling; at ``span`` the wait is over, and nothing is known beyond.
    """
    if len(profiles) == 1:
        return profiles[0]
    size = min(len(p.lengths) for p in profiles)
    if not all(p.period for p in profiles):
        return Profile(pick.reduce([p.lengths[:size] for p in profiles]))
    period = math.lcm(*(p.period for p in profiles))
    size = max([2 * period, *(len(p.lengths) for p in profiles)])
    while True:
        reaches_span = size > span
        size = min(size, span + 1)
        require_memory(24 * size * len(profiles), f"{size} lags of {len(profiles)} path profiles")
        values = np.array([_extended(p, size) for p in profiles])
        if reaches_span:
            return Profile(np.minimum(pick.reduce(values), UNREACHABLE))
        best = pick.reduce(values)
        rises = np.array([_rises(p, period, size) for p in profiles])
        open_end = values[:, -period:] >= UNREACHABLE
        # an open end stays open: as the largest it wins, as the least it never does
        rises[open_end] = UNREACHABLE
        steepest = pick.reduce(rises)
        winner = values[:, -period:] == best[-period:]
        if np.all(np.any(winner & (rises == steepest), axis=0)):
            rise = np.where(best[-period:] >= UNREACHABLE, 0, steepest)
            return Profile(np.minimum(best, UNREACHABLE), period, rise)
        size *= 2


def _extended(profile: Profile, size: int) -> np.ndarray:
    """Return the first ``size`` lengths of a certified profile as int64, UNREACHABLE where open."""
    lengths = profile.up_to(size - 1)
    return np.where(np.isinf(lengths), UNREACHABLE, lengths).astype(np.int64)


def _rises(profile: Profile, period: int, size: int) -> np.ndarray:
    """Return how much each of the last ``period`` of ``size`` lags rises over that period."""
    lags = np.arange(size - period, size)
    base = len(profile.lengths) - profile.period
    return profile.rise[(lags - base) % profile.period] * (period // profile.period)
