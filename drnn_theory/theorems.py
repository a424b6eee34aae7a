r"""Closed forms, each beside the brute force that it must equal; their proofs are in proofs/.

``THEOREMS`` is the one tuple that the tests, the verify command, the notebooks and the docs walk.
L is the number of layers, m the span, M a base, s_l the dilations, n_i = s_i / s_{i-1} the ratios
of a divisor chain. Brute force is always networkx on the unfolded graph.

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
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
from drnn_theory.paths.reference import reference_path_lengths

__all__ = ["THEOREMS", "Agreement", "Theorem"]

L, M, m, q, i = sp.symbols("L M m q i", integer=True, positive=True)
ratio = sp.IndexedBase("n", integer=True, positive=True)


@dataclass(frozen=True)
class Agreement:
    """How far a closed form and its brute force agree: on which cases, and where first not."""

    agreed: int
    total: int
    first_failure: str | None

    def __bool__(self) -> bool:
        return self.agreed == self.total

    def __str__(self) -> str:
        text = f"agrees on {self.agreed} of {self.total} cases"
        return text if self.first_failure is None else f"{text}; first not on {self.first_failure}"


@dataclass(frozen=True)
class Theorem:
    """A closed form and its check in one object."""

    name: str
    statement: str
    """In LaTeX."""
    holds_for: str
    """The class of architectures and spans, in words."""
    closed_form: sp.Expr
    values: Callable[..., dict[Any, Any]]
    """case -> the value of every symbol of the closed form"""
    brute_force: Callable[..., Fraction]
    """case -> the same number by exhaustive search"""
    cases: Sequence[tuple[Any, ...]]
    footnote: str = ""

    @property
    def proof(self) -> str:
        """The file under proofs/ that proves it."""
        return f"{self.name}.md"

    def predict(self, *case: Any) -> sp.Expr:
        """Return the closed form's value for one case, exactly."""
        values = self.values(*case)
        return self.closed_form.subs(values).doit().subs(values)

    def check(self) -> Agreement:
        """Compare the closed form with brute force on every case."""
        agreed, failure = 0, None
        for case in self.cases:
            predicted, found = self.predict(*case), self.brute_force(*case)
            if predicted == sp.Rational(found.numerator, found.denominator):
                agreed += 1
            elif failure is None:
                failure = f"{case}: closed form {predicted}, brute force {found}"
        return Agreement(agreed, len(self.cases), failure)

    def _repr_latex_(self) -> str:
        return self.statement


def mean_by_brute_force(graph: nx.MultiDiGraph, span: int) -> Fraction:
    """Return the mean recurrent length over lags 1..span, by networkx on the unfolded graph."""
    lengths = reference_path_lengths(graph, span)[1:].tolist()
    return Fraction(sum(map(int, lengths)), span)


def _chain_values(chain: tuple[int, ...], periods: int = 1) -> dict[Any, Any]:
    ratios = {ratio[k]: b // a for k, (a, b) in enumerate(pairwise(chain), start=2)}
    return {L: len(chain), m: chain[-1] * periods, q: periods, **ratios}


DIVISOR_CHAINS = [
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

THEOREMS: tuple[Theorem, ...] = (
    Theorem(
        name="divisor_chain_mean",
        statement=r"$\displaystyle L + \sum_{i=2}^{L} \frac{n_i - 1}{2} + \frac{1}{m}$",
        holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L = m, span m",
        closed_form=L + sp.Sum((ratio[i] - 1) / 2, (i, 2, L)) + 1 / m,
        values=_chain_values,
        brute_force=lambda chain: mean_by_brute_force(dilated_rnn(chain), chain[-1]),
        cases=[(chain,) for chain in DIVISOR_CHAINS],
    ),
    Theorem(
        name="divisor_chain_mean_at_multiples",
        statement=(
            r"$\displaystyle L + \sum_{i=2}^{L} \frac{n_i - 1}{2}"
            r" + \frac{q - 1}{2} + \frac{q}{m}$"
        ),
        holds_for="stacks of dilations 1 = s_1 | s_2 | .. | s_L, span m = q s_L",
        closed_form=L + sp.Sum((ratio[i] - 1) / 2, (i, 2, L)) + (q - 1) / 2 + q / m,
        values=_chain_values,
        brute_force=lambda chain, periods: mean_by_brute_force(
            dilated_rnn(chain), chain[-1] * periods
        ),
        cases=[(chain, periods) for chain in DIVISOR_CHAINS for periods in (1, 2, 3, 7)],
    ),
    Theorem(
        name="exponential_mean",
        statement=r"$\displaystyle L + \frac{M - 1}{2} (L - 1) + \frac{1}{M^{L-1}}$",
        holds_for="stacks of dilations 1, M, .., M^(L-1) = m, span m; L - 1 = log_M m",
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
        footnote=(
            "For M = 2 the form printed in [1], as recalled and not verified, is "
            "(3m - 1)/(2m) log2 m + 1/m + 1: lower than this one by log2(m)/(2m)."
        ),
    ),
    Theorem(
        name="plain_stack_mean",
        statement=r"$\displaystyle L + \frac{m + 1}{2}$",
        holds_for="stacks of L layers with lag 1, any span m",
        closed_form=L + (m + 1) / 2,
        values=lambda layers, span: {L: layers, m: span},
        brute_force=lambda layers, span: mean_by_brute_force(stacked_rnn(layers), span),
        cases=[(layers, span) for layers in (1, 2, 5, 9) for span in (1, 2, 3, 8, 100)],
    ),
    Theorem(
        name="skip_mean",
        statement=r"$\displaystyle L + \frac{m - 1}{2} + \frac{1}{m}$",
        holds_for="stacks of L layers with lags {1, m}, span m",
        closed_form=L + (m - 1) / 2 + 1 / m,
        values=lambda layers, skip: {L: layers, m: skip},
        brute_force=lambda layers, skip: mean_by_brute_force(skip_rnn(skip, layers), skip),
        cases=[(layers, skip) for layers in (1, 2, 5) for skip in (1, 2, 3, 8, 17, 64)],
    ),
    Theorem(
        name="per_layer_lags_mean",
        statement=r"$\displaystyle L + \frac{L - 1}{2} + \frac{1}{2^{L-1}}$",
        holds_for="stacks with lags {1, 2^(l-1)} in layer l, span 2^(L-1)",
        closed_form=L + (L - 1) / 2 + 1 / sp.Integer(2) ** (L - 1),
        values=lambda layers: {L: layers},
        brute_force=lambda layers: mean_by_brute_force(
            layers_rnn([[1, s] for s in exponential_dilations(layers)]), 2 ** (layers - 1)
        ),
        cases=[(layers,) for layers in range(1, 9)],
    ),
    Theorem(
        name="dilated_cnn_mean",
        statement=r"$L$",
        holds_for="dilated causal CNNs, kernel 2, dilations 1, 2, .., 2^(L-1), span below 2^L",
        closed_form=L,
        values=lambda layers, span: {L: layers},
        brute_force=lambda layers, span: mean_by_brute_force(
            dilated_cnn(exponential_dilations(layers)), span
        ),
        cases=[
            (layers, span)
            for layers in range(1, 8)
            for span in sorted({1, 2 ** (layers - 1), 2**layers - 1})
        ],
    ),
)
