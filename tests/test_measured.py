import math
import re
from fractions import Fraction

import pytest

import drnn_theory
from drnn_theory.measured import FOLDER, load_measured, write_measured
from drnn_theory.tables import convention, read_csv, where

ALL = sorted(path.stem for path in FOLDER.glob("*.csv"))


@pytest.mark.parametrize("name", ALL)
def test_every_row_has_every_column_and_says_where_it_was_measured(name):
    table = load_measured(name)
    assert table.rows
    assert {"span", "convention"} <= set(table.columns)
    assert table.where["version"] == drnn_theory.__version__
    assert {"machine", "torch"} & set(table.where)
    for column in table.columns:
        kinds = {type(row[column]) for row in table}
        assert len(kinds) == 1, column


def test_a_table_that_is_not_there_is_refused_by_naming_those_that_are():
    message = f"name must be one of {', '.join(map(repr, ALL))}, got 'speeds'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        load_measured("speeds")


@pytest.mark.parametrize("name", ALL)
def test_a_convention_is_one_of_the_wordings_and_no_count(name):
    words = {row["convention"] for row in load_measured(name)}
    assert words <= {None, convention(), convention(lags="0..span")}
    for row in load_measured(name):
        assert (row["span"] is None) == (row["convention"] is None)


def test_no_column_is_named_by_a_value_or_with_an_underscore():
    for name in ALL:
        for column in load_measured(name).columns:
            assert not re.search(r"\d|_", column), (name, column)


def test_values_come_back_as_they_were_written(tmp_path):
    rows = [
        {
            "dilations": (1, 2),
            "mean": 1.5,
            "exactly": Fraction(3, 2),
            "fusion": True,
            "note": "a b",
        },
        {
            "dilations": (4,),
            "mean": math.inf,
            "exactly": Fraction(3),
            "fusion": False,
            "note": None,
        },
    ]
    origin = where(seed=(0, 1), threads=2)
    write_measured(tmp_path / "t.csv", rows, where=origin, span=8, convention=convention())
    table = read_csv((tmp_path / "t.csv").read_text())
    said = {"span": 8, "convention": convention()}
    assert table.rows == tuple(row | said for row in rows)
    assert table.where == origin
