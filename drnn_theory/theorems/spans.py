"""Spans that are no multiple of the largest dilation: an exact sum, and a fractal."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import sympy as sp

from drnn_theory.dilations import exponential_dilations
from drnn_theory.theorems.coins import DIVISOR_CHAINS, chain_values
from drnn_theory.theorems.exhaustive import stack_lengths
from drnn_theory.theorems.indexed import LayerSum
from drnn_theory.theorems.letters import L, dilation, i, m, n, ratio
from drnn_theory.theorems.theorem import Theorem, next_layer

__all__ = ["SPANS"]


def _floors_up_to(span: sp.Expr, s: sp.Expr) -> sp.Expr:
    """Return floor(n / s) summed over n = 0..span."""
    periods = sp.floor((span + 1) / s)
    return s * periods * (periods - 1) / 2 + periods * (span + 1 - s * periods)


def _floor_sum(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # one layer; and what a layer adds, with span + 1 = Q s + t: Q blocks of s equal floors, then t
    blocks, rest, block = sp.symbols("Q t j", integer=True, nonnegative=True)
    s = dilation[L + 1]
    yield closed_form.subs(L, 1).doit() - sp.summation(1 + n, (n, 1, m)) / m
    floors = s * sp.summation(block, (block, 0, blocks - 1)) + rest * blocks
    added = (next_layer(closed_form) - closed_form).subs(sp.floor((m + 1) / s), blocks)
    expected = 1 - (ratio[L + 1] - 1) * floors / m
    yield (added - expected).subs(rest, m + 1 - blocks * s)


ANY_SPAN_CHAIN = Theorem(
    name="any_span_chain",
    module=__name__,
    left=r"\frac1m \sum_{n=1}^{m} d(n)",
    holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L, any span m",
    closed_form=L
    + (m + 1) / 2
    - LayerSum((ratio[i] - 1) * _floors_up_to(m, dilation[i]), (i, 2, L)) / m,
    values=lambda chain, span: {m: span, **chain_values(chain)},
    brute_force=lambda chain, span: Fraction(sum(stack_lengths(chain, 100)[1 : span + 1]), span),
    cases=[(chain, span) for chain in DIVISOR_CHAINS for span in (1, 2, 9, 30, 63, 100)],
    symbolic=_floor_sum,
    machine="any_span_chain.v",
)


def _triangle_wave(y: sp.Expr) -> sp.Expr:
    """Return the distance from y to the nearest integer."""
    return sp.Abs(y - sp.floor(y + sp.Rational(1, 2)))


TAKAGI = sp.Sum(_triangle_wave(2**i * m / 2**L) / 2**i, (i, 0, L - 1))
"""Takagi's function at m / 2^L, of which it is all the terms that are not 0."""

ONES = m - sp.Sum(sp.floor(m / 2**i), (i, 1, L))
"""The binary digit sum of m < 2^L, by Legendre's formula."""


def _binary_sums(dilations: tuple[int, ...], last: int) -> list[int]:
    """Return S(N), the coins of 0..N-1 added up, for N = 0..last + 1."""
    sums = [0]
    for length in stack_lengths(dilations, last):
        sums.append(sums[-1] + length - len(dilations))
    return sums


def _stays_between_the_bounds(_: Theorem) -> bool:
    # 1/2 log2(3/4) < S(N)/N - log2(N)/2 <= 0, in integers; 0 only at powers of two
    sums = _binary_sums(exponential_dilations(9), 511)
    return all(
        4 ** (sums[N] + N) > (3 * N) ** N
        and 4 ** sums[N] <= N**N
        and (4 ** sums[N] == N**N) == (N & (N - 1) == 0)
        for N in range(1, 513)
    )


def _takagi_equations(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # With S(2^k x) = 2^k (k x - tau(x)) / 2 the two functional equations of Takagi's function are
    # the two recurrences of S; x <= 1/2 and then x = 1/2 + y.
    k, x, y, tau, half = sp.symbols("k x y tau h", positive=True)

    def total(power: sp.Expr, at: sp.Expr, takagi: sp.Expr) -> sp.Expr:
        return 2**power * (power * at - takagi) / 2

    yield total(k, x, x + tau / 2) - total(k - 1, 2 * x, tau)
    upper = total(k, half + y, 1 - half - y + tau / 2).subs(half, sp.Rational(1, 2))
    yield upper - (2 ** (k - 2) * (k - 1) + y * 2**k + total(k - 1, 2 * y, tau))
    # the closed form is that total at k = L and x = m / 2^L, with the last lag's digits and L
    ones, takagi = sp.symbols("sigma theta")
    form = closed_form.subs({TAKAGI: takagi, ONES: ones})
    yield form - (L + (total(L, m / 2**L, takagi) + ones) / m)


DELANGE_TROLLOPE = Theorem(
    name="delange_trollope",
    module=__name__,
    left=r"\frac1m \sum_{n=1}^{m} d(n)",
    holds_for="stacks of dilations 1, 2, .., 2^(L-1), any span m < 2^L",
    closed_form=L + sp.Rational(1, 2) * L - 2 ** (L - 1) * TAKAGI / m + ONES / m,
    values=lambda layers, span: {L: layers, m: span},
    brute_force=lambda layers, span: Fraction(
        sum(stack_lengths(exponential_dilations(layers), 2**layers - 1)[1 : span + 1]), span
    ),
    cases=[
        (layers, span)
        for layers in range(1, 8)
        for span in sorted(
            {1, 2**layers // 3, 2**layers * 2 // 3, 2 ** (layers - 1), 2**layers - 1}
        )
        if span
    ],
    claims={
        "the digit sums of 0..N-1 average log2(N)/2 + F with log2(3/4)/2 < F <= 0, and F = 0 at "
        "powers of two only, for N up to 512": _stays_between_the_bounds
    },
    symbolic=_takagi_equations,
)

SPANS = (ANY_SPAN_CHAIN, DELANGE_TROLLOPE)
