r"""Lyapunov exponents: at which rates small differences of states grow or shrink.

Of a linear system they are the logarithms of the eigenvalues' moduli. Of a model that is driven by
an input they are measured along its trajectory: tangent vectors of the delay-augmented state are
carried on by the Jacobian and made orthogonal by QR every few steps; the exponents are the mean
logarithms of what QR divides by [1].

[1] Benettin, Galgani, Giorgilli, Strelcyn, Lyapunov characteristic exponents for smooth dynamical
systems, Meccanica 1980.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drnn_theory.capacities.linear import LinearSystem
from drnn_theory.checks import as_integer, as_number, require_memory, shown

if TYPE_CHECKING:
    import torch

__all__ = ["LyapunovSpectrum", "lyapunov_exponents"]

BLOCKS = 10
"""Parts of a trajectory whose means give the standard error."""
LARGEST = 3000
"""States of a linear system up to which eigenvalues are computed."""


@dataclass(frozen=True)
class LyapunovSpectrum:
    """Lyapunov exponents per step, largest first.

    Attributes:
        values: the exponents; -inf where a direction is forgotten at once.
        standard_error: from the means over ten parts of the trajectory, 0 where exact.
        running: the estimates after each of the ten parts, (10, exponents): their convergence. A
            single row where they are exact.
        steps: length of the trajectory, 0 where exact.

    >>> spectrum = lyapunov_exponents(LinearSystem([[0.5, 1.0], [0.0, 0.25]], [1.0, 1.0]))
    >>> spectrum.values.round(4), spectrum.steps
    (array([-0.6931, -1.3863]), 0)
    """

    values: np.ndarray
    standard_error: np.ndarray
    running: np.ndarray
    steps: int


def lyapunov_exponents(
    model: torch.nn.Module | LinearSystem,
    count: int | None = None,
    *,
    steps: int = 1000,
    washout: int = 500,
    interval: int = 8,
    scale: float = 1.0,
    seed: int = 0,
) -> LyapunovSpectrum:
    """Return the Lyapunov exponents of a model driven by noise, or of a linear system.

    Args:
        model: a torch module of ``model(x, state) -> (output, state)`` and input size 1, or a
            :class:`LinearSystem`.
        count: how many exponents, the largest ones; None for all of them.
        steps: of the trajectory that they are means over.
        washout: steps before, in which state and tangent vectors settle.
        interval: steps from one QR to the next; fewer for exponents far apart.
        scale: the input is uniform in [-scale, scale].
        seed: of the input and of the first tangent vectors.

    The largest exponent is the rate at which the gradients of :func:`gradient_profile` decay at
    large lags, with the sign turned. Raises ValueError or TypeError for what does not fit.

    >>> import torch
    >>> from drnn_theory import DilatedRNN
    >>> generator = torch.manual_seed(0)
    >>> model = DilatedRNN(1, 4, [1, 2])
    >>> spectrum = lyapunov_exponents(model, 3, steps=200)
    >>> spectrum.values.shape, spectrum.running.shape, bool((spectrum.values < 0).all())
    ((3,), (10, 3), True)
    """
    if count is not None:
        count = as_integer(count, "count")
    if isinstance(model, LinearSystem):
        return _of_system(model, count)
    steps, interval = as_integer(steps, "steps"), as_integer(interval, "interval")
    washout = as_integer(washout, "washout", minimum=0)
    if steps < BLOCKS * interval:
        raise ValueError(
            f"steps must be at least {BLOCKS} intervals, {BLOCKS * interval}, got {steps}"
        )
    scale, seed = as_number(scale, "scale"), as_integer(seed, "seed", minimum=0)
    return exponents_together([model], count, steps, washout, interval, scale, [seed])[0]


def exponents_together(
    models: Sequence[torch.nn.Module],
    count: int | None,
    steps: int,
    washout: int,
    interval: int,
    scale: float,
    seeds: Sequence[int],
) -> list[LyapunovSpectrum]:
    """Return the spectra of models of one structure, which run side by side, a seed for each.

    >>> from drnn_theory import DilatedRNN
    >>> models = [DilatedRNN(1, 4, [1, 2]) for _ in range(3)]
    >>> len(exponents_together(models, 1, 80, 8, 8, 1.0, [0, 1, 2]))
    3
    """
    trajectory = _Trajectory(models, scale, seeds)
    size = trajectory.flat.shape[1]
    if count is not None and count > size:
        raise ValueError(f"count must be at most the {size} values of the state, got {count}")
    trajectory.begin(size if count is None else count)
    for _ in range(-(-washout // interval)):
        trajectory.advance(interval)
    rounds = steps // interval
    growths = np.stack([trajectory.advance(interval) for _ in range(rounds)]) / interval
    ends = [rounds * (block + 1) // BLOCKS for block in range(BLOCKS)]
    spectra = []
    for growth in growths.swapaxes(0, 1):
        parts = np.stack([part.mean(0) for part in np.split(growth, ends[:-1])])
        running = np.stack([growth[:end].mean(0) for end in ends])
        order = np.argsort(-running[-1], kind="stable")
        with np.errstate(invalid="ignore"):  # of -inf
            error = parts.std(0, ddof=1) / BLOCKS**0.5
        spectra.append(
            LyapunovSpectrum(running[-1][order], error[order], running[:, order], rounds * interval)
        )
    return spectra


def _of_system(system: LinearSystem, count: int | None) -> LyapunovSpectrum:
    if system.size > LARGEST:
        raise ValueError(
            f"a system must have at most {LARGEST} states for its spectrum, got {system.size}: its "
            "largest exponent is the logarithm of spectral_radius"
        )
    if count is not None and count > system.size:
        raise ValueError(
            f"count must be at most the {system.size} values of the state, got {count}"
        )
    product = system.A[0].toarray()
    for part in system.A[1:]:
        product = part @ product
    moduli = np.sort(np.abs(np.linalg.eigvals(product)))[::-1][:count]
    with np.errstate(divide="ignore"):
        values = np.log(moduli) / system.period
    return LyapunovSpectrum(values, np.zeros(len(values)), values[None], 0)


class _Trajectory:
    """States and orthonormal tangent vectors of models along their driven trajectories."""

    def __init__(
        self, models: Sequence[torch.nn.Module], scale: float, seeds: Sequence[int]
    ) -> None:
        import torch

        from drnn_theory.modules import in_dtype, require_one_direction

        for model in models:
            if not isinstance(model, torch.nn.Module):
                raise TypeError(
                    f"model must be a torch module or a LinearSystem, got {shown(model)}"
                )
            features = getattr(model, "input_size", 1)
            if features != 1:
                raise ValueError(
                    f"model must read one number per step, got input_size {shown(features)}"
                )
            require_one_direction(model)
        copies = [in_dtype(m, torch.float64).eval().requires_grad_(False) for m in models]
        self.model = copies[0]
        self.parameters: Any = torch.func.stack_module_state(copies)
        self.swap = bool(getattr(self.model, "batch_first", False))
        self.scale = scale
        self.generators = [np.random.default_rng(seed) for seed in seeds]
        result = self.model(torch.zeros(1, 1, 1, dtype=torch.float64))
        if not isinstance(result, tuple) or len(result) != 2:
            raise ValueError(
                "a model must return (output, state) for its exponents, got "
                f"{type(result).__name__}"
            )
        if any(h.is_complex() for h in _tensors(result[1])):
            raise ValueError(
                "a model must have real states for its exponents, got complex ones: return "
                "torch.view_as_real of them, and take it back with torch.view_as_complex"
            )
        self.like = _shapes(result[1])
        states = [m(torch.zeros(1, 1, 1, dtype=torch.float64))[1] for m in copies]
        self.flat = torch.stack([torch.cat([h.flatten() for h in _tensors(s)]) for s in states])
        self.tangents = np.zeros((0, 0, 0))

    def begin(self, count: int) -> None:
        """Draw random orthonormal tangent vectors."""
        number, size = self.flat.shape
        require_memory(
            32 * number * size * count, f"{count} tangent vectors of {size} values per model"
        )
        normal = [g.standard_normal((size, count)) for g in self.generators]
        self.tangents = np.linalg.qr(np.stack(normal))[0]

    def advance(self, count: int) -> np.ndarray:
        """Go on for ``count`` steps; return by model the logarithms of each direction's growth."""
        import torch
        from torch.func import functional_call, jvp, vmap

        sampled = np.stack([g.uniform(-self.scale, self.scale, count) for g in self.generators])
        x = torch.as_tensor(sampled).reshape(-1, *((1, count, 1) if self.swap else (count, 1, 1)))
        shapes = _tensors(self.like)
        after: list[Any] = []

        def run(parameters: Any, inputs: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
            pieces = flat.split([h.numel() for h in shapes])
            filled = (piece.view(h.shape) for piece, h in zip(pieces, shapes, strict=True))
            arguments = (inputs, _filled(self.like, filled))
            if parameters is None:
                state = self.model(*arguments)[1]
            else:
                state = functional_call(self.model, parameters, arguments)[1]
            after.append(_shapes(state))
            return torch.cat([h.flatten() for h in _tensors(state)])

        def push(parameters: Any, inputs: Any, flat: Any, tangents: Any) -> Any:
            def along(tangent: torch.Tensor) -> Any:
                return jvp(lambda state: run(parameters, inputs, state), (flat,), (tangent,))

            return vmap(along)(tangents)

        tangents = torch.as_tensor(np.ascontiguousarray(self.tangents.swapaxes(1, 2)))
        with warnings.catch_warnings():  # torch's own use of torch.jit when jvp is first called
            warnings.simplefilter("ignore", DeprecationWarning)
            if len(x) == 1:
                states, carried = (h[None] for h in push(None, x[0], self.flat[0], tangents[0]))
            else:
                states, carried = vmap(push)(self.parameters, x, self.flat, tangents)
        self.like, self.flat = after[0], states[:, 0].detach()
        self.tangents, r = np.linalg.qr(carried.detach().numpy().swapaxes(1, 2))
        with np.errstate(divide="ignore"):
            return np.log(np.abs(np.diagonal(r, axis1=1, axis2=2)))


def _tensors(state: Any) -> list[torch.Tensor]:
    from drnn_theory.capacities.simulation import tensors_of

    return tensors_of(state)


def _shapes(state: Any) -> Any:
    """Return a state with tensors of the same shapes that hold nothing."""
    import torch

    empty = [torch.empty(tuple(h.shape), device="meta") for h in _tensors(state)]
    return _filled(state, iter(empty))


def _filled(state: Any, tensors: Iterator[torch.Tensor]) -> Any:
    """Return a state of the same structure with other tensors."""
    if isinstance(state, (tuple, list)):
        entries = [_filled(entry, tensors) for entry in state]
        return type(state)(*entries) if hasattr(state, "_fields") else type(state)(entries)
    return next(tensors) if hasattr(state, "shape") else state
