"""Every figure and table for LaTeX, set by pdflatex in an article with nothing else."""

import re
import shutil
import subprocess

import pytest

from drnn_theory import FIGURES, write_figures

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


@pytest.mark.parametrize("page", ["neurips", "two columns"])
def test_every_table_of_a_figure_needs_booktabs_alone_and_fits(page, figures):
    names = [name for name, figure in FIGURES.items() if figure.compared]
    star = "*" if page == "two columns" else ""
    body = "\n".join(
        rf"\begin{{table{star}}}\input{{{name}_table}}\end{{table{star}}}\clearpage"
        for name in names
    )
    assert typeset(figures, page, body, "booktabs") == []


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
