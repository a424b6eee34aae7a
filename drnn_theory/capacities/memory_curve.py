"""The curve that memory capacity and Fisher memory give, and when it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CONDITION", "MemoryCurve"]

CONDITION = 1e7
"""Largest condition number of what is read that a curve is computed from."""


@dataclass(frozen=True)
class MemoryCurve:
    """How much of the input at each lag can be recovered.

    Attributes:
        lags: 0..the largest asked for.
        values: at each lag; of a memory capacity between 0 and 1.
        bound: what the values of all lags together cannot pass.
        standard_error: of the values where they are estimated, zeros where they are exact.
        samples: from how many times each value is estimated, 0 where it is exact.

    >>> from drnn_theory import LinearSystem, memory_capacity
    >>> curve = memory_capacity(LinearSystem([[0.5]], [1.0]), 3)
    >>> curve.values, round(curve.total, 8), curve.bound
    (array([0.75      , 0.1875    , 0.046875  , 0.01171875]), 0.99609375, 1.0)
    """

    lags: np.ndarray
    values: np.ndarray
    bound: float
    standard_error: np.ndarray
    samples: int

    @property
    def total(self) -> float:
        """The sum over the lags.

        >>> from drnn_theory import LinearSystem, memory_capacity
        >>> memory_capacity(LinearSystem([[0, 0], [1, 0]], [1, 0]), 5).total
        2.0
        """
        return float(self.values.sum())
