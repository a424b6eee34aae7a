"""The imports of the package: one chain, no circle, and none from below."""

import ast
from pathlib import Path

import networkx as nx
import pytest

PACKAGE = Path(__file__).parent.parent / "drnn_theory"

LAYERS = [
    ["checks", "latex"],
    ["dilations", "reading", "cycles", "tables", "writing", "stores", "study_rows"],
    ["edges", "graphs", "measured", "executing", "studies"],
    ["layers", "transformers", "architectures", "catalogue", "words", "law", "costs", "paths"],
    ["measures", "orders", "theorems", "design", "summaries", "capacities"],
    ["outputs", "modules", "models", "gradients"],
    ["capacities.simulation", "capacities.of_models", "learning"],
    ["figures", "gallery"],
    ["report", "explorer"],
    ["commands", "__main__"],
]
"""Every module and folder of the package, lowest first; a layer imports from it or from below."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
TORCH = {"outputs", "modules", "models", "gradients", *LAYERS[6]}
THEORY = {name for names in LAYERS[:5] for name in names}


def imports(path):
    """Return the modules of the package that a file imports: when run, and at import time."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.Lambda))
        for inner in ast.walk(node)
    }
    typing = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    every, early = set(), set()
    for node in set(ast.walk(tree)) - typing:
        names = []
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "drnn_theory":
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.split(".")[0] == "drnn_theory"]
        every.update(names)
        if node not in late:
            early.update(names)
    return every, early


def place_of(module):
    """Return the entry of the chain that holds a module: its own, or its folder's."""
    return module if module in LEVEL else module.split(".")[0]


def module_of(name):
    """Return the file's dotted name that an imported name lies in, without the package's own."""
    parts = name.split(".")[1:]
    while parts:
        path = PACKAGE.joinpath(*parts)
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            return ".".join(parts)
        parts.pop()
    return None


FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


def test_every_module_has_its_place_in_the_chain():
    assert set(map(place_of, FILES)) == set(LEVEL)


@pytest.mark.parametrize("name", FILES)
def test_a_module_imports_from_its_own_layer_or_from_below(name):
    top = place_of(name)
    _, early = imports(FILES[name])
    for other in filter(None, map(module_of, early)):
        below = place_of(other)
        assert LEVEL[below] <= LEVEL[top], f"{name} imports {other}"
        assert not (top in THEORY and below in TORCH), f"{name} imports {other}"


def test_no_two_modules_import_each_other():
    graph = nx.DiGraph()
    for name, path in FILES.items():
        every, _ = imports(path)  # those within functions too
        graph.add_edges_from((name, other) for other in map(module_of, every) if other)
    # a package's face hands on what its own modules define: those do not import it
    graph.remove_edges_from([(u, v) for u, v in graph.edges if u.startswith(f"{v}.")])
    assert list(nx.simple_cycles(graph)) == []


def test_no_two_functions_or_classes_have_one_name():
    homes = {}
    for name, path in FILES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(name)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}
