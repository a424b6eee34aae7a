"""Shortest paths as payments: fewest coins, digits, and how they grow."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from math import ceil, inf
from typing import Any

import sympy as sp

from drnn_theory.theorems import letters
from drnn_theory.theorems.exhaustive import payments, stack_lengths
from drnn_theory.theorems.indexed import LayerSum
from drnn_theory.theorems.letters import L, copies, d_0, dilation, i, n, ratio
from drnn_theory.theorems.theorem import Theorem, dilations_as_values, next_layer, ratios_as_values

__all__ = [
    "COINS",
    "DIVISOR_CHAINS",
    "chain_values",
]

DIVISOR_CHAINS: list[tuple[int, ...]] = [
    (1,),
    (1, 2),
    (1, 2, 4, 8),
    (1, 3, 9),
    (1, 4, 16),
    (1, 2, 6, 24),
    (1, 5, 10, 20),
    (1, 7, 7),
    (1, 1, 2, 2),
    (1, 2, 10, 30),
]

ANY_SCHEMES: list[tuple[int, ...]] = [
    (1,),
    (3,),
    (1, 2, 4),
    (4, 1, 3),
    (2, 4),
    (4, 6, 9),
    (1, 5, 18, 25),
    (1, 1, 7),
    (2, 3),
]


def chain_values(chain: tuple[int, ...]) -> dict[Any, Any]:
    """Return L, the dilations and the ratios of a divisor chain."""
    return {L: len(chain), **ratios_as_values(chain), **dilations_as_values(chain)}


# The shortest path as the fewest coins ------------------------------------------------------------


def _best_payment(dilations: tuple[int, ...], lag: int) -> dict[Any, Any]:
    best = min(payments(dilations, lag), key=sum, default=(inf,) * len(dilations))
    counts = (sp.oo if k == inf else k for k in best)
    return {L: len(dilations), **{copies[layer]: k for layer, k in enumerate(counts, start=1)}}


FEWEST_COINS = Theorem(
    name="fewest_coins",
    module=__name__,
    left=r"d(n) = L + \min_{\sum_i k_i s_i = n} \sum_i k_i",
    holds_for="any stack of dilations s_1, .., s_L, any lag n; k is a best payment of n",
    closed_form=L + LayerSum(copies[i], (i, 1, L)),
    values=_best_payment,
    brute_force=lambda dilations, lag: stack_lengths(dilations, 40)[lag],
    cases=[(scheme, lag) for scheme in ANY_SCHEMES for lag in (0, 1, 2, 5, 6, 17, 30)],
    machine="fewest_coins.v",
)


# Divisor chains -----------------------------------------------------------------------------------


def _greedy(chain: tuple[int, ...], lag: int) -> int:
    coins = 0
    for s in sorted(chain, reverse=True):
        coins, lag = coins + lag // s, lag % s
    return coins


def _digits_step(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # A new top layer turns the top digit floor(n / s_L) into floor(n / s_L) - (s_{L+1} / s_L)
    # floor(n / s_{L+1}) and adds the digit floor(n / s_{L+1}) and a vertical edge.
    floor = lambda number: sp.floor(n / dilation[number])  # noqa: E731
    yield closed_form.subs(L, 1).doit() - (1 + n)
    top = dilation[L + 1] / dilation[L]
    added = 1 + (floor(L) - top * floor(L + 1)) + floor(L + 1) - floor(L)
    yield next_layer(closed_form) - closed_form - added


DIVISOR_CHAIN_DIGITS = Theorem(
    name="divisor_chain_digits",
    module=__name__,
    left="d(n)",
    holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L, any lag n: L plus the digit sum of n",
    closed_form=L
    + n
    - LayerSum((dilation[i] / dilation[i - 1] - 1) * sp.floor(n / dilation[i]), (i, 2, L)),
    values=lambda chain, lag: {n: lag, L: len(chain), **dilations_as_values(chain)},
    brute_force=lambda chain, lag: stack_lengths(chain, 100)[lag],
    cases=[(chain, lag) for chain in DIVISOR_CHAINS for lag in (0, 1, 7, 29, 64, 99)],
    claims={
        "greedy payment attains it at every lag up to 100 of these chains": lambda _: all(
            stack_lengths(chain, 100)[lag] == len(chain) + _greedy(chain, lag)
            for chain in DIVISOR_CHAINS
            for lag in range(101)
        )
    },
    symbolic=_digits_step,
    machine="divisor_chain_digits.v",
)


# Growth -------------------------------------------------------------------------------------------


def _two_largest(dilations: tuple[int, ...]) -> tuple[int, int]:
    """Return the largest dilation and the next smaller one, 1 if there is none."""
    distinct = sorted(set(dilations))
    return distinct[-1], distinct[-2] if len(distinct) > 1 else 1


def _before_the_onset(dilations: tuple[int, ...], lag: int) -> dict[Any, Any]:
    a, b = _two_largest(dilations)
    rises = ceil(Fraction(lag - (a - 1) * b, a))
    earlier = stack_lengths(dilations, 400)[lag - a * rises]
    return {n: lag, letters.a: a, letters.b: b, d_0: sp.oo if earlier == inf else earlier}


def _repeats(dilations: tuple[int, ...], first: int, last: int) -> bool:
    a, _ = _two_largest(dilations)
    lengths = stack_lengths(dilations, last)
    return all(lengths[lag] == lengths[lag - a] + 1 for lag in range(max(first, a), last + 1))


def _repeats_in_small_schemes(_: Theorem) -> bool:
    schemes = [c for size in (1, 2, 3) for c in combinations(range(1, 8), size)]
    onsets = [(a - 1) * b for a, b in map(_two_largest, schemes)]
    return all(_repeats(c, k + 1, 60) for c, k in zip(schemes, onsets, strict=True))


EVENTUAL_PERIODICITY = Theorem(
    name="eventual_periodicity",
    module=__name__,
    left=r"d(n) = d(n - a) + 1 = \cdots",
    holds_for=(
        "any stack with largest dilation a and next smaller b (1 if there is none), n > (a - 1) b; "
        "d_0 is the length at the lag n less as many a as bring it to (a - 1) b or below"
    ),
    closed_form=d_0 + sp.ceiling((n - (letters.a - 1) * letters.b) / letters.a),
    values=_before_the_onset,
    brute_force=lambda dilations, lag: stack_lengths(dilations, 400)[lag],
    cases=[
        (scheme, (a - 1) * b + beyond)
        for scheme in [*ANY_SCHEMES[:6], (1, 1, 7), (1, 8, 9), (5, 7, 11)]
        for a, b in [_two_largest(scheme)]
        for beyond in (1, 2, a, 3 * a + 1, 7 * a)
    ],
    claims={
        "d(n) = d(n - a) + 1 at every lag from (a - 1) b + 1 to 60 of every set of up to three "
        "dilations below 8": _repeats_in_small_schemes,
        "the bound cannot be lowered: with dilations a - 1 and a it fails at n = (a - 1)^2, for "
        "a = 3..12": lambda _: all(
            not _repeats((a - 1, a), (a - 1) ** 2, (a - 1) ** 2) for a in range(3, 13)
        ),
    },
    machine="eventual_periodicity.v",
)


def _widest_digits(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # a digit k_i takes at most n_{i+1} - 1 and contributes k_i (1 - s_i / s_L); the sum of
    # (n_{i+1} - 1) s_i telescopes to s_L - 1
    new, s = ratio[L + 1], dilation[L]
    yield closed_form.subs(L, 1).doit().subs(dilation[1], 1) - 1
    longer = next_layer(closed_form).subs(dilation[L + 1], new * s)
    lower_digits = (s - 1) * (1 / s - 1 / (new * s))
    yield longer - closed_form - (1 + lower_digits + (new - 1) * (1 - 1 / new))


def _stays_within_the_linear_bounds(_: Theorem) -> bool:
    complete = [s for s in ANY_SCHEMES if 1 in s]
    for scheme in complete:
        top, lengths = max(scheme), stack_lengths(scheme, 200)
        most = max(lengths[:top])
        if not all(
            len(scheme) + Fraction(lag, top) <= lengths[lag] <= lag // top + most
            for lag in range(201)
        ):
            return False
    return True


def _greatest_excess(chain: tuple[int, ...]) -> Fraction:
    # beyond the onset (s - 1) times the second largest, s lags add one edge: nothing new comes
    *_, second, largest = (1, *chain)
    last = (largest - 1) * second + largest
    lengths = stack_lengths(chain, last)
    return max(lengths[lag] - Fraction(lag, largest) for lag in range(last + 1))


STACK_GROWTH = Theorem(
    name="stack_growth",
    module=__name__,
    left=r"\sup_n \left( d(n) - \frac{n}{s_L} \right)",
    holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L",
    closed_form=L + LayerSum(ratio[i] - 1, (i, 2, L)) - 1 + 1 / dilation[L],
    values=chain_values,
    brute_force=_greatest_excess,
    cases=[(chain,) for chain in DIVISOR_CHAINS],
    claims={
        "L + n/s <= d(n) <= floor(n/s) + max over r < s of d(r), s the largest dilation, at every "
        "lag up to 200 of several stacks with a dilation 1": _stays_within_the_linear_bounds
    },
    symbolic=_widest_digits,
    machine="stack_growth.v",
)

COINS = (
    FEWEST_COINS,
    DIVISOR_CHAIN_DIGITS,
    EVENTUAL_PERIODICITY,
    STACK_GROWTH,
)
