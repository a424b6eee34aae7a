"""The numbers that the explorer shows, computed from what was chosen.

Nothing here knows a widget. A :class:`View` is computed in two steps: the wiring of an
architecture once, and the profile once for each span, so that picking another lag costs little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.architectures import dilated_rnn
from drnn_theory.checks import as_integer
from drnn_theory.costs import hidden_layers
from drnn_theory.explorer.choices import LIMIT, Choice
from drnn_theory.measures import default_span
from drnn_theory.paths import lengths_over_phases
from drnn_theory.paths.general import Wiring
from drnn_theory.paths.routes import lengths_by_start, route, worst_start

__all__ = ["View", "look"]

QUICK_NODES = 40
"""A graph of more nodes has its table of measures computed in the background."""


@dataclass(frozen=True)
class View:
    """The numbers for one architecture, one span and one lag.

    ``lengths[n]`` is d(n) for n = 0..span, in edges, inf where no path leads: from the starting
    phase ``start``, or from the worst at each lag where ``worst``; ``start`` is then the phase that
    is the worst at the lag picked. ``mrl`` is always the mean of the worst phases.
    """

    choice: Choice
    span: int
    lag: int
    start: int
    worst: bool
    mrl: Fraction | float
    lengths: np.ndarray
    longest: int
    """The first lag of 1..span of the longest path in the worst phase, or that no path reaches."""
    path: list[tuple[int, Any]]
    """(time, unit) nodes of a shortest path to the lag, empty if none leads; times from start on"""

    @property
    def graph(self) -> nx.MultiDiGraph:
        """The cyclic graph of the architecture."""
        return _wired(self.choice)[0]

    @property
    def period(self) -> int:
        """How many starting phases there are."""
        return int(self.graph.graph["period"])

    @property
    def length(self) -> float:
        """The number of edges on the shortest path to the lag, inf where none leads."""
        return float(self.lengths[self.lag])

    @property
    def recurrent(self) -> int:
        """How many edges of the path go forward in time."""
        return sum(a[0] < b[0] for a, b in zip(self.path, self.path[1:], strict=False))

    @property
    def layers(self) -> int:
        """How many layers the architecture has, or hidden units that remember."""
        return _layers(self.choice)

    @property
    def is_quick(self) -> bool:
        """Whether the table of measures takes milliseconds rather than seconds."""
        return self.graph.number_of_nodes() <= QUICK_NODES

    @property
    def code(self) -> str:
        """The lines that reproduce the mean and the length of the path shown."""
        architecture = self.choice.code
        names = ", ".join(sorted([*self.choice.names, "compute_mrl", "shortest_path_lengths"]))
        start = f", start={self.start}" if self.period > 1 else ""
        given = (
            "# graph is the one that explore was called with\n" if architecture == "graph" else ""
        )
        return (
            f"{given}from drnn_theory import {names}\n"
            f"architecture = {architecture}\n"
            f"compute_mrl(architecture, span={self.span})  # {number(self.mrl)}\n"
            f"shortest_path_lengths(architecture, {self.lag}{start})[{self.lag}]"
            f"  # {number(self.length)}"
        )


def look(
    choice: Choice, span: int | None = None, lag: int | None = None, start: int | None = None
) -> View:
    """Return the view of an architecture; ValueError or TypeError for bad input.

    ``span`` is the largest lag unless given, ``lag`` that of the longest path, ``start`` the worst
    phase at each lag.

    >>> look(Choice.of([1, 2, 4, 8])).mrl
    Fraction(45, 8)
    """
    graph, wiring = _wired(choice)
    span = default_span(choice.architecture) if span is None else as_integer(span, "span")
    if span > LIMIT:
        raise ValueError(f"span must be at most {LIMIT} in explore, got {span}")
    mrl, lengths, longest = _lengths(choice, span)
    lag = min(longest if lag is None else as_integer(lag, "lag", minimum=0), span)
    period = graph.graph["period"]
    worst = start is None
    if start is None:
        start = _worst_start(choice, lag) if period > 1 else 0
    else:
        start = as_integer(start, "start", minimum=0) % period
        if period > 1:
            lengths = _by_start(choice, span)[start]
    path = route(graph, wiring, start, lag)
    return View(choice, span, lag, start, worst, mrl, lengths, longest, path)


def number(value: Fraction | float) -> str:
    """Return a number as people read it.

    >>> number(Fraction(45, 8)), number(7.0), number(Fraction(785, 99))
    ('5.625', '7', '7.92929')
    """
    return f"{float(value):.6g}"


@lru_cache(maxsize=16)
def _wired(choice: Choice) -> tuple[nx.MultiDiGraph, Wiring]:
    """Return the cyclic graph and its wiring."""
    checked = choice.architecture
    graph = dilated_rnn(checked) if isinstance(checked, tuple) else checked
    return graph, Wiring(graph)


@lru_cache(maxsize=16)
def _layers(choice: Choice) -> int:
    return hidden_layers(choice.architecture)


@lru_cache(maxsize=64)
def _lengths(choice: Choice, span: int) -> tuple[Fraction | float, np.ndarray, int]:
    """Return the mean, d(0..span) of the worst phase, and the lag of the longest path."""
    (lengths,) = lengths_over_phases(choice.architecture, span)
    (total,) = lengths.totals([span])
    mean = math.inf if total is None else Fraction(total, span)
    return mean, lengths.up_to(span), lengths.longest(span)[0]


@lru_cache(maxsize=64)
def _by_start(choice: Choice, span: int) -> np.ndarray:
    """Return ``lengths[phase, n]`` for n = 0..span, inf where no path leads."""
    return lengths_by_start(_wired(choice)[1], span)


@lru_cache(maxsize=512)
def _worst_start(choice: Choice, lag: int) -> int:
    return worst_start(_wired(choice)[1], lag)
