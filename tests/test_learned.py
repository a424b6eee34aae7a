"""What is said of learning is what the tables of the studies hold."""

import math
import re
import statistics
from pathlib import Path

import pytest

from drnn_theory import FIGURES, DilatedRNN, count_parameters, load_measured, recommend

ROOT = Path(__file__).parent.parent
PAGE = " ".join((ROOT / "docs" / "explanation" / "learning.md").read_text().split())
README = " ".join((ROOT / "README.md").read_text().split())
SETTING = ("task", "cell", "matrices", "biases", "readout", "seed")


def key(row):
    return tuple(row[name] for name in SETTING)


def rank(measure, matrices, group="all", outcome="accuracy"):
    for row in load_measured("learnability_ranks"):
        found = (row["measure"], row["matrices"], row["architectures"], row["outcome"])
        if found == (measure, matrices, group, outcome):
            return row
    raise KeyError(measure)


@pytest.mark.parametrize(
    ("matrices", "biases"),
    [(m, b) for m in ("torch", "orthogonal", "glorot") for b in ("torch", "zero")],
)
def test_the_page_says_when_a_setting_left_chance(matrices, biases):
    rows = {key(row): row for row in load_measured("what_decides")}
    cells = []
    for readout in ("torch", "normal"):
        row = rows["copy_memory(500)", "RNN", matrices, biases, readout, 0]
        told = f"{row['left chance']:g}, "
        if math.isfinite(row["learned"]):
            told += f"99 % at {row['learned']:,.0f}"
        else:
            told += f"{100 * row['accuracy']:.0f} %"
        cells.append(told + " at the end" * (told.endswith("99 %")))
    name = "Glorot" if matrices == "glorot" else matrices
    assert f"| {name} | {biases} | {cells[0]} | {cells[1]} |" in PAGE


def share(row):
    return f"{100 * row['accuracy']:.0f}"


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("matrices", ["torch", "orthogonal", "glorot"])
def test_the_page_says_how_gated_cells_did(cell, matrices):
    rows = {key(row): row for row in load_measured("what_decides")}
    biases = "open" if cell == "LSTM" else "zero"
    cells = []
    for readout in ("torch", "normal"):
        row = rows["copy_memory(500)", cell, matrices, biases, readout, 0]
        left = row["left chance"]
        cells.append(
            f"{left:g}, {share(row)} %" if math.isfinite(left) else f"never, {share(row)} %"
        )
    name = "Glorot" if matrices == "glorot" else matrices
    assert f"| {cell} | {name} | {cells[0]} | {cells[1]} |" in PAGE


def test_the_page_quotes_recall_and_the_means_that_chose_the_default():
    rows = [row for row in load_measured("what_decides") if row["task"] == "recall_within(64)"]

    def of(**wanted):
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    for cell in ("RNN", "GRU", "LSTM"):
        pairs = [
            ", ".join(map(share, of(cell=cell, matrices=matrices, readout="normal")))
            for matrices in ("torch", "orthogonal", "glorot")
        ]
        assert f"| {cell} | {' % | '.join(pairs)} % |" in PAGE
    means = {
        (readout, matrices): statistics.mean(
            100 * row["accuracy"] for row in of(matrices=matrices, readout=readout)
        )
        for readout in ("normal", "torch")
        for matrices in ("orthogonal", "glorot", "torch")
    }
    told = [f"{mean:.0f}" for mean in means.values()]
    assert "come to {} % there on average, Glorot's to {} %, torch's to {} %".format(*told) in PAGE
    assert "read-out to {}, {} and {} %".format(*told[3:]) in PAGE
    assert DilatedRNN(1, 2, [1]).init == "orthogonal"
    assert max(means, key=means.get) == ("normal", "orthogonal")


def test_the_ratio_of_signal_to_noise_says_how_long_chance_lasts():
    left = {key(row): row["left chance"] for row in load_measured("what_decides")}
    expected = [row for row in load_measured("what_was_expected") if key(row) in left]
    assert len(expected) == 17
    products = [row["snr"] * left[key(row)] for row in expected]
    assert min(products) > 20
    assert max(products) < 140
    signals = [row["signal"] for row in expected]
    assert max(signals) / min(signals) > 1e4


def test_the_page_and_the_readme_quote_the_rank_correlations():
    for matrices in ("torch", "orthogonal"):
        cells = []
        for group in ("all", "partial (depth, width)"):
            row = rank("mean recurrent length", matrices, group)
            cells.append(f"{row['spearman']:.2f} ({row['low']:.2f} to {row['high']:.2f})")
        assert f"| {matrices} | {cells[0]} | {cells[1]} |" in PAGE
        row = rank("mean recurrent length", matrices)
        told = f"{row['spearman']:.2f}, ?(interval )?{row['low']:.2f} to {row['high']:.2f}"
        assert re.search(told, README)
    others = [rank(name, "torch")["spearman"] for name in ("law", "gradient", "depth")]
    assert "come to {:.2f}, {:.2f} and {:.2f}".format(*others) in PAGE
    found = load_measured("learnability_ranks")
    orthogonal = [
        abs(row["spearman"])
        for row in found
        if (row["matrices"], row["architectures"], row["outcome"])
        == ("orthogonal", "all", "accuracy")
    ]
    assert max(orthogonal) < 0.25


def test_the_page_quotes_the_architectures():
    shares = {
        (row["matrices"], row["architecture"]): f"{100 * row['accuracy']:.0f}"
        for row in load_measured("learnability_architectures")
    }
    assert f"came to {shares['orthogonal', 'plain 4']} %, the best of all 32" in PAGE
    assert shares["orthogonal", "plain 4"] == max(
        (share for (m, _), share in shares.items() if m == "orthogonal"), key=int
    )
    best = [int(s) for (m, name), s in shares.items() if m == "orthogonal" and "optimal" in name]
    assert f"to {min(best)} to {max(best)} %" in PAGE
    plain = [int(s) for (m, name), s in shares.items() if m == "torch" and "plain" in name]
    assert f"plain stacks stay at {min(plain)} to {max(plain)} %" in PAGE
    quoted = {"skip 8, 2 layers": "two layers {} %", "exponential 1 8": "1, 8 {} %"}
    quoted |= {"optimal 1 6 14": "1, 6, 14 {} %", "exponential 1 2 4 8 16 32 64": "64 with {} %"}
    for name, words in quoted.items():
        assert words.format(shares["torch", name]) in PAGE


def test_the_page_counts_the_runs_that_got_there():
    for matrices, words in (
        ("orthogonal", "{} of {} with orthogonal"),
        ("torch", "{} of {} with torch"),
    ):
        rows = [r for r in load_measured("learnability_architectures") if r["matrices"] == matrices]
        assert len(rows) == 32
        assert words.format(sum(r["reached"] for r in rows), sum(r["runs"] for r in rows)) in PAGE


def test_medians_are_those_of_the_runs():
    runs = load_measured("learnability")
    for row in load_measured("learnability_architectures"):
        group = {"orthogonal": "all", "torch": "torch"}[row["matrices"]]
        these = [
            run["accuracy"]
            for run in runs
            if (run["group"], run["architecture"]) == (group, row["architecture"])
        ]
        if len(these) == row["runs"]:
            assert row["accuracy"] == pytest.approx(statistics.median(these), abs=1e-5)


def test_the_figures_draw_the_numbers_of_the_tables():
    figure = FIGURES["learnability"].draw()
    rows = load_measured("learnability_architectures").rows
    for ax, matrices in zip(figure.axes, ("torch", "orthogonal", "orthogonal"), strict=True):
        drawn = sorted(y for line in ax.lines if line.get_marker() not in ("None", None, "")
                       for y in line.get_ydata())  # fmt: skip
        assert drawn == sorted(row["accuracy"] for row in rows if row["matrices"] == matrices)
        sign = 1 if "signal" in ax.get_xlabel() else -1
        measure = "signal to noise" if sign == 1 else "mean recurrent length"
        assert f"${sign * rank(measure, matrices)['spearman']:.2f}$" in ax.get_title()
    curves = FIGURES["what_decides"].draw().axes
    tables = FIGURES["what_decides"].rows
    for ax, matrices in zip(curves, ("torch", "orthogonal", "glorot"), strict=True):
        ends = sorted(line.get_ydata()[-1] for line in ax.lines if len(line.get_ydata()) > 2)
        told = [float(r["curve"].split()[-1]) for r in tables if r["matrices"] == matrices]
        assert ends == sorted(told)


def test_the_figure_of_long_delays_draws_every_run_in_its_panel_and_colour():
    figure, rows = FIGURES["long_delays"].draw(), load_measured("long_delays").rows
    colours = []
    for ax, delay in zip(figure.axes, (500, 1000), strict=True):
        assert ax.get_title() == f"delay {delay}"
        runs = [row for row in rows if row["delay"] == delay]
        lines = [line for line in ax.lines if len(line.get_ydata()) > 2]
        drawn = sorted(y for line in lines for y in line.get_ydata() if math.isfinite(y))
        assert drawn == sorted(float(y) for row in runs for y in row["curve"].split())
        colours.append({line.get_label(): line.get_color() for line in ax.lines})
    assert len(colours[0]) > 2
    assert colours[0] == colours[1]
    table = {(row["stack"], row["delay"]): row for row in FIGURES["long_delays"].compared(rows)}
    dilated = table["dilated 1, 2, .., 256", 500]
    assert (dilated["seeds"], dilated["99% at step"]) == (3, "650, 525, 475")
    assert table["plain", 500]["20% at step"].startswith("never")


def test_a_recommendation_says_what_the_study_found():
    evidence = recommend(30, parameters=2000).evidence
    for matrices in ("torch", "orthogonal"):
        assert f"{rank('mean recurrent length', matrices)['spearman']:.2f}" in evidence
    assert evidence in recommend(30, parameters=2000).table().notes


def test_the_page_quotes_the_interventions():
    rows = load_measured("interventions")
    left = {
        row["batch"]: row["left chance"]
        for row in rows
        if (row["biases"], row["optimizer"], row["seed"]) == ("torch", "rmsprop", 0)
    }
    told = "step {:g} with batches of 32, at {:g} with 128 and at {:g} with 512 (one seed)"
    assert told.format(left[32], left[128], left[512]) in PAGE
    assert f"factors of {left[32] / left[128]:.1f} and {left[128] / left[512]:.1f}" in PAGE
    by_optimizer = {r["optimizer"]: r["left chance"] for r in rows if r["matrices"] == "orthogonal"}
    slow, fast = by_optimizer["rmsprop_tensorflow"], by_optimizer["rmsprop"]
    assert f"left chance at step {slow:g} where torch's did at {fast:g}" in PAGE
    decided = {key(row): row["left chance"] for row in load_measured("what_decides")}
    for row in rows:  # the same network, drawn and trained twice
        setting = ("copy_memory(500)", "RNN", row["matrices"], row["biases"], "torch", row["seed"])
        if (row["batch"], row["optimizer"]) == (128, "rmsprop") and setting in decided:
            assert row["left chance"] == decided[setting]


def test_the_page_and_the_readme_quote_the_long_delay():
    rows = {(r["architecture"], r["delay"], r["seed"]): r for r in load_measured("long_delays")}
    plain, public = (rows[name, 500, 0] for name in ("plain", "torch"))
    left, learned = (
        "{:g}, {:g} and {:g}".format(*(rows["dilated", 500, seed][name] for seed in range(3)))
        for name in ("left chance", "learned")
    )
    assert f"left at step {left}, and 99 % of the symbols are right at step {learned}." in PAGE
    twice = rows["dilated", 1000, 0]
    told = f"leaves chance at step {twice['left chance']:g} and has 99 % right at step "
    assert f"{told}{twice['learned']:g} (one seed)" in PAGE
    told = f"with the same number of parameters has {share(plain)} % right after 1,000 steps"
    assert told in PAGE
    assert math.isinf(plain["left chance"])
    assert f"left at step {public['left chance']:g} and {share(public)} % of the symbols" in PAGE
    slowest = max(rows["dilated", 500, seed]["learned"] for seed in range(3))
    assert f"learns in at most {slowest:g} steps (three seeds)" in README
    make = {"dilated": [2**k for k in range(9)], "plain": [1] * 9}
    assert len({count_parameters(make[name], 10, input_size=10) for name in make}) == 1


def test_the_page_quotes_pixel_mnist():
    rows = load_measured("pixel_mnist").rows
    (row,) = [r for r in rows if not r["permuted"] and r["dilations"][1] == 2 and r["seed"] == 0]
    assert row["steps"] == 10_000
    told = f"{100 * row['accuracy']:.2f} % of the test images are named right, "
    assert f"{told}{100 * row['validation accuracy']:.2f} % of those kept for validation" in PAGE
    assert len(rows) > 1 or "One run has been made" in PAGE
    assert 23 < row["steps"] * 128 / 55_000 < 23.5  # epochs
