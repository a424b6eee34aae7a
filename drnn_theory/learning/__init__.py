"""Tasks that need memory, and the training of networks on them."""

import drnn_theory.models  # noqa: F401  # says what to install where torch is missing
from drnn_theory.learning.images import pixel_digits, pixel_mnist
from drnn_theory.learning.tasks import Task, adding, copy_memory, recall, recall_within
from drnn_theory.learning.texts import characters, reviews
from drnn_theory.learning.training import Training, train

__all__ = [
    "Task",
    "Training",
    "adding",
    "characters",
    "copy_memory",
    "pixel_digits",
    "pixel_mnist",
    "recall",
    "recall_within",
    "reviews",
    "train",
]
