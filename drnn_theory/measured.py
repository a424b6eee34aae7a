"""The tables of what was measured, that come with the package.

Speeds and studies take minutes and a quiet machine, so that they are measured once, by the programs
in tests/benchmarks, and read from here by figures and documentation. Every row says on which
machine and with which version of torch.
"""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

from drnn_theory.checks import one_of

__all__ = ["FOLDER", "load_measured"]

FOLDER = Path(str(resources.files("drnn_theory"))) / "data" / "measured"
"""Where the benchmarks write their tables, one CSV each."""


def load_measured(name: str) -> list[dict[str, str]]:
    """Return the rows of a measured table, values as text, by the names of its columns.

    Raises ValueError, naming the tables that there are, for any other.

    >>> sorted({row["engine"] for row in load_measured("engines")})[-1]
    'stack'
    """
    names = sorted(path.stem for path in FOLDER.glob("*.csv"))
    one_of(name, "name", names)
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
