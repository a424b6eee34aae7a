"""How time and memory of an exact memory curve grow with the state.

    python -m tests.benchmarks.capacity_growth

Stacks of 1 to 9 layers of dilations 1, 2, 4, .., hidden size 20, the memory capacity of the output
at lags 0..1000; the largest has 10,220 values of state. Each runs in a process of its own, whose
greatest resident memory is told, what the imports take included; the time is that of building the
system and computing the curve, the median of three. Written to capacity_growth.csv.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import time
from pathlib import Path
from typing import Any

from drnn_theory import exponential_dilations, linear_system, memory_capacity
from drnn_theory.measured import write_measured
from drnn_theory.tables import where

HIDDEN, LAGS = 20, 1000


def measure(layers: int) -> dict[str, Any]:
    """Return time and memory of the curve of one stack, in a fresh process."""
    begin = time.perf_counter()
    system = linear_system(exponential_dilations(layers), HIDDEN)
    curve = memory_capacity(system, LAGS)
    seconds = time.perf_counter() - begin
    return {
        "states": system.size,
        "seconds": seconds,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "total": curve.total,
    }


def main() -> None:
    """Measure all sizes and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=9)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rows = []
    for layers in range(1, arguments.layers + 1):
        runs = []
        for _ in range(arguments.repetitions):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                runs.append(pool.apply(measure, (layers,)))
        rows.append(
            {
                "layers": layers,
                "largest dilation": 2 ** (layers - 1),
                "states": runs[0]["states"],
                "seconds": round(statistics.median(run["seconds"] for run in runs), 3),
                "megabytes": round(max(run["megabytes"] for run in runs), 1),
                "lags": LAGS,
                "hidden": HIDDEN,
                "repetitions": len(runs),
            }
        )
        print(*rows[-1].values(), sep="\t", flush=True)
    write_measured(
        arguments.output or "capacity_growth", rows, where=where(machine=True, threads=1, seed=0)
    )


if __name__ == "__main__":
    main()
