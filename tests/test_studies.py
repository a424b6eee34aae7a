"""Studies lose no finished row and compute none twice: with real kills, full disks and damage."""

import contextlib
import csv
import functools
import math
import operator
import os
import random
import re
import sqlite3
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from drnn_theory import read_study, run_study
from tests.studying import cube, numbers, square, study


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


def test_a_study_of_no_rows_is_empty(tmp_path):
    result = study([], tmp_path / "study.db")
    assert (result.rows(), len(result), str(result)) == ([], 0, "")


def test_what_is_the_same_in_every_row_is_said_once(tmp_path):
    shown = str(study(numbers(2, pause=0.0), tmp_path / "study.db"))
    assert shown.splitlines()[0].split() == ["number", "square", "seconds"]
    assert shown.splitlines()[-1] == "In every row: pause 0.0."


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
    assert failure.error in str(result)
    assert "error" not in str(study(rows[:1], store))
    assert repr(result) == "<Study of tests.studying.square: 2 rows, 1 of them with an error>"


def test_a_store_of_another_function_or_version_is_refused_untouched(tmp_path):
    store = tmp_path / "study.db"
    study(numbers(2), store, version="1")
    before = store.read_bytes()
    with pytest.raises(ValueError, match=r"in version 2, got version 1: give another store, or "):
        study(numbers(3), store, version="2")
    with pytest.raises(ValueError, match=r"rows of tests\.studying\.cube, got a store of tes"):
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


def scaling(factor, held=None):
    def scaled(number):
        return {"scaled": factor * number, "held": held is None}

    return scaled


def with_a_default(factor):
    def scaled(number, by=factor):
        return {"scaled": by * number}

    return scaled


def decorated(factor):
    @functools.wraps(cube)
    def wrapped(number):
        return {"cube": factor * cube(number)["cube"]}

    return wrapped


FACTOR = 1


def scaled_by_a_constant(number):
    return {"scaled": FACTOR * number}


def set_factor(factor):
    globals()["FACTOR"] = factor
    return scaled_by_a_constant


def summed_with_a_constant(number):
    return {"sum": sum(FACTOR * i for i in range(number)), "many": [i * FACTOR for i in (1, 2)]}


def set_inner_factor(factor):
    set_factor(factor)
    return summed_with_a_constant


class Holder:
    other = 3


other, memory = 1, {}


def with_bystanders(number):
    """A function with an attribute named as a global is, a memory, and a cell that is empty."""
    memory[str(number)] = number
    return {"other": Holder.other * number}


def test_what_a_function_does_not_read_is_not_of_its_version(tmp_path):
    for value in (1, 2):
        globals()["other"] = value
        run_study(with_bystanders, [{"number": 3}], store=tmp_path / "study.db", progress=False)

    def unfilled(number):
        return {"later": later * number}

    for number in (1, 2):
        run_study(unfilled, [], store=tmp_path / f"{number}.db", progress=False)
        later = number
    assert later == 2


CPU = torch.device("cpu")


def harmless(folder=Path("data"), kind=torch.float32, device=CPU, some=range(3)):
    return {"folder": str(folder)}


def test_values_that_are_told_by_how_they_are_written_need_no_version(tmp_path):
    assert len(run_study(harmless, [{}], store=tmp_path / "study.db", progress=False)) == 1


@pytest.mark.parametrize("make", [scaling, with_a_default, decorated, set_factor, set_inner_factor])
def test_a_value_from_around_the_function_belongs_to_its_version(tmp_path, make):
    store, rows = tmp_path / "study.db", [{"number": 3}]
    first = run_study(make(1), rows, store=store, progress=False)
    assert run_study(make(1), rows, store=store, progress=False).rows() == first.rows()
    for factor in (100, 1.0, (1, 2)):
        with pytest.raises(ValueError, match=r"must hold rows of .* in version "):
            run_study(make(factor), rows, store=store, progress=False)


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def scaled(self, number):
        return {"scaled": self.factor * number}

    @classmethod
    def plain(cls, number):
        return {"scaled": number}


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (Scale(3).scaled, "a method, which depends on its object"),
        (lambda number: {"scaled": number}, "a function without a name"),
        (scaling(3, Scale(3)), "a function that holds held, which is no plain value"),
    ],
    ids=["a method", "a lambda", "an object"],
)
def test_a_function_whose_version_cannot_be_told_needs_one(tmp_path, function, problem):
    store, rows = tmp_path / "study.db", [{"number": 3}]
    with pytest.raises(ValueError, match=f"^version must be given for {problem}, got none for "):
        run_study(function, rows, store=store, progress=False)
    given = run_study(function, rows, store=store, version="1", progress=False)
    assert given.rows()[0]["scaled"] in (3, 9)
    run_study(Scale.plain, rows, store=tmp_path / "other.db", progress=False)


def troubled(kind):
    if kind == "surrogate":
        raise ValueError("bad \udce4 file")
    if kind == "exit":
        sys.exit("enough")
    return {"loss": torch.tensor(0.5), "many": np.float32(2)}


def test_whatever_a_row_does_is_kept(tmp_path):
    rows = [{"kind": kind} for kind in ("surrogate", "exit", "tensor")]
    how = {"store": tmp_path / "study.db", "progress": False}
    with ThreadPoolExecutor(1) as pool:
        study = run_study(troubled, rows, executor=pool, **how)
    assert [row["error"] for row in study.rows()] == [
        "ValueError: bad \\udce4 file", "SystemExit: enough", None
    ]  # fmt: skip
    assert study.rows()[2]["loss"] == 0.5
    with pytest.raises(SystemExit, match="enough"):  # as a handler of SIGTERM may do it
        run_study(troubled, rows[1:2], store=tmp_path / "other.db", progress=False)
    assert len(read_study(tmp_path / "other.db")) == 0


def test_values_that_are_equal_but_of_other_types_are_not_said_to_be_the_same(tmp_path):
    rows = [{"value": value} for value in (1, True, 1.0)]
    shown = str(run_study(typed, rows, store=tmp_path / "study.db", progress=False))
    assert "value 1" not in shown.splitlines()[-1]
    assert shown.split()[0] == "value"


def test_a_pool_whose_workers_could_wait_for_ever_is_warned_of(tmp_path):
    threads = torch.get_num_threads()
    try:
        for count, method, warned in ((2, "fork", True), (2, "spawn", False), (1, "fork", False)):
            torch.set_num_threads(count)
            pool = ProcessPoolExecutor(1, get_context(method))  # starts no process for no rows
            expected = (
                pytest.warns(UserWarning, match="may wait for ever") if warned else nullcontext()
            )
            with pool, warnings.catch_warnings(), expected:
                warnings.simplefilter("default" if warned else "error")
                study([], tmp_path / "study.db", executor=pool)
    finally:
        torch.set_num_threads(threads)


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
        ([{"where": "north"}], ValueError, r"^row 0 must not have an argument 'where', a column "),
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
        ({"kind": 1}, "ValueError: results must not be named as an argument or 'error', "
         "'seconds', 'where', got 'kind'"),
        ({"where": 1}, "ValueError: results must not be named as an argument or 'error', "
         "'seconds', 'where', got 'where'"),
        ({"a": {1}}, "TypeError: the result must hold plain values (None, booleans, numbers, "
         "strings and lists of them), got {1}"),
    ],
    ids=["no dictionary", "an argument's name", "a column's name", "a set"],
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
    assert first["function"] == "tests.studying.square"
    assert first["function version"] == result.version
    assert first["where"].startswith("drnn_theory ")


def test_the_bar_counts_what_was_there_and_estimates_what_remains(tmp_path, capsys):
    study(numbers(3), tmp_path / "study.db")
    run_study(square, [*numbers(5), {"number": -1}], store=tmp_path / "study.db")
    err = capsys.readouterr().err
    assert re.search(r" 3/6 \[\d\d:\d\d<\?, ", err)  # as yet nothing to estimate from
    assert re.search(r" 6/6 \[\d\d:\d\d<\d\d:\d\d, .*row.*, errors=1\]", err)


class Counting(ThreadPoolExecutor):
    """A pool that knows the largest number of rows that were in flight at a time."""

    def __init__(self):
        super().__init__(2)
        self.flying = self.most = 0

    def submit(self, *arguments):
        self.flying += 1
        self.most = max(self.most, self.flying)
        future = super().submit(*arguments)
        future.add_done_callback(self.land)
        return future

    def land(self, future):
        self.flying -= 1


@pytest.mark.parametrize(("in_flight", "most"), [(None, 4), (3, 3)], ids=["default", "given"])
def test_no_more_rows_are_in_flight_than_allowed(tmp_path, in_flight, most):
    with Counting() as pool:
        result = study(
            numbers(8, pause=0.2), tmp_path / "study.db", executor=pool, in_flight=in_flight
        )
    assert [row["square"] for row in result.rows()] == [n**2 for n in range(8)]
    assert pool.most == most


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"executor": 2}, TypeError, r"^executor must have a method submit, got 2$"),
        (
            {"executor": ThreadPoolExecutor},
            TypeError,
            r"^executor must have a method submit, got <",
        ),
        ({"version": 2}, TypeError, r"^version must be a string that is not empty, got 2$"),
        ({"version": ""}, TypeError, r"^version must be a string that is not empty, got ''$"),
        (
            {"executor": ThreadPoolExecutor(1), "in_flight": 0},
            ValueError,
            r"^in_flight must be a positive integer, got 0$",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        study(numbers(1), tmp_path / "study.db", **options)
    assert not list(tmp_path.iterdir())


def test_what_has_no_name_of_its_own_is_no_function_of_a_study(tmp_path):
    with pytest.raises(
        TypeError, match=r"^function must be a function with a name, its arguments "
    ):
        run_study(partial(square, pause=1), numbers(1), store=tmp_path / "study.db")


def overwritten(store):
    store.write_bytes(random.Random(0).randbytes(store.stat().st_size))


def halved(store):
    os.truncate(store, store.stat().st_size // 2)


def an_index_wiped(store):
    with contextlib.closing(sqlite3.connect(store)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE type = 'index'"
        ((page,),) = connection.execute(query)
        ((size,),) = connection.execute("PRAGMA page_size")
    with store.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))


def a_digit_changed(store):
    old, new = b'"square": 49}', b'"square": 48}'
    data = store.read_bytes()
    assert data.count(old) == 1
    store.write_bytes(data.replace(old, new))


def another_database(store):
    store.unlink()
    with contextlib.closing(sqlite3.connect(store)) as connection:
        connection.execute("CREATE TABLE spam (eggs)")
        connection.commit()


DAMAGES = {
    overwritten: "must be a whole store, got a damaged one or another kind of file (file is not a",
    halved: "must be a whole store, got a damaged one or another kind of file (database disk image",
    an_index_wiped: "must be a whole store, got a damaged one (",
    a_digit_changed: "must be a whole store, got a damaged one (row '{\"number\": 7}' is not what",
    another_database: "must be a store of a study, got another kind of file: give another store",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_store_is_refused_in_one_sentence_and_left_as_it_is(tmp_path, damage):
    store = tmp_path / "study.db"
    study(numbers(9), store)
    damage(store)
    before = store.read_bytes()
    sentence = f"^{re.escape(f'{store} {DAMAGES[damage]}')}"
    with pytest.raises(ValueError, match=sentence):
        study(numbers(9), store)
    with pytest.raises(ValueError, match=sentence):
        read_study(store)
    if damage is not a_digit_changed:  # which is seen when the rows are read, after a first write
        assert store.read_bytes() == before


def test_a_store_in_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^store must be a file in a folder that is there, got "):
        study(numbers(1), tmp_path / "absent" / "study.db")
    with pytest.raises(ValueError, match=r"^store must be a file that is there, got "):
        read_study(tmp_path / "study.db")
    with pytest.raises(TypeError, match=r"^store must be the path of a file, got None$"):
        study(numbers(1), None)
    with pytest.raises(ValueError, match=r"must be a file that can be written, got unable to open"):
        study(numbers(1), tmp_path)
