"""GraphRNN's units that read themselves, run as layers and block after block.

    python -m tests.benchmarks.graph_loops [--pairs 7]

Three units of every kind, tanh, float32, one thread. A line is the median of the processor's time
by layers, and that of the ratio to blocks over pairs of runs in turn, the first pair dropped, with
the least and the largest.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import product
from unittest.mock import patch

import torch
from torch import Tensor

from drnn_theory import GraphRNN, dilated_rnn, skip_rnn

GRAPHS = {
    "skip 256": skip_rnn(256, layers=3),
    "skip 8": skip_rnn(8, layers=3),
    "skip 4": skip_rnn(4, layers=3),
    "plain": dilated_rnn([1, 1, 1]),
    "dilations 1, 16, 64": dilated_rnn([1, 16, 64]),
}


def seconds(model: GraphRNN, x: Tensor, backward: bool) -> float:
    """Return the processor's time of one run."""
    begin = time.process_time()
    with torch.set_grad_enabled(backward):
        output = model(x)[0]
    if backward:
        output.sum().backward()
    return time.process_time() - begin


def pair(model: GraphRNN, x: Tensor, backward: bool) -> tuple[float, float]:
    """Return the time by layers and by blocks."""
    layers = seconds(model, x, backward)
    with patch("drnn_theory.models.graph.run_loops", lambda *_: None):
        return layers, seconds(model, x, backward)


def told(taken: list[tuple[float, float]]) -> str:
    """Return the median of the first times, and that of their ratios to the second, in words."""
    ratios = sorted(one / other for one, other in taken)
    middle = 1000 * statistics.median(one for one, _ in taken)
    return f"{middle:.2f}, {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    print("units, hidden size, steps, batch, mode: ms, ratio (least to most)")
    sizes = product(GRAPHS.items(), (10, 64), (20, 500), (1, 16, 128), (False, True))
    for (name, graph), hidden, steps, batch, backward in sizes:
        torch.manual_seed(0)
        model, x = GraphRNN(graph, 10, hidden), torch.randn(steps, batch, 10)
        taken = [pair(model, x, backward) for _ in range(pairs + 1)][1:]
        mode = "forward" + "+backward" * backward
        print(f"{name}, {hidden}, {steps}, {batch}, {mode}: {told(taken)}", flush=True)


if __name__ == "__main__":
    main()
