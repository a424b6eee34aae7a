r"""Training of a recurrent network on a task, by the recipe of the DilatedRNN's authors.

The recipe is that of their public code: RMSProp with step 1e-3 and smoothing 0.9, batches of 128, a
linear read-out of the top layer whose weights and biases are drawn from N(0, 1), no clipping.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drnn_theory.architectures import Architecture, as_architecture
from drnn_theory.checks import as_integer, as_number, one_of, shown
from drnn_theory.graphs import graph_to_json
from drnn_theory.learning.loop import Loop
from drnn_theory.learning.optimizers import described, make_optimizer, make_scheduler
from drnn_theory.learning.tasks import Task
from drnn_theory.learning.trained import Network, Training, output_and_state, precision
from drnn_theory.models import DilatedRNN, GraphRNN
from drnn_theory.modules import KNOWN, borrowed, choose_run, copied

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
    learning_rate: float | None = None,
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
            the list of parameters.
        learning_rate: step size of an optimizer that is named, 1e-3 by default; a function sets
            its own.
        schedule: function of the optimizer that returns a scheduler, stepped with it.
        readout: "normal" draws its weights and bias from N(0, 1), as the authors do, "torch" as
            torch.nn.Linear does.
        init: of the architecture's matrices, see :class:`DilatedRNN`; None takes its default.
        target: stop where the metric over a whole ``log_every`` steps of training reaches it.
        log_every, validate_every: steps between rows of the curve; validation and test read
            every example of a task that has a number, else 1,024 sequences.
        checkpoint: file that the training is kept in and taken up from, written at the end and
            about every ``checkpoint_seconds``, whole or not at all. A training that has come to
            the end of its steps goes on if more are asked for, unless it has a schedule. A file of
            other arguments is refused, or of a task with another first batch; of a module it knows
            class and ``repr``, not the code.
        batch_first: whether a module takes and gives (B, T, ..), where it does not say so itself.
            None asks it; one that does not say is run, and along the other axis no output may
            change with the neighbours.
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
    if seed >= 2**64:
        raise ValueError(f"seed must be less than 2**64, got {seed}")
    if checkpoint_seconds != math.inf:
        checkpoint_seconds = as_number(checkpoint_seconds, "checkpoint_seconds")
    target = None if target is None else as_number(target, "target")
    if not isinstance(autocast, (torch.dtype, type(None))):
        raise TypeError(f"autocast must be a type such as torch.bfloat16, got {shown(autocast)}")
    path = None if checkpoint is None else _file(checkpoint)
    if not isinstance(task, Task):
        raise TypeError(f"task must be a Task, such as copy_memory(100), got {shown(task)}")
    one_of(readout, "readout", READOUTS)
    if isinstance(model, type) or (callable(model) and not isinstance(model, torch.nn.Module)):
        raise TypeError(
            f"model must be an architecture or a torch module that is made, got {shown(model)}"
        )
    # refuses anything but an architecture
    body_of = _body(model, task, hidden_size, cell, init, batch_first)
    settings = {
        "model": _described(model),
        "hidden_size": None if hidden_size is None else int(hidden_size),
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
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "autocast": None if autocast is None else str(autocast),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = body_of()
        width, dtype, swapped = _fitted(body, task, batch_first)
        network = Network(
            body,
            width,
            task.classes or 1,
            readout,
            dtype=dtype,
            carries=task.carries,
            batch_first=swapped,
        ).to(device)
        made = make_optimizer(optimizer, network, learning_rate)
        if isinstance(optimizer, str):
            settings["learning_rate"] = made.defaults["lr"]
        else:
            settings["optimizer"] = described(made)
        scheduler = make_scheduler(schedule, made)
        settings["schedule"] = described(scheduler)
        run = Loop(network, task, settings, made, scheduler)
        run.device, run.autocast = torch.device(device), autocast
        run.call = torch.compile(network) if compiled else network
        if path is not None:
            settings["data"] = _fingerprint(task, batch)
            run.load(path)
        run.go(path, checkpoint_seconds, progress)
        return run.result()


def _file(checkpoint: Any) -> Path:
    """Return the path of a checkpoint that can be written when the time comes."""
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(f"checkpoint must be the path of a file, got {shown(checkpoint)}")
    path = Path(checkpoint)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"checkpoint must be a file in a folder that is there, got {path}")
    return path


def _fingerprint(task: Task, batch: int) -> str:
    """Return a hash of the first batch, by which tasks of one name are told apart."""
    digest = hashlib.sha256()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for part in task.batch(batch, 0):
            flat = part.detach().cpu().contiguous().flatten()
            digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]


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
        own = {"hidden_size": hidden_size, "init": init, "cell": None if cell == "RNN" else cell}
        for name, value in own.items():
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


def _fitted(
    body: torch.nn.Module, task: Task, batch_first: bool | None
) -> tuple[int, torch.dtype, bool]:
    """Return features and type of the body's output and whether its first axis is the batch.

    Refuses a body that keeps no sequence, or whose axes cannot be told.
    """
    if batch_first not in (None, True, False):
        raise TypeError(f"batch_first must be None, True or False, got {shown(batch_first)}")
    said = getattr(body, "batch_first", None)
    if isinstance(said, bool):
        if type(body) in KNOWN and batch_first not in (None, said):
            raise ValueError(
                f"batch_first must not differ from the module's own, got {batch_first} for a "
                f"{type(body).__name__} that says {said}"
            )
        batch_first = said if batch_first is None else batch_first
    tried, kind = copied(body).eval(), precision(body)
    where = next((p.device for p in body.parameters()), torch.device("cpu"))
    with torch.random.fork_rng(), torch.no_grad():
        try:
            x = _example(8, task, batch_first).to(where, kind)
            output = output_and_state(tried(x))[0]
        except Exception:  # it may be made for the task's own number of steps
            x = _example(task.steps, task, batch_first).to(where, kind)
            try:
                output = output_and_state(tried(x))[0]
            except Exception as error:
                order = "batch, time" if batch_first else "time, batch"
                why = (str(error).splitlines() or [""])[0][:120]
                raise ValueError(
                    f"model must take inputs ({order}, {task.input_size}) of floats, symbols "
                    f"one-hot, got {type(error).__name__} for {tuple(x.shape)}: {why}"
                ) from error
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
    return int(output.shape[2]), output.dtype, batch_first


def _example(steps: int, task: Task, batch_first: bool | None) -> Tensor:
    """Return random inputs of three sequences."""
    x = torch.randn(steps, 3, task.input_size, generator=torch.Generator().manual_seed(0))
    return x.transpose(0, 1) if batch_first else x
