"""Tasks: what a batch holds, what chance is, and that a delay line solves what it should."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from drnn_theory.learning import (
    adding,
    characters,
    copy_memory,
    pixel_digits,
    recall,
    recall_within,
    train,
)
from drnn_theory.learning.tasks import Task

TASKS = {
    "copy": lambda: copy_memory(30),
    "copy, every step": lambda: copy_memory(30, every_step=True),
    "recall": lambda: recall(12),
    "recall within": lambda: recall_within(12),
    "adding": lambda: adding(20),
    "digits": lambda: pixel_digits(),
    "characters": lambda: characters(),
}


@pytest.fixture(params=TASKS, name="task")
def _task(request):
    return TASKS[request.param]()


def loss_of_constant(task, targets, weights):
    """Return the least loss that one answer for all can have on these targets."""
    chosen = targets[weights > 0]
    if task.classes is None:
        return float((chosen - chosen.mean()).square().mean())
    shares = torch.bincount(chosen, minlength=task.classes) / len(chosen)
    return float(
        torch.nn.functional.nll_loss((shares + 1e-30).log().expand(len(chosen), -1), chosen)
    )


def test_chance_is_the_loss_of_the_best_constant_guess(task):
    batches = [task.batch(256, seed) for seed in range(8)]
    targets = torch.cat([b[1] for b in batches], 1)
    weights = torch.cat([b[2] for b in batches], 1)
    if task.name.endswith("every_step=True)"):  # blanks are known from the step, not guessed
        targets, weights = targets[-10:], weights[-10:]
        assert loss_of_constant(task, targets, weights) * 10 / task.steps == pytest.approx(
            task.chance, rel=0.01
        )
    else:
        assert loss_of_constant(task, targets, weights) == pytest.approx(task.chance, rel=0.03)


def test_a_batch_depends_on_task_size_seed_and_split_alone(task):
    torch.manual_seed(0)
    first = task.batch(16, 3)
    torch.manual_seed(1)
    second = task.batch(16, 3)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    for other in (task.batch(16, 4), task.batch(16, 3, "validation")):
        assert not torch.equal(first[0], other[0])


def test_a_batch_has_the_stated_shapes(task):
    inputs, targets, weights = task.batch(5, 0)
    assert inputs.shape == (task.steps, 5, task.input_size)
    assert targets.shape == weights.shape == (task.steps, 5)
    if task.classes is not None:
        assert targets.dtype == torch.int64
        assert 0 <= int(targets.min()) <= int(targets.max()) < task.classes


def test_a_delay_line_solves_recall_exactly():
    task = recall(9)
    inputs, targets, _ = task.batch(64, 0)
    delayed = torch.cat([torch.zeros(9, 64, 8), inputs[:-9]])
    assert torch.equal(delayed[-1].argmax(1), targets[-1])
    shorter = torch.cat([torch.zeros(8, 64, 8), inputs[:-8]])
    assert not shorter[-1].any()


def test_a_delay_line_solves_copy_memory_exactly():
    task = copy_memory(30)
    inputs, targets, weights = task.batch(64, 0)
    delayed = torch.cat([torch.zeros(40, 64, 10), inputs[:-40]])
    assert torch.equal(delayed[-10:].argmax(2), targets[-10:])
    assert weights.sum(0).unique().tolist() == [10]
    assert inputs[:, :, 9].sum(0).unique().tolist() == [11]  # the go signal
    assert inputs.sum(2).unique().tolist() == [1]


def test_numbers_stand_for_the_same_symbols_as_one_hot_inputs():
    one_hot, numbers = copy_memory(30), copy_memory(30, coding="number")
    assert numbers.batch(3, 0)[0].shape == (50, 3, 1)
    codes = torch.tensor([1, 2, 3, 4, 5, 6, 7, 8, 0, 9])
    inputs, targets, _ = numbers.batch(3, 0)
    assert torch.equal(inputs[:10, :, 0], codes[targets[-10:]].float())
    assert inputs[10:-11].abs().max() == 0
    assert inputs[-11:].unique().tolist() == [9]
    assert codes[one_hot.batch(3, 0)[0].argmax(2)].unique().tolist() == list(range(10))


def test_recall_within_shows_one_symbol_at_every_lag_alike():
    inputs, targets, _ = recall_within(8).batch(4096, 0)
    steps, every, symbols = inputs.nonzero(as_tuple=True)
    assert len(steps) == 4096
    assert torch.equal(symbols, targets[-1][every])
    lags = torch.bincount(8 - steps, minlength=9)
    assert lags[0] == 0
    assert lags[1:].min() > 4096 / 8 * 0.8


def test_adding_marks_one_number_in_each_half():
    inputs, targets, _ = adding(21).batch(64, 0)
    numbers, marks = inputs.unbind(2)
    assert marks[:10].sum(0).unique().tolist() == marks[10:].sum(0).unique().tolist() == [1]
    assert torch.allclose((numbers * marks).sum(0), targets[-1])


def test_training_passes_through_every_digit_once_and_then_in_another_order():
    task = pixel_digits()
    count = task.examples["train"]
    passes = [task.batch(count, seed)[1][-1] for seed in (0, 1)]
    assert torch.equal(*(torch.bincount(labels) for labels in passes))
    assert not torch.equal(*passes)
    pieces = [task.batch(7, seed)[1][-1] for seed in range(count // 7 + 1)]
    assert torch.equal(torch.cat(pieces)[:count], passes[0])


def test_validation_reads_every_digit_once():
    task = pixel_digits()
    size = 100
    weights = [task.batch(size, n, "test")[2].sum() for n in range(task.batches(size, "test"))]
    assert sum(map(float, weights)) == task.examples["test"]


def test_permuted_digits_are_the_same_pixels_in_the_published_order():
    order = np.random.RandomState(92916).permutation(64)
    plain, permuted = pixel_digits().batch(9, 0, "test"), pixel_digits(True).batch(9, 0, "test")
    assert torch.equal(plain[0][order], permuted[0])
    assert torch.equal(plain[1], permuted[1])


def test_a_text_goes_on_from_seed_to_seed(tmp_path: Path):
    text = "".join(chr(97 + i * i % 26) for i in range(1000))
    (tmp_path / "text.txt").write_text(text)
    task = characters(tmp_path / "text.txt", window=20)
    letters = sorted(set(text[:900]))
    read = [task.batch(3, seed) for seed in range(task.batches(3, "train"))]
    for place in range(3):
        seen = "".join(
            letters[int(code)]
            for inputs, _, weights in read
            for code, weight in zip(inputs[:, place].argmax(1), weights[:, place], strict=True)
            if weight
        )
        start = place * (899 // 3)
        assert seen == text[start : start + 899 // 3]
        following = "".join(
            letters[int(code)]
            for _, targets, weights in read
            for code, weight in zip(targets[:, place], weights[:, place], strict=True)
            if weight
        )
        assert following == text[start + 1 : start + 1 + 899 // 3]


def test_a_folder_of_texts_has_a_file_for_every_split(tmp_path: Path):
    for word, text in (("train", "abcabc" * 9), ("valid", "aabb"), ("test", "abz")):
        (tmp_path / f"ptb.char.{word}.txt").write_text(text)
    task = characters(tmp_path, window=2)
    assert task.classes == 4  # a, b, c and all others
    assert task.batch(1, 0, "test")[1].flatten().tolist() == [1, 3]
    assert math.isclose(task.chance, math.log(3))
    (tmp_path / "ptb.char.valid.txt").unlink()
    with pytest.raises(ValueError, match=r"path must hold one file named with 'valid', got none"):
        characters(tmp_path)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: copy_memory(0), "delay must be a positive integer, got 0"),
        (lambda: copy_memory(9, coding="two-hot"), "coding must be one of 'one-hot', 'number'"),
        (lambda: recall("5"), "lag must be a positive integer, got '5'"),
        (lambda: recall_within(2.5), "span must be a positive integer, got 2.5"),
        (lambda: adding(1), "steps must be an integer of at least 2, got 1"),
        (lambda: recall(3).batch(0, 0), "size must be a positive integer, got 0"),
        (lambda: recall(3).batch(1, -1), "seed must be a non-negative integer, got -1"),
        (
            lambda: recall(3).batch(1, 0, "dev"),
            "split must be one of 'train', 'validation'",
        ),
        (lambda: recall(10**9).batch(128, 0), "must fit in half of this machine's memory"),
        (lambda: characters("missing.txt"), "path must be a readable text, got missing.txt"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(make, problem):
    with pytest.raises((ValueError, TypeError), match=problem):
        make()


def by_hand(*shapes, classes=None, metric="squared error", examples=None):
    """Return a task of three steps and one feature, inputs, targets and weights of these shapes."""

    def sample(size, seed, split):
        made = [torch.zeros([size if n == "B" else n for n in shape]) for shape in shapes]
        made[2:] = [torch.ones_like(part) for part in made[2:]]
        if classes is not None:
            made[1] = made[1].long() + classes  # one too many
        return tuple(made)

    return Task("by hand", 3, 1, classes, 1.0, sample, metric=metric, examples=examples)


INPUTS, ANSWERS = (3, "B", 1), (3, "B")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: by_hand(INPUTS, INPUTS, ANSWERS),
            r"targets of by hand must be of shape \(3, 2\), ",
        ),
        (lambda: by_hand(INPUTS, ANSWERS, (3,)), r"weights .* must be of shape \(3, 2\), got \(3,"),
        (
            lambda: by_hand(ANSWERS, ANSWERS, ANSWERS),
            r"inputs .* must be of shape \(3, 2, 1\), got",
        ),
        (lambda: by_hand(INPUTS, ANSWERS), "sample of by hand must return three tensors, inputs, "),
        (
            lambda: by_hand(INPUTS, ANSWERS, ANSWERS, classes=2, metric="accuracy"),
            r"targets of by hand must be classes 0\.\.1, got 2",
        ),
        (lambda: by_hand(metric="Accuracy"), "metric must be one of 'accuracy', 'squared error'"),
        (
            lambda: by_hand(metric="accuracy"),
            "metric must be 'squared error' where classes is None",
        ),
        (lambda: by_hand(classes=2), "metric must be .* got 'squared error' for 2 classes"),
        (lambda: by_hand(examples={"train": 3}), "examples of validation must be a positive int"),
    ],
)
def test_a_task_by_hand_that_no_loss_fits_is_refused(make, problem):
    with pytest.raises((ValueError, TypeError), match=problem):
        make().batch(2, 0)


def test_a_task_by_hand_may_leave_blanks_and_be_of_other_types():
    targets = torch.tensor([[-100, 1], [0, -1], [1, 0]], dtype=torch.int32)
    asked = torch.tensor([[0, 1], [1, 0], [1, 1]], dtype=torch.bool)
    task = Task("by hand", 3, 1, 2, 1.0, lambda *_: [torch.zeros(3, 2, 1), targets, asked])
    _, given, weights = task.batch(2, 0)
    assert given.tolist() == [[0, 1], [0, 0], [1, 0]]
    assert (given.dtype, weights.dtype) == (torch.int64, torch.float32)
    assert torch.equal(weights, asked.float())
    for part, kind in ((torch.zeros(3, 2, 1).int(), "inputs .* must be floats, got int32"),):
        integers = Task("by hand", 3, 1, 2, 1.0, lambda *_, part=part: (part, targets, asked))
        with pytest.raises(ValueError, match=kind):
            integers.batch(2, 0)


def test_a_task_by_hand_that_asks_for_nothing_is_refused():
    task = Task("nothing", 3, 1, None, 1.0, lambda *_: (
        torch.zeros(3, 2, 1), torch.zeros(3, 2), torch.zeros(3, 2)
    ), metric="squared error")  # fmt: skip
    by_size = replace(task, sample=lambda n, *_: tuple(part[:, :n] for part in task.sample()))
    with pytest.raises(ValueError, match="task must ask for an answer in every batch, got none in"):
        train([1], by_size, hidden_size=2, steps=1, batch=2, progress=False)


def test_a_seed_may_be_as_large_as_any():
    task = pixel_digits()
    assert task.batch(128, 2**62)[0].shape == (64, 128, 1)
    assert task.batch(128, 2**62, "validation")[2].sum() == 0
    with pytest.raises(ValueError, match="size must be a positive integer, got 0"):
        task.batches(0, "train")
    with pytest.raises(ValueError, match="split must be one of 'train', 'validation', 'test', got"):
        task.batches(8, "dev")
