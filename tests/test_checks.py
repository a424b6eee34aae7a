import math
import re
import sys

import numpy as np
import pytest

from drnn_theory.checks import (
    EXTRAS,
    as_integer,
    as_number,
    one_of,
    require_extra,
    require_memory,
    shown,
)


def test_a_minimum_is_named_in_the_message():
    with pytest.raises(ValueError, match=r"^steps must be a non-negative integer, got -1$"):
        as_integer(-1, "steps", minimum=0)
    with pytest.raises(ValueError, match=r"^base must be an integer of at least 2, got 1$"):
        as_integer(1, "base", minimum=2)


@pytest.mark.parametrize(
    ("typed", "number"), [(0, 0.0), (0.5, 0.5), (np.float32(0.25), 0.25), (np.int64(3), 3.0)]
)
def test_a_number_is_any_finite_non_negative_number_and_comes_back_as_a_float(typed, number):
    assert as_number(typed, "gain") == number
    assert type(as_number(typed, "gain")) is float


@pytest.mark.parametrize(
    ("error", "typed", "limits", "message"),
    [
        (ValueError, -1, {}, "x must be a non-negative number, got -1"),
        (ValueError, math.nan, {}, "x must be a non-negative number, got nan"),
        (ValueError, math.inf, {}, "x must be a non-negative number, got inf"),
        (ValueError, 10**400, {}, "x must be a non-negative number, got 1000"),
        (ValueError, 2, {"high": 1}, "x must be a number in [0, 1], got 2"),
        (ValueError, 0.5, {"low": 1}, "x must be a number of at least 1, got 0.5"),
        (ValueError, math.nan, {"low": -math.inf}, "x must be a number, got nan"),
        (TypeError, True, {}, "x must be a non-negative number, got True"),
        (TypeError, np.True_, {}, "x must be a non-negative number, got np.True_ (bool"),
        (TypeError, "1", {}, "x must be a non-negative number, got '1'"),
        (TypeError, None, {}, "x must be a non-negative number, got None (NoneType)"),
        (TypeError, [1], {}, "x must be a non-negative number, got [1] (list)"),
    ],
)
def test_what_is_no_number_within_its_limits_is_refused(error, typed, limits, message):
    # numpy 1 shows its booleans as True, numpy 2 as np.True_
    pattern = re.escape(message).replace(r"np\.True_", r"(np\.)?True_?")
    with pytest.raises(error, match=f"^{pattern}"):
        as_number(typed, "x", **limits)


@pytest.mark.parametrize("typed", ["c", "", None, 1, ["a"], np.array(["a", "b"])], ids=repr)
def test_a_word_that_is_not_among_the_choices_is_refused_with_all_of_them(typed):
    with pytest.raises(ValueError, match=r"^kind must be one of 'a', 'b', got "):
        one_of(typed, "kind", {"a": 1, "b": 2})
    assert one_of("b", "kind", {"a": 1, "b": 2}) == "b"


def test_what_would_not_fit_in_memory_is_refused_with_the_figure():
    with pytest.raises(ValueError, match=r"^1 lags must fit in half .* got 931323 GiB$"):
        require_memory(10**15, "1 lags")
    require_memory(10**6, "1 lags")


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_a_missing_package_is_refused_with_the_command_that_brings_it(package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # as Python marks what cannot be imported
    message = f'the task needs {package}: pip install "drnn_theory[{extra}]"'
    with pytest.raises(ImportError, match=f"^{re.escape(message)}$"):
        require_extra(package, "the task")


def test_a_package_that_is_there_but_broken_says_itself_what_it_lacks(tmp_path, monkeypatch):
    (tmp_path / "pandas.py").write_text("import package_that_is_missing\n")
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'package_that_is_missing'"):
        require_extra("pandas", "a DataFrame")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "nan"),
        ("a\nb", r"'a\nb'"),
        (np.ones((2, 2), dtype=int), "array([[1, 1], [1, 1]])"),
        (10**5000, "int of too many digits to show"),
        ("x" * 100, "'" + "x" * 56 + "..."),
    ],
    ids=["nan", "a newline", "an array of two lines", "a huge integer", "a long string"],
)
def test_what_was_typed_is_shown_in_one_short_line(value, text):
    assert shown(value) == text
