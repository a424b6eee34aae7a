"""Is it the noise of the gradient that keeps a DilatedRNN at chance? Two interventions.

    python -m tests.studies.interventions [--rows 2]

Copy memory with delay 500, nine layers of ten tanh units, as in tests/studies/what_decides.py. A
batch four times as large halves the deviation of the gradient and leaves its mean: where chance
lasts as long as the ratio of signal to noise says, it lasts half as long, in steps. TensorFlow's
RMSProp, whose mean square starts at one, takes short steps where gradients are small: with it the
size of the signal matters at the beginning. Written to interventions.csv in
drnn_theory/data/measured, a row per run, with the columns of what_decides.csv, ``batch`` and
``optimizer``. A run ends where 25 % of the symbols are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.studies.running import run_table
from tests.studies.what_decides import TASKS, make_model, record

TASK = "copy_memory(500)"


def learn(
    matrices: str, biases: str, readout: str, batch: int, optimizer: str, seed: int, steps: int
) -> dict[str, Any]:
    """Train once until chance is left."""
    model = make_model(TASK, "RNN", matrices, biases, seed)
    how = {"batch": batch, "optimizer": optimizer, "readout": readout, "seed": seed}
    return record(model, TASKS[TASK], steps=steps, target=0.25, **how)


def rows() -> Iterator[dict[str, Any]]:
    """Yield batches of 32, 128 and 512, then TensorFlow's RMSProp beside torch's."""

    def row(
        matrices: str, biases: str, batch: int, optimizer: str, steps: int, seed: int = 0
    ) -> dict[str, Any]:
        how = {"matrices": matrices, "biases": biases, "readout": "torch", "batch": batch}
        return how | {"optimizer": optimizer, "seed": seed, "steps": steps}

    batches = {32: 4000, 128: 2000, 512: 1000}
    for batch, steps in batches.items():
        yield row("torch", "torch", batch, "rmsprop", steps)
    for matrices, biases in (("orthogonal", "zero"), ("torch", "zero"), ("torch", "torch")):
        yield row(matrices, biases, 128, "rmsprop_tensorflow", 2000)
        if biases == "zero":  # the other stands above
            yield row(matrices, biases, 128, "rmsprop", 2000)
    for batch, steps in batches.items():
        yield row("torch", "torch", batch, "rmsprop", steps, 1)


if __name__ == "__main__":
    run_table("interventions", learn, rows())
