"""Slow answers in a process of their own, of which only the last one asked for counts.

A process can be ended, and does not slow the kernel's own thread as a second thread would: the
panel answers as quickly while a search goes on. The answer arrives in a thread that waits for it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["Latest"]

DELAY = 0.3
"""Seconds that a question must stand before it is worth a process."""


class Latest:
    """The answers of one function, which must be importable, to the question asked last.

    ``deliver(found, error)`` is called in another thread, holding ``lock``: with the answer, or
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
        with self._lock:
            if question != self._question:
                return
            # a new interpreter that knows nothing of the running script, which it would run again
            process = self._process = subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import answer; answer()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        result, error = None, "the computation was ended from outside"
        with suppress(OSError, EOFError, pickle.UnpicklingError):  # it ended without an answer
            told, _ = process.communicate(pickle.dumps((self._function, arguments)))
            result, error = pickle.loads(told)
        with self._lock:
            if question == self._question:
                self._timer = self._process = None
                deliver(result, error)


def answer() -> None:
    """Compute what stands on the standard input; write (answer, "") or (None, error)."""
    with suppress(BrokenPipeError), os.fdopen(os.dup(1), "wb") as told:  # nobody waits any more
        os.dup2(2, 1)  # what the function prints is no part of the answer
        function, arguments = pickle.load(sys.stdin.buffer)
        try:
            result = pickle.dumps((function(*arguments), ""))
        except Exception as error:
            result = pickle.dumps((None, f"{type(error).__name__}: {error}"))
        told.write(result)
