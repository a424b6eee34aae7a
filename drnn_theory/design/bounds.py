"""Bounds that no scheme can beat, and the best exponential schemes."""

from __future__ import annotations

from fractions import Fraction
from math import comb, isqrt

from drnn_theory.checks import as_integer
from drnn_theory.dilations import exponential_dilations
from drnn_theory.paths.stacks import DivisorChain

__all__ = ["best_exponential", "counting_bound", "edges_needed", "least_total"]


def counting_bound(span: int, layers: int, *, vertical: bool = True) -> Fraction:
    r"""Return a lower bound on the mean recurrent length of every stack of that many layers.

    A path to lag n takes its recurrent edges in any order, so paths of at most k of them are
    multisets: L layers reach at most :math:`\binom{k+L}{L} - 1` positive lags by them. Hence

    .. math:: L + \frac1m \sum_{k \ge 0} \max\Big(0, m + 1 - \binom{k+L}{L}\Big), \qquad m = span.

    ``vertical=False`` leaves out the L vertical edges. The bound certifies how far a scheme is
    from it, hardly ever that a scheme is optimal.

    >>> round(float(counting_bound(99, 4, vertical=False)), 3)
    3.778
    """
    m, L = as_integer(span, "span"), as_integer(layers, "layers")
    return Fraction(least_total(m, L), m) + (L if vertical else 0)


def edges_needed(span: int, layers: int) -> int:
    """Return the least k with C(k + L, L) > span: some lag needs that many recurrent edges."""
    low, high = 0, span  # C(span + L, L) > span
    while high - low > 1:
        k = (low + high) // 2
        low, high = (low, k) if comb(k + layers, layers) > span else (k, high)
    return high


def least_total(span: int, layers: int) -> int:
    """Return the counting bound's recurrent edges, added up over the lags 1..span.

    By the hockey-stick identity the sum of C(k + L, L) over k < K is C(K + L, L + 1) - C(L, L + 1).
    """
    K = edges_needed(span, layers)
    return K * (span + 1) - comb(K + layers, layers + 1)


def best_exponential(span: int, layers: int, *, worst: bool = False) -> tuple[int, ...]:
    """Return the exponential scheme of least mean (or ``worst``) length, over all bases M.

    That is 1, M, M**2 and so on; of equals the smallest base. Dilations above the span may occur:
    they do no harm. No base above 2 sqrt(span) + 2 is better than one below
    (proofs/optimal_dilations.md, section 8).

    >>> best_exponential(99, 4), best_exponential(99, 6)
    ((1, 3, 9, 27), (1, 2, 4, 8, 16, 32))
    """

    def length(base: int) -> int:
        chain = DivisorChain(exponential_dilations(layers, base), 0)
        return int((chain.longest(span)[1] if worst else chain.totals([span])[0]) or 0)

    if layers == 1:
        return (1,)
    base = min(range(2, isqrt(4 * span) + 3), key=length)
    return exponential_dilations(layers, base)
