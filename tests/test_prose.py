"""Words that a reader stumbles over, in everything that people read."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BANNED = (
    "anew",
    "betters",
    "bettered",
    "what is no",
    "utilize",
    "leverage",
    "in order to",
    "going forward",
)
MOMENTS = {"here", "now", "found", "asked", "wanted"}
CODE = sorted((ROOT / "drnn_theory").rglob("*.py"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "proofs").rglob("*.md")) + sorted((ROOT / "notebooks").glob("*.ipynb"))


def prose(path):
    """Return what a file says to people: its text, or its strings and comments."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = (tokenize.COMMENT, tokenize.STRING)
    return " ".join(token.string for token in tokens if token.type in kinds)


@pytest.mark.parametrize("path", CODE + PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_is_one_to_stumble_over(path):
    text = re.sub(r"[\s#\"]+", " ", prose(path)).lower()
    assert [word for word in BANNED if re.search(rf"\b{word}\b", text)] == []


@pytest.mark.parametrize(
    "path", [p for p in PAGES if p.suffix == ".md"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_block_of_code_ends_before_the_next_begins(path):
    inside = False
    for fence in re.findall(r"^ *```(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        assert not (inside and fence), f"a block is open where {fence!r} begins"
        inside = not inside
    assert not inside


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_variable_names_a_thing_and_not_the_moment(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    assert names & MOMENTS == set()


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_head_of_a_module_names_its_subject(path):
    head = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert not re.match(r"(What|How|Which|Where|Why|When|Is|Does)\b", head), head.split("\n")[0]
    assert not re.match(r"[^.:]*\?", head), head.split("\n")[0]


SEEN_ANYWHERE = [path for path in PAGES if (ROOT / "docs") not in path.parents]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_picture_and_a_note_are_written_as_every_viewer_shows_them(path):
    """JupyterLab's preview knows no footnotes and no directives."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"\[\^\w+\]|```\{(?:image|figure|note|math)", text) == []
    if path in SEEN_ANYWHERE:  # pages of the site may hold what only the site needs
        assert re.findall(r"^:::|^```\{|(?<!\w)\{\w+\}`", text, re.MULTILINE) == []
