"""Brute force for the theorems: networkx on the unfolded graph, and search through all schemes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import inf, isinf
from typing import Any

import networkx as nx

from drnn_theory.architectures import dilated_rnn
from drnn_theory.paths.reference import reference_path_lengths

__all__ = [
    "divisor_chains",
    "exponential_searches",
    "mean_by_brute_force",
    "payments",
    "schemes_with_last",
    "stack_lengths",
    "worst_lengths",
]


def mean_by_brute_force(graph: nx.MultiDiGraph, span: int) -> Fraction | float:
    """Return the mean over lags 1..span of the worst phase's path length; inf if one has none.

    >>> mean_by_brute_force(dilated_rnn([1, 2, 4, 8]), 8)
    Fraction(45, 8)
    """
    lengths = worst_lengths(graph, span)[1:]
    return inf if inf in lengths else Fraction(sum(map(int, lengths)), span)


def worst_lengths(graph: nx.MultiDiGraph, horizon: int) -> list[float]:
    """Return max_i d_i(n) for n = 0..horizon, by networkx, phase by phase."""
    phases = [
        reference_path_lengths(graph, horizon, start=start).tolist()
        for start in range(graph.graph["period"])
    ]
    return [max(lengths) for lengths in zip(*phases, strict=True)]


@cache
def stack_lengths(dilations: tuple[int, ...], horizon: int) -> list[Any]:
    """Return d(n) of a stack for n = 0..horizon, by networkx: int, or inf where unreachable."""
    lengths = reference_path_lengths(dilated_rnn(dilations), horizon).tolist()
    return [length if isinf(length) else int(length) for length in lengths]


def payments(dilations: tuple[int, ...], n: int) -> Iterator[tuple[int, ...]]:
    """Yield every way (k_1, .., k_L) of paying n = k_1 s_1 + .. + k_L s_L.

    >>> sorted(payments((1, 2), 3))
    [(1, 1), (3, 0)]
    """
    counts = (range(n // s + 1) for s in dilations)
    for ways in product(*counts):
        if sum(k * s for k, s in zip(ways, dilations, strict=True)) == n:
            yield ways


def divisor_chains(layers: int, last: int) -> Iterator[tuple[int, ...]]:
    """Yield every chain 1 = s_1 | s_2 | .. | s_layers = last.

    >>> list(divisor_chains(3, 4))
    [(1, 1, 4), (1, 2, 4), (1, 4, 4)]
    """
    if layers == 1:
        if last == 1:
            yield (1,)
        return
    for below in range(1, last + 1):
        if last % below == 0:
            for chain in divisor_chains(layers - 1, below):
                yield (*chain, last)


def schemes_with_last(layers: int, last: int) -> Iterator[tuple[int, ...]]:
    """Yield every scheme 1 = s_1 <= s_2 <= .. <= s_layers = last.

    >>> list(schemes_with_last(3, 3))
    [(1, 1, 3), (1, 2, 3), (1, 3, 3)]
    """
    if layers == 1:
        if last == 1:
            yield (1,)
        return
    for middle in combinations_with_replacement(range(1, last + 1), layers - 2):
        yield (1, *middle, last)


def exponential_searches(least_layers: int = 2) -> Iterator[tuple[int, int, int]]:
    """Yield every (span, layers, base) with span = base**(layers - 1), by span, without end.

    >>> from itertools import islice
    >>> list(islice(exponential_searches(), 4))
    [(2, 2, 2), (3, 2, 3), (4, 3, 2), (4, 2, 4)]
    """
    span = 2
    while True:
        for base in range(2, span + 1):
            power, layers = base, 2
            while power < span:
                power, layers = power * base, layers + 1
            if power == span and layers >= least_layers:
                yield span, layers, base
        span += 1
