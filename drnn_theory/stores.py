"""The file that keeps a study's rows, and the locks by which several processes share them."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drnn_theory.checks import shown

try:
    import fcntl
except (
    ImportError
):  # where the system has no such locks, processes that share a store run a row twice
    fcntl = None  # type: ignore[assignment]

__all__ = ["Claims", "Record", "Store"]

APPLICATION, FORMAT = 0x64726E6E, 1
"""What the header of the file says it is: "drnn", and the format of its tables."""
TABLES = (
    "CREATE TABLE study (function TEXT NOT NULL, version TEXT NOT NULL)",
    "CREATE TABLE rows (key TEXT PRIMARY KEY, row TEXT NOT NULL, result TEXT, error TEXT, "
    "traceback TEXT, seconds REAL NOT NULL, place TEXT NOT NULL, digest TEXT NOT NULL)",
)
PATIENCE = 60
"""Seconds to wait for another process that writes, which takes it milliseconds."""


@dataclass(frozen=True)
class Record:
    """A row that has finished.

    Attributes:
        row: the arguments.
        result: what the function returned, None if it raised.
        error: the exception's type and message, None if there was none.
        traceback: where it was raised, as text.
        seconds: how long the function ran.
        where: the versions and the machine that ran it.
    """

    row: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    traceback: str | None
    seconds: float
    where: str


class Store:
    """The rows of one function and version, in one SQLite file.

    A row is one transaction with a rollback journal, synchronous: it survives a killed process and
    a loss of power, and no second file holds part of the data. Every row carries a digest of its
    text, since SQLite does not see a changed byte within one.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self.connection = path, connection
        self.function = self.version = ""

    @classmethod
    @contextmanager
    def open(cls, path: Path, function: str, version: str) -> Iterator[Store]:
        """Open the store of a function and version, or make it; ValueError if it is another's."""
        if not path.parent.is_dir():
            raise ValueError(f"store must be a file in a folder that is there, got {path}")
        with cls._connected(path, "rwc") as store:
            store._open(function, version)
            yield store

    @classmethod
    @contextmanager
    def read_only(cls, path: Path) -> Iterator[Store]:
        """Open a store that is there, to read it."""
        if not path.is_file():
            raise ValueError(f"store must be a file that is there, got {path}")
        # opened to be written where it can be: SQLite first undoes what a killed process half wrote
        with cls._connected(path, "rw") as store:
            store._identify()
            yield store

    @classmethod
    @contextmanager
    def _connected(cls, path: Path, mode: str) -> Iterator[Store]:
        """Connect to the file; say in one sentence what SQLite has against it."""
        connection = None
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=PATIENCE,
                isolation_level=None,
            )
            yield cls(path, connection)
        except sqlite3.Error as error:
            raise _refusal(path, error) from None
        finally:
            if connection is not None:
                connection.close()

    def _open(self, function: str, version: str) -> None:
        """Make the tables or see whose they are, and that they can be written."""
        with self._transaction():
            if not self._value("SELECT count(*) FROM sqlite_master"):
                for table in TABLES:
                    self.connection.execute(table)
                self.connection.execute("INSERT INTO study VALUES (?, ?)", (function, version))
                self.connection.execute(f"PRAGMA application_id = {APPLICATION}")
                self.connection.execute(f"PRAGMA user_version = {FORMAT}")
            self._identify()
            if self.function != function:
                raise ValueError(
                    f"{self.path} must hold rows of {function}, got a store of {self.function}: "
                    "give another store"
                )
            if self.version != version:
                raise ValueError(
                    f"{self.path} must hold rows of {function} in version {version}, got version "
                    f"{self.version}: give another store, or version={self.version!r} if its rows "
                    "still hold"
                )
            # a file that cannot be written is refused before anything is computed for it; SQLite
            # writes nothing where nothing changes
            for value in ("", version):
                self.connection.execute("UPDATE study SET version = ?", (value,))

    def _identify(self) -> None:
        """Read whose store it is; ValueError for what is none, or damaged."""
        header = self._value("PRAGMA application_id"), self._value("PRAGMA user_version")
        if header != (APPLICATION, FORMAT):
            raise ValueError(
                f"{self.path} must be a store of a study, got another kind of file: "
                "give another store"
            )
        state = self._value("PRAGMA quick_check(1)")
        if state != "ok":
            raise self._damaged(state)
        self.function, self.version = self.connection.execute(
            "SELECT function, version FROM study"
        ).fetchone()

    def _damaged(self, how: str) -> ValueError:
        return ValueError(
            f"{self.path} must be a whole store, got a damaged one ({how}): "
            "move it away and run again"
        )

    def _value(self, query: str, *values: Any) -> Any:
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def digests(self) -> dict[str, str]:
        """Return the digest of every row that is there, by key."""
        return dict(self.connection.execute("SELECT key, digest FROM rows"))

    def digest(self, key: str) -> str | None:
        """Return the digest of a row, None if it is not there."""
        value = self._value("SELECT digest FROM rows WHERE key = ?", key)
        return None if value is None else str(value)

    def failed(self) -> list[str]:
        """Return the keys of the rows that raised."""
        query = "SELECT key FROM rows WHERE error IS NOT NULL ORDER BY rowid"
        return [key for (key,) in self.connection.execute(query)]

    def put(self, key: str, row: str, outcome: dict[str, Any]) -> None:
        """Keep the outcome of a row, durably; a result that is there already is not replaced."""
        values = [row, *(outcome[k] for k in ("result", "error", "traceback", "seconds", "where"))]
        with self._transaction():
            self.connection.execute(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "result = excluded.result, error = excluded.error, traceback = excluded.traceback, "
                "seconds = excluded.seconds, place = excluded.place, digest = excluded.digest "
                "WHERE rows.error IS NOT NULL",
                (key, *values, _digest(key, *values)),
            )

    def read(self, keys: Iterable[str] | None = None) -> list[Record]:
        """Return the records of the keys, in their order, or all of them as they were finished."""
        records = {}
        chosen = None if keys is None else dict.fromkeys(keys)
        for key, *values, digest in self.connection.execute("SELECT * FROM rows ORDER BY rowid"):
            if chosen is not None and key not in chosen:
                continue
            if digest != _digest(key, *values):
                raise self._damaged(f"row {shown(values[0])} is not what was written")
            row, result, *rest = values
            records[key] = Record(decode(row), None if result is None else decode(result), *rest)
        return [records[key] for key in (records if chosen is None else chosen)]


class Claims:
    """Rows that a process runs, as locks on single bytes of a file beside the store.

    The byte's number is the row's hash; no byte is ever written. The locks are the process's own: a
    worker that it starts does not inherit them, and the system drops them when it dies.
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(f"{store.name}-claims")

    def __enter__(self) -> Claims:
        try:
            self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ValueError(
                f"{self.path} must be a file that can be written, got {error.strerror}"
            ) from None
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self.file)

    def take(self, key: str) -> bool:
        """Return whether this process may run the row: no other does."""
        if fcntl is None:
            return True
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(key))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self, key: str) -> None:
        """Let other processes have the row."""
        if fcntl is not None:
            fcntl.lockf(self.file, fcntl.LOCK_UN, 1, _byte(key))


def decode(text: str) -> Any:
    """Return the value that a JSON text holds, with tuples for lists.

    >>> decode('{"dilations": [[1, 2], [4, 8]], "gain": 0.9}')
    {'dilations': ((1, 2), (4, 8)), 'gain': 0.9}
    """
    return _with_tuples(json.loads(text))


def _with_tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_with_tuples, value))
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    return value


def _byte(key: str) -> int:
    return int(key[:15], 16)  # below 2**60: the offset of a file has 63 bits


def _digest(*values: Any) -> str:
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=16).hexdigest()


def _refusal(path: Path, error: sqlite3.Error) -> Exception:
    """Return what SQLite's error means for the store, and the way out."""
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
    # text that is not UTF-8 has no code, a table that is not there the code of any error
    if kind in (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ValueError(
            f"{path} must be a whole store, got a damaged one or another kind of file ({error}): "
            "move it away and run again"
        )
    if kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return ValueError(
            f"{path} must be a file that can be written, got {error}: "
            "give another store; read_study reads a whole one as it is"
        )
    if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return OSError(
            f"{path} must have room for another row, got {error}: what was stored is kept; "
            "make room and run again"
        )
    if kind == sqlite3.SQLITE_BUSY:
        return OSError(
            f"{path} must be free within {PATIENCE} s, got {error}: "
            "look for a stopped process that holds it"
        )
    return OSError(f"{path} must be a store that works, got {error}")
