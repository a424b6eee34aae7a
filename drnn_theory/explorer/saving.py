"""The figure for a paper: the drawing that the page shows, mark for mark, on a sheet of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

from drnn_theory.explorer.drawing import PAGE, Sheet, layout
from drnn_theory.explorer.scene import UNITS_PER_INCH, to_figure
from drnn_theory.explorer.views import View
from drnn_theory.figures.venues import VENUES, venue_style

__all__ = ["SHEETS", "checked_file", "save_figure", "sheet_of"]

FORMATS = (".pdf", ".svg", ".png")
PRINT: dict[Any, Any] = {"pdf.fonttype": 42, "ps.fonttype": 42}
"""Fonts that submission systems take; a venue's style says so itself."""


def sheet_of(venue: str | None = None, *, wide: bool = True, width: float | None = None) -> Sheet:
    """Return the sheet of a venue: its width, one column or all, and its size of small letters.

    Without a venue it is the page's, ``width`` inches wide.

    >>> sheet_of("neurips").width / 96, sheet_of(width=7).width / 96
    (5.5, 7.0)
    """
    if venue is None:
        if width is None:
            return PAGE
        if isinstance(width, bool | str) or not 2 <= width <= 20:
            raise ValueError(f"width must be 2 to 20 inches, got {width!r}")
        return Sheet(width * UNITS_PER_INCH)
    if width is not None:
        raise ValueError(f"width must be left out with a venue, which has its own, got {width!r}")
    style = venue_style(venue, wide=wide)
    size = float(style["legend.fontsize"]) * UNITS_PER_INCH / 72
    font = ", ".join([*style["font.serif"], "serif"])
    return Sheet(style["figure.figsize"][0] * UNITS_PER_INCH, size, font)


def _sheets() -> dict[str, dict[str, Any]]:
    """Return the options of every venue, with one column of those that have two, by its words."""
    sheets: dict[str, dict[str, Any]] = {}
    for venue in VENUES:
        sheets[venue] = {"venue": venue}
        if sheet_of(venue, wide=False) != sheet_of(venue):
            sheets[f"{venue}, one column"] = {"venue": venue, "wide": False}
    return sheets


SHEETS = _sheets()


def checked_file(file: str) -> Path:
    """Return the path of a figure; ValueError for another format or a folder that is not there."""
    path = Path(file.strip()).expanduser()
    if path.suffix.lower() not in FORMATS or not path.stem:
        raise ValueError(f"file must be a name that ends in {', '.join(FORMATS)}, got {file!r}")
    if not path.parent.is_dir():
        raise ValueError(f"file must lie in a folder that exists, got {file!r}")
    return path


def save_figure(
    view: View,
    file: str,
    *,
    whole: bool = True,
    venue: str | None = None,
    wide: bool = True,
    width: float | None = None,
) -> Path:
    """Write what the explorer shows, PDF, SVG or PNG as the name says, and return where.

    ``whole`` draws all steps of the span, otherwise those up to the lag that is picked. The rest is
    as :func:`sheet_of` takes it.
    """
    path = checked_file(file)
    sheet = sheet_of(venue, wide=wide, width=width)
    style: dict[Any, Any] = PRINT if venue is None else venue_style(venue, wide=wide)
    # a venue's style crops to what is drawn, which would change the width
    with mpl.rc_context({**style, "savefig.bbox": None}):
        scene = layout(view, whole=whole, sheet=sheet)
        figure = to_figure(scene)
        try:
            figure.savefig(path, dpi=200, metadata={"Title": scene.about})
        except OSError as error:
            raise ValueError(f"file must be writable, got {error.strerror} for {file!r}") from None
    return path.resolve()
