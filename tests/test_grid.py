"""Studies of training that a TOML file describes, from Python and from the command line."""

import csv
import json

import pytest

from drnn_theory import read_study, recall
from drnn_theory.__main__ import main
from drnn_theory.graphs import graph_from_json
from drnn_theory.learning import train
from drnn_theory.learning.grid import make_task, read_grid

FILE = """
[architectures]
dilated = [1, 2]
skips = { family = "skip_rnn", skip = 2, layers = 1 }

[study]
task = { name = "recall", lag = 2 }
seeds = [3, 4]
steps = 20
hidden_size = 4
batch = 8
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(FILE)
    return path


def test_a_file_gives_a_row_for_every_architecture_and_seed(file):
    rows = read_grid(file)
    assert [(row["architecture"], row["seed"]) for row in rows] == [
        ("dilated", 3),
        ("dilated", 4),
        ("skips", 3),
        ("skips", 4),
    ]
    common = {"task": {"name": "recall", "lag": 2}, "steps": 20, "hidden_size": 4, "batch": 8}
    assert all(common.items() <= row.items() for row in rows)
    assert rows[0]["wiring"] == (1, 2)
    assert sorted(lag for *_, lag in graph_from_json(rows[2]["wiring"]).edges(data="lag"))[-1] == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch", "bach", "study: keys must be task, seeds, hidden_size, .*, device, got bach"),
        ("steps = 20", "", "study: steps must be given, got none"),
        ("hidden_size = 4", "", "study: hidden_size must be given, got none"),
        ("hidden_size = 4", "hidden_size = 0", "study: hidden_size must be a positive integer, go"),
        ("[3, 4]", "[]", r"study: seeds must be a list of one or more integers, got \[\]"),
        ("[3, 4]", "3", "study: seeds must be a list of one or more integers, got 3"),
        ("[3, 4]", "[-1]", "study: seeds must be a non-negative integer, got -1"),
        ('"recall"', '"spam"', "study: task must be one of 'adding', .*'reviews', got 'spam'"),
        ("name = ", "names = ", "study: task must be a table with the key name, got {'names'"),
        ("lag = 2 }", "span = 2 }", "study: arguments of recall must be lag, got span"),
        ("lag = 2 }", "lag = 0 }", "study: lag must be a positive integer, got 0"),
        ("[study]", "[studies]", r"keys must be span, \[architectures\] or \[study\], got studies"),
        ("[study]", "[architectures.study]", "architectures.study: a table must have the key fa"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_key(file, old, new, message, capsys):
    assert FILE.count(old) == 1
    file.write_text(FILE.replace(old, new))
    with pytest.raises(ValueError, match=f"study.toml: {message}"):
        read_grid(file)
    store = file.with_name("study.db")
    assert main(["study", str(file), "--store", str(store)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert not store.exists()


def test_a_file_without_a_table_study_is_read_by_other_commands_alone(file, capsys):
    assert main(["compare", str(file)]) == 0
    file.write_text(FILE.partition("[study]")[0])
    capsys.readouterr()
    assert main(["study", str(file), "--store", str(file.with_name("study.db"))]) == 2
    assert capsys.readouterr().err.endswith("study.toml: [study] must say how to train, got none\n")


def test_a_table_that_cannot_be_written_is_refused_before_the_rows_are_run(file, capsys):
    store = file.with_name("study.db")
    assert main(["study", str(file), "--store", str(store), "--csv", "absent/study.csv"]) == 2
    assert "csv must lie in a folder that is there, got absent/study.csv" in capsys.readouterr().err
    assert not store.exists()


def test_a_task_without_arguments_is_its_name():
    assert make_task("characters").steps == 100


def test_the_command_trains_every_row_once_whatever_the_number_of_jobs(file, capsys):
    store, table = file.with_name("study.db"), file.with_name("study.csv")
    assert main(["study", str(file), "--store", str(store), "--csv", str(table)]) == 0
    out, err = capsys.readouterr()
    assert "In every row: task name recall, lag 2; steps 20; " in out
    assert "4/4" in err
    rows = read_study(store).rows()
    expected = train(
        [1, 2], recall(2), hidden_size=4, steps=20, batch=8, seed=3, progress=False
    ).final
    assert expected.items() <= rows[0].items()
    with table.open(newline="") as lines:
        assert [row["architecture"] for row in csv.DictReader(lines)][1:3] == ["dilated", "skips"]
    again = store.with_name("again.db")
    assert main(["study", str(file), "--store", str(again), "--jobs", "2", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["function"] == "drnn_theory.learning.grid.learn"
    for row, other in zip(rows, record["rows"], strict=True):
        assert row["test loss"] == other["test loss"]
        assert row["seed"] == other["seed"]
    assert main(["study", str(file), "--store", str(store)]) == 0
    assert read_study(store).rows() == rows  # their seconds, too: nothing ran again


def test_a_run_that_fails_is_named_and_exits_1(file, capsys):
    file.write_text(FILE + 'cell = "GRU"\n')  # which a graph has not
    assert main(["study", str(file), "--store", str(file.with_name("study.db"))]) == 1
    err = capsys.readouterr().err
    assert err.count("failed: skips: ValueError: cell must be 'RNN' for a graph, got 'GRU'") == 2
    assert len(read_study(file.with_name("study.db")).failures) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], "jobs must be a positive integer, got 0"),
        (["--jobs", "many"], "--jobs must be a number, as 784 or 50k, got 'many'"),
    ],
)
def test_a_number_of_jobs_that_makes_no_sense_exits_2(file, capsys, arguments, message):
    store = file.with_name("study.db")
    assert main(["study", str(file), "--store", str(store), *arguments]) == 2
    assert capsys.readouterr().err == f"drnn-theory: {message}\n"
