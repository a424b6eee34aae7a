"""Tables of plain values that say where they come from, in every format that is written or shown.

One :class:`Table` holds rows, notes, what is said of every row (span, convention) and where the
numbers come from (version, torch, machine, threads, seed, load). It gives text, HTML, LaTeX, CSV,
JSON and a pandas DataFrame; a number is written in one way in all of them.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tabulate import tabulate, tabulate_formats

from drnn_theory import __version__
from drnn_theory.checks import one_of, require_extra
from drnn_theory.latex import as_comment, as_latex, tabulars

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Table",
    "Tabled",
    "cell",
    "convention",
    "notes_of",
    "plain",
    "read_csv",
    "spoken",
    "where",
]

Row = Mapping[str, Any]


def convention(vertical: bool = True, *, lags: str = "1..span") -> str:
    """Return how lengths of paths are averaged and counted, in the one wording of all tables.

    >>> convention(), convention(False, lags="0..span")
    ('lags 1..span, vertical edges counted', 'lags 0..span, vertical edges not counted')
    """
    return f"lags {lags}, vertical edges {'counted' if vertical else 'not counted'}"


def where(
    *,
    torch: bool = False,
    machine: bool = False,
    threads: int | None = None,
    seed: Any = None,
    load: bool = False,
) -> dict[str, Any]:
    """Return where numbers come from: the version of this package, and what else they depend on.

    ``torch`` adds its version, ``machine`` the processor and the versions of Python and numpy,
    ``load`` the machine's load at this moment. None stays out.

    >>> where(seed=0)["seed"], "torch" in where()
    (0, False)
    """
    about = {
        "version": __version__,
        "torch": version("torch") if torch else None,
        "machine": _machine() if machine else None,
        "threads": threads,
        "seed": seed,
        "load": f"{os.getloadavg()[0]:.1f}" if load else None,
    }
    return {key: value for key, value in about.items() if value is not None}


@dataclass(frozen=True)
class Table:
    """Rows of plain values, with notes and where they come from.

    Values are numbers, Fractions, words, tuples of integers, booleans or None, which is a dash.
    Text between dollars is a formula, in LaTeX and in figures alike.

    >>> table = Table([{"dilations": (1, 2, 4), "mean": 4.25}], about={"span": 4})
    >>> print(table)
    dilations      mean
    -----------  ------
    1, 2, 4        4.25
    >>> table.to_csv().splitlines()[1][:13]
    '1 2 4,4.25,4,'
    """

    rows: Sequence[Row]
    notes: Sequence[str] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    """What holds for every row: span, convention; None where there is none."""
    where: Mapping[str, Any] = field(default_factory=where)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(dict(row) for row in self.rows))
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order in which rows bring them.

        >>> Table([{"lag": 1}, {"lag": 2, "paths": 3}]).columns
        ['lag', 'paths']
        """
        return list(dict.fromkeys(key for row in self.rows for key in row))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    def transposed(self) -> Table:
        """Return the table with a column for every row, headed by the row's first value.

        >>> print(Table([{"name": "a", "x": 1}, {"name": "b", "x": 2}]).transposed())
        name      a    b
        ------  ---  ---
        x         1    2
        """
        first, *others = self.columns
        names = [cell(row.get(first)) for row in self.rows]
        rows = [
            {first: column, **{n: r.get(column) for n, r in zip(names, self.rows, strict=True)}}
            for column in others
        ]
        return Table(rows, self.notes, self.about, self.where)

    def to_text(self, style: str = "simple", *, wrap: bool = False) -> str:
        """Return the table as text, notes below, in one of tabulate's styles.

        With ``wrap`` every word of a header has a line of its own. The style "latex_booktabs" is
        that of :meth:`to_latex`. Raises ValueError for an unknown style, with the list.

        >>> print(Table([{"lag": 1, "mean": Fraction(1, 2)}], ["two lags"]).to_text("github"))
        |   lag | mean   |
        |-------|--------|
        |     1 | 1/2    |
        two lags
        """
        if one_of(style, "style", tabulate_formats) == "latex_booktabs":
            return self.to_latex()
        columns = self.columns
        header = [c.replace(" ", "\n") for c in columns] if wrap else columns
        table = tabulate(
            [[cell(row.get(column)) for column in columns] for row in self.rows],
            headers=header,
            tablefmt=style,
            disable_numparse=True,
            colalign=self._sides(),
        )
        return "\n".join([table, *self.notes])

    def to_html(self) -> str:
        """Return the table as HTML, notes below as paragraphs; values that draw themselves do so.

        >>> Table([{"name": "<b>"}]).to_html().count("&lt;b&gt;")
        1
        """
        columns = self.columns
        table = tabulate(
            [[_html(row.get(column)) for column in columns] for row in self.rows],
            headers=[escape(column) for column in columns],
            tablefmt="unsafehtml",
            disable_numparse=True,
            colalign=self._sides(),
        )
        return table + "".join(f"<p>{escape(note)}</p>" for note in self.notes)

    def to_latex(self, *, width: float = 5.5) -> str:
        r"""Return the table for the package booktabs, no wider than a page, notes as comments.

        ``width`` is the page's, in inches. Columns of numbers, dashes and infinities are flush
        right; long headers take several lines; columns that do not fit follow below, beside
        those that tell the rows apart; more than 45 rows need the package longtable.

        >>> print(Table([{"recurrent edges": math.inf}, {"recurrent edges": -0.5}]).to_latex())
        {\small\setlength{\tabcolsep}{4pt}%
        \begin{tabular}{@{}r@{}}
        \toprule
        \shortstack[r]{\strut recurrent\\edges} \\
        \midrule
                                       $\infty$ \\
                                         $-$0.5 \\
        \bottomrule
        \end{tabular}}
        """
        if isinstance(width, bool) or not isinstance(width, (int, float)) or not 1 <= width < 1000:
            raise ValueError(f"width must be that of a page in inches, from 1 on, got {width!r}")
        columns = self.columns
        if not columns:
            raise ValueError("a table must have a row to be written for LaTeX, got none")
        values = [[row.get(column) for column in columns] for row in self.rows]
        numbers = [
            all(_is_number(row[k]) or isinstance(row[k], Fraction) for row in values)
            for k in range(len(columns))
        ]
        table = tabulars(
            columns,
            [[cell(value) for value in row] for row in values],
            [[_latex(value) for value in row] for row in values],
            ["r" if number else "l" for number in numbers],
            width,
        )
        return "\n".join([table, *map(as_comment, self.notes)])

    def to_csv(self) -> str:
        """Return the table as CSV, what is said of all rows and where they come from beside each.

        Numbers have all their digits; Fractions are written as decimals, but in a column
        ``exactly``. Notes have no place in it. :func:`read_csv` reads it back.
        """
        said = {key: value for key, value in self.about.items() if key not in self.columns}
        if self.where and "where" not in self.columns:
            said["where"] = spoken(self.where)
        text = io.StringIO()
        writer = csv.DictWriter(text, [*self.columns, *said], lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({key: _written(value, key) for key, value in {**said, **row}.items()})
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """Return what is said of all rows, where they come from, notes and rows, as JSON holds it.

        >>> Table([{"mean": Fraction(9, 2)}], about={"span": 8}, where={"seed": 0}).to_dict()
        {'span': 8, 'where': {'seed': 0}, 'rows': [{'mean': '9/2'}]}
        """
        return {
            **{key: plain(value) for key, value in self.about.items()},
            "where": dict(self.where),
            **({"notes": list(self.notes)} if self.notes else {}),
            "rows": [{key: plain(value) for key, value in row.items()} for row in self.rows],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as text, infinities as "inf", Fractions as "p/q"."""
        return json.dumps(self.to_dict(), indent=1)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame; its ``attrs`` say where they come from.

        >>> Table([{"dilations": (1, 2, 4), "mean": 4.25}]).to_frame().shape
        (1, 2)
        """
        frame = require_extra("pandas", "a DataFrame").DataFrame(list(self.rows))
        frame.attrs.update(self.about, where=dict(self.where))
        return frame

    def _sides(self) -> list[str]:
        return [
            "left"
            if not all(_is_number(row.get(column)) for row in self.rows)
            else "right"
            if all(_is_whole(row.get(column)) for row in self.rows)
            else "decimal"
            for column in self.columns
        ]


class Tabled:
    """A result that people see as a table; an heir says which in ``table``."""

    def table(self) -> Table:
        """Return the whole table."""
        raise NotImplementedError

    def shown(self) -> Table:
        """Return the table as it is printed: whole, or cut where it has very many rows."""
        return self.table()

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame."""
        return self.table().to_frame()

    def __str__(self) -> str:
        return str(self.shown())

    def _repr_html_(self) -> str:
        return self.shown().to_html()


def cell(value: Any) -> str:
    """Return a value as people read it: None as a dash, six digits of a number, all of an integer.

    >>> [cell(value) for value in (None, 13.00390625, 1e6, math.inf, Fraction(45, 8), (1, 2), True)]
    ['-', '13.0039', '1000000', 'inf', '45/8', '1, 2', 'yes']
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}" if value.is_integer() else f"{value:.6g}"
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: a Fraction as "p/q", infinity as "inf".

    >>> plain(Fraction(45, 8)), plain(-math.inf), plain((1, 2))
    ('45/8', '-inf', [1, 2])
    """
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def spoken(about: Mapping[str, Any]) -> str:
    """Return where numbers come from in one line, as captions and CSV files have it.

    >>> spoken({"version": "0.1.0", "seed": 0})
    'version 0.1.0; seed 0'
    """
    return "; ".join(f"{key} {_written(value, key)}" for key, value in about.items())


def read_csv(text: str) -> Table:
    """Return the table that :meth:`Table.to_csv` wrote, values typed column by column.

    A column is of integers, numbers, Fractions, booleans or tuples of integers (written as ``1 2
    4``) if all its cells are; else it is of words. An empty cell is None. Where all rows come from
    one place, that is the table's ``where``.

    >>> table = Table([{"dilations": (1, 2, 4), "mean": math.inf, "fusion": True, "loss": None}])
    >>> read_csv(table.to_csv()) == table
    True
    """
    rows = [*csv.reader(io.StringIO(text))]
    if not rows:
        return Table([], where={})
    header, *cells = rows
    columns = {name: _typed([row[number] for row in cells]) for number, name in enumerate(header)}
    origins = columns.get("where", [])
    known: dict[str, Any] = {}
    if origins and len(set(origins)) == 1 and isinstance(origins[0], str):
        pairs = (part.partition(" ") for part in origins[0].split("; "))
        known = {key: _typed([value])[0] for key, _, value in pairs}
        del columns["where"]
    typed = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return Table(typed, where=known)


def _typed(cells: list[str]) -> list[Any]:
    """Return the cells of one column as the narrowest kind that holds them all."""
    given = [text for text in cells if text]
    if not given:
        return [None] * len(cells)
    for pattern, kind in _KINDS:
        if all(re.fullmatch(pattern, text) for text in given):
            return [kind(text) if text else None for text in cells]
    return [text or None for text in cells]


_KINDS: tuple[tuple[str, Any], ...] = (
    (r"True|False", lambda text: text == "True"),
    (r"-?\d+", int),
    (r"-?(\d+\.?\d*(e[-+]?\d+)?|inf|nan)", float),
    (r"-?(\d+(/\d+)?|inf)", lambda text: math.inf if text == "inf" else Fraction(text)),
    (r"\d+( \d+)*", lambda text: tuple(map(int, text.split()))),
)


def _written(value: Any, column: str) -> Any:
    if isinstance(value, Fraction) and column != "exactly":
        return float(value)
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value))
    return "" if value is None else value


def _machine() -> str:
    """Return the processor and what stands on it, without a host's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            processor = next(
                line.partition(":")[2].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):  # no such file outside Linux, no such line on some processors
        processor = platform.machine()
    python, numpy = platform.python_version(), version("numpy")
    return f"{processor}, {os.cpu_count()} logical cores, python {python}, numpy {numpy}"


def _is_number(value: Any) -> bool:
    if isinstance(value, str):  # a number written out with the digits that matter
        return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _is_whole(value: Any) -> bool:
    if isinstance(value, str):
        return "." not in value
    return value is None or float(value).is_integer()


def _html(value: Any) -> str:
    draws_itself = getattr(value, "_repr_html_", None)
    return escape(cell(value)) if draws_itself is None else draws_itself()


def _latex(value: Any) -> str:
    """Return a value for LaTeX: text escaped but for what stands between dollars."""
    text = cell(value)
    if value is None:
        return "--"
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": r"$\infty$", "-inf": r"$-\infty$"}.get(text, "--")
    if _is_number(value):
        return f"$-${text[1:]}" if text.startswith("-") else text
    return as_latex(text)


def notes_of(about: Mapping[str, Any], notes: Iterable[str] = ()) -> list[str]:
    """Return the notes, before them span and convention in words.

    >>> notes_of({"span": 99, "convention": convention()}, ["More."])
    ['Lags 1..99, vertical edges counted.', 'More.']
    """
    said = str(about["convention"]).replace("span", str(about["span"]))
    return [f"{said[0].upper()}{said[1:]}.", *notes]
