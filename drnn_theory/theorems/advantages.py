"""Dilated stacks against the other architectures: by how much, and from which span on."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import networkx as nx
import sympy as sp

from drnn_theory.architectures import (
    dilated_cnn,
    dilated_rnn,
    layers_rnn,
    skip_rnn,
    stacked_rnn,
)
from drnn_theory.dilations import exponential_dilations
from drnn_theory.theorems.exhaustive import mean_by_brute_force
from drnn_theory.theorems.letters import L, M, m
from drnn_theory.theorems.means import (
    EXPONENTIAL_MEAN,
    PER_LAYER_LAGS_MEAN,
    PLAIN_STACK_MEAN,
    SKIP_MEAN,
)
from drnn_theory.theorems.theorem import Theorem
from drnn_theory.theorems.zoo import DILATED_CNN_MEAN

__all__ = ["ADVANTAGES"]

SPAN = M ** (L - 1)
DILATED_MEAN = EXPONENTIAL_MEAN.closed_form
EXPONENTIAL_CASES = [
    (base, layers) for base in range(2, 7) for layers in range(1, 8) if base ** (layers - 1) <= 128
]


def _edges_per_node(graph: nx.MultiDiGraph) -> Fraction:
    """Return the edges of positive lag per hidden node, counted one by one."""
    hidden = [node for node in graph if node != "x"]
    return Fraction(sum(lag > 0 for *_, lag in graph.edges(data="lag")), len(hidden))


def _excess(other: nx.MultiDiGraph, base: int, layers: int) -> Any:
    """Return the mean recurrent length of another graph less that of the exponential stack."""
    span = base ** (layers - 1)
    dilated = dilated_rnn(exponential_dilations(layers, base))
    return mean_by_brute_force(other, span) - mean_by_brute_force(dilated, span)


# Against the skip RNN -----------------------------------------------------------------------------


def _skip_less_dilated(closed_form: sp.Basic) -> Iterator[sp.Basic]:
    excess, edges, other = closed_form
    yield SKIP_MEAN.closed_form.subs(m, SPAN) - DILATED_MEAN - excess
    yield excess.subs(L, 1)
    yield excess.subs(L, 2)
    yield excess.subs(L, 3) - (M - 1) ** 2 / 2
    # each further layer adds (M - 1)(M^(L-1) - 1)/2 > 0
    yield excess.subs(L, L + 1) - excess - (M - 1) * (SPAN - 1) / 2
    yield edges - other / 2
    # M = 2: the skip mean is m/2 and the dilated one (3/2) log2 m in the limit, m = 2^x, so that
    # their ratio is m / (3 log2 m)
    levels = sp.Symbol("x", positive=True)
    dilated = DILATED_MEAN.subs(M, 2).subs(L, levels + 1)
    skip = dilated + excess.subs(M, 2).subs(L, levels + 1)
    yield sp.limit(sp.expand(skip / 2**levels), levels, sp.oo) - sp.Rational(1, 2)
    yield sp.limit(sp.expand(dilated / levels), levels, sp.oo) - sp.Rational(3, 2)


DILATED_VERSUS_SKIP = Theorem(
    name="dilated_versus_skip",
    module=__name__,
    left=(
        r"\left( \bar d_{\text{skip}} - \bar d_{\text{dilated}},\ N_r(\text{dilated}),\ "
        r"N_r(\text{skip}) \right)"
    ),
    holds_for=(
        "L >= 2 layers each, dilations 1, M, .., m against lags {1, m} in every layer, "
        "span m = M^(L-1): 0 for m = M, above 0 from m = M^2 on (from 4 for M = 2); at m = 1 both "
        "are the plain RNN"
    ),
    closed_form=sp.Tuple((SPAN - 1 - (M - 1) * (L - 1)) / 2, sp.Integer(1), sp.Integer(2)),
    values=lambda base, layers: {M: base, L: layers},
    brute_force=lambda base, layers: (
        _excess(skip_rnn(base ** (layers - 1), layers), base, layers),
        _edges_per_node(dilated_rnn(exponential_dilations(layers, base))),
        _edges_per_node(skip_rnn(base ** (layers - 1), layers)),
    ),
    cases=[(base, layers) for base, layers in EXPONENTIAL_CASES if layers > 1],
    claims={
        "of one layer only, the skip RNN is ahead of the stack 1, 2, .., m up to m = 8 and behind "
        "it from 16 on, to m = 256": lambda _: (
            [_excess(skip_rnn(2 ** (layers - 1)), 2, layers) > 0 for layers in range(2, 10)]
            == [False] * 3 + [True] * 5
        )
    },
    symbolic=_skip_less_dilated,
)


# Against plain recurrence -------------------------------------------------------------------------


def _plain_less_dilated(closed_form: sp.Expr) -> Iterator[sp.Basic]:
    yield PLAIN_STACK_MEAN.closed_form.subs(m, SPAN) - DILATED_MEAN - closed_form
    yield closed_form.subs(L, 1)
    yield closed_form.subs(L, 2) - (1 - 1 / M)
    step = closed_form.subs(L, L + 1) - closed_form
    yield step - (M - 1) * (SPAN - 1) / 2 - (M - 1) / (M * SPAN)


DILATED_VERSUS_PLAIN = Theorem(
    name="dilated_versus_plain",
    module=__name__,
    left=r"\bar d_{\text{plain}} - \bar d_{\text{dilated}}",
    holds_for=(
        "L layers each, dilations 1, M, .., m against lag 1 in every layer, span m = M^(L-1): 0 "
        "for m = 1, above 0 from m = M on"
    ),
    closed_form=(SPAN + 1 - (M - 1) * (L - 1)) / 2 - 1 / SPAN,
    values=lambda base, layers: {M: base, L: layers},
    brute_force=lambda base, layers: _excess(stacked_rnn(layers), base, layers),
    cases=EXPONENTIAL_CASES,
    claims={
        "of one layer only, the plain RNN ties with the stack 1, 2, .., m at m = 1, is ahead of it "
        "for m = 2, 4, 8 and behind it from 16 on, to m = 256": lambda _: (
            [sp.sign(_excess(stacked_rnn(1), 2, layers)) for layers in range(1, 10)]
            == [0] + [-1] * 3 + [1] * 5
        )
    },
    symbolic=_plain_less_dilated,
)


# Against lags {1, 2^(l-1)} ------------------------------------------------------------------------


def _same_mean(closed_form: sp.Basic) -> Iterator[sp.Basic]:
    excess, edges, other = closed_form
    yield PER_LAYER_LAGS_MEAN.closed_form - DILATED_MEAN.subs(M, 2) - excess
    # two recurrent edges per node but in the bottom layer, whose two lags are both 1
    yield L * edges - L
    yield L * other - (1 + 2 * (L - 1))


DILATED_VERSUS_PER_LAYER_LAGS = Theorem(
    name="dilated_versus_per_layer_lags",
    module=__name__,
    left=(
        r"\left( \bar d_{\{1, 2^{l-1}\}} - \bar d_{\text{dilated}},\ N_r(\text{dilated}),\ "
        r"N_r(\{1, 2^{l-1}\}) \right)"
    ),
    holds_for="L layers each, dilations 1, 2, .., m against lags {1, 2^(l-1)}, span m = 2^(L-1)",
    closed_form=sp.Tuple(sp.Integer(0), sp.Integer(1), 2 - 1 / L),
    values=lambda layers: {L: layers},
    brute_force=lambda layers: (
        _excess(layers_rnn([[1, s] for s in exponential_dilations(layers)]), 2, layers),
        _edges_per_node(dilated_rnn(exponential_dilations(layers))),
        _edges_per_node(layers_rnn([[1, s] for s in exponential_dilations(layers)])),
    ),
    cases=[(layers,) for layers in range(1, 9)],
    symbolic=_same_mean,
)


# Against the dilated CNN --------------------------------------------------------------------------


def _dilated_less_cnn(closed_form: sp.Expr) -> Iterator[sp.Basic]:
    yield DILATED_MEAN - DILATED_CNN_MEAN.closed_form[0] - closed_form
    # above 0 for every L >= 1
    layers = sp.Symbol("l_0", integer=True, nonnegative=True)
    base = sp.Symbol("M_0", integer=True, nonnegative=True)
    yield sp.Gt(sp.expand(closed_form.subs(L, layers + 1).subs(M, base + 2)), 0)


def _cnn_ends_at_its_field(_: Theorem) -> bool:
    for base, layers in [(2, 1), (2, 3), (2, 5), (3, 3), (4, 2)]:
        scheme = exponential_dilations(layers, base)
        cnn, field = dilated_cnn(scheme, base), base**layers
        within = mean_by_brute_force(cnn, field - 1)
        if not within < mean_by_brute_force(dilated_rnn(scheme), field - 1):
            return False
        if not mean_by_brute_force(dilated_rnn(scheme), field) < mean_by_brute_force(cnn, field):
            return False
    return True


DILATED_VERSUS_CNN = Theorem(
    name="dilated_versus_cnn",
    module=__name__,
    left=r"\bar d_{\text{dilated}} - \bar d_{\text{CNN}}",
    holds_for=(
        "L layers of dilations 1, M, .., m each, kernel size M, span m = M^(L-1): above 0 at every "
        "m; from the span M^L on the CNN's mean is infinite, the stack's is not"
    ),
    closed_form=(M - 1) * (L - 1) / 2 + 1 / SPAN,
    values=lambda base, layers: {M: base, L: layers},
    brute_force=lambda base, layers: (
        -_excess(dilated_cnn(exponential_dilations(layers, base), base), base, layers)
    ),
    cases=EXPONENTIAL_CASES,
    claims={
        "the CNN is ahead up to the span M^L - 1 and behind at M^L, for five pairs (M, L)": (
            _cnn_ends_at_its_field
        )
    },
    symbolic=_dilated_less_cnn,
)

ADVANTAGES = (
    DILATED_VERSUS_SKIP,
    DILATED_VERSUS_PLAIN,
    DILATED_VERSUS_PER_LAYER_LAGS,
    DILATED_VERSUS_CNN,
)
