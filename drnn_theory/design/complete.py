r"""Complete search for a short sequence: no scheme within the budgets is better than its options.

Mean recurrent length, state and sequential steps do not depend on the order of the dilations, and
a repeated one only adds a layer, so that sets 1 = s_1 < s_2 < .. are all there is. They are gone
through by their number of layers. A branch is left where an option that is known is as short as the
counting bound of that depth and as wide as the branch can be: parameters limit the width by the
depth alone, state by the least sum of dilations that the branch can still have.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from drnn_theory.design.bounds import counting_bound

__all__ = ["LONGEST_COMPLETE", "Widths", "best_within"]

LONGEST_COMPLETE = 32
"""The longest sequence whose options are complete."""


class Widths:
    """The largest hidden size of a scheme within the budgets, 0 where none fits."""

    def __init__(
        self, length: int, by_layers: dict[int, int], per_unit: int, state: int | None, steps: int
    ) -> None:
        self.length, self.by_layers, self.steps = length, by_layers, steps
        self.per_unit, self.state = per_unit, state

    def of(self, layers: int, total: int, steps: int) -> int:
        """Return the width by number of layers, sum of dilations and sequential steps."""
        if steps > self.steps:
            return 0
        widths = [self.by_layers.get(layers, 0)] if self.by_layers else []
        if self.state is not None:
            widths.append(self.state // (total * self.per_unit))
        return min(widths)


def best_within(length: int, widths: Widths) -> list[tuple[int, ...]]:
    """Return schemes such that no other has a shorter mean at their width or is as short and wider.

    >>> best_within(25, Widths(25, {1: 20, 2: 13, 3: 10, 4: 9}, 1, None, 34))
    [(1, 5, 8), (1, 5), (1,)]
    """
    span = length - 1
    front: list[tuple[Fraction, int, tuple[int, ...]]] = []  # mean, width, scheme
    for layers in range(1, span + 1):
        bound = counting_bound(span, layers)
        if not _branches(length, widths, layers, bound, front):
            continue
        for scheme, mean, width in _schemes(length, widths, layers, bound, front):
            tied = next((old for old in front if old[:2] == (mean, width)), None)
            if tied is not None:
                if sum(scheme) < sum(tied[2]):  # of equals the one that keeps the least state
                    front[front.index(tied)] = mean, width, scheme
                continue
            if any(m <= mean and w >= width for m, w, _ in front):
                continue
            front[:] = [old for old in front if mean > old[0] or width < old[1]]
            front.append((mean, width, scheme))
    return [scheme for _, _, scheme in sorted(front)]


def _branches(
    length: int,
    widths: Widths,
    layers: int,
    bound: Fraction,
    front: list[tuple[Fraction, int, tuple[int, ...]]],
    total: int = 1,
    steps: int | None = None,
    low: int = 2,
    left: int | None = None,
) -> bool:
    """Tell whether ``left`` more dilations from ``low`` on can lead to a new option."""
    left = layers - 1 if left is None else left
    steps = length if steps is None else steps
    if low + left - 1 > length - 1:
        return False
    least_steps = steps + sum(-(-length // s) for s in range(length - left, length))
    least_total = total + sum(range(low, low + left))
    width = widths.of(layers, least_total, least_steps)
    return width > 0 and not any(mean <= bound and wide >= width for mean, wide, _ in front)


def _schemes(
    length: int,
    widths: Widths,
    layers: int,
    bound: Fraction,
    front: list[tuple[Fraction, int, tuple[int, ...]]],
) -> Iterator[tuple[tuple[int, ...], Fraction, int]]:
    """Yield schemes of that many layers with mean and width; ``front`` grows meanwhile."""
    span = length - 1
    plain = np.arange(span + 1, dtype=np.int64)
    if layers == 1:
        width = widths.of(1, 1, length)
        if width:
            yield (1,), 1 + Fraction(int(plain.sum()), span), width
        return
    stack: list[tuple[tuple[int, ...], np.ndarray, int, int]] = [((1,), plain, 1, length)]
    while stack:
        scheme, coins, total, steps = stack.pop()
        left = layers - len(scheme)
        for s in range(span - left + 1, scheme[-1], -1):
            more = total + s, steps + -(-length // s)
            if not _branches(length, widths, layers, bound, front, *more, low=s + 1, left=left - 1):
                continue
            paid = coins.copy()
            for first in range(s, span + 1, s):
                row = paid[first : first + s]
                np.minimum(row, paid[first - s : first - s + len(row)] + 1, out=row)
            if left > 1:
                stack.append(((*scheme, s), paid, *more))
                continue
            width = widths.of(layers, *more)
            if width:
                yield (*scheme, s), layers + Fraction(int(paid.sum()), span), width
