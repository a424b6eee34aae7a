import re

import pytest

from drnn_theory.measured import FOLDER, load_measured

TABLES = sorted(path.stem for path in FOLDER.glob("*.csv"))


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_every_column_and_says_where_it_was_measured(name):
    rows = load_measured(name)
    assert rows
    assert all(None not in row and None not in row.values() for row in rows)
    if not name.endswith("_correlations"):
        assert {"machine", "cpu", "torch"} & set(rows[0])


def test_a_table_that_is_not_there_is_refused_by_naming_those_that_are():
    message = f"name must be one of {', '.join(map(repr, TABLES))}, got 'speeds'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        load_measured("speeds")
