r"""Training of a recurrent network on a task, by the recipe of the DilatedRNN's authors.

The recipe is that of their public code: RMSProp with step 1e-3 and smoothing 0.9, batches of 128, a
linear read-out of the top layer whose weights and biases are drawn from N(0, 1), no clipping.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drnn_theory.architectures import Architecture, as_architecture
from drnn_theory.checks import as_integer, one_of, shown
from drnn_theory.graphs import graph_to_json
from drnn_theory.learning.loop import Loop
from drnn_theory.learning.optimizers import make_optimizer
from drnn_theory.learning.tasks import Task
from drnn_theory.learning.trained import Network, Training, output_and_state
from drnn_theory.models import DilatedRNN, GraphRNN
from drnn_theory.modules import borrowed, choose_run

__all__ = ["Network", "Training", "train"]

READOUTS = ("normal", "torch")


def train(
    model: Architecture,
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
    batch_first: bool | None = None,
    autocast: torch.dtype | None = None,
    compiled: bool = False,
    progress: bool = True,
) -> Training:
    """Train a network on a task and return its curve, its best and its final state.

    Args:
        model: an architecture (dilations, or a cyclic graph, with ``hidden_size`` units, and
            ``cell``, "RNN" alone for a graph), or a torch module that maps inputs (T, B, F) to
            outputs (T, B, H), alone or first of a tuple, or (B, T, F) to (B, T, H). A module is
            trained itself, not a copy.
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
            about every ``checkpoint_seconds``, whole or not at all. A training that has come to
            the end of its steps goes on if more are asked for, unless it has a schedule.
        batch_first: whether a module takes and gives (B, T, ..). None asks it; one that does not
            say is run, and along the other axis no output may change with the neighbours.
        device, autocast, compiled: where it runs, in which lower precision, by torch.compile.
        progress: show a bar with loss and metric.

    The test split is read at the end alone, and again at the end of a training that goes on. A loss
    that is not finite ends the training, with the last good weights kept; ``stopped`` says so.
    Tasks that carry their state have it carried from batch to batch, without gradient.

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
    # refuses anything but an architecture
    body_of = _body(model, task, hidden_size, cell, init, batch_first)
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
        width, swapped = _fitted(body, task, batch_first)
        network = Network(
            body,
            width,
            task.classes or 1,
            readout,
            carries=task.carries,
            batch_first=swapped,
        ).to(device)
        run = Loop(
            network, task, settings, make_optimizer(optimizer, network, learning_rate), schedule
        )
        run.device, run.autocast = torch.device(device), autocast
        run.call = torch.compile(network) if compiled else network
        if checkpoint is not None:
            run.load(Path(checkpoint))
        run.go(None if checkpoint is None else Path(checkpoint), checkpoint_seconds, progress)
        return run.result()


def _body(
    model: Architecture,
    task: Task,
    hidden_size: int | None,
    cell: str,
    init: str | None,
    batch_first: bool | None,
) -> Callable[[], torch.nn.Module]:
    """Return what makes the network's body, or refuse arguments that do not go together."""
    if isinstance(model, torch.nn.Module):
        for name, value in (("hidden_size", hidden_size), ("init", init)):
            if value is not None:
                raise ValueError(f"{name} must not be given with a module, got {shown(value)}")
        return lambda: model
    architecture = as_architecture(model)
    if batch_first is not None:
        raise ValueError(
            f"batch_first must not be given with an architecture, got {shown(batch_first)}"
        )
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


def _described(model: Architecture) -> str:
    """Return what a checkpoint must know of a model to refuse another one."""
    if isinstance(model, torch.nn.Module):
        return f"{type(model).__qualname__} {model}"
    architecture = as_architecture(model)
    return str(architecture) if isinstance(architecture, tuple) else graph_to_json(architecture)


def _fitted(body: torch.nn.Module, task: Task, batch_first: bool | None) -> tuple[int, bool]:
    """Return the features of the body's output and whether its first axis is the batch.

    Refuses a body that keeps no sequence, or whose axes cannot be told.
    """
    if batch_first not in (None, True, False):
        raise TypeError(f"batch_first must be None, True or False, got {shown(batch_first)}")
    said = getattr(body, "batch_first", None)
    if batch_first is None and isinstance(said, bool):
        batch_first = said
    tried = copy.deepcopy(body).eval()
    parameter = next(body.parameters(), torch.zeros(()))
    x = torch.randn(8, 3, task.input_size, generator=torch.Generator().manual_seed(0))
    x = (x.transpose(0, 1) if batch_first else x).to(parameter)
    with torch.random.fork_rng(), torch.no_grad():
        output = output_and_state(tried(x))[0]
    if not isinstance(output, Tensor) or output.dim() != 3 or output.shape[:2] != x.shape[:2]:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        order = "batch, time" if batch_first else "time, batch"
        raise ValueError(
            f"model must map inputs ({order}, {task.input_size}) to outputs ({order}, "
            f"features), got {got} for {tuple(x.shape)}"
        )
    if batch_first is None:
        try:
            with borrowed(tried):
                batch_first = choose_run(tried, x).batch_first
        except ValueError as error:
            raise ValueError(f"{error}; with batch_first given, none of this is asked") from None
    return int(output.shape[2]), batch_first
