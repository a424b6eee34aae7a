"""Rank correlations of measures of an architecture with how fast it learns.

    python -m tests.studies.learnability_ranks

Read from learnability.csv, whose runs tests/studies/learnability.py makes, and written to three
tables in drnn_theory/data/measured: learnability_architectures.csv, a row per architecture and kind
of matrices, with its measures and what came of it (medians over seeds); learnability_ranks.csv, a
row per measure, outcome, kind of matrices and group of architectures; and learnability_robust.csv,
the same over all architectures for every step size and kind of matrices, from one seed. Outcomes:

    steps       step at which 80 % of the answers are right; runs that did not get there are last
    loss        loss over the 25 steps up to step 300, or the last of a run that ended before
    accuracy    share of right answers at the end, step 600 or the one where 99 % were right

Measures, each entered with the sign that the claim "short paths learn" gives it:

    mean recurrent length, worst lag    mean and largest d(n) over lags 1..64 (minus)
    skip coefficient                    (plus)
    log paths                           mean over lags of log10 of the number of paths (plus)
    law                                 the same of the norm by the law at the gain of the matrices,
                                        1 or 0.58 an edge, vertical ones included (plus)
    gradient                            the same of the measured norm before training (plus)
    signal, signal to noise             how much the symbol moves the output before training, and of
                                        the part of the gradient that knows the answers, see
                                        tests/studies/what_was_expected.py (plus)
    depth, width, parameters            layers, units, numbers (minus, plus, plus)

Groups: all; without plain stacks; of one depth; "partial" is the correlation of the ranks after
depth and width have been regressed out. Intervals are 95 % of 2,000 bootstrap samples of the
architectures; "over mean" is the interval of the difference to the mean recurrent length's
correlation in the same samples.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    compute_mrl,
    expected_gradient_profile,
    gradient_profile,
    path_counts,
    recall_within,
    recurrent_skip_coefficient,
    shortest_path_lengths,
)
from drnn_theory.learning.training import Network
from drnn_theory.tables import convention
from tests.studies.learnability import RATES, SPAN, architectures, width
from tests.studies.running import read_rows, write_rows
from tests.studies.what_was_expected import GAINS, signal, signal_to_noise

MEASURES = {
    "mean_recurrent_length": -1,
    "worst_lag": -1,
    "skip_coefficient": 1,
    "log_paths": 1,
    "law": 1,
    "gradient": 1,
    "signal": 1,
    "signal_to_noise": 1,
    "depth": -1,
    "width": 1,
    "parameters": 1,
}
OUTCOMES = {"steps": -1, "loss": -1, "accuracy": 1}
KINDS = {"orthogonal": "all", "torch": "torch"}  # matrices: the group of runs
LOOKED_AT = 300
SAMPLES = 2000


def trained(runs: list[dict[str, Any]], matrices: str) -> list[dict[str, Any]]:
    """Return measures and outcomes of every architecture that has been trained."""
    table = []
    for name in architectures():
        these = [row for row in runs if row["architecture"] == name]
        if these:
            table.append(
                {
                    "architecture": name,
                    "matrices": matrices,
                    **measures(name, matrices),
                    "parameters": these[0]["parameters"],
                    "runs": len(these),
                    "reached": sum(math.isfinite(row["learned"]) for row in these),
                    "steps": float(np.median([steps(row) for row in these])),
                    "loss": float(np.median([loss(row) for row in these])),
                    "accuracy": float(np.median([float(row["accuracy"]) for row in these])),
                }
            )
    return table


def steps(row: dict[str, Any]) -> float:
    """Return the step at which a run reached the target, infinity if it did not."""
    return float(row["learned"])


def loss(row: dict[str, Any]) -> float:
    """Return the loss at the step that is looked at, or the last of a run that ended before."""
    losses = row["losses"].split()
    return float(losses[min(LOOKED_AT // 25, len(losses)) - 1])


@functools.cache
def measures(name: str, matrices: str) -> dict[str, float]:
    """Return what is known of an architecture before it is trained."""
    architecture = architectures()[name]
    lengths = shortest_path_lengths(architecture, SPAN)[1:]
    counts = path_counts(architecture, SPAN)[1:]
    plain = isinstance(architecture, tuple)
    depth = len(architecture) if plain else len(architecture) - 1  # a unit per layer, and the input
    law = expected_gradient_profile(architecture, GAINS[matrices], SPAN)[1:]
    size, task = width(architecture), recall_within(SPAN)
    gradients, ratios, signals = [], [], []
    for seed in (0, 1, 2):
        torch.manual_seed(seed)
        kind: Any = DilatedRNN if plain else GraphRNN
        sizes = (task.input_size, size)
        model = (
            kind(*sizes, architecture, init=matrices)
            if plain
            else kind(architecture, *sizes, init=matrices)
        )
        if not ratios:  # it takes a minute for all architectures: one seed
            network = Network(model, size, task.classes or 1, "normal")
            ratios.append(signal_to_noise(network, task)["snr"])
        signals.append(signal(model, task)["signal"])
        norms = gradient_profile(
            model, SPAN + 1, seeds=[seed, seed + 10], dtype=torch.float64
        ).norms
        gradients.append(np.mean(np.log10(norms[1:])))
    return {
        "mean_recurrent_length": compute_mrl(architecture, SPAN),
        "worst_lag": float(lengths.max()),
        "skip_coefficient": float(recurrent_skip_coefficient(architecture)),
        "log_paths": sum(math.log10(count) for count in counts) / SPAN,
        "law": depth * math.log10(GAINS[matrices]) + float(np.mean(np.log10(law)) / 2),
        "gradient": float(np.mean(gradients)),
        "signal": float(np.mean(signals)),
        "signal_to_noise": float(np.mean(ratios)),
        "depth": depth,
        "width": size,
    }


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the rank correlation, nan where one of them is constant."""
    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale else math.nan


def partial(x: Sequence[float], y: Sequence[float], others: np.ndarray) -> float:
    """Return the correlation of the ranks once those of the others are regressed out."""
    known = np.column_stack([np.ones(len(x)), *(rankdata(column) for column in others.T)])
    rest = [
        ranks - known @ np.linalg.lstsq(known, ranks, rcond=None)[0]
        for ranks in (rankdata(x), rankdata(y))
    ]
    scale = math.sqrt(float(rest[0] @ rest[0]) * float(rest[1] @ rest[1]))
    return float(rest[0] @ rest[1]) / scale if scale > 1e-9 else math.nan


def correlations(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rank correlations of all measures, outcomes, matrices and groups."""
    found = []
    for matrices in KINDS:
        members = [row for row in table if row["matrices"] == matrices]
        groups = {
            "all": members,
            "without plain stacks": [r for r in members if "plain" not in r["architecture"]],
            **{f"depth {d}": [r for r in members if r["depth"] == d] for d in (2, 3, 4)},
        }
        for group, chosen in groups.items():
            found += _of_group(chosen, {"matrices": matrices, "architectures": group}, False)
        named = {"matrices": matrices, "architectures": "partial (depth, width)"}
        found += _of_group(members, named, True)
    return found


def robust(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rank correlations for every step size and kind of matrices, from one seed."""
    found = []
    for matrices in GAINS:
        for rate in RATES:
            these = [
                run
                for run in runs
                if run["group"] in ("robust", *KINDS.values())
                and (run["matrices"], run["rate"], run["seed"]) == (matrices, rate, 0)
            ]
            members = trained(these, matrices)
            named = {"matrices": matrices, "rate": rate}
            found += _of_group(members, named, False)
    return found


def _of_group(
    members: list[dict[str, Any]], named: dict[str, Any], adjusted: bool
) -> list[dict[str, Any]]:
    columns = {k: np.array([float(row[k]) for row in members]) for k in (*MEASURES, *OUTCOMES)}
    others = np.column_stack([columns["depth"], columns["width"]])
    generator = np.random.default_rng(0)
    samples = generator.integers(0, len(members), (SAMPLES, len(members)))

    def correlate(measure: str, outcome: str, chosen: Any) -> float:
        x = MEASURES[measure] * columns[measure][chosen]
        y = OUTCOMES[outcome] * columns[outcome][chosen]
        return partial(x, y, others[chosen]) if adjusted else spearman(x, y)

    rows = []
    for outcome in OUTCOMES:
        usual = np.array([correlate("mean_recurrent_length", outcome, s) for s in samples])
        for measure in MEASURES:
            if adjusted and measure in ("depth", "width"):
                continue
            drawn = np.array([correlate(measure, outcome, s) for s in samples])
            low, high = interval(drawn)
            worse, better = interval(drawn - usual)
            rows.append(
                {
                    **named,
                    "number": len(members),
                    "outcome": outcome,
                    "measure": measure.replace("_", " "),
                    "spearman": round(correlate(measure, outcome, np.arange(len(members))), 3),
                    "low": low,
                    "high": high,
                    "over_mean_low": worse,
                    "over_mean_high": better,
                }
            )
    return rows


def interval(values: Any) -> tuple[float, float]:
    """Return the middle 95 % of the values that are numbers, nan where none is."""
    kept = np.array(values)[np.isfinite(values)]
    low, high = np.percentile(kept, [2.5, 97.5]) if len(kept) else (math.nan, math.nan)
    return round(float(low), 3), round(float(high), 3)


def main() -> None:
    """Write both tables and print the correlations."""
    about = {"span": SPAN, "convention": convention()}
    runs = read_rows("learnability")
    table = [
        row
        for matrices, group in KINDS.items()
        for row in trained([run for run in runs if run["group"] == group], matrices)
    ]
    write_rows("learnability_architectures", table, **about)
    ranks = correlations(table)
    write_rows("learnability_ranks", ranks, **about)
    others = robust(runs)
    write_rows("learnability_robust", others, **about)
    for row in [*ranks, *others]:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
