"""Break every theorem's formula in every small way, and see that its checks notice.

    python -m tests.mutate_theorems

prints a table: per theorem, how many mutants there are and what notices them, each kind of check by
itself, so that a mutant can count in both columns. A mutant is the closed form with one number,
symbol, sign, term, factor, rounding or summation limit changed. One that equals the closed form for
all values of the symbols (simplified difference 0) is no mutant.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import sympy as sp
from tabulate import tabulate

from drnn_theory import THEOREMS, Theorem


def mutants(expression: sp.Basic, bound: frozenset[sp.Symbol] = frozenset()) -> Iterator[sp.Basic]:
    """Yield the expression with one thing changed, for every thing in it."""
    if isinstance(expression, (sp.Sum, sp.Product)):
        index, first, last = expression.limits[0]
        for function in mutants(expression.function, bound | {index}):
            yield expression.func(function, (index, first, last))
        yield expression.func(expression.function, (index, first + 1, last))
        yield expression.func(expression.function, (index, first, last - 1))
        return
    if isinstance(expression, sp.Number) or expression is sp.E:
        yield expression + 1
        if expression:
            yield -expression
        return
    if isinstance(expression, (sp.Symbol, sp.Indexed)):
        if expression not in bound:
            yield expression + 1
        return
    for place, argument in enumerate(expression.args):
        before, after = expression.args[:place], expression.args[place + 1 :]
        for other in mutants(argument, bound):
            yield expression.func(*before, other, *after)
        if isinstance(expression, sp.Add):
            yield expression.func(*before, *after)
            yield expression.func(*before, -argument, *after)
        if isinstance(expression, sp.Mul):
            yield expression.func(*before, *after)
    rounding = {sp.floor: sp.ceiling, sp.ceiling: sp.floor}
    if expression.func in rounding:
        yield rounding[expression.func](*expression.args)
    if isinstance(expression, (sp.floor, sp.ceiling, sp.Abs, sp.log, sp.factorial)):
        yield expression.args[0]


def distinct_mutants(theorem: Theorem) -> list[sp.Basic]:
    """Return the mutants of a theorem's closed form that differ from it and from each other."""
    found = dict.fromkeys(mutants(theorem.closed_form))
    return [mutant for mutant in found if mutant != theorem.closed_form]


def caught_by(theorem: Theorem, mutant: sp.Basic) -> str:
    """Say which check notices the mutant first; "equal" if it is none, "nothing" if none does."""
    broken = replace(theorem, closed_form=mutant, claims={})
    try:
        failure = next(broken.failures(), None)
    except (TypeError, ValueError, ArithmeticError, NotImplementedError, RecursionError):
        return "an error"
    if failure is not None:
        return "a case" if failure.startswith("case") else "a symbolic computation"
    pairs = zip(_parts(mutant), _parts(theorem.closed_form), strict=True)
    return "equal" if all(sp.simplify(x - y) == 0 for x, y in pairs) else "nothing"


def noticed(theorem: Theorem, mutant: sp.Basic, kind: str) -> bool:
    """Tell whether one kind of check, "a case" or "a symbolic computation", notices the mutant."""
    broken = replace(theorem, closed_form=mutant, claims={})
    try:
        if kind == "a case":
            return not all(broken.agrees(*case) for case in broken.cases)
        return not all(broken.steps())
    except (
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
        NotImplementedError,
        RecursionError,
    ):
        return False


def _parts(expression: sp.Basic) -> tuple[sp.Expr, ...]:
    if not isinstance(expression, sp.Tuple):
        return (expression,)
    return tuple(part for item in expression for part in _parts(item))


def outcome(theorem: Theorem) -> tuple[Counter[str], list[sp.Basic]]:
    """Return how many mutants each kind of check catches, and those that nothing does."""
    theorem = replace(theorem, brute_force=cache(theorem.brute_force))
    caught: Counter[str] = Counter()
    escaped = []
    for mutant in distinct_mutants(theorem):
        by = caught_by(theorem, mutant)
        caught[by] += 1
        if by == "nothing":
            escaped.append(mutant)
    return caught, escaped


def row(theorem: Theorem) -> tuple[list[int], list[sp.Basic]]:
    """Return one row of the table, and the mutants that nothing notices."""
    theorem = replace(theorem, brute_force=cache(theorem.brute_force))
    found = distinct_mutants(theorem)
    marks = [[noticed(theorem, mutant, kind) for kind in KINDS] for mutant in found]
    rest = [m for m, mark in zip(found, marks, strict=True) if not any(mark)]
    by = [caught_by(theorem, mutant) for mutant in rest]
    counts = [len(found), *map(sum, zip(*marks, strict=True))]
    counts += [sum(all(mark) for mark in marks), *(by.count(kind) for kind in OTHERWISE)]
    return counts, [m for m, kind in zip(rest, by, strict=True) if kind == "nothing"]


KINDS = ["a case", "a symbolic computation"]
OTHERWISE = ["an error", "equal", "nothing"]

if __name__ == "__main__":
    rows, all_escaped = [], []
    for theorem in THEOREMS.values():
        if sys.argv[1:] and theorem.name not in sys.argv[1:]:
            continue
        counts, escaped = row(theorem)
        rows.append([theorem.name, *counts])
        all_escaped += [(theorem.name, mutant) for mutant in escaped]
    rows.append(["all", *map(sum, zip(*(line[1:] for line in rows), strict=True))])
    print(tabulate(rows, headers=["theorem", "mutants", *KINDS, "both", *OTHERWISE]))
    for name, mutant in all_escaped:
        print(f"{name}: nothing catches {mutant}")
    sys.exit(bool(all_escaped))
