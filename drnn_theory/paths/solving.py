r"""The lengths within one component, index by index, from what is offered to its nodes.

A node with loops only allows further copies of one loop after the other, as coins are; few starts
of larger components are stepped through by plain integers, many by rows of all starts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drnn_theory.paths.blocks import Component
from drnn_theory.paths.courses import UNREACHABLE
from drnn_theory.paths.stacks import allow_copies

__all__ = ["cost_per_index", "solved"]

FEW_STARTS = 16  # up to here integers are faster than rows of an array
CHUNK = 2**14


def cost_per_index(component: Component, starts: int) -> float:
    """Return the cost of one index, in passes of one Python step (some 50 ns) each."""
    if len(component.nodes) == 1:
        return 0.2 * starts * max(1, len(component.inner))
    each = 2 * len(component.nodes) + len(component.inner)
    return each * (starts if starts <= FEW_STARTS else 25 + starts / 50)


def solved(component: Component, offered: Sequence[np.ndarray], size: int) -> list[np.ndarray]:
    """Return the lengths of the component's nodes, for ``offered`` ones of shape (size, starts).

    Both in the order of ``component.nodes``; the offers are overwritten.
    """
    if not component.inner:
        return list(offered)
    if len(component.nodes) == 1:
        for edge in sorted(component.inner, key=lambda edge: edge.shift):
            if edge.shift < size:
                allow_copies(offered[0], edge.shift, cost=edge.weight)
        return list(offered)
    index = {node: i for i, node in enumerate(component.nodes)}
    into: list[list[tuple[int, int, int]]] = [[] for _ in index]
    for edge in component.inner:
        if edge.shift < size:
            into[index[edge.target]].append((index[edge.source], edge.shift, edge.weight))
    starts = offered[0].shape[1]
    if starts > FEW_STARTS:
        _step_by_rows(into, offered, size)
    else:
        for start in range(starts):
            _step_by_integers(into, [rows[:, start] for rows in offered], size)
    return list(offered)


def _step_by_rows(
    into: list[list[tuple[int, int, int]]], lengths: Sequence[np.ndarray], size: int
) -> None:
    for j in range(size):
        for node, edges in enumerate(into):
            row = lengths[node][j]
            for source, shift, weight in edges:
                if shift <= j:
                    np.minimum(row, lengths[source][j - shift] + weight, out=row)


def _step_by_integers(
    into: list[list[tuple[int, int, int]]], lengths: Sequence[np.ndarray], size: int
) -> None:
    """Step through one start, in chunks whose lists begin with what they read back."""
    back = max(shift for edges in into for _, shift, _ in edges)
    known: list[list[int]] = [[UNREACHABLE] * back for _ in into]
    edges_of = [
        [(known[source], shift, weight) for source, shift, weight in edges] for edges in into
    ]
    for low in range(0, size, CHUNK):
        high = min(low + CHUNK, size)
        columns = [column[low:high].tolist() for column in lengths]
        rows = list(zip(known, columns, edges_of, strict=True))
        for j in range(high - low):
            at = j + back
            for own, column, edges in rows:
                best = column[j]
                for other, shift, weight in edges:
                    length = other[at - shift] + weight
                    if length < best:
                        best = length
                own.append(best)
        for own, column in zip(known, lengths, strict=True):
            column[low:high] = own[back:]
            del own[: high - low]
