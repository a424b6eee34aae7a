"""The running of a study whose rows are kept in a table that comes with the package.

A row that stands in the table is not run again. Others are kept in build/studies as they finish,
and written to the table, so that a study can be stopped at any time and taken up anywhere.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

from drnn_theory import __version__ as VERSION
from drnn_theory.measured import FOLDER
from drnn_theory.studies import run_study

STORES = Path("build/studies")


def run_table(
    name: str,
    function: Callable[..., Mapping[str, Any]],
    rows: Iterable[Mapping[str, Any]],
    *,
    version: str = "1",
) -> None:
    """Run what is missing in the table of that name, as the command line says."""
    parser = argparse.ArgumentParser(description=f"Fill {name}.csv.")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--rows", type=int, help="new rows, at most; default: all")
    options = parser.parse_args()
    rows = list(rows)
    table = read_rows(name)
    known = {key_of(row, rows[0]) for row in table}
    missing = [row for row in rows if key_of(row, row) not in known][: options.rows]
    STORES.mkdir(parents=True, exist_ok=True)
    print(f"{name}: {len(table)} of {len(rows)} rows are there", flush=True)
    keep = {"store": STORES / f"{name}.db", "version": version}
    pieces = [[row] for row in missing] if options.jobs == 1 else [missing]
    with ProcessPoolExecutor(options.jobs) if options.jobs > 1 else Here() as executor:
        for piece in pieces:
            study = run_study(function, piece, executor=executor, **keep)
            for row in study.rows():
                if row.pop("error") is not None:
                    print(f"failed: {row}", flush=True)
                    continue
                table.append(row | {"drnn_theory": VERSION, "torch": torch.__version__})
                print(", ".join(f"{k} {v}" for k, v in row.items() if k != "curve"), flush=True)
            write_rows(name, table)


class Here:
    """No executor: rows run in this process."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def key_of(row: Mapping[str, Any], arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the arguments of a row as the table spells them."""
    return tuple(spelled(row[name]) for name in arguments)


def spelled(value: Any) -> str:
    """Return a value as it stands in a table."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value))
    return str(value)


def read_rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of the table, none where it is not there yet."""
    path = FOLDER / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(name: str, rows: list[dict[str, Any]]) -> None:
    """Write the table, whole or not at all."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    path = FOLDER / f"{name}.csv"
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: spelled(value) for key, value in row.items()} for row in rows)
    part.replace(path)
