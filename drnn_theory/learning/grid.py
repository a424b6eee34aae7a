"""Studies that a TOML file describes: its architectures, each trained from several seeds.

The file that :func:`read_architectures` reads has one table more::

    [study]
    task = { name = "copy_memory", delay = 100 }  # a function of drnn_theory.learning
    seeds = [0, 1, 2]                             # [0] unless given
    steps = 2000
    hidden_size = 10
    cell = "GRU"                                  # like all else that train takes, optional

Every row is trained on one thread, so that its result does not depend on how many rows are trained
at a time.
"""

from __future__ import annotations

import inspect
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from drnn_theory import learning
from drnn_theory.catalogue import read_architectures, read_tables
from drnn_theory.checks import as_integer, one_of, shown
from drnn_theory.graphs import graph_from_json, graph_to_json
from drnn_theory.studies import Study, run_study

__all__ = ["learn", "read_grid", "run_grid"]

TASKS = (
    "adding",
    "characters",
    "copy_memory",
    "pixel_digits",
    "pixel_mnist",
    "recall",
    "recall_within",
    "reviews",
)
SETTINGS = (
    "hidden_size",
    "cell",
    "steps",
    "batch",
    "optimizer",
    "learning_rate",
    "readout",
    "init",
    "target",
    "log_every",
    "validate_every",
    "device",
)
"""What [study] may say of :func:`train`; the rest is no plain value, or a row's own."""


def run_grid(path: str | Path, *, store: str | Path, jobs: int = 1, retry: bool = False) -> Study:
    """Train every architecture of the file from every seed and return the study.

    Args:
        path: the TOML file.
        store: see :func:`run_study`, as for ``retry``. It is of one version of this package.
        jobs: rows trained at a time, each in a process of its own.
    """
    rows = read_grid(path)
    jobs = as_integer(jobs, "jobs")
    pool = nullcontext() if jobs == 1 else ProcessPoolExecutor(jobs, get_context("spawn"))
    with pool as executor:
        return run_study(
            learn,
            rows,
            store=store,
            executor=executor,
            version=version("drnn_theory"),
            retry=retry,
        )


def read_grid(path: str | Path) -> list[dict[str, Any]]:
    r"""Return the rows of the file's study, one per architecture and seed.

    Raises ValueError, naming file and key, for whatever is wrong in it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "study.toml")
    ...     _ = file.write_text(
    ...         "[architectures]\nmine = [1, 2, 4]\n"
    ...         "[study]\ntask = { name = 'recall', lag = 4 }\nsteps = 100\nhidden_size = 8\n"
    ...     )
    ...     read_grid(file)  # doctest: +NORMALIZE_WHITESPACE
    [{'architecture': 'mine', 'wiring': (1, 2, 4), 'seed': 0, 'task': {'name': 'recall', 'lag': 4},
      'steps': 100, 'hidden_size': 8}]
    """
    path = Path(path)
    named, _ = read_architectures(path)
    table = read_tables(path).get("study")
    if not isinstance(table, dict):
        got = "none" if table is None else shown(table)
        raise ValueError(f"{path}: [study] must say how to train, got {got}")
    accepted = ("task", "seeds", *SETTINGS)
    unknown = sorted(table.keys() - set(accepted))
    if unknown:
        raise ValueError(f"{path}: study: keys must be {', '.join(accepted)}, got {unknown[0]}")
    missing = [name for name in ("task", "steps", "hidden_size") if name not in table]
    if missing:
        raise ValueError(f"{path}: study: {missing[0]} must be given, got none")
    try:
        make_task(table["task"])
        seeds = table.get("seeds", [0])
        if not isinstance(seeds, list) or not seeds:
            raise ValueError(f"seeds must be a list of one or more integers, got {shown(seeds)}")
        seeds = [as_integer(seed, "seeds", minimum=0) for seed in seeds]
        for name in ("steps", "hidden_size"):
            as_integer(table[name], name)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: study: {error}") from None
    settings = {name: value for name, value in table.items() if name not in ("task", "seeds")}
    return [
        {
            "architecture": name,
            "wiring": wiring if isinstance(wiring, tuple) else graph_to_json(wiring),
            "seed": seed,
            "task": table["task"],
            **settings,
        }
        for name, wiring in named.items()
        for seed in seeds
    ]


def make_task(entry: Any) -> learning.Task:
    """Return the task that an entry of the file names, with its arguments.

    >>> make_task({"name": "recall", "lag": 4}).steps
    5
    """
    arguments = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(arguments, dict) or "name" not in arguments:
        raise ValueError(f"task must be a table with the key name, got {shown(entry)}")
    arguments = dict(arguments)
    name = one_of(arguments.pop("name"), "task", TASKS)
    function = getattr(learning, name)
    accepted = inspect.signature(function).parameters
    needed = {name for name, p in accepted.items() if p.default is p.empty}
    if not needed <= arguments.keys() <= accepted.keys():
        raise ValueError(
            f"arguments of {name} must be {', '.join(accepted) or 'none'}, "
            f"got {', '.join(arguments) or 'none'}"
        )
    task: learning.Task = function(**arguments)
    return task


def learn(architecture: str, wiring: Any, seed: int, task: Any, **settings: Any) -> dict[str, Any]:
    """Train one row of the study and return what it came to.

    Args:
        architecture: its name, for the reader.
        wiring: dilations, or a graph as JSON.
        seed, task, settings: see :func:`train`; the task as the file has it.
    """
    import torch

    torch.set_num_threads(1)
    body = graph_from_json(wiring) if isinstance(wiring, str) else wiring
    made = make_task(task)
    training = learning.train(body, made, seed=seed, progress=False, **settings)
    return {
        "chance": made.chance,
        "stopped": training.stopped,
        **training.final,
        **{f"best {name}": training.best[name] for name in training.best if "valid" not in name},
    }
