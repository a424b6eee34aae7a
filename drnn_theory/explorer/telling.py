"""The words of the explorer for a view: on the page, as text and as code."""

from __future__ import annotations

import math
from html import escape

from drnn_theory.explorer.views import View, number

__all__ = ["as_html", "as_text", "figure_code"]


def as_html(view: View) -> str:
    """Return the headline of the page."""
    mean, path = _sentences(view, f'<b class="drnn-mrl">{number(view.mrl)}</b>')
    return (
        f'<div class="drnn-headline" role="status" aria-live="polite">{mean}<br>'
        f"{escape(path)}</div>"
    )


def as_text(view: View) -> str:
    """Return the numbers as plain text, for a notebook that is read without a kernel.

    >>> from drnn_theory.explorer.choices import Choice
    >>> from drnn_theory.explorer.views import look
    >>> print(as_text(look(Choice.of([1, 2, 4, 8]))))
    explore: a panel for notebooks, the last line of a cell shows it. Its numbers:
    [1, 2, 4, 8]
    mean recurrent length 5.625 = 45/8, lags 1..8, vertical edges counted
    Shortest path to lag 7: 7 edges, 3 of them recurrent.
    """
    about = "explore: a panel for notebooks, the last line of a cell shows it. Its numbers:"
    return "\n".join([about, view.choice.title, *_sentences(view, number(view.mrl))])


def _sentences(view: View, mean: str) -> tuple[str, str]:
    exact = f" = {view.mrl}" if "/" in str(view.mrl) else ""
    if math.isinf(view.mrl):
        exact = f", since no path leads to lag {view.longest}"
    if view.path:
        edges = f"{number(view.length)} edges, {view.recurrent} of them recurrent"
        from_ = f" from phase {view.start}" if view.period > 1 else ""
        path = f"Shortest path to lag {view.lag}{from_}: {edges}."
    else:
        path = f"No path leads to lag {view.lag}: it is forgotten."
    counted = f"lags 1..{view.span}, vertical edges counted"
    return f"mean recurrent length {mean}{exact}, {counted}", path


def figure_code(view: View, whole: bool, file: str, options: dict[str, object]) -> str:
    """Return the lines that write the figure, after those that make ``architecture``."""
    start = "" if view.period == 1 or view.worst else f", start={view.start}"
    drawn = "" if whole else ", whole=False"
    # an architecture of a form is given as the graph that it makes, whose code is another
    is_graph = not isinstance(view.choice.architecture, tuple)
    title = view.choice.title if view.choice.name or is_graph else ""
    drawn += f", name={title!r}" if title else ""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return (
        "from drnn_theory import explore\n"
        f"shown = explore(architecture, span={view.span}, lag={view.lag}{start}{drawn})\n"
        f"shown.save({file!r}{given})  # the figure"
    )
