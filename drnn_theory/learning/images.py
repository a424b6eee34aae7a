"""Images read pixel by pixel: MNIST from its own files, and scikit-learn's digits."""

from __future__ import annotations

import functools
import gzip
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from drnn_theory.checks import as_integer, require_extra
from drnn_theory.learning.tasks import Batch, Task, at_last_step, entropy, seeded

__all__ = ["pixel_digits", "pixel_mnist"]

PERMUTATION_SEED = 92916
"""The seed of the permutation in the public code of Chang et al. (2017)."""

_FILES = {
    "train images": ("train-images-idx3-ubyte", (60_000, 28, 28)),
    "train labels": ("train-labels-idx1-ubyte", (60_000,)),
    "test images": ("t10k-images-idx3-ubyte", (10_000, 28, 28)),
    "test labels": ("t10k-labels-idx1-ubyte", (10_000,)),
}


def pixel_mnist(folder: str | Path, permuted: bool = False, noise_to: int | None = None) -> Task:
    """Return the task to name an MNIST digit after seeing its 784 pixels one by one.

    Args:
        folder: holds the four IDX files as distributed, plain or gzipped; a folder of torchvision
            (with MNIST/raw below) will do.
        permuted: in the order of numpy.random.RandomState(92916).permutation(784), the one of the
            public code of Chang et al. (2017).
        noise_to: length that uniform noise in [0, 1) fills up after the image, new in every batch.

    Pixels are in [0, 1]. The first 5,000 training images are the validation split, as TensorFlow's
    reader has it: 55,000 / 5,000 / 10,000. Chance is the entropy of the training labels.

    Raises ValueError where a file is missing, cut short or damaged.

    >>> pixel_mnist("/nowhere")
    Traceback (most recent call last):
    ValueError: folder must hold train-images-idx3-ubyte or its .gz, got none in /nowhere
    """
    steps = 784 if noise_to is None else as_integer(noise_to, "noise_to", minimum=785)
    images, labels = _mnist(str(Path(folder).resolve()))
    splits = {
        "train": (images["train"][5000:], labels["train"][5000:]),
        "validation": (images["train"][:5000], labels["train"][:5000]),
        "test": (images["test"], labels["test"]),
    }
    order = None
    if permuted:
        order = torch.from_numpy(np.random.RandomState(PERMUTATION_SEED).permutation(784))
    name = "pixel_mnist(permuted=True" if permuted else "pixel_mnist("
    if noise_to is not None:
        name += (", " if permuted else "") + f"noise_to={steps}"
    return _by_pixels(f"{name})", splits, 255, order, steps)


def pixel_digits(permuted: bool = False) -> Task:
    """Return the task to name one of scikit-learn's 8 x 8 digits after seeing its 64 pixels.

    The 1,797 images are real (UCI, Optical Recognition of Handwritten Digits) and come with
    scikit-learn; no network is needed. Pixels are in [0, 1]; every fifth image is in the validation
    split, every fifth in the test split. ``permuted`` uses RandomState(92916).permutation(64).

    Raises ImportError, with what to install, without scikit-learn.

    >>> pixel_digits().examples
    {'train': 1079, 'validation': 359, 'test': 359}
    """
    data = require_extra("sklearn.datasets", "pixel_digits").load_digits()
    pixels = torch.from_numpy(data.images.astype(np.uint8)).flatten(1)
    answers = torch.from_numpy(data.target.astype(np.int64))
    part = torch.arange(len(answers)) % 5
    chosen = {"train": part < 3, "validation": part == 3, "test": part == 4}
    splits = {split: (pixels[where], answers[where]) for split, where in chosen.items()}
    order = None
    if permuted:
        order = torch.from_numpy(np.random.RandomState(PERMUTATION_SEED).permutation(64))
    name = "pixel_digits(permuted=True)" if permuted else "pixel_digits()"
    return _by_pixels(name, splits, 16, order, 64)


def _by_pixels(
    name: str,
    splits: Mapping[str, tuple[Tensor, Tensor]],
    scale: int,
    order: Tensor | None,
    steps: int,
) -> Task:
    """Return a task over images (N, pixels) of bytes, one pixel a step, noise beyond them."""

    def sample(size: int, seed: int, split: str) -> Batch:
        images, labels = splits[split]
        indices, inside = positions(name, len(labels), size, seed, split)
        pixels = images[indices].float() / scale
        if order is not None:
            pixels = pixels[:, order]
        if pixels.shape[1] < steps:
            missing = steps - pixels.shape[1]
            noise = torch.rand(size, missing, generator=seeded(name, f"{split} noise", seed))
            pixels = torch.cat([pixels, noise], 1)
        targets, weights = at_last_step(labels[indices], steps)
        return pixels.t().unsqueeze(2).contiguous(), targets, weights * inside

    answers = splits["train"][1]
    classes = int(answers.max()) + 1
    return Task(
        name,
        steps,
        1,
        classes,
        entropy(torch.bincount(answers)),
        sample,
        examples={split: len(labels) for split, (_, labels) in splits.items()},
    )


def positions(name: str, count: int, size: int, seed: int, split: str) -> tuple[Tensor, Tensor]:
    """Return which of ``count`` examples a batch holds, and 1 or 0 for those inside the split.

    Batch ``seed`` of the training split is a piece of the endless sequence of passes, each in an
    order of its own; of another split, of one pass in order.
    """
    if split != "train":
        places = min(seed * size, count) + torch.arange(size)
        return places.clamp(max=count - 1), (places < count).float()
    first, before = divmod(seed * size, count)  # Python's integers have no largest one
    places = before + torch.arange(size)
    passes = places // count
    indices = torch.empty_like(places)
    for number in passes.unique().tolist():
        chosen = passes == number
        indices[chosen] = _order(name, count, first + number)[places[chosen] % count]
    return indices, torch.ones(size)


@functools.lru_cache(maxsize=4)
def _order(name: str, count: int, number: int) -> Tensor:
    return torch.randperm(count, generator=seeded(name, "pass", number))


@functools.lru_cache(maxsize=2)
def _mnist(folder: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return images (N, 784) and labels (N,) of both sets."""
    arrays = {kind: _read_idx(Path(folder), *file) for kind, file in _FILES.items()}
    images = {part: arrays[f"{part} images"].flatten(1) for part in ("train", "test")}
    labels = {part: arrays[f"{part} labels"].long() for part in ("train", "test")}
    for part, answers in labels.items():
        if int(answers.max()) > 9:
            raise ValueError(f"{part} labels must be digits 0..9, got {int(answers.max())}")
    return images, labels


def _read_idx(folder: Path, name: str, shape: tuple[int, ...]) -> Tensor:
    """Return the bytes of an IDX file as a tensor of the given shape."""
    places = [
        place / f"{name}{end}"
        for place in (folder, folder / "MNIST" / "raw")
        for end in ("", ".gz")
    ]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ValueError(f"folder must hold {name} or its .gz, got none in {folder}")
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} must be a whole gzip file, got {error}") from None
    head = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)
    if data[: len(head)] != head:
        raise ValueError(
            f"{path} must begin as an IDX file of bytes {shape}, got {data[:16].hex(' ')}"
        )
    if len(data) - len(head) != math.prod(shape):
        raise ValueError(
            f"{path} must hold {math.prod(shape)} bytes after its head, got {len(data) - len(head)}"
        )
    return torch.frombuffer(bytearray(data[len(head) :]), dtype=torch.uint8).reshape(shape)
