"""Mean recurrent lengths of NARX, MIST, fused, convolutional and clockwork networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from drnn_theory.architectures import (
    clockwork_rnn,
    dilated_cnn,
    dilated_rnn,
    layers_rnn,
    mist_rnn,
    narx_rnn,
)
from drnn_theory.dilations import exponential_dilations
from drnn_theory.theorems.coins import chain_values
from drnn_theory.theorems.exhaustive import mean_by_brute_force
from drnn_theory.theorems.letters import B, D, L, M, Q, a, k, m, n, q, r
from drnn_theory.theorems.means import DIGITS, EXPONENTIAL_MEAN, MEAN, with_quotient
from drnn_theory.theorems.theorem import Theorem

__all__ = ["DILATED_CNN_MEAN", "ZOO"]

WORST_MEAN = r"\frac1m \sum_{n=1}^{m} \max_i d_i(n)"


def _narx_blocks(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # lags a D + 1 .. (a + 1) D take a + 1 coins
    full = sp.summation(D * (a + 1), (a, 0, Q - 1))
    yield L + (full + r * (Q + 1)) / (Q * D + r) - with_quotient(closed_form, D)


NARX_MEAN = Theorem(
    name="narx_mean",
    module=__name__,
    left=MEAN,
    holds_for="NARX RNNs: L layers (L = 1 as a rule) with all lags 1..D, any span m",
    closed_form=L + (sp.floor(m / D) + 1) * (D * sp.floor(m / D) / 2 + sp.Mod(m, D)) / m,
    values=lambda layers, delays, span: {L: layers, D: delays, m: span},
    brute_force=lambda layers, delays, span: mean_by_brute_force(
        narx_rnn(delays) if layers == 1 else layers_rnn([range(1, delays + 1)] * layers), span
    ),
    cases=[
        (layers, delays, span)
        for layers in (1, 2)
        for delays in (1, 2, 4, 9)
        for span in (1, 3, 4, 8, 30)
    ],
    symbolic=_narx_blocks,
    machine="means.v",
)


def _same_coins_in_fewer_layers(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    yield EXPONENTIAL_MEAN.closed_form.subs({M: 2, L: B}) - B + L - closed_form


MIST_MEAN = Theorem(
    name="mist_mean",
    module=__name__,
    left=MEAN,
    holds_for="MIST RNNs: L layers (L = 1 as a rule) with lags 1, 2, .., 2^(B-1) = m each, span m",
    closed_form=L + sp.Rational(1, 2) * (B - 1) + 1 / sp.Integer(2) ** (B - 1),
    values=lambda layers, lags: {L: layers, B: lags},
    brute_force=lambda layers, lags: mean_by_brute_force(
        mist_rnn(exponential_dilations(lags))
        if layers == 1
        else layers_rnn([exponential_dilations(lags)] * layers),
        2 ** (lags - 1),
    ),
    cases=[(layers, lags) for layers in (1, 2, 3) for lags in range(1, 8)],
    symbolic=_same_coins_in_fewer_layers,
    machine="means.v",
)


def _whole_classes(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # s_1 lags share each quotient 0..m/s_1 - 1, whose coins are those of the chain divided by s_1;
    # lag m alone has the quotient m/s_1; one edge more than the stack
    first = sp.Symbol("s_1", integer=True, positive=True)
    over_quotients = first * (m / first) * (DIGITS + sp.summation(a, (a, 0, q - 1)) / q)
    yield L + 1 + (over_quotients + q) / m - closed_form


FUSION_MEAN = Theorem(
    name="fusion_mean",
    module=__name__,
    left=MEAN,
    holds_for=(
        "stacks of dilations s_1 | s_2 | .. | s_L, s_1 any, with a fusion output over the last s_1 "
        "states, span m = q s_L; in particular s_l = M^(l - 1 + l_0)"
    ),
    closed_form=L + 1 + DIGITS + (q - 1) / 2 + q / m,
    values=lambda chain, periods: {m: chain[-1] * periods, q: periods, **chain_values(chain)},
    brute_force=lambda chain, periods: mean_by_brute_force(
        dilated_rnn(chain, fusion=True), chain[-1] * periods
    ),
    cases=[
        (chain, periods)
        for chain in [(1,), (3,), (1, 2, 4), (2, 4, 8), (4, 8), (3, 9, 27), (2, 6, 6, 12), (5, 10)]
        for periods in (1, 2, 3)
    ],
    symbolic=_whole_classes,
)


def _digits_fill_the_field(closed_form: sp.Basic) -> Iterator[sp.Basic]:
    # the largest lag has every digit k - 1
    power = sp.Symbol("l", integer=True)
    highest = sp.Sum((k - 1) * k**power, (power, 0, L - 1))
    longer = highest.function.subs(power, L)
    yield closed_form[1].subs(L, 1) - 1 - (k - 1)
    yield closed_form[1].subs(L, L + 1) - closed_form[1] - longer


def _cnn_mean_and_field(kernel: int, layers: int, span: int) -> tuple[Any, int]:
    graph = dilated_cnn(exponential_dilations(layers, kernel), kernel)
    field = next(lag for lag in range(2000) if mean_by_brute_force(graph, lag + 1) == float("inf"))
    return mean_by_brute_force(graph, span), field + 1


DILATED_CNN_MEAN = Theorem(
    name="dilated_cnn_mean",
    module=__name__,
    left=rf"\left( {MEAN},\ \text{{first lag out of reach}} \right)",
    holds_for=(
        "dilated causal convolutions of kernel size k >= 2 and dilations 1, k, .., k^(L-1), any "
        "span m < k^L"
    ),
    closed_form=sp.Tuple(L, k**L),
    values=lambda kernel, layers, span: {k: kernel, L: layers},
    brute_force=_cnn_mean_and_field,
    cases=[
        (kernel, layers, span)
        for kernel, layers in [
            (2, 1),
            (2, 2),
            (2, 3),
            (2, 5),
            (3, 1),
            (3, 2),
            (3, 3),
            (4, 2),
            (5, 2),
        ]
        for span in sorted({1, kernel ** (layers - 1), kernel**layers - 1})
    ],
    symbolic=_digits_fill_the_field,
)


def _sum_of_clockwork_lags(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    yield sp.summation(n + 2, (n, 1, m)) / m - closed_form


CLOCKWORK_MEAN = Theorem(
    name="clockwork_mean",
    module=__name__,
    left=WORST_MEAN,
    holds_for="clockwork RNNs with periods 1 = T_1 < T_2 <= .. <= T_G, any span m",
    closed_form=2 + (m + 1) / 2,
    values=lambda periods, span: {m: span},
    brute_force=lambda periods, span: mean_by_brute_force(clockwork_rnn(periods), span),
    cases=[
        (periods, span)
        for periods in [(1,), (1, 2), (1, 2, 4), (1, 3, 9), (1, 2, 3), (1, 4, 4)]
        for span in (1, 2, 4, 13)
    ]
    + [((1, 2, 4, 8), 8), ((1, 2, 4), 200)],
    symbolic=_sum_of_clockwork_lags,
)

ZOO = (NARX_MEAN, MIST_MEAN, FUSION_MEAN, DILATED_CNN_MEAN, CLOCKWORK_MEAN)
