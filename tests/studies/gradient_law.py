"""The law of gradient flow beside its measurement in random networks, with no fitted parameter.

    python -m tests.studies.gradient_law

Written to gradient_law.csv in drnn_theory/data/measured, one row per network, hidden size and lag:
the squared Frobenius norm of the Jacobian over the hidden size, as measured and as the law says.
The networks, all of dilations 1, 2, 4, 8:

    orthogonal   linear, recurrent matrices orthogonal times the gain; the mean over the draws
    gaussian     linear, recurrent matrices of normal entries; the median, for the mean is
                 heavy-tailed, and the excess over the law is of the order k^4 / 12 H^2 with k edges
    tanh         orthogonal matrices, input standard normal; the mean; law at the mean-field slopes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import networkx as nx
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    dilated_rnn,
    expected_gradient_profile,
    gradient_profile,
    mean_field_slopes,
)
from drnn_theory.measured import write_measured
from drnn_theory.tables import where

DILATIONS, GAIN, LAGS = (1, 2, 4, 8), 0.95, 65
SETTLED = 64
"""Steps after which the states of a tanh network have forgotten that they began at zero."""
DRAWS = {
    "orthogonal": {16: 40, 64: 10, 256: 3},
    "gaussian": {16: 201, 64: 51, 256: 25},
    "tanh": {16: 40, 64: 10, 256: 3},
}

Draw = Callable[[int, float, torch.Generator], Tensor]


def orthogonal(size: int, gain: float, generator: torch.Generator) -> Tensor:
    """Return a random orthogonal matrix, uniform over all of them, times the gain.

    Uniform is the factor Q of normal entries with R of positive diagonal: Mezzadri, How to generate
    random matrices from the classical compact groups, Notices of the AMS 54, 2007.
    """
    matrix = torch.randn(size, size, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(matrix)
    return gain * q * r.diagonal().sign()


def gaussian(size: int, gain: float, generator: torch.Generator) -> Tensor:
    """Return a matrix of normal entries of variance gain^2 / size."""
    matrix = torch.randn(size, size, generator=generator, dtype=torch.float64)
    return gain * matrix / size**0.5


def random_network(
    graph: nx.MultiDiGraph, size: int, gain: float, seed: int, draw: Draw = orthogonal
) -> GraphRNN:
    """Return a linear network, recurrent matrices of the gain, those of lag 0 orthogonal."""
    generator = torch.Generator().manual_seed(seed)
    model = GraphRNN(graph, size, size, nonlinearity="identity", dtype=torch.float64)
    with torch.no_grad():
        for weight, (_, _, lag) in zip(model.weights, model.edges, strict=True):
            weight.copy_((draw if lag else orthogonal)(size, gain if lag else 1, generator))
    return model


def measure(
    graph: nx.MultiDiGraph,
    size: int,
    gain: float,
    draws: int,
    lags: int,
    draw: Draw = orthogonal,
) -> np.ndarray:
    """Return norms**2 / size of random linear networks, one row per draw."""
    profiles = [
        gradient_profile(
            random_network(graph, size, gain, seed, draw), lags, inputs=torch.zeros(lags, 1, size)
        )
        for seed in range(draws)
    ]
    return np.array([profile.norms**2 / size for profile in profiles])


def random_tanh(
    dilations: Sequence[int], size: int, gain: float, generator: torch.Generator
) -> DilatedRNN:
    """Return a tanh stack of orthogonal matrices, the recurrent ones of the gain, no biases."""
    model = DilatedRNN(size, size, dilations, dtype=torch.float64, bias=False)
    with torch.no_grad():
        for layer in model.layers:
            layer.weight_ih_l0.copy_(orthogonal(size, 1, generator))
            layer.weight_hh_l0.copy_(orthogonal(size, gain, generator))
    return model


def measure_tanh(
    dilations: tuple[int, ...], size: int, gain: float, draws: int, lags: int, settled: int
) -> np.ndarray:
    """Return norms**2 / size of random tanh stacks, one row per draw; ``settled`` steps before."""
    rows = []
    for seed in range(draws):
        generator = torch.Generator().manual_seed(seed)
        model = random_tanh(dilations, size, gain, generator)
        x = torch.randn(settled + lags, 2, size, generator=generator)
        profile = gradient_profile(model, settled + lags, inputs=x)
        rows.append(profile.norms[:lags] ** 2 / size)
    return np.array(rows)


def rows() -> Iterator[dict[str, Any]]:
    """Measure every network and yield the table's rows."""
    graph = dilated_rnn(DILATIONS)
    for network, draws in DRAWS.items():
        slopes = mean_field_slopes(len(DILATIONS), GAIN) if network == "tanh" else None
        law = expected_gradient_profile(DILATIONS, GAIN, LAGS - 1, slopes=slopes)
        for size, number in tqdm(draws.items(), desc=network):
            if network == "tanh":
                found = measure_tanh(DILATIONS, size, GAIN, number, LAGS, SETTLED)
            else:
                draw = gaussian if network == "gaussian" else orthogonal
                found = measure(graph, size, GAIN, number, LAGS, draw)
            middle = np.median(found, 0) if network == "gaussian" else found.mean(0)
            for lag in range(LAGS):
                yield {
                    "network": network,
                    "hidden size": size,
                    "lag": lag,
                    "measured": float(f"{middle[lag]:.6g}"),
                    "statistic": "median" if network == "gaussian" else "mean",
                    "law": float(f"{law[lag]:.6g}"),
                    "dilations": DILATIONS,
                    "gain": GAIN,
                    "draws": number,
                    "seeds": f"0..{number - 1}",
                }


def main() -> None:
    """Measure and write the table."""
    torch.set_num_threads(1)
    origin = where(torch=True, machine=True, threads=1)
    write_measured("gradient_law", rows(), where=origin)


if __name__ == "__main__":
    main()
