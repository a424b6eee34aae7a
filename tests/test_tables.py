"""Tables: the same values in every format, and back."""

import json
import math
import re
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drnn_theory
from drnn_theory.tables import Table, cell, convention, notes_of, plain, read_csv, spoken, where

ROWS = [
    {"architecture": "a <b> & c", "mean": 4.25, "exactly": Fraction(17, 4), "dilations": (1, 2)},
    {"architecture": "x_1", "mean": math.inf, "exactly": Fraction(3), "dilations": (4,)},
]
ABOUT = {"span": 8, "convention": convention()}
TABLE = Table(ROWS, ["a note"], ABOUT, {"version": "0", "seed": 0})


def test_every_format_carries_every_row_and_the_notes():
    text, html, latex = TABLE.to_text(), TABLE.to_html(), TABLE.to_latex()
    assert [line.split()[-1] for line in text.splitlines()[2:4]] == ["2", "4"]
    assert text.splitlines()[-1] == "a note"
    assert html.count("<tr>") == 3
    assert "a &lt;b&gt; &amp; c" in html
    assert "<p>a note</p>" in html
    assert r"a \textless{}b\textgreater{} \& c" in latex
    assert latex.endswith("% a note")
    for number in ("4.25", "17/4"):
        assert number in text
        assert number in html
        assert number in latex


def test_csv_repeats_beside_each_row_what_holds_for_all():
    lines = TABLE.to_csv().splitlines()
    assert lines[0] == "architecture,mean,exactly,dilations,span,convention,where"
    assert lines[1] == (
        'a <b> & c,4.25,17/4,1 2,8,"lags 1..span, vertical edges counted",version 0; seed 0'
    )
    assert lines[2].startswith("x_1,inf,3,4,8,")


def test_a_column_of_the_rows_is_not_written_twice():
    table = Table([{"span": 4, "where": "there"}], about={"span": 8}, where={"seed": 0})
    assert table.to_csv() == "span,where\n4,there\n"


def test_fractions_are_decimals_in_csv_but_in_the_column_exactly():
    row = {"mean": Fraction(1, 4), "exactly": Fraction(1, 4)}
    assert Table([row], where={}).to_csv() == "mean,exactly\n0.25,1/4\n"


def test_json_and_frames_carry_the_same_rows():
    record = json.loads(TABLE.to_json())
    assert record == TABLE.to_dict()
    assert record["rows"][0]["exactly"] == "17/4"
    assert record["rows"][1]["mean"] == "inf"
    assert (record["span"], record["where"]) == (8, {"version": "0", "seed": 0})
    frame = TABLE.to_frame()
    assert frame.to_dict("records") == ROWS
    assert frame.attrs == {**ABOUT, "where": {"version": "0", "seed": 0}}


COLUMNS = {
    "integers": st.integers(-(10**20), 10**20),
    "numbers": st.floats(allow_nan=False).map(float),
    "answers": st.booleans(),
    "dilations": st.lists(st.integers(1, 99), min_size=2, max_size=4).map(tuple),
    "words": st.from_regex(r"[a-z_;\"'][a-z ,;\"'\n]{0,8}", fullmatch=True),
}


@settings(max_examples=40)
@given(st.lists(st.fixed_dictionaries(COLUMNS), min_size=1, max_size=4))
def test_what_is_read_back_is_what_was_written(rows):
    table = Table(rows, where={"version": "0.1.0", "seed": 3})
    back = read_csv(table.to_csv())
    assert back.where == table.where
    for got, row in zip(back, rows, strict=True):
        assert {k: float(v) if k == "numbers" else v for k, v in got.items()} == row


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2"], [1, 2]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1e-05", "inf"], [1e-5, math.inf]),
        (["1/2", "3"], [Fraction(1, 2), Fraction(3)]),
        (["1 2", "4"], [(1, 2), (4,)]),
        (["True", "False"], [True, False]),
        (["True", "1"], ["True", "1"]),
        (["1", "one"], ["1", "one"]),
        (["1", ""], [1, None]),
        (["", ""], [None, None]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_a_column_is_of_the_narrowest_kind_that_holds_all_cells(cells, values):
    rows = read_csv("key,cell\n" + "".join(f"k,{c}\n" for c in cells)).rows
    read = [row["cell"] for row in rows]
    assert read == values
    assert list(map(type, read)) == list(map(type, values))


def test_rows_from_two_places_keep_their_places():
    table = read_csv("lag,where\n1,seed 0\n2,seed 1\n")
    assert table.where == {}
    assert [row["where"] for row in table] == ["seed 0", "seed 1"]
    assert read_csv("") == Table([], where={})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (3.0, "3"),
        (1 / 3, "0.333333"),
        (10**30, "1" + 30 * "0"),
        (1e22, "1e+22"),
        (-math.inf, "-inf"),
        (Fraction(45, 8), "45/8"),
        ([1, 2], "1, 2"),
    ],
)
def test_a_value_is_written_for_people_in_one_way(value, text):
    assert cell(value) == text
    assert text in Table([{"key": "k", "value": value}]).to_text()


def test_numbers_stand_right_and_words_left():
    text = Table([{"n": 1, "word": "ab", "x": 0.5}, {"n": 100, "word": "a", "x": 10.25}]).to_text()
    assert text.splitlines()[2:] == ["  1  ab       0.5", "100  a       10.25"]


def test_transposing_swaps_rows_and_columns_and_keeps_the_rest():
    turned = TABLE.transposed()
    assert turned.columns == ["architecture", "a <b> & c", "x_1"]
    assert [row["architecture"] for row in turned] == ["mean", "exactly", "dilations"]
    assert turned.rows[1]["a <b> & c"] == Fraction(17, 4)
    assert (turned.notes, turned.about, turned.where) == (TABLE.notes, TABLE.about, TABLE.where)


def test_where_names_what_was_asked_for_and_no_host():
    about = where(torch=True, machine=True, threads=2, seed=0, load=True)
    assert list(about) == ["version", "torch", "machine", "threads", "seed", "load"]
    assert about["version"] == drnn_theory.__version__
    assert f"python {sys.version_info.major}.{sys.version_info.minor}" in about["machine"]
    assert re.fullmatch(r"\d+\.\d", about["load"])
    assert where() == {"version": drnn_theory.__version__}
    assert spoken({"seed": (0, 1), "torch": None}) == "seed 0 1; torch "


def test_notes_say_span_and_convention_in_words():
    assert notes_of({"span": 9, "convention": convention(False)}) == [
        "Lags 1..9, vertical edges not counted."
    ]
    assert plain({"unchanged": 1}) == {"unchanged": 1}


def test_an_unknown_style_is_refused_with_the_list():
    with pytest.raises(ValueError, match=r"style must be one of .*'github'.*, got 'fancy'"):
        TABLE.to_text("fancy")
