r"""Theorems as objects: a closed form, the brute force it must equal, and its evidence.

Letters are those of :mod:`drnn_theory.theorems.letters`: L layers, span m, base M, dilations s_l,
ratios n_i = s_i / s_{i-1} of a divisor chain, q = m / s_L.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from numbers import Rational
from typing import Any, Literal

import sympy as sp

from drnn_theory.theorems.dependencies import RESTS_ON
from drnn_theory.theorems.letters import L, assumed, dilation, ratio

__all__ = [
    "Agreement",
    "Finding",
    "Theorem",
    "counted",
    "dilations_as_values",
    "exactly",
    "next_layer",
    "ratios_as_values",
]

SIGNS: Mapping[str, Callable[[sp.Expr, sp.Expr], bool]] = {
    "=": lambda predicted, counted: predicted == counted,
    "<=": lambda predicted, counted: bool(predicted <= counted),
}


@dataclass(frozen=True)
class Agreement:
    """On how many cases a closed form and its brute force agree, and where first not."""

    agreed: int
    total: int
    first_failure: str | None

    def __bool__(self) -> bool:
        return self.agreed == self.total

    def __str__(self) -> str:
        if self:
            return f"agrees on {self.total} case{'s' if self.total > 1 else ''}"
        return f"agrees on {self.agreed} of {self.total} cases; first not on {self.first_failure}"


@dataclass(frozen=True)
class Theorem:
    """A closed form and its checks in one object; its proof is the file ``proof``.

    ``cases`` are compared with brute force: evidence, never a proof. ``symbolic`` yields the
    computations on which the written proof rests, for all values of the symbols: expressions that
    must simplify to zero and relations that must simplify to true. The cases are compared with
    ``closed_form``, and at least one symbolic step reads it where there are any, so that a wrong
    one fails.

    >>> from drnn_theory import THEOREMS
    >>> theorem = THEOREMS["exponential_mean"]
    >>> theorem.closed_form
    L + M**(1 - L) + (L - 1)*(M - 1)/2
    >>> theorem.holds_for
    'stacks of dilations 1, M, .., M^(L-1) = m, span m, so that L - 1 = log_M m'
    """

    name: str
    module: str
    """The module that defines it."""
    left: str
    """What the closed form is a form of, in LaTeX."""
    holds_for: str
    """The class of architectures and spans, in words."""
    closed_form: sp.Basic
    """One expression, or a Tuple of several."""
    values: Callable[..., dict[Any, Any]]
    """case -> the value of every symbol of the closed form"""
    brute_force: Callable[..., Any]
    """case -> the same number, or tuple of numbers, by exhaustive search"""
    cases: Sequence[tuple[Any, ...]]
    relation: Literal["=", "<="] = "="
    """How the closed form stands to the left-hand side; "<=" makes it a lower bound."""
    sharp: Sequence[tuple[Any, ...]] = ()
    """Cases in which a bound is attained."""
    claims: Mapping[str, Callable[[Theorem], bool]] = field(default_factory=dict)
    """What else is checked exhaustively, in words that give the range."""
    symbolic: Callable[[sp.Basic], Iterable[sp.Basic]] | None = None
    evaluate: Callable[..., sp.Basic] | None = None
    """(closed form, case) -> its value, where substitution and doit() are not enough"""
    machine: str | None = None
    """The file under proofs/rocq/ that states and proves it for a proof assistant."""
    footnote: str = ""

    @property
    def defined_in(self) -> str:
        """The module that defines it, and the name that it has there.

        >>> from drnn_theory import THEOREMS
        >>> THEOREMS["skip_mean"].defined_in
        'drnn_theory.theorems.means.SKIP_MEAN'
        """
        return f"{self.module}.{self.name.upper()}"

    @property
    def proof(self) -> str:
        """The file under proofs/ that proves it.

        >>> from drnn_theory import THEOREMS
        >>> THEOREMS["fewest_coins"].proof
        'fewest_coins.md'
        """
        return f"{self.name}.md"

    @property
    def rests_on(self) -> tuple[str, ...]:
        """The names of the theorems that its statement or proof uses.

        >>> from drnn_theory import THEOREMS
        >>> THEOREMS["theorem_3_1"].rests_on
        ('divisor_chain_mean',)
        """
        return RESTS_ON[self.name]

    @property
    def statement(self) -> str:
        r"""The formula in LaTeX, between dollars, written from the closed form itself.

        >>> from drnn_theory import THEOREMS
        >>> print(THEOREMS["plain_stack_mean"].statement)
        $\displaystyle \frac1m \sum_{n=1}^{m} d(n) = L + \frac{m}{2} + \frac{1}{2}$
        """
        sign = {"=": "=", "<=": r"\ge"}[self.relation]
        return rf"$\displaystyle {self.left} {sign} {sp.latex(self.closed_form)}$"

    def predict(self, *case: Any) -> sp.Basic:
        """Return the closed form's value for one case, exactly.

        >>> from drnn_theory import THEOREMS
        >>> theorem = THEOREMS["exponential_mean"]
        >>> theorem.predict(2, 4)  # dilations 1, 2, 4, 8
        45/8
        """
        if self.evaluate is not None:
            return exactly(self.evaluate(self.closed_form, *case))
        values = {symbol: exactly(value) for symbol, value in self.values(*case).items()}
        return exactly(_with_values(self.closed_form, values).doit())

    def agrees(self, *case: Any) -> bool:
        """Tell whether closed form and brute force stand in the stated relation for one case.

        >>> from drnn_theory import THEOREMS
        >>> THEOREMS["exponential_mean"].agrees(2, 4)
        True
        """
        predicted, counted = self.predict(*case), exactly(self.brute_force(*case))
        sign = "=" if case in self.sharp else self.relation
        return SIGNS[sign](predicted, counted)

    @property
    def compared(self) -> str:
        """What is compared with brute force, counted in words.

        >>> from drnn_theory import THEOREMS
        >>> THEOREMS["skip_mean"].compared, THEOREMS["divisibility_is_needed"].compared
        ('18 cases', '1 search')
        """
        return counted(len(self.cases), "case")

    def check(self) -> Agreement:
        """Compare the closed form with brute force on every case.

        >>> from drnn_theory import THEOREMS
        >>> print(THEOREMS["skip_mean"].check())
        agrees on 18 cases
        """
        failures = [case for case in self.cases if not self.agrees(*case)]
        first = None
        if failures:
            case = failures[0]
            first = f"{case}: closed form {self.predict(*case)}, brute force " + str(
                exactly(self.brute_force(*case))
            )
        return Agreement(len(self.cases) - len(failures), len(self.cases), first)

    def steps(self) -> list[bool]:
        """Return, for each symbolic computation of the proof, whether it comes out as it must.

        >>> from drnn_theory import THEOREMS
        >>> THEOREMS["divisor_chain_mean"].steps()
        [True, True]
        """
        if self.symbolic is None:
            return []
        return [_comes_out(step) for step in self.symbolic(self.closed_form)]

    def unmet(self, steps: Sequence[bool] | None = None) -> Iterator[tuple[str, str]]:
        """Yield what fails beside the cases, as its kind and in words: computations, then claims.

        ``steps`` are the outcomes of ``steps()``, where they are known.

        >>> from drnn_theory import THEOREMS
        >>> list(THEOREMS["plain_stack_mean"].unmet())
        []
        """
        for number, comes_out in enumerate(self.steps() if steps is None else steps, start=1):
            if not comes_out:
                yield "computation", f"symbolic computation {number} does not come out"
        for claim, holds in self.claims.items():
            if not holds(self):
                yield "claim", f"claim does not hold: {claim}"

    def failures(self) -> Iterator[str]:
        """Yield what fails, one after the other: cases, then symbolic computations, then claims.

        >>> from dataclasses import replace
        >>> from drnn_theory import THEOREMS
        >>> theorem = THEOREMS["plain_stack_mean"]
        >>> list(theorem.failures())
        []
        >>> wrong = replace(theorem, closed_form=theorem.closed_form + 1)
        >>> next(wrong.failures())
        'case (1, 1)'
        """
        for case in self.cases:
            if not self.agrees(*case):
                yield f"case {case}"
        yield from (words for _, words in self.unmet())

    def _repr_latex_(self) -> str:
        return self.statement

    def _repr_html_(self) -> str:
        evidence = ["proofs/" + self.proof, f"{self.compared} against brute force"]
        if self.symbolic is not None:
            evidence.insert(1, "symbolic check")
        if self.machine is not None:
            evidence.insert(1, "proofs/rocq/" + self.machine)
        evidence.append(self.defined_in)
        parts = [
            f"<b>{escape(self.name)}</b> for {escape(self.holds_for)}:",
            self.statement.replace("<", "&lt;"),
            *(escape(f"{claim[0].upper()}{claim[1:]}.") for claim in self.claims),
            f"<small>{escape('; '.join(evidence))}</small>",
        ]
        if self.footnote:
            parts.append(f"<small>{escape(self.footnote)}</small>")
        return "<p>" + "<br>".join(parts) + "</p>"


@dataclass(frozen=True)
class Finding(Theorem):
    """Numbers found by a search through all of a finite class, which is itself the proof.

    ``closed_form`` holds the numbers and ``brute_force`` is the search.

    >>> from drnn_theory import THEOREMS
    >>> type(THEOREMS["last_dilation_is_needed"]).__name__
    'Finding'
    """

    @property
    def compared(self) -> str:
        """How many searches there are, in words."""
        return counted(len(self.cases), "search")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "case"), counted(2, "search")
    ('1 case', '2 searches')
    """
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('ch') else 's'}"


def exactly(value: Any) -> sp.Basic:
    """Return a number, or a nested tuple of numbers, as sympy objects; floats are refused.

    >>> from fractions import Fraction
    >>> exactly((Fraction(1, 2), 3))
    (1/2, 3)
    """
    if isinstance(value, (tuple, list)):
        return sp.Tuple(*(exactly(item) for item in value))
    if isinstance(value, Rational) and not isinstance(value, sp.Basic):
        return sp.Rational(value.numerator, value.denominator)
    value = sp.sympify(value)
    if value.has(sp.Float):
        raise TypeError(f"values of a theorem must be exact, got {value}")
    return value


def next_layer(expression: sp.Expr) -> sp.Expr:
    """Return the expression at L + 1 layers, every sum up to L having one term more.

    >>> from drnn_theory.theorems.letters import i
    >>> next_layer(L + sp.Sum(ratio[i], (i, 2, L)))
    L + n[L + 1] + Sum(n[i], (i, 2, L)) + 1
    """
    longer = {
        total: total + total.function.subs(total.limits[0][0], L + 1)
        for total in expression.atoms(sp.Sum)
        if total.limits[0][2] == L
    }
    kept = {total: sp.Dummy() for total in longer}
    rest = expression.subs(kept).subs(L, L + 1)
    return rest.subs({dummy: longer[total] for total, dummy in kept.items()})


def ratios_as_values(chain: Sequence[int]) -> dict[Any, int]:
    """Return n_2, .., n_L of a divisor chain, for substitution.

    >>> ratios_as_values([1, 2, 6])
    {n[2]: 2, n[3]: 3}
    """
    return {
        ratio[number]: chain[number - 1] // chain[number - 2] for number in range(2, len(chain) + 1)
    }


def dilations_as_values(scheme: Sequence[int]) -> dict[Any, int]:
    """Return s_1, .., s_L, for substitution.

    >>> dilations_as_values([1, 2, 6])
    {s[1]: 1, s[2]: 2, s[3]: 6}
    """
    return {dilation[number]: s for number, s in enumerate(scheme, start=1)}


def _with_values(expression: sp.Basic, values: dict[Any, sp.Basic]) -> sp.Basic:
    """Return the expression at these values, its sums written out term by term."""

    def written_out(function: sp.Expr, limits: tuple[Any, ...]) -> sp.Expr:
        index, first, last = limits
        numbers = range(int(first), int(last) + 1)
        return sp.Add(
            *(function.xreplace({index: j}).xreplace(values) for j in map(sp.Integer, numbers))
        )

    expression = expression.xreplace({L: values[L]}) if L in values else expression
    return expression.replace(sp.Sum, written_out).xreplace(values)


def _comes_out(step: Any) -> bool:
    if isinstance(step, bool) or step in (sp.true, sp.false):
        return bool(step)
    step = assumed(step)
    if isinstance(step, sp.core.relational.Relational):
        return sp.simplify(step) == sp.true
    return sp.simplify(sp.expand_func(step)) == 0 or sp.gammasimp(step) == 0
