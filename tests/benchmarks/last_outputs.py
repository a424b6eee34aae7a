"""The last outputs of a DilatedRNN by outputs_at, beside those of a run of everything.

    python -m tests.benchmarks.last_outputs [--pairs 7]

Float32, one thread. "last" is the last output alone, "ten" are the last ten. A line is the median
of the processor's time by outputs_at, and that of the ratio to a whole run over pairs of runs in
turn, the first pair dropped, with the least and the largest.
"""

from __future__ import annotations

import argparse
import time
from itertools import product

import torch
from torch import Tensor

from drnn_theory import DilatedRNN, exponential_dilations
from tests.benchmarks.graph_loops import told

STACKS = {
    "powers of two, nine": exponential_dilations(9),
    "best, nine": (1, 6, 14, 31, 63, 134, 181, 232, 255),
    "powers of two, four": exponential_dilations(4),
    "plain, three": (1, 1, 1),
}
SIZES = (  # steps, sequences, units
    (20, 1, 10),
    (20, 128, 20),
    (100, 1, 64),
    (100, 128, 20),
    (784, 1, 20),
    (784, 128, 20),
    (784, 16, 64),
)
ASKED = {"last": 1, "ten": 10}


def seconds(model: DilatedRNN, x: Tensor, count: int, needed: bool, backward: bool) -> float:
    """Return the processor's time of one run for the last outputs."""
    begin = time.process_time()
    with torch.set_grad_enabled(backward):
        if needed:
            result = model.outputs_at(x, range(len(x) - count, len(x)))
        else:
            result = model(x)[0][-count:]
    if backward:
        result.sum().backward()
    return time.process_time() - begin


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    print("stack, cell, steps, batch, units, outputs, mode: ms, ratio (least to most)")
    cases = product(STACKS.items(), ("RNN", "GRU", "LSTM"), SIZES, ASKED.items(), (False, True))
    for (name, dilations), cell, (steps, batch, hidden), (asked, count), backward in cases:
        torch.manual_seed(0)
        model, x = DilatedRNN(1, hidden, dilations, cell=cell), torch.randn(steps, batch, 1)
        taken = [
            (seconds(model, x, count, True, backward), seconds(model, x, count, False, backward))
            for _ in range(pairs + 1)
        ][1:]
        mode = "forward" + "+backward" * backward
        case = f"{name}, {cell}, {steps}, {batch}, {hidden}, {asked}, {mode}"
        print(f"{case}: {told(taken)}", flush=True)


if __name__ == "__main__":
    main()
