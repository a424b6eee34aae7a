"""A training under way: the loop, what is measured in it, and all that a checkpoint keeps."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drnn_theory.learning.checkpoints import load_checkpoint, save_checkpoint
from drnn_theory.learning.tasks import SPLITS, Task
from drnn_theory.learning.trained import Network, Training, reaches
from drnn_theory.modules import copied

__all__ = ["Loop"]


EVALUATED = 1024  # sequences of a validation or test pass over a task without end


class Loop:
    """A training under way: all that a checkpoint must hold, and the loop."""

    def __init__(
        self,
        network: Network,
        task: Task,
        settings: dict[str, Any],
        optimizer: torch.optim.Optimizer,
        scheduler: Any,
    ) -> None:
        self.network, self.task, self.settings = network, task, settings
        self.optimizer, self.scheduler = optimizer, scheduler
        self.call: Any = network
        self.device = torch.device("cpu")
        self.autocast: torch.dtype | None = None
        self.step = 0
        self.seconds = 0.0
        self.curve: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {}
        self.best_weights: dict[str, Tensor] = {}
        self.good_weights = _weights(network)
        self.state: Any = None
        self.stopped = ""
        self.final: dict[str, Any] = {}

    def go(self, path: Path | None, pause: float, progress: bool) -> None:
        """Train to the end, keeping the run in the file now and then."""
        from tqdm import tqdm

        window = self.settings["log_every"]
        total = self.settings["steps"]
        saved = time.monotonic()
        bar = tqdm(total=total, initial=self.step, disable=not progress, unit="step", leave=False)
        with bar:
            while not self.stopped:
                began = time.monotonic()
                count = min(window - self.step % window, total - self.step)
                loss, metric = self._train(count)
                trained = [p for p in self.network.parameters() if p.requires_grad]
                finite = all(p.isfinite().all() for p in trained)
                if not (finite and math.isfinite(loss)):
                    self.network.load_state_dict(self.good_weights)
                    what, got = "weights", "nan or infinity"
                    if not math.isfinite(loss):
                        what, got = "loss", str(loss)
                    self.stopped = (
                        f"the {what} must stay finite, got {got} within steps {self.step + 1}.."
                        f"{self.step + count}: take a smaller learning_rate, or clip gradients by "
                        "an optimizer of your own; the weights are those before these steps"
                    )
                    break
                self.step += count
                self.seconds += time.monotonic() - began
                self._log("train", loss, metric)
                bar.update(count)
                bar.set_postfix({"loss": f"{loss:.4f}", self.task.metric: f"{metric:.4f}"})
                self.good_weights = _weights(self.network)
                target = self.settings["target"]
                whole = count == window  # fewer steps may reach it by chance
                if target is not None and whole and reaches(self.task, metric, target):
                    self.stopped = "target"
                elif self.step >= total:
                    self.stopped = "steps"
                if self.stopped or self.step % self.settings["validate_every"] < count:
                    self._validate()
                if path is not None and not self.stopped and time.monotonic() - saved > pause:
                    self.save(path)
                    saved = time.monotonic()
        if not self.final:
            self._finish()
            if path is not None:
                self.save(path)

    def _train(self, count: int) -> tuple[float, float]:
        """Take ``count`` steps and return their mean loss and metric; (nan, nan) if one was."""
        size = self.settings["batch"]
        first = self.settings["seed"] * 10**9 + self.step
        sums = torch.zeros(3, dtype=torch.float64)
        self.network.train()
        round_trip = self.task.batches(size, "train") or 0
        for number in range(first, first + count):
            if round_trip and number % round_trip == 0:
                self.state = None  # the text begins again
            loss, metric, weight, state = self._measure(size, number, "train", self.state)
            if not torch.isfinite(loss):
                return float(loss.detach()), math.nan
            self.state = _detached(state) if self.task.carries else None
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            if self.scheduler is not None:
                self.scheduler.step()
            sums += torch.tensor([float(loss.detach()), metric, weight], dtype=torch.float64)
        return float(sums[0]) / count, float(sums[1]) / count

    def _measure(
        self, size: int, number: int, split: str, state: Any
    ) -> tuple[Tensor, float, float, Any]:
        """Return mean loss, mean metric, total weight and new state on one batch."""
        x, targets, weights = (t.to(self.device) for t in self.task.batch(size, number, split))
        rows = weights.any(1).nonzero().squeeze(1)
        if not len(rows):
            raise ValueError(
                f"task must ask for an answer in every batch, got none in batch {number} of {split}"
            )
        with self._casting():
            answers, state = self.call(x, rows, *(() if state is None else (state,)))
        answers, targets, weights = answers.float(), targets[rows], weights[rows]
        total = weights.sum()
        if self.task.classes is None:
            losses = (answers.squeeze(2) - targets).square()
        else:
            losses = torch.nn.functional.cross_entropy(
                answers.flatten(0, 1), targets.flatten(), reduction="none"
            ).view_as(weights)
        loss = (losses * weights).sum() / total
        if self.task.metric == "accuracy":
            right = (answers.argmax(2) == targets).float()
            metric = float((right * weights).sum() / total)
        elif self.task.metric == "bits per character":
            metric = float(loss.detach()) / math.log(2)
        else:
            metric = float(loss.detach())
        return loss, metric, float(total), state

    def _casting(self) -> AbstractContextManager[Any]:
        if self.autocast is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast)

    @torch.no_grad()
    def evaluate(self, split: str) -> tuple[float, float]:
        """Return loss and metric over a pass through the split."""
        self.network.eval()
        sums = torch.zeros(3, dtype=torch.float64)
        state = None
        for size, number in _pass(self.task, split):
            loss, metric, weight, new = self._measure(size, number, split, state)
            state = new if self.task.carries else None
            sums += torch.tensor(
                [float(loss) * weight, metric * weight, weight], dtype=torch.float64
            )
        return float(sums[0] / sums[2]), float(sums[1] / sums[2])

    def _validate(self) -> None:
        loss, metric = self.evaluate("validation")
        self._log("validation", loss, metric)
        before = self.best.get("validation loss", math.nan)
        if loss < before or math.isnan(before):
            self.best = {"step": self.step} | self._named("validation", loss, metric)
            self.best_weights = _weights(self.network)

    def _finish(self) -> None:
        """Read the test split, once, with the last weights and with the best."""
        validated = [row for row in self.curve if row["split"] == "validation"]
        if not validated or validated[-1]["step"] != self.step:
            self._validate()
        last = [row for row in self.curve if row["split"] == "validation"][-1]
        self.final = {"step": self.step} | self._named("validation", last["loss"], last["metric"])
        weights = _weights(self.network)
        for record, chosen in ((self.best, self.best_weights), (self.final, weights)):
            self.network.load_state_dict(chosen)
            record |= self._named("test", *self.evaluate("test"))
        self._log("test", self.final["test loss"], self.final[f"test {self.task.metric}"])

    def _named(self, split: str, loss: float, metric: float) -> dict[str, Any]:
        return {f"{split} loss": loss, f"{split} {self.task.metric}": metric}

    def _log(self, split: str, loss: float, metric: float) -> None:
        row = {"step": self.step, "split": split, "loss": loss, "metric": metric}
        self.curve.append(row | {"seconds": round(self.seconds, 3)})

    def save(self, path: Path) -> None:
        """Write the run to the file."""
        save_checkpoint(
            path,
            {
                "settings": self.settings,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
                "random": torch.get_rng_state(),
                "step": self.step,
                "seconds": self.seconds,
                "curve": self.curve,
                "best": self.best,
                "best_weights": self.best_weights,
                "state": _plain(self.state),
                "stopped": self.stopped,
                "final": self.final,
            },
        )

    def load(self, path: Path) -> None:
        """Take up the run of the file, if it is there."""
        kept = load_checkpoint(path, self.settings, self.device)
        if kept is None:
            return
        try:
            self.network.load_state_dict(kept["network"])
            self.optimizer.load_state_dict(kept["optimizer"])
            if self.scheduler is not None:
                self.scheduler.load_state_dict(kept["scheduler"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            why = str(error).splitlines()[0]
            raise ValueError(
                "checkpoint must be of the same network and optimizer, got another in "
                f"{path}: {why}"
            ) from None
        torch.set_rng_state(kept["random"].cpu())
        for name in (
            "step",
            "seconds",
            "curve",
            "best",
            "best_weights",
            "state",
            "stopped",
            "final",
        ):
            setattr(self, name, kept[name])
        if self.state is not None:
            self.state = _formed(self.state, self._form_of_state())
        self.good_weights = _weights(self.network)
        if self.stopped == "steps" and self.step < self.settings["steps"]:
            if self.scheduler is not None:
                raise ValueError(
                    "checkpoint must not have ended by steps to go on under a schedule, which was "
                    f"made for {self.step} steps, got {path}: delete it to start again"
                )
            self.stopped, self.final = "", {}
            self.curve = [row for row in self.curve if row["split"] != "test"]

    @torch.no_grad()
    def _form_of_state(self) -> Any:
        """Return a state as the network gives it, of whatever class, which no file tells."""
        x, _, weights = (t.to(self.device) for t in self.task.batch(self.settings["batch"], 0))
        with torch.random.fork_rng(), self._casting():
            tried = copied(self.network).eval()
            return tried(x, weights.any(1).nonzero().squeeze(1))[1]

    def result(self) -> Training:
        """Return what is left when the run is over."""
        return Training(self.task, self.network, self.curve, self.final, self.best, self.stopped)


def _pass(task: Task, split: str) -> Iterator[tuple[int, int]]:
    """Yield size and number of the batches that pass once through a split."""
    assert split in SPLITS
    if task.examples is None:
        size, count = 512, EVALUATED // 512
    else:
        size = min(32 if task.carries else 512, task.examples[split])
        count = task.batches(size, split) or 0
    for number in range(count):
        yield size, number


def _weights(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _detached(state: Any) -> Any:
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, dict):
        kept = copy.copy(state)  # of whatever class
        kept.update({name: _detached(part) for name, part in state.items()})
        return kept
    if isinstance(state, (tuple, list)):
        return _formed([_detached(part) for part in state], state)
    return state


def _plain(state: Any) -> Any:
    """Return a state with tuples in place of named ones, and no number of numpy."""
    if isinstance(state, np.generic):
        return state.item()
    if isinstance(state, dict):
        return {name: _plain(part) for name, part in state.items()}
    return tuple(map(_plain, state)) if isinstance(state, (tuple, list)) else state


def _formed(parts: Any, form: Any) -> Any:
    """Return the parts of a state in the classes of another one, where it has as many parts."""
    if isinstance(form, dict) and isinstance(parts, dict):
        formed = copy.copy(form)
        formed.clear()
        formed.update({name: _formed(part, form.get(name)) for name, part in parts.items()})
        return formed
    alike = isinstance(form, (tuple, list)) and isinstance(parts, (tuple, list))
    if not alike or len(form) != len(parts):
        return parts
    inner = [_formed(part, of) for part, of in zip(parts, form, strict=True)]
    return type(form)(*inner) if hasattr(form, "_fields") else type(form)(inner)
