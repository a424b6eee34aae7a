"""Slow answers in a process of their own, of which only the last one asked for counts.

A process can be ended, and takes no turns from the kernel's own thread as a second thread would: a
change stays as quick while a search goes on. The answer arrives in a thread that waits for it.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["Latest"]

DELAY = 0.3
"""Seconds that a question must stand before it is worth a process."""


class Latest:
    """The answers of one function, which must be importable, to the question asked last.

    ``deliver(answer, error)`` is called in another thread, holding ``lock``: with the answer, or
    with None and what went wrong in words. Whoever asks and drops while holding the same lock is
    never told the answer to an earlier question.
    """

    def __init__(self, function: Callable[..., Any], lock: threading.RLock):
        self._function, self._lock = function, lock
        self._timer: threading.Timer | None = None
        self._process: Any = None
        self._question = 0

    def ask(self, deliver: Callable[[Any, str], object], *arguments: Any) -> None:
        """Drop what was asked before and begin to compute ``function(*arguments)``."""
        with self._lock:
            self.drop()
            self._timer = threading.Timer(
                DELAY, self._compute, (self._question, deliver, arguments)
            )
            self._timer.daemon = True
            self._timer.start()

    def drop(self) -> None:
        """End whatever is being computed; its answer will not be delivered."""
        with self._lock:
            self._question += 1
            if self._timer is not None:
                self._timer.cancel()
            if self._process is not None:
                self._process.terminate()
            self._timer = self._process = None

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._timer is not None

    def _compute(
        self, question: int, deliver: Callable[[Any, str], object], arguments: Any
    ) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        with self._lock:
            if question != self._question:
                return
            process = self._process = context.Process(
                target=_answer, args=(theirs, self._function, arguments), daemon=True
            )
            process.start()
        theirs.close()
        answer, error = None, "the computation was ended from outside"
        with suppress(EOFError, OSError):  # the process ended without an answer
            answer, error = ours.recv()
        ours.close()
        process.join()
        with self._lock:
            if question == self._question:
                self._timer = self._process = None
                deliver(answer, error)


def _answer(pipe: Connection, function: Callable[..., Any], arguments: Any) -> None:
    """Compute in the new process and send back (answer, "") or (None, error)."""
    try:
        pipe.send((function(*arguments), ""))
    except Exception as error:
        pipe.send((None, f"{type(error).__name__}: {error}"))
