"""The training of one row of a study: on one thread, a row of the curve every 25 steps."""

from __future__ import annotations

from typing import Any

import torch

from drnn_theory.learning import Task, Training, train
from tests.studies.running import device

EVERY = 25  # steps between rows of the curve


def train_once(model: Any, task: Task, *, steps: int, **how: Any) -> Training:
    """Train on the device that the command line names, and validate at the end alone."""
    torch.set_num_threads(1)
    return train(
        model,
        task,
        steps=steps,
        log_every=EVERY,
        validate_every=steps,
        device=device(),
        progress=False,
        **how,
    )


def ending(training: Training) -> dict[str, Any]:
    """Return where a training ended, and its curve in words."""
    curve = [row for row in training.curve if row["split"] == "train"]
    return {
        "last_step": training.final["step"],
        "accuracy": training.final["test accuracy"],
        "loss": training.final["test loss"],
        "train_seconds": curve[-1]["seconds"],
        "curve": in_words(training, "metric"),
    }


def in_words(training: Training, column: str) -> str:
    """Return the metric or the loss over every 25 steps as one cell of a table."""
    rows = (row for row in training.curve if row["split"] == "train")
    return " ".join(f"{row[column]:.3f}" for row in rows)
