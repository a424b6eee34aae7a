"""What decides whether a DilatedRNN learns: a factorial over how its weights are drawn.

    python -m tests.studies.what_decides [--jobs 1] [--rows 10]

Copy memory with delay 500 and recall_within(64): matrices as torch draws them (uniform up to
1 / sqrt(H), gain 0.58), orthogonal (gain 1) or Glorot (gain 1), biases as torch draws them, zero,
or zero with forget gates open (LSTM), a read-out as torch draws it or from N(0, 1), symbols one-hot
or as one number. Everything else is the authors' recipe (RMSProp 1e-3 of torch, batches of 128). A
run ends at 99 % of the symbols. Written to what_decides.csv in drnn_theory/data/measured, a row per
setting and seed: the step at which 20 % of the symbols were right (left chance), at which 99 %
were (learned), inf where it never came; ``curve`` is the accuracy over every 25 steps. What law,
signal and gradients say of each setting before training: tests/studies/what_was_expected.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from drnn_theory import DilatedRNN, exponential_dilations
from drnn_theory.learning import copy_memory, recall_within
from drnn_theory.learning.tasks import Task
from drnn_theory.models.initialisation import initialise
from tests.studies.running import run_table
from tests.studies.training import ending, train_once

MATRICES = ("torch", "orthogonal", "glorot")
TASKS = {
    "copy_memory(500)": copy_memory(500),
    "copy_memory(500, coding='number')": copy_memory(500, coding="number"),
    "recall_within(64)": recall_within(64),
}


def make_model(task: str, cell: str, matrices: str, biases: str, seed: int) -> DilatedRNN:
    """Return a DilatedRNN with matrices and biases drawn as named."""
    copies = task.startswith("copy")
    dilations = exponential_dilations(9) if copies else exponential_dilations(4, 4)
    torch.manual_seed(10_000 + seed)
    features, units = TASKS[task].input_size, 10 if copies else 16
    model = DilatedRNN(features, units, dilations, cell=cell, init="torch")
    for layer in model.layers:
        initialise(
            layer,
            matrices=matrices,
            biases="torch" if biases == "torch" else "zero",
            forget=1.0 if biases == "open" else 0.0,
        )
    return model


def learn(
    task: str, cell: str, matrices: str, biases: str, readout: str, seed: int, steps: int
) -> dict[str, Any]:
    """Train once and return when the network learned."""
    model = make_model(task, cell, matrices, biases, seed)
    return record(model, TASKS[task], seed=seed, steps=steps, readout=readout)


def record(
    model: Any, task: Task, *, steps: int, target: float = 0.99, **how: Any
) -> dict[str, Any]:
    """Train once and return when chance was left, when the task was learned, and the curve."""
    training = train_once(model, task, steps=steps, target=target, **how)
    return {
        "left_chance": training.first_step(0.2) or math.inf,
        "learned": training.first_step(0.99) or math.inf,
        **ending(training),
        "chance": training.task.chance,
    }


def rows() -> Iterator[dict[str, Any]]:
    """Yield all settings, those that tell most first."""
    numbers = "copy_memory(500, coding='number')"
    yield from factorial("copy_memory(500)", "RNN", ("torch", "zero"), 0, 2000)
    for seed in (0, 1):
        for cell in ("RNN", "GRU", "LSTM"):
            yield from factorial("recall_within(64)", cell, (zeros(cell),), seed, 600)
    yield from factorial("copy_memory(500)", "GRU", ("zero",), 0, 1000)
    yield from factorial("copy_memory(500)", "LSTM", ("open",), 0, 1000)
    yield from factorial(numbers, "RNN", ("torch", "zero"), 0, 1500)
    yield from factorial("copy_memory(500)", "RNN", ("torch", "zero"), 1, 2000)
    yield from factorial(numbers, "RNN", ("torch", "zero"), 1, 1500)
    yield from factorial("copy_memory(500)", "GRU", ("zero",), 1, 1000)
    yield from factorial("copy_memory(500)", "LSTM", ("open",), 1, 1000)


def zeros(cell: str) -> str:
    """Return the kind of biases that are zero, but for an LSTM's open forget gates."""
    return "open" if cell == "LSTM" else "zero"


def factorial(
    task: str, cell: str, biases: tuple[str, ...], seed: int, steps: int
) -> Iterator[dict[str, Any]]:
    """Yield all combinations of matrices, biases and read-outs."""
    for matrices in MATRICES:
        for bias in biases:
            for readout in ("torch", "normal"):
                yield {
                    "task": task,
                    "cell": cell,
                    "matrices": matrices,
                    "biases": bias,
                    "readout": readout,
                    "seed": seed,
                    "steps": steps,
                }


if __name__ == "__main__":
    run_table("what_decides", learn, rows())
