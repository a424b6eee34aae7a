"""The report: complete, true to its numbers, and written whole."""

import csv
import json
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import torch

import drnn_theory
from drnn_theory import THEOREMS, DilatedRNN, clockwork_rnn, compute_mrl, gradient_profile
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.report import (
    HIDDEN_SIZE,
    SEED,
    closed_forms,
    measured_gradients,
    report_figures,
    write_report,
)
from drnn_theory.tables import read_csv

ARCHITECTURES = {"stack": (1, 2, 4), "clock": clockwork_rnn([1, 2])}
LAGS = 8


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Run the quick report once, with one scheme more, as a person would."""
    out = tmp_path_factory.mktemp("report")
    command = [sys.executable, "-m", "drnn_theory", "report", "--quick", "--scheme", "1,5,18,25"]
    done = subprocess.run([*command, "--out", out], capture_output=True, text=True, check=True)
    return out, done.stdout


def test_the_report_names_every_file_that_it_wrote_and_nothing_else_is_there(report):
    out, printed = report
    named = {line.removeprefix("wrote ") for line in printed.splitlines() if "wrote" in line}
    assert named == {str(path) for path in out.iterdir()}
    assert len(named) == 29


def test_the_reports_tables_say_span_convention_version_and_seed(report):
    out, _ = report
    for name in ("architectures", "closed_forms", "gradients"):
        with (out / f"{name}.csv").open() as file:
            rows = list(csv.DictReader(file))
        about = json.loads((out / f"{name}.json").read_text())
        assert len(rows) == len(about["rows"]) > 0
        assert about["where"]["version"] == drnn_theory.__version__
        assert rows[0]["where"].startswith(f"version {drnn_theory.__version__}")
        assert "span" in rows[0] or name == "closed_forms"


def test_the_report_compares_the_papers_architectures_and_the_users(report):
    out, _ = report
    rows = json.loads((out / "architectures.json").read_text())["rows"]
    assert [row["exactly"] for row in rows] == [
        "275/2",
        "34945/256",
        "3329/256",
        "3329/256",
        "2817/256",
        "9",
        str(compute_mrl([1, 5, 18, 25], 256, exact=True)),
    ]
    assert r"\toprule" in (out / "architectures.tex").read_text()


def test_the_report_finds_every_jacobian_equal_to_the_number_of_paths(report):
    out, _ = report
    rows = json.loads((out / "gradients.json").read_text())["rows"]
    models = {row["architecture"]: row["model"] for row in rows}
    assert sorted(models.values()) == ["DilatedRNN"] * 3 + ["GraphRNN"] * 4
    assert all(row["equal"] is (True if row["paths"] < 2**53 else None) for row in rows)
    assert max(row["paths"] for row in rows) > 10**9


def test_a_wrong_jacobian_fails_the_report(monkeypatch):
    from drnn_theory import gradients

    right = gradients.unit_dilated_rnn
    monkeypatch.setattr(gradients, "unit_dilated_rnn", lambda dilations: right([1, 2, 5]))
    table, failures = measured_gradients({"a": (1, 2, 4)}, LAGS)
    assert failures == ["a: Jacobian is not the number of paths at lag 4"]
    assert [row["equal"] for row in table][:5] == [True] * 4 + [False]


@pytest.fixture(scope="module")
def gradients():
    return measured_gradients(ARCHITECTURES, LAGS)[0]


def test_the_table_of_gradients_holds_the_norms_of_the_model_that_it_names(gradients):
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = DilatedRNN(1, HIDDEN_SIZE, (1, 2, 4), dtype=torch.float64)
    norms = gradient_profile(model, LAGS + 1).norms
    rows = [row for row in gradients if row["architecture"] == "stack"]
    assert [row["gradient norm"] for row in rows] == norms.tolist()
    assert {row["model"] for row in gradients} == {"DilatedRNN", "GraphRNN"}
    assert gradients.where["torch"] == torch.__version__
    assert gradients.where["seed"] == SEED


def drawn(figure):
    """Return the curves of the one axes of a drawn figure: name -> (x, y)."""
    (ax,) = figure.draw("neurips").axes
    return {line.get_label(): line.get_data() for line in ax.get_lines()}


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("path_lengths", "lag", "d(n)"),
        ("mrl_against_span", "span", "mean recurrent length"),
        ("gradient_norms", "lag", "gradient norm"),
    ],
)
def test_a_figure_of_the_report_draws_the_numbers_of_its_csv(gradients, name, x, y):
    (figure,) = (f for f in report_figures(ARCHITECTURES, LAGS, gradients) if f.name == name)
    curves = drawn(figure)
    table = read_csv(figure.table.to_csv())
    assert list(curves) == list(ARCHITECTURES)
    for architecture, (xs, ys) in curves.items():
        rows = [row for row in table if row["architecture"] == architecture]
        assert xs.tolist() == [row[x] for row in rows]
        assert ys.tolist() == [row[y] for row in rows]


def test_the_gradient_figure_draws_the_norms_of_the_gradient_table(gradients):
    *_, figure = report_figures(ARCHITECTURES, LAGS, gradients)
    for architecture, (_, norms) in drawn(figure).items():
        rows = [row for row in gradients if row["architecture"] == architecture]
        assert norms.tolist() == [row["gradient norm"] for row in rows]


def test_the_path_lengths_and_means_are_those_of_the_unfolded_graph(gradients):
    _, lengths, means, _ = report_figures(ARCHITECTURES, LAGS, gradients)
    clock = clockwork_rnn([1, 2])
    worst = np.max([reference_path_lengths(clock, LAGS, start=p) for p in (0, 1)], axis=0)
    rows = [row for row in lengths.rows if row["architecture"] == "clock"]
    assert [row["d(n)"] for row in rows] == worst.tolist()
    for row in means.rows:
        if row["architecture"] == "clock":
            span = row["span"]
            assert row["mean recurrent length"] == pytest.approx(worst[1 : span + 1].mean())


def test_the_table_of_closed_forms_counts_the_computations_of_each_theorem():
    names = ["fewest_coins", "skip_mean", "divisor_chain_mean", "exponential_mean"]
    forms, statements, failures = closed_forms([THEOREMS[name] for name in names])
    assert failures == []
    assert [row["symbolic"] for row in forms] == [
        f"{len(THEOREMS[n].steps())} computations" if THEOREMS[n].symbolic else None for n in names
    ]
    assert len({row["symbolic"] for row in forms}) > 2
    assert [row["machine-checked"] for row in forms] == [
        THEOREMS[n].machine and f"proofs/rocq/{THEOREMS[n].machine}" for n in names
    ]
    assert [row["brute force"] for row in forms] == [str(THEOREMS[n].check()) for n in names]
    assert [row["closed form"] for row in statements] == [THEOREMS[n].statement for n in names]
    assert any("as recalled" in note for note in forms.notes)
    assert "% exponential_mean: " in statements.to_latex()


def test_figures_leave_the_backend_and_the_settings_alone_and_are_the_same_twice(
    gradients, tmp_path
):
    before, backend = dict(mpl.rcParams), mpl.get_backend()
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        for figure in report_figures(ARCHITECTURES, LAGS, gradients):
            figure.write(folder, "icml", ["pdf", "png"])
    assert (dict(mpl.rcParams), mpl.get_backend()) == (before, backend)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_report_that_cannot_be_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"a report at span 1\d* must fit in half of this"):
        write_report(ARCHITECTURES, tmp_path / "out", span=10**15)
    assert not (tmp_path / "out").exists()
