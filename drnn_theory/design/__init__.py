"""The best dilations for a span, the bounds that hold for all, and what they cost.

Theorem 3.1 of the DilatedRNN paper answers it among divisor chains whose largest dilation is the
span. In general a stack's mean recurrent length is its depth plus the mean number of coins, so that
this is the problem of the optimal denominations: see proofs/optimal_dilations.md for what is
proved, what is exhaustive and what is only found.
"""

from drnn_theory.design.bounds import best_exponential, counting_bound
from drnn_theory.design.optimal import optimal_dilations
from drnn_theory.design.published import load_optimal_schemes
from drnn_theory.design.recommending import Option, Recommendation, recommend
from drnn_theory.design.results import Certificate, Design

__all__ = [
    "Certificate",
    "Design",
    "Option",
    "Recommendation",
    "best_exponential",
    "counting_bound",
    "load_optimal_schemes",
    "optimal_dilations",
    "recommend",
]
