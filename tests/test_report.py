"""The report: complete, true to its numbers, and written whole."""

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch

import drnn_theory
from drnn_theory import (
    THEOREMS,
    DilatedRNN,
    clockwork_rnn,
    compute_mrl,
    cyclic_graph,
    gradient_profile,
    optimal_dilations,
    residual_rnn,
    state_size,
)
from drnn_theory.__main__ import main
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.report import (
    HIDDEN_SIZE,
    SEED,
    better_schemes,
    closed_forms,
    measured_gradients,
    report_figures,
    write_report,
)
from drnn_theory.report.page import cited
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
    assert len(named) == 32


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
    recurrent = next(w for name, w in model.named_parameters() if "weight_hh" in name).detach()
    assert torch.allclose(recurrent @ recurrent.T, torch.eye(HIDDEN_SIZE, dtype=torch.float64))
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


class Page(HTMLParser):
    """The images and the tables of a page, and what its text says."""

    def __init__(self, text):
        super().__init__()
        self.images, self.addresses, self.words, self.rows = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "img":
            self.images.append(attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.addresses += [attrs[key] for key in ("href", "src", "srcset") if key in attrs]

    def handle_data(self, data):
        self.words.append(data)
        if self.rows and self.rows[-1] and self.lasttag in ("td", "th") and data.strip():
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def page(report):
    return Page((report[0] / "index.html").read_text(encoding="utf-8"))


def test_the_page_holds_its_pictures_with_alternative_texts_and_asks_no_network(report, page):
    out, _ = report
    assert len(page.images) == 4
    for image in page.images:
        assert image["src"].startswith("data:image/svg+xml;base64,")
        assert re.search(r"\d", image["alt"])
    for address in page.addresses:
        assert address.startswith(("data:", "#")) or (out / address).is_file(), address
    text = (out / "index.html").read_text(encoding="utf-8")
    assert "http" not in re.sub(r'src(set)?="data:[^"]*"', "", text)


def test_the_page_says_the_measures_the_closed_forms_and_the_better_schemes(report, page):
    rows = json.loads((report[0] / "architectures.json").read_text())["rows"]
    said = [row for row in page.rows if row[1:3] and row[2] == "275/2"]
    assert [row[0] for row in said] == ["plain stack, 9 layers"]
    words = "".join(page.words)
    assert f"Memory of {len(rows)} architectures over the lags 1..256" in words
    for heading in ("plain stack mean", "skip mean", "exponential mean", "dilated cnn mean"):
        assert heading in words
    assert "narx mean" not in words  # there is none among them
    assert "With orthogonal matrices drawn at random, the norm of the gradient says" in words
    better = read_csv((report[0] / "better_schemes.csv").read_text())
    own = next(r for r in better if (r["architecture"], r["span"]) == ("1,5,18,25", 256))
    assert own["their mean"] == float(compute_mrl(own["best dilations"], 256))
    share = 1 - own["their mean"] / compute_mrl([1, 5, 18, 25], 256)
    assert own["they win"] == f"{100 * share:.1f}%"
    assert any(row[:1] == ["1,5,18,25"] and own["they win"] not in row for row in page.rows)
    assert "@inproceedings{chang2017dilated," in words


def test_names_stand_on_the_page_as_they_were_typed(tmp_path):
    names = ["<b>bold</b>", "$x_$ & more", "_mine"]
    result = write_report(
        {name: (1, k + 2) for k, name in enumerate(names)}, tmp_path, span=6, quick=True
    )
    assert result.failures == []
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    table = [row[0] for row in page.rows if len(row) == 10]
    assert table[1 : 1 + len(names)] == names


def test_a_better_scheme_has_as_many_layers_as_a_graph_has_hidden_units_that_remember():
    drawn = cyclic_graph(
        [("x", "h", 0), ("h", "h", 1), ("h", "y", 0), ("y", "y", 3), ("y", "h", 1)],
        inputs=["x"],
        outputs=["y"],
    )
    named = {"drawn": drawn, "sums": residual_rnn([[1, 2], [4]]), "even": (2, 4)}
    table = better_schemes(named, 20, quick=True, hidden_size=5)
    rows = {row["architecture"]: row for row in table if row["span"] == 20}
    assert [rows[name]["layers"] for name in named] == [2, 3, 2]
    for name, a in named.items():
        row, best = rows[name], rows[name]["best dilations"]
        assert len(best) == row["layers"]
        assert row["their mean"] == compute_mrl(best, 20)
        assert row["their state"] == 5 * sum(best)
        assert row["its state"] == state_size(a, 5)
        if row["layers"] == 2:
            assert row["their mean"] == min(compute_mrl((1, s), 20) for s in range(2, 21))
    assert rows["even"]["they win"] == "all lags in reach"
    assert table.rows[-1]["best dilations"] == optimal_dilations(20).schemes[0]


def test_what_is_said_of_better_schemes_is_what_their_table_holds(tmp_path):
    loop = cyclic_graph([("x", "h", 0), ("h", "h", 1)], inputs=["x"], outputs=["h"])
    named = {"drawn by hand": loop, "some": (1, 2), "even": (2, 4), "plain": (1, 1)}
    write_report(named, tmp_path, span=20, quick=True, formats=["svg"])
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    words = " ".join("".join(page.words).split())
    rows = [r for r in read_csv((tmp_path / "better_schemes.csv").read_text()) if r["span"] == 20]
    wins = {r["architecture"]: r for r in rows if str(r["they win"]).endswith("%")}
    most = max(wins.values(), key=lambda r: 1 - r["their mean"] / r["its mean"])
    dilations = ", ".join(map(str, most["best dilations"]))
    assert list(wins) == ["some", "plain"]
    assert most["architecture"] == "plain"
    assert (
        f"Over the lags 1..20 the most is won from plain: a stack of 2 layers with dilations "
        f"{dilations} has a mean {most['they win']} lower, {most['their mean']:.6g} edges instead "
        f"of {most['its mean']:.6g}, and keeps {most['their state']} values of state instead of 40."
    ) in words
    assert f"Of even some lags are out of reach; dilations {dilations} reach all, in" in words
    assert "A graph counts a layer for each hidden unit that remembers." in words
    (one,) = [r for r in rows if r["architecture"] == "drawn by hand"]
    assert (one["layers"], one["they win"]) == (1, "nothing")  # no one layer is better than lag 1


def test_a_closed_form_that_fails_fails_the_report(tmp_path, monkeypatch):
    from drnn_theory.report import folder

    right = folder.applicable
    monkeypatch.setattr(
        folder,
        "applicable",
        lambda a, span: (
            right((1, 2, 8), span)[:1] and [replace(right(a, span)[0], predicted=Fraction(1))]
        ),
    )
    result = write_report({"a": (1, 2, 4)}, tmp_path, span=4, quick=True, formats=["svg"])
    assert result.failures == ["a: divisor_chain_mean gives 1, got 17/4"]
    assert "divisor_chain_mean gives 1" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert {path.suffix for path in tmp_path.glob("unfolded.*")} == {".svg", ".csv", ".txt", ".tex"}


def test_the_report_draws_ones_own_architectures_alone(tmp_path, capsys):
    file = tmp_path / "own.toml"
    file.write_text("span = 6\n[architectures]\nmine = [1, 3]")
    arguments = [
        "report",
        "--quick",
        "--only",
        "--schemes",
        str(file),
        "--out",
        str(tmp_path / "r"),
    ]
    assert main([*arguments, "--span", "9", "--format", "svg", "--venue", "ICML 2024"]) == 0
    rows = json.loads((tmp_path / "r" / "architectures.json").read_text())
    assert [row["architecture"] for row in rows["rows"]] == ["mine"]
    assert rows["span"] == 9
    assert not [*(tmp_path / "r").glob("*.pdf")]
    assert main(["report", "--only"]) == 2
    assert capsys.readouterr().err.endswith(
        "drnn-theory: --only must have architectures of your own, by --schemes or --scheme\n"
    )


def test_the_citation_is_that_of_the_file():
    citation = (Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    said = cited().replace("\\_", "_")
    for key in ("title", "version"):
        (value,) = re.findall(rf'^{key}: "?([^"\n]*)"?$', citation, re.M)
        assert f"{{{value}}}" in said
    families = re.findall(r"family-names: ([\w-]+), given-names: (\w+)", citation)
    authors = re.sub(r"\s+", " ", said)
    assert " and ".join(f"{family}, {given}" for family, given in families) in authors


def test_a_report_that_cannot_be_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"a report at span 1\d* must fit in half of this"):
        write_report(ARCHITECTURES, tmp_path / "out", span=10**15)
    assert not (tmp_path / "out").exists()
