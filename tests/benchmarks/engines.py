"""Every engine against networkx on the same work, side by side in one run.

    python -m tests.benchmarks.engines

Each engine computes all shortest path lengths d(0..span), once untimed at the first span, and then
in turns, on one thread, timed by the processor, so that what else runs on the machine matters
little: `seconds` is the median, `low` and `high` the least and the largest. They are written to
drnn_theory/data/measured/engines.csv, from which docs/draw.py draws the picture of the README.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from drnn_theory import dilated_rnn, exponential_dilations
from drnn_theory.measured import write_measured
from drnn_theory.paths.certificates import graph_courses
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.paths.stacks import DivisorChain, as_stack, coin_course
from drnn_theory.tables import convention, where

SPANS = (100, 300, 1000, 3000, 10_000, 100_000, 1_000_000)
LAYERS = (1, 2, 4, 6, 9, 12)
REPETITIONS, FEWEST = 7, 3
PATIENCE = 2.0  # seconds: an engine that took longer is not asked for more, and repeated less


def searched(graph, span):
    """Return d(0..span) by breadth-first search alone, without a certificate."""
    wiring = Wiring(graph)
    return path_lengths_by_unit(wiring, [0], span)[:, wiring.output_units, 0].min(axis=1)


ENGINES = {
    "networkx (reference)": lambda dilations, graph, span: reference_path_lengths(graph, span),
    "breadth-first search (any graph)": lambda dilations, graph, span: searched(graph, span),
    "certificate (any graph)": lambda d, graph, span: graph_courses(graph, span)[0].up_to(span),
    "stack": lambda d, graph, span: coin_course(as_stack(d), span).up_to(span),
    "divisor chain": lambda d, graph, span: DivisorChain(*as_stack(d)).up_to(span),
}


def measure(dilations, span, spent):
    """Return the seconds of each engine that is still fast enough, sorted, taking turns."""
    graph = dilated_rnn(dilations)
    running = [name for name in ENGINES if spent.get(name, 0) < PATIENCE]
    if not spent:
        for engine in ENGINES.values():
            engine(dilations, graph, span)
    times = {name: [] for name in running}
    answers = {}
    for turn in range(REPETITIONS):
        for name in running:
            if turn >= FEWEST and min(times[name]) > PATIENCE:
                continue
            begin = time.process_time()
            answers[name] = ENGINES[name](dilations, graph, span)
            times[name].append(time.process_time() - begin)
    first, *others = answers.values()
    assert all(np.array_equal(first, other) for other in others), "engines disagree"
    return {name: sorted(seconds) for name, seconds in times.items()}


def main():
    """Measure growth with the span and with the layers; write the table."""
    rows = []
    for vary, cases in (
        ("span", [(exponential_dilations(4), span) for span in SPANS]),
        ("layers", [(exponential_dilations(layers), 2000) for layers in LAYERS]),
    ):
        spent: dict[str, float] = {}
        for dilations, span in cases:
            times = measure(dilations, span, spent)
            medians = {name: statistics.median(seconds) for name, seconds in times.items()}
            spent |= medians
            for name, seconds in medians.items():
                ratio = medians.get("networkx (reference)", float("nan")) / seconds
                rows.append(
                    {
                        "grows": vary,
                        "layers": len(dilations),
                        "span": span,
                        "engine": name,
                        "seconds": float(f"{seconds:.3g}"),
                        "low": float(f"{times[name][0]:.3g}"),
                        "high": float(f"{times[name][-1]:.3g}"),
                        "networkx / engine": float(f"{ratio:.3g}"),
                        "repetitions": len(times[name]),
                    }
                )
                print(*rows[-1].values(), sep="  ", flush=True)
    lags = convention(lags="0..span")
    write_measured("engines", rows, where=where(machine=True, load=True), convention=lags)


if __name__ == "__main__":
    main()
