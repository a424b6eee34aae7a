"""Time and memory of gradient_profile beside torch.autograd.functional.jacobian, module by module.

    python -m tests.benchmarks.module_speed --output build/module_speed.csv

The modules of tests/benchmarks/modules.py, 256 and 1000 steps, one sequence, float32, one thread.
`ratio` is the median over the rounds of the processor's time of gradient_profile over that of the
jacobian in the same round, their order drawn; `memory ratio` that of the peaks above what was there
before, each in a process of its own (Linux only). Neither should pass 1.1 and 2.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import gc
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from drnn_theory import gradient_profile
from tests.benchmarks.modules import MODULES

COLUMNS = ["module", "steps", "jacobian ms", "profile ms", "ratio", "least", "most"]
COLUMNS += ["jacobian MB", "profile MB", "memory ratio", "rounds", "torch"]


def ways(name: str, steps: int) -> dict[str, Callable[[], Any]]:
    """Return both ways of one module, its parameters asking for no gradient."""
    torch.manual_seed(0)
    module = MODULES[name]().requires_grad_(False)
    x = torch.randn(steps, 1, module.input_size)
    return {
        "jacobian": lambda: torch.autograd.functional.jacobian(lambda x: module(x)[-1, 0], x),
        "profile": lambda: gradient_profile(module, steps, inputs=x),
    }


def times(name: str, steps: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way, round after round in an order that is drawn."""
    order, seconds = random.Random(0), {"jacobian": [], "profile": []}
    turns = list(ways(name, steps).items())
    for way in ways(name, 16).values():  # what is loaded at the first use is no time
        way()
    for _ in range(rounds):
        order.shuffle(turns)
        for way, run in turns:
            begin = time.process_time()
            run()
            seconds[way].append(time.process_time() - begin)
    return seconds


def peak(name: str, steps: int, way: str) -> float:
    """Return the MB that one run takes at most above what was there before it."""
    torch.set_num_threads(1)
    torch.func.vmap(torch.neg)(torch.zeros(2))
    for run in ways(name, 80).values():
        run()
    run = ways(name, steps)[way]
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else what the first runs gave back is there already
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = _status("VmRSS")
    run()
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def main() -> None:
    """Measure and write the table, or print one peak."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, nargs="+", default=[256, 1000])
    parser.add_argument("--modules", nargs="+", default=list(MODULES))
    parser.add_argument("--peak", nargs=3, metavar=("MODULE", "STEPS", "WAY"))
    options = parser.parse_args()
    if options.peak:
        name, steps, way = options.peak
        print(peak(name, int(steps), way))
        return
    torch.set_num_threads(1)
    rows: list[list[Any]] = []
    for name in options.modules:
        for steps in options.steps:
            seconds = times(name, steps, options.rounds)
            both = zip(seconds["profile"], seconds["jacobian"], strict=True)
            ratios = sorted(ours / torchs for ours, torchs in both)
            megabytes = {}
            for way in seconds:
                command = [sys.executable, "-m", "tests.benchmarks.module_speed", "--peak"]
                done = subprocess.run(
                    [*command, name, str(steps), way], capture_output=True, text=True, check=True
                )
                megabytes[way] = float(done.stdout)
            middle = {way: 1000 * statistics.median(taken) for way, taken in seconds.items()}
            row = [name, steps, f"{middle['jacobian']:.1f}", f"{middle['profile']:.1f}"]
            row += [f"{r:.2f}" for r in (statistics.median(ratios), ratios[0], ratios[-1])]
            row += [f"{megabytes['jacobian']:.1f}", f"{megabytes['profile']:.1f}"]
            row += [f"{megabytes['profile'] / max(megabytes['jacobian'], 0.1):.2f}"]
            rows.append([*row, options.rounds, torch.__version__])
            print(*rows[-1], sep="\t", flush=True)
    if options.output:
        with options.output.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
