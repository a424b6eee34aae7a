"""Summaries: all measures of one architecture, or of several side by side.

They show themselves: as a table in a terminal, with a sparkline of d(n) in Jupyter, and as a pandas
DataFrame, LaTeX or plain values for whoever goes on with them. A measure that does not exist for
an architecture (a cycle measure without a cycle) is a dash.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from tabulate import tabulate

from drnn_theory.architectures import as_architecture
from drnn_theory.checks import as_integer, shown
from drnn_theory.costs import count_parameters, require_equal_widths, state_size
from drnn_theory.measures import (
    compute_mrl,
    default_span,
    feedforward_depth,
    longest_lag,
    receptive_field,
    recurrent_depth,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    vertical_edges,
)
from drnn_theory.paths import lengths_over_phases
from drnn_theory.tables import as_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "Summary", "compare", "plain", "summary"]

HIDDEN_SIZE = 20
SPARKLINE_LAGS = 512


@dataclass(frozen=True)
class Summary:
    """All measures of one architecture; ``measures`` holds None where one does not exist.

    >>> found = summary([1, 2, 4, 8])
    >>> found.span, found.measures["exactly"], found.measures["longest path"]
    (8, Fraction(45, 8), 7)
    """

    name: str
    span: int
    measures: dict[str, Any]
    profile: np.ndarray
    """d(n) of the worst phase for lags 0..min(span, 512), as the sparkline shows it."""

    def __str__(self) -> str:
        rows = [(name, _shown(value)) for name, value in self.measures.items()]
        return tabulate(rows, headers=["", self.name], disable_numparse=True)

    def _repr_html_(self) -> str:
        rows = [(html.escape(k), html.escape(_shown(v))) for k, v in self.measures.items()]
        rows.append((f"d(n), n = 0..{len(self.profile) - 1}", _sparkline(self.profile)))
        headers = ["", html.escape(self.name)]
        return str(tabulate(rows, headers=headers, tablefmt="unsafehtml", disable_numparse=True))

    def to_dict(self) -> dict[str, Any]:
        """Return name, span, convention and measures as JSON can hold them.

        >>> record = summary([2, 4]).to_dict()
        >>> record["exactly"], record["vertical edges counted"]
        ('inf', True)
        """
        return {
            "name": self.name,
            "span": self.span,
            "vertical edges counted": True,
            **{name: plain(value) for name, value in self.measures.items()},
        }

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
    architecture    longest path
    --------------  --------------
    dilated         6
    plain           9
    """

    summaries: list[Summary]

    @cached_property
    def header(self) -> list[str]:
        """The names of the columns, the architecture first, then every measure.

        >>> compare({"mine": [1, 2, 4]}).header[:3]
        ['architecture', 'mean recurrent length (span 4)', 'exactly']
        """
        return ["architecture", *self.summaries[0].measures]

    def rows(self, columns: list[str] | None = None) -> list[list[str]]:
        """Return the table's cells as people read them.

        >>> compare({"mine": [1, 2, 4], "even": [2, 4]}).rows(["exactly", "longest path"])
        [['mine', '17/4', '5'], ['even', 'inf', 'inf']]
        """
        columns = columns or self.header[1:]
        return [[s.name, *(_shown(s.measures[c]) for c in columns)] for s in self.summaries]

    def table(self, columns: list[str] | None = None, style: str = "simple") -> str:
        """Return the table in one of tabulate's styles, with all columns or those named.

        >>> print(compare({"mine": [1, 2, 4]}).table(["exactly", "at lag"], style="github"))
        | architecture   | exactly   | at lag   |
        |----------------|-----------|----------|
        | mine           | 17/4      | 3        |
        """
        header = ["architecture", *(columns or self.header[1:])]
        return str(
            tabulate(self.rows(columns), headers=header, tablefmt=style, disable_numparse=True)
        )

    def __str__(self) -> str:
        """Return the table with architectures or measures down the side, whichever is narrower."""
        cells = [self.header, *self.rows()]
        tables = []
        for rows in (cells, [list(column) for column in zip(*cells, strict=True)]):
            header = [rows[0][0], *(name.replace(" ", "\n") for name in rows[0][1:])]
            tables.append(str(tabulate(rows[1:], headers=header, disable_numparse=True)))
        return min(tables, key=lambda table: len(table.splitlines()[-1]))

    def _repr_html_(self) -> str:
        name, *measures = map(html.escape, self.header)
        header = [name, "d(n)", *measures]  # where a narrow window shows it, too
        rows = [
            [html.escape(row[0]), _sparkline(s.profile), *map(html.escape, row[1:])]
            for row, s in zip(self.rows(), self.summaries, strict=True)
        ]
        return str(tabulate(rows, headers=header, tablefmt="unsafehtml", disable_numparse=True))

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one dictionary per architecture, as JSON can hold it.

        >>> [record["name"] for record in compare({"a": [1, 2], "b": [1, 1]}).to_dict()]
        ['a', 'b']
        """
        return [s.to_dict() for s in self.summaries]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame of exact values, one row per architecture.

        >>> compare({"a": [1, 2], "b": [1, 1]}, span=4).to_frame()["exactly"].to_dict()
        {'a': Fraction(7, 2), 'b': Fraction(9, 2)}
        """
        rows = [{"architecture": s.name, "span": s.span, **s.measures} for s in self.summaries]
        return as_frame(rows).set_index("architecture")


def summary(
    architecture: Any,
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
                                      (1, 2, 4, 8)
    --------------------------------  --------------
    mean recurrent length (span 8)    5.625
    exactly                           45/8
    longest path                      7
    at lag                            7
    vertical edges                    4
    recurrent edges per node          1
    recurrent skip coefficient        8
    recurrent depth                   1
    feedforward depth                 4
    receptive field                   inf
    parameters (RNN, hidden 20)       2980
    streaming state (RNN, hidden 20)  300
    """
    architecture = as_architecture(architecture)
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
            f"mean recurrent length (span {span})": float(mean),
            "exactly": mean,
            "longest path": length,
            "at lag": lag,
            "vertical edges": vertical_edges(architecture),
            "recurrent edges per node": _defined(recurrent_edges_per_node, architecture),
            "recurrent skip coefficient": _defined(recurrent_skip_coefficient, architecture),
            "recurrent depth": _defined(recurrent_depth, architecture),
            "feedforward depth": _defined(feedforward_depth, architecture),
            "receptive field": receptive_field(architecture),
            f"parameters ({cell}, hidden {hidden_size})": _sized(
                count_parameters, architecture, hidden_size, **sizes
            ),
            f"streaming state ({cell}, hidden {hidden_size})": _sized(
                state_size, architecture, hidden_size, **sizes
            ),
        },
        lengths_over_phases(architecture, lags)[0].up_to(lags),
    )


def compare(architectures: Mapping[str, Any], span: int | None = None, **sizes: Any) -> Comparison:
    """Return the summaries of named architectures, all at one span.

    The span is the largest default of any of them unless given; ``sizes`` are those of
    :func:`summary`.

    >>> print(compare({"dilated": [1, 2, 4], "plain": [1, 1, 1]}).table(["vertical edges"]))
    architecture    vertical edges
    --------------  ----------------
    dilated         3
    plain           3
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
        n: _named(n, as_architecture, a) for n, a in zip(names, architectures.values(), strict=True)
    }
    if span is None:
        span = max(_named(name, default_span, a) for name, a in checked.items())
    return Comparison([_named(n, summary, a, span, name=n, **sizes) for n, a in checked.items()])


def _named(subject: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a function; if it refuses, say of which architecture."""
    try:
        return function(*arguments, **options)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{subject}: {error}") from None


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: a Fraction as "p/q", infinity as "inf"."""
    if isinstance(value, Fraction):
        return str(value)
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def _defined(measure: Callable[[Any], Any], architecture: Any) -> Any:
    try:
        return measure(architecture)
    except ValueError:
        return None


def _sized(
    cost: Callable[..., int], architecture: Any, hidden_size: int, **sizes: Any
) -> int | None:
    """Return a cost, None where an identity would join the input to states of another width."""
    try:
        require_equal_widths(architecture, sizes["input_size"], hidden_size)
    except ValueError:
        return None
    return cost(architecture, hidden_size, **sizes)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.15g}" if value.is_integer() else f"{value:.6g}"
    return str(value)


def _sparkline(profile: np.ndarray, width: int = 160, height: int = 24) -> str:
    """Return d(n) as a small SVG line, with gaps where lags are unreachable."""
    finite = profile[np.isfinite(profile)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0, 1)
    pieces, points = [], []
    for n, d in enumerate([*profile.tolist(), math.inf]):
        if math.isfinite(d):
            x = 1 + (width - 2) * n / max(1, len(profile) - 1)
            y = height - 2 - (height - 4) * (d - low) / max(1, high - low)
            points.append(f"{x:.1f},{y:.1f}")
        elif points:
            pieces.append(f'<polyline points="{" ".join(points)}"/>')
            points = []
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'style="min-width: 90px" fill="none" stroke="currentColor" '
        f'role="img" aria-label="d(n)">{"".join(pieces)}</svg>'
    )
