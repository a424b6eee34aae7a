"""Functions that the tests of studies run in processes of their own, light to import."""

import os
import signal
import time
from pathlib import Path

from drnn_theory.studies import run_study


def square(number, log=None, pause=0.0, kills=None):
    """Return a number's square; the log has a line for every call.

    The first call for which the file ``kills`` is not there makes it and kills its own process.
    """
    if log is not None:
        with Path(log).open("a") as file:
            file.write(f"{number}\n")
    time.sleep(pause)
    if kills is not None and not Path(kills).exists():
        Path(kills).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise ValueError(f"number must not be negative,\ngot {number}")
    return {"square": number**2}


def cube(number):
    return {"cube": number**3}


def numbers(count, **arguments):
    return [{"number": n, **arguments} for n in range(count)]


def study(rows, store, **options):
    return run_study(square, rows, store=store, progress=False, **options)
