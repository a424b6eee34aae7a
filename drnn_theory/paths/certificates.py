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
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import networkx as nx
import numpy as np

from drnn_theory.cycles import maximum_cycle_ratio, strong_components
from drnn_theory.dilations import require_memory
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.paths.profiles import UNREACHABLE, Profile

__all__ = ["combined", "graph_profiles"]


@dataclass(frozen=True)
class Component:
    """A strongly connected component as one starting phase reaches it."""

    nodes: np.ndarray
    above: list[tuple[int, int, int, int]]  # component, source node, target node, lag of its edges
    rate: Fraction | None  # lag per edge in the limit; None if it is reached finitely often
    period: int


def graph_profiles(graph: nx.MultiDiGraph, span: int, *, vertical: bool = True) -> list[Profile]:
    """Return the profile of every starting phase, known at least up to lag ``span``.

    Doubles the known times until all profiles are certified or the span is reached. Raises
    ValueError, with the figure, where neither fits in memory.
    """
    wiring = Wiring(graph)
    groups = _starts_by_reach(wiring)
    components = [_components(wiring, nodes, vertical) for nodes in groups]
    longest = max((c.period for part in components for c in part), default=1)
    last = 4 * (min(longest, span) + wiring.largest_lag + wiring.period)
    while True:
        certain = last < span + wiring.period
        last = min(last, span + wiring.period)
        try:
            known = path_lengths_by_unit(wiring, wiring.starts, last, vertical=vertical)
        except ValueError as error:
            raise ValueError(
                f"span must be within reach, got {span}: no certificate of periodicity was found "
                f"in fewer steps, and {error}"
            ) from None
        if not certain:
            return [_profile(wiring, known, i) for i in range(len(wiring.starts))]
        profiles: dict[int, Profile] = {}
        for nodes, part in zip(groups.values(), components, strict=True):
            which = [wiring.starts.index(start) for start in nodes]
            if not _holds_for_ever(wiring, part, known[:, :, which], vertical):
                break
            for i in which:
                profiles[i] = _profile(wiring, known, i, part)
        else:
            return [profiles[i] for i in range(len(wiring.starts))]
        last *= 2


def _starts_by_reach(wiring: Wiring) -> dict[frozenset[int], list[int]]:
    """Return the starting phases, grouped by the set of nodes that they reach."""
    graph = nx.DiGraph(zip(wiring.table.source.tolist(), wiring.table.target.tolist(), strict=True))
    graph.add_nodes_from(range(len(wiring.table.nodes)))
    groups: dict[frozenset[int], list[int]] = {}
    for start in wiring.starts:
        roots = [node for node in wiring.table.inputs if wiring.phase[node] == start]
        reached = frozenset(roots).union(*(nx.descendants(graph, root) for root in roots))
        groups.setdefault(reached, []).append(start)
    return groups


def _components(wiring: Wiring, nodes: frozenset[int], vertical: bool) -> list[Component]:
    """Return the components within ``nodes``, in topological order, with rate and period."""
    table = wiring.table
    inside = np.isin(table.source, list(nodes))  # what a reached node feeds is reached
    source, target, lag = table.source[inside], table.target[inside], table.lag[inside]
    weight = np.where((lag > 0) | vertical, 1, 0)
    label = strong_components(len(table.nodes), source, target)
    order = list(
        nx.topological_sort(
            nx.DiGraph(
                [
                    (int(a), int(b))
                    for a, b in zip(label[source], label[target], strict=True)
                    if a != b
                ]
            )
        )
    )
    present = {int(label[node]) for node in nodes}
    order += sorted(present - set(order))
    place = {part: i for i, part in enumerate(order)}
    crossing: dict[int, list[tuple[int, int, int, int]]] = {part: [] for part in order}
    for u, v, n in zip(source.tolist(), target.tolist(), lag.tolist(), strict=True):
        if label[u] != label[v]:
            crossing[int(label[v])].append((place[int(label[u])], u, v, n))
    components: list[Component] = []
    for part in order:
        own = (label[source] == part) & (label[target] == part)
        cycle = maximum_cycle_ratio(
            len(table.nodes), source[own], target[own], lag[own], weight[own]
        )
        rates = [components[c].rate for c, *_ in crossing[part]]
        if cycle is not None:
            rates.append(cycle.ratio)
        rate = max((r for r in rates if r is not None), default=None)
        period = wiring.period
        if cycle is not None and cycle.ratio == rate:
            tight = cycle.critical
            period = math.lcm(
                period, *_cycle_periods(source[own][tight], target[own][tight], lag[own][tight])
            )
        for c, *_ in crossing[part]:
            if components[c].rate == rate:
                period = math.lcm(period, components[c].period)
        members = np.array([node for node in nodes if label[node] == part])
        components.append(Component(members, crossing[part], rate, period))
    return components


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
    late = known[half:].astype(np.int64)
    times = np.arange(half, len(known))
    lows: dict[int, list[Fraction | None]] = {}  # by node: its lengths stay above t / rate + low
    for component in components:
        period, rate = component.period, component.rate
        window = len(late) - period
        if window <= wiring.largest_lag:
            return False
        rise = 0 if rate is None else period / rate
        highs: dict[int, list[Fraction | None]] = {}
        gap = False
        for node in component.nodes.tolist():
            here = times % wiring.period == wiring.phase[node]
            values = late[:, wiring.unit[node]]
            reached = values < UNREACHABLE
            before, after = values[:window][here[:window]], values[period:][here[:window]]
            open_before, open_after = before < UNREACHABLE, after < UNREACHABLE
            if not np.array_equal(open_before, open_after):
                return False
            if np.any((after - before != rise) & open_before):
                return False
            if rate is None and np.any(reached[here]):
                return False
            gap |= not np.all(reached[here])
            lows[node], highs[node] = _lines(times[here], values[here], rate)
        for c, u, v, lag in component.above:
            other = components[c]
            if other.rate is None or other.rate == rate:
                continue
            assert rate is not None  # a component's rate is the largest above it
            if gap and window <= wiring.largest_lag + math.lcm(other.period, period):
                return False
            weight = 1 if vertical or lag else 0
            first = len(known) - period  # from here on the slower component must not matter
            for low, high in zip(lows[u], highs[v], strict=True):
                if low is None:
                    continue
                if high is None or (first - lag) / other.rate + low + weight <= first / rate + high:
                    return False
    return True


def _lines(
    times: np.ndarray, values: np.ndarray, rate: Fraction | None
) -> tuple[list[Fraction | None], list[Fraction | None]]:
    """Return, per start, the least and the largest of value - time / rate; None if all are open."""
    lows: list[Fraction | None] = []
    highs: list[Fraction | None] = []
    for column in values.T:
        reached = column < UNREACHABLE
        if rate is None or not np.any(reached):
            lows.append(None)
            highs.append(None)
            continue
        p, q = rate.numerator, rate.denominator
        exact = np.int64 if p * int(times[-1] + UNREACHABLE) < 2**62 else object
        heights = column[reached].astype(exact) * p - times[reached].astype(exact) * q
        lows.append(Fraction(int(np.min(heights)), p))
        highs.append(Fraction(int(np.max(heights)), p))
    return lows, highs


def _profile(
    wiring: Wiring, known: np.ndarray, i: int, components: list[Component] | None = None
) -> Profile:
    """Return the profile from start number i, continued for ever if components are certified."""
    start = wiring.starts[i]
    profiles = []
    for unit in wiring.output_units:
        lengths = known[start:, unit, i]
        if components is None:
            profiles.append(Profile(lengths))
            continue
        found = [c for c in components if np.any(wiring.unit[c.nodes] == unit)]
        period = math.lcm(wiring.period, *(c.period for c in found))
        if period > len(lengths):
            raise ValueError(f"period must be within the {len(lengths)} known lags, got {period}")
        rises = np.zeros(wiring.period, dtype=np.int64)
        for c in found:
            for node in c.nodes[wiring.unit[c.nodes] == unit]:
                rises[wiring.phase[node]] = 0 if c.rate is None else int(period / c.rate)
        phases = (start + np.arange(len(lengths) - period, len(lengths))) % wiring.period
        profiles.append(Profile(lengths, period, rises[phases]))
    if not profiles:  # no input reaches an output
        nothing = np.full(len(known) - start, UNREACHABLE, dtype=np.int32)
        return Profile(nothing, 1, np.zeros(1, dtype=np.int64))
    return combined(profiles, np.minimum)


def combined(profiles: Sequence[Profile], pick: np.ufunc) -> Profile:
    """Return the least or largest (``pick``) of profiles, lag by lag.

    The best of the last common period stays the best for ever if it also has the best rise, which
    is awaited by doubling.
    """
    if len(profiles) == 1:
        return profiles[0]
    size = min(len(p.lengths) for p in profiles)
    if not all(p.period for p in profiles):
        return Profile(pick.reduce([p.lengths[:size] for p in profiles]))
    period = math.lcm(*(p.period for p in profiles))
    size = max([2 * period, *(len(p.lengths) for p in profiles)])
    while True:
        require_memory(16 * size * len(profiles), f"{size} lags of {len(profiles)} phases")
        values = np.array([_extended(p, size) for p in profiles])
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
