"""The machine-checked proofs: complete, free of axioms, and naming what they prove."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROOFS = Path(__file__).parents[1] / "proofs" / "rocq"
FILES = re.findall(r"^\w+\.v$", (PROOFS / "_CoqProject").read_text(), re.MULTILINE)
SHARED = {"stack.v", "brute_force.v", "counting.v", "optimal_search.v"}  # others: one theorem each
THEOREMS = [name for name in FILES if name not in SHARED]
CLOSED = "Closed under the global context"

# Whatever would let a statement stand without its proof.
UNPROVED = re.compile(
    r"\b(Admitted|admit|give_up|Abort|Axioms?|Parameters?|Conjecture|Hypothes[ie]s|Variables?"
    r"|Context|bypass_check|Guard Checking|Positivity Checking|Universe Checking)\b"
)


def without_comments(source: str) -> str:
    """Return Rocq source less its comments, which nest."""
    kept, depth = [], 0
    for part in re.split(r"(\(\*|\*\))", source):
        if part == "(*":
            depth += 1
        elif part == "*)":
            depth -= 1
        elif depth == 0:
            kept.append(part)
    return "".join(kept)


def compile_proof(path: Path) -> str:
    """Compile one file beside its compiled predecessors; return what it prints."""
    done = subprocess.run(
        ["coqc", "-q", "-Q", ".", "drnn_theory", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{path.name} does not compile: {done.stderr}"
    return done.stdout


needs_coqc = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="coqc (Rocq, formerly Coq) is not installed"
)


@needs_coqc
def test_every_proof_compiles_and_rests_on_no_axiom(tmp_path):
    for name in FILES:
        shutil.copy(PROOFS / name, tmp_path)
    printed = {name: compile_proof(tmp_path / name).split("\n") for name in FILES}
    for name in THEOREMS:
        assert [line for line in printed[name] if line] == [CLOSED], name


@needs_coqc
def test_an_axiom_would_be_seen(tmp_path):
    proof = tmp_path / "assumed.v"
    proof.write_text(
        "Axiom bold : 1 = 2.\nTheorem t : 2 = 1.\nProof. now rewrite <- bold. Qed.\n"
        "Print Assumptions t.\n"
    )
    assert CLOSED not in compile_proof(proof)


@needs_coqc
def test_a_false_statement_does_not_compile(tmp_path):
    proof = tmp_path / "wrong.v"
    proof.write_text("Theorem t : 1 = 2.\nProof. reflexivity. Qed.\n")
    with pytest.raises(AssertionError, match=r"wrong\.v does not compile"):
        compile_proof(proof)


def test_every_file_is_compiled():
    assert sorted(FILES) == sorted(path.name for path in PROOFS.glob("*.v"))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_unproved(name):
    code = without_comments((PROOFS / name).read_text())
    assert UNPROVED.findall(code) == []


def test_a_gap_would_be_found():
    assert UNPROVED.findall(without_comments("(* no Axiom (* here *) *) Proof. Admitted.")) == [
        "Admitted"
    ]


@pytest.mark.parametrize("name", THEOREMS)
def test_a_file_states_its_theorem_in_words_names_it_and_checks_it(name):
    source = (PROOFS / name).read_text()
    theorem = name.removesuffix(".v")
    opening = re.match(r"\(\*\* \* (.+?)\*\)\n\(\* Theorem object: (\w+) \*\)\n", source, re.DOTALL)
    assert opening, f"{name} must open with its statement in words and its Theorem object"
    assert len(opening[1].split()) > 30
    assert opening[2] == theorem
    code = without_comments(source)
    assert len(re.findall(rf"^Theorem {theorem} :", code, re.MULTILINE)) == 1
    assert re.search(r"^Example \w+", code, re.MULTILINE)
    assert source.endswith(f"\nPrint Assumptions {theorem}.\n")
    assert source.count("Print Assumptions") == 1


def test_the_table_lists_every_theorem():
    rows = re.findall(
        r"^\| `(\w+\.v)` \| `(\w+)` \| `(\w+)` \| none \|$",
        (PROOFS / "README.md").read_text(),
        re.MULTILINE,
    )
    assert rows == [(name, name[:-2], name[:-2]) for name in THEOREMS]


def test_every_result_that_the_readme_names_is_proved():
    words = (PROOFS / "README.md").read_text().split("## What is proved")[1]
    code = "".join(without_comments((PROOFS / name).read_text()) for name in FILES)
    proved = set(re.findall(r"^(?:Theorem|Corollary|Lemma|Example) (\w+)", code, re.MULTILINE))
    named = set(re.findall(r"`(\w+)`", words))
    assert len(named) > len(THEOREMS)
    assert named <= proved
