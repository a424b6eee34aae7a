"""Linear recursions over several lags, run many steps at a time.

The states of :func:`~drnn_theory.capacities.spectra.contracted` fall into groups, in an order in
which a group reads itself and those before it. What the earlier groups add is one product for all
steps of a chunk. What a group adds to itself arrives after its least lag at the earliest, so that
as many steps as that are one product, too: with dilations 1, 2, 4, .. only the first layer goes
step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

__all__ = ["Recursion"]

Weights = Mapping[int, sparse.csr_array]


class Recursion:
    """x(t) = sum over n of W_n x(t - n) + f(t) for rows of states, from zeros on.

    >>> recursion = Recursion({2: sparse.csr_array([[0.5]])}, 1)
    >>> recursion.advance({0: np.ones((1, 1))}, 5, 1).ravel()
    array([1.  , 0.  , 0.5 , 0.  , 0.25])
    >>> recursion.advance({}, 2, 1).ravel()
    array([0.   , 0.125])
    """

    def __init__(self, weights: Weights, size: int) -> None:
        self.size = size
        weights = {lag: sparse.csr_array(w) for lag, w in weights.items() if w.nnz}
        self.reach = max(weights, default=1)
        self.groups = _groups(weights, size)
        self.past: list[np.ndarray] = []

    def advance(self, forcing: Mapping[int, np.ndarray], count: int, rows: int) -> np.ndarray:
        """Return the states of the next ``count`` steps: shape (count, rows, states).

        ``forcing`` maps steps, counted from the next one, to f: (rows, states).
        """
        past = self.past or [np.zeros((self.reach * rows, len(g.members))) for g in self.groups]
        states = np.zeros((count, rows, self.size))
        for step, value in forcing.items():
            states[step] = value
        tracks: list[np.ndarray] = []  # (time * rows, members) of each group
        for group, before in zip(self.groups, past, strict=True):
            total = states[:, :, group.members].reshape(count * rows, -1)
            for lag, source, weight in group.outer:
                first = (self.reach - lag) * rows
                total += tracks[source][first : first + len(total)] @ weight
            track = np.concatenate([before, total])
            step = group.block * rows
            if group.inner:
                for begin in range(self.reach * rows, len(track), step):
                    some = track[begin : begin + step]
                    for lag, weight in group.inner:
                        first = begin - lag * rows
                        some += track[first : first + len(some)] @ weight
            tracks.append(track)
            states[:, :, group.members] = track[self.reach * rows :].reshape(count, rows, -1)
        self.past = [track[count * rows :].copy() for track in tracks]
        return states


@dataclass
class _Group:
    """States that run together; weights are transposed, for rows of states."""

    members: np.ndarray
    block: int
    inner: list[tuple[int, np.ndarray]]
    outer: list[tuple[int, int, np.ndarray]]


def _groups(weights: Weights, size: int) -> list[_Group]:
    """Return the strongly connected components in order, neighbours of one least lag together."""
    pattern = sum((abs(w) for w in weights.values()), sparse.csr_array((size, size)))
    _, labels = connected_components(pattern, connection="strong")
    entries = {lag: w.tocoo() for lag, w in weights.items()}
    order: nx.DiGraph = nx.DiGraph()
    order.add_nodes_from(range(labels.max(initial=-1) + 1))
    least = np.full(order.number_of_nodes(), np.inf)
    for lag, entry in sorted(entries.items(), reverse=True):
        targets, sources = labels[entry.row], labels[entry.col]
        least[targets[targets == sources]] = lag
        pairs = np.unique(np.stack([sources, targets])[:, targets != sources], axis=1)
        order.add_edges_from(map(tuple, pairs.T.tolist()))
    merged: list[list[int]] = []
    for part in nx.lexicographical_topological_sort(order, key=lambda part: (least[part], part)):
        if merged and least[part] == least[merged[-1][-1]] and np.isfinite(least[part]):
            merged[-1].append(part)
        else:
            merged.append([part])
    members = [np.flatnonzero(np.isin(labels, parts)) for parts in merged]
    return [_group(members[: index + 1], weights) for index in range(len(members))]


def _group(members: list[np.ndarray], weights: Weights) -> _Group:
    """Return the last of the groups, which reads itself and those before it."""
    inner, outer = [], []
    for lag, weight in weights.items():
        rows = weight[members[-1]].toarray()
        for source, columns in enumerate(members):
            part = rows[:, columns]
            if part.any():
                dense = np.ascontiguousarray(part.T)
                if source == len(members) - 1:
                    inner.append((lag, dense))
                else:
                    outer.append((lag, source, dense))
    return _Group(members[-1], min((lag for lag, _ in inner), default=1), inner, outer)
