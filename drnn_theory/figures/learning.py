"""Curves of training."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from drnn_theory.figures.marks import Curve, draw_lines, require_names

__all__ = ["plot_training"]


def plot_training(
    curves: Mapping[str, Curve],
    *,
    metric: str = "accuracy",
    chance: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a metric against the step of training for each name: (steps, values).

    ``chance`` is the value of a constant guess, drawn as a thin grey line.

    >>> from drnn_theory import recall, train
    >>> training = train([1, 2], recall(2), hidden_size=4, steps=100, progress=False)
    >>> rows = [row for row in training.curve if row["split"] == "train"]
    >>> curve = [row["step"] for row in rows], [row["metric"] for row in rows]
    >>> plot_training({"[1, 2]": curve}, chance=1 / 8).get_xlabel()
    'step of training'
    """
    require_names(curves, "curves")
    ax = plt.gca() if ax is None else ax
    draw_lines(ax, curves)
    if chance is not None:
        ax.axhline(chance, color="0.6", linewidth=0.6, zorder=0)
    ax.set_xlabel("step of training")
    ax.set_ylabel(metric)
    if metric == "accuracy":
        ax.set_ylim(0, 1.02)
    return ax
