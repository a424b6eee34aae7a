"""What a figure of the gallery is: numbers, a drawing of them, a caption, a table."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from drnn_theory.tables import as_latex
from drnn_theory.venues import venue_style
from drnn_theory.writing import VERSION

__all__ = ["PaperFigure", "Rows"]

Rows = Sequence[Mapping[str, Any]]

WIDTH, TICKS = 5.5, 7
"""Of a page in inches and of the labels at ticks in points, as most venues have them."""


class _Drawing(Figure):
    """A figure that Jupyter shows although pyplot does not know of it."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


@dataclass(frozen=True)
class PaperFigure:
    """One figure: how to compute its numbers and how to draw them, and what it shows in words.

    >>> from drnn_theory import FIGURES
    >>> FIGURES["clockwork_phases"].rows[0]
    {'input': 'worst', 'lag': 0, 'd(n)': 2.0}
    """

    name: str
    caption: str
    """One line."""
    compute: Callable[[], Any]
    """() -> the numbers; a list of rows, unless ``tabulate`` makes them so."""
    paint: Callable[[Any, Figure], None]
    """(numbers, empty figure) -> None; the figure has its size."""
    height: float
    """Inches."""
    wide: bool = True
    """Whether it takes both columns of a venue that has two."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Span and seed, where one holds for all of it; a span of None where there is none."""
    rows_of: Callable[[Any], Rows] = list
    """The numbers as rows, one per line of the CSV."""
    table: Callable[[Rows], list[dict[str, str]]] | None = None
    """rows -> the cells of a table that fits on a page, for comparisons."""

    @cached_property
    def numbers(self) -> Any:
        """What is drawn, computed once.

        >>> from drnn_theory import FIGURES
        >>> [panel.title for panel in FIGURES["stacks"].numbers]
        ['dilations 1, 2, 4', 'dilations 2, 4 with fusion']
        """
        return self.compute()

    @property
    def rows(self) -> Rows:
        """The numbers behind the figure, one dictionary per row.

        >>> from drnn_theory import FIGURES
        >>> len(FIGURES["mrl_against_span"].rows)
        65
        """
        return self.rows_of(self.numbers)

    @property
    def provenance(self) -> dict[str, Any]:
        """Span, convention, version and seed.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["zoo"].provenance["span"]
        64
        """
        about = {"span": "as shown", "vertical edges": "counted", "seed": "none", **self.about}
        return {**about, "span": about["span"] or "none", "version": VERSION}

    @property
    def full_caption(self) -> str:
        """The caption with span, convention, version and seed, in one line.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["zoo"].full_caption[132:186]
        ' Span: 64; vertical edges: counted; seed: none; drnn_t'
        """
        about = self.provenance
        lags = f"span: {about['span']}; vertical edges: {about['vertical edges']}; "
        averaged = "" if about["span"] == "none" else lags
        said = f"{averaged}seed: {about['seed']}; drnn_theory {about['version']}."
        return f"{self.caption} {said[0].upper()}{said[1:]}"

    def draw(self, venue: str | None = None) -> Figure:
        """Return the figure, drawn in the style of a venue, or in the current style for None.

        Without a venue it is as much larger as the current style's text is than a venue's. pyplot
        does not know of it: as the last line of a cell it is shown once.

        >>> from drnn_theory import FIGURES
        >>> figure = FIGURES["clockwork_phases"].draw("icml")
        >>> figure.get_size_inches().tolist()
        [3.25, 2.4]
        """
        style = {} if venue is None else venue_style(venue, wide=self.wide)
        with mpl.rc_context(style):
            if venue is None:
                ticks = FontProperties(size=mpl.rcParams["xtick.labelsize"])
                larger = ticks.get_size_in_points() / TICKS
                size = (larger * WIDTH, larger * self.height)
            else:
                size = (style["figure.figsize"][0], self.height)
            figure = _Drawing(figsize=size, layout="constrained")
            self.paint(self.numbers, figure)
        return figure

    def latex(self) -> str:
        r"""Return the comparison as a LaTeX table for the package booktabs; ValueError if none.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["optimal_schemes"].latex().splitlines()[1]
        '\\begin{tabular}{rlrrrr}'
        """
        if self.table is None:
            raise ValueError(f"{self.name} must be a comparison to have a table, got a drawing")
        table = as_latex(self.table(self.rows))
        return f"{{\\small\\setlength{{\\tabcolsep}}{{4pt}}%\n{table}}}\n"

    def _repr_html_(self) -> str:
        return f"<b>{self.name}</b>: {self.full_caption}"
