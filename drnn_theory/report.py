"""The report on a set of architectures: tables, checks and figures in one folder.

Every file is written whole or not at all, and says which span and convention its numbers have and
where they come from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from tqdm import tqdm

from drnn_theory.architectures import Architecture, as_architecture, as_cyclic_graph
from drnn_theory.checks import require_extra, require_memory, shown
from drnn_theory.costs import state_size
from drnn_theory.figures import plot_gradient_profiles, plot_unfolded
from drnn_theory.figures.venues import venue_style
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.gallery.overview import curves_by_name, mrl_by_span, path_lengths_by_lag
from drnn_theory.graphs import graph_to_json
from drnn_theory.latex import as_comment, formula_list
from drnn_theory.paths import path_counts, shortest_path
from drnn_theory.reading import read_word
from drnn_theory.summaries import MEASURES, Comparison, compare
from drnn_theory.tables import Table, where
from drnn_theory.theorems import THEOREMS, Theorem, verify
from drnn_theory.writing import as_folder, make_folder, replacing

__all__ = ["SPAN", "Report", "closed_forms", "measured_gradients", "report_figures", "write_report"]

SPAN = 256
SEED = 0
HIDDEN_SIZE = 20
FORMATS = ("pdf", "png")
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
) -> Report:
    """Write everything about named architectures into one folder, and return what came of it.

    They are compared over lags 1..``span``. The closed forms are checked against brute force, and
    autograd's path counts against those of the graphs; ``failures`` lists what did not hold, one
    line each. ``quick`` checks fewer lags and fewer theorems. Pictures have the style of a venue.
    The table of the architectures for LaTeX is as wide as its page, and has the ``columns`` named.
    Raises ValueError or TypeError for bad input, and ImportError where torch is missing, before
    anything is written.
    """
    require_extra("torch", "the report")
    checked = {name: as_architecture(a) for name, a in architectures.items()}
    folder = as_folder(out)
    width = venue_style(venue)["figure.figsize"][0]
    if isinstance(columns, str):
        raise TypeError(f"columns must be a list of names, got {shown(columns)}")
    columns = [read_word(column, "column", MEASURES) for column in columns]
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
    write("architectures.tex", comparison.table(columns).to_latex(width=width) + "\n")
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

    figures = report_figures(checked, span, gradients)
    for figure in tqdm(figures, desc="figures", unit="figure"):
        files += figure.write(folder, venue, FORMATS)
    return Report(comparison, failures + mismatches, files)


def closed_forms(theorems: Iterable[Theorem]) -> tuple[Table, Table, list[str]]:
    """Return how closed forms agree with brute force, their statements in LaTeX, and failures.

    >>> forms, statements, failures = closed_forms([THEOREMS["skip_mean"]])
    >>> forms.rows[0]["brute force"], statements.columns, failures
    ('agrees on 18 cases', ['theorem', 'closed form', 'brute force'], [])
    """
    theorems = list(theorems) if isinstance(theorems, (list, tuple)) else [*theorems]
    verification = verify(theorems)
    pairs = list(zip(theorems, verification.rows, strict=True))
    footnotes = [f"{t.name}: {t.footnote}" for t in theorems if t.footnote]
    rows = [
        {
            "theorem": theorem.name,
            "holds for": theorem.holds_for,
            "closed form": str(theorem.closed_form),
            "symbolic": f"{row.symbolic} computations" if row.symbolic else None,
            "written": row.written,
            "machine-checked": row.machine,
            "brute force": str(row.cases),
            "defined in": theorem.defined_in,
        }
        for theorem, row in pairs
    ]
    statements = [
        {"theorem": t.name, "closed form": t.statement, "brute force": str(row.cases)}
        for t, row in pairs
    ]
    failures = [f"{row.name}: {'; '.join(row.failures)}" for _, row in pairs if row.failures]
    return Table(rows, footnotes), Table(statements, footnotes), failures


def measured_gradients(
    architectures: Mapping[str, Architecture], lags: int
) -> tuple[Table, list[str]]:
    """Return autograd's path counts and gradient norms of each at lags 0..lags, and mismatches.

    Schemes run as a DilatedRNN, which knows nothing of graphs; other graphs as a GraphRNN.
    """
    import torch

    from drnn_theory.gradients import gradient_profile, unit_dilated_rnn, unit_graph_rnn
    from drnn_theory.models import DilatedRNN, GraphRNN

    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    for name, a in tqdm(architectures.items(), desc="gradients", unit="model"):
        # before the seed is set: making a model draws numbers
        unit: torch.nn.Module = unit_dilated_rnn(a) if isinstance(a, tuple) else unit_graph_rnn(a)
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            network: torch.nn.Module
            if isinstance(a, tuple):
                network = DilatedRNN(1, HIDDEN_SIZE, a, dtype=torch.float64)
            else:
                network = GraphRNN(a, 1, HIDDEN_SIZE, dtype=torch.float64)
        counts = path_counts(a, lags)
        bridge = gradient_profile(unit, lags + 1, inputs=torch.ones(lags + 1, 1, 1))
        profile = gradient_profile(network, lags + 1)
        # float64 holds a count exactly below 2**53
        equal = [
            None if count >= 2**53 else count == jacobian
            for count, jacobian in zip(counts, bridge.norms.tolist(), strict=True)
        ]
        if False in equal:
            lag = equal.index(False)
            failures.append(f"{name}: Jacobian is not the number of paths at lag {lag}")
        rows += [
            {
                "architecture": name,
                "model": type(unit).__name__,
                "lag": n,
                "paths": count,
                "unit-weight Jacobian": float(bridge.norms[n]),
                "equal": equal[n],
                "gradient norm": float(profile.norms[n]),
            }
            for n, count in enumerate(counts)
        ]
    notes = [
        "equal is empty where there are 2^53 paths or more, which float64 does not count exactly",
        f"gradient norm: tanh, {HIDDEN_SIZE} units per state, orthogonal matrices",
    ]
    about = {"span": lags, "convention": None, "hidden size": HIDDEN_SIZE}
    return Table(rows, notes, about, where(torch=True, seed=SEED)), failures


def report_figures(
    architectures: Mapping[str, Architecture], span: int, gradients: Table
) -> list[PaperFigure]:
    """Return the report's figures: a graph unfolded, path lengths, means by span, gradient norms.

    ``gradients`` is the table of :func:`measured_gradients`, whose norms are drawn as they stand.
    """
    steps = 16
    small = as_cyclic_graph([1, 2, 4])
    path = [(t + 1, unit) for t, unit in shortest_path(small, steps - 2)]

    def paint_unfolded(_: Rows, figure: Figure) -> None:
        plot_unfolded(small, steps, path=path, ax=figure.subplots())

    def paint_gradients(rows: Rows, figure: Figure) -> None:
        plot_gradient_profiles(curves_by_name(rows, "lag", "gradient norm"), ax=figure.subplots())

    return [
        PaperFigure(
            "unfolded",
            f"Dilations 1, 2, 4 unfolded in time, with a shortest path to lag {steps - 2}.",
            lambda: [{"time": t, "unit": unit} for t, unit in path],
            paint_unfolded,
            2.3,
            about={},
        ),
        path_lengths_by_lag(
            architectures,
            span,
            name="path_lengths",
            caption="Shortest path lengths d(n) in the worst starting phase, by lag.",
        ),
        mrl_by_span(
            architectures,
            span,
            name="mrl_against_span",
            caption="Mean recurrent length against the span, the number of lags averaged.",
        ),
        PaperFigure(
            "gradient_norms",
            "Norm of the gradient from the last output to the input n steps before, in randomly "
            f"initialised tanh networks (orthogonal matrices) of {HIDDEN_SIZE} units per state.",
            lambda: replace(
                gradients,
                rows=[
                    {key: row[key] for key in ("architecture", "lag", "gradient norm")}
                    for row in gradients
                ],
            ),
            paint_gradients,
            3.4,
            about={},
        ),
    ]
