"""How large the signal is before training in the stacks of long_delays.

    python -m tests.studies.long_delays_expected

Written to long_delays_expected.csv in drnn_theory/data/measured, a row per stack, delay and seed:
``edges`` of the shortest path over the lag at which symbols are asked for, the mean recurrent
length over all lags up to it, ``signal`` and ``output`` as in tests/studies/what_was_expected.py,
and ``gradient``, the norm of the output's derivative by the symbol. All in double precision: below
some 1e-13 of the output a signal is rounding, a gradient is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch

from drnn_theory import compute_mrl, copy_memory, gradient_profile, shortest_path_lengths
from tests.studies.long_delays import SKIPS, make_model
from tests.studies.running import run_table
from tests.studies.what_was_expected import signal


def expect(architecture: str, delay: int, seed: int) -> dict[str, Any]:
    """Return path and signal of one stack."""
    torch.set_num_threads(1)
    lag = delay + 10
    model, task = make_model(architecture, seed).double(), copy_memory(delay)
    x = task.batch(8, 0, "validation")[0].double()
    return {
        "edges": int(shortest_path_lengths(model, lag)[lag]),
        "mean_recurrent_length": float(compute_mrl(model, lag)),
        **signal(model, task),
        "gradient": float(gradient_profile(model, task.steps, inputs=x).norms[lag]),
    }


def rows() -> Iterator[dict[str, Any]]:
    """Yield all stacks, delays and seeds."""
    for delay, name, seed in product((500, 1000), ("dilated", "torch", "plain", *SKIPS), (0, 1, 2)):
        yield {"architecture": name, "delay": delay, "seed": seed}


if __name__ == "__main__":
    run_table("long_delays_expected", expect, rows())
