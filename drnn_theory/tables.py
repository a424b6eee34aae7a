"""Rows of plain values as text, as HTML, as LaTeX and as a pandas DataFrame."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from drnn_theory.checks import require_extra

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_frame", "as_html", "as_latex", "as_text"]


def as_text(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a text table.

    >>> print(as_text([{"dilations": (1, 2, 4), "mean": 4.25}]))
    dilations      mean
    -----------  ------
    1, 2, 4       4.250
    """
    return tabulate(_cells(rows), headers="keys", floatfmt=".3f")


def as_html(rows: list[dict[str, Any]], notes: Iterable[str] = ()) -> str:
    """Return the rows as an HTML table, with notes below as paragraphs."""
    table = tabulate(_cells(rows), headers="keys", tablefmt="html", floatfmt=".3f")
    return table + "".join(f"<p>{escape(note)}</p>" for note in notes)


def as_latex(rows: list[dict[str, str]]) -> str:
    r"""Return rows of cells written in LaTeX as a tabular for the package booktabs.

    Columns of numbers, -- and infinities are flush right; long headers take several lines.

    >>> print(as_latex([{"recurrent edges": r"$\infty$"}, {"recurrent edges": "-0.50"}]))
    \begin{tabular}{r}
    \toprule
       \shortstack[r]{\strut recurrent\\edges} \\
    \midrule
                                      $\infty$ \\
                                       $-$0.50 \\
    \bottomrule
    \end{tabular}
    """
    sides = ["right" if all(_is_number(row[key]) for row in rows) else "left" for key in rows[0]]
    table = tabulate(
        [[_minus(cell) for cell in row.values()] for row in rows],
        headers=[_stacked(key, side[0]) for key, side in zip(rows[0], sides, strict=True)],
        tablefmt="latex_raw",
        disable_numparse=True,
        colalign=sides,
    )
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        table = table.replace(r"\hline", rule, 1)
    return table


def as_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows as a pandas DataFrame, or say how to get pandas.

    >>> as_frame([{"dilations": (1, 2, 4), "mean": 4.25}]).shape
    (1, 2)
    """
    return require_extra("pandas", "a DataFrame").DataFrame(rows)


def _is_number(cell: str) -> bool:
    return cell in ("--", r"$\infty$") or cell.removeprefix("-").replace(".", "", 1).isdigit()


def _minus(cell: str) -> str:
    return f"$-${cell[1:]}" if cell.startswith("-") and cell != "--" else cell


def _stacked(header: str, side: str) -> str:
    lines = textwrap.wrap(header, 12, break_long_words=False)
    stack = r"\\".join(lines)
    return header if len(lines) == 1 else rf"\shortstack[{side}]{{\strut {stack}}}"


def _cells(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            key: ", ".join(map(str, value)) if isinstance(value, tuple) else value
            for key, value in row.items()
        }
        for row in rows
    ]
