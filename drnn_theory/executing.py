"""Rows of a study as they run: claimed, submitted to an executor, and stored when they finish."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import platform
import queue
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Future
from typing import Any

from drnn_theory import __version__
from drnn_theory.checks import as_integer, shown
from drnn_theory.stores import Claims, Store, decode
from drnn_theory.study_rows import ADDED, as_plain

__all__ = ["Serial", "Work", "rows_in_flight"]


IN_FLIGHT = 1000
"""Rows submitted at a time to an executor that does not say how many workers it has."""


LOOK_AGAIN = 0.2
"""Seconds after which rows that another process runs are looked at again."""


class Work:
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
        """Run all rows; BrokenExecutor where workers died."""
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
        """Whether as many rows run as may run at a time."""
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
                future = self.executor.submit(run_row, self.function, self.rows[key])
            except Exception as error:
                self.lose(key, error)
                self.give_up()
                return
            self.flying[future] = key
            future.add_done_callback(self.finished.put)

    def take(self, future: Any) -> None:
        """Store the outcome of a row, unless its worker was lost."""
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
        """Note that a row was not run, and why."""
        self.claims.release(key)
        self.lost += 1
        self.lost_in_succession += 1
        self.why = self.why or error

    def give_up(self) -> None:
        """Submit no more; what is running may still finish."""
        self.lost += len(self.waiting)
        self.waiting.clear()


class Serial:
    """An executor that runs a row where it is submitted."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run the function and return its finished future."""
        future: Future[Any] = Future()
        future.set_result(function(*arguments))
        return future


def run_row(function: Callable[..., Mapping[str, Any]], text: str) -> dict[str, Any]:
    """Return the outcome of a row: the result as JSON, or the error. Runs in the worker.

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
        named = [key for key in value if key in row or key in ADDED]
        if named:
            raise ValueError(
                f"results must not be named as an argument or {', '.join(map(repr, ADDED))}, "
                f"got {named[0]!r}"
            )
        result = json.dumps(as_plain(value, "the result"))
    except (Exception, SystemExit) as raised:
        if isinstance(raised, SystemExit) and _ends_the_study():
            raise
        error = f"{type(raised).__name__}: {_one_line(raised)}"
        trace = traceback.format_exc()
    seconds = time.perf_counter() - start
    return {
        "result": result,
        "error": _storable(error),
        "traceback": _storable(trace),
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


def _ends_the_study() -> bool:
    """Tell whether a row runs in the thread that called run_study, to which sys.exit is meant."""
    main = threading.current_thread() is threading.main_thread()
    return main and multiprocessing.parent_process() is None


def _storable(text: str | None) -> str | None:
    """Return a text that SQLite takes: a name of a file may be no Unicode."""
    return text and text.encode("utf-8", "backslashreplace").decode()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def warn_of_forks(executor: Any) -> None:
    """Warn of a pool whose workers may wait for ever, forked beside the threads of torch."""
    torch = sys.modules.get("torch")
    context = getattr(executor, "_mp_context", None)  # of concurrent.futures
    if torch is None or context is None or context.get_start_method() != "fork":
        return
    if torch.get_num_threads() > 1:
        warnings.warn(
            "forked workers that use torch may wait for ever, if torch has computed with several "
            "threads before: take ProcessPoolExecutor(.., "
            'mp_context=multiprocessing.get_context("spawn")), or torch.set_num_threads(1) first',
            stacklevel=3,
        )


def rows_in_flight(executor: Any, in_flight: int | None) -> int:
    """Return how many rows are submitted at a time."""
    if executor is None:
        return 1
    if in_flight is not None:
        return as_integer(in_flight, "in_flight")
    workers = getattr(executor, "_max_workers", None)  # of both pools of concurrent.futures
    return 2 * workers if isinstance(workers, int) else IN_FLIGHT
