"""A figure for a paper: numbers, a drawing of them, a caption, a table."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from drnn_theory.architectures import Architecture, as_architecture
from drnn_theory.checks import as_integer, shown
from drnn_theory.figures.venues import venue_style
from drnn_theory.latex import figure_environment, table_environment
from drnn_theory.tables import Table, convention, spoken
from drnn_theory.writing import replacing, write_picture

__all__ = ["PaperFigure", "Rows", "column"]

Rows = Sequence[Mapping[str, Any]]

WIDTH, TICKS = 5.5, 7
"""Of a page in inches and of the labels at ticks in points, as most venues have them."""
EMBEDDED = {"pdf.fonttype": 42, "ps.fonttype": 42}
"""Fonts as submission systems take them."""
LEAST_HEIGHT = 1.5
"""Inches that axes keep below a legend, with their labels."""


def _make_room(figure: Figure) -> None:
    """Make a figure higher where its legend, of many or long names, would leave axes no room."""
    above = [*figure.legends]
    above += [legend for ax in figure.axes if (legend := ax.get_legend()) is not None]
    renderer = FigureCanvasAgg(figure).get_renderer()
    tallest = max((one.get_window_extent(renderer).height for one in above), default=0.0)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, max(height, tallest / figure.dpi + LEAST_HEIGHT))


class _Drawing(Figure):
    """A figure that Jupyter shows although pyplot does not know of it, saved in its own style."""

    style: Mapping[Any, Any] = EMBEDDED

    def savefig(self, fname: Any, **options: Any) -> None:
        with mpl.rc_context({**self.style}):  # fonts are looked up when a figure is saved
            super().savefig(fname, **options)

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
    """() -> the numbers, as rows or as a table that says where they come from; anything else,
    if ``rows_of`` makes rows of it."""
    paint: Callable[[Any, Figure], None]
    """(numbers, empty figure) -> None; the figure has its size."""
    height: float
    """Inches."""
    describe: Callable[[Rows], str]
    """rows -> what the figure shows, in words and with its main numbers."""
    wide: bool = True
    """Whether it takes both columns of a venue that has two."""
    about: Mapping[str, Any] = field(default_factory=lambda: {"convention": convention()})
    """Span and convention, where one holds for all of it; None where nothing is averaged."""
    rows_of: Callable[[Any], Table | Rows] | None = None
    """The numbers as rows, one per line of the CSV."""
    compared: Callable[[Rows], Rows] | None = None
    """rows -> those of a table that fits on a page, for comparisons."""
    table_caption: str = ""
    """One line above that table; the figure's own unless given."""
    own: Callable[[Mapping[str, Architecture], int | None, bool], PaperFigure] | None = None
    """(architectures, span, only) -> the figure of these, where architectures are compared."""

    @cached_property
    def numbers(self) -> Any:
        """What is drawn, computed once.

        >>> from drnn_theory import FIGURES
        >>> [panel.title for panel in FIGURES["stacks"].numbers]
        ['dilations 1, 2, 4', 'dilations 2, 4 with fusion']
        """
        return self.compute()

    @property
    def table(self) -> Table:
        """The numbers behind the figure as a table, with span, convention and where they come from.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["zoo"].table.about["span"], len(FIGURES["mrl_against_span"].table)
        (64, 65)
        """
        rows = self.numbers if self.rows_of is None else self.rows_of(self.numbers)
        table = rows if isinstance(rows, Table) else Table(rows)
        own = {"span": None, "convention": None, **self.about}
        return replace(table, about={k: v for k, v in own.items() if k not in table.columns})

    @property
    def rows(self) -> Rows:
        """The numbers behind the figure, one dictionary per row.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["speed"].rows[0]["cell"]
        'RNN'
        """
        return self.table.rows

    @property
    def full_caption(self) -> str:
        """The caption with span, convention and where the numbers come from, in one line.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["zoo"].full_caption[133:]
        'Lags 1..64, vertical edges counted; version 0.1.0.'
        """
        said = "; ".join(part for part in (self._lags(), spoken(self.table.where)) if part)
        return f"{self.caption} {_sentence(said)}"

    @property
    def alternative_text(self) -> str:
        """What the figure shows, in words and with its main numbers, for those who cannot see it.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["clockwork_phases"].alternative_text.split(". ")[0]
        'Lines of the shortest path length d(n), in edges, against the lag n, 0 to 24'
        """
        return self.describe(self.rows)

    def of(
        self,
        architectures: Mapping[str, Architecture],
        *,
        span: int | None = None,
        only: bool = False,
    ) -> PaperFigure:
        """Return the figure with these architectures, beside the paper's, or ``only`` these.

        Raises ValueError for a figure that compares no architectures, and for a name that the
        figure has already.

        >>> from drnn_theory import FIGURES
        >>> own = FIGURES["zoo"].of({"mine": [1, 5, 18, 25]}, span=99, only=True)
        >>> own.rows[0]["architecture"], own.rows[0]["exactly"]
        ('mine', Fraction(785, 99))
        """
        if self.own is None:
            raise ValueError(
                f"{self.name} compares no architectures: draw it without any, got "
                f"{shown(list(architectures))}"
            )
        if not isinstance(architectures, Mapping) or not architectures:
            raise ValueError(
                "architectures must be a dictionary of one or more names and architectures, "
                f"got {shown(architectures)}"
            )
        checked = {str(name): as_architecture(a) for name, a in architectures.items()}
        return self.own(checked, None if span is None else as_integer(span, "span"), only)

    def _lags(self) -> str:
        """Return over which lags paths are averaged, and what counts, empty where nothing is."""
        table = self.table
        said = {
            key: table.about[key] if key in table.about else _only(table, key)
            for key in ("span", "convention")
        }
        span = "span" if said["span"] is None else str(said["span"])
        return "" if said["convention"] is None else said["convention"].replace("span", span)

    def draw(self, venue: str | None = None, *, width: float | None = None) -> Figure:
        """Return the figure, drawn in the style of a venue, or in the current style for None.

        Without a venue it grows with the current style's text, so that it looks as it does on
        paper. It is as wide as the venue has it unless a ``width`` in inches is given. pyplot does
        not know of it: as the last line of a cell it is shown once. Its ``savefig`` keeps the
        venue's style, and embeds fonts that submission systems take.

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
                size = (width or larger * WIDTH, larger * self.height)
            else:
                size = (width or style["figure.figsize"][0], self.height)
            figure = _Drawing(figsize=size, layout="constrained")
            figure.style = {**style, **EMBEDDED}
            self.paint(self.numbers, figure)
            _make_room(figure)
        return figure

    def latex_figure(self) -> str:
        r"""Return the figure environment that shows the picture, with caption and label.

        It needs the package graphicx. Span and convention close the caption; where the numbers come
        from is a comment.

        >>> from drnn_theory import FIGURES
        >>> print(FIGURES["engines"].latex_figure()[-36:], end="")
          \label{fig:engines}
        \end{figure*}
        """
        lags = self._lags()
        caption = f"{self.caption} {_sentence(lags)}" if lags else self.caption
        return figure_environment(self.name, caption, spoken(self.table.where), wide=self.wide)

    def latex_table(self, *, width: float = 5.5) -> str:
        r"""Return the comparison in a table environment, with caption and label, for booktabs.

        Raises ValueError where there is none.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["zoo"].latex_table().splitlines()[4]
        '  \\label{tab:zoo}'
        """
        lags = self._lags()
        caption = self.table_caption or self.caption
        return table_environment(
            self.name,
            self.latex(width=width).rstrip(),
            f"{caption} {_sentence(lags)}" if lags else caption,
            spoken(self.table.where),
            wide=self.wide,
        )

    def latex(self, *, width: float = 5.5) -> str:
        r"""Return the comparison as a LaTeX table for the package booktabs; ValueError if none.

        It is no wider than a page of ``width`` inches.

        >>> from drnn_theory import FIGURES
        >>> FIGURES["optimal_schemes"].latex().splitlines()[1]
        '\\begin{tabular}{@{}rlrrrr@{}}'
        """
        if self.compared is None:
            raise ValueError(f"{self.name} must be a comparison to have a table, got a drawing")
        return f"{Table(self.compared(self.rows)).to_latex(width=width)}\n"

    def write(self, folder: Path, venue: str, formats: Iterable[str]) -> list[Path]:
        """Write pictures, numbers (CSV), the caption to be read (txt), the figure for LaTeX (tex).

        The file to be read has the alternative text, too, on a line of its own. A comparison has
        its table in a file of its own, NAME_table.tex.

        >>> from tempfile import TemporaryDirectory
        >>> from drnn_theory import FIGURES
        >>> with TemporaryDirectory() as folder:
        ...     files = FIGURES["engines"].write(Path(folder), "neurips", ["svg"])
        >>> [file.name for file in files]
        ['engines.svg', 'engines.csv', 'engines.txt', 'engines.tex']
        """
        files = []
        with mpl.rc_context(venue_style(venue)):  # fonts are looked up when it is saved
            drawn = self.draw(venue)
            for kind in formats:
                files.append(folder / f"{self.name}.{kind}")
                write_picture(drawn, files[-1], self.name, self.alternative_text)
        texts = {
            f"{self.name}.csv": self.table.to_csv(),
            f"{self.name}.txt": f"{self.full_caption}\n{self.alternative_text}\n",
            f"{self.name}.tex": self.latex_figure(),
        }
        if self.compared is not None:
            width = venue_style(venue)["figure.figsize"][0]
            texts[f"{self.name}_table.tex"] = self.latex_table(width=width)
        for name, text in texts.items():
            files.append(folder / name)
            with replacing(files[-1]) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return files

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.name)}</b>: {escape(self.full_caption)}"


def column(rows: Rows, name: str) -> list[float]:
    """Return the numbers of one column."""
    return [float(row[name]) for row in rows]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _only(table: Table, column: str) -> Any:
    """Return the value that a column has in every row, None if there are several."""
    values = {row[column] for row in table}
    return values.pop() if len(values) == 1 else None
