"""What people read runs: the README's examples and every notebook."""

import doctest
import re
from pathlib import Path

import matplotlib as mpl
import nbformat
import pytest
from nbclient import NotebookClient

from drnn_theory.catalogue import read_architectures

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")  # the kernel runs in a process of its own
def test_every_notebook_runs_from_top_to_bottom(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source.startswith("# ")
    assert any(cell.cell_type == "code" for cell in notebook.cells)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
