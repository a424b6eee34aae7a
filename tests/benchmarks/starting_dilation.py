"""What a larger starting dilation saves: seconds and sequential steps per training step.

    python -m tests.benchmarks.starting_dilation --output \\
        drnn_theory/data/measured/starting_dilation.csv

Nine layers of dilations 2^l0 .. 2^(l0 + 8), starting dilations 2^l0 = 1, 2, 4, 8, without and with
the fusion layer that a start above 1 needs to reach every lag (else its mean is inf), T = 1000,
batch 32, float32: forward, a loss on the output, backward. Nothing else is timed. All take turns,
after one run each that is not timed, by the processor's time on one thread of the CPU, else by the
clock: `seconds` is the median, `low` and `high` the least and the largest. `sequential steps` is
the sum over layers of ceil(T / s_l), `speed-up` that of the medians against starting dilation 1.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from drnn_theory import DilatedRNN, compute_mrl, dilated_rnn, exponential_dilations
from drnn_theory.costs import sequential_steps
from drnn_theory.measured import write_measured
from drnn_theory.tables import convention, where

STEPS, BATCH, SPAN = 1000, 32, 256


def training_step(model: DilatedRNN, x: torch.Tensor) -> None:
    """Run forward and backward once."""
    model(x)[0].square().mean().backward()


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repetitions", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    x = torch.randn(STEPS, BATCH, 1, device=arguments.device)
    rows = []
    for cell in ("RNN", "GRU", "LSTM"):
        for hidden in (20, 64):
            models = {
                (exponent, fusion): DilatedRNN(
                    1,
                    hidden,
                    exponential_dilations(9, start=exponent),
                    cell=cell,
                    fusion=fusion,
                    device=arguments.device,
                )
                for exponent in range(4)
                for fusion in (False, True)[: 1 + (exponent > 0)]
            }
            for model in models.values():  # what the first call prepares is not timed
                training_step(model, x)
            times: dict[tuple[int, bool], list[float]] = {case: [] for case in models}
            clock = time.perf_counter
            if arguments.threads == 1 and arguments.device == "cpu":
                clock = time.process_time
            for _ in range(arguments.repetitions):
                for case, model in models.items():
                    begin = clock()
                    training_step(model, x)
                    if x.is_cuda:
                        torch.cuda.synchronize()
                    times[case].append(clock() - begin)
            medians = {case: statistics.median(taken) for case, taken in times.items()}
            plain = medians[0, False]
            for (exponent, fusion), model in models.items():
                scheme = model.dilations
                graph = dilated_rnn(scheme, fusion=fusion)
                taken = medians[exponent, fusion]
                rows.append(
                    {
                        "cell": cell,
                        "hidden size": hidden,
                        "start": scheme[0],
                        "fusion": fusion,
                        "dilations": scheme,
                        "seconds": round(taken, 4),
                        "low": round(min(times[exponent, fusion]), 4),
                        "high": round(max(times[exponent, fusion]), 4),
                        "speed-up": round(plain / taken, 2),
                        "sequential steps": sequential_steps(scheme, STEPS),
                        "mean recurrent length": compute_mrl(graph, SPAN),
                        "vertical edges": 9 + fusion,
                        "steps": STEPS,
                        "batch": BATCH,
                        "repetitions": arguments.repetitions,
                    }
                )
                print(*list(rows[-1].values())[:11], sep="\t", flush=True)
    if arguments.output:
        origin = where(torch=True, machine=True, threads=arguments.threads, seed=0, load=True)
        write_measured(arguments.output, rows, where=origin, span=SPAN, convention=convention())


if __name__ == "__main__":
    main()
