"""Laws of stacks: the order of layers, one lag more, coarser steps, one stack on another."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import permutations
from math import inf, prod
from typing import Any

import networkx as nx
import sympy as sp

from drnn_theory.architectures import dilated_rnn
from drnn_theory.graphs import cyclic_graph, unfold
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.theorems.exhaustive import mean_by_brute_force, stack_lengths
from drnn_theory.theorems.indexed import LayerProduct
from drnn_theory.theorems.letters import L, copies, d, i, ratio
from drnn_theory.theorems.letters import d_1 as lower
from drnn_theory.theorems.letters import d_2 as upper
from drnn_theory.theorems.letters import e as edges
from drnn_theory.theorems.letters import k as coins
from drnn_theory.theorems.theorem import Theorem

__all__ = ["LAWS"]

Scheme = tuple[int, ...]

w, z = sp.symbols("w z", positive=True)


def _as_exact(length: float) -> Any:
    return sp.oo if length == inf else sp.Integer(int(length))


def _edges(scheme: Scheme, lag: int) -> Any:
    """Return the recurrent edges of a shortest path, by networkx."""
    return _as_exact(stack_lengths(scheme, 12)[lag] - len(scheme))


def _factor(coin: sp.Symbol) -> sp.Expr:
    """Return what one layer contributes to the sum over paths: w for an edge, z for a step."""
    return 1 / (1 - w * z**coin)


# The order of layers ------------------------------------------------------------------------------


def _rings(orders: tuple[int, int]) -> nx.MultiDiGraph:
    """Return two layers with a way back from the upper one to the lower: no stack."""
    below, above = orders
    within: list[tuple[Any, Any, int]] = [("x", 1, 0), (1, 1, below), (1, 2, 0), (2, 2, above)]
    return cyclic_graph([*within, (2, 1, 1)], inputs=["x"], outputs=[1])


def _way_back_needs_order(_: Theorem) -> bool:
    one, two = (mean_by_brute_force(_rings(orders), 8) for orders in ((1, 4), (4, 1)))
    return one == Fraction(9, 2) and two == 4


def _factors_commute(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # the generating function is a product over layers; its lowest power at z^n is w^(d(n) - L)
    a, b = sp.symbols("a b", positive=True)
    yield _factor(a) * _factor(b) - _factor(b) * _factor(a)
    # of two layers the lowest power gives e, and there is a vertical edge for each
    yield closed_form.subs(L, 2) - 2 - sp.expand_log(sp.log(w**edges), force=True) / sp.log(w)


LAYER_ORDER = Theorem(
    name="layer_order",
    module=__name__,
    left=r"d_{\pi(1), \dots, \pi(L)}(n)",
    holds_for=(
        "any stack and any order pi of its layers: e are the recurrent edges for the layers in "
        "rising order"
    ),
    closed_form=L + edges,
    values=lambda scheme, lag: {L: len(scheme), edges: _edges(tuple(sorted(scheme)), lag)},
    brute_force=lambda scheme, lag: _as_exact(stack_lengths(scheme, 12)[lag]),
    cases=[
        (order, lag)
        for scheme in ((1, 2, 4), (2, 3), (1, 3, 4), (4, 6, 9))
        for order in sorted(set(permutations(scheme)))
        for lag in (0, 1, 5, 7, 12)
    ],
    claims={
        "with an edge of lag 1 from layer 2 back to layer 1, which is read, the order counts: "
        "dilations 1, 4 have the mean 9/2 over 1..8, dilations 4, 1 have 4": (_way_back_needs_order)
    },
    symbolic=_factors_commute,
)


# One lag more -------------------------------------------------------------------------------------


def _more_coins(closed_form: sp.Expr, scheme: Scheme, added: int, lag: int) -> sp.Expr:
    """Return the least over the number of coins of the new dilation."""
    lengths = stack_lengths(scheme, 12)
    return min(
        closed_form.subs({coins: number, d: _as_exact(lengths[lag - number * added])})
        for number in range(lag // added + 1)
    )


def _a_layer_costs_an_edge(_: Theorem) -> bool:
    # the lag in a layer of its own is a vertical edge more at every lag
    with_layer = stack_lengths((1, 2, 4, 8), 12)
    return all(
        with_layer[lag]
        == 1 + min(stack_lengths((1, 2, 4), 12)[lag - 8 * number] + number for number in (0, 1))
        for lag in range(8, 13)
    ) and mean_by_brute_force(dilated_rnn([1, 1]), 1) > mean_by_brute_force(dilated_rnn([1]), 1)


@cache
def _length_with_lag(scheme: Scheme, added: int, lag: int) -> Any:
    """Return the length with the lag added to the top layer, by networkx."""
    graph = dilated_rnn(scheme)
    top = f"h{len(scheme)}"
    old = [(u, v, data["lag"]) for u, v, data in graph.edges(data=True)]
    wider = cyclic_graph([*old, (top, top, added)], inputs=["x"], outputs=[top])
    return _as_exact(reference_path_lengths(wider, 12)[lag])


def _one_more_factor(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # k edges of the new lag beside a path: the exponents of w add
    yield sp.expand_log(sp.log(w**coins * w**d), force=True) / sp.log(w) - closed_form


ADDED_LAG = Theorem(
    name="added_lag",
    module=__name__,
    left=r"d'(n) = \min_k \left( \dots \right), \qquad d = d(n - k s)",
    holds_for=(
        "any stack to one layer of which the lag s is added: no lag gets farther, and nearer just "
        "those for which some k >= 1 attains less than d(n)"
    ),
    closed_form=coins + d,
    values=lambda *_: {},
    brute_force=_length_with_lag,
    cases=[
        (scheme, added, lag)
        for scheme in ((1,), (1, 2, 4), (2, 3), (1, 5))
        for added in (1, 3, 5)
        for lag in (0, 3, 5, 7, 10, 12)
    ],
    claims={
        "in a layer of its own, the lag 8 on top of 1, 2, 4, it costs one vertical edge at every "
        "lag, and a second layer of dilation 1 raises the mean": _a_layer_costs_an_edge
    },
    evaluate=_more_coins,
    symbolic=_one_more_factor,
)


# Coarser steps ------------------------------------------------------------------------------------


def _coarse(closed_form: sp.Expr, scheme: Scheme, factor: int, lag: int) -> sp.Expr:
    steps, rest = divmod(lag, factor)
    if rest:
        return sp.oo
    return closed_form.subs({L: len(scheme), edges: _edges(scheme, steps)})


def _one_layer_left_fine(_: Theorem) -> bool:
    # all dilations times 3 but the first: lags that are no multiple of 3 are reached
    return stack_lengths((1, 6), 12)[7] == 4 and stack_lengths((3, 6), 12)[7] == inf


def _steps_of_several(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # z^c for z in the generating function
    a, c = sp.symbols("a c", positive=True)
    yield sp.powdenest(_factor(a).subs(z, z**c), force=True) - _factor(a * c)
    yield closed_form - L - sp.expand_log(sp.log(w**edges), force=True) / sp.log(w)


COARSENING = Theorem(
    name="coarsening",
    module=__name__,
    left=r"d_{c s_1, \dots, c s_L}(c n)",
    holds_for=(
        "any stack whose dilations are all multiplied by c >= 1: e are the edges of lag n before; "
        "lags that are no multiple of c are out of reach"
    ),
    closed_form=L + edges,
    values=lambda *_: {},
    brute_force=lambda scheme, factor, lag: _as_exact(
        stack_lengths(tuple(factor * s for s in scheme), 36)[lag]
    ),
    cases=[
        (scheme, factor, lag)
        for scheme in ((1,), (1, 2, 4), (2, 3), (1, 3, 4))
        for factor in (1, 2, 3)
        for lag in (0, 3, 6, 8, 12)
    ],
    claims={
        "with one dilation left as it is, 1, 6 for 3, 6, the lag 7 is reached, in 4 edges": (
            _one_layer_left_fine
        )
    },
    evaluate=_coarse,
    symbolic=_steps_of_several,
)


# One stack on another -----------------------------------------------------------------------------


def _convolved(closed_form: sp.Expr, below: Scheme, above: Scheme, lag: int) -> sp.Expr:
    one, two = stack_lengths(below, 12), stack_lengths(above, 12)
    return min(
        closed_form.subs({lower: _as_exact(one[p]), upper: _as_exact(two[lag - p])})
        for p in range(lag + 1)
    )


def _beside_is_not_above(_: Theorem) -> bool:
    # side by side, both reading the input: the shorter of the two, not the least sum
    rings: list[tuple[Any, Any, int]] = [
        *(("x", 1, 0), (1, 1, 2), (1, "y", 0)),
        *(("x", 2, 0), (2, 2, 3), (2, "y", 0)),
    ]
    beside = reference_path_lengths(cyclic_graph(rings, inputs=["x"], outputs=["y"]), 5)
    return beside[5] == inf and stack_lengths((2, 3), 5)[5] == 4


def _exponents_add(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # the lowest power of a product of power series is the sum of the lowest powers
    yield sp.expand_log(sp.log(w**lower * w**upper), force=True) / sp.log(w) - closed_form


CONCATENATION = Theorem(
    name="concatenation",
    module=__name__,
    left=r"d(n) = \min_{p + q = n} \left( \dots \right), \qquad d_1 = d_1(p),\ d_2 = d_2(q)",
    holds_for="any stack of which the lower layers alone have d_1 and the upper ones alone d_2",
    closed_form=lower + upper,
    values=lambda *_: {},
    brute_force=lambda below, above, lag: _as_exact(stack_lengths((*below, *above), 12)[lag]),
    cases=[
        (below, above, lag)
        for below in ((1,), (2,), (1, 3))
        for above in ((1, 2), (3,), (4, 6))
        for lag in (0, 1, 5, 8, 12)
    ],
    claims={
        "two layers of dilations 2 and 3 side by side do not reach lag 5, one on the other reach "
        "it in 4 edges": _beside_is_not_above
    },
    evaluate=_convolved,
    symbolic=_exponents_add,
)


# How many shortest paths --------------------------------------------------------------------------


def _repeated(ratios: Scheme, multiplicities: Scheme) -> Scheme:
    """Return the chain whose i-th dilation occurs so many times; the last ratio is the span's."""
    chain: list[int] = []
    value = 1
    for n, times in zip(ratios, multiplicities, strict=True):
        chain += [value] * times
        value *= n
    return tuple(chain)


def _paths_counted(ratios: Scheme, multiplicities: Scheme) -> Fraction:
    """Return the mean number of shortest paths over the lags 0..m - 1, listed by networkx."""
    scheme, span = _repeated(ratios, multiplicities), prod(ratios)
    graph = unfold(dilated_rnn(scheme), span - 1)
    total = 0
    for lag in range(span):
        end = (lag, f"h{len(scheme)}")
        total += sum(1 for _ in nx.all_shortest_paths(graph, (0, "x"), end))
    return Fraction(total, span)


def _small_gain_counts_them(_: Theorem) -> bool:
    # the coefficient of z^n in prod 1/(1 - w z^s): its lowest power of w has this coefficient
    gain = sp.Symbol("g")
    for ratios, multiplicities in (((2, 2), (2, 1)), ((3, 2), (1, 2)), ((2, 3), (1, 1))):
        scheme, span = _repeated(ratios, multiplicities), prod(ratios)
        powers = sp.Integer(1)
        for s in scheme:
            geometric = sum((gain ** (2 * e) * z ** (e * s) for e in range(span)), sp.Integer(0))
            powers = sp.expand(powers * geometric)
        lowest = Fraction(0)
        for lag in range(span):
            terms = sp.Poly(powers.coeff(z, lag), gain).terms()
            lowest += int(min(terms)[1])
        if lowest / span != _paths_counted(ratios, multiplicities):
            return False
    return True


def _no_chain_has_ties(_: Theorem) -> bool:
    # 5 = 1 + 4 = 2 + 3 with the dilations 1, 2, 3, 4: two shortest paths though none is repeated
    graph = unfold(dilated_rnn([1, 2, 3, 4]), 5)
    return sum(1 for _ in nx.all_shortest_paths(graph, (0, "x"), (5, "h4"))) == 2


def _choices_of_one_digit(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # a digit e is spread over c layers in C(e + c - 1, c - 1) ways; over e < n they sum to
    # C(n + c - 1, c): hockey stick, by induction on n
    n, c = sp.symbols("n c", integer=True, positive=True)
    one = closed_form.subs(L, 1).doit().subs({ratio[1]: n, copies[1]: c})
    yield one.subs(n, 1) - 1
    total = one * n
    yield total.subs(n, n + 1) - total - sp.binomial(n + c - 1, c - 1)


SHORTEST_PATHS = Theorem(
    name="shortest_paths",
    module=__name__,
    left=r"\frac1m \sum_{n=0}^{m-1} \#\{\text{shortest paths of lag } n\}",
    holds_for=(
        "divisor chains of L distinct dilations, the i-th in k_i layers, n_i >= 2 the next over "
        "it, and m = n_1 n_2 .. n_L"
    ),
    closed_form=LayerProduct(
        sp.binomial(ratio[i] + copies[i] - 1, copies[i]) / ratio[i], (i, 1, L)
    ),
    values=lambda *_: {},
    brute_force=_paths_counted,
    cases=[
        ((2,), (1,)),
        ((4,), (3,)),
        ((2, 2), (1, 1)),
        ((2, 3), (1, 1)),
        ((2, 2), (2, 1)),
        ((3, 2), (1, 2)),
        ((2, 3), (2, 2)),
        ((2, 2, 2), (1, 2, 3)),
        ((4, 3), (3, 1)),
    ],
    claims={
        "it is the coefficient of the lowest power of the gain in the law of gradient flow, for "
        "three chains": _small_gain_counts_them,
        "without divisibility one need not repeat a dilation: 1, 2, 3, 4 has two shortest paths of "
        "lag 5": _no_chain_has_ties,
    },
    evaluate=lambda closed_form, ratios, multiplicities: (
        closed_form.subs(L, len(ratios))
        .doit()
        .subs(
            {
                **{ratio[number]: n for number, n in enumerate(ratios, start=1)},
                **{copies[number]: c for number, c in enumerate(multiplicities, start=1)},
            }
        )
    ),
    symbolic=_choices_of_one_digit,
)

LAWS = (LAYER_ORDER, ADDED_LAG, COARSENING, CONCATENATION, SHORTEST_PATHS)
