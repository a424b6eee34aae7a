r"""Closed forms, each beside the brute force that it must equal; their proofs are in proofs/.

``THEOREMS`` is the one tuple that the tests, the verify command, the notebooks and the docs walk.
Each theorem carries up to four kinds of evidence, never confused: symbolic computations by sympy
for all values of the symbols; a written proof; a proof that a proof assistant accepts; and
agreement with brute force (networkx on the unfolded graph) on a number of cases.

>>> len(THEOREMS), THEOREMS[0].name, sum(theorem.machine is not None for theorem in THEOREMS)
(35, 'fewest_coins', 9)

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
"""

from drnn_theory.theorems.catalogue import THEOREMS
from drnn_theory.theorems.theorem import Agreement, Theorem
from drnn_theory.theorems.verification import Verification, VerifiedTheorem, verify

__all__ = ["THEOREMS", "Agreement", "Theorem", "Verification", "VerifiedTheorem", "verify"]
