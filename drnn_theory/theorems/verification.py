"""The outcome of checking theorems, and what kind of evidence each check is."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from drnn_theory.tables import Table, Tabled, where
from drnn_theory.theorems.theorem import Agreement, Theorem, counted

__all__ = ["Verification", "VerifiedTheorem", "check"]


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
    compared: str
    """What was compared with brute force, counted in words."""
    claims: int
    """Further statements checked on the whole range that they name."""
    seconds: float
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


@dataclass(frozen=True)
class Verification(Tabled):
    """The outcome for all theorems; true if all passed, plain as text, ``to_dict`` for JSON."""

    rows: tuple[VerifiedTheorem, ...]

    @property
    def passed(self) -> bool:
        """Whether every theorem passed every check."""
        return all(row.passed for row in self.rows)

    def __bool__(self) -> bool:
        return self.passed

    def table(self) -> Table:
        """Return what was checked of each theorem, one row each, and the outcome of all as a note.

        >>> from drnn_theory import THEOREMS, verify
        >>> verify([THEOREMS["skip_mean"]]).table().rows[0]["brute force"]
        '18 cases'
        """
        rows = [
            {
                "theorem": row.name,
                "symbolic": counted(row.symbolic, "computation") if row.symbolic else None,
                "machine-checked": row.machine.rpartition("/")[2] if row.machine else None,
                "brute force": row.compared
                + (f", {counted(row.claims, 'claim')}" if row.claims else ""),
                "seconds": round(row.seconds, 3),
                "outcome": "ok" if row.passed else "FAILED: " + "; ".join(row.failures),
            }
            for row in self.rows
        ]
        failed = sum(not row.passed for row in self.rows)
        outcome = "all pass" if not failed else f"{failed} FAILED"
        seconds = sum(row.seconds for row in self.rows)
        note = (
            f"{counted(len(self.rows), 'theorem')}, {outcome}, {seconds:.0f} s; written proofs "
            "are proofs/<theorem>.md, machine-checked ones in proofs/rocq"
        )
        return Table(rows, [note], where=where(machine=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            "passed": self.passed,
            "where": dict(self.table().where),
            "theorems": [
                {
                    "name": row.name,
                    "symbolic": row.symbolic,
                    "written": row.written,
                    "machine-checked": row.machine,
                    "cases": {"agreed": row.cases.agreed, "total": row.cases.total},
                    "claims": row.claims,
                    "seconds": round(row.seconds, 3),
                    "failures": list(row.failures),
                    "passed": row.passed,
                }
                for row in self.rows
            ],
        }


def check(theorem: Theorem) -> VerifiedTheorem:
    """Run every check of one theorem."""
    start = time.perf_counter()
    agreement = theorem.check()
    steps = theorem.steps()
    unmet = list(theorem.unmet(steps))
    failed = Counter(kind for kind, _ in unmet)
    return VerifiedTheorem(
        name=theorem.name,
        symbolic=sum(steps),
        written=f"proofs/{theorem.proof}",
        machine=theorem.machine and f"proofs/rocq/{theorem.machine}",
        cases=agreement,
        compared=theorem.compared,
        claims=len(theorem.claims) - failed["claim"],
        seconds=time.perf_counter() - start,
        failures=(*([] if agreement else [str(agreement)]), *(words for _, words in unmet)),
    )
