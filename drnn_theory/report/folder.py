"""The folder of a report: every file whole or not at all, saying where its numbers come from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from drnn_theory.architectures import Architecture, as_architecture, as_cyclic_graph
from drnn_theory.checks import require_extra, require_memory, shown
from drnn_theory.costs import state_size
from drnn_theory.figures.venues import venue_style
from drnn_theory.graphs import graph_to_json
from drnn_theory.latex import as_comment, formula_list, table_environment
from drnn_theory.reading import read_word
from drnn_theory.report.better import better_schemes
from drnn_theory.report.page import Contents, html_page
from drnn_theory.report.parts import (
    HIDDEN_SIZE,
    closed_forms,
    gradients_in_short,
    measured_gradients,
    report_figures,
)
from drnn_theory.summaries import MEASURES, Comparison, compare
from drnn_theory.tables import Table, spoken, where
from drnn_theory.theorems import THEOREMS
from drnn_theory.theorems.applying import applicable
from drnn_theory.writing import FORMATS, as_folder, make_folder, replacing

__all__ = ["COLUMNS", "SPAN", "Report", "write_report"]

SPAN = 256
COLUMNS = [
    "mean recurrent length",
    "exactly",
    "longest path",
    "at lag",
    "vertical edges",
    "recurrent edges per node",
    "recurrent skip coefficient",
    "parameters",
    "streaming state",
]
"""Those of :data:`drnn_theory.summaries.MEASURES` that fit on a page."""
NEEDS = "% needs amsmath, booktabs and longtable; in two columns, \\onecolumn before it"


class Report(NamedTuple):
    """The outcome of a report: the comparison, what failed, and the files written."""

    comparison: Comparison
    failures: list[str]
    files: list[Path]


def write_report(
    architectures: Mapping[str, Architecture],
    out: str | Path = "report",
    *,
    span: int = SPAN,
    quick: bool = False,
    venue: str = "neurips",
    columns: Iterable[str] = COLUMNS,
    formats: Iterable[str] = ("pdf", "png"),
) -> Report:
    """Write everything about named architectures into one folder, and return what came of it.

    Its page is ``index.html``, which holds its pictures itself and needs no network: what was
    asked, the table, the figures, the closed forms that apply, what the gradients measured and the
    better schemes. The files beside it hold the numbers, and all of it for LaTeX.

    They are compared over lags 1..``span``. The closed forms are checked against brute force, and
    autograd's path counts against those of the graphs; ``failures`` lists what did not hold, one
    line each. ``quick`` checks fewer lags and fewer theorems, and searches less for better schemes.
    Pictures have the style of a venue, and are written in the ``formats`` named. The table of the
    architectures, on the page and for LaTeX, has the ``columns`` named; for LaTeX it is as wide as
    the venue's page.
    Raises ValueError or TypeError for bad input, and ImportError where torch is missing, before
    anything is written.
    """
    require_extra("torch", "the report")
    if not isinstance(architectures, Mapping) or not architectures:
        raise ValueError(
            "architectures must be a dictionary of one or more names and architectures, "
            f"got {shown(architectures)}"
        )
    checked = {str(name): as_architecture(a) for name, a in architectures.items()}
    folder = as_folder(out)
    width = venue_style(venue)["figure.figsize"][0]
    if isinstance(columns, str):
        raise TypeError(f"columns must be a list of names, got {shown(columns)}")
    columns = [read_word(column, "column", MEASURES) for column in columns]
    if isinstance(formats, str):
        raise TypeError(f"formats must be a list, got {shown(formats)}")
    formats = [read_word(kind, "format", FORMATS) for kind in formats]
    # d(n) of every architecture is drawn lag by lag
    require_memory(100 * span * len(checked), f"a report at span {span}")
    for name, architecture in checked.items():
        require_memory(8 * state_size(architecture, HIDDEN_SIZE), f"the state of {name}")
    make_folder(folder)
    files: list[Path] = []

    def write(name: str, text: str) -> None:
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        files.append(folder / name)

    def write_table(name: str, table: Table) -> None:
        write(f"{name}.csv", table.to_csv())
        write(f"{name}.json", table.to_json() + "\n")

    bar = tqdm(checked.items(), desc="measures", unit="architecture")
    singly = [compare({name: a}, span, hidden_size=HIDDEN_SIZE) for name, a in bar]
    comparison = Comparison([one.summaries[0] for one in singly])
    write_table("architectures", comparison.table())
    chosen = comparison.table(columns)
    caption = f"Measures of {len(checked)} architectures over the lags 1..{span}, in edges."
    latex = table_environment(
        "architectures", chosen.to_latex(width=width), caption, spoken(where()), wide=True
    )
    write("architectures.tex", latex)
    graphs = {name: json.loads(graph_to_json(as_cyclic_graph(a))) for name, a in checked.items()}
    write("graphs.json", json.dumps({"where": where(), "graphs": graphs}) + "\n")

    theorems = [t for t in THEOREMS.values() if not quick or t.name.endswith("_mean")]
    forms, statements, failures = closed_forms(tqdm(theorems, desc="closed forms", unit="theorem"))
    write_table("closed_forms", forms)
    listed = formula_list([tuple(row.values()) for row in statements])
    write("closed_forms.tex", "\n".join([NEEDS, listed, *map(as_comment, statements.notes), ""]))

    lags = min(span, 64 if quick else 256)
    gradients, mismatches = measured_gradients(checked, lags)
    write_table("gradients", gradients)

    applied = {
        name: applicable(a, span) for name, a in tqdm(checked.items(), desc="closed forms found")
    }
    failures += mismatches
    failures += [
        f"{name}: {one.theorem.name} gives {one.predicted}, got {one.computed}"
        for name, forms_of in applied.items()
        for one in forms_of
        if not one.holds
    ]
    better = better_schemes(checked, span, quick=quick, hidden_size=HIDDEN_SIZE)
    write_table("better_schemes", better)

    figures = report_figures(checked, span, gradients)
    for figure in tqdm(figures, desc="figures", unit="figure"):
        files += figure.write(folder, venue, formats)
    page = html_page(
        Contents(
            architectures=checked,
            span=span,
            quick=quick,
            venue=venue,
            comparison=comparison,
            columns=columns,
            figures=figures,
            applied=applied,
            checked=forms,
            gradients=gradients_in_short(gradients),
            better=better,
            failures=failures,
            files=[file.name for file in files],
        )
    )
    write("index.html", page)
    files.insert(0, files.pop())
    return Report(comparison, failures, files)
