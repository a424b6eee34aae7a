"""What decides whether a DilatedRNN learns: a factorial over how its weights are drawn.

    python -m tests.studies.what_decides [--jobs 1] [--only RNN]

Copy memory with delay 500 and recall_within(64): matrices as torch draws them (uniform up to
1 / sqrt(H), gain 0.58), orthogonal (gain 1) or Glorot (gain 1), biases as torch draws them, zero,
or zero with forget gates open (LSTM), a read-out as torch draws it or from N(0, 1). Everything else
is the authors' recipe (RMSProp 1e-3 of torch, batches of 128). A run ends at 99 % of the symbols.
What the gradient law, the signal at the read-out and the gradients at initialisation say of each
setting is measured beside it, before training. One row per setting and seed is written to
drnn_theory/data/measured/what_decides.csv; rows that stand there already are not run again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from drnn_theory import DilatedRNN, exponential_dilations, gradient_profile
from drnn_theory.gradients import expected_gradient_profile
from drnn_theory.learning import copy_memory, recall_within, train
from drnn_theory.learning.tasks import Task
from drnn_theory.learning.training import Network
from drnn_theory.models.initialisation import initialise
from tests.studies.running import run_table

GAINS = {"torch": 3**-0.5, "orthogonal": 1.0, "glorot": 1.0}
SETUPS: dict[str, dict[str, Any]] = {
    "copy_memory(500)": {"dilations": exponential_dilations(9), "hidden_size": 10},
    "recall_within(64)": {"dilations": exponential_dilations(4, 4), "hidden_size": 16},
}
BATCHES = 64  # of the signal-to-noise ratio


def make_task(name: str) -> Task:
    """Return the task of that name."""
    return {"copy_memory(500)": copy_memory, "recall_within(64)": recall_within}[name](
        500 if name.startswith("copy") else 64
    )


def make_model(task: str, cell: str, matrices: str, biases: str, seed: int) -> DilatedRNN:
    """Return a DilatedRNN with matrices and biases drawn as named."""
    setup = SETUPS[task]
    torch.manual_seed(10_000 + seed)
    model = DilatedRNN(
        make_task(task).input_size, setup["hidden_size"], setup["dilations"], cell=cell
    )
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
    """Train once and return when the network learned, and what was to be expected."""
    torch.set_num_threads(1)
    model = make_model(task, cell, matrices, biases, seed)
    expected = predict(model, make_task(task), matrices, readout, seed)
    training = train(
        model,
        make_task(task),
        steps=steps,
        seed=seed,
        readout=readout,
        target=0.99,
        log_every=25,
        validate_every=steps,
        progress=False,
    )
    curve = [row for row in training.curve if row["split"] == "train"]
    return expected | {
        "first_step_20": training.first_step(0.2),
        "first_step_99": training.first_step(0.99),
        "last_step": training.final["step"],
        "accuracy": training.final["test accuracy"],
        "loss": training.final["test loss"],
        "chance": training.task.chance,
        "train_seconds": curve[-1]["seconds"],
        "curve": " ".join(f"{row['metric']:.3f}" for row in curve),
    }


def predict(
    model: DilatedRNN, task: Task, matrices: str, readout: str, seed: int
) -> dict[str, float]:
    """Return what law, signal and gradients say before training.

    ``law`` and ``gradient`` are norms d output / d input at the task's lag, relative to lag 0 too;
    ``signal`` is the root mean square change of the output, where it is read, when the symbol to
    be recalled changes, ``output`` its root mean square; ``snr`` is the norm of the mean gradient
    of the body's weights over its standard error from batch to batch of 128.
    """
    lag = task.steps - 10 if task.name.startswith("copy") else task.steps // 2
    law = {}
    if model.cell == "RNN":
        profile = expected_gradient_profile(model.dilations, GAINS[matrices], lag)
        law = {
            "law": math.sqrt(profile[lag]),
            "law_relative": math.sqrt(profile[lag] / profile[0]),
        }
    x, _, _ = task.batch(32, 0, "validation")
    norms = gradient_profile(model, task.steps, inputs=x[:, :8]).norms
    torch.manual_seed(20_000 + seed)
    network = Network(model, model.hidden_sizes[-1], task.classes or 1, readout)
    return law | {
        "gradient": float(norms[lag]),
        "gradient_relative": float(norms[lag] / norms[0]),
        **signal(model, task),
        **signal_to_noise(network, task),
    }


@torch.no_grad()
def signal(model: DilatedRNN, task: Task) -> dict[str, float]:
    """Return how much the symbol to be recalled moves the output where it is read."""
    x, _, weights = task.batch(256, 1, "validation")
    changed = x.clone()
    first = (x[:, :, :8].sum(2) > 0).float().argmax(0)  # the time of the first symbol
    every = torch.arange(x.shape[1])
    shown = changed[first, every]
    changed[first, every] = torch.cat([shown[:, :8].roll(1, 1), shown[:, 8:]], 1)
    reads = int(weights.any(1).nonzero()[0])
    output, other = model(x)[0][reads], model(changed)[0][reads]
    return {
        "signal": float((output - other).square().mean().sqrt()),
        "output": float(output.square().mean().sqrt()),
    }


def signal_to_noise(network: Network, task: Task) -> dict[str, float]:
    """Return the mean gradient of the body over its noise, in the metric of RMSProp's steps.

    Over batches b the gradient of weight i has mean m_i and variance v_i: the ratio is
    sqrt(sum_i (m_i^2 - v_i / B) / sum_i v_i), zero where no mean can be told from noise.
    """
    weights = [w for name, w in network.body.named_parameters() if "weight" in name]
    sums = [torch.zeros_like(w, dtype=torch.float64) for w in weights]
    squares = [torch.zeros_like(w, dtype=torch.float64) for w in weights]
    for number in range(BATCHES):
        x, targets, marks = task.batch(128, 10**6 + number)
        rows = marks.any(1).nonzero().squeeze(1)
        answers, _ = network(x, rows)
        loss = torch.nn.functional.cross_entropy(answers.flatten(0, 1), targets[rows].flatten())
        for total, square, grad in zip(
            sums, squares, torch.autograd.grad(loss, weights), strict=True
        ):
            total += grad
            square += grad.double().square()
    ratio = 0.0
    for total, square in zip(sums, squares, strict=True):
        mean = total / BATCHES
        variance = (square / BATCHES - mean.square()) * BATCHES / (BATCHES - 1)
        usable = variance > 0
        ratio += float(((mean.square() - variance / BATCHES)[usable] / variance[usable]).sum())
    count = sum(w.numel() for w in weights)
    return {"snr": math.sqrt(max(0.0, ratio) / count)}


def rows() -> Iterator[dict[str, Any]]:
    """Yield all settings, those that tell most first."""
    for seed in (0, 1):
        yield from factorial("copy_memory(500)", "RNN", ("torch", "zero"), seed, 2000)
    for seed in (0, 1, 2):
        for cell in ("RNN", "GRU", "LSTM"):
            for biases in ("torch", "open" if cell == "LSTM" else "zero"):
                yield from factorial("recall_within(64)", cell, (biases,), seed, 1500)
    for seed in (0, 1):
        yield from factorial("copy_memory(500)", "GRU", ("zero",), seed, 2000)
        yield from factorial("copy_memory(500)", "LSTM", ("open",), seed, 2000)


def factorial(
    task: str, cell: str, biases: tuple[str, ...], seed: int, steps: int
) -> Iterator[dict[str, Any]]:
    """Yield all combinations of matrices, biases and read-outs."""
    for matrices in GAINS:
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
