"""Certificates: what a finite number of known lengths proves about all later ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from math import inf, isinf
from typing import Any

import networkx as nx
import sympy as sp

from drnn_theory.architectures import clockwork_rnn, dilated_rnn
from drnn_theory.graphs import cyclic_graph
from drnn_theory.paths.certificates import graph_courses
from drnn_theory.paths.courses import Course
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.theorems.exhaustive import stack_lengths
from drnn_theory.theorems.letters import Q, a, assumed, d_0, n, n_0, p, sigma
from drnn_theory.theorems.theorem import Theorem

__all__ = ["CERTIFICATES", "first_onset"]

# Stacks -------------------------------------------------------------------------------------------


def _repeats(lengths: list[Any], lag: int, step: int) -> bool:
    return bool(lengths[lag + step] == lengths[lag] + 1)  # inf = inf + 1, too


@cache
def first_onset(dilations: tuple[int, ...]) -> int:
    """Return the first lag from which d(n + a) = d(n) + 1 on a lags in a row, a the largest.

    >>> first_onset((1, 4, 5))
    8
    """
    step = max(dilations)
    below = max((s for s in dilations if s < step), default=1)
    lengths = stack_lengths(dilations, (step - 1) * below + 3 * step)
    kept = [_repeats(lengths, lag, step) for lag in range(len(lengths) - step)]
    return next(lag for lag in range(len(kept)) if all(kept[lag : lag + step]))


def _stack_values(dilations: tuple[int, ...], lag: int) -> dict[Any, Any]:
    start, step = first_onset(dilations), max(dilations)
    base = start + (lag - start) % step
    return {n: lag, n_0: start, a: step, d_0: stack_lengths(dilations, base)[base]}


def _one_period_later(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    yield assumed(closed_form.subs(n, n + a) - closed_form - 1)
    yield assumed(closed_form.subs(n, n_0) - d_0)


def _no_fewer_lags(_: Theorem) -> bool:
    # {1, p, p + 1}: the onset is p (p - 2), near the bound (a - 1) b = p^2
    return all(first_onset((1, p, p + 1)) == p * (p - 2) for p in range(2, 13))


STACK_CERTIFICATE = Theorem(
    name="stack_certificate",
    module=__name__,
    left=r"d(n)",
    holds_for=(
        "stacks of largest dilation a for which d(n + a) = d(n) + 1 on the a lags from n_0 on, and "
        "all n >= n_0; d_0 is d at n_0 + (n - n_0) mod a"
    ),
    closed_form=d_0 + sp.floor((n - n_0) / a),
    values=_stack_values,
    brute_force=lambda dilations, lag: stack_lengths(dilations, lag)[lag],
    cases=[
        (dilations, begin + extra)
        for dilations, begin in (
            *[((1, 2, 4), 0), ((1, 3, 4), 3), ((1, 4, 5), 8), ((1, 6, 7), 24), ((1, 5, 9), 0)],
            *[((1, 4, 9, 11), 26), ((3, 4), 6), ((2, 5), 4), ((4, 6), 3), ((1, 7, 8, 19), 14)],
        )
        for extra in (0, 1, 25, 60)
    ],
    claims={
        "dilations 1, p, p + 1 have n_0 = p (p - 2), for p = 2..12: a certificate can take nearly "
        "the product of the two largest dilations": _no_fewer_lags
    },
    symbolic=_one_period_later,
    machine="stack_certificate.v",
)


# Graphs -------------------------------------------------------------------------------------------

CERTIFIED: dict[str, nx.MultiDiGraph] = {
    "even and odd lags at two rates": cyclic_graph(
        [("x", "b", 0), ("x", "a", 1), ("a", "a", 4), ("a", "b", 0), ("b", "b", 2)],
        inputs=["x"],
        outputs=["b"],
    ),
    "a slow loop above a fast one": cyclic_graph(
        [("x", "a", 0), ("a", "a", 3), ("a", "b", 0), ("b", "b", 4), ("b", "c", 5), ("c", "b", 6)],
        inputs=["x"],
        outputs=["a", "b"],
    ),
    "loops 2 and 3 side by side, all lags by 1": cyclic_graph(
        [
            *[("x", name, 0) for name in "abc"],
            *[("a", "a", 2), ("b", "b", 3), ("c", "c", 1)],
            *[(name, "y", 1) for name in "abc"],
        ],
        inputs=["x"],
        outputs=["y"],
    ),
    "a free loop": cyclic_graph(
        [("x", "g", 0), ("g", "g", 1), ("g", "h", 2)],
        inputs=["x"],
        outputs=["h"],
        identities=[("h", "h", 5)],
    ),
    "clockwork 1, 2, 4": clockwork_rnn((1, 2, 4)),
    "fused 4, 8": dilated_rnn([4, 8], fusion=True),
}


@cache
def _course(name: str, start: int) -> Course:
    return graph_courses(CERTIFIED[name], 10**18)[start]


def _lag(name: str, start: int, beyond: int) -> int:
    """Return a lag that lies so far beyond the lengths which certify it."""
    return len(_course(name, start).lengths) + beyond


def _graph_values(name: str, start: int, beyond: int) -> dict[Any, Any]:
    course, lag = _course(name, start), _lag(name, start, beyond)
    strand = course.strands[course.classes[lag % course.modulus]]
    times = beyond // strand.period + 1
    base = int(course.lengths[lag - times * strand.period])
    if strand.slope is None:
        return {d_0: inf, sigma: 1, p: 1, Q: 1}
    rate = sp.Rational(strand.slope.numerator, strand.slope.denominator)
    return {d_0: base, sigma: rate, p: strand.period, Q: times}


def _searched(name: str, start: int, beyond: int) -> float:
    lag = _lag(name, start, beyond)
    length = reference_path_lengths(CERTIFIED[name], lag, start=start)[lag]
    return inf if isinf(length) else int(length)


def _induction(closed_form: sp.Expr) -> Iterator[sp.Expr]:
    # a period more adds slope times period; a line steeper by t gains t on it at every index
    yield closed_form.subs(Q, Q + 1) - closed_form - sigma * p
    t, low, j = sp.symbols("t low j", positive=True)
    lead = (sigma + t) * j + low - closed_form.subs(Q, j / p)
    yield lead.subs(j, j + 1) - lead - t


GRAPH_CERTIFICATE = Theorem(
    name="graph_certificate",
    module=__name__,
    left=r"d(j + Q p)",
    holds_for=(
        "any cyclic graph, j in a class of period p and slope sigma from the index on at which its "
        "certificate begins, Q = 0, 1, ..; d_0 is d(j)"
    ),
    closed_form=d_0 + Q * sigma * p,
    values=_graph_values,
    brute_force=_searched,
    cases=[
        (name, start, beyond)
        for name, graph in CERTIFIED.items()
        for start in range(graph.graph["period"])
        for beyond in (0, 1, 2, 17)
    ],
    symbolic=_induction,
)

CERTIFICATES = (STACK_CERTIFICATE, GRAPH_CERTIFICATE)
