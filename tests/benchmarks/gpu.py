"""All that a GPU can be asked, in one command, in one table.

    python -m tests.benchmarks.gpu --output drnn_theory/data/measured/gpu.csv

Agreement with the CPU in float64 (outputs, gradients, gradient profiles, path lengths); the speed
of DilatedRNN, forward and backward, against the undilated torch.nn stack and the form that
interleaves phases by cat, taking turns; the gradient profile at T = 10^5. Every check has its own
line; one that fails or would not end in time says so and the others go on. Exit code 1 if an
agreement fails. Meant to end within 8 minutes; on another device (--device cpu) with small sizes
(--quick) it only shows that it runs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    gradient_profile,
    measure_path_lengths,
    shortest_path_lengths,
    skip_rnn,
)
from drnn_theory.measured import write_measured
from drnn_theory.tables import where
from tests.benchmarks.speed import ByView, Undilated

CELLS = ("RNN", "GRU", "LSTM")
NINE = [2**i for i in range(9)]
AGREES = 1e-10  # float64, sums of thousands of terms in another order
BUDGET = 420.0  # seconds, after which no further case is begun

Row = tuple[str, str, float, str, str]


class ByCat(ByView):
    """The interleaving form: the same layers, with phases sliced, joined, split and stacked."""

    def fold(self, x: Tensor, s: int) -> Tensor:
        return torch.cat([x[phase::s] for phase in range(s)], 1)

    def unfold(self, y: Tensor, s: int) -> Tensor:
        return torch.stack(y.chunk(s, 1), 1).flatten(0, 1)


def main() -> int:
    """Run every check and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("the device must be available, got cuda without a GPU", file=sys.stderr)
        return 2
    device = torch.device(arguments.device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    rows, begin = [], time.monotonic()
    for check in (agreement, speed, long_profile):
        for row in check(device, arguments.quick):
            check_name, case, value, unit, verdict = row
            rows.append(
                {
                    "check": check_name,
                    "case": case,
                    "value": float(f"{value:.4g}"),
                    "unit": unit,
                    "verdict": verdict,
                    "device": name,
                }
            )
            print(*list(rows[-1].values())[:5], sep="\t", flush=True)
            if time.monotonic() - begin > BUDGET:
                print(f"{check.__name__} was cut short after {BUDGET:.0f} s", flush=True)
                break
    print(f"{len(rows)} rows in {time.monotonic() - begin:.0f} s on {name}")
    if arguments.output:
        write_measured(arguments.output, rows, where=where(torch=True, machine=True, seed=0))
    return int(any(row["verdict"] == "FAILS" for row in rows))


def agreement(device: torch.device, quick: bool) -> Iterator[Row]:
    """Compare the device with the CPU in float64."""
    steps = 60 if quick else 600
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(steps, 3, 2, generator=generator, dtype=torch.float64)
    torch.manual_seed(0)
    models: dict[str, torch.nn.Module] = {
        f"DilatedRNN {cell}": DilatedRNN(2, 20, [1, 2, 4, 8, 16], cell=cell, dtype=torch.float64)
        for cell in CELLS
    }
    models["fused DilatedRNN"] = DilatedRNN(2, 20, [4, 8], fusion=True, dtype=torch.float64)
    models["GraphRNN"] = GraphRNN(skip_rnn(5, layers=2), 2, 20, dtype=torch.float64)
    models["torch.nn.GRU"] = torch.nn.GRU(2, 20, dtype=torch.float64)
    for name, model in models.items():
        outputs, gradients, profiles = [], [], []
        for place in (torch.device("cpu"), device):
            model.to(place).zero_grad()
            output = model(x.to(place))[0]
            output.square().sum().backward()
            outputs.append(output.detach().cpu())
            gradients.append(torch.cat([p.grad.cpu().flatten() for p in model.parameters()]))
            profile = gradient_profile(model, steps, inputs=x, spectral=True)
            profiles.append(torch.tensor([profile.norms, profile.spectral]))
        for what, (one, other) in (
            ("output", outputs),
            ("gradient", gradients),
            ("gradient profile", profiles),
        ):
            error = float((one - other).abs().max() / one.abs().max())
            yield "agreement", f"{name}, {what}", error, "relative", verdict(error < AGREES)
    model = DilatedRNN(1, 4, NINE, device=device)
    measured = measure_path_lengths(model, 300)
    same = measured.tolist() == (shortest_path_lengths(NINE, 299) - 9).tolist()
    yield "agreement", "path lengths of nine layers, 300 lags", float(not same), "", verdict(same)


def verdict(good: bool) -> str:
    """Return the word for the table."""
    return "agrees" if good else "FAILS"


def timed(device: torch.device, run: Callable[[], Any]) -> float:
    """Return the milliseconds of one run, finished on the device."""
    synchronize(device)
    begin = time.perf_counter()
    run()
    synchronize(device)
    return 1000 * (time.perf_counter() - begin)


def train(module: torch.nn.Module, x: torch.Tensor) -> None:
    """Run forward and backward once."""
    output = module(x)
    output = output[0] if isinstance(output, tuple) else output
    output.square().mean().backward()


def synchronize(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def speed(device: torch.device, quick: bool) -> Iterator[Row]:
    """Time forward and backward of the three forms, taking turns."""
    steps = 64 if quick else 1000
    rounds = 2 if quick else 7
    for cell in CELLS:
        for hidden in (20,) if quick else (20, 64, 256):
            torch.manual_seed(0)
            x = torch.randn(steps, 32, 1, device=device)
            model = DilatedRNN(1, hidden, NINE, cell=cell, device=device)
            sides: dict[str, torch.nn.Module] = {
                "DilatedRNN": model,
                "cat": ByCat(model),
                "torch.nn stack": Undilated(cell, hidden, len(NINE)).to(device),
            }
            times: dict[str, list[float]] = {side: [] for side in sides}
            for turn in range(rounds + 1):
                for side, module in sides.items():
                    taken = timed(device, partial(train, module, x))
                    if turn:  # the first warms up
                        times[side].append(taken)
            medians = {side: statistics.median(taken) for side, taken in times.items()}
            for side, taken in medians.items():
                ratio = f"{taken / medians['DilatedRNN']:.2f} times DilatedRNN"
                yield "speed", f"{cell}, hidden {hidden}, {side}", taken, "ms", ratio


def long_profile(device: torch.device, quick: bool) -> Iterator[Row]:
    """Measure the gradient profile at T = 10^5."""
    steps = 1000 if quick else 100_000
    for cell in CELLS:
        torch.manual_seed(0)
        model = DilatedRNN(1, 20, NINE, cell=cell, device=device)
        synchronize(device)
        begin = time.perf_counter()
        profile = gradient_profile(model, steps)  # its norms come back, so that it is done
        taken = time.perf_counter() - begin
        reached = f"norm {profile.norms[-1]:.2g} at the last lag"
        yield "gradient profile", f"DilatedRNN {cell}, T = {steps}", taken, "s", reached
        if device.type == "cuda":
            memory = torch.cuda.max_memory_allocated() / 2**30
            yield "gradient profile", f"DilatedRNN {cell}, peak memory so far", memory, "GiB", ""


if __name__ == "__main__":
    sys.exit(main())
