"""Depth and width: the best chains for spans that are no power, and several lags in a layer."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise
from math import comb
from typing import Any

import sympy as sp

from drnn_theory.architectures import layers_rnn
from drnn_theory.paths.stacks import fewest_coins
from drnn_theory.theorems.exhaustive import divisor_chains, mean_by_brute_force, stack_lengths
from drnn_theory.theorems.letters import K, L, R, m
from drnn_theory.theorems.letters import a as share
from drnn_theory.theorems.letters import b as rest
from drnn_theory.theorems.letters import p as prime
from drnn_theory.theorems.theorem import Theorem

__all__ = ["DEPTH"]


# Theorem 3.1 for spans that need not be (L-1)-th powers ------------------------------------------


@cache
def _best_of_chains(layers: int, span: int) -> tuple[Fraction, tuple[tuple[int, ...], ...]]:
    """Return the least mean of the chains 1 = s_1 | .. | s_L = span, and those that have it."""
    means = {
        chain: Fraction(sum(stack_lengths(chain, span)[1:]), span)
        for chain in divisor_chains(layers, span)
    }
    least = min(means.values())
    return least, tuple(chain for chain, mean in means.items() if mean == least)


def _ratios(chain: tuple[int, ...]) -> list[int]:
    return sorted(high // low for low, high in pairwise(chain))


def _least_sums_are_best(_: Theorem) -> bool:
    # the optimal chains are those whose ratios have the least sum, in whatever order
    for span in range(2, 61):
        for layers in (2, 3, 4):
            chains = list(divisor_chains(layers, span))
            least = min(sum(_ratios(chain)) for chain in chains)
            expected = {chain for chain in chains if sum(_ratios(chain)) == least}
            mean, best = _best_of_chains(layers, span)
            if set(best) != expected:
                return False
            if mean != layers + Fraction(least - (layers - 1), 2) + Fraction(1, span):
                return False
    return True


def _as_equal_as_divisors_allow(_: Theorem) -> bool:
    two, odd = (_best_of_chains(3, span)[1] for span in (36, 30))
    return two == ((1, 6, 36),) and set(odd) == {(1, 5, 30), (1, 6, 30)}


def _exchange(closed_form: sp.Basic) -> Iterator[sp.Basic]:
    # p^x and p^y with y >= x + 2 are worse than p^(x+1) and p^(y-1)
    x, gap = sp.symbols("x g", integer=True, nonnegative=True)
    p = sp.Symbol("p", positive=True)
    y = x + 2 + gap
    yield p**x + p**y - p ** (x + 1) - p ** (y - 1) - p**x * (p - 1) * (p ** (1 + gap) - 1)
    # b ratios p^(a + 1) and L - 1 - b ratios p^a
    mean, ties = closed_form
    total = rest * prime ** (share + 1) + (L - 1 - rest) * prime**share
    yield mean - (L + (total - (L - 1)) / 2 + 1 / prime ** ((L - 1) * share + rest))
    yield ties - sp.binomial(L - 1, rest)


def _shares(base: int, power: int, layers: int) -> dict[Any, int]:
    each, more = divmod(power, layers - 1)
    return {prime: base, L: layers, share: each, rest: more}


PRIME_POWER_CHAINS = Theorem(
    name="prime_power_chains",
    module=__name__,
    left=r"\left( \min \frac1m \sum_{n=1}^{m} d(n),\ \#\{\text{chains that attain it}\} \right)",
    holds_for=(
        "stacks of L >= 2 layers with 1 = s_1 | .. | s_L = m = p^e, p prime, span m, where "
        "e = a (L - 1) + b with 0 <= b < L - 1"
    ),
    closed_form=sp.Tuple(
        L
        + (rest * prime ** (share + 1) + (L - 1 - rest) * prime**share - (L - 1)) / 2
        + prime ** (-(L - 1) * share - rest),
        sp.binomial(L - 1, rest),
    ),
    values=_shares,
    brute_force=lambda base, power, layers: (
        _best_of_chains(layers, base**power)[0],
        len(_best_of_chains(layers, base**power)[1]),
    ),
    cases=[
        (base, power, layers)
        for base, powers in {2: range(1, 7), 3: range(1, 4), 5: range(1, 3), 7: (1,)}.items()
        for power in powers
        for layers in range(2, 6)
    ],
    claims={
        "for every m up to 60 and 2, 3, 4 layers the best chains are just those whose ratios have "
        "the least sum, in whatever order": _least_sums_are_best,
        "at m = 36 with three layers the ratios 6, 6 are best; at m = 30, which is no square, 5, 6 "
        "and 6, 5": _as_equal_as_divisors_allow,
    },
    symbolic=_exchange,
)


# Several lags in a layer --------------------------------------------------------------------------


@cache
def _least_mean_of_lags(layers: int, lags: int, span: int) -> Fraction:
    """Return the least mean of so many layers with so many lags each, by trying all sets."""
    number = layers * lags
    least = None
    for others in combinations(range(2, span + 1), min(number - 1, span - 1)):
        total = int(fewest_coins((1, *others), span).sum())
        least = total if least is None else min(least, total)
    assert least is not None
    return layers + Fraction(least, span)


def _most_edges(layers: int, lags: int, span: int) -> dict[Any, int]:
    edges, number = 0, layers * lags
    while comb(edges + 1 + number, number) <= span + 1:
        edges += 1
    return {L: layers, R: number, m: span, K: edges}


def _any_layer_will_do(_: Theorem) -> bool:
    # four lags in two layers, however they are shared out, by networkx
    shared = ([[1, 3], [5, 8]], [[1, 8], [3, 5]], [[5, 1], [8, 3]], [[1, 3, 5], [8]])
    means = {mean_by_brute_force(layers_rnn(layers), 12) for layers in shared}
    return means == {2 + Fraction(int(fewest_coins((1, 3, 5, 8), 12).sum()), 12)}


def _hockey_stick(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # the bound is L + sum over k = 0..K of (m + 1 - C(k + R, R)) / m
    yield closed_form.subs(K, 0) - (L + 1)
    yield closed_form.subs(K, K + 1) - closed_form - (m + 1 - sp.binomial(K + 1 + R, R)) / m


LAGS_PER_LAYER = Theorem(
    name="lags_per_layer",
    module=__name__,
    left=r"\frac1m \sum_{n=1}^{m} d(n)",
    holds_for=(
        "every stack of L layers with R recurrent lags in all, several in a layer, any span m; K "
        "is the largest integer with C(K + R, R) <= m + 1"
    ),
    closed_form=L + ((K + 1) * (m + 1) - sp.binomial(K + R + 1, R + 1)) / m,
    values=_most_edges,
    brute_force=_least_mean_of_lags,
    cases=[(layers, lags, span) for layers, lags in ((1, 1), (1, 2)) for span in range(2, 16)]
    + [(1, 3, span) for span in range(3, 12)]
    + [(2, 2, span) for span in range(4, 11)]
    + [(2, 1, span) for span in range(2, 9)],
    relation="<=",
    sharp=[(1, 1, 5), (1, 2, 2), (1, 2, 4), (1, 3, 3), (2, 2, 4), (2, 1, 2), (2, 1, 4)],
    claims={
        "the lags 1, 3, 5, 8 have one mean over 1..12, however two layers share them": (
            _any_layer_will_do
        )
    },
    symbolic=_hockey_stick,
    machine="means.v",
)

DEPTH = (PRIME_POWER_CHAINS, LAGS_PER_LAYER)
