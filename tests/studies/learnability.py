"""Which measure of an architecture predicts how fast it learns?

    python -m tests.studies.learnability [--jobs 1] [--rows 10]

32 architectures of as many parameters as fit in 4,000 learn recall_within(64) by the authors'
recipe, with zero biases and a read-out from N(0, 1); written to learnability.csv in
drnn_theory/data/measured, a row per run. ``curve`` is the accuracy over every 25 steps, ``losses``
the loss. Its groups:

    rate     four architectures, three step sizes, a seed of their own, 100: for either kind of
             matrices the step size of the least mean loss is taken
    all      all architectures at that step size, seeds 0, 1, 2, with orthogonal matrices
    torch    the same with torch's own initialisation, under which a gradient shrinks at every edge
    lag      eight of them on recall(16), recall(64) and recall(100), where d(n), not its mean,
             should decide, seed 0
    robust   all architectures at the other step sizes and with Glorot's matrices, too, seed 0: with
             "all" and "torch", three step sizes times three kinds of matrices

What is predicted is the step at which 80 % of the answers are right (last where that never comes,
counted) and the loss on the way; tests/studies/learnability_ranks.py makes the table of rank
correlations.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from drnn_theory import (
    dilated_rnn,
    exponential_dilations,
    hidden_size_for,
    optimal_dilations,
    recall,
    recall_within,
    skip_rnn,
)
from tests.studies.running import run_table
from tests.studies.training import ending, in_words, train_once

BUDGET = 4000  # parameters, the read-out not counted
SPAN, STEPS, TARGET = 64, 600, 0.8
RATES = (3e-4, 1e-3, 3e-3)
RATE = {"orthogonal": 3e-4, "torch": 3e-3}  # of the least mean loss in the group rate


def architectures() -> dict[str, Any]:
    """Return the 32 architectures by name, all of which reach every lag."""
    named: dict[str, Any] = {f"plain {layers}": (1,) * layers for layers in (1, 2, 3, 4)}
    for base, depths in ((2, range(2, 8)), (4, range(2, 5)), (8, range(2, 4))):
        for layers in depths:
            scheme = exponential_dilations(layers, base)
            named[f"exponential {' '.join(map(str, scheme))}"] = scheme
    for layers in (2, 3, 4, 5):
        schemes = optimal_dilations(SPAN, layers).schemes
        scheme = next(s for s in schemes if s not in named.values())  # (1, 8) is there
        named[f"optimal {' '.join(map(str, scheme))}"] = scheme
    for skip, layers in ((8, 1), (32, 1), (8, 2), (32, 2)):
        named[f"skip {skip}, {layers} layers"] = skip_rnn(skip, layers)
    numbers = random.Random(0)
    for layers in (2, 2, 3, 3, 3, 4, 4, 5, 5):
        scheme = (1, *sorted(numbers.sample(range(2, SPAN + 1), layers - 1)))
        named[f"random {' '.join(map(str, scheme))}"] = scheme
    return named


def width(architecture: Any, features: int = 8) -> int:
    """Return the hidden size that the budget of parameters allows."""
    graph = dilated_rnn(architecture) if isinstance(architecture, tuple) else architecture
    return hidden_size_for(BUDGET, graph, input_size=features)


def learn(
    group: str, architecture: str, task: str, rate: float, matrices: str, seed: int, steps: int
) -> dict[str, Any]:
    """Train once and return how fast it went."""
    chosen = architectures()[architecture]
    name, _, number = task.strip(")").partition("(")
    training = train_once(
        chosen,
        {"recall": recall, "recall_within": recall_within}[name](int(number)),
        hidden_size=width(chosen),
        steps=steps,
        seed=seed,
        learning_rate=rate,
        init=matrices,
        target=0.99,
    )
    return {
        "hidden_size": width(chosen),
        "parameters": sum(p.numel() for p in training.network.body.parameters()),
        "half_right": training.first_step(0.5) or math.inf,
        "learned": training.first_step(TARGET) or math.inf,
        **ending(training),
        "losses": in_words(training, "loss"),
    }


def rows() -> Iterator[dict[str, Any]]:
    """Yield the runs of all groups."""
    names = list(architectures())
    few = [names[i] for i in (1, 5, 12, 17)]
    some = [names[i] for i in (1, 3, 5, 9, 11, 17, 20, 24)]

    def row(group: str, name: str, matrices: str, **change: Any) -> dict[str, Any]:
        usual = {"task": f"recall_within({SPAN})", "rate": RATE.get(matrices)}
        usual |= {"matrices": matrices, "seed": 0, "steps": STEPS}
        return {"group": group, "architecture": name} | usual | change

    for matrices in RATE:
        for rate in RATES:
            for name in few:
                yield row("rate", name, matrices, rate=rate, seed=100)
    for seed in (0, 1, 2):
        for group, matrices in (("all", "orthogonal"), ("torch", "torch")):
            for name in names:
                yield row(group, name, matrices, seed=seed)
    for matrices in RATE:
        for name in some:
            for lag in (16, 64, 100):
                yield row("lag", name, matrices, task=f"recall({lag})")
    for chosen in (some, [name for name in names if name not in some]):
        for matrices in (*RATE, "glorot"):
            for rate in RATES:
                if rate != RATE.get(matrices):  # those stand above
                    for name in chosen:
                        yield row("robust", name, matrices, rate=rate)


if __name__ == "__main__":
    run_table("learnability", learn, rows())
