"""All theorems, in the order in which a reader meets them."""

from __future__ import annotations

from drnn_theory.theorems.coins import COINS
from drnn_theory.theorems.comparisons import COMPARISONS
from drnn_theory.theorems.counts import COUNTS
from drnn_theory.theorems.growth import GROWTH
from drnn_theory.theorems.means import MEANS
from drnn_theory.theorems.optima import OPTIMA
from drnn_theory.theorems.schemes import SCHEMES
from drnn_theory.theorems.spans import SPANS
from drnn_theory.theorems.theorem import Theorem
from drnn_theory.theorems.zoo import ZOO

__all__ = ["THEOREMS"]

THEOREMS: tuple[Theorem, ...] = (
    *COINS,
    *MEANS,
    *ZOO,
    *OPTIMA,
    *SPANS,
    *GROWTH,
    *COUNTS,
    *SCHEMES,
    *COMPARISONS,
)
