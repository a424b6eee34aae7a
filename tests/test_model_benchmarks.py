"""The benchmark of small batches runs, and what it says of its rows is true."""

import csv
import math
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import torch

from drnn_theory import DilatedRNN, load_measured
from tests.benchmarks.small_batches import ByDeques, stream_times, verdict


def run(*arguments):
    command = [sys.executable, "-m", "tests.benchmarks.small_batches", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_grid_writes_a_row_per_case_with_its_spread(tmp_path):
    table = tmp_path / "small_batches.csv"
    sizes = ("--cells", "GRU", "--hidden", 4, "--steps", 20, "--batches", 1, 300, "--layers", 2)
    options = ("--modes", "forward", "--threads", 1, "--pairs", 3, "--largest", 20_000)
    done = run(*sizes, *options, "--output", table)
    assert done.returncode in (0, 1), done.stderr
    with table.open() as file:
        (row,) = csv.DictReader(file)  # a batch of 300 is above the largest size
    assert (row["cell"], row["batch"], row["mode"]) == ("GRU", "1", "forward")
    assert float(row["low"]) <= float(row["ratio"]) <= float(row["high"])
    assert (float(row["ratio"]) > 1.10) == (row["repeat"] != "nan")
    assert done.stdout.splitlines()[-1] == verdict([row])[0]
    assert done.returncode == (not verdict([row])[1])


def test_a_grid_goes_on_where_it_was_stopped(tmp_path):
    table = tmp_path / "small_batches.csv"
    options = ("--cells", "RNN", "--hidden", 4, "--steps", 20, "--layers", 2, "--threads", 1)
    options += ("--pairs", 1, "--output", table)
    run("--batches", 1, "--modes", "forward", *options)
    with table.open() as file:
        first = list(csv.DictReader(file))
    done = run("--batches", 1, 2, "--modes", "forward", *options)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == first[0]
    assert len(done.stdout.splitlines()) == 2  # one case and the verdict
    assert [row["batch"] for row in rows] == ["1", "2"]


def test_the_verdict_counts_what_stays_slow():
    rows = [
        {"ratio": "1.10", "repeat": ""},
        {"ratio": "1.11", "repeat": "1.05"},
        {"ratio": "0.50", "repeat": ""},
    ]
    text = "3 cases, 1 above 1.10, 0 of them above 1.05 in a repeat"
    assert verdict(rows) == (text, True)
    rows.append({"ratio": "2.0", "repeat": "1.06"})
    text = "4 cases, 2 above 1.10, 1 of them above 1.05 in a repeat"
    assert verdict(rows) == (text, False)


def test_crossovers_are_printed_for_every_number_of_columns():
    sizes = ("--cells", "RNN", "--hidden", 3, "--threads", 1, "--pairs", 1)
    done = run("--crossovers", *sizes)
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.endswith("2048 4096")
    assert [line.split(": ")[0] for line in lines] == [
        "RNN 3 threads=1 forward",
        "RNN 3 threads=1 forward+backward",
    ]
    assert all(len(line.split(": ")[1].split()) == 13 for line in lines)


def test_the_deques_run_the_same_network_as_the_stream():
    torch.manual_seed(0)
    model, x = DilatedRNN(1, 5, [1, 2, 4], cell="LSTM"), torch.randn(12, 1, 1)
    deques = ByDeques(model)
    torch.testing.assert_close(torch.stack([deques.step(now) for now in x]), model(x)[0])
    times = stream_times("GRU", 20, 1)
    assert times["calls"] > times["stream"] > 0


def test_the_readme_says_of_small_batches_what_the_table_holds():
    readme = " ".join((Path(__file__).parent.parent / "README.md").read_text().split())
    rows = load_measured("small_batches").rows
    ratios = [row["ratio"] for row in rows]
    told = re.search(r"takes ([0-9.]+) to ([0-9.]+) of the view form's time \((\d+) cases", readme)
    assert told.groups() == (f"{min(ratios):.2f}", f"{max(ratios):.2f}", str(len(rows)))
    slow = [row for row in rows if row["ratio"] > 1.10]
    stay = [row for row in slow if row["repeat"] > 1.05]
    assert [len(slow), stay] == [3, []]
    assert "Three lie above 1.10, none of them above 1.05 in a repeat" in readme
    sizes = product((20, 64, 256), (100, 1000, 10_000), (1, 4, 8, 32, 128))
    grid = {size for size in sizes if math.prod(size) <= 10**7}
    names = ("hidden size", "steps", "batch")
    for threads in (1, 2):
        of_threads = [row for row in rows if row["threads"] == threads]
        counts = Counter(tuple(row[name] for name in names) for row in of_threads)
        assert counts == dict.fromkeys(grid, 6)  # three cells, forward and with backward
