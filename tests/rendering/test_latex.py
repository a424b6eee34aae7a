"""Every table in LaTeX, set by pdflatex in an article with nothing else."""

import re
import shutil
import subprocess

import pytest

from drnn_theory import FIGURES, write_figures
from drnn_theory.report import Report

pytestmark = [
    pytest.mark.rendering,
    pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed"),
]


def typeset(folder, body, *packages):
    """Set text as wide as NeurIPS has it; return by how many points lines pass the margin."""
    loaded = "".join(rf"\usepackage{{{package}}}" for package in packages)
    page = rf"\documentclass{{article}}{loaded}\setlength{{\textwidth}}{{5.5in}}"
    text = rf"{page}\begin{{document}}{body}\end{{document}}"
    (folder / "all.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.table])
def test_a_table_of_a_figure_needs_booktabs_alone_and_fits_the_page(name, tmp_path):
    write_figures([name], tmp_path, formats=[])
    table = (tmp_path / f"{name}.tex").read_text()
    assert typeset(tmp_path, rf"\noindent {table}", "booktabs") == []


def test_the_tables_of_the_report_compile(tmp_path):
    report = Report({"stack": [1, 2, 4], "plain": [1]}, tmp_path, span=8)
    report.compare_architectures()
    report.check_closed_forms()
    architectures = (tmp_path / "architectures.tex").read_text()
    typeset(tmp_path, architectures, "booktabs")
    formulas = (tmp_path / "closed_forms.tex").read_text()
    assert formulas.startswith("% needs the packages amsmath and booktabs\n")
    typeset(tmp_path, formulas, "amsmath", "booktabs")


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="pdffonts is not installed")
@pytest.mark.parametrize("venue", ["neurips", "icml", "colm"])
def test_the_fonts_of_a_pdf_are_embedded_as_what_they_are(venue, tmp_path):
    write_figures(["clockwork_phases"], tmp_path, venue=venue)
    command = ["pdffonts", tmp_path / "clockwork_phases.pdf"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # where a font that is none is called TrueType, pdffonts says so
    kinds = {line[37:55].strip() for line in done.stdout.splitlines()[2:]}
    assert kinds == {"CID TrueType"}
