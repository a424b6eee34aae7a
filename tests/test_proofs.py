"""The written proofs: executed, complete, and one to one with the theorems.

    python -m tests.test_proofs

prints the table of proofs/README.md as it must be.
"""

import doctest
import re
from pathlib import Path

import pytest

from drnn_theory import THEOREMS

PROOFS = Path(__file__).parents[1] / "proofs"
ROCQ = PROOFS / "rocq"
NAMES = list(THEOREMS)
# laws of linear and of wide networks, and what searches find: they are no closed forms of the kind
ACCOUNTS = {"capacities", "gradient_law", "optimal_dilations"}
SECTIONS = ["Definition", "Statement", "Proof", "Example", "What is not claimed"]
each_proof = pytest.mark.parametrize("name", NAMES)
with_rocq = pytest.mark.skipif(not ROCQ.exists(), reason="proofs/rocq is not part of this tree")


def read(name):
    return (PROOFS / f"{name}.md").read_text(encoding="utf-8")


def status_table():
    """Return the rows of the table of contents, as the theorems themselves have it."""
    rows = ["| theorem | symbolic | written | machine-checked | cases |", "|---|---|---|---|---|"]
    for theorem in THEOREMS.values():
        steps = len(theorem.steps())
        symbolic = f"{steps} computation{'s' * (steps > 1)}" if steps else "-"
        machine = f"[{theorem.machine}](rocq/{theorem.machine})" if theorem.machine else "-"
        cases = theorem.compared
        if theorem.claims:
            cases += f", {len(theorem.claims)} claim{'s' * (len(theorem.claims) > 1)}"
        rows.append(
            f"| {theorem.name} | {symbolic} | [{theorem.proof}]({theorem.proof}) | {machine} "
            f"| {cases} |"
        )
    return "\n".join(rows) + "\n"


def test_every_theorem_has_its_proof_and_every_proof_its_theorem():
    files = {path.stem for path in PROOFS.glob("*.md")} - {"README"}
    assert files - ACCOUNTS == set(NAMES)
    assert [theorem.proof for theorem in THEOREMS.values()] == [f"{name}.md" for name in NAMES]


@each_proof
def test_a_proof_names_its_theorem_and_has_all_its_parts(name):
    text = read(name)
    assert re.match(rf"# .+\n\nTheorem object: `{name}`\.\n", text)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[: len(SECTIONS)] == SECTIONS
    assert headings[len(SECTIONS) :] in ([], ["As recalled"])
    parts = dict(zip(headings, re.split(r"^## .+$", text, flags=re.MULTILINE)[1:], strict=True))
    assert all(len(part.split()) >= 5 for part in parts.values())
    assert text.count(r"$\blacksquare$") + text.count(r"\qquad \blacksquare$$") == 1
    assert text.count("$") % 2 == 0
    # a backslash before punctuation is an escape to Markdown, which eats it
    assert re.findall(r"\\[^a-zA-Z\s]", text) == []


@pytest.mark.parametrize("path", sorted(PROOFS.glob("*.md")), ids=lambda path: path.stem)
def test_the_examples_of_a_proof_run(path):
    outcome = doctest.testfile(str(path), module_relative=False, encoding="utf-8")
    assert outcome.failed == 0
    assert outcome.attempted >= 2 or path.stem == "README"


@pytest.mark.parametrize("path", sorted(PROOFS.glob("*.md")), ids=lambda path: path.stem)
def test_links_between_the_proofs_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("rocq/") and not ROCQ.exists():
            continue
        assert (PROOFS / target).exists(), target


def test_the_table_of_contents_tells_the_status_of_every_theorem():
    assert status_table() in (PROOFS / "README.md").read_text(encoding="utf-8")


def test_forms_that_are_only_recalled_are_called_so_wherever_they_stand():
    for name in NAMES:
        text = read(name)
        notes = re.findall(r"^## As recalled\n\n(.+)$", text, re.MULTILINE)
        assert len(notes) == ("we remember" in text)
        assert all(note.startswith("Recalled, not verified: ") for note in notes)
    assert "## As recalled\n" in read("exponential_mean")


@with_rocq
def test_machine_checked_theorems_and_files_correspond():
    objects = re.compile(r"\(\* Theorem objects?: ([\w,\s]+) \*\)")
    named = {
        path.name: objects.search(path.read_text(encoding="utf-8")) for path in ROCQ.glob("*.v")
    }
    files = {theorem.name: theorem.machine for theorem in THEOREMS.values() if theorem.machine}
    for file, found in named.items():
        for name in re.split(r",\s+", found[1]) if found else ():
            assert files[name] == file
    assert set(files.values()) == {file for file, found in named.items() if found}


if __name__ == "__main__":
    print(status_table())
