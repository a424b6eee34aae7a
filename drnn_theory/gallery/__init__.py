"""The figures for a paper: every one with its numbers, its caption and, if it compares, a table.

What is measured (speeds, studies) is read from the tables that come with the package, never
measured here; everything else is computed.

>>> FIGURES["engines"].caption[:58]
'Median time to compute d(0..span) of dilations 1, 2, 4, ..'
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from tqdm import tqdm

from drnn_theory.architectures import Architecture
from drnn_theory.checks import one_of, shown
from drnn_theory.figures.venues import venue_style
from drnn_theory.gallery.computed import COMPUTED
from drnn_theory.gallery.figure import PaperFigure
from drnn_theory.gallery.gradient_flow import GRADIENT_FLOW
from drnn_theory.gallery.learned import LEARNED
from drnn_theory.gallery.orders import ORDER_FIGURES
from drnn_theory.gallery.recovered import RECOVERED
from drnn_theory.gallery.speeds import SPEEDS
from drnn_theory.gallery.unfolded import UNFOLDED
from drnn_theory.writing import FORMATS, as_folder, make_folder

__all__ = ["FIGURES", "PaperFigure", "not_comparing", "write_figures"]

FIGURES: dict[str, PaperFigure] = {
    figure.name: figure
    for figures in (UNFOLDED, COMPUTED, ORDER_FIGURES, GRADIENT_FLOW, SPEEDS, RECOVERED, LEARNED)
    for figure in figures
}
"""Name -> figure, in the order of a paper."""


def write_figures(
    names: Iterable[str] = (),
    out: str | Path = "figures",
    *,
    architectures: Mapping[str, Architecture] | None = None,
    only: bool = False,
    span: int | None = None,
    venue: str = "neurips",
    formats: Iterable[str] = ("pdf",),
) -> list[Path]:
    """Write figures into a folder and return the files: all of them, or those named.

    Each has its picture in every format, the numbers behind it (CSV), a caption and an alternative
    text of one line each (txt), the figure with caption and label for LaTeX (NAME.tex, which needs
    graphicx) and, where it compares, a table with its own (NAME_table.tex, which needs booktabs).
    Pictures have the width, the sizes and the fonts of the venue, and the same bytes on every run.

    ``architectures``, by their names, are drawn beside the paper's, or alone where ``only`` is set,
    over the lags 1..``span`` (the figure's own unless given): in all figures that compare
    architectures, or in those named. Raises ValueError or TypeError for an unknown name, venue or
    format, and for a figure that compares none, before anything is written.

    >>> import tempfile
    >>> files = write_figures(["zoo"], tempfile.mkdtemp(), formats=["svg"])
    >>> [file.name for file in files]
    ['zoo.svg', 'zoo.csv', 'zoo.txt', 'zoo.tex', 'zoo_table.tex']
    """
    chosen, formats = _among(FIGURES, names, "names"), _among(FORMATS, formats, "formats")
    venue_style(venue)
    figures = [FIGURES[name] for name in chosen or FIGURES]
    if architectures is not None:
        if not chosen:
            figures = [figure for figure in figures if figure.own is not None]
        figures = [figure.of(architectures, span=span, only=only) for figure in figures]
    elif only or span is not None:
        raise ValueError("only and span must be given with architectures, got none")
    folder = as_folder(out)
    make_folder(folder)
    files: list[Path] = []
    with mpl.rc_context():
        for figure in tqdm(figures, desc="figures", unit="figure", disable=None):
            files += figure.write(folder, venue, formats)
    return files


def not_comparing() -> list[str]:
    """Return the names of the figures that compare no architectures.

    >>> "engines" in not_comparing(), "zoo" in not_comparing()
    (True, False)
    """
    return [name for name, figure in FIGURES.items() if figure.own is None]


def _among(known: Collection[str], values: Any, what: str) -> list[str]:
    """Return the values as a list if all of them are known."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{what} must be a list, got {shown(values)}")
    values = list(values)
    return [one_of(value, what.removesuffix("s"), known) for value in values]
