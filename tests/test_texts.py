"""Film reviews: what a folder of them becomes, and what a damaged one is told."""

import math

import pytest

from drnn_theory.learning import reviews, train

WORDS = {"pos": "a fine film, I'd see it again", "neg": "a dull film, never again"}


@pytest.fixture
def folder(tmp_path):
    """Return a folder like that of Maas et al.: NUMBER_RATING.txt, of either kind, 40 + 20."""
    for split, count in (("train", 40), ("test", 20)):
        for kind, ratings in (("neg", "1234"), ("pos", ("10", "7", "8", "9"))):
            (tmp_path / split / kind).mkdir(parents=True)
            for number in range(count):
                rating = ratings[number % 4]
                text = f"{WORDS[kind]} {split}{number} <br /> The End"
                (tmp_path / split / kind / f"{number}_{rating}.txt").write_text(text)
    return tmp_path


def test_every_tenth_review_of_either_kind_validates(folder):
    task = reviews(folder)
    assert task.examples == {"train": 72, "validation": 8, "test": 40}
    assert task.chance == pytest.approx(math.log(2))
    for split, count in task.examples.items():
        _, targets, weights = task.batch(count, 0, split)
        assert weights.sum() == weights[-1].sum() == count
        assert targets[-1].sum() == count / 2  # as much praise as blame


def test_a_review_is_its_last_words_one_hot_after_zeros(folder):
    task = reviews(folder, words=6, steps=12)
    inputs, targets, _ = task.batch(40, 0, "test")
    assert inputs.shape == (12, 40, 7)
    assert set(inputs.flatten().tolist()) == {0.0, 1.0}
    lengths = inputs.sum((0, 2))
    # "a dull film never again test0 br The End", and "a fine film I'd see it again ..", 9 and 11
    assert {int(n) for n in lengths[targets[-1] == 0]} == {9}
    assert {int(n) for n in lengths[targets[-1] == 1]} == {11}
    for column, length in enumerate(lengths.int().tolist()):
        assert inputs[:-length, column].sum() == 0
    # six words are in all training reviews of both kinds: a, film, again, br, the, end
    assert inputs[:, :, 6].sum() == 20 * 3 + 20 * 5  # dull never test0; fine I'd see it test0


def test_words_of_validation_and_test_are_not_counted(folder):
    (folder / "test" / "pos" / "0_10.txt").write_text(200 * "unheard ")
    task = reviews(folder, words=1000)
    inputs, *_ = task.batch(40, 0, "test")
    assert inputs[:, :, -1].sum(0).max() == 200  # the class of words that training does not hold


def test_praise_is_told_from_blame(folder):
    how = {"hidden_size": 8, "steps": 200, "batch": 24, "learning_rate": 1e-2, "progress": False}
    assert train([1, 2, 4], reviews(folder, steps=12), **how).final["test accuracy"] == 1


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (
            lambda file: file.write_bytes(b"\xff\xfe"),
            "path must be UTF-8 text, got .*0_10.txt: inv",
        ),
        (lambda file: file.write_text(""), "path must be a text of two characters or more, got"),
        (
            lambda file: [other.unlink() for other in file.parent.iterdir()],
            r"folder must hold reviews \*.txt, got none in .*train.pos",
        ),
    ],
)
def test_a_damaged_folder_is_one_line(folder, spoil, problem):
    spoil(folder / "train" / "pos" / "0_10.txt")
    with pytest.raises(ValueError, match=problem):
        reviews(folder)


def test_arguments_that_make_no_sense_are_refused(folder):
    for name in ("words", "steps"):
        with pytest.raises(ValueError, match=f"{name} must be a positive integer, got 0"):
            reviews(folder, **{name: 0})
