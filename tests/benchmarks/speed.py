"""How long DilatedRNN takes beside other ways to run the same network, on the CPU.

    python tests/benchmarks/speed.py --output drnn_theory/data/measured/speed_cpu.csv

All sides of a case run in turn, round after round, in one process of their own, so that whatever
else the machine does meets them alike; the table gives medians. `ratio` is the view form's time
over the side's: above 1 is faster than the view form. The sides:

    DilatedRNN   the package's module
    view         one call of torch.nn per layer on a view (T/s, s*B, F), T padded
    undilated    one torch.nn.RNN, GRU or LSTM of as many layers and units: T steps for each
    products     the module's matrix products alone, one after the other, each to memory of its own
    peers        other implementations with the same parameters, checked to give the same output,
                 from files that the user has: for instance pytorch-dilated-rnn of zalandoresearch
                 and neuralforecast's DilatedRNN (pip download --no-deps, unpacked):
                 --peer "zalandoresearch 0a33cce=CLONE/drnn.py"
                 --peer "neuralforecast 3.3.0=UNPACKED/neuralforecast/models/dilated_rnn.py"

`load` is the system's load average at the end of the case: above the number of threads, others
were at work.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drnn_theory.measured import write_measured
from drnn_theory.models import DilatedRNN
from drnn_theory.tables import read_csv, spoken, where

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


class ByView(torch.nn.Module):
    """The plain view form: pad the time axis, fold, call torch's layer, unfold, cut."""

    def __init__(self, model: DilatedRNN) -> None:
        super().__init__()
        self.layers, self.dilations = model.layers, model.dilations

    def forward(self, x: Tensor) -> Tensor:
        steps = x.size(0)
        for layer, s in zip(self.layers, self.dilations, strict=True):
            x = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, -x.size(0) % s))
            y, _ = layer(self.fold(x, s))
            x = self.unfold(y, s)[:steps]
        return x

    def fold(self, x: Tensor, s: int) -> Tensor:
        return x.unflatten(0, (-1, s)).flatten(1, 2)

    def unfold(self, y: Tensor, s: int) -> Tensor:
        return y.unflatten(1, (s, -1)).flatten(0, 1)


class Undilated(torch.nn.Module):
    """torch.nn's own stack of the same size."""

    def __init__(self, cell: str, hidden: int, layers: int) -> None:
        super().__init__()
        self.stack = getattr(torch.nn, cell)(1, hidden, num_layers=layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.stack(x)[0]


class Peer(torch.nn.Module):
    """The module DRNN of another implementation, holding the parameters of a DilatedRNN."""

    def __init__(self, path: str, model: DilatedRNN) -> None:
        super().__init__()
        wanted = _drnn_in(path)
        options = {"cell_type": model.cell, "batch_first": False}
        if "dilations" in inspect.signature(wanted).parameters:
            options["dilations"] = list(model.dilations)
        self.net = wanted(1, model.hidden_size, len(model.dilations), **options)
        for own, other in zip(model.layers, self.net.cells, strict=True):
            other.load_state_dict(own.state_dict())

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)[0]


def _drnn_in(path: str) -> Callable[..., Any]:
    """Return the class DRNN of a file, which is read without the package that it belongs to."""
    tree = ast.parse(Path(path).read_text())
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.ImportFrom) and node.level)
        and (not isinstance(node, ast.ClassDef) or node.name == "DRNN")
    ]
    names: dict[str, Any] = {}
    exec(compile(tree, path, "exec"), names)
    return names["DRNN"]


def products(
    cell: str, hidden: int, steps: int, batch: int, dilations: tuple[int, ...]
) -> Callable:
    """Return a function that does the matrix products of one pass, forward or both ways."""
    rows, columns = GATES[cell] * hidden, steps * batch
    w, u = torch.randn(rows, hidden), torch.randn(rows, hidden)
    x, gates = torch.randn(hidden, columns), torch.randn(rows, columns)
    wide, narrow, square = torch.empty_like(gates), torch.empty_like(x), torch.empty_like(w)

    def run(backward: bool) -> None:
        for layer, s in enumerate(dilations):
            block = s * batch
            w_in, x_in = (w, x) if layer else (w[:, :1], x[:1])
            torch.mm(w_in, x_in, out=wide)
            for now, out in zip(x.split(block, 1), wide.split(block, 1), strict=True):
                torch.mm(u, now, out=out)
            if backward:
                for now, out in zip(gates.split(block, 1), narrow.split(block, 1), strict=True):
                    torch.mm(u.t(), now, out=out)
                torch.mm(gates, x_in.t(), out=square[:, : x_in.size(0)])
                torch.mm(gates, x.t(), out=square)
                if layer:
                    torch.mm(w.t(), gates, out=narrow)

    return run


def sides(
    cell: str, hidden: int, x: Tensor, dilations: tuple[int, ...], peers: dict[str, str]
) -> dict[str, Callable]:
    """Return a function of ``backward`` for every side."""
    model = DilatedRNN(1, hidden, dilations, cell=cell)
    modules: dict[str, torch.nn.Module] = {"DilatedRNN": model, "view": ByView(model)}
    modules |= {name: Peer(path, model) for name, path in peers.items()}
    for module in modules.values():  # they all run one network
        output = module(x)
        output = output[0] if isinstance(output, tuple) else output
        torch.testing.assert_close(output, model(x)[0], rtol=0, atol=1e-5)
    modules["undilated"] = Undilated(cell, hidden, len(dilations))

    def runner(module: torch.nn.Module) -> Callable:
        def run(backward: bool) -> None:
            with torch.set_grad_enabled(backward):
                y = module(x)
            if backward:
                module.zero_grad()
                (y[0] if isinstance(y, tuple) else y).sum().backward()

        return run

    runners = {name: runner(module) for name, module in modules.items()}
    runners["products"] = products(cell, hidden, x.size(0), x.size(1), dilations)
    return runners


def measure(runners: dict, backward: bool, repetitions: int) -> dict[str, float]:
    """Return the median seconds of every side, the rounds interleaved, the first one dropped."""
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(repetitions + 1):
        for name, run in runners.items():
            start = time.perf_counter()
            run(backward)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def measure_case(
    threads: int,
    steps: int,
    cell: str,
    hidden: int,
    mode: str,
    options: argparse.Namespace,
    peers: dict[str, str],
) -> dict[str, float]:
    """Return the median seconds of every side of one case."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x = torch.randn(steps, options.batch, 1)
    runners = sides(cell, hidden, x, dilations_of(options.layers), peers)
    return measure(runners, mode == "forward+backward", options.repetitions)


def dilations_of(layers: int) -> tuple[int, ...]:
    """Return the powers of two, one per layer."""
    return tuple(2**layer for layer in range(layers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", default=["RNN", "GRU", "LSTM"])
    parser.add_argument("--hidden", nargs="+", type=int, default=[20, 64])
    parser.add_argument("--steps", nargs="+", type=int, default=[784, 1000, 4000])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--modes", nargs="+", default=["forward", "forward+backward"])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--layers", type=int, default=9)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--output", type=Path, help="a CSV file, to which rows are added")
    options = parser.parse_args()
    dilations = dilations_of(options.layers)
    peers = dict(peer.split("=", 1) for peer in options.peer)
    origin = where(torch=True, machine=True, seed=0)
    rows = []
    if options.output and options.output.exists():
        before = read_csv(options.output.read_text(encoding="utf-8"))
        rows = [{"where": spoken(before.where), **row} for row in before]
    cases = [
        (threads, steps, cell, hidden, mode)
        for steps in options.steps
        for threads in options.threads
        for cell in options.cells
        for hidden in options.hidden
        for mode in options.modes
    ]
    for case in cases:
        # a process of its own: what others left in the heap would favour some sides
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            medians = pool.submit(measure_case, *case, options, peers).result()
        threads, steps, cell, hidden, mode = case
        for side, seconds in medians.items():
            ratio = medians["view"] / seconds
            rows.append(
                {
                    "cell": cell,
                    "hidden size": hidden,
                    "steps": steps,
                    "batch": options.batch,
                    "dilations": dilations,
                    "threads": threads,
                    "mode": mode,
                    "side": side,
                    "milliseconds": round(1e3 * seconds, 1),
                    "ratio": round(ratio, 2),
                    "repetitions": options.repetitions,
                    "load": round(os.getloadavg()[0], 1),
                    "where": spoken(origin),
                }
            )
        shown = ", ".join(f"{side} {medians['view'] / t:.2f}" for side, t in medians.items())
        print(f"{cell} {hidden} T={steps} threads={threads} {mode}: {shown}", flush=True)
        if options.output:
            write_measured(options.output, rows, where=origin)


if __name__ == "__main__":
    main()
