"""Styles of venues: width, font sizes and fonts of figures, from tueplots.

Nothing here is set for good: a style is a dictionary for ``matplotlib.rc_context``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from matplotlib import font_manager
from tueplots import bundles

from drnn_theory.reading import read_word

__all__ = ["VENUES", "venue_style"]


def _latest_bundles() -> dict[str, Callable[..., dict[str, Any]]]:
    """Return the bundle of the latest year for each venue that tueplots knows."""
    dated = sorted(
        (match[1], int(match[2]), getattr(bundles, name))
        for name in dir(bundles)
        if (match := re.fullmatch(r"([a-z]+)(\d{4})", name))
    )
    return {venue: bundle for venue, _, bundle in dated}


VENUES = _latest_bundles()
"""Name of a venue: tueplots' bundle of settings."""


FALLBACKS = (
    "DejaVu Sans",  # which comes with matplotlib
    *("Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "WenQuanYi Micro Hei", "Microsoft YaHei"),
    *("SimHei", "MS Gothic", "Malgun Gothic", "Arial Unicode MS"),
)
"""Fonts for the letters of a name that the venue's have not, as far as they are installed."""


def venue_style(venue: str, *, wide: bool = True) -> dict[Any, Any]:
    """Return matplotlib's settings for a venue; ``wide`` spans both columns where it has two.

    Text is set by matplotlib, not by LaTeX, so that no LaTeX is needed. Of the venue's fonts the
    first that is installed as TrueType is taken, since matplotlib cannot embed another kind in a
    PDF as print wants it, and STIX, which is like Times and comes with matplotlib, where none is.
    Letters that these have not are taken from others.
    Case, and a year, do not matter; ValueError for a venue that tueplots does not know.

    >>> venue_style("neurips")["figure.figsize"][0], venue_style("icml", wide=False)["font.size"]
    (5.5, 8)
    """
    bundle = VENUES[read_word(venue, "venue", VENUES)]
    accepted = inspect.signature(bundle).parameters
    options = {"usetex": False, "column": "full" if wide else "half"}
    style = bundle(**{key: value for key, value in options.items() if key in accepted})
    fonts = _embeddable(style.get("font.serif", ()))
    return {
        **style,
        "text.usetex": False,
        "text.latex.preamble": "",
        # for each letter the first of them that has it
        "font.family": ["serif", *_embeddable(FALLBACKS)],
        "font.serif": [*fonts[:1], "STIXGeneral"],
        "mathtext.fontset": "stix",
        "pdf.fonttype": 42,  # Type 3, matplotlib's default, is refused by submission systems
        "ps.fonttype": 42,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
    }


def _embeddable(fonts: Iterable[str]) -> list[str]:
    """Return those that are installed as TrueType."""
    installed = set(font_manager.get_font_names())
    return [name for name in fonts if name in installed and _is_truetype(name)]


def _is_truetype(font: str) -> bool:
    with open(font_manager.findfont(font), "rb") as file:
        return file.read(4) in (b"\0\1\0\0", b"true")
