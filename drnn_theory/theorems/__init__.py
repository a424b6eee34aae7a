r"""Closed forms, each beside the brute force that it must equal; their proofs are in proofs/.

``THEOREMS`` is the one mapping that the tests, the verify command, the notebooks and the docs walk.
Each theorem carries up to four kinds of evidence, never confused: symbolic computations by sympy
for all values of the symbols; a written proof; a proof that a proof assistant accepts; and
agreement with brute force (networkx on the unfolded graph) on a number of cases.

>>> len(THEOREMS), next(iter(THEOREMS)), sum(t.machine is not None for t in THEOREMS.values())
(48, 'fewest_coins', 25)
>>> THEOREMS["exponential_mean"].closed_form.subs({"L": 4, "M": 2})
45/8

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from drnn_theory.tables import Table
from drnn_theory.theorems.advantages import ADVANTAGES
from drnn_theory.theorems.certificates import CERTIFICATES
from drnn_theory.theorems.coins import COINS
from drnn_theory.theorems.counts import COUNTS
from drnn_theory.theorems.depth import DEPTH
from drnn_theory.theorems.growth import GROWTH
from drnn_theory.theorems.laws import LAWS
from drnn_theory.theorems.limits import LIMITS
from drnn_theory.theorems.means import MEANS
from drnn_theory.theorems.optima import OPTIMA
from drnn_theory.theorems.schemes import SCHEMES
from drnn_theory.theorems.spans import SPANS
from drnn_theory.theorems.theorem import Agreement, Finding, Theorem
from drnn_theory.theorems.verification import Verification, VerifiedTheorem, check
from drnn_theory.theorems.zoo import ZOO

__all__ = [
    "THEOREMS",
    "Agreement",
    "Finding",
    "Theorem",
    "Verification",
    "VerifiedTheorem",
    "theorem_table",
    "verify",
]

THEOREMS: dict[str, Theorem] = {
    theorem.name: theorem
    for group in (
        *(COINS, MEANS, ZOO, OPTIMA, SPANS, GROWTH, CERTIFICATES, COUNTS, SCHEMES),
        *(LIMITS, DEPTH, LAWS, ADVANTAGES),
    )
    for theorem in group
}
"""Name -> theorem, in the order in which a reader meets them."""


def theorem_table(theorems: Iterable[Theorem] | None = None) -> Table:
    """Return what each theorem says, for which class, on which evidence, and where it is defined.

    All theorems unless some are given.

    >>> theorem_table([THEOREMS["skip_mean"]]).to_dict()["rows"][0]["defined in"]
    'drnn_theory.theorems.means.SKIP_MEAN'
    """
    return Table(
        [
            {
                "theorem": theorem.name,
                "statement": theorem.statement,
                "holds for": theorem.holds_for,
                "proof": f"proofs/{theorem.proof}",
                "machine-checked": theorem.machine and f"proofs/rocq/{theorem.machine}",
                "symbolic": theorem.symbolic is not None,
                "cases": len(theorem.cases),
                "defined in": theorem.defined_in,
            }
            for theorem in (THEOREMS.values() if theorems is None else theorems)
        ]
    )


def verify(
    theorems: Iterable[Theorem] | None = None,
    *,
    progress: Callable[[Iterable[Theorem]], Iterable[Theorem]] | None = None,
) -> Verification:
    """Check theorems by their symbolic computations and by brute force; all unless some are given.

    ``progress`` wraps the iterable of theorems, as tqdm does. The written proofs and those that a
    proof assistant checks are named, not run.

    >>> print(verify([THEOREMS["skip_mean"]]).rows[0].cases)
    agrees on 18 cases
    """
    chosen = THEOREMS.values() if theorems is None else theorems
    return Verification(tuple(map(check, progress(chosen) if progress else chosen)))
