"""A network with its read-out, and what a training left behind."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from drnn_theory.learning.charts import draw_chart
from drnn_theory.learning.tasks import Task
from drnn_theory.models import DilatedRNN
from drnn_theory.tables import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Network", "Training", "output_and_state", "precision", "reaches"]


class Network(torch.nn.Module):
    """A recurrent body and a linear read-out of its output.

    ``network(x, rows, state)`` returns the answers (K, B, classes) at the K steps of ``rows``, all
    by default, and the body's new state, None where it returns none or none is carried: then a
    DilatedRNN runs those steps of its layers alone that the answers read. ``batch_first`` tells
    that the body takes and gives (B, T, ..); x is (T, B, F) all the same, in any precision. The
    read-out is of ``dtype``, which the body's output must have.
    """

    def __init__(
        self,
        body: torch.nn.Module,
        features: int,
        answers: int,
        readout: str,
        *,
        dtype: torch.dtype = torch.float32,
        carries: bool = False,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.body = body
        self.carries = carries
        self.batch_first = batch_first
        self.readout = torch.nn.Linear(features, answers, dtype=dtype)
        if readout == "normal":
            torch.nn.init.normal_(self.readout.weight)
            torch.nn.init.normal_(self.readout.bias)

    def forward(
        self, x: Tensor, rows: Sequence[int] | Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Return the answers at the given steps, at all if None, and the state."""
        rows = torch.arange(len(x)) if rows is None else torch.as_tensor(rows)
        rows = rows.to(x.device)
        body, whole = self.body, self.carries or torch.compiler.is_compiling()
        x = self._turned(x.to(precision(body)))
        if isinstance(body, DilatedRNN) and not whole:
            return self.readout(self._turned(body.outputs_at(x, rows.tolist()))), None
        output, new_state = output_and_state(body(x) if state is None else body(x, state))
        return self.readout(self._turned(output)[rows]), new_state

    def _turned(self, x: Tensor) -> Tensor:
        """Exchange time and batch where the body has them the other way round."""
        return x.transpose(0, 1) if self.batch_first else x


@dataclass
class Training:
    """What a training left behind.

    Attributes:
        curve: rows with step, split, loss, metric and seconds; a row of "train" is the mean over
            the steps since the last one, of "validation" a pass over sequences of its own.
        final: step, and loss and metric of validation and test with the last weights.
        best: the same with the weights that did best in validation.
        stopped: "steps", "target", or the sentence that says why it could not go on.
        network: body and read-out with the last weights.

    >>> from drnn_theory import recall, train
    >>> training = train([1, 2], recall(2), hidden_size=4, steps=50, progress=False)
    >>> [row["split"] for row in training.curve], training.stopped
    (['train', 'validation', 'test'], 'steps')
    """

    task: Task
    network: Network
    curve: list[dict[str, Any]]
    final: dict[str, Any]
    best: dict[str, Any]
    stopped: str

    def to_frame(self) -> pd.DataFrame:
        """Return the curve as a DataFrame, one row per step and split.

        >>> from drnn_theory import recall, train
        >>> training = train([1], recall(1), hidden_size=2, steps=5, progress=False)
        >>> list(training.to_frame().columns)
        ['step', 'split', 'loss', 'metric', 'seconds']
        """
        return Table(self.curve).to_frame()

    def to_dict(self) -> dict[str, Any]:
        """Return what there is to print as JSON: the task, its chance, how it ended, the curve.

        Numbers that are not finite are words there.

        >>> from drnn_theory import recall, train
        >>> train([1], recall(1), hidden_size=2, steps=5, progress=False).to_dict()["task"]
        'recall(1)'
        """
        told = {"task": self.task.name, "chance": self.task.chance, "stopped": self.stopped}
        final, best, *curve = Table([self.final, self.best, *self.curve]).to_dict()["rows"]
        return told | {"final": final, "best": best, "curve": curve}

    def __str__(self) -> str:
        """Return the metric over training as a chart of the terminal's width, and how it ended."""
        width = shutil.get_terminal_size().columns
        rows = [row for row in self.curve if row["split"] == "train"]
        chart = draw_chart([r["step"] for r in rows], [r["metric"] for r in rows], width=width)
        metric = self.task.metric
        return (
            f"{self.task.name}: {metric} of training by step\n{chart}\n"
            f"step {self._ending()}test loss {self.final['test loss']:.4g} (chance "
            f"{self.task.chance:.4g}), test {metric} {self.final[f'test {metric}']:.4g}"
        )

    def _ending(self) -> str:
        """Return the last step and why it was the last."""
        why = {"steps": "", "target": ", where the target was reached"}
        return f"{self.final['step']}{why.get(self.stopped, f', {self.stopped}')}: "

    def first_step(self, metric: float, split: str = "train") -> int | None:
        """Return the first step at which the metric was reached, None if it never was.

        >>> from drnn_theory import recall, train
        >>> train([1], recall(1), hidden_size=2, steps=5, progress=False).first_step(0.0)
        5
        """
        for row in self.curve:
            if row["split"] == split and reaches(self.task, row["metric"], metric):
                return int(row["step"])
        return None


def precision(module: torch.nn.Module) -> torch.dtype:
    """Return the type of the floats that a module reads, that of its weights."""
    floats = (p.dtype for p in module.parameters() if p.is_floating_point())
    return next(floats, torch.float32)


def output_and_state(result: Any) -> tuple[Any, Any]:
    """Return output and state of what a module returned."""
    if isinstance(result, tuple):
        return result[0], result[1] if len(result) > 1 else None
    return result, None


def reaches(task: Task, metric: float, target: float) -> bool:
    """Tell whether a metric is as good as a target: at least it for accuracy, else at most."""
    return metric >= target if task.metric == "accuracy" else metric <= target
