"""Curves of training, and the measures that predict them, read from the tables of studies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from drnn_theory.figures import plot_scatter, plot_training
from drnn_theory.figures.marks import Curve, draw_lines, legend_above_all, whole_numbers
from drnn_theory.gallery.describing import in_words
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.measured import load_measured
from drnn_theory.tables import Table, convention

__all__ = ["LEARNED"]

NAMES_OF_MATRICES = {"torch": "torch's matrices", "orthogonal": "orthogonal", "glorot": "Glorot"}
EVERY = 25  # steps between the points of a curve


def _paint_decides(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, len(NAMES_OF_MATRICES), sharey=True)
    for ax, (matrices, title) in zip(axes, NAMES_OF_MATRICES.items(), strict=True):
        curves = {
            f"{biases} biases, {_readout(runs[0])} read-out": _curve(runs)
            for (drawn, biases, _), runs in _by_setting(rows).items()
            if drawn == matrices
        }
        plot_training(curves, chance=1 / 8, ax=ax)
        ax.set_title(title)
    for ax in axes[1:]:
        ax.set_ylabel("")
    axes[0].set_ylabel("share of symbols right")
    legend_above_all(figure, axes)


def _by_setting(rows: Rows) -> dict[tuple[str, str, str], Rows]:
    return _grouped(rows, lambda run: (run["matrices"], run["biases"], run["readout"]))


def _grouped(rows: Rows, key: Callable[[Any], Any]) -> dict[Any, Rows]:
    """Return the runs by what the key says of each, seeds in order."""
    groups: dict[Any, Rows] = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        groups[key(row)] = [*groups.get(key(row), []), row]
    return groups


def _curve(runs: Rows, column: str = "curve", first: int = 1, every: int = EVERY) -> Curve:
    """Return the curves of some runs as one, with a gap between two runs."""
    x: list[float] = []
    y: list[float] = []
    for row in runs:
        values = [float(value) for value in str(row[column]).split()]
        x += [*(every * (i + first) for i in range(len(values))), math.nan]
        y += [*values, math.nan]
    return x, y


def _readout(row: Any) -> str:
    return {"torch": "torch's", "normal": "N(0, 1)"}[str(row["readout"])]


def _decides() -> Table:
    table = load_measured("what_decides")
    rows = [row for row in table if (row["task"], row["cell"]) == ("copy_memory(500)", "RNN")]
    return replace(table, rows=rows)


def _decides_table(rows: Rows) -> Rows:
    return [
        {
            "matrices": matrices,
            "biases": biases,
            "read-out": _readout(runs[0]),
            "20% at step": _each(runs, "left chance"),
            "99% at step": _each(runs, "learned"),
            "right at the end": _shares(runs),
        }
        for (matrices, biases, _), runs in _by_setting(rows).items()
    ]


def _decides_in_words(rows: Rows) -> str:
    ends = [
        f"{row['matrices']} matrices, {row['biases']} biases, {row['read-out']} read-out: "
        f"{row['right at the end']}"
        for row in _decides_table(rows)
    ]
    return (
        "Three panels of the share of symbols right against the step of training, one for each way "
        f"to draw the matrices. In the end, seed by seed, {'; '.join(ends)}."
    )


STACKS = {
    "dilated": "dilated 1, 2, .., 256",
    "skip": "skip 256",
    "skip 255": "skip 255",
    "skip 505": "skip 505",
    "plain": "plain",
    "torch": "dilated, drawn as public modules are",
}


def _long_delays() -> Table:
    table = load_measured("long_delays")
    return replace(table, rows=[row for row in table if row["architecture"] in STACKS])


def _by_stack(rows: Rows, delay: Any) -> dict[str, Rows]:
    """Return the runs over a delay by the names of their stacks, seeds in order."""
    runs = sorted((row for row in rows if row["delay"] == delay), key=lambda row: row["seed"])
    return {
        name: [row for row in runs if row["architecture"] == key]
        for key, name in STACKS.items()
        if any(row["architecture"] == key for row in runs)
    }


def _paint_delays(rows: Rows, figure: Figure) -> None:
    delays = sorted({row["delay"] for row in rows})
    axes = list(figure.subplots(1, len(delays), sharex=True, sharey=True, squeeze=False)[0])
    names = [name for key, name in STACKS.items() if any(key == r["architecture"] for r in rows)]
    for ax, delay in zip(axes, delays, strict=True):
        # an empty curve keeps the colour of a stack that was not run over this delay
        curves: dict[str, Curve] = {name: ([math.nan], [math.nan]) for name in names}
        curves |= {name: _curve(runs) for name, runs in _by_stack(rows, delay).items()}
        plot_training(curves, chance=1 / 8, ax=ax)
        ax.set_title(f"delay {delay}")
        ax.set_ylabel("")
    axes[0].set_ylabel("share of symbols right")
    legend_above_all(figure, axes)


def _delays_table(rows: Rows) -> Rows:
    return [
        {
            "stack": name,
            "delay": delay,
            "seeds": len(runs),
            "20% at step": _each(runs, "left chance"),
            "99% at step": _each(runs, "learned"),
            "right at the end": _shares(runs),
        }
        for delay in sorted({row["delay"] for row in rows})
        for name, runs in _by_stack(rows, delay).items()
    ]


def _each(runs: Rows, column: str) -> str:
    steps = [float(row[column]) for row in runs]
    return ", ".join("never" if math.isinf(step) else f"{step:g}" for step in steps)


def _shares(runs: Rows, column: str = "accuracy", digits: int = 0) -> str:
    return ", ".join(f"{100 * float(row[column]):.{digits}f}%" for row in runs)


def _delays_in_words(rows: Rows) -> str:
    ends = [
        f"delay {row['delay']}, {row['stack']}: {row['right at the end']}"
        for row in _delays_table(rows)
    ]
    return (
        "A panel for each delay of the share of symbols right against the step of training. In the "
        f"end, seed by seed, {'; '.join(ends)}."
    )


PIXELS = {False: ("in order", 0.977), True: ("permuted", 0.955)}
"""Ways to read an image, and the accuracy that Chang et al. report, as recalled."""


def _in_short(dilations: Any) -> str:
    first, second, *_, last = dilations
    return f"{first}, {second}, .., {last}"


def _paint_pixels(rows: Rows, figure: Figure) -> None:
    axes = list(figure.subplots(1, len(PIXELS)))
    for ax, (permuted, (title, published)) in zip(axes, PIXELS.items(), strict=True):
        curves: dict[str, Curve] = {}
        points: dict[str, Curve] = {}
        read_so = [row for row in rows if row["permuted"] == permuted]
        for name, runs in _grouped(read_so, lambda run: _in_short(run["dilations"])).items():
            # the curve of a run that went on holds that of its beginning
            longest = {row["seed"]: row for row in sorted(runs, key=lambda row: row["steps"])}
            curves[name] = _curve(list(longest.values()), every=1000)
            points[name] = ([row["steps"] for row in runs], [row["accuracy"] for row in runs])
        draw_lines(ax, curves, points)
        ax.axhline(published, color="0.6", linewidth=0.6, zorder=0)
        ax.set_title(title)
        ax.set_xlabel("step of training")
        ax.set_xticks(range(0, 30_001, 10_000))
    axes[0].set_ylabel("share of images right")
    legend_above_all(figure, axes)


def _pixels_table(rows: Rows) -> Rows:
    kinds = _grouped(rows, lambda run: (run["permuted"], run["steps"], run["dilations"]))
    return [
        {
            "pixels": PIXELS[permuted][0],
            "dilations": _in_short(dilations),
            "steps": f"{steps:,}",
            "seeds": len(runs),
            "validation": _shares(runs, "validation accuracy", 2),
            "test": _shares(runs, "accuracy", 2),
        }
        for (permuted, steps, dilations), runs in sorted(kinds.items())
    ]


def _pixels_in_words(rows: Rows) -> str:
    ends = [
        f"{row['pixels']}, dilations {row['dilations']}, {row['steps']} steps: {row['test']}"
        for row in _pixels_table(rows)
    ]
    return (
        "A panel for each order of the pixels of the share of validation images right against the "
        f"step of training. Of the test images, at the end, seed by seed, {'; '.join(ends)}."
    )


def _undisturbed() -> Table:
    table = load_measured("signal_growth")
    left_alone = [r for r in table if (r["scale"], r["held"], r["epsilon"]) == (1, "no", 1e-8)]
    return replace(table, rows=left_alone)


def _paint_growth(rows: Rows, figure: Figure) -> None:
    cells = list(dict.fromkeys(str(row["cell"]) for row in rows))
    axes = list(figure.subplots(1, len(cells), sharey=True, squeeze=False)[0])
    for ax, cell in zip(axes, cells, strict=True):
        curves: dict[str, Curve] = {}
        points: dict[str, Curve] = {}
        for matrices, name in NAMES_OF_MATRICES.items():
            runs = [row for row in rows if (row["cell"], row["matrices"]) == (cell, matrices)]
            curves[name] = _curve(runs, "signals", first=0)
            left = [row for row in runs if math.isfinite(float(row["left chance"]))]
            points[name] = (
                [row["left chance"] for row in left],
                [row["signal then"] for row in left],
            )
        draw_lines(ax, curves, points)
        ax.set_yscale("log")
        ax.set_title(cell)
        ax.set_xlabel("step of training")
    axes[0].set_ylabel("signal at the output")
    legend_above_all(figure, axes)


def _growth_table(rows: Rows) -> Rows:
    return [
        {
            "cell": row["cell"],
            "matrices": row["matrices"],
            "biases": row["biases"],
            "read-out": _readout(row),
            "signal before": f"{row['signal before']:.1e}",
            "20% at step": _each([row], "left chance"),
            "signal then": f"{row['signal then']:.2g}",
        }
        for row in rows
    ]


def _growth_in_words(rows: Rows) -> str:
    left = [row for row in rows if math.isfinite(float(row["left chance"]))]
    before, then = ([float(row[name]) for row in left] for name in ("signal before", "signal then"))
    return (
        "A panel for each cell of the signal at the output against the step of training, on a "
        f"logarithmic axis. In the {len(left)} runs that left chance it was {min(before):.1e} to "
        f"{max(before):.1e} before training, and {min(then):.2g} to {max(then):.2g} when chance "
        "was left."
    )


PANELS = (
    ("torch", "mean recurrent length", "mean recurrent\nlength (edges)"),
    ("orthogonal", "mean recurrent length", "mean recurrent\nlength (edges)"),
    ("orthogonal", "signal to noise", "signal to noise\n(no unit)"),
)


def _rank(matrices: str, measure: str, outcome: str, group: str = "all") -> float:
    """Return a rank correlation, its sign as the claim "short paths learn" has it."""
    key = (matrices, measure, outcome, group)
    for row in load_measured("learnability_ranks"):
        if key == tuple(row[k] for k in ("matrices", "measure", "outcome", "architectures")):
            return float(row["spearman"])
    return math.nan


def _paint_learnability(rows: Rows, figure: Figure) -> None:
    axes = figure.subplots(1, len(PANELS), sharey=True)
    for ax, (matrices, measure, label) in zip(axes, PANELS, strict=True):
        groups: dict[str, Curve] = {}
        for row in rows:
            if row["matrices"] == matrices:
                depth = row["depth"]
                name = f"{depth} layer{'s' * (depth > 1)}" if depth < 5 else "5 layers or more"
                x, y = groups.setdefault(name, ([], []))
                x.append(float(row[measure]))
                y.append(float(row["accuracy"]))
        plot_scatter(dict(sorted(groups.items())), ax=ax)
        rank = _rank_as_drawn(matrices, measure)
        ax.set_title(f"{NAMES_OF_MATRICES[matrices]}: ${rank:.2f}$")
        if measure == "mean recurrent length":
            whole_numbers(ax, "x")
        ax.set_xlabel(label)
        ax.set_ylim(0, 1.02)
        ax.axhline(1 / 8, color="0.6", linewidth=0.6, zorder=0)
    axes[0].set_ylabel("share right after training")
    legend_above_all(figure, axes)


def _learnability_in_words(rows: Rows) -> str:
    said = {
        f"{NAMES_OF_MATRICES[matrices]}, {measure}": _rank_as_drawn(matrices, measure)
        for matrices, measure, _ in PANELS
    }
    return (
        f"Three panels of points, one for each of {len({row['architecture'] for row in rows})} "
        "architectures: the share of right answers after training against a measure. Rank "
        f"correlations: {in_words(said)}."
    )


def _rank_as_drawn(matrices: str, measure: str) -> float:
    # the table turns the sign of what should be small, so that all are expected positive
    sign = -1 if measure == "mean recurrent length" else 1
    return sign * _rank(matrices, measure, "accuracy")


def _ranks_table(_: Rows) -> Rows:
    ranks = load_measured("learnability_ranks")
    groups = list(dict.fromkeys(str(row["architectures"]) for row in ranks))
    table = []
    for matrices in dict.fromkeys(str(row["matrices"]) for row in ranks):
        for measure in dict.fromkeys(str(row["measure"]) for row in ranks):
            cells: dict[str, Any] = {"matrices": matrices, "measure": measure}
            for group in groups:
                rank = _rank(matrices, measure, "accuracy", group)
                cells[group] = None if math.isnan(rank) else f"{rank:.2f}"
            table.append(cells)
    return table


LEARNED = (
    PaperFigure(
        "what_decides",
        "Copy memory with a delay of 500 steps: how soon a DilatedRNN of nine layers of ten tanh "
        "units learns it, by how its matrices, biases and read-out are drawn (a line for each of "
        "two seeds; RMSProp, step size 0.001, batches of 128; a run ends at 99% of the symbols). "
        "Grey: chance.",
        _decides,
        _paint_decides,
        2.4,
        _decides_in_words,
        about={},
        compared=_decides_table,
        table_caption="Copy memory with a delay of 500 steps: steps until a DilatedRNN of nine "
        "layers of ten tanh units has learnt it, by how it is drawn, seed by seed.",
    ),
    PaperFigure(
        "signal_growth",
        "Why a DilatedRNN stays at chance, and how it leaves it: the signal, which is how much the "
        "output changes where it is read if the symbol to be recalled is another (root mean square "
        "over sequences), while networks learn copy memory with a delay of 500 steps (nine layers "
        "of ten units; a line for each way to draw biases and read-out, one seed; RMSProp, step "
        "size 0.001, batches of 128; a run ends at 25% of the symbols). Markers: chance is left, "
        "20% of the symbols are right.",
        _undisturbed,
        _paint_growth,
        2.4,
        _growth_in_words,
        about={},
        compared=_growth_table,
        table_caption="The signal before training and when chance is left: copy memory with a "
        "delay of 500 steps, nine layers of ten units.",
    ),
    PaperFigure(
        "long_delays",
        "Copy memory over long delays: nine layers of ten tanh units, orthogonal matrices, zero "
        "biases and a read-out from N(0, 1), against the DilatedRNNs of zalandoresearch and "
        "neuralforecast as they draw themselves, torch's read-out included (a line for each "
        "seed; RMSProp, step size 0.001, batches of 128; a run ends at 99% of the symbols). Grey: "
        "chance.",
        _long_delays,
        _paint_delays,
        2.4,
        _delays_in_words,
        about={},
        compared=_delays_table,
        table_caption="Copy memory over long delays: steps until stacks of nine layers of ten tanh "
        "units have learnt it, seed by seed.",
    ),
    PaperFigure(
        "pixel_mnist",
        "Pixel MNIST: the share of validation images that are named right while nine layers of 20 "
        "tanh units learn to read them pixel by pixel, with dilations 1, 2, .., 256 and with the "
        "best nine found for 784 steps, 1, 6, 14, 31, 63, 134, 181, 232, 255 (a line for each "
        "seed, one of each kind to 30,000 steps; RMSProp, step size 0.001, batches of 128). "
        "Markers: test images after the last step. Grey: what Chang et al. report of test images, "
        "as recalled.",
        lambda: load_measured("pixel_mnist"),
        _paint_pixels,
        2.4,
        _pixels_in_words,
        about={},
        compared=_pixels_table,
        table_caption="Pixel MNIST: images named right after training, seed by seed, by nine "
        "layers of 20 tanh units.",
    ),
    PaperFigure(
        "learnability",
        "What predicts whether 32 architectures of up to 4,000 parameters learn to recall a symbol "
        "over a random lag of 1..64 in 600 steps (medians over three seeds). In the titles: how "
        "the matrices are drawn, and the rank correlation of the share of right answers with the "
        "measure. Signal to noise: of the gradient before training. Grey: chance.",
        lambda: load_measured("learnability_architectures"),
        _paint_learnability,
        2.4,
        _learnability_in_words,
        about={"span": 64, "convention": convention()},
        compared=_ranks_table,
        table_caption="Rank correlations of measures with the share of right answers after "
        "training, over all architectures and within groups.",
    ),
)
