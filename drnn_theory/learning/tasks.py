"""Tasks that need memory: sequences drawn from a seed, answers, and the loss of a blind guess.

Every task gives batches in one form, so that one loss serves all: inputs (T, B, F), targets (T, B)
and weights (T, B), zero where no answer is asked for. A batch depends on the task, its size, the
seed and the split alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from drnn_theory.checks import as_integer, one_of, require_memory, shown

__all__ = ["SPLITS", "Batch", "Task", "adding", "copy_memory", "recall", "recall_within"]

SPLITS = ("train", "validation", "test")
METRICS = ("accuracy", "squared error", "bits per character")
SYMBOLS = 8

Batch = tuple[Tensor, Tensor, Tensor]
"""Inputs (T, B, F), targets (T, B) and weights (T, B)."""


@dataclass(frozen=True)
class Task:
    """A task of memory.

    Attributes:
        name: the function's name with its arguments.
        steps: length T of every sequence.
        input_size: features F of a step.
        classes: number of answers, None where the answer is a number.
        chance: loss of the best constant guess, cross-entropy in nats or squared error.
        metric: "accuracy", "squared error" or "bits per character".
        examples: sequences (of a text, characters) in each split, None where they are drawn
            without end.
        sample: function of size, seed and split that returns a batch; what it returns is checked.
        carries: whether consecutive seeds go on in the same sequences, whose state is carried.

    >>> task = recall(10)
    >>> inputs, targets, weights = task.batch(4, seed=0)
    >>> inputs.shape, targets.shape, weights.sum(0).tolist()
    (torch.Size([11, 4, 8]), torch.Size([11, 4]), [1.0, 1.0, 1.0, 1.0])
    """

    name: str
    steps: int
    input_size: int
    classes: int | None
    chance: float
    sample: Callable[[int, int, str], Batch] = field(repr=False, compare=False)
    metric: str = "accuracy"
    examples: Mapping[str, int] | None = None
    carries: bool = False

    def __post_init__(self) -> None:
        one_of(self.metric, "metric", METRICS)
        if (self.metric == "squared error") != (self.classes is None):
            raise ValueError(
                "metric must be 'squared error' where classes is None, and only there, got "
                f"{self.metric!r} for {self.classes} classes"
            )
        if self.examples is not None:
            for split in SPLITS:
                as_integer(self.examples.get(split), f"examples of {split}")

    def batch(self, size: int, seed: int, split: str = "train") -> Batch:
        """Return inputs (T, size, F), targets (T, size) and weights (T, size).

        Targets are class numbers (int64), or floats where ``classes`` is None. Where the split
        holds a number of examples, seeds 0, 1, .. of one size pass through it: in a new order each
        time for "train", in its own order and with weight zero beyond its end for the others.

        >>> recall(2).batch(2, seed=0)[1].shape
        torch.Size([3, 2])
        """
        size = as_integer(size, "size")
        seed = as_integer(seed, "seed", minimum=0)
        one_of(split, "split", SPLITS)
        require_memory(4 * size * self.steps * (self.input_size + 3), f"a batch of {size}")
        return self._checked(self.sample(size, seed, split), size)

    def _checked(self, batch: Any, size: int) -> Batch:
        """Return a batch, or refuse one of which a loss would make a wrong number, or none."""
        parts = tuple(batch) if isinstance(batch, (tuple, list)) else ()
        if len(parts) != 3 or not all(isinstance(part, Tensor) for part in parts):
            raise TypeError(
                f"sample of {self.name} must return three tensors, inputs, targets and weights, "
                f"got {shown(batch)}"
            )
        shape = (self.steps, size)
        shapes = {"inputs": (*shape, self.input_size), "targets": shape, "weights": shape}
        for (name, expected), part in zip(shapes.items(), parts, strict=True):
            if tuple(part.shape) != expected:
                raise ValueError(
                    f"{name} of {self.name} must be of shape {expected}, got {tuple(part.shape)}"
                )
        inputs, targets, weights = parts
        exact = not (targets.is_floating_point() or targets.is_complex())
        if not inputs.is_floating_point() or (self.classes is not None and not exact):
            name, part = ("targets", targets) if inputs.is_floating_point() else ("inputs", inputs)
            kind = "integers" if name == "targets" else "floats"
            raise ValueError(
                f"{name} of {self.name} must be {kind}, got {str(part.dtype).partition('.')[2]}"
            )
        weights = weights if weights.is_floating_point() else weights.float()
        if self.classes is None:
            return inputs, targets.float() if exact else targets, weights
        targets, blank = targets.long(), weights == 0
        low, high = (int(value) for value in targets.aminmax())
        if low < 0 or high >= self.classes:
            targets = targets.masked_fill(blank, 0)  # what stands there is no answer
            low, high = (int(value) for value in targets.aminmax())
            if low < 0 or high >= self.classes:
                raise ValueError(
                    f"targets of {self.name} must be classes 0..{self.classes - 1}, got "
                    f"{low if low < 0 else high}"
                )
        return inputs, targets, weights

    def batches(self, size: int, split: str) -> int | None:
        """Return how many batches of that size pass once through a split, None if it has no end.

        >>> recall(10).batches(128, "train") is None
        True
        """
        size = as_integer(size, "size")
        one_of(split, "split", SPLITS)
        if self.examples is None:
            return None
        count = self.examples[split]
        return -(-(count // size) // self.steps) if self.carries else -(-count // size)


def seeded(name: str, split: str, seed: int) -> torch.Generator:
    """Return the generator that draws one batch, its stream set by all three."""
    digest = hashlib.sha256(f"{name} {split} {seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def copy_memory(delay: int, *, every_step: bool = False, coding: str = "one-hot") -> Task:
    r"""Return the copy memory task: ten symbols, to be repeated after a delay.

    Ten symbols of eight, ``delay`` - 1 blanks, then a go signal for eleven steps; at the last ten
    the symbols must be named in order, so that each is recalled over ``delay`` + 10 steps. There
    are delay + 20 steps. Inputs are one-hot over eight symbols, blank and go; with
    ``coding="number"`` they are one number, 1..8, 0 and 9, as in public code for this task.

    Chance is ln 8 = 2.079, the loss over the last ten steps. With ``every_step`` blanks must be
    named, too, a ninth class, and the loss is over all steps: chance is 10 ln 8 / (delay + 20).
    Published figures mix the two; a network that names all blanks with certainty has the second
    loss at 10 / (delay + 20) times the first.

    Source: Hochreiter and Schmidhuber (1997), in the form of Arjovsky, Shah and Bengio, Unitary
    Evolution Recurrent Neural Networks (2016), which Chang et al. (2017) follow.

    >>> round(copy_memory(500).chance, 3), round(copy_memory(500, every_step=True).chance, 4)
    (2.079, 0.04)
    """
    delay = as_integer(delay, "delay")
    one_of(coding, "coding", ("one-hot", "number"))
    steps, length = delay + 20, 10
    chosen = ", every_step=True" * every_step + ", coding='number'" * (coding == "number")
    name = f"copy_memory({delay}{chosen})"
    blank, go = SYMBOLS, SYMBOLS + 1

    def sample(size: int, seed: int, split: str) -> Batch:
        symbols = torch.randint(SYMBOLS, (length, size), generator=seeded(name, split, seed))
        seen = torch.full((steps, size), blank)
        seen[:length] = symbols
        seen[-length - 1 :] = go
        targets = torch.full((steps, size), blank if every_step else 0)
        targets[-length:] = symbols
        weights = torch.full((steps, size), float(every_step))
        weights[-length:] = 1
        if coding == "one-hot":
            return one_hot(seen, SYMBOLS + 2), targets, weights
        numbers = torch.where(seen == blank, 0, torch.where(seen == go, go, seen + 1))
        return numbers.float().unsqueeze(2), targets, weights

    chance = math.log(SYMBOLS)
    if every_step:
        chance *= length / steps
    features = SYMBOLS + 2 if coding == "one-hot" else 1
    return Task(name, steps, features, SYMBOLS + every_step, chance, sample)


def recall(lag: int) -> Task:
    """Return the task to name, at the last step, the one symbol shown ``lag`` steps before.

    The symbol is the first of lag + 1 steps, one-hot over eight; all other steps are zero. Chance
    is ln 8.

    >>> recall(100).steps
    101
    """
    lag = as_integer(lag, "lag")
    return _one_symbol(f"recall({lag})", lag, lambda size, generator: torch.full((size,), lag))


def recall_within(span: int) -> Task:
    """Return the task to name, at the last step, a symbol shown at a random lag of 1..span.

    The lag is uniform, so that the mean over lags of anything is its mean over sequences. One
    symbol of eight among zeros in span + 1 steps; chance is ln 8.

    >>> recall_within(64).name
    'recall_within(64)'
    """
    span = as_integer(span, "span")
    return _one_symbol(
        f"recall_within({span})",
        span,
        lambda size, generator: torch.randint(1, span + 1, (size,), generator=generator),
    )


def _one_symbol(
    name: str, span: int, sample_lags: Callable[[int, torch.Generator], Tensor]
) -> Task:
    def sample(size: int, seed: int, split: str) -> Batch:
        generator = seeded(name, split, seed)
        symbols = torch.randint(SYMBOLS, (size,), generator=generator)
        lags = sample_lags(size, generator)
        inputs = torch.zeros(span + 1, size, SYMBOLS)
        inputs[span - lags, torch.arange(size), symbols] = 1
        return inputs, *at_last_step(symbols, span + 1)

    return Task(name, span + 1, SYMBOLS, SYMBOLS, math.log(SYMBOLS), sample)


def adding(steps: int) -> Task:
    """Return the adding task: the sum of the two marked numbers among ``steps`` of them.

    Features are a number, uniform in [0, 1), and a mark, 1 at one step of each half. The answer is
    asked for at the last step; chance is the variance of a sum of two such numbers, 1/6, the
    squared error of always guessing 1.

    Source: Hochreiter and Schmidhuber (1997), in the form of Le, Jaitly and Hinton (2015).

    >>> round(adding(100).chance, 4)
    0.1667
    """
    steps = as_integer(steps, "steps", minimum=2)
    name, half = f"adding({steps})", steps // 2

    def sample(size: int, seed: int, split: str) -> Batch:
        generator = seeded(name, split, seed)
        numbers = torch.rand(steps, size, generator=generator)
        first = torch.randint(half, (size,), generator=generator)
        second = torch.randint(half, steps, (size,), generator=generator)
        every = torch.arange(size)
        marks = torch.zeros(steps, size)
        marks[first, every] = marks[second, every] = 1
        answers = numbers[first, every] + numbers[second, every]
        return torch.stack([numbers, marks], 2), *at_last_step(answers, steps)

    return Task(name, steps, 2, None, 2 / 12, sample, metric="squared error")


def one_hot(values: Tensor, classes: int) -> Tensor:
    """Return integers (T, B) as floats (T, B, classes)."""
    return torch.nn.functional.one_hot(values, classes).float()


def at_last_step(answers: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Return targets and weights (steps, B) that ask for the answers at the last step alone."""
    targets = answers.new_zeros(steps, len(answers))
    targets[-1] = answers
    weights = torch.zeros(steps, len(answers))
    weights[-1] = 1
    return targets, weights


def entropy(counts: Tensor) -> float:
    """Return the entropy in nats of the frequencies: the loss of the best constant guess."""
    shares = counts[counts > 0].double() / counts.sum()
    return float(-(shares * shares.log()).sum())
