"""Long spans and longest paths: what the mean tends to, and the worst lag beside it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb
from typing import Any

import networkx as nx
import sympy as sp

from drnn_theory.graphs import cyclic_graph
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.paths.stacks import fewest_coins
from drnn_theory.theorems.coins import DIVISOR_CHAINS, chain_values
from drnn_theory.theorems.exhaustive import stack_lengths
from drnn_theory.theorems.indexed import LayerSum
from drnn_theory.theorems.letters import A, K, L, P, assumed, i, k, m, n_0, q, ratio, s
from drnn_theory.theorems.theorem import Theorem

__all__ = ["LIMITS"]

Scheme = tuple[int, ...]

j = sp.Symbol("j")


# Mean over span -----------------------------------------------------------------------------------


def _two_sums(scheme: Scheme, periods: int) -> dict[Any, int]:
    """Return the largest dilation, the n_0 of the period, and the sums before and within it."""
    *_, second, largest = (1, *sorted(set(scheme)))
    start = max((largest - 1) * second, 1)
    d = stack_lengths(scheme, start + largest)
    return {
        s: largest,
        k: periods,
        n_0: start,
        A: sum(d[1 : start + 1]),
        P: sum(d[start + 1 : start + largest + 1]),
    }


def _mean_over_span(scheme: Scheme, periods: int) -> Fraction:
    values = _two_sums(scheme, periods)
    span = values[n_0] + periods * values[s]
    return Fraction(sum(stack_lengths(scheme, span)[1:]), span**2)


def _half_over_the_largest(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # period j takes j edges more at each of its s lags; and the limit
    total = A + sp.summation(P + s * j, (j, 0, k - 1))
    yield closed_form - total / (n_0 + k * s) ** 2
    yield sp.limit(closed_form, k, sp.oo) - 1 / (2 * s)


SPAN_LIMIT = Theorem(
    name="span_limit",
    module=__name__,
    left=(
        r"\lim_{m \to \infty} \frac{1}{m^2} \sum_{n=1}^{m} d(n) = \frac{1}{2 s}, "
        r"\qquad \left. \frac{1}{m^2} \sum_{n=1}^{m} d(n) \right|_{m = n_0 + k s}"
    ),
    holds_for=(
        "stacks that reach every lag, s the largest dilation; n_0 is any lag from which on "
        "d(n + s) = d(n) + 1, A the sum of d over 1..n_0 and P over the s lags after it"
    ),
    closed_form=(A + k * P + s * k * (k - 1) / 2) / (n_0 + k * s) ** 2,
    values=_two_sums,
    brute_force=_mean_over_span,
    cases=[
        (scheme, periods)
        for scheme in ((1,), (1, 2, 4), (1, 3, 4), (4, 1, 3), (1, 5, 7), (1, 1, 6), (2, 1))
        for periods in (1, 2, 5)
    ],
    symbolic=_half_over_the_largest,
)

classes = sp.Symbol("N", integer=True, positive=True)


def _rings(multiples: Scheme) -> nx.MultiDiGraph:
    """Return a graph of p classes of lags, class r with loops of lags p and p a_r of its own."""
    period = len(multiples)
    edges: list[tuple[Any, Any, int]] = []
    for residue, multiple in enumerate(multiples):
        edges += [
            ("x", residue, residue),
            (residue, residue, period),
            (residue, residue, period * multiple),
            (residue, "y", 0),
        ]
    return cyclic_graph(edges, inputs=["x"], outputs=["y"])


def _limit_by_lengths(multiples: Scheme) -> Fraction:
    """Return half the growth of d per lag, averaged over residues, from lengths far apart."""
    period = len(multiples)
    far = period
    for multiple in multiples:
        far *= multiple
    lengths = reference_path_lengths(_rings(multiples), 2 * far + period).tolist()
    growth = [
        Fraction(int(lengths[2 * far + r] - lengths[far + r]), far) for r in range(1, period + 1)
    ]
    return sum(growth, Fraction(0)) / (2 * period)


def _each_residue(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # residue r of p contributes the limit of (1/m^2) sum over t < m/p of (e + t p / s)
    rate, offset, spans = sp.symbols("sigma epsilon T", positive=True)
    total = sp.summation(offset + j * classes / rate, (j, 0, spans - 1)) / (classes * spans) ** 2
    yield sp.limit(total, spans, sp.oo) - 1 / (2 * classes * rate)
    yield closed_form.subs(L, 1).doit() - 1 / (2 * ratio[1])


SPAN_LIMIT_BY_RESIDUE = Theorem(
    name="span_limit_by_residue",
    module=__name__,
    left=r"\lim_{m \to \infty} \frac{1}{m^2} \sum_{n=1}^{m} d(n)",
    holds_for=(
        "cyclic graphs of which class i of the lags, of L residue classes, has the recurrent skip "
        "coefficient s_i: the sum of 1/(2 L s_i); here loops of lags L and L n_i, s_i = L n_i"
    ),
    closed_form=LayerSum(1 / (2 * L**2 * ratio[i]), (i, 1, L)),
    values=lambda multiples: {
        L: len(multiples),
        **{ratio[number]: multiple for number, multiple in enumerate(multiples, start=1)},
    },
    brute_force=_limit_by_lengths,
    cases=[(ring,) for ring in ((1,), (3,), (1, 2), (2, 1), (3, 1), (1, 2, 3), (2, 2, 1), (3, 3))],
    symbolic=_each_residue,
)


# The longest of the shortest paths ----------------------------------------------------------------


def _full_digits(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # lag m - 1 has every digit full, lag m is q coins; one layer; one ratio more
    form, periods = assumed(closed_form), assumed(q)
    yield form.subs(assumed(L), 1).doit() - (1 + sp.Max(periods, periods - 1))
    full = sp.Symbol("f", integer=True, positive=True)
    digits = assumed(LayerSum(ratio[i] - 1, (i, 2, L)))
    yield form.subs(digits, full) - (assumed(L) + full + periods - 1)


CHAIN_WORST = Theorem(
    name="chain_worst",
    module=__name__,
    left=r"\max_{1 \le n \le m} d(n)",
    holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L, span m = q s_L",
    closed_form=L + sp.Max(q, LayerSum(ratio[i] - 1, (i, 2, L)) + q - 1),
    values=lambda chain, periods: {q: periods, **chain_values(chain)},
    brute_force=lambda chain, periods: max(
        stack_lengths(chain, 7 * chain[-1])[1 : chain[-1] * periods + 1]
    ),
    cases=[(chain, periods) for chain in DIVISOR_CHAINS for periods in (1, 2, 3, 7)]
    + [((1, 1), 1), ((1, 1, 1), 2)],
    symbolic=_full_digits,
)


@cache
def longest_path_of_the_best(layers: int, span: int) -> int:
    """Return the least longest path over all stacks of so many layers, by trying them all."""
    return layers + min(
        int(fewest_coins((1, *others), span).max())
        for others in combinations(range(2, span + 1), min(layers - 1, span - 1))
    )


def _fewest_that_suffice(layers: int, span: int) -> dict[Any, int]:
    edges = 0
    while comb(edges + layers, layers) <= span:
        edges += 1
    return {L: layers, m: span, K: edges}


def _one_kind_of_coin(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # for one layer K is the span; one coin more is one edge more, and so many payments more
    yield closed_form.subs({L: 1, K: m}) - (1 + m)
    yield closed_form.subs(K, K + 1) - closed_form - 1
    payments = sp.binomial(K + L, L)
    yield payments.subs(K, K + 1) - payments - payments.subs({K: K + 1, L: L - 1})


POSTAGE_STAMP_BOUND = Theorem(
    name="postage_stamp_bound",
    module=__name__,
    left=r"\max_{1 \le n \le m} d(n)",
    holds_for=("every stack of L layers, any span m; K is the least integer with C(K + L, L) > m"),
    closed_form=L + K,
    values=_fewest_that_suffice,
    brute_force=longest_path_of_the_best,
    cases=[(1, span) for span in range(1, 7)]
    + [(2, span) for span in range(1, 25)]
    + [(3, span) for span in range(2, 16)],
    relation="<=",
    sharp=[*((1, span) for span in range(1, 7)), (2, 2), (2, 4), (2, 10), (3, 3), (3, 15)],
    symbolic=_one_kind_of_coin,
    machine="counting_bound.v",
)

LIMITS = (SPAN_LIMIT, SPAN_LIMIT_BY_RESIDUE, CHAIN_WORST, POSTAGE_STAMP_BOUND)
