"""What law, signal and gradients say before training of the settings of what_decides.

    python -m tests.studies.what_was_expected

Written to what_was_expected.csv in drnn_theory/data/measured, a row per setting and seed.

    law, law_relative            norm d output / d input by the law at the task's lag, nine (or
                                 four) vertical edges at the gain of the matrices included; and over
                                 that at lag 0 (RNN, else nan: the law is of linear networks)
    gradient, gradient_relative  the same, measured by gradient_profile
    signal, output               root mean square change of the output where it is read, when the
                                 symbol to be recalled is another; and of the output itself
    snr                          of the part of the gradient that knows the answers: see
                                 signal_to_noise
"""

from __future__ import annotations

import math
from typing import Any

import torch

from drnn_theory import DilatedRNN, expected_gradient_profile, gradient_profile
from drnn_theory.learning.tasks import Task
from drnn_theory.learning.training import Network
from tests.studies import what_decides
from tests.studies.running import run_table

GAINS = {"torch": 3**-0.5, "orthogonal": 1.0, "glorot": 1.0}
BATCHES = 64  # of the signal-to-noise ratio


def expect(
    task: str, cell: str, matrices: str, biases: str, readout: str, seed: int
) -> dict[str, Any]:
    """Return all predictors of one setting."""
    torch.set_num_threads(1)
    model = what_decides.make_model(task, cell, matrices, biases, seed)
    return predict(model, what_decides.TASKS[task], matrices, readout, seed)


def predict(
    model: DilatedRNN, task: Task, matrices: str, readout: str, seed: int
) -> dict[str, float]:
    """Return the predictors of a model on a task."""
    lag = task.steps - 10 if task.name.startswith("copy") else task.steps // 2
    law = {"law": math.nan, "law_relative": math.nan}
    if model.cell == "RNN":
        profile = expected_gradient_profile(model.dilations, GAINS[matrices], lag)
        relative = math.sqrt(profile[lag] / profile[0])
        depth = GAINS[matrices] ** len(model.dilations)
        law = {"law": depth * relative, "law_relative": relative}
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
    x = x.to(next(model.parameters()).dtype)
    every = torch.arange(x.shape[1])
    copies = task.name.startswith("copy")  # the first of ten symbols, or the one there is
    shown_at = torch.zeros_like(every) if copies else x.sum(2).argmax(0)
    changed = x.clone()
    shown = x[shown_at, every]  # (B, F): another symbol of eight in its place
    if task.input_size == 1:
        changed[shown_at, every] = shown % 8 + 1
    else:
        changed[shown_at, every] = torch.cat([shown[:, :8].roll(1, 1), shown[:, 8:]], 1)
    reads = int(weights.any(1).nonzero()[0])
    output, other = model(x)[0][reads], model(changed)[0][reads]
    return {
        "signal": float((output - other).square().mean().sqrt()),
        "output": float(output.square().mean().sqrt()),
    }


def signal_to_noise(network: Network, task: Task) -> dict[str, float]:
    """Return the mean of the gradient's part that knows the answers over the gradient's deviation.

    That part is the gradient g of the body's matrices less the gradient where the answers of the
    batch are exchanged at random among its sequences: its mean over batches is zero where outputs
    do not depend on the answers. With m_i its mean over batches of 128 and v_i the variance of g_i,
    the ratio is the root of the mean over i of m_i^2 / v_i, less what chance gives to m_i^2.
    RMSProp divides by the root of the mean square, v_i plus the square of the gradient's mean, so
    that a step has at most this much of purpose, and less where all batches share an error.
    """
    weights = [w for name, w in network.body.named_parameters() if "weight" in name]
    generator = torch.Generator().manual_seed(0)
    parts, whole = [], []
    for number in range(BATCHES):
        x, targets, marks = task.batch(128, 10**6 + number)
        rows = marks.any(1).nonzero().squeeze(1)
        answers = network(x, rows)[0].flatten(0, 1)
        exchanged = torch.randperm(128, generator=generator)
        flat = []
        for labels in (targets[rows], targets[rows][:, exchanged]):
            loss = torch.nn.functional.cross_entropy(answers, labels.flatten())
            grads = torch.autograd.grad(loss, weights, retain_graph=True)
            flat.append(torch.cat([grad.flatten() for grad in grads]).double())
        parts.append(flat[0] - flat[1])
        whole.append(flat[0])
    known, variance = torch.stack(parts), torch.stack(whole).var(0)
    usable = variance > 0
    squared = (known.mean(0).square() - known.var(0) / BATCHES)[usable] / variance[usable]
    return {"snr": math.sqrt(max(0.0, float(squared.mean())))}


def rows() -> list[dict[str, Any]]:
    """Return the settings of the factorial, without their steps."""
    return [{k: v for k, v in row.items() if k != "steps"} for row in what_decides.rows()]


if __name__ == "__main__":
    run_table("what_was_expected", expect, rows())
