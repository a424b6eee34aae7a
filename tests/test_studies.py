"""Studies lose no finished row and compute none twice: with real kills, full disks and damage."""

import contextlib
import csv
import math
import operator
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from drnn_theory import read_study, run_study

ROOT = Path(__file__).parent.parent


def square(number, log=None, pause=0.0):
    """Return a number's square, slowly; a line in the log says that it was computed."""
    if log is not None:
        with Path(log).open("a") as file:
            file.write(f"{number}\n")
    time.sleep(pause)
    if number < 0:
        raise ValueError(f"number must not be negative,\ngot {number}")
    return {"square": number**2}


def cube(number):
    return {"cube": number**3}


def study(rows, store, **options):
    return run_study(square, rows, store=store, progress=False, **options)


def numbers(count, **arguments):
    return [{"number": n, **arguments} for n in range(count)]


def lines(log):
    return log.read_text().split() if log.exists() else []


def test_a_row_is_computed_once_however_often_the_study_runs(tmp_path):
    log, store = tmp_path / "log", tmp_path / "study.db"
    first = study(numbers(3, log=str(log)), store)
    again = study(numbers(5, log=str(log)), store)
    assert [row["square"] for row in first.rows()] == [0, 1, 4]
    assert [row["square"] for row in again.rows()] == [0, 1, 4, 9, 16]
    assert again.rows()[:3] == first.rows()  # seconds too
    assert lines(log) == ["0", "1", "2", "3", "4"]


def test_equal_rows_are_one_row_whatever_the_order_of_their_arguments(tmp_path):
    log = str(tmp_path / "log")
    rows = [{"number": 2, "log": log}, {"log": log, "number": np.int64(2)}, {"number": 2.0}]
    assert len(study(rows, tmp_path / "study.db")) == 2
    assert lines(tmp_path / "log") == ["2"]


def test_a_row_that_raises_is_kept_with_its_error_and_tried_again_only_when_asked(tmp_path):
    log, store = tmp_path / "log", tmp_path / "study.db"
    rows = [{"number": n, "log": str(log)} for n in (1, -1)]
    for retry, calls in ((False, 2), (False, 2), (True, 3)):
        result = study(rows, store, retry=retry)
        assert len(lines(log)) == calls
    (failure,) = result.failures
    assert failure.error == "ValueError: number must not be negative, got -1"
    assert "raise ValueError(f" in failure.traceback
    assert result.rows()[1]["error"] == failure.error
    frame = result.to_frame()
    assert list(frame.columns) == ["number", "log", "square", "error", "seconds"]
    assert frame["square"].tolist()[0] == 1
    assert math.isnan(frame["square"].tolist()[1])
    assert "number must not be negative" in str(result)
    assert "error" not in str(study(rows[:1], store))


KILLED = """
import sys
from tests.test_studies import numbers, study
study(numbers(40, log=sys.argv[2], pause=0.01), sys.argv[1])
"""


@contextlib.contextmanager
def running(program, *arguments):
    """Run a program in a session of its own; at the end kill it and all that it has started."""
    words = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(
        words, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() in (None, 0), process.stderr.read()
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.002)


def test_kill_9_at_any_moment_loses_only_the_row_in_flight(tmp_path):
    draw = random.Random(0)
    log, store = tmp_path / "log", tmp_path / "study.db"
    stored, kills = 0, 0
    while stored < 30 and kills < 20:
        enough = len(lines(log)) + draw.randrange(2, 11)
        with running(KILLED, store, log) as process:
            wait_for(lambda: len(lines(log)) > enough, process)  # noqa: B023
            time.sleep(draw.uniform(0, 0.03))  # in the function, or while its result is written
        kills += 1
        rows = read_study(store).rows()
        assert len(rows) >= stored
        stored = len(rows)
        assert [row["number"] for row in rows] == list(range(stored))
        assert stored >= len(set(lines(log))) - 1  # one row was in flight
    assert kills > 2
    result = study(numbers(40, log=str(log), pause=0.01), store)
    assert [row["square"] for row in result.rows()] == [n**2 for n in range(40)]
    assert len(lines(log)) <= 40 + kills


def test_a_store_of_another_function_or_version_is_refused_untouched(tmp_path):
    store = tmp_path / "study.db"
    study(numbers(2), store, version="1")
    before = store.read_bytes()
    with pytest.raises(ValueError, match=r"in version 2, got version 1: give another store, or "):
        study(numbers(3), store, version="2")
    with pytest.raises(ValueError, match=r"rows of tests\.test_studies\.cube, got a store of tes"):
        run_study(cube, numbers(3), store=store, version="1")
    assert store.read_bytes() == before
    assert len(study(numbers(3), store, version="1")) == 3


def test_the_version_is_a_hash_of_the_source_unless_given(tmp_path):
    first = study(numbers(1), tmp_path / "study.db")
    scope = {}
    exec("def square(number):\n    return {'square': number}\n", scope)
    with pytest.raises(ValueError, match=r"^version must be given for a function whose source can"):
        run_study(scope["square"], numbers(1), store=tmp_path / "other.db")
    with pytest.raises(ValueError, match=r"^version must be given .*, got none for <built-in"):
        run_study(operator.neg, [], store=tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()
    assert len(first.version) == 12


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ({"number": 1}, TypeError, r"^rows must be dictionaries, one a row, got {'number': 1}$"),
        ([1], TypeError, r"^rows must be dictionaries, got 1 as row 0$"),
        ([{"number": 1}, {"spam": 1}], TypeError, r"^row 1 must be arguments of square\(number, "),
        ([{"number": {1}}], TypeError, r"^row 0 must hold plain values \(None, .*, got \{1\}$"),
        ([{"number": {1: 2}}], TypeError, r"^row 0 must have names as keys, got {1: 2}$"),
        ([{"number": math.nan}], ValueError, r"^row 0 must hold finite numbers, got {'number': na"),
        ([{"error": 1}], ValueError, r"^row 0 must not have an argument 'error', a column of"),
    ],
)
def test_rows_that_make_no_sense_are_refused_before_any_is_computed(tmp_path, rows, error, message):
    with pytest.raises(error, match=message):
        study(rows, tmp_path / "study.db")
    assert not list(tmp_path.iterdir())


def test_arguments_and_results_come_back_as_plain_values(tmp_path):
    result = run_study(typed, [{"value": [1, [2.0, "b"]]}], store=tmp_path / "s.db", progress=False)
    (row,) = result.rows()
    assert row["value"] == (1, (2.0, "b"))
    assert row["was"] == "tuple"
    assert row["array"] == (0, 1, 2)
    assert row["number"] == 0.5
    assert row["infinite"] == math.inf
    assert math.isnan(row["nan"])


def typed(value):
    return {
        "was": type(value).__name__,
        "array": np.arange(3),
        "number": np.float32(0.5),
        "infinite": math.inf,
        "nan": math.nan,
    }


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        (1, "TypeError: function must return a dictionary, got 1"),
        ({"kind": 1}, "ValueError: results must not be named as an argument, 'error' or 'seconds', "
         "got 'kind'"),
        ({"a": {1}}, "TypeError: the result must hold plain values (None, booleans, numbers, "
         "strings and lists of them), got {1}"),
    ],
    ids=["no dictionary", "an argument's name", "a set"],
)  # fmt: skip
def test_a_result_that_cannot_be_kept_is_an_error_of_its_row(tmp_path, returned, error):
    RETURNED["value"] = returned
    result = run_study(returning, [{"kind": "x"}], store=tmp_path / "study.db", progress=False)
    assert result.failures[0].error == error


RETURNED = {}


def returning(kind):
    return RETURNED["value"]


def test_csv_holds_every_row_and_says_where_it_ran(tmp_path):
    result = study([{"number": n} for n in (2, -1)], tmp_path / "study.db")
    result.to_csv(tmp_path / "study.csv")
    with (tmp_path / "study.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["number"], first["square"], first["error"]) == ("2", "4", "")
    assert (second["square"], second["error"][:10]) == ("", "ValueError")
    assert first["function"] == "tests.test_studies.square"
    assert first["function version"] == result.version
    assert first["where"].startswith("drnn_theory ")
