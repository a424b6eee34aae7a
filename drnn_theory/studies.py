"""Studies: one function of many rows, each of which is computed once and kept when it finishes.

A store is one SQLite file. A row is committed to it as soon as it is finished, and what is there
is never computed again, so that a study which was stopped, by whatever, goes on where it was.
Several processes may work on one store. A process that runs a row holds a lock on one byte of a
file beside the store, the byte whose number is the row's hash; the system drops the locks of a
process that dies, so that nobody has to find out who is still alive.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import multiprocessing
import os
import platform
import queue
import sys
import textwrap
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from drnn_theory import __version__
from drnn_theory.checks import as_integer, shown
from drnn_theory.stores import Claims, Record, Store, decode
from drnn_theory.tables import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Study", "read_study", "run_study"]

COLUMNS = ("error", "seconds")
"""What every row of a study has beside its arguments and its results."""
WIDEST = 40
"""Characters of a word in a table that is shown."""
IN_FLIGHT = 1000
"""Rows submitted at a time to an executor that does not say how many workers it has."""
LOOK_AGAIN = 0.2
"""Seconds after which rows that another process runs are looked at again."""


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
        same = {name: cells[0][name] for name in names if len({row[name] for row in cells}) == 1}
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
        version: what tells this function from others of its name; by default a hash of its source,
            which does not see a change in what the function calls.
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
    by_key = _checked(function, rows)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor must have a method submit, got {shown(executor)}")
    limit = _limit(executor, in_flight)
    path = Path(store)
    with Store.open(path, name, version) as kept, Claims(path) as claims:
        old = kept.digests()
        todo = {key: by_key[key] for key in by_key if key not in old}
        if retry:
            todo |= {key: by_key[key] for key in kept.failed() if key in by_key}
        with tqdm(
            total=len(by_key), initial=len(by_key) - len(todo), unit="row", disable=not progress
        ) as bar:
            work = _Work(function, todo, kept, claims, old, executor or _Serial(), limit, bar)
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


class _Work:
    """The rows of one call: claimed, submitted and stored until none is left."""

    def __init__(
        self,
        function: Callable[..., Mapping[str, Any]],
        rows: dict[str, str],
        store: Store,
        claims: Claims,
        old: dict[str, str],
        executor: Any,
        limit: int,
        bar: Any,
    ) -> None:
        self.function, self.rows, self.store, self.claims = function, rows, store, claims
        self.old, self.executor, self.limit, self.bar = old, executor, limit, bar
        self.waiting = deque(rows)
        self.flying: dict[Any, str] = {}
        self.finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.errors, self.lost, self.lost_in_succession = 0, 0, 0
        self.why: Exception | None = None

    def run(self) -> None:
        try:
            while self.waiting or self.flying:
                self.submit()
                try:
                    # rows that wait although there is room are run by another process
                    slow = None if self.full or not self.waiting else LOOK_AGAIN
                    future = self.finished.get(timeout=slow) if self.flying else None
                except queue.Empty:
                    continue
                if future is not None:
                    self.take(future)
                elif self.waiting:
                    time.sleep(LOOK_AGAIN)
        finally:
            for future in self.flying:
                future.cancel()
        if self.why is not None:
            raise BrokenExecutor(
                f"executor must run every row, got {type(self.why).__name__} for {self.lost} of "
                f"{len(self.rows)} ({_one_line(self.why)}); what finished is stored: run again "
                "to compute the rest"
            )

    @property
    def full(self) -> bool:
        return len(self.flying) >= self.limit

    def submit(self) -> None:
        """Submit rows that nobody else runs while there is room."""
        for _ in range(len(self.waiting)):
            if self.full or not self.waiting:
                return
            key = self.waiting.popleft()
            if not self.claims.take(key):
                self.waiting.append(key)
                continue
            if self.store.digest(key) != self.old.get(key):  # another process has stored it
                self.claims.release(key)
                self.bar.update()
                continue
            try:
                future = self.executor.submit(_run, self.function, self.rows[key])
            except Exception as error:
                self.lose(key, error)
                self.give_up()
                return
            self.flying[future] = key
            future.add_done_callback(self.finished.put)

    def take(self, future: Any) -> None:
        """Store what a row has come to, unless its worker was lost."""
        key = self.flying.pop(future)
        try:
            outcome = future.result()
        except Exception as error:
            self.lose(key, error)
            if isinstance(error, BrokenExecutor) or self.lost_in_succession > self.limit:
                self.give_up()
            return
        self.store.put(key, self.rows[key], outcome)
        self.claims.release(key)
        self.lost_in_succession = 0
        if outcome["error"] is not None:
            self.errors += 1
            self.bar.set_postfix(errors=self.errors, refresh=False)
        self.bar.update()

    def lose(self, key: str, error: Exception) -> None:
        self.claims.release(key)
        self.lost += 1
        self.lost_in_succession += 1
        self.why = self.why or error

    def give_up(self) -> None:
        """Submit no more; what is running may still finish."""
        self.lost += len(self.waiting)
        self.waiting.clear()


class _Serial:
    """An executor that runs a row where it is submitted."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments))
        return future


def _run(function: Callable[..., Mapping[str, Any]], text: str) -> dict[str, Any]:
    """Return what a row has come to: the result as JSON, or the error. Runs in the worker.

    An error of the function is a value, so that whatever a future raises is an executor's.
    """
    _end_with_parent()
    row = decode(text)
    result = error = trace = None
    start = time.perf_counter()
    try:
        value = function(**row)
        if not isinstance(value, Mapping):
            raise TypeError(f"function must return a dictionary, got {shown(value)}")
        named = [key for key in value if key in row or key in COLUMNS]
        if named:
            raise ValueError(
                f"results must not be named as an argument, 'error' or 'seconds', got {named[0]!r}"
            )
        result = json.dumps(_plain(value, "the result"))
    except Exception as raised:
        error = f"{type(raised).__name__}: {_one_line(raised)}"
        trace = traceback.format_exc()
    seconds = time.perf_counter() - start
    return {
        "result": result,
        "error": error,
        "traceback": trace,
        "seconds": seconds,
        "where": _where(),
    }


@functools.cache
def _end_with_parent() -> None:
    """Let a worker of a pool end when the process that started it is killed.

    It would wait for work for ever, after it has finished a row that nobody takes.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _where() -> str:
    """Return the versions and the machine that computed a row."""
    torch = sys.modules.get("torch")
    threads = os.environ.get("OMP_NUM_THREADS") if torch is None else torch.get_num_threads()
    parts = [f"drnn_theory {__version__}", f"python {platform.python_version()}"]
    parts += [] if torch is None else [f"torch {torch.__version__}"]
    parts += [f"{platform.machine()}, {os.cpu_count()} logical cores"]
    parts += [f"threads {threads}"] if threads else []
    return ", ".join(parts)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _name(function: Any) -> str:
    """Return the qualified name of a function; TypeError for what has none of its own."""
    if not inspect.isroutine(function):
        raise TypeError(
            "function must be a function with a name, its arguments in the rows, "
            f"got {shown(function)}"
        )
    return f"{function.__module__}.{function.__qualname__}"


def _version(function: Callable[..., Any]) -> str:
    """Return a hash of a function's source."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise ValueError(
            "version must be given for a function whose source cannot be read, "
            f"got none for {shown(function)}"
        ) from None
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def _limit(executor: Any, in_flight: int | None) -> int:
    """Return how many rows are submitted at a time."""
    if executor is None:
        return 1
    if in_flight is not None:
        return as_integer(in_flight, "in_flight")
    workers = getattr(executor, "_max_workers", None)  # of both pools of concurrent.futures
    return 2 * workers if isinstance(workers, int) else IN_FLIGHT


def _checked(function: Callable[..., Any], rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the rows as JSON by their keys, in order; equal rows are one."""
    if isinstance(rows, (str, Mapping)) or not isinstance(rows, Iterable):
        raise TypeError(f"rows must be dictionaries, one a row, got {shown(rows)}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # some built-in functions have none
        signature = None
    checked: dict[str, str] = {}
    for number, given in enumerate(rows):
        if not isinstance(given, Mapping):
            raise TypeError(f"rows must be dictionaries, got {shown(given)} as row {number}")
        row = _plain(given, f"row {number}")
        reserved = [name for name in COLUMNS if name in row]
        if reserved:
            raise ValueError(
                f"row {number} must not have an argument {reserved[0]!r}, a column of every study, "
                f"got {shown(given)}"
            )
        try:
            key, text = row_key(row), json.dumps(row)
        except ValueError:
            raise ValueError(f"row {number} must hold finite numbers, got {shown(given)}") from None
        try:
            if signature is not None:
                signature.bind(**row)
        except TypeError as error:
            raise TypeError(
                f"row {number} must be arguments of {function.__name__}{signature}, "
                f"got {shown(given)}: {error}"
            ) from None
        checked.setdefault(key, text)
    return checked


def row_key(row: Mapping[str, Any]) -> str:
    """Return the hash of a row of plain values, whatever the order of its arguments.

    >>> row_key({"a": 1, "b": (2, 3)}) == row_key({"b": [2, 3], "a": 1})
    True
    >>> row_key({"a": 1}) == row_key({"a": 1.0})
    False
    """
    text = json.dumps(row, sort_keys=True, allow_nan=False)  # a NaN equals nothing
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, what: str) -> Any:
    """Return a value as JSON can hold it, sequences as tuples; TypeError for any other."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if value is None or isinstance(value, (bool, int, float, str)):
        return json.loads(json.dumps(value))  # an enumeration's member, say, as its value
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item, what) for item in value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"{what} must have names as keys, got {shown(value)}")
        return {str(key): _plain(item, what) for key, item in value.items()}
    raise TypeError(
        f"{what} must hold plain values (None, booleans, numbers, strings and lists of them), "
        f"got {shown(value)}"
    )
