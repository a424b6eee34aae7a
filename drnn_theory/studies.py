"""Studies: one function of many rows, each of which is computed once and kept when it finishes.

A store is one SQLite file. A row is committed to it as soon as it is finished, and what is there
is never computed again, so that a study which was stopped, by whatever, goes on where it was.
Several processes may work on one store. A process that runs a row holds a lock on one byte of a
file beside the store, the byte whose number is the row's hash; the system drops the locks of a
process that dies, and another process takes its row.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import json
import textwrap
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePath
from types import CodeType
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from drnn_theory.checks import shown
from drnn_theory.executing import Serial, Work, rows_in_flight, warn_of_forks
from drnn_theory.stores import Claims, Record, Store
from drnn_theory.study_rows import as_plain, checked_rows
from drnn_theory.tables import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Study", "read_study", "run_study"]

WIDEST = 40
"""Characters of a word in a table that is shown."""


@dataclass(frozen=True, repr=False)
class Study:
    """What a study has computed: one record per row, in the order in which the rows were given.

    Attributes:
        function: the qualified name of the function.
        version: its version, by default a hash of its source.
        records: rows, results, errors and seconds, as the store holds them.

    >>> study = Study("measure", "1", ())
    >>> len(study), study.rows()
    (0, [])
    """

    function: str
    version: str
    records: tuple[Record, ...]

    def __len__(self) -> int:
        return len(self.records)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary per row: arguments, results, error (or None) and seconds.

        >>> Study("measure", "1", ()).rows()
        []
        """
        return [
            {
                **record.row,
                **(record.result or {}),
                "error": record.error,
                "seconds": record.seconds,
            }
            for record in self.records
        ]

    @property
    def failures(self) -> tuple[Record, ...]:
        """The records of the rows that raised, each with its error and its traceback.

        >>> Study("measure", "1", ()).failures
        ()
        """
        return tuple(record for record in self.records if record.error is not None)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame of :meth:`rows`, which needs the extra ``tables``.

        >>> len(Study("measure", "1", ()).to_frame())
        0
        """
        return Table(self.rows(), where={}).to_frame()

    def to_dict(self) -> dict[str, Any]:
        """Return function, version and :meth:`rows` as JSON can hold them.

        >>> Study("measure", "1", ()).to_dict()
        {'function': 'measure', 'version': '1', 'rows': []}
        """
        rows = Table(self.rows(), where={}).to_dict()["rows"]
        return {"function": self.function, "version": self.version, "rows": rows}

    def to_csv(self, path: str | Path) -> None:
        """Write :meth:`rows` as CSV, whole or not at all, with the function and where each ran.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Study("measure", "1", ()).to_csv(Path(folder, "rows.csv"))
        ...     Path(folder, "rows.csv").exists()
        True
        """
        from drnn_theory.writing import replacing  # workers do without it

        rows = [
            {**row, "where": record.where}
            for row, record in zip(self.rows(), self.records, strict=True)
        ]
        about = {"function": self.function, "function version": self.version}
        with replacing(Path(path)) as temporary:
            temporary.write_text(Table(rows, about=about).to_csv(), encoding="utf-8", newline="")

    def __repr__(self) -> str:
        failed = len(self.failures)
        return f"<Study of {self.function}: {len(self)} rows, {failed} of them with an error>"

    def __str__(self) -> str:
        rows, notes = self._told()
        return Table(rows, notes, where={}).to_text(wrap=True)

    def _repr_html_(self) -> str:
        rows, notes = self._told()
        return Table(rows, notes, where={}).to_html()

    def _told(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows as people read them, and a note of what is the same in all of them."""
        rows = self.rows()
        names = dict.fromkeys(name for row in rows for name in row)
        if not self.failures:
            names.pop("error", None)
        cells = [
            {name: row.get(name) if name == "error" else _cell(row.get(name)) for name in names}
            for row in rows
        ]
        if len(rows) < 2:
            return cells, []
        same = {
            name: cells[0][name]
            for name in names  # 1, 1.0 and True are three values
            if len({(type(row[name]), row[name]) for row in cells}) == 1
        }
        told = "; ".join(f"{name} {cell}" for name, cell in same.items())
        varied = [{name: row[name] for name in names if name not in same} for row in cells]
        return varied, [f"In every row: {told}."] if told else []


def _cell(value: Any) -> Any:
    """Return a value as it stands in a table: one line, and not too long a one."""
    if isinstance(value, dict):
        value = ", ".join(f"{name} {_cell(item)}" for name, item in value.items())
    if isinstance(value, tuple):
        value = ", ".join(str(_cell(item)) for item in value)
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 3]}..."


def run_study(
    function: Callable[..., Mapping[str, Any]],
    rows: Iterable[Mapping[str, Any]],
    *,
    store: str | Path,
    executor: Any = None,
    version: str | None = None,
    retry: bool = False,
    in_flight: int | None = None,
    progress: bool = True,
) -> Study:
    """Return ``function(**row)`` for every row, computed once and kept in ``store``.

    A row is durable when it finishes. Run the same call again, after a crash or with more rows, and
    only what is missing is computed; several processes may do so at a time and share the rows. A
    row that raises is kept with its error and not tried again unless ``retry`` says so.

    Args:
        function: a function with a name, given the row as keyword arguments; it returns a
            dictionary of plain values: None, booleans, numbers, strings, and lists, tuples or
            dictionaries of such. What it computes must depend on the row alone.
        rows: dictionaries of plain values. A list reaches the function as a tuple, a numpy number
            as a Python one. Equal rows are one row.
        store: the file that keeps the rows; it is made if it is not there.
        executor: anything with ``submit``, such as a pool of ``concurrent.futures`` or
            ``client.get_executor()`` of dask.distributed; by default rows run one by one in this
            process. Only this process writes the store.
        version: what tells this function from others of its name; by default a hash of its source
            and of the plain values that it takes from around it (constants, defaults, variables of
            a function that it is made in), which does not see a change in what the function calls.
        retry: compute rows again that raised.
        in_flight: rows submitted at a time, by default twice the executor's workers, or 1000 where
            it does not say how many it has.
        progress: show a bar with an estimate of what remains, on standard error.

    Raises ValueError, before anything is computed, for a store of another function or version, a
    damaged one or one that cannot be written, none of which is touched; OSError where the disk is
    full; BrokenExecutor (of ``concurrent.futures``) where workers died. What was stored is kept.

    >>> from tempfile import TemporaryDirectory
    >>> from drnn_theory import compute_mrl
    >>> def mean(dilations, span):
    ...     return {"mean": compute_mrl(dilations, span)}
    >>> rows = [{"dilations": scheme, "span": 8} for scheme in [(1, 2, 4, 8), (1, 3, 4, 8)]]
    >>> with TemporaryDirectory() as folder:
    ...     study = run_study(mean, rows, store=f"{folder}/study.db", version="1", progress=False)
    >>> study.rows()[0]["mean"], study.rows()[1]["mean"]
    (5.625, 5.5)
    """
    name = _name(function)
    version = _version(function) if version is None else version
    if not isinstance(version, str) or not version:
        raise TypeError(f"version must be a string that is not empty, got {shown(version)}")
    by_key = checked_rows(function, rows)
    if executor is not None:
        if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
            raise TypeError(f"executor must have a method submit, got {shown(executor)}")
        warn_of_forks(executor)
    limit = rows_in_flight(executor, in_flight)
    if not isinstance(store, (str, Path)):
        raise TypeError(f"store must be the path of a file, got {shown(store)}")
    path = Path(store)
    with Store.open(path, name, version) as kept, Claims(path) as claims:
        old = kept.digests()
        todo = {key: by_key[key] for key in by_key if key not in old}
        if retry:
            todo |= {key: by_key[key] for key in kept.failed() if key in by_key}
        with tqdm(
            total=len(by_key), initial=len(by_key) - len(todo), unit="row", disable=not progress
        ) as bar:
            work = Work(function, todo, kept, claims, old, executor or Serial(), limit, bar)
            work.run()
        return Study(name, version, tuple(kept.read(by_key)))


def read_study(store: str | Path) -> Study:
    """Return all that a store holds, in the order in which it was finished.

    A study that is running may be read at any time, and the file may be read-only. Raises
    ValueError for a file that is not a store, or is damaged.

    >>> read_study("nowhere.db")
    Traceback (most recent call last):
    ValueError: store must be a file that is there, got nowhere.db
    """
    with Store.read_only(Path(store)) as kept:
        return Study(kept.function, kept.version, tuple(kept.read()))


def _name(function: Any) -> str:
    """Return the qualified name of a function; TypeError for what has none of its own."""
    if not inspect.isroutine(function):
        raise TypeError(
            "function must be a function with a name, its arguments in the rows, "
            f"got {shown(function)}"
        )
    return f"{function.__module__}.{function.__qualname__}"


def _version(function: Callable[..., Any]) -> str:
    """Return a hash of a function's source and of the plain values that it takes from around it."""
    problem = None
    if function.__name__ == "<lambda>":
        problem = "a function without a name"
    elif not isinstance(getattr(function, "__self__", None), (type, type(None))):
        problem = "a method, which depends on its object"
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        problem = "a function whose source cannot be read"
    if problem is None:
        values = _surroundings(function)
        held = [name for name, value in values.items() if value is _NOT_PLAIN]
        problem = f"a function that holds {held[0]}, which is no plain value" if held else None
    if problem is not None:
        raise ValueError(f"version must be given for {problem}, got none for {shown(function)}")
    if values:
        source += json.dumps(values, sort_keys=True)
    return hashlib.sha256(source.encode()).hexdigest()[:12]


_NOT_PLAIN = object()
_SAID_BY_REPR = (bytes, date, Enum, Fraction, PurePath, range)


def _surroundings(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the plain values that a function takes from around it, by their names.

    Functions, classes and modules are left out, and global variables that are no constants; other
    values that it holds are _NOT_PLAIN.
    """
    function = getattr(function, "__func__", function)
    if not inspect.isfunction(function):
        return {}
    names = sorted(_names_read(function.__code__) & function.__globals__.keys())
    constants = {name: function.__globals__[name] for name in names}
    values: dict[str, Any] = {}
    for name, value in constants.items():
        if value is None or isinstance(value, (bool, int, float, str, tuple)):
            with suppress(TypeError, ValueError):
                values[name] = json.dumps(as_plain(value, name))
    parameters = inspect.signature(function, follow_wrapped=False).parameters
    held = {n: p.default for n, p in parameters.items() if p.default is not p.empty}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a cell that is still empty
            held[name] = cell.cell_contents
    for name, value in held.items():
        if inspect.isroutine(value) or isinstance(value, type) or inspect.ismodule(value):
            continue
        of_torch = (type(value).__module__, type(value).__name__)
        if isinstance(value, _SAID_BY_REPR) or of_torch in (
            ("torch", "dtype"),
            ("torch", "device"),
        ):
            values[name] = repr(value)
            continue
        try:
            values[name] = json.dumps(as_plain(value, name))
        except (TypeError, ValueError):
            values[name] = _NOT_PLAIN
    return values


def _names_read(code: CodeType) -> set[str]:
    """Return the global names that a function reads, in functions within it, too."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    return names.union(*map(_names_read, inner))
