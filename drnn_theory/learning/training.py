r"""Training of a recurrent network on a task, by the recipe of the DilatedRNN's authors.

The recipe is that of their public code: RMSProp with step 1e-3 and smoothing 0.9, batches of 128, a
linear read-out of the top layer whose weights and biases are drawn from N(0, 1), no clipping.
"""

from __future__ import annotations

import copy
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from drnn_theory.architectures import as_architecture
from drnn_theory.checks import as_integer, one_of, shown
from drnn_theory.graphs import graph_to_json
from drnn_theory.learning.charts import draw_chart
from drnn_theory.learning.checkpoints import load_checkpoint, save_checkpoint
from drnn_theory.learning.optimizers import make_optimizer
from drnn_theory.learning.tasks import SPLITS, Task
from drnn_theory.models import DilatedRNN, GraphRNN
from drnn_theory.tables import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Network", "Training", "train"]

READOUTS = ("normal", "torch")
EVALUATED = 1024  # sequences of a validation or test pass over a task without end


class Network(torch.nn.Module):
    """A recurrent body and a linear read-out of its output.

    ``network(x, rows, state)`` returns the answers (K, B, classes) at the K steps of ``rows`` and
    the body's new state, None where it returns none.
    """

    def __init__(self, body: torch.nn.Module, features: int, answers: int, readout: str) -> None:
        super().__init__()
        self.body = body
        self.readout = torch.nn.Linear(features, answers)
        if readout == "normal":
            torch.nn.init.normal_(self.readout.weight)
            torch.nn.init.normal_(self.readout.bias)

    def forward(self, x: Tensor, rows: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the answers at the given steps and the state."""
        output, new_state = _parts(self.body(x) if state is None else self.body(x, state))
        return self.readout(output[rows]), new_state


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

    >>> from drnn_theory import recall
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

        >>> from drnn_theory import recall
        >>> training = train([1], recall(1), hidden_size=2, steps=5, progress=False)
        >>> list(training.to_frame().columns)
        ['step', 'split', 'loss', 'metric', 'seconds']
        """
        return Table(self.curve).to_frame()

    def to_dict(self) -> dict[str, Any]:
        """Return what there is to print as JSON: the task, its chance, how it ended, the curve.

        >>> from drnn_theory import recall
        >>> train([1], recall(1), hidden_size=2, steps=5, progress=False).to_dict()["task"]
        'recall(1)'
        """
        told = {"task": self.task.name, "chance": self.task.chance, "stopped": self.stopped}
        return told | {"final": self.final, "best": self.best, "curve": self.curve}

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

        >>> from drnn_theory import recall
        >>> train([1], recall(1), hidden_size=2, steps=5, progress=False).first_step(0.0)
        5
        """
        for row in self.curve:
            if row["split"] == split and _reaches(self.task, row["metric"], metric):
                return int(row["step"])
        return None


def train(
    model: Any,
    task: Task,
    *,
    hidden_size: int | None = None,
    cell: str = "RNN",
    steps: int,
    batch: int = 128,
    seed: int = 0,
    optimizer: str | Callable[..., torch.optim.Optimizer] = "rmsprop",
    learning_rate: float = 1e-3,
    schedule: Callable[..., Any] | None = None,
    readout: str = "normal",
    init: str | None = None,
    target: float | None = None,
    log_every: int = 50,
    validate_every: int = 500,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 60.0,
    device: torch.device | str = "cpu",
    autocast: torch.dtype | None = None,
    compiled: bool = False,
    progress: bool = True,
) -> Training:
    """Train a network on a task and return its curve, its best and its final state.

    Args:
        model: an architecture (dilations, or a cyclic graph, with ``hidden_size`` units, and
            ``cell``, "RNN" alone for a graph), or a torch module that maps inputs (T, B, F) to
            outputs (T, B, H), alone or first of a tuple. A module is trained itself, not a copy.
        steps: updates of the weights, at most.
        batch: sequences of an update; step number k has batch number k - 1 of the task.
        seed: of weights and batches. On the CPU, with the same torch and number of threads, equal
            arguments give equal curves, bit for bit.
        optimizer: "rmsprop" as torch has it (smoothing 0.9), "rmsprop_tensorflow" with the epsilon
            (1e-10) inside the root and a mean square that starts at one, "adam", or a function of
            the parameters.
        learning_rate: step size of an optimizer that is named; a function sets its own.
        schedule: function of the optimizer that returns a scheduler, stepped with it.
        readout: "normal" draws its weights and bias from N(0, 1), as the authors do, "torch" as
            torch.nn.Linear does.
        init: of the architecture's matrices, see :class:`DilatedRNN`; None takes its default.
        target: stop where the metric over ``log_every`` steps of training reaches it.
        log_every, validate_every: steps between rows of the curve; validation and test read
            every example of a task that has a number, else 1,024 sequences.
        checkpoint: file that the training is kept in and taken up from, written at the end and
            about every ``checkpoint_seconds``, whole or not at all.
        device, autocast, compiled: where it runs, in which lower precision, by torch.compile.
        progress: show a bar with loss and metric.

    The test split is read at the end alone. A loss that is not finite ends the training, with the
    last good weights kept; ``stopped`` says so. Tasks that carry their state have it carried from
    batch to batch, without gradient.

    >>> from drnn_theory import recall
    >>> training = train([1, 2, 4], recall(4), hidden_size=8, steps=100, progress=False)
    >>> training.final["test accuracy"] > 0.2
    True
    """
    steps, batch = as_integer(steps, "steps"), as_integer(batch, "batch")
    seed = as_integer(seed, "seed", minimum=0)
    log_every = as_integer(log_every, "log_every")
    validate_every = as_integer(validate_every, "validate_every")
    if not isinstance(task, Task):
        raise TypeError(f"task must be a Task, such as copy_memory(100), got {shown(task)}")
    one_of(readout, "readout", READOUTS)
    body_of = _body(model, task, hidden_size, cell, init)  # refuses anything but an architecture
    settings = {
        "model": _described(model),
        "hidden_size": hidden_size,
        "cell": cell,
        "init": init,
        "task": task.name,
        "steps": steps,
        "batch": batch,
        "seed": seed,
        "readout": readout,
        "log_every": log_every,
        "validate_every": validate_every,
        "target": target,
        "optimizer": optimizer if isinstance(optimizer, str) else "custom",
        "learning_rate": learning_rate,
        "autocast": None if autocast is None else str(autocast),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = body_of()
        network = Network(body, _width(body, task), task.classes or 1, readout).to(device)
        run = _Run(
            network, task, settings, make_optimizer(optimizer, network, learning_rate), schedule
        )
        run.device, run.autocast = torch.device(device), autocast
        run.call = torch.compile(network) if compiled else network
        if checkpoint is not None:
            run.load(Path(checkpoint))
        run.go(None if checkpoint is None else Path(checkpoint), checkpoint_seconds, progress)
        return run.result()


class _Run:
    """A training under way: all that a checkpoint must hold, and the loop."""

    def __init__(
        self,
        network: Network,
        task: Task,
        settings: dict[str, Any],
        optimizer: torch.optim.Optimizer,
        schedule: Callable[..., Any] | None,
    ) -> None:
        self.network, self.task, self.settings = network, task, settings
        self.optimizer = optimizer
        self.scheduler = None if schedule is None else schedule(optimizer)
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
                if not math.isfinite(loss):
                    self.network.load_state_dict(self.good_weights)
                    self.stopped = (
                        f"the loss must stay finite, got {loss} within steps {self.step + 1}.."
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
                if target is not None and _reaches(self.task, metric, target):
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
        if not self.best or loss < self.best["validation loss"]:
            self.best = {"step": self.step} | self._named("validation", loss, metric)
            self.best_weights = _weights(self.network)

    def _finish(self) -> None:
        """Read the test split, once, with the last weights and with the best."""
        if not self.best:
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
                "state": self.state,
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
        self.good_weights = _weights(self.network)

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


def _body(
    model: Any, task: Task, hidden_size: int | None, cell: str, init: str | None
) -> Callable[[], torch.nn.Module]:
    """Return what makes the network's body, or refuse arguments that do not go together."""
    if isinstance(model, torch.nn.Module):
        for name, value in (("hidden_size", hidden_size), ("init", init)):
            if value is not None:
                raise ValueError(f"{name} must not be given with a module, got {shown(value)}")
        return lambda: model
    architecture = as_architecture(model)
    if hidden_size is None:
        raise ValueError("hidden_size must be given with an architecture, got none")
    hidden = as_integer(hidden_size, "hidden_size")
    chosen: dict[str, Any] = {} if init is None else {"init": init}
    if isinstance(architecture, tuple):
        return lambda: DilatedRNN(task.input_size, hidden, architecture, cell=cell, **chosen)
    if cell != "RNN":
        raise ValueError(
            f"cell must be 'RNN' for a graph, got {shown(cell)}: GraphRNN has no gates"
        )
    return lambda: GraphRNN(architecture, task.input_size, hidden, **chosen)


def _described(model: Any) -> str:
    """Return what a checkpoint must know of a model to refuse another one."""
    if isinstance(model, torch.nn.Module):
        return f"{type(model).__qualname__} {model}"
    architecture = as_architecture(model)
    return str(architecture) if isinstance(architecture, tuple) else graph_to_json(architecture)


@torch.no_grad()
def _width(body: torch.nn.Module, task: Task) -> int:
    """Return the features of the body's output; refuse a body that keeps no sequence."""
    x = torch.zeros(3, 2, task.input_size)
    parameter = next(body.parameters(), x)
    random = torch.get_rng_state()
    output = _parts(copy.deepcopy(body).eval()(x.to(parameter)))[0]
    torch.set_rng_state(random)
    if not isinstance(output, Tensor) or output.dim() != 3 or output.shape[:2] != x.shape[:2]:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(
            f"model must map inputs (time, batch, {task.input_size}) to outputs (time, batch, "
            f"features), got {got} for {tuple(x.shape)}"
        )
    return int(output.shape[2])


def _parts(result: Any) -> tuple[Any, Any]:
    """Return output and state of what a module returned."""
    if isinstance(result, tuple):
        return result[0], result[1] if len(result) > 1 else None
    return result, None


def _weights(network: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _detached(state: Any) -> Any:
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, (tuple, list)):
        return type(state)(_detached(part) for part in state)
    return state


def _reaches(task: Task, metric: float, target: float) -> bool:
    return metric >= target if task.metric == "accuracy" else metric <= target
