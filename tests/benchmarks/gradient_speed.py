"""How long the exact Jacobian by lag takes beside what torch offers, on one CPU thread.

    python -m tests.benchmarks.gradient_speed --output drnn_theory/data/measured/gradient_speed.csv

T = 1000 steps, hidden 20, one sequence, float32: the Jacobian of the last output to every input.
All ways take turns in shuffled order, round after round, in one process; the table gives medians
of the processor's time, which other processes move little.
`ratio` is the time of the way over that of gradient_profile: above 1, gradient_profile is faster.
No way is asked for gradients of the parameters. The ways:

    gradient_profile   the package's
    jacobian           torch.autograd.functional.jacobian, one backward pass per unit
    vectorized         the same with vectorize=True
    jacrev             torch.func.jacrev
    copies             one backward pass, the input repeated once per unit: the best by hand
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
import warnings
from pathlib import Path

import torch

from drnn_theory import DilatedRNN, gradient_profile
from drnn_theory.measured import write_measured
from drnn_theory.tables import where

HIDDEN = 20


class TCN(torch.nn.Module):
    """Nine causal convolutions of dilations 1..256, time-major."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [1, *[HIDDEN] * 9]
        self.layers = torch.nn.ModuleList(
            torch.nn.Conv1d(size, HIDDEN, 2, dilation=2**i) for i, size in enumerate(sizes[:9])
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.permute(1, 2, 0)
        for layer in self.layers:
            padded = torch.nn.functional.pad(x, (layer.dilation[0], 0))
            x = torch.tanh(layer(padded))
        return x.permute(2, 0, 1)


class Attention(torch.nn.Module):
    """Two layers of a Transformer encoder with a causal mask, time-major."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.enter = torch.nn.Linear(1, HIDDEN)
        layer = torch.nn.TransformerEncoderLayer(HIDDEN, 4, 64, dropout=0.0)
        self.encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        mask = torch.nn.Transformer.generate_square_subsequent_mask(steps)
        self.register_buffer("mask", mask)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.encoder(self.enter(x), mask=self.mask)


def modules(steps: int) -> dict[str, torch.nn.Module]:
    """Return the modules by name."""
    dilations = [2**i for i in range(9)]
    named: dict[str, torch.nn.Module] = {
        f"DilatedRNN {cell}": DilatedRNN(1, HIDDEN, dilations, cell=cell)
        for cell in ("RNN", "GRU", "LSTM")
    }
    named |= {f"torch.nn.{cell}": getattr(torch.nn, cell)(1, HIDDEN) for cell in ("GRU", "LSTM")}
    return named | {"TCN": TCN(), "Transformer": Attention(steps)}


def ways(module: torch.nn.Module, x: torch.Tensor) -> dict:
    """Return a function for every way."""

    def last(x: torch.Tensor) -> torch.Tensor:
        output = module(x)
        return (output[0] if isinstance(output, tuple) else output)[-1]

    def copies() -> torch.Tensor:
        repeated = x.repeat(1, HIDDEN, 1).requires_grad_()
        return torch.autograd.grad(last(repeated), repeated, torch.eye(HIDDEN))[0]

    jacobian = torch.autograd.functional.jacobian
    return {
        "gradient_profile": lambda: gradient_profile(module, len(x), inputs=x),
        "jacobian": lambda: jacobian(lambda x: last(x)[0], x),
        "vectorized": lambda: jacobian(lambda x: last(x)[0], x, vectorize=True),
        "jacrev": lambda: torch.func.jacrev(lambda x: last(x)[0])(x),
        "copies": copies,
    }


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=11)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    rows, order = [], random.Random(0)
    x = torch.randn(arguments.steps, 1, 1)
    for name, module in modules(arguments.steps).items():
        for parameter in module.parameters():
            parameter.requires_grad_(False)  # no way need compute their gradients
        times: dict[str, list[float]] = {}
        for _ in range(arguments.repetitions):
            turns = list(ways(module, x).items())
            order.shuffle(turns)  # a way pays for the memory that the one before it gave back
            for way, run in turns:
                begin = time.process_time()
                try:
                    run()
                except RuntimeError:  # a way that does not know this module
                    continue
                times.setdefault(way, []).append(time.process_time() - begin)
        medians = {way: statistics.median(seconds) for way, seconds in times.items()}
        for way in [way for way in ways(module, x) if way in medians]:
            seconds = medians[way]
            ratio = seconds / medians["gradient_profile"]
            rows.append(
                {
                    "module": name,
                    "way": way,
                    "milliseconds": round(1000 * seconds, 1),
                    "ratio": round(ratio, 2),
                    "steps": arguments.steps,
                    "hidden size": HIDDEN,
                    "repetitions": arguments.repetitions,
                    "load": round(os.getloadavg()[0], 1),
                }
            )
            print(*list(rows[-1].values())[:4], sep="\t", flush=True)
    if arguments.output:
        origin = where(torch=True, machine=True, threads=1, seed=0)
        write_measured(arguments.output, rows, where=origin)


if __name__ == "__main__":
    main()
