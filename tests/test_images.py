"""MNIST's own files: whole, gzipped, missing, cut short and damaged."""

import gzip
import struct

import numpy as np
import pytest
import torch

from drnn_theory.learning import images, pixel_mnist

IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture(scope="module", name="content")
def _content():
    """Return small stand-ins for the four files: 28 x 28 pixels, the heads as distributed."""
    generator, content = np.random.default_rng(0), {}
    for name, (file, shape) in images._FILES.items():
        head = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)
        top = 10 if "labels" in name else 256
        body = np.resize(generator.integers(0, top, 7919, dtype=np.uint8), np.prod(shape))
        content[file] = head + body.tobytes()
    return content


@pytest.fixture(name="folder")
def _folder(tmp_path, content):
    images._mnist.cache_clear()
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_pixels_come_one_by_one_and_labels_at_the_last(folder, content):
    task = pixel_mnist(folder)
    inputs, targets, weights = task.batch(3, 0, "test")
    pixels = np.frombuffer(content["t10k-images-idx3-ubyte"][16 : 16 + 784], np.uint8)
    assert torch.equal(inputs[:, 0, 0], torch.tensor(pixels) / 255)
    assert targets[-1].tolist() == list(content["t10k-labels-idx1-ubyte"][8:11])
    assert weights.sum(0).tolist() == [1, 1, 1]
    assert weights[:-1].sum() == 0


def test_the_first_5000_training_images_validate(folder, content):
    task = pixel_mnist(folder)
    assert task.examples == {"train": 55_000, "validation": 5_000, "test": 10_000}
    labels = content["train-labels-idx1-ubyte"][8:]
    assert task.batch(4, 0, "validation")[1][-1].tolist() == list(labels[:4])
    shuffled = torch.bincount(task.batch(55_000, 0)[1][-1]).tolist()
    assert shuffled == np.bincount(np.frombuffer(labels[5000:], np.uint8)).tolist()


def test_the_permutation_is_the_published_one(folder):
    plain, permuted = pixel_mnist(folder), pixel_mnist(folder, permuted=True)
    order = np.random.RandomState(92916).permutation(784)
    assert order[:4].tolist() == [319, 576, 323, 107]
    assert torch.equal(plain.batch(2, 0, "test")[0][order], permuted.batch(2, 0, "test")[0])


def test_noise_fills_up_the_sequence_and_is_new_in_every_batch(folder):
    task = pixel_mnist(folder, noise_to=1000)
    first, again = task.batch(2, 0)[0], task.batch(2, 1)[0]
    assert first.shape == (1000, 2, 1)
    assert not torch.equal(first[784:], again[784:])
    assert 0.45 < float(first[784:].mean()) < 0.55
    assert task.batch(2, 0)[2][-1].tolist() == [1, 1]


def test_gzipped_files_and_a_folder_of_torchvision_are_read(tmp_path, content):
    images._mnist.cache_clear()
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, data in content.items():
        with gzip.open(raw / f"{name}.gz", "wb", compresslevel=1) as file:
            file.write(data)
    assert pixel_mnist(tmp_path).batch(2, 0)[0].shape == (784, 2, 1)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def damage_the_head(path):
    path.write_bytes(b"\x00\x00\x0d" + path.read_bytes()[3:])


def cut_the_gzip(path):
    data = gzip.compress(path.read_bytes(), 1)
    path.with_name(f"{path.name}.gz").write_bytes(data[: len(data) // 2])
    path.unlink()


def spoil_the_gzip(path):
    path.with_name(f"{path.name}.gz").write_bytes(b"no gzip at all")
    path.unlink()


@pytest.mark.parametrize(
    ("name", "spoil", "problem"),
    [
        (IMAGES, lambda p: p.unlink(), "folder must hold train-images-idx3-ubyte or"),
        (
            "train-images-idx3-ubyte",
            truncate,
            r"must hold 47040000 bytes after its head, got 47039999",
        ),
        (
            "t10k-labels-idx1-ubyte",
            damage_the_head,
            r"must begin as an IDX file of bytes \(10000,\), got",
        ),
        ("t10k-labels-idx1-ubyte", cut_the_gzip, "must be a whole gzip file, got"),
        ("t10k-labels-idx1-ubyte", spoil_the_gzip, "must be a whole gzip file, got"),
    ],
)
def test_a_missing_or_damaged_file_is_one_line(folder, name, spoil, problem):
    spoil(folder / name)
    with pytest.raises(ValueError, match=problem):
        pixel_mnist(folder)


def test_labels_beyond_nine_are_refused(folder):
    path = folder / "t10k-labels-idx1-ubyte"
    data = bytearray(path.read_bytes())
    data[100] = 11
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"test labels must be digits 0\.\.9, got 11"):
        pixel_mnist(folder)


def test_a_sequence_shorter_than_the_image_is_refused(folder):
    with pytest.raises(ValueError, match="noise_to must be an integer of at least 785, got 784"):
        pixel_mnist(folder, noise_to=784)
