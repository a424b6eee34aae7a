"""How the signal grows in training until chance is left, and what happens where it may not.

    python -m tests.studies.signal_growth [--rows 2]

The settings of what_decides.py on copy memory with delay 500, symbols one-hot, from the same
weights and batches. Every 25 steps, and before the first, the signal is measured on sequences of
their own: how much the output changes, where it is read, when the symbol to be recalled is another
(see what_was_expected.py), as a root mean square. A run ends where 25 % of the symbols are right.

Three interventions change one thing each:

    scale      factor of the matrices of the body before training: the signal is larger, or smaller;
               torch's matrices times the root of 3 are Glorot's here, drawn from the same numbers
    held       what every matrix of the body is brought back to after every step: its Frobenius
               norm ("norm"), so that it can turn, and give one direction what it takes from others;
               or its polar factor times scale ("gain"), so that all singular values stay that scale
    epsilon    of RMSProp, 1e-8 in torch: where gradients are smaller, steps are

Written to signal_growth.csv in drnn_theory/data/measured, a row per run. ``signals`` and ``curve``
are the signal and the share of right symbols by 25 steps, the signal first before training.
``moved`` is the root mean square by which the entries of the body's matrices have moved when chance
was left (or at the end), over the step size times the number of steps: 1 where all steps of
RMSProp had full length and one direction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from drnn_theory import DilatedRNN
from drnn_theory.learning.tasks import Task
from tests.studies.running import run_table
from tests.studies.training import EVERY, ending, train_once
from tests.studies.what_decides import TASKS, factorial, make_model, zeros
from tests.studies.what_was_expected import signal

TASK = "copy_memory(500)"
RATE = 1e-3


def matrices_of(model: DilatedRNN) -> list[torch.nn.Parameter]:
    """Return the input and recurrent matrices of all layers."""
    return [weight for name, weight in model.named_parameters() if "weight" in name]


class Probe:
    """Looks on at every step of an optimizer, as a scheduler does."""

    def __init__(self, model: DilatedRNN, task: Task, held: str, scale: float) -> None:
        self.model, self.task, self.held, self.scale = model, task, held, scale
        self.matrices = matrices_of(model)
        self.start = [w.detach().clone() for w in self.matrices]
        self.steps = 0
        self.signals: list[float] = []
        self.moved: list[float] = []
        self.measure()

    @torch.no_grad()
    def step(self) -> None:
        """Bring matrices back if they are held, and measure every 25 steps."""
        self.steps += 1
        for matrix, first in zip(self.matrices, self.start, strict=True):
            if self.held == "norm":
                matrix.mul_(first.norm() / matrix.norm())
            elif self.held == "gain":
                left, _, right = torch.linalg.svd(matrix, full_matrices=False)
                matrix.copy_(self.scale * (left @ right))
        if self.steps % EVERY == 0:
            self.measure()

    def measure(self) -> None:
        """Keep the signal, and how far the matrices have moved."""
        self.signals.append(signal(self.model, self.task)["signal"])
        moves = torch.cat(
            [(w.detach() - w0).flatten() for w, w0 in zip(self.matrices, self.start, strict=True)]
        )
        self.moved.append(float(moves.square().mean().sqrt()))


def learn(
    cell: str,
    matrices: str,
    biases: str,
    readout: str,
    scale: float,
    held: str,
    epsilon: float,
    seed: int,
    steps: int,
) -> dict[str, Any]:
    """Train until chance is left, and return the signal on the way."""
    torch.set_num_threads(1)
    model, task = make_model(TASK, cell, matrices, biases, seed), TASKS[TASK]
    with torch.no_grad():
        for weight in matrices_of(model):
            weight.mul_(scale)
    probe = Probe(model, task, held, scale)
    training = train_once(
        model,
        task,
        steps=steps,
        target=0.25,
        seed=seed,
        readout=readout,
        optimizer=lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.9, eps=epsilon),
        schedule=lambda optimizer: probe,
    )
    left = training.first_step(0.2)
    at = len(probe.signals) - 1 if left is None else left // EVERY
    return {
        "left_chance": left or math.inf,
        "signal_before": probe.signals[0],
        "signal_then": probe.signals[at],
        "moved": probe.moved[at] / (RATE * EVERY * at),
        "signals": " ".join(f"{value:.2e}" for value in probe.signals),
        **ending(training),
    }


def rows() -> Iterator[dict[str, Any]]:
    """Yield interventions and all settings of a seed, those that take least time first."""

    def row(cell: str, matrices: str, biases: str, readout: str, **other: Any) -> dict[str, Any]:
        how = {"cell": cell, "matrices": matrices, "biases": biases, "readout": readout}
        what = {"scale": 1.0, "held": "no", "epsilon": 1e-8, "seed": 0}
        return how | what | other | {"steps": 1500 if cell == "RNN" else 1000}

    plain = ("RNN", "torch", "torch", "torch")
    yield row(*plain)
    yield row("RNN", "orthogonal", "zero", "torch")
    yield row("RNN", "torch", "zero", "torch")
    yield row(*plain, held="norm")
    yield row("GRU", "orthogonal", "zero", "normal")
    for scale in (1.2, 3**0.5):
        yield row(*plain, scale=scale)
    for scale in (3**-0.5, 1.0):
        yield row("RNN", "orthogonal", "zero", "torch", scale=scale)
        yield row("RNN", "orthogonal", "zero", "torch", scale=scale, held="gain")
    for scale in (0.65, 0.7, 0.8):
        yield row("RNN", "orthogonal", "zero", "torch", scale=scale, held="gain")
    yield row("RNN", "torch", "zero", "torch", held="norm")
    yield row("GRU", "torch", "zero", "normal")
    yield row("GRU", "torch", "zero", "normal", scale=3**0.5)
    yield row("GRU", "torch", "zero", "normal", epsilon=1e-16)
    for cell in ("RNN", "GRU", "LSTM"):
        biases = ("torch", "zero") if cell == "RNN" else (zeros(cell),)
        for made in factorial(TASK, cell, biases, 0, 0):
            yield row(cell, made["matrices"], made["biases"], made["readout"])


def distinct() -> list[dict[str, Any]]:
    """Return the rows, each once."""
    kept: list[dict[str, Any]] = []
    for row in rows():
        if row not in kept:
            kept.append(row)
    return kept


if __name__ == "__main__":
    run_table("signal_growth", learn, distinct())
