"""What people read runs: the README's examples, the pages of the site and every notebook."""

import doctest
import re
import shlex
import statistics
import subprocess
import sys
from itertools import chain
from pathlib import Path

import matplotlib as mpl
import nbformat
import pytest

import drnn_theory
from drnn_theory import FIGURES, load_measured
from drnn_theory.catalogue import read_architectures
from tests.notebooks import KEPT, LARGEST_IMAGE, NOTEBOOKS, agree, code_cells, images, run, texts

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
REFERENCE = ROOT / "docs" / "reference"
mpl.use("agg")


def test_the_examples_of_the_readme_print_what_they_say():
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert results.attempted > 10
    assert results.failed == 0


def test_the_toml_of_the_readme_is_read_as_it_stands(tmp_path):
    text = re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    (tmp_path / "graph.json").write_text(
        '{"graph": {"inputs": ["x"], "outputs": ["x"]}, '
        '"edges": [{"source": "x", "target": "x", "lag": 1}]}'
    )
    (tmp_path / "named.toml").write_text(text)
    named, span = read_architectures(tmp_path / "named.toml")
    assert list(named) == ["mine", "skips", "drawn", "saved"]
    assert span == 100


def test_the_readme_quotes_the_correlations_that_were_measured():
    ranks = {
        (row["predictor"], row["reach"]): row["spearman"]
        for row in load_measured("gradient_flow_correlations")
        if (row["weights"], row["architectures"]) == ("uniform", "all")
    }
    text = " ".join((ROOT / "README.md").read_text().split())
    length = [ranks["mean recurrent length", reach] for reach in ("log gradient", "horizon")]
    law = [ranks["law", reach] for reach in ("log gradient", "horizon")]
    assert f"is {length[0]:.2f}, and with how far it reaches {length[1]:.2f}; " in text
    assert f"for the law the two are {law[0]:.2f} and {law[1]:.2f}." in text


def test_the_readme_quotes_the_speeds_that_were_measured():
    times = {}
    for row in load_measured("speed_cpu"):
        if row["mode"] == "forward+backward":
            case = tuple(row[k] for k in ("threads", "steps", "cell", "hidden size"))
            times.setdefault(case, {})[row["side"]] = row["milliseconds"]
    ours = {case: sides["DilatedRNN"] for case, sides in times.items()}
    peers = {
        case: min(time for side, time in sides.items() if " " in side)  # named with a version
        for case, sides in times.items()
    }
    means = {
        threads: [
            statistics.geometric_mean(
                peers[case] / ours[case] for case in times if case[:2] == (threads, steps)
            )
            for steps in (784, 1000, 4000)
        ]
        for threads in (1, 2)
    }
    text = " ".join((ROOT / "README.md").read_text().split())
    one, two = means[1], means[2]
    assert f"{one[0]:.1f}, {one[1]:.1f} and {one[2]:.1f} for 784, 1000 and 4000 steps" in text
    assert f"one thread, and {two[0]:.1f}, {two[1]:.1f} and {two[2]:.1f} on two" in text
    table = (ROOT / "README.md").read_text()
    for cell in ("RNN", "GRU", "LSTM"):
        cells = []
        for side in ("view", "zalandoresearch 0a33cce", "neuralforecast 3.3.0", "undilated"):
            cases = [(1, 1000, cell, hidden) for hidden in (20, 64)]
            cells.append(" / ".join(f"{times[c][side] / ours[c]:.1f}" for c in cases))
        assert f"| {cell} 20 / 64 | {' | '.join(cells)} |" in table


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_blocks_of_a_page_run_as_they_stand(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = path.read_text(encoding="utf-8")
    for file in blocks(text, "toml"):  # the first line of a file is its name
        (tmp_path / re.match(r"# (\S+)\n", file)[1]).write_text(file, encoding="utf-8")
    assert all(block.startswith(">>> ") for block in blocks(text, "python"))
    assert doctest.testfile(str(path), module_relative=False, encoding="utf-8").failed == 0
    for session in blocks(text, "console"):
        command, printed = re.fullmatch(r"\$ drnn-theory (.*?)\n(.*)", session, re.DOTALL).groups()
        words = [sys.executable, "-m", "drnn_theory", *shlex.split(command)]
        assert subprocess.run(words, capture_output=True, text=True).stdout == printed


def test_every_how_to_has_examples():
    pages = [path for path in PAGES if path.parent.name == "howto"]
    assert len(pages) >= 5
    for path in pages:
        assert len(blocks(path.read_text(encoding="utf-8"), "python")) >= 2


def test_the_reference_describes_every_public_name_once():
    pages = "".join(path.read_text(encoding="utf-8") for path in REFERENCE.glob("*.md"))
    described = re.findall(
        r"^\.\. auto(?:function|class):: drnn_theory\.(\w+)(?:\(\))?$", pages, re.MULTILINE
    )
    described += re.findall(r"^\.\. py:data:: (\w+)$", pages, re.MULTILINE)
    assert sorted(described) == sorted(drnn_theory.__all__)


QUESTIONS = [
    "Name an architecture",
    "Measure it",
    "Prove it",
    "Design it",
    "Run it",
    "Show it",
]


def public_names():
    """Return the public names by question, as the stub of the package lists them."""
    stub = (ROOT / "drnn_theory" / "__init__.pyi").read_text(encoding="utf-8")
    _, *parts = re.split(r"^    # (.+)$", stub.split("__all__ = [")[1], flags=re.MULTILINE)
    names = [re.findall(r'"(\w+)"', part) for part in parts[1::2]]
    return dict(zip(parts[::2], names, strict=True))


def test_the_public_list_answers_the_six_questions_in_order():
    groups = public_names()
    assert list(groups) == QUESTIONS
    assert sorted(chain.from_iterable(groups.values())) == sorted(drnn_theory.__all__)
    stub = (ROOT / "drnn_theory" / "__init__.pyi").read_text(encoding="utf-8")
    imports = stub.split("__version__")[0]
    assert re.findall(r"^# (.+)$", imports, re.MULTILINE)[-6:] == QUESTIONS


def test_the_head_of_the_package_names_the_questions_and_answers_in_order():
    head = drnn_theory.__doc__
    assert re.findall(r"^- ([^:]+):", head, re.MULTILINE) == QUESTIONS
    items = re.split(r"^- [^:]+:", head, flags=re.MULTILINE)[1:]
    for names, item in zip(public_names().values(), items, strict=True):
        named = re.findall(r"``(\w+)``", item)
        assert named
        assert set(named) <= set(names)


def test_the_first_page_of_the_reference_lists_the_main_names_in_order():
    index = (REFERENCE / "index.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^## (.+)$", index, flags=re.MULTILINE)
    assert parts[::2] == QUESTIONS
    groups, count = public_names(), 0
    for question, part in zip(parts[::2], parts[1::2], strict=True):
        listed = re.findall(r"^   (\w+)$", part, re.MULTILINE)
        assert listed == [name for name in groups[question] if name in listed]
        main = listed + re.findall(r"\{data\}`~drnn_theory\.(\w+)`", part)
        assert set(main) <= set(groups[question])
        count += len(main)
    assert 40 <= count <= 50


def test_the_pages_of_the_reference_stand_in_the_order_of_the_public_list():
    index = (REFERENCE / "index.md").read_text(encoding="utf-8")
    pages = re.findall(r"^(\w+)$", index.split(":hidden:")[1], re.MULTILINE)
    assert sorted(pages) == sorted(
        path.stem for path in REFERENCE.glob("*.md") if path.stem != "index"
    )
    described = []
    for page in pages:
        text = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
        pattern = r"^\.\. (?:auto(?:function|class)::|py:data::) (?:drnn_theory\.)?(\w+)(?:\(\))?$"
        described += re.findall(pattern, text, re.MULTILINE)
    assert described == [*chain.from_iterable(public_names().values())]


def test_the_reference_tells_span_horizon_and_length_apart_at_its_head():
    head = (REFERENCE / "index.md").read_text(encoding="utf-8").split("\n## ")[0]
    for word in ("span", "horizon", "length"):
        assert len(re.findall(rf"The \*{word}\* is", head)) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")  # the kernel runs in a process of its own
def test_every_notebook_prints_again_what_is_saved_in_it(path):
    saved = nbformat.read(path, as_version=4)
    again = run(path)
    for cell, before, after in zip(code_cells(saved), texts(saved), texts(again), strict=True):
        assert agree(before, after), f"{cell.source}\nprinted\n{before}\nand now\n{after}"
    assert len(images(again)) == len(images(saved))


def test_the_notebook_of_figures_shows_every_figure_in_order():
    (path,) = (path for path in NOTEBOOKS if path.stem == "05_figures")
    sources = "\n".join(cell.source for cell in code_cells(nbformat.read(path, as_version=4)))
    assert re.findall(r'^show\("(\w+)"\)$', sources, re.MULTILINE) == list(FIGURES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_says_what_it_teaches_and_is_saved_small(path):
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source
    assert first.startswith(f"# {path.stem[:2]} ")
    assert "At its end you will know " in first
    assert any(texts(notebook))
    assert all(len(picture) <= LARGEST_IMAGE for picture in images(notebook))
    kinds = {
        kind for cell in code_cells(notebook) for o in cell.outputs for kind in o.get("data", ())
    }
    assert kinds <= KEPT
    assert not re.search(r"0x[0-9a-f]{6}", "".join(texts(notebook)))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("mean 0.12346, 8 lags", True),
        ("mean 0.1244, 8 lags", False),
        ("mean 0.12345, 9 lags", False),
    ],
)
def test_outputs_agree_to_four_digits_and_whole_numbers_exactly(other, same):
    assert agree("mean 0.12345, 8 lags", other) is same
