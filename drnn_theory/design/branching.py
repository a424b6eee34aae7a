r"""Exact search: branch and bound over ascending dilations, with a bound for all that may follow.

Let d(n) be the fewest coins from the dilations chosen so far, and let r more be chosen, all of
them at least s. Lags below s keep their d(n). Any other lag that is paid with at most j coins is
p + q with p paid by j - b old coins and q by b new ones; q is at least b s, so that p <= m - b s,
and there are at most C(b + r - 1, r - 1) sums q. So at most

.. math:: \#\{n \ge s : d(n) \le j\}
    + \sum_{b \ge 1} \binom{b + r - 1}{r - 1} \#\{n \le m - b s : d(n) \le j - b\}

of the lags s..m are paid with at most j coins, whatever is chosen; what is left over for each j
adds up to a lower bound on the sum of the lengths. It holds for every next dilation of at least s:
where it exceeds what is to be beaten, the loop over s ends. (proofs/optimal_dilations.md)

Prefixes are expanded many at a time; arrays are indexed by lag first, so that a shift by a dilation
is one contiguous slice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import comb

import numpy as np

from drnn_theory.design.bounds import least_total
from drnn_theory.paths.stacks import fewest_coins

__all__ = ["Search", "Target", "cost"]

WIDTH = 2000
"""Most prefixes that are expanded together."""


@dataclass(frozen=True)
class Target:
    """What is minimised over schemes of ``layers`` distinct dilations 1 = s_1 < .. <= span.

    With ``reach`` None the fewest coins, summed over the lags 1..span; otherwise the number of
    lags that take more than ``reach`` coins. With ``largest`` the largest dilation is that.
    """

    span: int
    layers: int
    largest: int | None = None
    reach: int | None = None

    @property
    def given(self) -> tuple[int, ...]:
        """The dilations that every scheme has."""
        return tuple(sorted({1, self.largest or 1}))

    @property
    def limit(self) -> int:
        """The largest value of a dilation that is to be chosen."""
        return self.span if self.largest is None else self.largest - 1


def cost(target: Target, scheme: tuple[int, ...]) -> int:
    """Return what a scheme costs, from its fewest coins."""
    coins = fewest_coins(scheme, target.span)
    if target.reach is None:
        return int(coins.sum(dtype=np.int64))
    return int(np.count_nonzero(coins > target.reach))


@dataclass
class Chunk:
    """Prefixes with equally many dilations still to choose, one per column."""

    chosen: np.ndarray  # (dilations chosen, prefixes)
    coins: np.ndarray  # (lags 0..span, prefixes): the fewest coins, cut off at a ceiling
    left: int


def _joined(chunks: list[Chunk]) -> Chunk:
    return Chunk(
        np.concatenate([chunk.chosen for chunk in chunks], axis=1),
        np.concatenate([chunk.coins for chunk in chunks], axis=1),
        chunks[0].left,
    )


@dataclass
class Search:
    """A search for all schemes that cost at most ``ceiling``, which falls as better ones appear.

    ``effort`` counts the lags of all prefixes and schemes looked at. Once more than ``most``
    schemes tie, no more are listed and only cheaper ones are looked for.
    """

    target: Target
    ceiling: int
    most: int
    schemes: list[tuple[int, ...]] = field(default_factory=list)
    overflow: bool = False
    effort: int = 0

    def __post_init__(self) -> None:
        # A length is cut off far above any that matters; the bounds only get weaker, and whatever
        # comes out as good enough is computed again without the cut.
        self.cut = 200 if self.ceiling < 60 * self.target.span else 60_000
        self.dtype = np.uint8 if self.cut == 200 else np.uint16
        # what no scheme costs less than: with nothing cheaper to hope for the search is over
        counted = least_total(self.target.span, self.target.layers)
        self.floor = counted if self.target.reach is None else 0

    def root(self) -> Chunk:
        """Return the prefix of the dilations that every scheme has."""
        given = self.target.given
        coins = np.minimum(fewest_coins(given, self.target.span), self.cut).astype(self.dtype)
        return Chunk(
            np.ones((1, 1), dtype=np.int64), coins[:, None], self.target.layers - len(given)
        )

    def run(self, budget: int, report: Callable[[int], object] = lambda effort: None) -> bool:
        """Search until all is seen (True) or the effort is spent (False)."""
        root = self.root()
        if root.left == 0:
            self._keep(self.target.given)
            return True
        width = min(WIDTH, max(1, 64_000_000 // (self.target.span + 1) ** 2))
        stack = [root]
        while stack:
            if self.effort > budget:
                return False
            chunk = stack.pop()
            before = self.effort
            children = self._expand(chunk)
            report(self.effort - before)
            if self.ceiling < self.floor:
                return True
            if children is not None:
                for first in range(0, children.coins.shape[1], width):
                    part = slice(first, first + width)
                    stack.append(
                        Chunk(children.chosen[:, part], children.coins[:, part], children.left)
                    )
        return True

    def estimate(self, seed: int, dives: int = 24) -> int:
        """Return a guess of the whole effort, from random dives into the tree (Knuth 1975)."""
        rng = np.random.default_rng(seed)
        root = self.root()
        columns = np.zeros(dives, dtype=np.int64)
        chunk = Chunk(root.chosen[:, columns], root.coins[:, columns], root.left)
        prefixes, total = np.ones(dives), 0.0
        while chunk.left:
            low, high = self._range(chunk)
            columns = np.flatnonzero(high > low)
            if not len(columns):
                break
            prefixes = prefixes[columns] * (high - low)[columns]
            total += prefixes.sum() * (self.target.span + 1)
            chunk = _joined(
                [
                    self._children(chunk, int(rng.integers(low[i], high[i])), slice(i, i + 1))
                    for i in columns.tolist()
                ]
            )
        return int(total / dives)

    # ------------------------------------------------------------------ one chunk of prefixes

    def _expand(self, chunk: Chunk) -> Chunk | None:
        """Return all children that may lead to a good enough scheme; list schemes that are."""
        low, high = self._range(chunk)
        order = np.argsort(-high, kind="stable")
        order = order[high[order] > low[order]]
        if not len(order):
            return None
        low, high = low[order], high[order]
        coins = np.ascontiguousarray(chunk.coins[:, order])
        chunk = Chunk(chunk.chosen[:, order], coins, chunk.left)
        settled = self._settled(coins)
        newest = np.maximum.accumulate(low)
        children = []
        for s in range(int(low.min()), int(high[0])):
            count = int(np.searchsorted(-high, -s))  # those with high > s come first
            which: slice | np.ndarray = slice(0, count)
            if newest[count - 1] > s:
                which = np.flatnonzero(low[:count] <= s)
                if not len(which):
                    continue
            old = coins[:, which]
            self.effort += old.size
            if chunk.left > 1:
                children.append(self._children(chunk, s, which))
            else:
                costs = settled[s - 1, which] + self._last(old, s)
                for column in np.flatnonzero(costs <= self.ceiling):
                    prefix = chunk.chosen[:, which][:, column].tolist()
                    self._keep(tuple(sorted({*prefix, s, *self.target.given})))
        return _joined(children) if children else None

    def _children(self, chunk: Chunk, s: int, which: slice | np.ndarray) -> Chunk:
        """Return the prefixes (columns ``which``) with the dilation s added."""
        coins = chunk.coins[:, which].copy()
        for n in range(s, len(coins), s):
            block = coins[n : n + s]
            np.minimum(block, coins[n - s : n - s + len(block)] + self.dtype(1), out=block)
        chosen = chunk.chosen[:, which]
        return Chunk(np.vstack([chosen, np.full(chosen.shape[1], s)]), coins, chunk.left - 1)

    def _last(self, old: np.ndarray, s: int) -> np.ndarray:
        """Return the cost of the lags s.. once s is added as the last dilation."""
        total = np.zeros(old.shape[1], dtype=np.int64)
        above = old[:s]
        for n in range(s, len(old), s):
            block = old[n : n + s]
            above = np.minimum(block, above[: len(block)] + self.dtype(1))
            total += self._cost(above)
        return total

    def _cost(self, coins: np.ndarray) -> np.ndarray:
        if self.target.reach is None:
            return coins.sum(axis=0, dtype=np.int32)
        return np.count_nonzero(coins > self.target.reach, axis=0)

    def _settled(self, coins: np.ndarray) -> np.ndarray:
        """Return the cost of the lags 0..n, for all n."""
        if self.target.reach is None:
            return np.cumsum(coins, axis=0, dtype=np.int32)
        return np.cumsum(coins > self.target.reach, axis=0, dtype=np.int32)

    def _keep(self, scheme: tuple[int, ...]) -> None:
        total = cost(self.target, scheme)
        if total > self.ceiling:
            return
        if self.overflow or total < self.ceiling:
            self.schemes, self.ceiling, self.overflow = [], total, False
        if len(self.schemes) == self.most:
            self.overflow = True
            self.ceiling -= 1  # from now on only what is cheaper
        else:
            self.schemes.append(scheme)

    # ------------------------------------------------------------------ the bound

    def _range(self, chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
        """Return per prefix the values low <= s < high of the next dilation worth looking at.

        The bound fails at ``high``, or nothing is there: so says a bisection.
        """
        low = chunk.chosen[-1] + 1
        dead = np.full(len(low), self.target.limit - chunk.left + 2)
        bound = Bound(self, chunk)
        alive = low - 1  # low - 1 stands for a value known to be good
        while True:
            open_ = np.flatnonzero(dead - alive > 1)
            if not len(open_):
                return low, dead
            middle = (alive[open_] + dead[open_]) // 2
            beaten = bound(open_, middle) > self.ceiling
            dead[open_[beaten]] = middle[beaten]
            alive[open_[~beaten]] = middle[~beaten]


class Bound:
    """The lower bound of the module's head for the prefixes of one chunk."""

    def __init__(self, search: Search, chunk: Chunk):
        self.search, self.chunk = search, chunk
        self.span, self.reach = search.target.span, search.target.reach
        self.settled = search._settled(chunk.coins)
        self.counts: list[np.ndarray] = []

    def _count(self, j: int) -> np.ndarray:
        """Return #{n' <= n: d(n') <= j} for all lags n and prefixes."""
        while len(self.counts) <= j:
            paid = self.chunk.coins <= len(self.counts)
            self.counts.append(np.cumsum(paid, axis=0, dtype=np.int32))
        return self.counts[j]

    def __call__(self, which: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Return the bound for the prefixes ``which``, the next dilation being at least ``s``."""
        r, m = self.chunk.left, self.span
        total = self.settled[s - 1, which].astype(np.int64)
        levels = range(self.search.cut) if self.reach is None else [self.reach]
        for j in levels:
            paid = (self._count(j)[m, which] - self._count(j)[s - 1, which]).astype(np.int64)
            lags = m + 1 - s
            for b in range(1, j + 1):
                room = m - b * s
                fits = room >= 0
                if not fits.any():
                    break
                below = self._count(j - b)[np.maximum(room, 0), which]
                # more sums than there are lags are as good as all
                paid += min(comb(b + r - 1, r - 1), m + 1) * (below * fits)
            missing = np.maximum(lags - paid, 0)
            total += missing
            if not missing.any() or np.all(total > self.search.ceiling):
                break  # the rest adds nothing, or no longer matters
        return total
