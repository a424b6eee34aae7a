"""States of a torch model that are simulated, and the inputs that drive it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from drnn_theory.capacities.memory_curve import CONDITION
from drnn_theory.checks import as_integer, one_of, require_memory, shown
from drnn_theory.modules import borrowed, choose_run, in_dtype, require_one_direction

__all__ = [
    "as_sample_sizes",
    "delayed",
    "require_condition",
    "require_samples",
    "sample_sequences",
    "simulate",
    "tensors_of",
]


def simulate(model: torch.nn.Module, inputs: np.ndarray, *, read: str = "output") -> np.ndarray:
    """Return what is read of a model driven by inputs (times, batch), in float64 without dropout.

    "output" is the model's output, "state" all that it returns to go on from, step by step: shape
    (times, batch, values). The model itself is left as it was.

    >>> from drnn_theory import DilatedRNN
    >>> model, inputs = DilatedRNN(1, 5, [1, 2]), np.ones((7, 2))
    >>> simulate(model, inputs).shape, simulate(model, inputs, read="state").shape
    ((7, 2, 5), (7, 2, 15))
    """
    one_of(read, "read", ("output", "state"))
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model must be a torch module, got {shown(model)}")
    features = getattr(model, "input_size", 1)
    if features != 1:
        raise ValueError(f"model must read one number per step, got input_size {shown(features)}")
    double = in_dtype(model, torch.float64)
    whole = torch.as_tensor(inputs, dtype=torch.float64)[:, :, None]
    probe = torch.as_tensor(np.random.default_rng(0).uniform(-1, 1, (16, 3, 1)))
    with borrowed(double):
        if read == "output":
            run = choose_run(double, probe)
            with torch.no_grad():
                return _finite(np.asarray(run(whole).numpy()))
        require_one_direction(double)
        said = getattr(double, "batch_first", None)
        swap = said if isinstance(said, bool) else choose_run(double, probe).batch_first
        with torch.no_grad():
            return _finite(_stepped(double, whole, swap))


def _finite(states: np.ndarray) -> np.ndarray:
    """Return states, or refuse those of a model that diverges."""
    if not np.isfinite(states).all():
        time = int(np.flatnonzero(~np.isfinite(states).all((1, 2)))[0])
        raise ValueError(
            f"a model's states must stay finite, got others from step {time} on: scale its inputs "
            "or its recurrent weights down"
        )
    return states


def _stepped(double: torch.nn.Module, whole: torch.Tensor, swap: bool) -> np.ndarray:
    """Return the states that a model returns, step by step: (times, batch, values)."""
    states: list[np.ndarray] = []
    axes: list[int] = []
    state = None
    for step in whole.split(1):
        state = _next_state(double, step, state, swap)
        parts = tensors_of(state)
        if not axes:
            more = torch.cat([step, step[:, :1]], 1)  # by which the axis of sequences grows
            larger = tensors_of(_next_state(double, more, None, swap))
            axes = [_axis_that_grows(h, other) for h, other in zip(parts, larger, strict=True)]
        parts = [torch.view_as_real(h) if h.is_complex() else h for h in parts]
        rows = [h.movedim(axis, 0).flatten(1) for h, axis in zip(parts, axes, strict=True)]
        states.append(torch.cat(rows, 1).numpy())
        require_memory(8 * states[0].size * len(whole), f"{len(whole)} states")
    return np.stack(states)


def _next_state(double: torch.nn.Module, step: torch.Tensor, state: Any, swap: bool) -> Any:
    """Return the state after a step (1, batch, 1)."""
    x = step.transpose(0, 1) if swap else step
    result = double(x) if state is None else double(x, state)
    if not isinstance(result, tuple) or len(result) != 2:
        raise ValueError(
            "a model must return (output, state) for its state to be read, got "
            f"{type(result).__name__}"
        )
    return result[1]


def _axis_that_grows(state: torch.Tensor, other: torch.Tensor) -> int:
    """Return the axis of the sequences, in which a state of one more is larger by one."""
    sizes = list(zip(state.shape, other.shape, strict=True))
    grown = [axis for axis, (size, larger) in enumerate(sizes) if size != larger]
    if len(grown) != 1:
        raise ValueError(
            "a model's state must have one axis for the sequences to be read, got shapes "
            f"{tuple(state.shape)} and, with one sequence more, {tuple(other.shape)}"
        )
    return grown[0]


def tensors_of(state: Any) -> list[torch.Tensor]:
    """Return the tensors of a state, which may be nested, in order."""
    if isinstance(state, torch.Tensor):
        return [state]
    if isinstance(state, (tuple, list)):
        return [tensor for entry in state for tensor in tensors_of(entry)]
    return []


PER_FEATURE = 10
"""Samples that a regression needs per value that is read."""


def sample_sequences(steps: int, seeds: Iterable[int]) -> np.ndarray:
    """Return one sequence per seed, uniform in [-1, 1]: (steps, seeds)."""
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise TypeError(f"seeds must be a list of non-negative integers, got {shown(seeds)}")
    numbers = [as_integer(seed, "seed", minimum=0) for seed in seeds]
    if not numbers:
        raise ValueError("seeds must be one or more non-negative integers, got none")
    return np.stack([np.random.default_rng(n).uniform(-1, 1, steps) for n in numbers], 1)


def as_sample_sizes(samples: Any, washout: Any, lags: int) -> tuple[int, int]:
    """Return samples and washout, by default 500 or twice the lags, checked against the lags."""
    samples = as_integer(samples, "samples")
    washout = max(500, 2 * lags) if washout is None else as_integer(washout, "washout", minimum=0)
    if lags > washout:
        raise ValueError(f"washout must be at least the {lags} lags, got {washout}")
    if lags >= samples:
        raise ValueError(f"lags must be below the {samples} samples, got {lags}")
    return samples, washout


def delayed(inputs: np.ndarray, lags: int) -> np.ndarray:
    """Return u(t - k) for k = 0..lags, from the time lags on: (times, lags + 1)."""
    return np.lib.stride_tricks.sliding_window_view(inputs, lags + 1)[:, ::-1]


def require_samples(samples: int, features: int) -> None:
    """Refuse samples too few for a regression on so many values."""
    if samples < PER_FEATURE * features:
        raise ValueError(
            f"samples must number at least {PER_FEATURE} per value read, "
            f"{PER_FEATURE * features}, got {samples}: simulate longer or read fewer values"
        )


def require_condition(rows: np.ndarray) -> None:
    """Refuse centred states that are nearly dependent, each measured in its own size."""
    size = np.linalg.norm(rows, axis=0)
    if not size.all():
        raise ValueError(
            f"an output must be reached by the input, got {int((size == 0).sum())} values that "
            "stay constant"
        )
    condition = float(np.linalg.cond(rows / size))
    if condition > CONDITION:
        raise ValueError(
            f"states must have a condition number up to {CONDITION:.0e} for a regression to be "
            f"trusted, got {condition:.1e}: read fewer values"
        )
