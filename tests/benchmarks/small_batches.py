"""How long DilatedRNN takes beside the plain view form, from single sequences to large batches.

    python tests/benchmarks/small_batches.py --output drnn_theory/data/measured/small_batches.csv
    python tests/benchmarks/small_batches.py --crossovers
    python tests/benchmarks/small_batches.py --streaming

The grid is every cell over widths 20, 64, 256, batches 1, 4, 8, 32, 128 and lengths 100, 1000,
10^4 with at most 10^7 numbers per layer, forward and with backward, on one thread and on two, nine
layers of dilations 1..256. A case is pairs of runs in turn, the first pair dropped; `ratio` is the
median over pairs of DilatedRNN's time over the view form's, `low` and `high` the least and largest.
What lies above 1.10 is measured a second time, in `repeat` (else nan), with seven pairs more. At
the end the program says how many cases lie above 1.10, how many of them above 1.05 in the repeat,
and fails if there is one. On one thread it is the processor's time that is measured, which other
processes move little; on two it is that of the wall clock.

Cases that stand in the file given as `--output` are not measured once more, so that a grid of hours
goes on from where it was stopped.

`--crossovers` measures one layer by both ways, over the number of columns, and prints the ratio of
columns to torch's function: what drnn_theory.models.ways.columns_are_faster holds was read off it.

`--streaming` measures one step of nine layers of 20: a stream, torch's cells with one deque per
layer, and a call of the model with its state.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drnn_theory.measured import write_measured
from drnn_theory.models import DilatedRNN
from drnn_theory.models.folding import run_folded
from drnn_theory.models.recurrence import run_columns
from drnn_theory.tables import read_csv, spoken, where

if __package__:
    from tests.benchmarks.speed import ByView, dilations_of
else:
    from speed import ByView, dilations_of  # run as a script

MODES = ("forward", "forward+backward")
CASE = ("cell", "hidden size", "steps", "batch", "threads", "mode")


def pairs_of(one: Callable[[], Any], other: Callable[[], Any], pairs: int) -> list[Any]:
    """Return the seconds of both in turn, after one pair to warm up."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds = []
    for _ in range(pairs + 1):
        taken = []
        for run in (one, other):
            start = clock()
            run()
            taken.append(clock() - start)
        seconds.append(tuple(taken))
    return seconds[1:]


def runner(module: Any, x: Tensor, backward: bool) -> Callable[[], None]:
    """Return a function that runs a module once."""

    def run() -> None:
        with torch.set_grad_enabled(backward):
            y = module(x)
        if backward:
            module.zero_grad()
            (y[0] if isinstance(y, tuple) else y).sum().backward()

    return run


def measure_case(
    cell: str, hidden: int, steps: int, batch: int, threads: int, mode: str, pairs: int, layers: int
) -> dict[str, Any]:
    """Return the row of one case."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model, x = DilatedRNN(1, hidden, dilations_of(layers), cell=cell), torch.randn(steps, batch, 1)
    view = ByView(model)
    torch.testing.assert_close(view(x), model(x)[0], rtol=0, atol=1e-5)
    runs = [runner(module, x, mode == "forward+backward") for module in (model, view)]
    seconds = pairs_of(*runs, pairs)
    ratios = [own / other for own, other in seconds]
    ratio = statistics.median(ratios)
    repeat = math.nan
    if ratio > 1.10:
        repeat = round(statistics.median(a / b for a, b in pairs_of(*runs, 7)), 3)
    own, other = (1e3 * statistics.median(column) for column in zip(*seconds, strict=True))
    return {
        "cell": cell,
        "hidden size": hidden,
        "steps": steps,
        "batch": batch,
        "dilations": model.dilations,
        "threads": threads,
        "mode": mode,
        "milliseconds": round(own, 3),
        "view milliseconds": round(other, 3),
        "ratio": round(ratio, 3),
        "low": round(min(ratios), 3),
        "high": round(max(ratios), 3),
        "repeat": repeat,
        "pairs": pairs,
        "clock": "processor" if threads == 1 else "wall",
        "load": round(os.getloadavg()[0], 1),
        "where": spoken(where(torch=True, machine=True, seed=0)),
    }


def verdict(rows: list[dict[str, Any]]) -> tuple[str, bool]:
    """Return what the rows say in one line, and whether no case stays slower."""
    slow = [row for row in rows if float(row["ratio"]) > 1.10]
    stay = [row for row in slow if float(row["repeat"]) > 1.05]
    text = f"{len(rows)} cases, {len(slow)} above 1.10, {len(stay)} of them above 1.05 in a repeat"
    return text, not stay


def crossover(cell: str, hidden: int, width: int, backward: bool, pairs: int) -> float:
    """Return the time of one layer by columns over that by torch's function on a view."""
    torch.manual_seed(0)
    layer = getattr(torch.nn, cell)(hidden, hidden)
    weights, steps = list(layer.parameters()), max(2, min(100, 10**6 // (width * hidden)))
    rows = torch.randn(steps * width, 1, hidden, requires_grad=backward)
    columns = rows.detach().flatten(0, 1).t().contiguous().requires_grad_(backward)
    count = 2 if cell == "LSTM" else 1
    first = (torch.zeros(width, 1, hidden),) * count
    flat = (torch.zeros(hidden, width),) * count

    def by_columns() -> None:
        y, _ = run_columns(layer.mode, weights, columns, flat, backward)
        if backward:
            y.sum().backward()

    def by_torch() -> None:
        y, _ = run_folded(layer.mode, layer.training, weights, rows, first, width)
        if backward:
            y.sum().backward()

    with torch.set_grad_enabled(backward):
        return statistics.median(a / b for a, b in pairs_of(by_columns, by_torch, pairs))


def print_crossovers(cells: list[str], widths: list[int], threads: list[int], pairs: int) -> None:
    """Print the ratios over the number of columns."""
    columns = [2**k for k in range(13)]
    print("columns over torch's function, by the number of columns:", *columns)
    for count, cell, hidden, mode in product(threads, cells, widths, MODES):
        torch.set_num_threads(count)
        ratios = [crossover(cell, hidden, w, mode == MODES[1], pairs) for w in columns]
        text = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{cell} {hidden} threads={count} {mode}: {text}", flush=True)


class ByDeques:
    """Torch's cells with one deque of states per layer."""

    def __init__(self, model: DilatedRNN) -> None:
        self.cells, self.queues = [], []
        for layer, s in zip(model.layers, model.dilations, strict=True):
            cell = getattr(torch.nn, f"{model.cell}Cell")(layer.input_size, layer.hidden_size)
            own = {name.removesuffix("_l0"): p for name, p in layer.state_dict().items()}
            cell.load_state_dict(own)
            self.cells.append(cell)
            zero = torch.zeros(1, layer.hidden_size)
            start = (zero, zero) if model.cell == "LSTM" else zero
            self.queues.append(deque([start] * s, maxlen=s))

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        for cell, queue in zip(self.cells, self.queues, strict=True):
            new = cell(x, queue[0])
            queue.append(new)
            x = new[0] if isinstance(new, tuple) else new
        return x


def stream_times(cell: str, steps: int, pairs: int) -> dict[str, float]:
    """Return microseconds per step of a stream, of deques and of calls, and the first's ratio."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model, x = DilatedRNN(1, 20, dilations_of(9), cell=cell), torch.randn(steps, 1, 1)
    stream, deques = model.stream(), ByDeques(model)
    torch.testing.assert_close(deques.step(x[0]), stream.step(x[0]), rtol=0, atol=1e-6)
    state = model(x[:1])[1]

    def run(step: Callable[[Tensor], Any]) -> Callable[[], None]:
        return lambda: [step(now) for now in x] and None

    def call() -> None:
        nonlocal state
        with torch.no_grad():
            for now in x[: steps // 10]:
                _, state = model(now.unsqueeze(0), state)

    seconds = pairs_of(run(stream.step), run(deques.step), pairs)
    calls = [a for a, _ in pairs_of(call, call, 3)]
    own, other = (1e6 * statistics.median(column) / steps for column in zip(*seconds, strict=True))
    return {
        "stream": own,
        "deques": other,
        "calls": 1e6 * statistics.median(calls) / (steps // 10),
        "ratio": statistics.median(a / b for a, b in seconds),
    }


def rows_of(output: Path | None) -> list[dict[str, Any]]:
    """Return the rows that stand in the file, as they were before they were written."""
    if output is None or not output.exists():
        return []
    table = read_csv(output.read_text())
    names = [name for name in table.columns if name not in ("span", "convention")]
    origin = {"where": spoken(table.where)} if table.where else {}
    return [{name: row[name] for name in names} | origin for row in table.rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", default=["RNN", "GRU", "LSTM"])
    parser.add_argument("--hidden", nargs="+", type=int, default=[20, 64, 256])
    parser.add_argument("--steps", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 8, 32, 128])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES)
    parser.add_argument("--layers", type=int, default=9)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--largest", type=int, default=10**7, help="numbers of a layer's output")
    parser.add_argument("--crossovers", action="store_true")
    parser.add_argument("--streaming", action="store_true")
    parser.add_argument("--output", type=Path, help="a CSV file")
    options = parser.parse_args()
    if options.crossovers:
        print_crossovers(options.cells, options.hidden, options.threads, options.pairs)
        return 0
    if options.streaming:
        for cell in options.cells:
            times = stream_times(cell, options.steps[0], options.pairs)
            print(cell, ", ".join(f"{name} {value:.2f}" for name, value in times.items()))
        return 0
    names = options.cells, options.hidden, options.steps, options.batches
    cases = [
        (*case, threads, mode)
        for threads, mode, case in product(options.threads, options.modes, product(*names))
        if case[1] * case[2] * case[3] <= options.largest
    ]
    rows = rows_of(options.output)
    done = {tuple(row[name] for name in CASE) for row in rows}
    cases = [case for case in cases if case not in done]
    server = get_context("forkserver")  # which has imported torch already
    server.set_forkserver_preload(["__main__", "drnn_theory.models"])
    for case in cases:
        # a process of its own: what others left in the heap would favour some sides
        with ProcessPoolExecutor(1, server) as pool:
            row = pool.submit(measure_case, *case, options.pairs, options.layers).result()
        rows.append(row)
        print(*list(row.values())[:13], flush=True)
        if options.output:
            write_measured(options.output, rows, where=where(torch=True, machine=True, seed=0))
    text, good = verdict(rows)
    print(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
