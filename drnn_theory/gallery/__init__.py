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
from drnn_theory.gallery.figure import PaperFigure
from drnn_theory.gallery.graphs import GRAPHS
from drnn_theory.gallery.means import MEANS
from drnn_theory.gallery.measurements import MEASUREMENTS
from drnn_theory.venues import venue_style
from drnn_theory.writing import (
    FORMATS,
    as_folder,
    make_folder,
    replacing,
    rows_as_csv,
    write_picture,
)

__all__ = ["FIGURES", "PaperFigure", "write_figures"]

FIGURES: dict[str, PaperFigure] = {f.name: f for f in (*GRAPHS, *MEANS, *MEASUREMENTS)}
"""Name -> figure, in the order of a paper."""


def write_figures(
    names: Iterable[str] = (),
    out: str | Path = "figures",
    *,
    venue: str = "neurips",
    formats: Iterable[str] = ("pdf",),
) -> list[Path]:
    """Write figures into a folder and return the files: all of them, or those named.

    Each has its picture in every format, the numbers behind it (CSV), a caption of one line (txt)
    and, where it compares, a table for the LaTeX package booktabs (tex). Pictures have the width,
    the sizes and the fonts of the venue, and the same bytes on every run. Raises ValueError or
    TypeError for an unknown name, venue or format, before anything is written.

    >>> import tempfile
    >>> files = write_figures(["zoo"], tempfile.mkdtemp(), formats=["svg"])
    >>> [file.name for file in files]
    ['zoo.svg', 'zoo.csv', 'zoo.txt', 'zoo.tex']
    """
    chosen, formats = _among(FIGURES, names, "names"), _among(FORMATS, formats, "formats")
    venue_style(venue)
    folder = as_folder(out)
    make_folder(folder)
    files = []

    def write(name: str, text: str) -> None:
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        files.append(folder / name)

    with mpl.rc_context():
        for name in tqdm(chosen or FIGURES, desc="figures", unit="figure", disable=None):
            figure = FIGURES[name]
            drawn = figure.draw(venue)
            with mpl.rc_context(venue_style(venue)):  # fonts are looked up when it is saved
                for kind in formats:
                    files.append(folder / f"{name}.{kind}")
                    write_picture(drawn, files[-1])
            write(f"{name}.csv", rows_as_csv(figure.rows, figure.provenance))
            write(f"{name}.txt", f"{figure.full_caption}\n")
            if figure.table is not None:
                write(f"{name}.tex", figure.latex())
    return files


def _among(known: Collection[str], values: Any, what: str) -> list[str]:
    """Return the values as a list if all of them are known."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{what} must be a list, got {shown(values)}")
    values = list(values)
    return [one_of(value, what.removesuffix("s"), known) for value in values]
