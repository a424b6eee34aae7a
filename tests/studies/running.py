"""The running of a study whose rows are kept in a table that comes with the package.

A row that stands in the table is not run again. Others are kept in build/studies as they finish,
and written to the table, so that a study can be stopped at any time and taken up anywhere.
``--device cuda`` trains on a GPU, where the paper's sizes and full numbers of steps are a matter of
minutes; the device's name is kept in the table's ``where``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from drnn_theory.measured import FOLDER, load_measured, write_measured
from drnn_theory.studies import run_study
from drnn_theory.tables import where

STORES = Path("build/studies")
DEVICE = "DRNN_STUDY_DEVICE"  # set for processes of the pool as well


def device() -> str:
    """Return the device that the command line names."""
    return os.environ.get(DEVICE, "cpu")


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
    parser.add_argument("--device", default="cpu", help="of the training; default: cpu")
    options, _ = parser.parse_known_args()
    os.environ[DEVICE] = options.device
    rows = list(rows)
    table = read_rows(name)
    known = {key_of(row, rows[0]) for row in table}
    missing = [row for row in rows if key_of(row, row) not in known][: options.rows]
    STORES.mkdir(parents=True, exist_ok=True)
    print(f"{name}: {len(table)} of {len(rows)} rows are there", flush=True)
    keep = {"store": STORES / f"{name}.db", "version": version}
    pieces = [[row] for row in missing] if options.jobs == 1 else [missing]
    pool = nullcontext()
    if options.jobs > 1:
        pool = ProcessPoolExecutor(options.jobs, get_context("spawn"))
    with pool as executor:
        for piece in pieces:
            study = run_study(function, piece, executor=executor, **keep)
            for row in study.rows():
                if row.pop("error") is not None:
                    print(f"failed: {row}", flush=True)
                    continue
                table.append(row)
                print(", ".join(f"{k} {v}" for k, v in row.items() if k != "curve"), flush=True)
            write_rows(name, table)


def key_of(row: Mapping[str, Any], arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the arguments of a row as words, by which rows are told apart."""
    return tuple(str(row[name]) for name in arguments)


def read_rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of the table by the names of arguments, none where it is not there yet."""
    if not (FOLDER / f"{name}.csv").exists():
        return []
    said = ("span", "convention", "where")
    return [
        {key.replace(" ", "_"): value for key, value in row.items() if key not in said}
        for row in load_measured(name)
    ]


def write_rows(name: str, rows: Iterable[Mapping[str, Any]], **about: Any) -> None:
    """Write the table, its columns named in words."""
    spoken = [{key.replace("_", " "): value for key, value in row.items()} for row in rows]
    origin = where(torch=True, machine=True, threads=1)
    if device() != "cpu":
        import torch

        origin["device"] = torch.cuda.get_device_name(device())
    write_measured(name, spoken, where=origin, **about)
