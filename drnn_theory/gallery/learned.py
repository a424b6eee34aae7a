"""Curves of training, and the measures that predict them, read from the tables of studies."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from drnn_theory.figures import plot_scatter, plot_training
from drnn_theory.figures.marks import Curve, legend_above_all
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.measured import load_measured
from drnn_theory.tables import Table, convention

__all__ = ["LEARNED"]

MATRICES = {"torch": "torch's matrices", "orthogonal": "orthogonal", "glorot": "Glorot"}
EVERY = 25  # steps between the points of a curve
BUDGET = 600  # steps of a run of the learnability study


def _paint_decides(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, len(MATRICES), sharey=True)
    for ax, (matrices, title) in zip(axes, MATRICES.items(), strict=True):
        curves: dict[str, Curve] = {}
        for row in rows:
            if row["matrices"] == matrices:
                values = [float(value) for value in str(row["curve"]).split()]
                name = f"{row['biases']} biases, {_readout(row)} read-out"
                curves[name] = ([EVERY * (i + 1) for i in range(len(values))], values)
        plot_training(curves, chance=1 / 8, ax=ax)
        ax.set_title(title)
    for ax in axes[1:]:
        ax.set_ylabel("")
    axes[0].set_ylabel("share of symbols right")
    legend_above_all(figure, axes)


def _readout(row: Any) -> str:
    return {"torch": "torch's", "normal": "N(0, 1)"}[str(row["readout"])]


def _decides() -> Table:
    table = load_measured("what_decides")
    rows = [
        row
        for row in table
        if (row["task"], row["cell"], str(row["seed"])) == ("copy_memory(500)", "RNN", "0")
    ]
    return replace(table, rows=rows)


def _decides_table(_: Rows) -> Rows:
    return [
        {
            "task": _task(str(row["task"])),
            "cell": str(row["cell"]),
            "matrices": str(row["matrices"]),
            "biases": str(row["biases"]),
            "read-out": _readout(row),
            "seed": row["seed"],
            "20% at step": row["first_step_20"],
            "99% at step": row["first_step_99"],
            "steps": row["last_step"],
            "right at the end": f"{100 * float(row['accuracy']):.0f}%",
        }
        for row in load_measured("what_decides")
    ]


def _task(name: str) -> str:
    if "number" in name:
        return "copy, numbers"
    return "copy" if name.startswith("copy") else "recall within 64"


PANELS = (
    ("mean_recurrent_length", "mean recurrent length (edges)"),
    ("worst_lag", "largest $d(n)$ (edges)"),
    ("gradient", r"mean $\log_{10}$ gradient (no unit)"),
)


def _paint_learnability(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, len(PANELS), sharey=True)
    ranks = {
        str(row["measure"]): float(row["spearman"])
        for row in load_measured("learnability_ranks")
        if (row["outcome"], row["architectures"]) == ("loss", "all")
    }
    for ax, (measure, label) in zip(axes, PANELS, strict=True):
        groups: dict[str, Curve] = {}
        for row in rows:
            depth = int(row["depth"])
            name = f"{depth} layer{'s' * (depth > 1)}" if depth < 5 else "5 layers or more"
            x, y = groups.setdefault(name, ([], []))
            x.append(float(row[measure]))
            y.append(float(row["loss"]))
        plot_scatter(dict(sorted(groups.items())), ax=ax)
        # entered with the sign that the claim gives it, so that all are expected positive
        sign = -1 if measure == "gradient" else 1
        ax.set_title(f"rank correlation ${sign * ranks[measure]:.2f}$")
        ax.set_xlabel(label)
    axes[0].set_ylabel("loss at step 300 (nats)")
    for ax in axes:
        ax.axhline(math.log(8), color="0.6", linewidth=0.6, zorder=0)
    legend_above_all(figure, axes)


def _ranks_table(_: Rows) -> Rows:
    found = load_measured("learnability_ranks")
    groups = list(dict.fromkeys(str(row["architectures"]) for row in found))
    table = []
    for outcome, title in (("steps", "steps to 80%"), ("loss", "loss at step 300")):
        for measure in dict.fromkeys(str(row["measure"]) for row in found):
            cells: dict[str, Any] = {"outcome": title, "measure": measure.replace("_", " ")}
            for group in groups:
                row = next(
                    (
                        r
                        for r in found
                        if (r["outcome"], r["measure"], r["architectures"])
                        == (outcome, measure, group)
                    ),
                    None,
                )
                rank = math.nan if row is None else float(row["spearman"])
                cells[group] = None if math.isnan(rank) else f"{rank:.2f}"
            table.append(cells)
    return table


LEARNED = (
    PaperFigure(
        "what_decides",
        "Copy memory with a delay of 500 steps: how soon a DilatedRNN of nine layers of ten tanh "
        "units learns it, by how its matrices, biases and read-out are drawn (one seed; RMSProp, "
        "step size 0.001, batches of 128; a run ends at 99% of the symbols). Grey: chance.",
        _decides,
        _paint_decides,
        2.4,
        about={},
        compared=_decides_table,
    ),
    PaperFigure(
        "learnability",
        "What predicts how fast 32 architectures of up to 4,000 parameters learn to recall a "
        "symbol over a random lag of 1..64 (medians over seeds; orthogonal matrices, zero biases): "
        "loss at step 300 against three measures known before training. Grey: chance.",
        lambda: load_measured("learnability_architectures"),
        _paint_learnability,
        2.4,
        about={"span": 64, "convention": convention()},
        compared=_ranks_table,
    ),
)
