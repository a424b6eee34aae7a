"""Texts: the next character of any file, and the sentiment of film reviews."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from drnn_theory.checks import as_integer, shown
from drnn_theory.learning.images import positions
from drnn_theory.learning.tasks import Batch, Task, at_last_step, entropy, one_hot

__all__ = ["characters", "reviews"]

_PARTS = {"train": "train", "validation": "valid", "test": "test"}


def characters(path: str | Path | None = None, window: int = 100) -> Task:
    """Return the task to name the next character of a text, in bits per character.

    Args:
        path: a text file, of which the first 90 % are for training, 5 % each for validation and
            test; or a folder with one file for each, named with train, valid and test, as Penn
            Treebank comes (ptb.char.train.txt, ..). None takes the help topics that come with
            CPython, some 700,000 characters of English and Python.
        window: steps of a batch.

    A batch of size B reads B places of the text side by side; the next seed goes on where it ended,
    so that a network's state carries over (Task.carries). Characters that the training part does
    not hold are one class, the last. Inputs are one-hot. Chance is the entropy of the
    training characters in nats.

    Raises ValueError where a file is missing, empty, too short or no UTF-8 text.

    >>> task = characters(window=20)
    >>> task.steps, task.metric, task.carries
    (20, 'bits per character', True)
    """
    window = as_integer(window, "window")
    texts = _texts(path)
    alphabet = {character: i for i, character in enumerate(sorted(set(texts["train"])))}
    unknown = len(alphabet)
    codes = {
        split: torch.tensor([alphabet.get(character, unknown) for character in text])
        for split, text in texts.items()
    }
    name = f"characters({'' if path is None else repr(str(path))}, window={window})"
    classes = unknown + 1

    def sample(size: int, seed: int, split: str) -> Batch:
        text = codes[split]
        stream = (len(text) - 1) // size  # characters that every one of the places reads
        if stream < 1:
            raise ValueError(
                f"size of a batch must be at most {len(text) - 1}, places of the {split} text, "
                f"got {size}"
            )
        pieces = -(-stream // window)
        first = seed % pieces * window
        starts = torch.arange(size) * stream + first
        at = starts + torch.arange(window).unsqueeze(1)
        inside = (torch.arange(window) < stream - first).float().unsqueeze(1)
        at = at.clamp(max=len(text) - 2)
        return one_hot(text[at], classes), text[at + 1], inside.expand(-1, size).clone()

    return Task(
        name,
        window,
        classes,
        classes,
        entropy(torch.bincount(codes["train"])),
        sample,
        metric="bits per character",
        examples={split: len(text) - 1 for split, text in codes.items()},
        carries=True,
    )


def _texts(path: str | Path | None) -> dict[str, str]:
    """Return the text of every split."""
    if path is None:
        from pydoc_data.topics import topics

        return _cut("\n".join(topics[name] for name in sorted(topics)), "the help topics")
    path = Path(path)
    if not path.is_dir():
        return _cut(_read(path), str(path))
    texts = {}
    for split, word in _PARTS.items():
        files = sorted(file for file in path.iterdir() if file.is_file() and word in file.name)
        if len(files) != 1:
            got = ", ".join(file.name for file in files) or "none"
            raise ValueError(f"path must hold one file named with {word!r}, got {got} in {path}")
        texts[split] = _read(files[0])
    return texts


def _cut(text: str, where: str) -> dict[str, str]:
    if len(text) < 100:
        raise ValueError(f"path must hold 100 characters or more, got {len(text)} in {where}")
    first, second = len(text) * 90 // 100, len(text) * 95 // 100
    return {"train": text[:first], "validation": text[first:second], "test": text[second:]}


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"path must be a readable text, got {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"path must be UTF-8 text, got {path}: {error.reason}") from None
    if len(text) < 2:
        raise ValueError(f"path must be a text of two characters or more, got {path}")
    return text


def reviews(folder: str | Path, words: int = 1000, steps: int = 400) -> Task:
    """Return the task to tell praise from blame after reading a film review word by word.

    Args:
        folder: the IMDB folder of Maas et al. (2011) as distributed: train/pos, train/neg,
            test/pos, test/neg, one review a file.
        words: most frequent words of the training reviews that are told apart; others share one.
        steps: words kept of a review, its last; shorter ones are preceded by zeros.

    Inputs are one-hot over the words: 4 * steps * (words + 1) bytes a review, 1.6 MB by default.
    Every tenth training review of either kind is for validation. Chance is the entropy of the
    training answers, ln 2 where both are as frequent.

    Raises ValueError where a part is missing, empty or no UTF-8 text.

    >>> reviews("nowhere")
    Traceback (most recent call last):
    ValueError: folder must hold reviews *.txt, got none in nowhere/train/neg
    """
    words, steps = as_integer(words, "words"), as_integer(steps, "steps")
    folder = Path(folder)
    train, answers = _reviews(folder / "train")
    test = _reviews(folder / "test")
    part = torch.empty_like(answers)
    for answer in (0, 1):  # as many of either kind, however the two are mixed
        of_kind = answers == answer
        part[of_kind] = torch.arange(int(of_kind.sum())) % 10
    frequent = Counter(
        word for review, kept in zip(train, part.tolist(), strict=True) if kept for word in review
    )
    numbers = {word: i for i, (word, _) in enumerate(frequent.most_common(words))}
    unknown = len(numbers)

    def coded(texts: list[list[str]]) -> list[Tensor]:
        return [torch.tensor([numbers.get(w, unknown) for w in t[-steps:]]).long() for t in texts]

    codes = coded(train)
    splits = {
        "train": ([c for c, p in zip(codes, part.tolist(), strict=True) if p], answers[part > 0]),
        "validation": (
            [c for c, p in zip(codes, part.tolist(), strict=True) if not p],
            answers[part == 0],
        ),
        "test": (coded(test[0]), test[1]),
    }
    for split, (texts, _) in splits.items():
        if not texts:
            raise ValueError(f"folder must hold reviews for {split}, got none in {folder}")
    name = f"reviews({shown(str(folder))}, words={words}, steps={steps})"

    def sample(size: int, seed: int, split: str) -> Batch:
        texts, labels = splits[split]
        indices, inside = positions(name, len(texts), size, seed, split)
        inputs = torch.zeros(steps, size, unknown + 1)
        for place, index in enumerate(indices.tolist()):
            text = texts[index]
            inputs[torch.arange(steps - len(text), steps), place, text] = 1
        targets, weights = at_last_step(labels[indices], steps)
        return inputs, targets, weights * inside

    return Task(
        name,
        steps,
        unknown + 1,
        2,
        entropy(torch.bincount(splits["train"][1], minlength=2)),
        sample,
        examples={split: len(texts) for split, (texts, _) in splits.items()},
    )


def _reviews(folder: Path) -> tuple[list[list[str]], Tensor]:
    """Return the words of every review and 1 for praise, both in an order that mixes the two."""
    entries = []
    for answer, kind in enumerate(("neg", "pos")):
        files = sorted((folder / kind).glob("*.txt"))
        if not files:
            raise ValueError(f"folder must hold reviews *.txt, got none in {folder / kind}")
        entries += [
            (file.name, answer, re.findall(r"[\w']+", _read(file).lower())) for file in files
        ]
    entries.sort(key=lambda review: review[:2])
    return [words for *_, words in entries], torch.tensor([answer for _, answer, _ in entries])
