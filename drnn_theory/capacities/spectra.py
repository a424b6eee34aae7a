r"""Spectral radii of sparse matrices that mostly pass values on.

A state that copies a multiple of another one's value a step ago is a *link* of a chain. Links are
contracted to lags, so that :math:`x(t) = A x(t-1)` becomes :math:`x(t) = \sum_n W_n x(t-n)` on the
few states that are left. Its eigenvalues are the zeros of :math:`\det(I - \sum_n W_n z^{-n})`,
component by strongly connected component.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

__all__ = ["Lagged", "contracted", "is_stable", "spectral_radius"]

DENSE = 128
"""States up to which eigenvalues are computed of the dense matrix."""
MARGIN = 1e-9
"""How far below 1 a spectral radius must be, for rounding."""


class Lagged(NamedTuple):
    """A linear recursion on the states that are no links: x(t) = sum of W_n x(t - n).

    ``kept`` are their indices in A; ``root``, ``delay`` and ``factor`` say for every state of A
    which of them it is a multiple of, and how many steps ago; ``weights`` maps n to W_n.
    """

    kept: np.ndarray
    root: np.ndarray
    delay: np.ndarray
    factor: np.ndarray
    weights: dict[int, sparse.csr_array]


def contracted(a: sparse.csr_array, needed: np.ndarray | None = None) -> Lagged:
    """Return x(t) = A x(t-1) with its chains contracted; ``needed`` states are kept.

    >>> links = sparse.csr_array([[0, 0, 0.5], [1, 0, 0], [0, 1, 0]])
    >>> lagged = contracted(links)
    >>> lagged.kept, lagged.delay, {n: w.toarray() for n, w in lagged.weights.items()}
    (array([0], dtype=int32), array([0, 1, 2]), {3: array([[0.5]])})
    """
    n = a.shape[0]
    counts = np.diff(a.indptr)
    link = counts == 1
    if needed is not None:
        link &= ~needed
    root = np.arange(n)
    root[link] = a.indices[a.indptr[:-1][link]]
    link &= root != np.arange(n)
    factor = np.ones(n)
    factor[link] = a.data[a.indptr[:-1][link]]
    delay = link.astype(np.int64)
    if link.any():  # a ring of links alone keeps one of them
        pointers = sparse.csr_array((np.ones(n), (np.arange(n), root)), shape=(n, n))
        _, labels = connected_components(pointers, connection="strong")
        sizes = np.bincount(labels)
        rings = np.flatnonzero((sizes > 1)[labels] & link)
        _, opened = np.unique(labels[rings], return_index=True)
        stop = rings[opened]
        link[stop], root[stop], factor[stop], delay[stop] = False, stop, 1.0, 0
    while not np.array_equal(root[root], root):  # twice as far each time
        delay = delay + delay[root]
        factor = factor * factor[root]
        root = root[root]
    kept = np.flatnonzero(root == np.arange(n)).astype(np.int32)
    place = np.full(n, -1)
    place[kept] = np.arange(len(kept))
    rows = sparse.coo_array(a[kept])
    lags = delay[rows.col] + 1
    weights = {}
    for lag in np.unique(lags):
        chosen = lags == lag
        entries = rows.data[chosen] * factor[rows.col[chosen]]
        where = (rows.row[chosen], place[root[rows.col[chosen]]])
        weights[int(lag)] = sparse.csr_array((entries, where), shape=(len(kept), len(kept)))
    return Lagged(kept, root, delay, factor, weights)


def spectral_radius(a: sparse.csr_array) -> float:
    """Return the largest modulus of an eigenvalue of a sparse matrix.

    >>> ring = sparse.csr_array(np.roll(np.eye(1000), 1, axis=0) * 0.5)
    >>> round(spectral_radius(ring), 12)
    0.5
    """
    return max((_radius(block) for block in _components(a)), default=0.0)


def is_stable(a: sparse.csr_array, limit: float = 1.0) -> bool:
    """Tell whether the spectral radius is below a limit, without computing it where that is long.

    >>> is_stable(sparse.csr_array([[0.5, 9.0], [0.0, 0.9]])), is_stable(sparse.eye_array(2))
    (True, False)
    """
    return all(_is_stable(block, limit) for block in _components(a))


ByLag = dict[int, np.ndarray]


def _components(a: sparse.csr_array) -> list[ByLag]:
    """Return the strongly connected components that have a cycle, contracted: lag -> matrix."""
    a = sparse.csr_array(a)
    a.eliminate_zeros()
    _, labels = connected_components(a, connection="strong")
    order = np.argsort(labels, kind="stable")
    blocks = []
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        inside = a[members][:, members]
        if inside.nnz:
            weights = contracted(sparse.csr_array(inside)).weights
            blocks.append({lag: w.toarray() for lag, w in weights.items()})
    return blocks


def _companion(block: ByLag) -> np.ndarray:
    """Return the dense matrix of the recursion on a state that holds its past."""
    size, reach = next(iter(block.values())).shape[0], max(block)
    matrix = np.eye(size * reach, k=-size)
    for lag, weight in block.items():
        matrix[:size, size * (lag - 1) : size * lag] = weight
    return matrix


def _reduced(block: ByLag) -> tuple[ByLag, int]:
    """Divide the lags by their greatest common divisor: the eigenvalues are its roots."""
    common = math.gcd(*block)
    return {lag // common: weight for lag, weight in block.items()}, common


def _is_small(block: ByLag) -> bool:
    return next(iter(block.values())).shape[0] * max(block) <= DENSE or set(block) == {1}


def _dense_radius(block: ByLag) -> float:
    return float(np.abs(np.linalg.eigvals(_companion(block))).max())


def _is_stable(block: ByLag, limit: float) -> bool:
    block, common = _reduced(block)
    limit = (limit * (1 - MARGIN)) ** common
    if _is_small(block):
        return _dense_radius(block) < limit
    return zeros_outside(block, limit) == 0


def _radius(block: ByLag) -> float:
    block, common = _reduced(block)
    if _is_small(block):
        return _dense_radius(block) ** (1 / common)
    norms = {lag: float(np.linalg.norm(weight, 2)) for lag, weight in block.items()}
    high = max((len(norms) * norm) ** (1 / lag) for lag, norm in norms.items())
    low = 0.0
    while high - low > 1e-7 * high:  # all zeros lie within high, one at least beyond low
        middle = (low + high) / 2 if low else high / 2
        if zeros_outside(block, middle):
            low = middle
        else:
            high = middle
        if high < 1e-300:
            return 0.0
    return high ** (1 / common)


def zeros_outside(block: ByLag, radius: float) -> int:
    r"""Return how many zeros of det(I - sum W_n z^-n) have a modulus above ``radius``.

    By the argument principle: with w = 1 / z the determinant is a polynomial, and the number of its
    zeros within :math:`|w| < 1 / r` is how often its value turns about 0 along that circle. The
    polynomial is real, so that half of the circle will do. Steps in which the value turns by more
    than half a radian are halved.

    >>> two_lags = {1: np.array([[0.5]]), 2: np.array([[0.3]])}  # zeros of z^2 - 0.5 z - 0.3
    >>> zeros_outside(two_lags, 0.9), zeros_outside(two_lags, 0.8), zeros_outside(two_lags, 0.3)
    (0, 1, 2)
    """
    size, reach = next(iter(block.values())).shape[0], max(block)
    angles = np.linspace(0, np.pi, 2 * size * reach + 2)
    phases = _phases(block, radius, angles)
    for _ in range(60):
        turns = np.angle(phases[1:] / phases[:-1])
        wide = np.abs(turns) > 0.5
        if not wide.any():
            return round(float(turns.sum()) / np.pi)
        middles = (angles[:-1][wide] + angles[1:][wide]) / 2
        at = np.flatnonzero(wide) + 1
        angles = np.insert(angles, at, middles)
        phases = np.insert(phases, at, _phases(block, radius, middles))
    return 1  # a zero on the circle itself, to rounding


def _phases(block: ByLag, radius: float, angles: np.ndarray) -> np.ndarray:
    """Return the determinant over its modulus at the angles of a circle."""
    weights = np.stack(list(block.values()))
    lags = np.array(list(block))
    identity = np.eye(weights.shape[1])
    signs_by_angle = np.empty(len(angles), dtype=complex)
    chunk = max(1, 2**21 // identity.size)
    for begin in range(0, len(angles), chunk):
        part = slice(begin, begin + chunk)
        powers = radius ** -lags.astype(float) * np.exp(1j * np.outer(angles[part], lags))
        signs: Any = np.linalg.slogdet(identity - np.tensordot(powers, weights, 1))[0]
        signs_by_angle[part] = np.where(signs == 0, 1.0, signs)
    return signs_by_angle
