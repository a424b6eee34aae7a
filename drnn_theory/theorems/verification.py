"""Run every check of every theorem, and say of each what kind of evidence it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from drnn_theory.tables import as_html, as_text
from drnn_theory.theorems.catalogue import THEOREMS
from drnn_theory.theorems.theorem import Agreement, Theorem

__all__ = ["Verification", "VerifiedTheorem", "verify"]


@dataclass(frozen=True)
class VerifiedTheorem:
    """What was checked of one theorem, and what it rests on besides."""

    name: str
    symbolic: int
    """Symbolic computations of the proof that come out, for all values; 0 if there are none."""
    written: str
    """The file that proves it; holding it against the theorem is for the tests."""
    machine: str | None
    """The file that a proof assistant accepts (``make proofs``), if any."""
    cases: Agreement
    claims: int
    """Further statements checked on the whole range that they name."""
    seconds: float
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


@dataclass(frozen=True)
class Verification:
    """The outcome for all theorems; true if all passed, plain as text, ``to_dict`` for JSON."""

    rows: tuple[VerifiedTheorem, ...]

    @property
    def passed(self) -> bool:
        """Whether every theorem passed every check."""
        return all(row.passed for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return f"{as_text(self._cells())}\n\n{self._outcome()}"

    def _repr_html_(self) -> str:
        return as_html(self._cells(), [self._outcome()])

    def _cells(self) -> list[dict[str, Any]]:
        return [
            {
                "theorem": row.name,
                "symbolic": _counted(row.symbolic, "computation") if row.symbolic else "-",
                "machine-checked": row.machine.rpartition("/")[2] if row.machine else "-",
                "brute force": _counted(row.cases.agreed, "case")
                + (f", {_counted(row.claims, 'claim')}" if row.claims else ""),
                "seconds": row.seconds,
                "": "ok" if row.passed else "FAILED: " + "; ".join(row.failures),
            }
            for row in self.rows
        ]

    def _outcome(self) -> str:
        failed = sum(not row.passed for row in self.rows)
        outcome = "all pass" if not failed else f"{failed} FAILED"
        seconds = sum(row.seconds for row in self.rows)
        return (
            f"{_counted(len(self.rows), 'theorem')}, {outcome}, {seconds:.0f} s; written proofs "
            "are proofs/<theorem>.md, machine-checked ones in proofs/rocq"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            "passed": self.passed,
            "theorems": [
                {
                    "name": row.name,
                    "symbolic": row.symbolic,
                    "written": row.written,
                    "machine_checked": row.machine,
                    "cases": {"agreed": row.cases.agreed, "total": row.cases.total},
                    "claims": row.claims,
                    "seconds": round(row.seconds, 3),
                    "failures": list(row.failures),
                    "passed": row.passed,
                }
                for row in self.rows
            ],
        }


def verify(
    theorems: Iterable[Theorem] = THEOREMS,
    *,
    progress: Callable[[Iterable[Theorem]], Iterable[Theorem]] | None = None,
) -> Verification:
    """Check theorems by their symbolic computations and by brute force.

    ``progress`` wraps the iterable of theorems, as tqdm does. The written proofs and those that a
    proof assistant checks are named, not run.

    >>> print(verify(theorem for theorem in THEOREMS if theorem.name == "skip_mean").rows[0].cases)
    agrees on 18 cases
    """
    return Verification(tuple(map(_verify_one, progress(theorems) if progress else theorems)))


def _verify_one(theorem: Theorem) -> VerifiedTheorem:
    start = time.perf_counter()
    agreement = theorem.check()
    claims = [claim for claim, holds in theorem.claims.items() if not holds(theorem)]
    steps = theorem.steps()
    failures = [] if agreement else [str(agreement)]
    failures += [f"claim does not hold: {claim}" for claim in claims]
    failures += [
        f"symbolic computation {number} does not come out"
        for number, comes_out in enumerate(steps, start=1)
        if not comes_out
    ]
    return VerifiedTheorem(
        name=theorem.name,
        symbolic=sum(steps),
        written=f"proofs/{theorem.proof}",
        machine=theorem.machine and f"proofs/rocq/{theorem.machine}",
        cases=agreement,
        claims=len(theorem.claims) - len(claims),
        seconds=time.perf_counter() - start,
        failures=tuple(failures),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
