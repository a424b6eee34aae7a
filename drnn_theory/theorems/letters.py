"""The letters of the theorems, each defined once: what they mean and which values they take.

Letters carry no assumptions of sympy's, so that ``closed_form.subs({"L": 4})`` and
``closed_form.subs({L: 4})`` are the same; :func:`assumed` puts the assumptions in where a
computation needs them. Indexed letters (ratios n_i, dilations s_i, payments k_i) are families of
their own, put in one by one, ``closed_form.subs({"L": 2, "s[1]": 1, "s[2]": 4}).doit()``.
"""

from __future__ import annotations

import sympy as sp

from drnn_theory.theorems.indexed import Family

__all__ = [
    "ASSUMPTIONS",
    "A",
    "B",
    "D",
    "K",
    "L",
    "M",
    "P",
    "Q",
    "R",
    "a",
    "assumed",
    "b",
    "copies",
    "d",
    "d_0",
    "d_1",
    "d_2",
    "dilation",
    "e",
    "i",
    "k",
    "lambda_",
    "m",
    "n",
    "n_0",
    "p",
    "q",
    "r",
    "ratio",
    "s",
    "sigma",
    "w",
    "z",
]

ASSUMPTIONS: dict[str, dict[str, bool]] = {
    "L": {"integer": True, "positive": True},  # layers
    "M": {"integer": True, "positive": True},  # base of an exponential scheme
    "m": {"integer": True, "positive": True},  # span: lags 1..m are averaged
    "q": {"integer": True, "positive": True},  # m / s_L
    "n": {"integer": True, "nonnegative": True},  # lag
    "i": {"integer": True},  # index of a layer
    "a": {"integer": True},  # a lag: the largest of a stack, the smaller of two
    "b": {"integer": True},  # a lag: the second largest of a stack, the larger of two; or coins
    "s": {"positive": True},  # a skip: its lag, or the recurrent skip coefficient
    "k": {"integer": True, "positive": True},  # kernel size, or the root of m + 1
    "r": {"integer": True, "nonnegative": True},  # rest of a division; or kinds of coins
    "Q": {"integer": True, "nonnegative": True},  # quotient of a division
    "D": {"integer": True, "positive": True},  # longest lag of a NARX layer
    "B": {"integer": True, "positive": True},  # number of lags of a MIST layer
    "K": {"integer": True, "nonnegative": True},  # recurrent edges
    "d_0": {"integer": True, "positive": True},  # path length at a lag below the onset
    "e": {"positive": True},  # edges of a path
    "lambda": {"positive": True},  # lag of a path
    "d": {"positive": True},  # path length
    "d_1": {"positive": True},  # path length in the lower layers
    "d_2": {"positive": True},  # path length in the upper layers
    "p": {"integer": True, "positive": True},  # a prime; or the period of a class of lags
    "sigma": {"positive": True},  # slope of a class of lags: edges per lag in the end
    "R": {"integer": True, "positive": True},  # recurrent lags in all layers
    "n_0": {"integer": True, "positive": True},  # a lag from which on lengths repeat
    "A": {"positive": True},  # path lengths up to there, added up
    "P": {"positive": True},  # path lengths of the period after it, added up
    "w": {},  # marks a recurrent edge in a generating function
    "z": {},  # marks a step of time in a generating function
}
"""Letter: the assumptions under which computations read it."""

_LETTERS = {name: sp.Symbol(name) for name in ASSUMPTIONS}
_ASSUMED = {_LETTERS[name]: sp.Symbol(name, **kinds) for name, kinds in ASSUMPTIONS.items()}

L, M, m, q, n, i = (_LETTERS[name] for name in "LMmqni")
a, b, s, k, r, Q, D, B, K = (_LETTERS[name] for name in "abskrQDBK")
d_0, e, lambda_, w, z = (_LETTERS[name] for name in ("d_0", "e", "lambda", "w", "z"))
d, d_1, d_2, p, R, n_0, A, P = (
    _LETTERS[name] for name in ("d", "d_1", "d_2", "p", "R", "n_0", "A", "P")
)
sigma = _LETTERS["sigma"]

ratio = Family("n", integer=True, positive=True)
dilation = Family("s", positive=True)
copies = Family("k", integer=True, nonnegative=True)


def assumed(expression: sp.Basic) -> sp.Basic:
    """Return the expression with the letters' assumptions, for sympy to simplify.

    >>> sp.simplify(sp.floor(n)), sp.simplify(assumed(sp.floor(n)))
    (floor(n), n)
    """
    return expression.xreplace(_ASSUMED)
