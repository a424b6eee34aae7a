"""The best dilations: Theorem 3.1 of Chang et al., its hypotheses, and the best base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import sympy as sp

from drnn_theory.architectures import dilated_rnn
from drnn_theory.dilations import exponential_dilations
from drnn_theory.theorems.exhaustive import (
    divisor_chains,
    exponential_searches,
    mean_by_brute_force,
    schemes_with_last,
    stack_lengths,
)
from drnn_theory.theorems.letters import L, M, i, m, ratio
from drnn_theory.theorems.means import DIVISOR_CHAIN_MEAN, EXPONENTIAL_MEAN
from drnn_theory.theorems.theorem import Finding, Theorem

__all__ = ["OPTIMA"]


# Theorem 3.1 --------------------------------------------------------------------------------------


def _best_chains(base: int, layers: int) -> tuple[Any, ...]:
    span = base ** (layers - 1)
    means = {
        chain: mean_by_brute_force(dilated_rnn(chain), span)
        for chain in divisor_chains(layers, span)
    }
    least = min(means.values())
    best = [chain for chain, mean in means.items() if mean == least]
    return least, len(best), best[0]


def _with_all_dilations(closed_form: sp.Basic, base: int, layers: int) -> sp.Basic:
    least, number, power = (part.subs({M: base, L: layers}) for part in closed_form.args)
    return sp.Tuple(
        least, number, sp.Tuple(*(power.subs(i, layer) for layer in range(1, layers + 1)))
    )


def _arithmetic_and_geometric_mean(closed_form: sp.Basic) -> Iterator[sp.Basic]:
    # n_i = M exp(u_i) with sum u_i = 0: the mean exceeds the exponential one by half the sum of
    # M g(u_i), g(u) = exp(u) - 1 - u, which is convex and touches 0 at u = 0 only
    least, _, power = closed_form
    first_ratio = power.subs(i, 2)
    u = sp.Symbol("u", real=True)
    g = sp.exp(u) - 1 - u
    chain = DIVISOR_CHAIN_MEAN.closed_form.subs(m, M ** (L - 1))
    yield chain.replace(sp.Indexed, lambda *_: first_ratio).doit() - least
    digit = (ratio[2] - 1) / 2
    yield digit.subs(ratio[2], first_ratio * sp.exp(u)) - (
        digit.subs(ratio[2], first_ratio) + M * (g + u) / 2
    )
    yield g.subs(u, 0)
    yield g.diff(u).subs(u, 0)
    yield sp.Gt(g.diff(u, 2), 0)


THEOREM_3_1 = Theorem(
    name="theorem_3_1",
    module=__name__,
    left=(
        r"\left( \min \frac1m \sum_{n=1}^{m} d(n),\ \#\{\text{chains that attain it}\},\ "
        r"\text{their } s_i \right)"
    ),
    holds_for=(
        "stacks of L >= 2 layers with 1 = s_1 | s_2 | .. | s_L = m = M^(L-1), span m: only the "
        "exponential chain has the least mean"
    ),
    closed_form=sp.Tuple(L + (M - 1) * (L - 1) / 2 + 1 / M ** (L - 1), sp.Integer(1), M ** (i - 1)),
    values=lambda base, layers: {M: base, L: layers},
    brute_force=_best_chains,
    cases=[
        (base, layers)
        for base in range(2, 9)
        for layers in range(2, 7)
        if base ** (layers - 1) <= 64
    ],
    evaluate=_with_all_dilations,
    symbolic=_arithmetic_and_geometric_mean,
    machine="theorem_3_1.v",
)


# Its hypotheses are needed ------------------------------------------------------------------------

Scheme = tuple[int, ...]


def _mean(scheme: Scheme, span: int) -> Fraction:
    lengths = stack_lengths(scheme, span)
    return Fraction(sum(lengths[1:]), span)


def _first_better(
    schemes: Callable[[int, int], Iterable[Scheme]], *, ties: bool = False, least_layers: int = 2
) -> tuple[Any, ...]:
    """Return the first span, and depth, at which a scheme beats the exponential one (or ties).

    With it the least mean, the exponential mean and all optimal schemes, in order.
    """
    for span, layers, base in exponential_searches(least_layers):
        exponential = exponential_dilations(layers, base)
        means = {scheme: _mean(scheme, span) for scheme in schemes(layers, span)}
        least, ours = min(means.values()), _mean(exponential, span)
        best = tuple(scheme for scheme, mean in means.items() if mean == least)
        if least < ours or (ties and len(best) > 1):
            return span, layers, least, ours, best
    raise AssertionError("spans do not end")


def _chains_up_to(layers: int, span: int) -> Iterator[Scheme]:
    for last in range(1, span + 1):
        yield from divisor_chains(layers, last)


def _no_symbols() -> dict[Any, Any]:
    return {}


SEARCH = (
    r"\left( m,\ L,\ \min \frac1m \sum_{n=1}^{m} d(n),\ \text{the exponential chain's},\ "
    r"\text{all optima} \right)"
)

DIVISIBILITY_IS_NEEDED = Finding(
    name="divisibility_is_needed",
    module=__name__,
    left=SEARCH,
    holds_for=(
        "stacks with 1 = s_1 <= .. <= s_L = m = M^(L-1), by exhaustive search in the order of m: "
        "the smallest m at which some scheme beats the exponential one"
    ),
    closed_form=sp.Tuple(
        sp.Integer(8),
        sp.Integer(4),
        sp.Rational(11, 2),
        sp.Rational(45, 8),
        sp.Tuple(sp.Tuple(1, 2, 5, 8), sp.Tuple(1, 3, 4, 8)),
    ),
    values=_no_symbols,
    brute_force=lambda: _first_better(schemes_with_last),
    cases=[()],
    claims={
        "at m = 27 the scheme (1, 5, 8, 27) has 61/9, the exponential one 190/27": lambda _: (
            _mean((1, 5, 8, 27), 27) == Fraction(61, 9) < _mean((1, 3, 9, 27), 27)
        )
    },
    machine="counterexamples.v",
)

DIVISIBILITY_IS_NEEDED_FOR_UNIQUENESS = Finding(
    name="divisibility_is_needed_for_uniqueness",
    module=__name__,
    left=SEARCH,
    holds_for=(
        "stacks with 1 = s_1 <= .. <= s_L = m = M^(L-1), by exhaustive search in the order of m: "
        "the smallest m at which the optimum is not unique"
    ),
    closed_form=sp.Tuple(
        sp.Integer(4),
        sp.Integer(3),
        sp.Rational(17, 4),
        sp.Rational(17, 4),
        sp.Tuple(sp.Tuple(1, 2, 4), sp.Tuple(1, 3, 4)),
    ),
    values=_no_symbols,
    brute_force=lambda: _first_better(schemes_with_last, ties=True),
    cases=[()],
    machine="counterexamples.v",
)

LAST_DILATION_IS_NEEDED = Finding(
    name="last_dilation_is_needed",
    module=__name__,
    left=SEARCH,
    holds_for=(
        "stacks with 1 = s_1 | .. | s_L <= m = M^(L-1), by exhaustive search in the order of m: "
        "the smallest m at which some chain beats the exponential one"
    ),
    closed_form=sp.Tuple(
        sp.Integer(4),
        sp.Integer(2),
        sp.Rational(7, 2),
        sp.Rational(15, 4),
        sp.Tuple(sp.Tuple(1, 2), sp.Tuple(1, 3)),
    ),
    values=_no_symbols,
    brute_force=lambda: _first_better(_chains_up_to),
    cases=[()],
    claims={
        "the smallest m with three layers or more is 9, where (1, 2, 4), (1, 2, 6) and (1, 3, 6) "
        "have 44/9, the exponential chain 46/9": lambda _: (
            _first_better(_chains_up_to, least_layers=3)
            == (9, 3, Fraction(44, 9), Fraction(46, 9), ((1, 2, 4), (1, 2, 6), (1, 3, 6)))
        ),
        "the smallest m with four layers or more is 27, where (1, 2, 4, 12) has 20/3, the "
        "exponential chain 190/27": lambda _: (
            _first_better(_chains_up_to, least_layers=4)[:4]
            == (27, 4, Fraction(20, 3), Fraction(190, 27))
            and _mean((1, 2, 4, 12), 27) == Fraction(20, 3)
        ),
    },
    machine="counterexamples.v",
)


# The best base ------------------------------------------------------------------------------------


def _exact_logarithms(closed_form: sp.Expr, base: int, span: int) -> sp.Expr:
    value = closed_form.subs({M: base, m: span})
    return sp.simplify(value.replace(sp.log, lambda x: sp.expand_log(sp.log(x), factor=True)))


def _rate(closed_form: sp.Expr, base: Any) -> sp.Expr:
    """Return what the mean grows by when log m grows by 1 at a given base."""
    power = sp.Symbol("t", positive=True)
    total = (closed_form - 1 / m).subs(sp.log(m), power)
    return total.diff(power).subs(M, base)


def _stationary_base(closed_form: sp.Expr) -> Iterator[sp.Basic]:
    x = sp.Symbol("x", positive=True)
    rate = _rate(closed_form, x)
    slope = x * sp.log(x) - x - 1
    # with m = M^(L-1) it is the exponential mean
    yield (
        closed_form.subs(m, M ** (L - 1)).subs(sp.log(M ** (L - 1)), (L - 1) * sp.log(M))
        - EXPONENTIAL_MEAN.closed_form
    )
    # the derivative has the sign of x log x - x - 1, which falls below 1, rises above, has one root
    yield rate.diff(x) - slope / (2 * x * sp.log(x) ** 2)
    yield slope.diff(x) - sp.log(x)
    w = sp.Symbol("w", positive=True)  # the root is exp(1 + w) where w exp(w) = 1/e
    yield slope.subs(x, sp.exp(1 + w)) - (sp.E * w * sp.exp(w) - 1)
    # second derivative at the root, where log x = (x + 1) / x
    curvature = rate.diff(x, 2).subs(sp.log(x), (x + 1) / x)
    yield curvature - 1 / (2 * (x + 1))


def _ranks_as_stated(theorem: Theorem) -> bool:
    # (M + 1) / log M < (N + 1) / log N  if and only if  N^(M + 1) < M^(N + 1): integers
    def better(base: int, other: int) -> bool:
        return other ** (base + 1) < base ** (other + 1)

    ranking = [4, 3, 5, 6, 7, 8, *range(9, 65)]
    ordered = all(better(x, y) for x, y in pairwise(ranking))
    return ordered and 2**9 == 8**3 and all(better(x, 2) for x in (3, 4, 5, 6, 7))


def _best_bases(span: int) -> list[int]:
    """Return the bases whose stack of all powers up to ``span`` has the least mean, exactly."""
    means: dict[int, Fraction] = {}
    for base in range(2, span + 2):
        chain = [1]
        while chain[-1] * base <= span:
            chain.append(chain[-1] * base)
        floors = 0
        for s in chain[1:]:
            periods, rest = divmod(span + 1, s)
            floors += s * (periods * (periods - 1) // 2) + rest * periods
        means[base] = len(chain) + Fraction(span * (span + 1) // 2 - (base - 1) * floors, span)
    least = min(means.values())
    return [base for base, mean in means.items() if mean == least]


BEST_BASE = Theorem(
    name="best_base",
    module=__name__,
    left=r"\frac1m \sum_{n=1}^{m} d(n)",
    holds_for=(
        "stacks of dilations 1, M, .., m with m a power of M, span m: least, as a function of a "
        "real M > 1, at M log M = M + 1, M = 3.59; among integers at M = 4"
    ),
    closed_form=1 + (M + 1) / 2 * sp.log(m) / sp.log(M) + 1 / m,
    values=lambda base, span: {M: base, m: span},
    brute_force=lambda base, span: Fraction(
        sum(stack_lengths(exponential_dilations(_layers(base, span), base), span)[1:]), span
    ),
    cases=[
        (base, span)
        for base, spans in {
            2: (2, 4, 16, 64, 256, 512),
            3: (3, 9, 27, 81, 243),
            4: (4, 16, 64, 256),
            5: (5, 25, 125),
            6: (6, 36, 216),
            8: (8, 64, 512),
            16: (16, 256),
        }.items()
        for span in spans
    ],
    evaluate=_exact_logarithms,
    claims={
        "the rates (M + 1)/(2 log M) rank the bases 4, 3, 5, 6, 7, then 2 and 8 equal, then 9, 10, "
        ".. in order: compared in integers up to 64": _ranks_as_stated,
        "the root of M log M = M + 1 lies between 3.591 and 3.592": lambda _: (
            sp.Rational(3591, 1000) < sp.exp(1 + sp.LambertW(sp.exp(-1))) < sp.Rational(3592, 1000)
        ),
        "at every span 5..300, powers of the base up to the span, the best bases are among 3, 4, "
        "5": lambda _: all(set(_best_bases(span)) <= {3, 4, 5} for span in range(5, 301)),
    },
    symbolic=_stationary_base,
)


def _layers(base: int, span: int) -> int:
    layers = 1
    while base ** (layers - 1) < span:
        layers += 1
    return layers


OPTIMA = (
    THEOREM_3_1,
    DIVISIBILITY_IS_NEEDED,
    DIVISIBILITY_IS_NEEDED_FOR_UNIQUENESS,
    LAST_DILATION_IS_NEEDED,
    BEST_BASE,
)
