"""The best dilations for a span, with a certificate that says how much of it is proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import comb
from typing import Literal

import numpy as np
from tqdm import tqdm

from drnn_theory.checks import as_integer, one_of
from drnn_theory.design.bounds import best_exponential, counting_bound, edges_needed, least_total
from drnn_theory.design.branching import Search, Target, cost
from drnn_theory.design.chains import best_chains, deepest_chain
from drnn_theory.design.descent import descents, first_scheme
from drnn_theory.design.published import machine_checked
from drnn_theory.design.results import Certificate, Design
from drnn_theory.paths.stacks import fewest_coins

__all__ = ["optimal_dilations"]

LONGEST_SPAN = 100_000
EFFORT = 2 * 10**9
DELAY = 1  # seconds after which a bar is shown
QUICK = 2 * 10**8  # the effort of a local search that prepares an exact one


def optimal_dilations(
    span: int,
    layers: int | None = None,
    *,
    lags_per_layer: int = 1,
    within: Literal["all", "divisor_chains"] = "all",
    largest: int | None = None,
    objective: Literal["mean", "worst"] = "mean",
    seed: int = 0,
    effort: int = EFFORT,
    most_schemes: int = 2000,
    progress: bool | None = None,
) -> Design:
    r"""Return the schemes of least mean recurrent length over the lags 1..span.

    ``within`` names the class: "all" sets of distinct dilations :math:`1 = s_1 < .. < s_L` within
    the span, or the "divisor_chains" :math:`1 = s_1 | s_2 | .. | s_L` within it. With ``largest``
    the largest dilation is that; among divisor chains ``largest=span`` gives the class of
    Theorem 3.1 [1]. Without ``layers`` the depth is chosen too, vertical edges counted.
    ``objective="worst"`` minimises the longest of the shortest paths instead (schemes then come by
    their mean).

    With R = ``lags_per_layer`` above 1 every layer has R recurrent lags, and a scheme is all
    :math:`L R` of them in rising order: any way of sharing them out among the layers has the same
    paths (proofs/lags_per_layer.md), while the vertical edges are L only.

    Divisor chains are exact. Otherwise the search is exhaustive where random dives into it, drawn
    from ``seed``, promise an ``effort`` (lags looked at) that is allowed, and local search where
    not; the certificate says which, with a lower bound and the gap, and which answers a proof
    assistant has accepted, too. The answer depends on nothing
    but the arguments; Ctrl-C ends the search with the best so far. A bar is shown on a terminal
    after a second (``progress``: always or never). More than ``most_schemes`` ties are not listed.

    Raises ValueError or TypeError for what cannot be.

    [1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.

    >>> best = optimal_dilations(99, 4)
    >>> best.schemes, best.mrl
    ([(1, 5, 18, 25), (1, 5, 18, 29)], Fraction(785, 99))
    >>> optimal_dilations(27, 4, within="divisor_chains", largest=27).schemes
    [(1, 3, 9, 27)]
    >>> wide = optimal_dilations(99, 2, lags_per_layer=2)  # the same lags, two edges less
    >>> wide.schemes[0], best.mrl - wide.mrl
    ((1, 5, 18, 25), Fraction(2, 1))
    """
    span = as_integer(span, "span")
    width = as_integer(lags_per_layer, "lags_per_layer")
    layers = None if layers is None else as_integer(layers, "layers")
    largest = None if largest is None else as_integer(largest, "largest")
    seed, effort = as_integer(seed, "seed", minimum=0), as_integer(effort, "effort")
    most_schemes = as_integer(most_schemes, "most_schemes")
    one_of(within, "within", ("all", "divisor_chains"))
    one_of(objective, "objective", ("mean", "worst"))
    _require_possible(span, layers, within, largest, width)
    if within == "divisor_chains":
        if objective == "worst":
            raise ValueError("objective must be 'mean' within 'divisor_chains', got 'worst'")
        return _design_of_chains(span, layers, largest, most_schemes)
    with tqdm(
        desc=f"dilations for span {span}",
        unit=" lags",
        unit_scale=True,
        delay=DELAY,
        leave=False,
        disable=None if progress is None else not progress,
    ) as bar:
        worst = objective == "worst"
        hunt = Hunt(span, largest, worst, seed, effort, most_schemes, bar.update, width)
        try:
            if layers is None:
                hunt.any_depth()
            else:
                hunt.depth(layers)
        except KeyboardInterrupt:
            hunt.interrupted = True
    return hunt.design(layers)


def _design_of_chains(span: int, layers: int | None, largest: int | None, most: int) -> Design:
    deepest = deepest_chain(span, largest)
    depths = [layers] if layers is not None else list(range(1, deepest + 1))
    total, schemes, complete = best_chains(span, depths, largest, most)
    searched = _class("divisor chains 1 = s_1 | s_2 | ..", span, layers, largest)
    certificate = Certificate(
        searched, "dynamic programming", True, complete, Fraction(total, span), Fraction(0)
    )
    depth = len(schemes[0])
    return Design(
        span,
        "mean",
        schemes,
        certificate,
        best_exponential(span, depth),
        counting_bound(span, depth),
    )


@dataclass
class Hunt:
    """The best so far, at one depth after another, and a lower bound for every depth looked at.

    A value is what is minimised, in units: a mean in units of 1 / span, or a longest path.
    """

    span: int
    largest: int | None
    worst: bool
    seed: int
    effort: int
    most: int
    report: Callable[[int], object]
    width: int = 1  # lags per layer: layers are counted in vertical edges, lags in coins
    value: int | None = None
    schemes: set[tuple[int, ...]] = field(default_factory=set)
    lower: dict[int, int] = field(default_factory=dict)
    listed: set[int] = field(default_factory=set)  # depths of which every scheme this good is known
    interrupted: bool = False

    @property
    def unit(self) -> int:
        """How many units one edge on every path is."""
        return 1 if self.worst else self.span

    def any_depth(self) -> None:
        """Look at all depths that the counting bound leaves, the most promising first."""
        deepest = (self.largest or self.span) // self.width
        shallowest = 1 + ((self.largest or 1) > 1 and self.width == 1)
        for layers in range(shallowest, min(deepest, 8) + 1):
            self._offer(first_scheme(self._target(layers)))
        assert self.value is not None
        # L layers are worth at least L + 1 edges on every path
        depths = range(shallowest, max(shallowest, self.value // self.unit - 1) + 1)
        self.lower = {L: self._counted(L) for L in depths if deepest >= L}
        for layers in sorted(self.lower, key=self.lower.__getitem__):
            if self.lower[layers] <= self.value:
                self.depth(layers)

    def depth(self, layers: int) -> None:
        """Look for the best schemes of one depth, exhaustively if that can be afforded."""
        self.lower[layers] = self._counted(layers)
        self._descend(self._target(layers), 1)
        if self.worst:
            self._least_longest(layers)
        else:
            self._least_mean(layers)

    def _least_mean(self, layers: int) -> None:
        target = self._target(layers)
        self._descend(target, self._quick(target))
        ceiling = self._ceiling(target)
        if ceiling < 0:
            return
        attained = self.value == self._counted(layers)  # the search only lists equals
        if attained or self._promised(target) <= self.effort:
            search = Search(target, ceiling, self.most)
            done = self._run(search)
            if done:
                least = search.ceiling + (search.overflow or not search.schemes)
                self.lower[layers] = layers * self.span + least
            if done or attained:
                return
        self._descend(target, 4 * self.effort)

    def _least_longest(self, layers: int) -> None:
        """Find by local search how few edges reach all, and exclude fewer by exact search."""
        start = self._target(layers)
        self._descend(start, self._quick(start))
        high, low = self._ceiling(start), edges_needed(self.span, layers * self.width)
        while high > low:
            fewer = self._target(layers, high - 1)
            if self._descend(fewer, self._quick(fewer)):
                break
            high = self._ceiling(start)
        for reach in range(low, high + 1):
            self.lower[layers] = layers + reach
            self.listed.discard(layers)
            target = self._target(layers, reach)
            attained = reach == high and any(self._depth(s) == layers for s in self.schemes)
            if not attained and self._promised(target) > self.effort:
                return
            search = Search(target, 0, self.most)
            if not self._run(search) or search.schemes or search.overflow:
                return
            self.lower[layers] += 1

    # ------------------------------------------------------------------ the pieces

    def _target(self, layers: int, reach: int | None = None) -> Target:
        return Target(self.span, layers * self.width, self.largest, reach)

    def _depth(self, lags: tuple[int, ...] | Target) -> int:
        """Return how many layers have the lags of a scheme, or as many as a target."""
        return (lags.layers if isinstance(lags, Target) else len(lags)) // self.width

    def _counted(self, layers: int) -> int:
        lags = layers * self.width
        if self.worst:
            return layers + edges_needed(self.span, lags)
        return layers * self.span + least_total(self.span, lags)

    def _ceiling(self, target: Target) -> int:
        """Return what a scheme may cost to be as good as the best so far."""
        assert self.value is not None
        return 0 if target.reach is not None else self.value - self._depth(target) * self.unit

    def _promised(self, target: Target) -> int:
        """Return what effort exhaustive search seems to need."""
        free = target.layers - len(target.given)
        if not free:
            return self.span
        every = comb(target.limit - 1, free) * self.span
        if every <= 10**6:
            return every
        return Search(target, self._ceiling(target), self.most).estimate(self.seed)

    def _quick(self, target: Target) -> int:
        """Return how much local search is worth it before an exact one."""
        return min(QUICK, self._promised(target) // 2)

    def _descend(self, target: Target, budget: int) -> int:
        """Search locally; return the least cost found."""
        least = None
        for scheme, total, effort in descents(target, seed=self.seed, budget=budget):
            self._offer(scheme)
            self.report(effort)
            least = total if least is None else min(least, total)
            if self.value == self._counted(self._depth(target)):  # nothing is better
                break
        assert least is not None
        return least

    def _run(self, search: Search) -> bool:
        """Search exhaustively, as far as the effort goes; take over what is found in any case."""
        done = False
        try:
            done = search.run(self.effort, self.report)
        finally:
            for scheme in search.schemes:
                self._offer(scheme)
        if done and not search.overflow:
            self.listed.add(self._depth(search.target))
        return done

    def _offer(self, scheme: tuple[int, ...]) -> None:
        coins = fewest_coins(scheme, self.span)
        total = int(coins.max()) if self.worst else int(coins.sum(dtype=np.int64))
        value = self._depth(scheme) * self.unit + total
        if self.value is None or value < self.value:
            self.value, self.schemes = value, set()
        if value == self.value and len(self.schemes) < self.most:
            self.schemes.add(scheme)

    def _machine(self, layers: int | None) -> str | None:
        """Return the file that proves the optima of this class by machine, if any does."""
        if self.worst or self.largest is not None or layers is None:
            return None
        return machine_checked(self.span, layers * self.width)  # the lags: means.v, wide_optima

    def design(self, layers: int | None) -> Design:
        """Return what was found."""
        if self.value is None:  # interrupted at once
            self._offer(
                first_scheme(
                    self._target(layers or (1 if self.width > 1 else min(2, self.largest or 1)))
                )
            )
        assert self.value is not None
        if not self.lower:
            self.lower = {L: self._counted(L) for L in [layers or 1]}
        lower = min(self.value, *self.lower.values())
        exhaustive = lower == self.value
        complete = all(L in self.listed for L in self.lower if self.lower[L] <= self.value)
        method = "branch and bound" if complete else "it attains a lower bound"
        certificate = Certificate(
            _class(self._sets, self.span, layers, self.largest) + self._each,
            method if exhaustive else "local search",
            exhaustive,
            exhaustive and complete,
            Fraction(lower, self.unit),
            Fraction(self.value - lower, lower),
            self.interrupted,
            self._machine(layers) if exhaustive and complete else None,
        )
        means = {
            s: cost(Target(self.span, len(s)), s) + self._depth(s) * self.span for s in self.schemes
        }
        schemes = sorted(self.schemes, key=lambda s: (means[s], len(s), s))
        lags, depth = len(schemes[0]), self._depth(schemes[0])
        return Design(
            self.span,
            "worst" if self.worst else "mean",
            schemes,
            certificate,
            best_exponential(self.span, lags, worst=self.worst),
            depth + counting_bound(self.span, lags, vertical=False),
            self.width,
        )

    @property
    def _sets(self) -> str:
        kind = "dilations" if self.width == 1 else "lags"
        return f"sets of distinct {kind} 1 = s_1 < .."

    @property
    def _each(self) -> str:
        return "" if self.width == 1 else f", {self.width} lags in each"


# ---------------------------------------------------------------------- what is asked for


def _class(kind: str, span: int, layers: int | None, largest: int | None) -> str:
    """Return the class of schemes in words."""
    depth = "of any depth" if layers is None else f"with {layers} layers"
    return f"all {kind} {f'<= {span}' if largest is None else f'= {largest}'} {depth}"


def _require_possible(
    span: int, layers: int | None, within: str, largest: int | None, width: int
) -> None:
    """Refuse what no scheme is, before any work."""
    if within == "divisor_chains" and width > 1:
        raise ValueError(
            f"lags_per_layer must be 1 within 'divisor_chains', got {width}; "
            "within='all' takes more"
        )
    if largest is not None and largest > span:
        raise ValueError(f"largest must be at most the span {span}, got {largest}")
    if within == "all" and span > LONGEST_SPAN:
        raise ValueError(
            f"span must be at most {LONGEST_SPAN} within 'all' "
            f"(within='divisor_chains' reaches further), got {span}"
        )
    limit = span if largest is None else largest
    if width > 1 and (layers or 1) * width > limit:
        raise ValueError(
            f"layers * lags_per_layer must be at most {limit}, the number of distinct lags up to "
            f"{limit}, got {layers or 1} * {width}"
        )
    if layers is None:
        return
    if layers > limit:
        raise ValueError(
            f"layers must be at most {limit}, the number of distinct dilations up to {limit}, "
            f"got {layers}"
        )
    if layers == 1 and width == 1 and (largest or 1) > 1:
        raise ValueError(f"largest must be 1 for one layer, whose dilation is 1, got {largest}")
    if within == "divisor_chains" and layers > (deepest := deepest_chain(span, largest)):
        where = f"within {span}" if largest is None else f"from 1 to {largest}"
        raise ValueError(
            f"layers must be at most {deepest} for a divisor chain {where}, got {layers}"
        )
