"""Mean recurrent lengths of stacks, in closed form."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import sympy as sp

from drnn_theory.architectures import (
    dilated_rnn,
    layers_rnn,
    skip_rnn,
    stacked_rnn,
)
from drnn_theory.dilations import exponential_dilations
from drnn_theory.theorems.coins import DIVISOR_CHAINS, chain_values
from drnn_theory.theorems.exhaustive import mean_by_brute_force, stack_lengths
from drnn_theory.theorems.indexed import LayerSum
from drnn_theory.theorems.letters import L, M, Q, a, b, i, k, m, n, q, r, ratio, s
from drnn_theory.theorems.theorem import Theorem, next_layer

__all__ = [
    "DIGITS",
    "DIVISOR_CHAIN_MEAN",
    "EXPONENTIAL_MEAN",
    "MEAN",
    "MEANS",
    "PER_LAYER_LAGS_MEAN",
    "PLAIN_STACK_MEAN",
    "SKIP_MEAN",
    "Q",
    "a",
    "n",
    "r",
    "with_quotient",
]

MEAN = r"\frac1m \sum_{n=1}^{m} d(n)"


# Divisor chains -----------------------------------------------------------------------------------

DIGITS = LayerSum((ratio[i] - 1) / 2, (i, 2, L))
"""The digits below the top one, averaged over a full period."""


def _one_period_to_many(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # lags 0..m-1 are q Q, the top digit of block a being a; lag m has digit sum q, lag 0 none
    yield closed_form - (L + DIGITS + sp.summation(a, (a, 0, q - 1)) / q + q / m)


def _one_layer_more(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # induction: the chain of L layers over q = n_{L+1} periods; a layer s_{L+1} = m on top adds a
    # vertical edge and shortens lag m from n_{L+1} coins to one
    new = ratio[L + 1]
    yield closed_form.subs({L: 1, m: 1}).doit() - 2
    below = DIVISOR_CHAIN_MEAN_AT_MULTIPLES.closed_form.subs(q, new)
    yield next_layer(closed_form) - (below + 1 + (1 - new) / m)


DIVISOR_CHAIN_MEAN = Theorem(
    name="divisor_chain_mean",
    module=__name__,
    left=MEAN,
    holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L = m, span m",
    closed_form=L + DIGITS + 1 / m,
    values=lambda chain: {m: chain[-1], **chain_values(chain)},
    brute_force=lambda chain: mean_by_brute_force(dilated_rnn(chain), chain[-1]),
    cases=[(chain,) for chain in DIVISOR_CHAINS],
    symbolic=_one_layer_more,
    machine="divisor_chain_mean.v",
)

DIVISOR_CHAIN_MEAN_AT_MULTIPLES = Theorem(
    name="divisor_chain_mean_at_multiples",
    module=__name__,
    left=MEAN,
    holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L, span m = q s_L",
    closed_form=L + DIGITS + (q - 1) / 2 + q / m,
    values=lambda chain, periods: {
        m: chain[-1] * periods,
        q: periods,
        **chain_values(chain),
    },
    brute_force=lambda chain, periods: Fraction(
        sum(stack_lengths(chain, 7 * chain[-1])[1 : chain[-1] * periods + 1]), chain[-1] * periods
    ),
    cases=[(chain, periods) for chain in DIVISOR_CHAINS for periods in (1, 2, 3, 7)],
    symbolic=_one_period_to_many,
    machine="divisor_chain_mean.v",
)


def _equal_ratios(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    chain = DIVISOR_CHAIN_MEAN.closed_form.subs(m, M ** (L - 1))
    yield chain.replace(sp.Indexed, lambda *_: M).doit() - closed_form


EXPONENTIAL_MEAN = Theorem(
    name="exponential_mean",
    module=__name__,
    left=MEAN,
    holds_for="stacks of dilations 1, M, .., M^(L-1) = m, span m, so that L - 1 = log_M m",
    closed_form=L + (M - 1) * (L - 1) / 2 + 1 / M ** (L - 1),
    values=lambda base, layers: {M: base, L: layers},
    brute_force=lambda base, layers: mean_by_brute_force(
        dilated_rnn(exponential_dilations(layers, base)), base ** (layers - 1)
    ),
    cases=[
        (base, layers)
        for base in range(1, 8)
        for layers in range(1, 9)
        if base ** (layers - 1) <= 256
    ],
    symbolic=_equal_ratios,
    machine="theorem_3_1.v",
    footnote=(
        "For M = 2 the form printed by Chang et al. (2017), as recalled and not verified, is "
        "(3m - 1)/(2m) log2 m + 1/m + 1: lower than this one by log2(m)/(2m)."
    ),
)

# One lag, two lags, all lags ----------------------------------------------------------------------


def _sum_of_plain_lags(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    yield sp.summation(L + n, (n, 1, m)) / m - closed_form


PLAIN_STACK_MEAN = Theorem(
    name="plain_stack_mean",
    module=__name__,
    left=MEAN,
    holds_for="stacks of L layers with lag 1, any span m",
    closed_form=L + (m + 1) / 2,
    values=lambda layers, span: {L: layers, m: span},
    brute_force=lambda layers, span: mean_by_brute_force(stacked_rnn(layers), span),
    cases=[(layers, span) for layers in (1, 2, 5, 9) for span in (1, 2, 3, 8, 100)],
    symbolic=_sum_of_plain_lags,
    machine="means.v",
)


def _sum_of_skip_lags(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    yield L + (sp.summation(n, (n, 1, m - 1)) + 1) / m - closed_form


SKIP_MEAN = Theorem(
    name="skip_mean",
    module=__name__,
    left=MEAN,
    holds_for="stacks of L layers with lags {1, m}, span m",
    closed_form=L + (m - 1) / 2 + 1 / m,
    values=lambda layers, skip: {L: layers, m: skip},
    brute_force=lambda layers, skip: mean_by_brute_force(skip_rnn(skip, layers), skip),
    cases=[(layers, skip) for layers in (1, 2, 5) for skip in (1, 2, 3, 8, 17, 64)],
    symbolic=_sum_of_skip_lags,
    machine="means.v",
)


def with_quotient(closed_form: sp.Expr, lag: sp.Symbol) -> sp.Expr:
    """Return the form with m = Q lag + r, Q and r standing for floor(m / lag) and m mod lag."""
    return closed_form.subs({sp.floor(m / lag): Q, sp.Mod(m, lag): r}).subs(m, Q * lag + r)


def _two_lag_blocks(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # lag a s + b takes a + b coins; Q full blocks a = 0..Q-1, then b = 0..r of block Q
    full = sp.summation(sp.summation(a + b, (b, 0, s - 1)), (a, 0, Q - 1))
    rest = sp.summation(Q + b, (b, 0, r))
    yield L + (full + rest) / (Q * s + r) - with_quotient(closed_form, s)


QUOTIENT, REST = sp.floor(m / s), sp.Mod(m, s)

TWO_LAG_MEAN = Theorem(
    name="two_lag_mean",
    module=__name__,
    left=MEAN,
    holds_for="stacks of L layers whose lags are 1 and s, in whichever layers, any span m",
    closed_form=L
    + (
        s * QUOTIENT * (QUOTIENT - 1) / 2
        + QUOTIENT * s * (s - 1) / 2
        + QUOTIENT * (REST + 1)
        + REST * (REST + 1) / 2
    )
    / m,
    values=lambda layers, span: {L: len(layers), s: max(map(max, layers)), m: span},
    brute_force=lambda layers, span: mean_by_brute_force(layers_rnn(layers), span),
    cases=[
        (layers, span)
        for skip in (2, 3, 7, 10)
        for layers in (((1, skip),), ((skip,), (1,)), ((1,), (1, skip), (1,)))
        for span in (1, 2, 6, 7, 20, 39)
    ],
    symbolic=_two_lag_blocks,
    machine="means.v",
)


def _square_spans(closed_form: sp.Basic) -> Iterator[sp.Basic]:
    least, *best = closed_form
    # the two best skips give the value: k^2 - 1 = (k - 1) k + (k - 1) = (k - 1)(k + 1) + 0
    for skip, last in zip(best, (k - 1, 0), strict=True):
        value = with_quotient(TWO_LAG_MEAN.closed_form, s).subs({Q: k - 1, r: last})
        yield value.subs(s, skip) - least
    # N = Q s + t numbers 0..N-1 need G - t (s - t)(s - 1) / (2 s), G = N (s + N/s - 2) / 2
    t = sp.Symbol("t", integer=True, nonnegative=True)
    total = with_quotient(TWO_LAG_MEAN.closed_form - L, s).subs(r, t - 1) * (Q * s + t - 1)
    N = Q * s + t
    yield total - (N * (s + N / s - 2) / 2 - t * (s - t) * (s - 1) / (2 * s))
    # s = k + j with t = j^2 < s: what the skip s needs more than k and k + 1 do is no less than 0
    j = sp.Symbol("j", integer=True)
    excess = k**2 * j**2 - j**2 * (k + j - j**2) * (k + j - 1)
    yield excess - j**2 * (j - 1) ** 2 * (k + j)


def _best_two_lags(root: int, layers: int) -> tuple[Any, ...]:
    span = root**2 - 1
    means = {skip: mean_by_brute_force(skip_rnn(skip, layers), span) for skip in range(1, span + 2)}
    least = min(means.values())
    return least, *(skip for skip, mean in means.items() if mean == least)


def _near_the_square_root(_: Theorem) -> bool:
    # every mean over 0..N-1 is at least sqrt(N) - 5/4; that of the skip ceil(sqrt N) is at most
    # sqrt(N) - 1 + 1/(2 sqrt N)
    for N in range(2, 61):
        root = next(x for x in range(1, N + 1) if x * x >= N)
        means = [
            Fraction(sum(stack_lengths((1, skip), 60)[:N]) - 2 * N, N) for skip in range(1, N + 1)
        ]
        if not all((4 * mean + 5) ** 2 >= 16 * N for mean in means):
            return False
        if not means[root - 1] + 1 <= sp.sqrt(N) + 1 / (2 * sp.sqrt(N)):
            return False
        best = [skip for skip, mean in enumerate(means, start=1) if mean == min(means)]
        if N >= 9 and any((skip - sp.sqrt(N)) ** 2 > 4 * sp.sqrt(N) for skip in best):
            return False
    return True


BEST_TWO_LAG = Theorem(
    name="best_two_lag",
    module=__name__,
    left=r"\left( \min_s \frac1m \sum_{n=1}^{m} d(n),\ s_\star,\ s_{\star\star} \right)",
    holds_for=(
        "stacks of L layers whose lags are 1 and s, span m = k^2 - 1 with k >= 2: the least mean "
        "over all s and the two skips, no others, that have it"
    ),
    closed_form=sp.Tuple(L + k**2 / (k + 1), k, k + 1),
    values=lambda root, layers: {k: root, L: layers},
    brute_force=_best_two_lags,
    cases=[(root, layers) for root in range(2, 6) for layers in (1, 2)],
    claims={
        "for N = 2..60 the coins of 0..N-1 average at least sqrt(N) - 5/4 for every s, and at most "
        "sqrt(N) - 1 + 1/(2 sqrt(N)) for s = ceil(sqrt(N)); from N = 9 on every best s is within "
        "2 N^(1/4) of sqrt(N)": _near_the_square_root
    },
    symbolic=_square_spans,
)


def _same_coins_as_dilated(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    yield EXPONENTIAL_MEAN.closed_form.subs(M, 2) - closed_form


PER_LAYER_LAGS_MEAN = Theorem(
    name="per_layer_lags_mean",
    module=__name__,
    left=MEAN,
    holds_for="stacks with lags {1, 2^(l-1)} in layer l, span m = 2^(L-1)",
    closed_form=L + sp.Rational(1, 2) * (L - 1) + 1 / sp.Integer(2) ** (L - 1),
    values=lambda layers: {L: layers},
    brute_force=lambda layers: mean_by_brute_force(
        layers_rnn([[1, s] for s in exponential_dilations(layers)]), 2 ** (layers - 1)
    ),
    cases=[(layers,) for layers in range(1, 9)],
    symbolic=_same_coins_as_dilated,
    machine="means.v",
)


MEANS = (
    DIVISOR_CHAIN_MEAN,
    DIVISOR_CHAIN_MEAN_AT_MULTIPLES,
    EXPONENTIAL_MEAN,
    PLAIN_STACK_MEAN,
    SKIP_MEAN,
    TWO_LAG_MEAN,
    BEST_TWO_LAG,
    PER_LAYER_LAGS_MEAN,
)
