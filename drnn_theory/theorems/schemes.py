"""The best dilations: every optimum for span 99, and the bound that prunes the search for them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp

from drnn_theory.paths.stacks import fewest_coins
from drnn_theory.theorems import letters
from drnn_theory.theorems.exhaustive import payments
from drnn_theory.theorems.letters import L
from drnn_theory.theorems.theorem import Finding, Theorem

__all__ = ["SCHEMES", "all_optima"]

Scheme = tuple[int, ...]


# Every optimum ------------------------------------------------------------------------------------


def _with_one_more(profiles: np.ndarray, dilation: int) -> np.ndarray:
    """Return the fewest coins with one dilation more; shape (span + 1, schemes), lag by lag."""
    extended = profiles.copy()
    for lag in range(dilation, len(profiles)):
        np.minimum(extended[lag], extended[lag - dilation] + np.int16(1), out=extended[lag])
    return extended


@cache
def all_optima(layers: int, span: int) -> tuple[Any, ...]:
    """Return the least mean of so many layers and all sets of dilations 1..span that have it.

    Every increasing scheme from 1 is looked at, none is excluded by a bound.

    >>> all_optima(2, 99)
    (Fraction(122, 11), ((1, 10), (1, 11)))
    """
    schemes = np.ones((1, 1), dtype=np.int16)  # one scheme a row, in the order of the last dilation
    profiles = np.arange(span + 1, dtype=np.int16)[:, None]
    least = int(profiles.sum())
    optima: list[Scheme] = [(1,)]
    for layer in range(2, layers + 1):
        last = layer == layers
        least, optima, grown, longer = int(profiles.sum()) + 1, [], [], []
        for dilation in range(2, span + 1):
            below = int(np.searchsorted(schemes[:, -1], dilation))
            if not below:
                continue
            extended = _with_one_more(profiles[:, :below], dilation)
            ends = np.full((below, 1), dilation, dtype=np.int16)
            if last:
                totals = extended.sum(axis=0)
                if (total := int(totals.min())) <= least:
                    optima = optima if total == least else []
                    least = total
                    optima += [
                        (*map(int, schemes[row]), dilation)
                        for row in np.flatnonzero(totals == total)
                    ]
            else:
                grown.append(extended)
                longer.append(np.hstack([schemes[:below], ends]))
        if not last:
            profiles, schemes = np.concatenate(grown, axis=1), np.concatenate(longer)
    return layers + Fraction(least, span), tuple(sorted(optima))


def _row(closed_form: sp.Basic, layers: int) -> sp.Basic:
    return closed_form.args[layers - 1]


OPTIMAL_SCHEMES = Finding(
    name="optimal_schemes",
    module=__name__,
    left=(
        r"\left( \min \frac{1}{99} \sum_{n=1}^{99} d(n),\ \text{all schemes that have it} "
        r"\right)_{L = 1, \dots, 5}"
    ),
    holds_for=(
        "all stacks of L = 1, .., 5 layers, span 99; the schemes are those of increasing "
        "dilations, in whatever order the layers have them"
    ),
    closed_form=sp.Tuple(
        sp.Tuple(sp.Integer(51), sp.Tuple(sp.Tuple(1))),
        sp.Tuple(sp.Rational(122, 11), sp.Tuple(sp.Tuple(1, 10), sp.Tuple(1, 11))),
        sp.Tuple(sp.Rational(812, 99), sp.Tuple(sp.Tuple(1, 12, 19))),
        sp.Tuple(sp.Rational(785, 99), sp.Tuple(sp.Tuple(1, 5, 18, 25), sp.Tuple(1, 5, 18, 29))),
        sp.Tuple(sp.Rational(824, 99), sp.Tuple(sp.Tuple(1, 5, 16, 23, 33))),
    ),
    values=lambda layers: {L: layers},
    brute_force=lambda layers: all_optima(layers, 99),
    cases=[(layers,) for layers in range(1, 6)],
    evaluate=_row,
    machine="optimal_schemes.v",
)


# The bound that prunes ----------------------------------------------------------------------------


def _cheapest(dilations: Scheme, span: int) -> list[float]:
    """Return the fewest coins of the lags 0..span, by trying every payment."""
    return [min(map(sum, payments(dilations, n)), default=float("inf")) for n in range(span + 1)]


def _pruning_bound(closed_form: sp.Expr, chosen: Scheme, more: int, least: int, span: int) -> Any:
    """Return B(P, s) for ``more`` dilations of at least ``least``, from the number of choices."""
    d = _cheapest(chosen, span)
    choices = [closed_form.subs({letters.b: b, letters.r: more}) for b in range(1, span + 1)]
    total = sp.Integer(sum(int(edges) for edges in d[1:least]))
    for level in range(span):
        cheap = sum(edges <= level for edges in d[least:])
        for b in range(1, level + 1):
            within = sum(edges <= level - b for edges in d[: max(0, span - b * least + 1)])
            cheap += choices[b - 1] * within
        total += sp.Max(0, span - least + 1 - cheap)
    return total


@cache
def _best_completion(chosen: Scheme, more: int, least: int, span: int) -> int:
    """Return the least sum of coins over the lags 1..span of all completions."""
    return min(
        int(fewest_coins((*chosen, *others), span).sum())
        for others in combinations(range(least, span + 1), more)
    )


def _pascal(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # b + 1 coins of r + 1 kinds: none of the first kind, or one and b more of all kinds
    more = closed_form.subs({letters.b: letters.b + 1, letters.r: letters.r + 1}, simultaneous=True)
    yield (
        more
        - closed_form.subs(letters.b, letters.b + 1)
        - closed_form.subs(letters.r, letters.r + 1)
    )
    yield closed_form.subs(letters.r, 1) - 1
    yield closed_form.subs(letters.b, 1) - letters.r


PRUNING_BOUND = Theorem(
    name="pruning_bound",
    module=__name__,
    left=(
        r"\sum_{n=1}^{m} c(n) \ge \sum_{n=0}^{s-1} d(n) + \sum_{j \ge 0} \max(0, m - s + 1 - N_j), "
        r"\qquad \#\{\text{sums of } b \text{ of } r \text{ dilations}\}"
    ),
    holds_for=(
        "every stack of the dilations P, of fewest coins d, and r >= 1 more, all of them at least "
        "s <= m + 1; c are the fewest coins of all together, N_j counts with these numbers of sums"
    ),
    closed_form=sp.binomial(letters.b + letters.r - 1, letters.r - 1),
    values=lambda *_: {},
    brute_force=_best_completion,
    cases=[
        (chosen, more, least, span)
        for chosen in ((1,), (1, 3), (1, 4))
        for more in (1, 2, 3)
        for least in (2, 5, 7)
        for span in (8, 15)
        if least > max(chosen) and span - least + 1 >= more
    ],
    relation="<=",
    sharp=[
        *(((1,), 2, least, 8) for least in (2, 5, 7)),
        *((chosen, 3, 5, 15) for chosen in ((1, 3), (1, 4))),
        ((1,), 1, 7, 15),
        ((1,), 3, 2, 8),
    ],
    evaluate=_pruning_bound,
    symbolic=_pascal,
    machine="pruning_bound.v",
)

SCHEMES = (OPTIMAL_SCHEMES, PRUNING_BOUND)
