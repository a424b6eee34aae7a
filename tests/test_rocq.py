"""The machine-checked proofs: complete, free of axioms, and naming what they prove."""

import json
import re
import runpy
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from drnn_theory import THEOREMS, load_optimal_schemes, optimal_dilations

PROOFS = Path(__file__).parents[1] / "proofs" / "rocq"
FILES = re.findall(r"^\w+\.v$", (PROOFS / "_CoqProject").read_text(), re.MULTILINE)
SHARED = {"stack.v", "brute_force.v", "counting.v", "wide_stack.v", "optimal_search.v"}
TABLES = {"optimal_table.v"}  # compiled by `make proofs` alone, for they take half a minute
PROVING = [name for name in FILES if name not in SHARED | TABLES]
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


OPENING = re.compile(r"\(\*\* \* (.+?)\*\)\n\(\* Theorem objects?: ([\w,\s]+) \*\)\n", re.DOTALL)


def objects(name: str) -> list[str]:
    """Return the names of the theorems that a file says it proves."""
    opening = OPENING.match((PROOFS / name).read_text())
    assert opening, f"{name} must open with its statement in words and its Theorem objects"
    return re.split(r",\s+", opening[2])


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
    quick = [name for name in FILES if name not in TABLES]
    printed = {name: compile_proof(tmp_path / name).split("\n") for name in quick}
    for name in PROVING:
        assert [line for line in printed[name] if line] == [CLOSED] * len(objects(name)), name


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
    assert [path.name for path in (PROOFS / "long").iterdir()] == ["optimal_table_long.v"]
    assert sorted(FILES) == sorted(path.name for path in PROOFS.glob("*.v"))


@pytest.mark.parametrize("name", [*FILES, "long/optimal_table_long.v"])
def test_nothing_is_left_unproved(name):
    code = without_comments((PROOFS / name).read_text())
    assert UNPROVED.findall(code) == []


def test_a_gap_would_be_found():
    assert UNPROVED.findall(without_comments("(* no Axiom (* here *) *) Proof. Admitted.")) == [
        "Admitted"
    ]


@pytest.mark.parametrize("name", PROVING)
def test_a_file_states_its_theorems_in_words_names_them_and_checks_them(name):
    source = (PROOFS / name).read_text()
    theorems = objects(name)
    opening = OPENING.match(source)
    assert opening
    assert len(opening[1].split()) > 30
    code = without_comments(source)
    for theorem in theorems:
        assert len(re.findall(rf"^Theorem {theorem} :", code, re.MULTILINE)) == 1
    assert re.search(r"^Example \w+", code, re.MULTILINE)
    checked = "".join(f"Print Assumptions {theorem}.\n" for theorem in theorems)
    assert source.endswith("\n\n" + checked)
    assert source.count("Print Assumptions") == len(theorems)


def test_the_theorems_that_say_so_and_no_others_are_machine_checked():
    stated = [(theorem, name) for name in PROVING for theorem in objects(name)]
    assert len(dict(stated)) == len(stated)  # no theorem in two files
    assert dict(stated) == {t.name: t.machine for t in THEOREMS.values() if t.machine is not None}
    assert len(stated) == 25


ROW = re.compile(
    r"^Theorem span_(\d+)_layers_(\d+) : all_optima (\d+) (\d+) \((\d+) # (\d+)\)\s+"
    r"(\[\[.*?\]\])\.\n(.*?)^(Qed|Defined|Admitted)\.$",
    re.MULTILINE | re.DOTALL,
)
SEARCHED = re.compile(
    r"^Proof\.\n  refine \(optimal_means \d+ (\d+) (\d+) (\d+) _ _ _ _\);\s+"
    r"\[vm_cast_no_check \(eq_refl true\) \| (vm_compute; )?reflexivity\]\.\n$"
)


def proved_rows():
    """Return every row of the table that a file states: mean, schemes and the file."""
    rows = {}
    for path in sorted(PROOFS.rglob("optimal_*.v")):
        for match in ROW.finditer(without_comments(path.read_text())):
            span, layers, stated_layers, stated_span, top, bottom = map(int, match.groups()[:6])
            assert (span, layers) == (stated_span, stated_layers)
            assert (span, layers) not in rows
            assert match[9] == "Qed"
            proof = SEARCHED.match(match[8])
            assert proof, f"span {span}, {layers} layers is not proved by the search"
            mean = Fraction(top, bottom)
            assert tuple(map(int, proof.groups()[:3])) == ((mean - layers) * span, layers, span)
            schemes = [tuple(scheme) for scheme in json.loads(match[7].replace(";", ","))]
            rows[span, layers] = (mean, schemes, path.relative_to(PROOFS).as_posix())
    return rows


def test_the_shipped_table_and_the_proved_rows_are_the_same():
    rows = proved_rows()
    shipped = {(row["span"], row["layers"]): row for row in load_optimal_schemes()}
    assert rows == {
        cell: (row["mrl"], row["schemes"], row["machine_checked"])
        for cell, row in shipped.items()
        if row["machine_checked"] is not None
    }
    assert {(99, layers) for layers in range(1, 8)} <= rows.keys()
    assert len(rows) == 47


def test_a_certificate_says_which_kind_of_proof_stands_behind_it():
    checked = optimal_dilations(99, 4).certificate
    assert (checked.proof, checked.machine) == ("machine-checked", "optimal_schemes.v")
    assert str(checked).endswith("; machine-checked in proofs/rocq/optimal_schemes.v")
    for design in (
        optimal_dilations(100, 3),
        optimal_dilations(99, 3, largest=30),
        optimal_dilations(99, 2, objective="worst"),
        optimal_dilations(99),
    ):
        assert (design.certificate.proof, design.certificate.machine) == ("exhaustive", None)
        assert "machine" not in str(design.certificate)
    assert optimal_dilations(1000, 9, effort=1).certificate.proof == "none"


def test_the_tables_are_what_their_program_writes():
    program = runpy.run_path(str(PROOFS / "write_tables.py"))
    for name, text in program["tables"]():
        assert (PROOFS / name).read_text() == text


def test_the_table_lists_every_theorem():
    rows = re.findall(
        r"^\| `(\w+\.v)` \| `(\w+)` \| none \|$",
        (PROOFS / "README.md").read_text(),
        re.MULTILINE,
    )
    assert rows == [(name, theorem) for name in PROVING for theorem in objects(name)]


def test_every_result_that_the_readme_names_is_proved():
    words = (PROOFS / "README.md").read_text().split("## What is proved")[1]
    files = [*FILES, "long/optimal_table_long.v"]
    code = "".join(without_comments((PROOFS / name).read_text()) for name in files)
    proved = set(re.findall(r"^(?:Theorem|Corollary|Lemma|Example) (\w+)", code, re.MULTILINE))
    named = set(re.findall(r"`(\w+)`", words))
    assert len(named) > len(PROVING)
    assert named <= proved
