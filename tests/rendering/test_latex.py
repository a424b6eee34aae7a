"""Every figure and table for LaTeX, set by pdflatex in an article with nothing else."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from drnn_theory import FIGURES, THEOREMS, compare, write_figures
from drnn_theory.__main__ import main
from drnn_theory.catalogue import paper_architectures
from drnn_theory.latex import formula_list
from drnn_theory.report import write_report
from drnn_theory.tables import Table

PAGES = {
    "bare": r"\documentclass{article}",
    "neurips": r"\documentclass{article}\setlength{\textwidth}{5.5in}",
    "two columns": r"\documentclass[twocolumn]{article}",
}
WIDEST = 1.0  # points past the margin that nobody sees

pytestmark = [
    pytest.mark.rendering,
    pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed"),
]


def typeset(folder, page, body, *packages):
    """Set text on one of the pages; return what passes the margins by more than nobody sees."""
    loaded = "".join(rf"\usepackage{{{package}}}" for package in packages)
    text = rf"{PAGES[page]}{loaded}\begin{{document}}{body}\end{{document}}"
    (folder / "all.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-2000:]
    assert "Float too large" not in log
    boxes = re.findall(r"(Overfull \\[hv]box \(([\d.]+)pt[^\n]*\n[^\n]*)", log)
    return [line for line, points in boxes if float(points) > WIDEST]


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """Write all figures at the sizes of a venue, once."""
    folder = tmp_path_factory.mktemp("figures")
    write_figures((), folder)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_compiles_with_its_caption_and_fits(page, figures):
    body = "\n".join(rf"\input{{{name}}}\clearpage Figure~\ref{{fig:{name}}}." for name in FIGURES)
    assert typeset(figures, page, body, "graphicx") == []


@pytest.mark.parametrize("page", PAGES)
def test_every_table_of_a_figure_needs_booktabs_alone_and_fits(page, figures):
    names = [name for name, figure in FIGURES.items() if figure.compared]
    if page == "bare":  # narrower than the venue for which the files are written
        tables = [FIGURES[name].latex_table(width=4.75) for name in names]
    else:
        tables = [rf"\input{{{name}_table}}" for name in names]
    body = "\n".join(
        rf"{table}\clearpage Table~\ref{{tab:{name}}}."
        for name, table in zip(names, tables, strict=True)
    )
    assert typeset(figures, page, body, "booktabs") == []


def test_every_table_of_a_figure_fits_one_of_two_columns(tmp_path):
    tables = [
        replace(figure, wide=False).latex_table(width=2.75)
        for figure in FIGURES.values()
        if figure.compared
    ]
    body = "\\clearpage\n".join(tables)
    assert typeset(tmp_path, "two columns", body, "booktabs") == []


OWN = """span = 99

[architectures]
mine = [1, 5, 18, 25]
doubling = [1, 2, 4, 8]

[architectures.drawn_by_hand]
edges = [
    ["x", "fast", 0], ["fast", "fast", 1],
    ["fast", "slow", 0], ["slow", "slow", 10], ["slow", "fast", 1],
]
inputs = ["x"]
outputs = ["fast", "slow"]
"""
PAPER = r"""\section{Memory}
Figure~\ref{fig:path_lengths} and Table~\ref{tab:zoo} compare three architectures.
\input{path_lengths}
\input{zoo_table}
\input{architectures}
"""


@pytest.mark.parametrize("page", ["neurips", "two columns"])
def test_a_small_paper_of_ones_own_architectures_compiles(page, tmp_path):
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    venue = {"neurips": "neurips", "two columns": "icml"}[page]
    own = ["--schemes", str(tmp_path / "own.toml"), "--only", "--venue", venue]
    assert main(["figures", "path_lengths", "zoo", *own, "--out", str(tmp_path)]) == 0
    assert main(["report", "--quick", *own, "--format", "pdf", "--out", str(tmp_path)]) == 0
    assert typeset(tmp_path, page, PAPER, "graphicx", "booktabs") == []


def in_column(table):
    return f"\\noindent {table}\n\\clearpage"


NAMES = [
    "mine",
    "_mine",
    "$x_$",
    "50% & more #1 ~^\\ {x} <b>",
    "α ≤ Ω",
    "a very long name of an architecture, as somebody_typed_it_with_underscores " * 3,
    "x" * 120,
]


@pytest.mark.parametrize(
    ("page", "width"), [("bare", 4.75), ("neurips", 5.5), ("two columns", 2.75)]
)
def test_a_comparison_of_any_names_fits_the_page_with_all_its_columns(page, width, tmp_path):
    table = compare({name: [1, k + 2] for k, name in enumerate(NAMES)}, span=99).table()
    assert typeset(tmp_path, page, in_column(table.to_latex(width=width)), "booktabs") == []


@pytest.mark.parametrize("page", PAGES)
def test_a_long_table_goes_on_on_the_next_page(page, tmp_path):
    rows = [{"scheme": tuple(range(1, 20 + n % 9)), "mean": n / 7} for n in range(120)]
    one = r"\onecolumn" if page == "two columns" else ""
    table = Table(rows).to_latex(width=4.75)
    assert typeset(tmp_path, page, one + table, "booktabs", "longtable") == []
    assert r"\begin{longtable}" in table


@pytest.mark.parametrize("page", PAGES)
def test_the_closed_forms_of_all_theorems_fit(page, tmp_path):
    one = r"\onecolumn" if page == "two columns" else ""
    rows = [(t.name, t.statement, "agrees on 1234 cases") for t in THEOREMS.values()]
    packages = "amsmath", "booktabs", "longtable"
    assert typeset(tmp_path, page, one + formula_list(rows), *packages) == []


def test_the_report_of_the_papers_architectures_compiles(tmp_path):
    write_report(paper_architectures(), tmp_path, span=64, quick=True)
    for name, needs in (
        ("architectures", ["booktabs"]),
        ("closed_forms", ["amsmath", "booktabs", "longtable"]),
    ):
        assert typeset(tmp_path, "neurips", rf"\input{{{name}}}", *needs) == []
    names = [path.stem for path in tmp_path.glob("*.pdf") if path.stem != "all"]
    assert len(names) == 4
    body = "\n".join(rf"\input{{{name}}}\clearpage" for name in names)
    assert typeset(tmp_path, "neurips", body, "graphicx") == []


@pytest.mark.parametrize("page", PAGES)
def test_a_line_that_is_too_long_is_seen(page, tmp_path):
    assert len(typeset(tmp_path, page, r"\noindent\rule{6.5in}{1pt}")) == 1


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="pdffonts is not installed")
@pytest.mark.parametrize("venue", ["neurips", "icml", "colm"])
def test_the_fonts_of_a_pdf_are_embedded_as_what_they_are(venue, tmp_path):
    write_figures(["clockwork_phases"], tmp_path, venue=venue)
    command = ["pdffonts", tmp_path / "clockwork_phases.pdf"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # where a font that is none is called TrueType, pdffonts says so
    kinds = {line[37:55].strip() for line in done.stdout.splitlines()[2:]}
    assert kinds == {"CID TrueType"}
