"""The figures for a paper: every one with its numbers, its caption and, if it compares, a table.

What is measured (speeds, studies) is read from the tables that come with the package, never
measured here; everything else is computed.

>>> FIGURES["engines"].caption[:58]
'Median time to compute d(0..span) of dilations 1, 2, 4, ..'
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from tqdm import tqdm

from drnn_theory.checks import one_of, shown
from drnn_theory.figures.venues import venue_style
from drnn_theory.gallery.computed import COMPUTED
from drnn_theory.gallery.figure import PaperFigure
from drnn_theory.gallery.learned import LEARNED
from drnn_theory.gallery.measured import MEASURED
from drnn_theory.gallery.unfolded import UNFOLDED
from drnn_theory.writing import FORMATS, as_folder, make_folder

__all__ = ["FIGURES", "PaperFigure", "write_figures"]

FIGURES: dict[str, PaperFigure] = {f.name: f for f in (*UNFOLDED, *COMPUTED, *MEASURED, *LEARNED)}
"""Name -> figure, in the order of a paper."""


def write_figures(
    names: Iterable[str] = (),
    out: str | Path = "figures",
    *,
    venue: str = "neurips",
    formats: Iterable[str] = ("pdf",),
) -> list[Path]:
    """Write figures into a folder and return the files: all of them, or those named.

    Each has its picture in every format, the numbers behind it (CSV), a caption of one line to be
    read (txt), the figure with caption and label for LaTeX (NAME.tex, which needs graphicx) and,
    where it compares, a table (NAME_table.tex, which needs booktabs). Pictures have the width, the
    sizes and the fonts of the venue, and the same bytes on every run. Raises ValueError or
    TypeError for an unknown name, venue or format, before anything is written.

    >>> import tempfile
    >>> files = write_figures(["zoo"], tempfile.mkdtemp(), formats=["svg"])
    >>> [file.name for file in files]
    ['zoo.svg', 'zoo.csv', 'zoo.txt', 'zoo.tex', 'zoo_table.tex']
    """
    chosen, formats = _among(FIGURES, names, "names"), _among(FORMATS, formats, "formats")
    venue_style(venue)
    folder = as_folder(out)
    make_folder(folder)
    files: list[Path] = []
    with mpl.rc_context():
        for name in tqdm(chosen or FIGURES, desc="figures", unit="figure", disable=None):
            files += FIGURES[name].write(folder, venue, formats)
    return files


def _among(known: Collection[str], values: Any, what: str) -> list[str]:
    """Return the values as a list if all of them are known."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{what} must be a list, got {shown(values)}")
    values = list(values)
    return [one_of(value, what.removesuffix("s"), known) for value in values]
