"""What is installed, what is imported, and what a missing extra says."""

import doctest
import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import drnn_theory

ROOT = Path(__file__).parent.parent


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


HEAVY = ("torch", "matplotlib", "pandas", "sympy")


def test_importing_the_package_loads_nothing_heavy():
    loaded = f"print([m for m in {HEAVY} if m in sys.modules])"
    assert python(f"import sys, drnn_theory; {loaded}") == "[]"


def test_the_theory_column_needs_neither_torch_nor_matplotlib_nor_pandas():
    code = (
        "import sys\n"
        "for name in ('torch', 'matplotlib', 'pandas'): sys.modules[name] = None\n"
        "import drnn_theory.theorems, drnn_theory.summaries, drnn_theory.catalogue\n"
        "print(drnn_theory.compare({'a': [1, 2]}).table().rows[0]['exactly'])"
    )
    assert python(code) == "3"


@pytest.mark.parametrize("name", drnn_theory.__all__)
def test_every_public_name_is_there_and_documented(name):
    public = getattr(drnn_theory, name)
    assert name in dir(drnn_theory)
    assert isinstance(public, tuple | dict) or public.__doc__


# `extra_repr` says how torch prints a model, which no one calls
@pytest.mark.parametrize("name", sorted({*drnn_theory.__all__} - {"FIGURES", "THEOREMS"}))
def test_every_public_name_and_its_methods_have_an_example(name):
    public = getattr(drnn_theory, name)
    assert public.__module__.startswith("drnn_theory.")  # where the tests run the examples
    for found in doctest.DocTestFinder(exclude_empty=False).find(public, name):
        method = found.name.rpartition(".")[2]
        if not method.startswith("_") and method != "extra_repr":
            assert found.examples, found.name


@pytest.mark.parametrize(("name", "module"), [("THEOREMS", "theorems"), ("FIGURES", "gallery")])
def test_a_public_collection_has_an_example_in_its_module(name, module):
    module = importlib.import_module(f"drnn_theory.{module}")
    (found,) = doctest.DocTestFinder(recurse=False).find(module)
    assert any(name in example.source for example in found.examples)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^No drnn_theory attribute spam$"):
        drnn_theory.spam  # noqa: B018


def test_a_missing_torch_is_named_with_the_command_that_brings_it():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from drnn_theory.__main__ import main\n"
        "sys.exit(main(['report', '--out', '/tmp/never']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        'drnn-theory: the report needs torch: pip install "drnn_theory[torch]"\n'
    )


@pytest.mark.parametrize("name", ["DilatedRNN", "GraphRNN", "gradient_profile"])
def test_without_torch_a_name_that_needs_it_says_how_to_get_it(name):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"try: from drnn_theory import {name}\n"
        "except ImportError as error: print(error)"
    )
    assert python(code) == 'running a model needs torch: pip install "drnn_theory[torch]"'


def test_a_missing_ipywidgets_is_named_with_the_command_that_brings_it():
    code = (
        "import sys; sys.modules['ipywidgets'] = None\n"
        "try: from drnn_theory import explore\n"
        "except ImportError as error: print(error)"
    )
    assert python(code) == 'explore needs ipywidgets: pip install "drnn_theory[notebook]"'


def test_the_wheel_holds_the_package_and_nothing_of_tests_or_notebooks(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path]
    subprocess.run([*command, ROOT], capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"drnn_theory/py.typed", "drnn_theory/__init__.pyi", "drnn_theory/measures.py"} <= {
        *names
    }
    assert {"drnn_theory/explorer/page.js", "drnn_theory/explorer/page.css"} <= {*names}
    assert {name.split("/")[0] for name in names} == {
        "drnn_theory",
        f"{wheel.name.rsplit('-', 3)[0]}.dist-info",
    }
