"""The tables of what was measured, that come with the package.

Speeds and studies take minutes and a quiet machine, so that they are measured once, by the programs
in tests/benchmarks and tests/studies, and read by figures and documentation. They are written and
read here alone; every table says where its numbers come from: versions, machine, threads and seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from drnn_theory.checks import one_of
from drnn_theory.tables import Table, read_csv
from drnn_theory.writing import replacing

__all__ = ["FOLDER", "load_measured", "write_measured"]

FOLDER = Path(str(resources.files("drnn_theory"))) / "data" / "measured"
"""Where the programs write their tables, one CSV each."""


def load_measured(name: str) -> Table:
    """Return a measured table, its values typed: numbers, booleans, tuples of integers, words.

    Raises ValueError, naming the tables that there are, for any other.

    >>> engines = load_measured("engines")
    >>> engines.rows[0]["layers"], sorted({row["engine"] for row in engines})[-1]
    (4, 'stack')
    >>> engines.where["version"]
    '0.1.0'
    """
    one_of(name, "name", sorted(path.stem for path in FOLDER.glob("*.csv")))
    return read_csv((FOLDER / f"{name}.csv").read_text(encoding="utf-8"))


def write_measured(
    path: str | Path,
    rows: Iterable[Mapping[str, Any]],
    *,
    where: Mapping[str, Any],
    span: int | None = None,
    convention: str | None = None,
) -> None:
    """Write a measured table as CSV: a name in :data:`FOLDER`, or the path of a file.

    ``where`` is what :func:`drnn_theory.tables.where` returned in the process that measured; span
    and convention go beside each row, and stay empty where nothing is averaged over lags.
    """
    table = Table([*rows], about={"span": span, "convention": convention}, where=where)
    file = path if isinstance(path, Path) else FOLDER / f"{path}.csv"
    with replacing(file) as temporary:
        temporary.write_text(table.to_csv(), encoding="utf-8")
