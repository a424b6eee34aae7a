"""The page of a report: one file that a browser shows without a network, and prints."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Any

import matplotlib as mpl
import networkx as nx
import sympy as sp

from drnn_theory import __version__
from drnn_theory.figures.venues import venue_style
from drnn_theory.gallery.describing import plainly
from drnn_theory.gallery.figure import PaperFigure
from drnn_theory.report.better import REACH
from drnn_theory.summaries import Comparison
from drnn_theory.tables import Table, cell, spoken
from drnn_theory.theorems import THEOREMS, Theorem
from drnn_theory.theorems.applying import Application
from drnn_theory.writing import picture

__all__ = ["Contents", "cited", "html_page"]

NARROW = 3.5
"""Inches of the pictures that a telephone shows."""
NUMBER = ' class="number"'
KINDS = {
    "tex": "for LaTeX, by \\input",
    "csv": "numbers, for a spreadsheet",
    "json": "numbers with notes, for programs",
    "txt": "caption and alternative text",
    "pdf": "picture for a paper",
    "svg": "picture for the web",
    "png": "picture for slides",
}


@dataclass(frozen=True)
class Contents:
    """What a page says: what was asked, and what came of it."""

    architectures: Mapping[str, tuple[int, ...] | nx.MultiDiGraph]
    span: int
    quick: bool
    venue: str
    comparison: Comparison
    columns: Sequence[str]
    figures: Sequence[PaperFigure]
    applied: Mapping[str, Sequence[Application]]
    checked: Table
    gradients: Table
    better: Table
    failures: Sequence[str]
    files: Sequence[str]


def html_page(contents: Contents) -> str:
    """Return the page as HTML, its pictures and its style within it."""
    style = resources.files("drnn_theory").joinpath("report/page.css").read_text("utf-8")
    title = f"Memory of {_counted(len(contents.architectures), 'architecture')}"
    title += f" over the lags 1..{contents.span}"
    sections: list[tuple[str, str, Callable[[Contents], str]]] = [
        ("asked", "What was asked", _asked),
        ("measures", "Measures", _measures),
        ("figures", "Figures", _figures),
        ("forms", "Closed forms that apply", _forms),
        ("gradients", "What the gradients measured", _gradients),
        ("better", "Better schemes", _better),
        ("files", "Files", _files),
        ("cite", "How to cite", _cite),
    ]
    links = "".join(f'<a href="#{name}">{heading}</a>' for name, heading, _ in sections)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{style}</style></head>",
        f"<body><main>\n<h1>{escape(title)}</h1>",
        f'<p class="lead">{_in_one_sentence(contents)}</p>',
        _failed(contents.failures),
        f'<nav aria-label="Sections">{links}</nav>',
    ]
    for name, heading, section in sections:
        parts.append(f'<section id="{name}">\n<h2>{heading}</h2>\n{section(contents)}\n</section>')
    parts.append("</main></body></html>\n")
    return "\n".join(part for part in parts if part)


def _in_one_sentence(contents: Contents) -> str:
    """Return which architecture has the shortest mean, and which the longest."""
    means = {s.name: s.measures["mean recurrent length"] for s in contents.comparison.summaries}
    best, worst = min(means, key=lambda n: means[n]), max(means, key=lambda n: means[n])

    def edges(name: str) -> str:
        return "no finite mean" if math.isinf(means[name]) else f"{cell(means[name])} edges"

    lags = f"averaged over the lags 1..{contents.span}"
    if len(means) == 1 or means[best] == means[worst]:
        return (
            f"A signal passes {edges(best)} on the shortest way from an input to an output of "
            f"<b>{escape(best)}</b>, {lags}."
            if len(means) == 1
            else f"All have the same mean recurrent length, {edges(best)}, {lags}."
        )
    first = (
        f"The shortest way from an input to an output has the fewest edges in "
        f"<b>{escape(best)}</b>, {edges(best)} {lags}"
    )
    if math.isinf(means[worst]):
        return f"{first}; in <b>{escape(worst)}</b> some lags are out of reach."
    return f"{first}; in <b>{escape(worst)}</b> it has the most, {edges(worst)}."


def _failed(failures: Sequence[str]) -> str:
    if not failures:
        return ""
    lines = "".join(f"<li>{escape(failure)}</li>" for failure in failures)
    return f'<div class="failed"><p><b>Checks that failed</b></p><ul>{lines}</ul></div>'


def _asked(contents: Contents) -> str:
    entries = []
    for name, a in contents.architectures.items():
        if isinstance(a, tuple):
            what = f"a stack of dilations {', '.join(map(str, a))}, bottom layer first"
        else:
            period = a.graph["period"]
            what = (
                f"a graph of {_counted(a.number_of_nodes(), 'node')} and "
                f"{_counted(a.number_of_edges(), 'edge')}"
                f"{f', repeating every {period} steps' if period > 1 else ''}, in "
                '<a href="graphs.json">graphs.json</a>'
            )
        entries.append(f"<dt>{escape(name)}</dt><dd>{what}</dd>")
    depth = "A quick report: fewer lags and theorems checked." if contents.quick else ""
    return (
        "<p>How far back each of these architectures reads, and how easily. The <i>mean recurrent "
        "length</i> is the number of edges (weights) on the shortest path from an input to the "
        f"output <i>n</i> steps later, averaged over the lags <i>n</i> = 1..{contents.span}; "
        "edges between layers count, and of several starting phases the worst. A signal, and a "
        "gradient, that passes fewer edges has fewer factors to vanish in.</p>"
        f"<dl>{''.join(entries)}</dl>"
        f'<p class="quiet">{depth} Pictures in the style of {escape(contents.venue)}. '
        f"drnn_theory {escape(spoken(contents.gradients.where))}.</p>"
    )


def _measures(contents: Contents) -> str:
    table = contents.comparison.table(list(contents.columns))
    return _html_table(table) + (
        '<p class="quiet">All measures are in <a href="architectures.csv">architectures.csv</a>, '
        'the table for LaTeX in <a href="architectures.tex">architectures.tex</a>.</p>'
    )


def _figures(contents: Contents) -> str:
    return "\n".join(_figure(figure, contents.venue) for figure in contents.figures)


def _figure(figure: PaperFigure, venue: str) -> str:
    """Return a figure with two pictures of it, for wide pages and for narrow ones."""
    text = figure.alternative_text
    with mpl.rc_context(venue_style(venue)):  # fonts are looked up when it is saved
        wide = _data(picture(figure.draw(venue), "svg", figure.name, text))
        narrow = _data(picture(figure.draw(venue, width=NARROW), "svg", figure.name, text))
    return (
        f'<figure id="{escape(figure.name)}"><picture>'
        f'<source media="(max-width: 40em)" srcset="{narrow}">'
        f'<img src="{wide}" alt="{escape(text)}"></picture>'
        f"<figcaption>{escape(plainly(figure.full_caption))}</figcaption></figure>"
    )


def _data(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _forms(contents: Contents) -> str:
    by_theorem: dict[str, list[tuple[str, Application]]] = {}
    for name, applications in contents.applied.items():
        for one in applications:
            by_theorem.setdefault(one.theorem.name, []).append((name, one))
    parts = [
        "<p>Found from the wiring of each architecture and the span, and compared with the "
        "shortest paths of its graph. <i>L</i> layers, span <i>m</i>, dilations "
        "<i>s</i><sub><i>i</i></sub>, ratios <i>n</i><sub><i>i</i></sub> = "
        "<i>s</i><sub><i>i</i></sub> / <i>s</i><sub><i>i</i>−1</sub>.</p>"
    ]
    for theorem in (t for t in THEOREMS.values() if t.name in by_theorem):
        parts.append(_form(theorem, by_theorem[theorem.name]))
    without = [name for name, forms in contents.applied.items() if not forms]
    if without:
        named = ", ".join(f"<b>{escape(name)}</b>" for name in without)
        parts.append(f"<p>No closed form of this package applies to {named}.</p>")
    agreed = [row for row in contents.checked if str(row["brute force"]).startswith("agrees")]
    wrong = [row for row in agreed if " of " in str(row["brute force"])]
    parts.append(
        f'<p class="quiet">{len(agreed) - len(wrong)} of {len(contents.checked)} theorems were '
        "checked against brute force for this report and agree on all their cases: "
        '<a href="closed_forms.csv">closed_forms.csv</a>.</p>'
    )
    return "\n".join(parts)


def _form(theorem: Theorem, uses: Sequence[tuple[str, Application]]) -> str:
    """Return a theorem with what it says of the architectures that fall under it."""
    first = uses[0][1]
    closed = theorem.closed_form
    formula = sp.mathml(
        closed[0] if isinstance(closed, sp.Tuple) else closed, printer="presentation"
    ).replace("<mo>-</mo>", "<mo>\N{MINUS SIGN}</mo>")
    sign = "\N{GREATER-THAN OR EQUAL TO}" if theorem.relation == "<=" else "="
    holds_for = theorem.holds_for.replace(">=", "\N{GREATER-THAN OR EQUAL TO}").replace(
        "<=", "\N{LESS-THAN OR EQUAL TO}"
    )
    evidence = [f"written proof: proofs/{theorem.proof}"]
    if theorem.machine:
        evidence.append(f"checked by a proof assistant: proofs/rocq/{theorem.machine}")
    rows = Table(
        [
            {
                "architecture": name,
                "closed form" if sign == "=" else "at least": float(one.predicted),
                "shortest paths": float(one.computed),
                "": _agreement(one),
            }
            for name, one in uses
        ]
    )
    return (
        f'<h3 id="{escape(theorem.name)}">{escape(theorem.name.replace("_", " "))}</h3>'
        f"<p>For {escape(holds_for)}:</p>"
        f'<div class="formula">{first.quantity} {sign} '
        f'<math displaystyle="true">{formula}</math></div>'
        f'{_html_table(rows)}<p class="quiet">{escape("; ".join(evidence))}.</p>'
    )


def _agreement(one: Application) -> str:
    if not one.holds:
        return "fails"
    if one.theorem.relation == "=":
        return "equal"
    return "attained" if one.predicted == one.computed else ""


def _gradients(contents: Contents) -> str:
    lags = contents.gradients.about["span"]
    return (
        "<p>Each architecture was run as a torch model, twice. With unit weights, positive inputs "
        "and one unit per state the Jacobian at a lag must be the number of paths of the graph, "
        "which knows nothing of the model. With orthogonal matrices drawn at random, the norm of "
        f"the gradient says what arrives from how far back, over the lags 0..{lags}.</p>"
        f"{_html_table(contents.gradients)}"
        '<p class="quiet">Lag by lag in <a href="gradients.csv">gradients.csv</a>.</p>'
    )


def _better(contents: Contents) -> str:
    last = [row for row in contents.better if row["span"] == contents.span]
    any_depth = next(row for row in last if row["architecture"] == "any depth")
    lags = f"over the lags 1..{contents.span}"
    graphs = any(not isinstance(a, tuple) for a in contents.architectures.values())
    held = (
        "Each architecture is compared with the stacks that have the same number of layers, one "
        "dilation to a layer, all different. "
        + ("A graph counts a layer for each hidden unit that remembers. " if graphs else "")
        + "What a shorter mean costs is state: the dilations are what a stack keeps while it "
        "streams."
    )
    how = "" if any_depth["proved best"] else "found "
    return (
        f"<p>{held}</p>{_most_won(last, lags)}"
        f"<p>Of all depths, dilations {cell(any_depth['best dilations'])} are the best {how}"
        f"{lags}: {cell(any_depth['their mean'])} edges.</p>"
        f"{_html_table(contents.better, grouped=True)}"
        '<p class="quiet">Also in <a href="better_schemes.csv">better_schemes.csv</a>.</p>'
    )


def _most_won(rows: Sequence[Mapping[str, Any]], lags: str) -> str:
    """Return in words where a better scheme wins most, of rows at one span."""
    gains = {
        row["architecture"]: float(row["they win"][:-1])
        for row in rows
        if str(row["they win"]).endswith("%")
    }
    said = [
        f"Of <b>{escape(row['architecture'])}</b> some lags are out of reach; dilations "
        f"{cell(row['best dilations'])} reach all, in {cell(row['their mean'])} edges in the mean."
        for row in rows
        if row["they win"] == REACH
    ]
    if gains:
        most = max(gains, key=lambda name: gains[name])
        (row,) = (r for r in rows if r["architecture"] == most)
        said.append(
            f"{lags.capitalize()} the most is won from <b>{escape(most)}</b>: a stack of "
            f"{_counted(len(row['best dilations']), 'layer')} with dilations "
            f"{cell(row['best dilations'])} has a mean {gains[most]:.1f}% lower, "
            f"{cell(row['their mean'])} edges instead of {cell(row['its mean'])}, and keeps "
            f"{row['their state']:,} values of state instead of {row['its state']:,}."
        )
    elif not said:
        said.append(
            f"No stack with the same number of layers has a shorter mean {lags} than what was "
            "asked."
        )
    return f"<p>{' '.join(said)}</p>"


def _files(contents: Contents) -> str:
    lines = []
    for stem in dict.fromkeys(name.rpartition(".")[0] for name in contents.files):
        kinds = [n for n in contents.files if n.rpartition(".")[0] == stem]
        links = ", ".join(f'<a href="{escape(n)}">{n.rpartition(".")[2]}</a>' for n in kinds)
        lines.append(f"<li>{escape(stem)}: {links}</li>")
    kinds_there = dict.fromkeys(name.rpartition(".")[2] for name in contents.files)
    meant = "; ".join(f"{kind}: {KINDS[kind]}" for kind in kinds_there)
    return f'<ul>{"".join(lines)}</ul><p class="quiet">{escape(meant)}.</p>'


def cited() -> str:
    """Return how to cite the package and the paper whose measure it computes, in BibTeX.

    >>> print(cited().splitlines()[0])
    @software{drnn_theory,
    """
    return f"""@software{{drnn_theory,
  title = {{drnn\\_theory: the theory of memory in recurrent networks, exact, proved and measured}},
  author = {{{{The drnn\\_theory developers}}}},
  version = {{{__version__}}},
  year = {{2026}}
}}

@inproceedings{{chang2017dilated,
  title = {{Dilated Recurrent Neural Networks}},
  author = {{Chang, Shiyu and Zhang, Yang and Han, Wei and Yu, Mo and Guo, Xiaoxiao and Tan, Wei
    and Cui, Xiaodong and Witbrock, Michael and Hasegawa-Johnson, Mark and Huang, Thomas}},
  booktitle = {{Advances in Neural Information Processing Systems 30}},
  year = {{2017}},
  note = {{arXiv:1710.02224}}
}}"""


def _cite(_: Contents) -> str:
    return (
        "<p>Cite the package and the paper whose measure it computes, and write span and "
        f"convention beside every mean.</p><pre>{escape(cited())}</pre>"
    )


def _html_table(table: Table, *, grouped: bool = False) -> str:
    """Return a table that scrolls by itself where the page is narrower.

    Where it is ``grouped`` the first cell stands once for all rows that have it.
    """
    columns = table.columns
    numeric = {
        column
        for column in columns
        if all(_is_numeric(row.get(column)) for row in table)
        and any(row.get(column) is not None for row in table)
    }

    def cells(tag: str, values: Iterable[tuple[str, Any]]) -> str:
        return "".join(
            f"<{tag}{NUMBER if column in numeric else ''}>{escape(str(text))}</{tag}>"
            for column, text in values
        )

    head = cells("th", ((column, column) for column in columns))
    body, last = "", None
    for row in table:
        shown = [(column, _digits(row.get(column))) for column in columns]
        again = grouped and shown[0][1] == last
        last = shown[0][1]
        body += f"<tr>{cells('td', [(columns[0], ''), *shown[1:]] if again else shown)}</tr>"
    notes = "".join(f'<p class="quiet">{escape(note)}</p>' for note in table.notes)
    return (
        '<div class="wide" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{notes}"
    )


def _digits(value: Any) -> str:
    """Return a value as people read it, five digits of a number."""
    if isinstance(value, float) and math.isfinite(value) and not value.is_integer():
        return f"{value:.5g}"
    return cell(value)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if value is None or isinstance(value, (int, float)):
        return True
    text = str(value).removesuffix("%")
    try:
        float(text.partition("/")[0])
    except ValueError:
        return False
    return True


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
