"""What rests on what: the data, held against the proofs, and the figure made from them."""

import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import networkx as nx
import pytest

from drnn_theory import THEOREMS
from drnn_theory.figures.theorem_graph import plot_theorem_graph, theorem_graph
from drnn_theory.theorems.dependencies import RESTS_ON

PROOFS = Path(__file__).parents[1] / "proofs"
NAMES = list(THEOREMS)


def test_every_theorem_says_what_it_rests_on_and_that_exists():
    assert list(RESTS_ON) == [name for name in RESTS_ON if name in NAMES]
    assert set(RESTS_ON) == set(NAMES)
    for name, used in RESTS_ON.items():
        assert set(used) <= set(NAMES) - {name}, name
        assert len(set(used)) == len(used)


def test_no_theorem_rests_on_itself_by_any_way():
    graph = theorem_graph()
    assert nx.is_directed_acyclic_graph(graph)
    graph.add_edge("theorem_3_1", "fewest_coins")
    assert not nx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize("theorem", THEOREMS.values(), ids=NAMES)
def test_what_statement_and_proof_refer_to_is_what_the_theorem_rests_on(theorem):
    text = (PROOFS / theorem.proof).read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    used = sections["Definition"] + sections["Statement"]
    used += sections["Proof"].split(r"\blacksquare")[0]
    linked = {name for name in re.findall(r"\]\((\w+)\.md\)", used) if name in NAMES}
    assert linked - {theorem.name} == set(theorem.rests_on)


def test_the_figure_shows_every_theorem_once_with_its_colour_and_its_link():
    ax = plot_theorem_graph(link=lambda theorem: f"page.html#{theorem.name}")
    texts = {text.get_text(): text for text in ax.texts if text.get_text()}
    assert sorted(texts) == sorted(NAMES)
    colours = {}
    for name, node in theorem_graph().nodes(data=True):
        box = texts[name].get_bbox_patch()
        colours.setdefault(node["evidence"], set()).add(box.get_facecolor())
        assert texts[name].get_url() == f"page.html#{name}"
    assert {text.get_text() for text in ax.get_legend().get_texts()} == set(colours)
    assert len(colours) >= 2
    assert all(len(shown) == 1 for shown in colours.values())
    assert len(set.union(*colours.values())) == len(colours)
    file = io.StringIO()
    ax.figure.savefig(file, format="svg")
    assert all(f'xlink:href="page.html#{name}"' in file.getvalue() for name in NAMES)
    plt.close(ax.figure)
