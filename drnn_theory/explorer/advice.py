"""A better scheme, from the table that comes with the package or else by a search.

An architecture is compared with stacks that have the same number of layers, as
:func:`drnn_theory.costs.hidden_layers` counts them, and distinct dilations from 1 within the span:
the class of :func:`drnn_theory.optimal_dilations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from drnn_theory.design import best_exponential, load_optimal_schemes, optimal_dilations
from drnn_theory.explorer.views import View, number
from drnn_theory.measures import compute_mrl

__all__ = ["Best", "advise", "known", "search"]

EFFORT = 2 * 10**8
"""What a search may cost: up to some seconds."""


@dataclass(frozen=True)
class Best:
    """The best scheme known for a span and a number of layers, and how sure that is."""

    span: int
    layers: int
    scheme: tuple[int, ...]
    mrl: Fraction
    proved: bool


def known(span: int, layers: int) -> Best | None:
    """Return the best scheme of the shipped table, None for a span or depth that is not in it.

    >>> known(99, 4)
    Best(span=99, layers=4, scheme=(1, 5, 18, 25), mrl=Fraction(785, 99), proved=True)
    """
    return _table().get((span, layers))


def search(span: int, layers: int) -> Best:
    """Return the best scheme by the package's own search, within an effort of seconds."""
    optima = optimal_dilations(span, layers, effort=EFFORT, progress=False)
    proved = optima.certificate.exhaustive
    return Best(span, layers, optima.schemes[0], optima.mrl, proved)


def quick(span: int, layers: int) -> Best:
    """Return the best exponential scheme, which is shown until a search is done."""
    scheme = best_exponential(span, layers)
    return Best(span, layers, scheme, Fraction(compute_mrl(scheme, span, exact=True)), False)


def advise(view: View, best: Best, *, searching: bool = False) -> tuple[str, tuple[int, ...]]:
    """Return in words whether ``best`` is better than what is seen, and the scheme if it is.

    >>> from drnn_theory.explorer.choices import Choice
    >>> from drnn_theory.explorer.views import look
    >>> words, scheme = advise(look(Choice.of([1, 5, 18, 29]), 99), known(99, 4))
    >>> words
    'No stack of 4 distinct dilations is better over lags 1..99 (proved).'
    """
    stacks = "1 dilation" if best.layers == 1 else f"{best.layers} distinct dilations"
    lags = f"over lags 1..{best.span}"
    still = " Searching for the best .." if searching else ""
    if best.mrl >= view.mrl:
        if searching:
            return f"No better scheme is known yet.{still}", ()
        if best.proved:
            return f"No stack of {stacks} is better {lags} (proved).", ()
        return f"No better stack of {stacks} was found {lags} (local search, not proved).", ()
    kind = "proved best" if best.proved else "best exponential" if searching else "best found"
    less = "" if view.mrl == float("inf") else f", {float(1 - best.mrl / view.mrl):.1%} less"
    words = (
        f"Better with {stacks}: {', '.join(map(str, best.scheme))} has a mean of "
        f"{number(best.mrl)} {lags}{less} ({kind}).{still}"
    )
    return words, best.scheme


@lru_cache(maxsize=1)
def _table() -> dict[tuple[int, int], Best]:
    return {
        (row["span"], row["layers"]): Best(
            row["span"], row["layers"], row["schemes"][0], row["mrl"], row["exhaustive"]
        )
        for row in load_optimal_schemes()
    }
