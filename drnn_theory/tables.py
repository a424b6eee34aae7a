"""Rows of plain values as text, as HTML and as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_frame", "as_html", "as_text"]


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


def as_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows as a pandas DataFrame, or say how to get pandas.

    >>> as_frame([{"dilations": (1, 2, 4), "mean": 4.25}]).shape
    (1, 2)
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError('a DataFrame needs pandas: pip install "drnn_theory[tables]"') from None
    return pd.DataFrame(rows)


def _cells(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            key: ", ".join(map(str, value)) if isinstance(value, tuple) else value
            for key, value in row.items()
        }
        for row in rows
    ]
