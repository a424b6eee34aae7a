"""Results of a search: the schemes, what they reach, and how much of that is proved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from drnn_theory.costs import sequential_steps
from drnn_theory.measures import compute_mrl, longest_lag
from drnn_theory.tables import Table, Tabled, convention

__all__ = ["Advised", "Certificate", "Design"]


@dataclass(frozen=True)
class Certificate:
    """What was searched, how, and what is proved.

    ``exhaustive`` says that no scheme of the class is better: all were looked at or excluded by a
    bound. Otherwise the schemes are the best found. ``complete`` says that all equally good schemes
    are listed. ``lower_bound`` holds for every scheme of the class, in the measure minimised.
    """

    searched: str
    method: str
    exhaustive: bool
    complete: bool
    lower_bound: Fraction
    gap: Fraction  # of the best scheme above the lower bound, relative to the bound
    interrupted: bool = False
    machine: str | None = None
    """The file under proofs/rocq in which a proof assistant accepts all this, if any."""

    @property
    def proof(self) -> str:
        """One of "machine-checked", "exhaustive", or "none" for the best found."""
        if self.machine is not None:
            return "machine-checked"
        return "exhaustive" if self.exhaustive else "none"

    def __str__(self) -> str:
        if self.exhaustive:
            ties = "all optima are listed" if self.complete else "more optima exist than are listed"
            by = f"; machine-checked in proofs/rocq/{self.machine}" if self.machine else ""
            return f"proved ({self.method}): best of {self.searched}; {ties}{by}"
        how = f"{self.method}, interrupted" if self.interrupted else self.method
        return (
            f"best found ({how}), not proved: among {self.searched} none is below "
            f"{float(self.lower_bound):.3f}, gap {float(self.gap):.1%}"
        )


@dataclass(frozen=True)
class Design(Tabled):
    """The best schemes for a span, their mean recurrent length, and the certificate.

    ``exponential`` is the best scheme 1, M, M**2, .. with the same number of lags, over all bases
    M. With several ``lags_per_layer`` a scheme is the lags of all layers together.
    """

    span: int
    objective: str
    schemes: list[tuple[int, ...]]
    certificate: Certificate
    exponential: tuple[int, ...]
    counting_bound: Fraction
    lags_per_layer: int = 1

    @property
    def mrl(self) -> Fraction:
        """Mean recurrent length of the first scheme over the lags 1..span, vertical edges too."""
        return self._mean(self.schemes[0])

    @property
    def exponential_mrl(self) -> Fraction:
        """Mean recurrent length of the best exponential scheme of the same depth."""
        return self._mean(self.exponential)

    @property
    def longest(self) -> int:
        """The longest of the shortest paths to lags 1..span of the first scheme."""
        return self._longest(self.schemes[0])

    @property
    def gain(self) -> Fraction:
        """By what part the objective is below that of the best exponential scheme."""
        if self.objective == "worst":
            return 1 - Fraction(self.longest, self._longest(self.exponential))
        return 1 - self.mrl / self.exponential_mrl

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per scheme, the best exponential one last."""
        named = [("optimum" if self.certificate.exhaustive else "best found", self.schemes)]
        named.append(("best exponential", [self.exponential]))
        return [
            {
                "scheme": name,
                **self._lags(scheme),
                "mean recurrent length": float(self._mean(scheme)),
                "longest path": self._longest(scheme),
                **self._steps(scheme),
            }
            for name, schemes in named
            for scheme in schemes
        ]

    def table(self) -> Table:
        """Return the rows with their notes, span and convention.

        >>> from drnn_theory import optimal_dilations
        >>> optimal_dilations(8, 3).table().about["span"]
        8
        """
        about = {"span": self.span, "convention": convention()}
        return Table(self.rows(), self._notes(), about)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON; fractions as strings."""
        return {
            **self.table().to_dict(),
            "objective": self.objective,
            "schemes": [list(scheme) for scheme in self.schemes],
            "mean recurrent length": str(self.mrl),
            "longest path": self.longest,
            "exponential": list(self.exponential),
            "exponential mean recurrent length": str(self.exponential_mrl),
            "gain": float(self.gain),
            "counting bound": str(self.counting_bound),
            "proof": self.certificate.proof,
            "exhaustive": self.certificate.exhaustive,
            "complete": self.certificate.complete,
            "lower bound": str(self.certificate.lower_bound),
            "gap": float(self.certificate.gap),
            "certificate": str(self.certificate),
        }

    def shown(self, most: int = 10) -> Table:
        """Return the table, cut where very many schemes are equally good, which a note says."""
        table, best = self.table(), self.rows()[:-1]
        if len(best) <= most:
            return table
        hidden = f"({len(best) - most} more schemes are equally good)"
        return replace(table, rows=[*best[:most], table.rows[-1]], notes=[hidden, *table.notes])

    def _depth(self, scheme: tuple[int, ...]) -> int:
        return len(scheme) // self.lags_per_layer

    def _shorter(self, scheme: tuple[int, ...]) -> int:
        """Return by how many vertical edges paths are shorter than with one lag in each layer."""
        return len(scheme) - self._depth(scheme)

    def _mean(self, scheme: tuple[int, ...]) -> Fraction:
        return Fraction(compute_mrl(scheme, self.span, exact=True)) - self._shorter(scheme)

    def _longest(self, scheme: tuple[int, ...]) -> int:
        return int(longest_lag(scheme, self.span)[1]) - self._shorter(scheme)

    def _lags(self, scheme: tuple[int, ...]) -> dict[str, Any]:
        if self.lags_per_layer == 1:
            return {"dilations": scheme, "vertical edges": len(scheme)}
        each = {"lags": scheme, "lags per layer": self.lags_per_layer}
        return {**each, "vertical edges": self._depth(scheme)}

    def _steps(self, scheme: tuple[int, ...]) -> dict[str, int]:
        # with several lags in a layer they depend on which layer has which
        return (
            {"sequential steps": sequential_steps(scheme, self.span)}
            if self.lags_per_layer == 1
            else {}
        )

    def _notes(self) -> list[str]:
        measure = "longest path" if self.objective == "worst" else "mean"
        return [
            f"Lags 1..{self.span}, vertical edges counted; the {measure} is {float(self.gain):.1%} "
            f"below that of the best exponential scheme of {self._depth(self.exponential)} layers; "
            f"no scheme of that depth has a mean below {float(self.counting_bound):.3f}.",
            f"{self.certificate}.",
        ]


class Advised(Tabled):
    """Options to choose from, the shortest mean first, and what to take."""

    options: list[Any]

    @property
    def advice(self) -> str:
        """What to take, in one line."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON; fractions as strings."""
        record = self.table().to_dict()
        del record["notes"]
        exact = [{"mean recurrent length": str(option.mrl)} for option in self.options]
        options = [row | mean for row, mean in zip(record.pop("rows"), exact, strict=True)]
        return {**record, "options": options, "advice": self.advice}
