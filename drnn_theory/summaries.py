"""Summaries: all measures of one architecture, or of several side by side.

They show themselves: as a table in a terminal, with a sparkline of d(n) in Jupyter, and as a pandas
DataFrame, LaTeX or plain values for further work. A measure that does not exist for an architecture
(a cycle measure without a cycle) is a dash.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from drnn_theory.architectures import Architecture, checked_architecture
from drnn_theory.checks import as_integer, shown
from drnn_theory.costs import count_parameters, require_equal_widths, state_size
from drnn_theory.measures import (
    compute_mrl,
    default_span,
    feedforward_depth,
    longest_lag,
    output_steps,
    receptive_field,
    recurrent_depth,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    vertical_edges,
)
from drnn_theory.paths import lengths_over_phases
from drnn_theory.reading import read_word
from drnn_theory.tables import Table, convention, notes_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "Sparkline", "Summary", "compare", "summary"]

HIDDEN_SIZE = 20
SPARKLINE_LAGS = 512
MEASURES = (
    "span",
    "mean recurrent length",
    "exactly",
    "longest path",
    "at lag",
    "vertical edges",
    "recurrent edges per node",
    "recurrent skip coefficient",
    "recurrent depth",
    "feedforward depth",
    "receptive field",
    "cell",
    "hidden size",
    "input size",
    "parameters",
    "streaming state",
)
"""The columns of a comparison, in their order."""


@dataclass(frozen=True)
class Summary:
    """All measures of one architecture; ``measures`` holds None where one does not exist.

    >>> sparse = summary([1, 2, 4, 8])
    >>> sparse.span, sparse.measures["exactly"], sparse.measures["longest path"]
    (8, Fraction(45, 8), 7)
    """

    name: str
    span: int
    measures: dict[str, Any]
    path_lengths: np.ndarray
    """d(n) of the worst phase for lags 0..min(span, 512), as the sparkline shows it."""
    note: str = ""
    """Why the mean is inf where an output does not exist at every step, and what serves there."""

    def table(self, columns: list[str] | None = None) -> Table:
        """Return a table of one row: the architecture, then all measures or those named.

        >>> summary([1, 2, 4], name="mine").table(["longest path"]).rows
        ({'architecture': 'mine', 'longest path': 5},)
        """
        return Comparison([self]).table(columns)

    def __str__(self) -> str:
        return str(self.table().transposed())

    def _repr_html_(self) -> str:
        lengths = {f"d(n), n = 0..{len(self.path_lengths) - 1}": Sparkline(self.path_lengths)}
        table = self.table()
        return replace(table, rows=[{**row, **lengths} for row in table]).transposed().to_html()

    def to_dict(self) -> dict[str, Any]:
        """Return name, convention, where the numbers come from and measures as JSON can hold them.

        >>> record = summary([2, 4]).to_dict()
        >>> record["exactly"], record["convention"]
        ('inf', 'lags 1..span, vertical edges counted')
        """
        record = self.table().to_dict()
        (row,) = record.pop("rows")
        del record["notes"]
        return {"name": row.pop("architecture"), **record, **row}

    def to_frame(self) -> pd.DataFrame:
        """Return one row of a pandas DataFrame, which needs the extra ``tables``.

        >>> summary([1, 2, 4], name="mine").to_frame()["longest path"].to_dict()
        {'mine': 5}
        """
        return Comparison([self]).to_frame()


@dataclass(frozen=True)
class Comparison:
    """Several summaries at one span.

    >>> print(compare({"dilated": [1, 2, 4], "plain": [1]}, span=8).table(["longest path"]))
    architecture      longest path
    --------------  --------------
    dilated                      6
    plain                        9
    Lags 1..8, vertical edges counted.
    """

    summaries: list[Summary]

    def table(self, columns: list[str] | None = None) -> Table:
        """Return one row per architecture: its name, then all measures or those named.

        Names are those of the measures, in upper or lower case. Raises ValueError for any other,
        with the list.

        >>> print(compare({"mine": [1, 2, 4]}).table(["exactly", "at lag"]).to_text("github"))
        | architecture   | exactly   |   at lag |
        |----------------|-----------|----------|
        | mine           | 17/4      |        3 |
        Lags 1..4, vertical edges counted.
        """
        if isinstance(columns, str):
            raise TypeError(f"columns must be a list of names, got {shown(columns)}")
        columns = [read_word(c, "column", MEASURES) for c in columns or MEASURES]
        about = {"span": self.summaries[0].span, "convention": convention()}
        rows = [
            {"architecture": s.name, **{column: s.measures[column] for column in columns}}
            for s in self.summaries
        ]
        notes = [f"{s.name}: {s.note}" for s in self.summaries if s.note]
        return Table(rows, [*notes_of(about), *notes], about)

    def __str__(self) -> str:
        """Return the table with architectures or measures down the side, whichever is narrower."""
        tables = [t.to_text(wrap=True) for t in (self.table(), self.table().transposed())]
        return min(tables, key=lambda text: max(map(len, text.splitlines())))

    def _repr_html_(self) -> str:
        table = self.table()
        rows = [
            {
                "architecture": s.name,
                "d(n)": Sparkline(s.path_lengths),  # where a narrow window shows it, too
                **row,
            }
            for s, row in zip(self.summaries, table, strict=True)
        ]
        return replace(table, rows=rows).to_html()

    def to_dict(self) -> dict[str, Any]:
        """Return span, convention, where the numbers come from and all rows, as JSON can hold it.

        >>> record = compare({"a": [1, 2], "b": [1, 1]}).to_dict()
        >>> record["span"], [row["architecture"] for row in record["rows"]]
        (2, ['a', 'b'])
        """
        return self.table().to_dict()

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame of exact values, one row per architecture.

        >>> compare({"a": [1, 2], "b": [1, 1]}, span=4).to_frame()["exactly"].to_dict()
        {'a': Fraction(7, 2), 'b': Fraction(9, 2)}
        """
        return self.table().to_frame().set_index("architecture")


def summary(
    architecture: Architecture,
    span: int | None = None,
    *,
    name: str | None = None,
    hidden_size: int = HIDDEN_SIZE,
    input_size: int = 1,
    cell: str = "RNN",
) -> Summary:
    """Return all measures of an architecture over lags 1..span (the largest lag unless given).

    Parameters and state are counted for ``hidden_size`` units per state and the given ``cell``.

    >>> print(summary([1, 2, 4, 8]))
    architecture                (1, 2, 4, 8)
    --------------------------  --------------
    span                        8
    mean recurrent length       5.625
    exactly                     45/8
    longest path                7
    at lag                      7
    vertical edges              4
    recurrent edges per node    1
    recurrent skip coefficient  8
    recurrent depth             1
    feedforward depth           4
    receptive field             inf
    cell                        RNN
    hidden size                 20
    input size                  1
    parameters                  2980
    streaming state             300
    Lags 1..8, vertical edges counted.
    """
    architecture = checked_architecture(architecture)
    span = default_span(architecture) if span is None else as_integer(span, "span")
    hidden_size = as_integer(hidden_size, "hidden_size")
    if name is None:
        name = shown(architecture) if isinstance(architecture, tuple) else "graph"
    mean = compute_mrl(architecture, span, exact=True)
    lag, length = longest_lag(architecture, span)
    sizes: dict[str, Any] = {"input_size": input_size, "cell": cell}
    lags = min(span, SPARKLINE_LAGS)
    return Summary(
        str(name),
        span,
        {
            "span": span,
            "mean recurrent length": float(mean),
            "exactly": mean,
            "longest path": length,
            "at lag": lag,
            "vertical edges": vertical_edges(architecture),
            "recurrent edges per node": _defined(recurrent_edges_per_node, architecture),
            "recurrent skip coefficient": _defined(recurrent_skip_coefficient, architecture),
            "recurrent depth": _defined(recurrent_depth, architecture),
            "feedforward depth": _defined(feedforward_depth, architecture),
            "receptive field": receptive_field(architecture),
            "cell": cell,
            "hidden size": hidden_size,
            "input size": input_size,
            "parameters": _sized(count_parameters, architecture, hidden_size, **sizes),
            "streaming state": _sized(state_size, architecture, hidden_size, **sizes),
        },
        lengths_over_phases(architecture, lags)[0].up_to(lags),
        _note(architecture, span),
    )


def compare(
    architectures: Mapping[str, Architecture], span: int | None = None, **sizes: Any
) -> Comparison:
    """Return the summaries of named architectures, all at one span.

    The span is the largest default of any of them unless given; ``sizes`` are those of
    :func:`summary`.

    >>> print(compare({"dilated": [1, 2, 4], "plain": [1, 1, 1]}).table(["vertical edges"]))
    architecture      vertical edges
    --------------  ----------------
    dilated                        3
    plain                          3
    Lags 1..4, vertical edges counted.
    """
    if not isinstance(architectures, Mapping) or not architectures:
        raise ValueError(
            "architectures must be a dictionary of one or more names and architectures, "
            f"got {shown(architectures)}"
        )
    names = [str(name) for name in architectures]
    if len(set(names)) < len(names):
        raise ValueError(f"names must differ as text, got {shown(list(architectures))}")
    checked = {
        n: _named(n, checked_architecture, a)
        for n, a in zip(names, architectures.values(), strict=True)
    }
    if span is None:
        span = max(_named(name, default_span, a) for name, a in checked.items())
    return Comparison([_named(n, summary, a, span, name=n, **sizes) for n, a in checked.items()])


def _note(architecture: Architecture, span: int) -> str:
    """Return what is said of an architecture whose outputs do not exist at every step."""
    steps, of = output_steps(architecture)
    if steps == of:
        return ""
    best = compute_mrl(architecture, span, phase="best")
    often = f"every {ordinal(of)} step" if steps == 1 else f"{steps} of {of} steps"
    return (
        f"an output exists at {often} only, so that the worst phase misses lags; by the best phase "
        f'at each lag, phase="best", the mean is {best:.6g}.'
    )


def ordinal(number: int) -> str:
    """Return a number as a word for a place in a row.

    >>> [ordinal(n) for n in (2, 3, 11, 21, 320)]
    ['2nd', '3rd', '11th', '21st', '320th']
    """
    last = 0 if number % 100 in (11, 12, 13) else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def _named(subject: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function; if it refuses, say of which architecture."""
    try:
        return function(*arguments, **options)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{subject}: {error}") from None


def _defined(measure: Callable[[Any], Any], architecture: Architecture) -> Any:
    try:
        return measure(architecture)
    except ValueError:
        return None


def _sized(
    cost: Callable[..., int], architecture: Architecture, hidden_size: int, **sizes: Any
) -> int | None:
    """Return a cost, None where an identity would join the input to states of another width."""
    try:
        require_equal_widths(architecture, sizes["input_size"], hidden_size)
    except ValueError:
        return None
    return cost(architecture, hidden_size, **sizes)


@dataclass(frozen=True, eq=False)
class Sparkline:
    """A small line of d(n) against n, drawn as SVG, with gaps where lags are unreachable."""

    lengths: np.ndarray
    width: int = 160
    height: int = 24

    def _repr_html_(self) -> str:
        finite = self.lengths[np.isfinite(self.lengths)]
        low, high = (finite.min(), finite.max()) if len(finite) else (0, 1)
        pieces, points = [], []
        for n, d in enumerate([*self.lengths.tolist(), math.inf]):
            if math.isfinite(d):
                x = 1 + (self.width - 2) * n / max(1, len(self.lengths) - 1)
                y = self.height - 2 - (self.height - 4) * (d - low) / max(1, high - low)
                points.append(f"{x:.1f},{y:.1f}")
            elif points:
                pieces.append(f'<polyline points="{" ".join(points)}"/>')
                points = []
        return (
            f'<svg width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" '
            f'style="min-width: 90px" fill="none" stroke="currentColor" '
            f'role="img" aria-label="d(n)">{"".join(pieces)}</svg>'
        )
