"""Numbers of paths, and the bounds that follow: generating function and counting bound."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb, factorial
from typing import Any

import networkx as nx
import sympy as sp

from drnn_theory.architectures import dilated_rnn
from drnn_theory.dilations import exponential_dilations
from drnn_theory.graphs import unfold
from drnn_theory.paths.stacks import fewest_coins
from drnn_theory.theorems.exhaustive import stack_lengths
from drnn_theory.theorems.indexed import LayerProduct
from drnn_theory.theorems.letters import K, L, M, dilation, i, m, w, z
from drnn_theory.theorems.theorem import Theorem

__all__ = ["COUNTS"]


# The generating function of paths -----------------------------------------------------------------


def _coefficient(closed_form: sp.Expr, dilations: tuple[int, ...], lag: int) -> sp.Expr:
    """Return the coefficient of z^lag, by dividing numerator by denominator as series in z."""
    values = {dilation[number]: s for number, s in enumerate(dilations, start=1)}
    rational = closed_form.subs(L, len(dilations)).doit().subs(values)
    top, bottom = (sp.Poly(part, z) for part in sp.fraction(sp.together(rational)))
    series: list[sp.Expr] = []
    for power in range(lag + 1):
        carried = sum(bottom.coeff_monomial(z**j) * series[power - j] for j in range(1, power + 1))
        series.append(
            sp.cancel((top.coeff_monomial(z**power) - carried) / bottom.coeff_monomial(1))
        )
    return sp.expand(series[lag])


@cache
def _count_by_edges(dilations: tuple[int, ...], lag: int) -> sp.Expr:
    """Return the sum of w^(recurrent edges) over all paths of one lag, listed by networkx."""
    graph = unfold(dilated_rnn(dilations), lag)
    paths = nx.all_simple_paths(graph, (0, "x"), (lag, f"h{len(dilations)}"))
    return sp.Add(*(w ** (len(path) - 1 - len(dilations)) for path in paths))


def _lowest_powers(_: Theorem) -> bool:
    # the lowest power of w at z^lag is the fewest coins
    for scheme in ((1, 2, 4), (1, 3, 4), (2, 3), (1, 5, 7)):
        for lag in range(13):
            count = _count_by_edges(scheme, lag)
            length = stack_lengths(scheme, 12)[lag]
            if count == 0:
                if length != float("inf"):
                    return False
            elif min(mono[0] for mono in sp.Poly(count, w).monoms()) != length - len(scheme):
                return False
    return True


def _last_edge(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # a path ends in layer L + 1 by a vertical edge out of layer L, or by a recurrent edge
    s = dilation[L + 1]
    longer = closed_form * closed_form.function.subs(i, L + 1)
    yield closed_form.subs(L, 1).doit() * (1 - w * z ** dilation[1]) - 1
    yield (longer - closed_form - w * z**s * longer) / closed_form


PATH_GENERATING_FUNCTION = Theorem(
    name="path_generating_function",
    module=__name__,
    left=(r"\sum_{n \ge 0} z^n \sum_{\text{paths of lag } n} w^{\text{recurrent edges}}"),
    holds_for="any stack of dilations s_1, .., s_L, as formal power series in z",
    closed_form=LayerProduct(1 / (1 - w * z ** dilation[i]), (i, 1, L)),
    values=lambda dilations, lag: {},
    brute_force=_count_by_edges,
    cases=[
        (scheme, lag)
        for scheme in [(1,), (2,), (1, 2), (1, 2, 4), (1, 3, 4), (2, 3), (1, 1), (4, 2, 1)]
        for lag in (0, 1, 2, 3, 5, 8)
    ],
    claims={
        "the lowest power of w at z^n is d(n) - L, at lags up to 12 of four schemes": _lowest_powers
    },
    evaluate=_coefficient,
    symbolic=_last_edge,
)


# The counting bound -------------------------------------------------------------------------------


@cache
def least_mean(layers: int, span: int) -> Fraction:
    """Return the least mean over all stacks of so many layers, by trying every set of dilations.

    A dilation 1 is needed to reach every lag, one above the span is never used, and a repeated one
    may be replaced by any other. Path lengths come from fewest coins plus layers.
    """
    totals = (
        int(fewest_coins((1, *others), span).sum())
        for count in {min(layers - 1, span - 1)}
        for others in combinations(range(2, span + 1), count)
    )
    return layers + Fraction(min(totals), span)


def _most_edges(layers: int, span: int) -> dict[Any, int]:
    edges = 0
    while comb(edges + 1 + layers, layers) <= span + 1:
        edges += 1
    return {L: layers, m: span, K: edges}


def _hockey_stick(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # the bound is L + sum over k = 0..K of (m + 1 - C(k + L, L)) / m
    yield closed_form.subs(K, 0) - (L + 1)
    yield closed_form.subs(K, K + 1) - closed_form - (m + 1 - sp.binomial(K + 1 + L, L)) / m
    # at m + 1 = C(K + L, L) it is L + (m + 1)/m K L / (L + 1)
    full = sp.binomial(K + L, L)
    exact = (L + full / (full - 1) * K * L / (L + 1)).rewrite(sp.gamma)
    yield closed_form.subs(m, full - 1).rewrite(sp.gamma) - exact


SEARCHED = (
    [(1, span) for span in range(1, 8)]
    + [(2, span) for span in range(1, 31)]
    + [(3, span) for span in range(2, 17)]
    + [(4, span) for span in range(3, 12)]
)

COUNTING_BOUND = Theorem(
    name="counting_bound",
    module=__name__,
    left=r"\frac1m \sum_{n=1}^{m} d(n)",
    holds_for=(
        "every stack of L layers, any span m; K is the largest integer with C(K + L, L) <= m + 1"
    ),
    closed_form=L + ((K + 1) * (m + 1) - sp.binomial(K + L + 1, L + 1)) / m,
    values=_most_edges,
    brute_force=least_mean,
    cases=SEARCHED,
    relation="<=",
    sharp=[*((1, span) for span in range(1, 8)), (2, 2), (2, 3), (2, 4), (3, 3), (3, 5), (4, 4)],
    symbolic=_hockey_stick,
    machine="counting_bound.v",
)


def _stays_within_half_e(_: Theorem) -> bool:
    # rho = (L + 1) / (2 (L!)^(1/L)) is 2/2 at L = 1, rises and stays below e/2, in integers:
    # rho at L and at L + 1 to the power L (L + 1), and (2 rho)^L with e^L, e from below
    below_e = sum(Fraction(1, factorial(term)) for term in range(20))
    depths = range(1, 13)
    rises = all(
        (layers + 1) ** (layers * (layers + 1)) * factorial(layers + 1) ** layers
        < (layers + 2) ** (layers * (layers + 1)) * factorial(layers) ** (layers + 1)
        for layers in depths[:-1]
    )
    stays = all((layers + 1) ** layers < below_e**layers * factorial(layers) for layers in depths)
    return rises and stays


def _large_bases(closed_form: sp.Expr) -> Iterator[sp.Basic]:
    # (log h)' is the sum of 1/(kappa + j) over j = 1..L, where h = C(kappa + L, L)
    kappa = sp.Symbol("kappa", positive=True)
    log_h = sp.loggamma(kappa + L + 1) - sp.loggamma(kappa + 1) - sp.loggamma(L + 1)
    slope = log_h.diff(kappa)
    yield slope.subs(L, 1) - 1 / (kappa + 1)
    yield slope.subs(L, L + 1) - slope - 1 / (kappa + L + 1)
    # the least kappa that the geometric mean allows, in kappa L / (L + 1), gives the form
    root = sp.factorial(L) ** (1 / L)
    yield closed_form - (root * M - (L + 1) / sp.Integer(2)) * L / (L + 1)
    # the exponential stack's coins, L (M - 1) / 2, over the form
    exponential = L * (M - 1) / 2
    yield sp.limit(exponential / closed_form, M, sp.oo) - (L + 1) / (2 * root)
    # (2 rho)^L = (L + 1)^L / L! has one factor more, (1 + 1/j)^j, at j = L + 1; they tend to e
    power = (L + 1) ** L / sp.factorial(L)
    yield power.subs(L, L + 1) / power - ((L + 2) / (L + 1)) ** (L + 1)
    j = sp.Symbol("j", positive=True)
    yield sp.limit((1 + 1 / j) ** j, j, sp.oo) - sp.E
    # The others check a remark only, no step of the proof: with C(K + L, L) = M^L the form is
    # K L / (L + 1) less something that vanishes
    edges = sp.Symbol("K", positive=True)
    for layers in (1, 2, 3):
        numbers = sp.Mul(*(edges + j for j in range(1, layers + 1))) / sp.factorial(layers)
        value = closed_form.subs(L, layers).subs(M, numbers ** sp.Rational(1, layers))
        yield sp.limit(value - edges * layers / sp.Integer(layers + 1), edges, sp.oo)


def _coins_from_zero(base: int, layers: int) -> Fraction:
    span = base**layers - 1
    if span == 0:
        return Fraction(0)
    return (least_mean(layers, span) - layers) * Fraction(span, span + 1)


EXPONENTIAL_NEAR_OPTIMAL = Theorem(
    name="exponential_near_optimal",
    module=__name__,
    left=r"\frac{1}{M^L} \sum_{n=0}^{M^L - 1} (d(n) - L)",
    holds_for=(
        "every stack of L layers; the exponential stack 1, M, .., M^(L-1) has L (M - 1)/2, "
        "(L + 1)/(2 (L!)^(1/L)) < e/2 = 1.359.. times as much in the limit of large M"
    ),
    closed_form=L * sp.factorial(L) ** (1 / L) * M / (L + 1) - L / sp.Integer(2),
    values=lambda base, layers: {M: base, L: layers},
    brute_force=_coins_from_zero,
    cases=[(base, 1) for base in range(2, 9)]
    + [(base, 2) for base in range(2, 8)]
    + [(2, 3), (3, 3), (2, 4)],
    relation="<=",
    sharp=[(base, 1) for base in range(2, 9)],
    claims={
        "the exponential stack's coins over 0..M^L - 1 average L (M - 1)/2, for M^L up to 256": (
            lambda _: all(
                Fraction(
                    sum(stack_lengths(exponential_dilations(layers, base), base**layers - 1)),
                    base**layers,
                )
                == layers + Fraction(layers * (base - 1), 2)
                for base in range(2, 17)
                for layers in range(1, 9)
                if base**layers <= 256
            )
        ),
        "(L + 1)/(2 (L!)^(1/L)) rises from 1 and stays below e/2, for L up to 12": (
            _stays_within_half_e
        ),
    },
    symbolic=_large_bases,
)

COUNTS = (PATH_GENERATING_FUNCTION, COUNTING_BOUND, EXPONENTIAL_NEAR_OPTIMAL)
