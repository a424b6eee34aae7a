"""Copy memory at delays of 500 and 1,000: dilated, skip and plain stacks, and public modules.

    python -m tests.studies.long_delays [--public FOLDER] [--rows 2]

Nine layers of ten tanh units, the authors' recipe, orthogonal matrices, zero biases, a read-out
from N(0, 1); a run ends at 99 % of the symbols. The dilations are 1, 2, .., 256; the skip RNNs have
lags 1 and 256, 255 or 505 in every layer, the plain stack lag 1. Every symbol is asked for 510
steps after it was shown where the delay is 500: two edges of lag 255, but one of 256 and 254 of 1.
Where the delay is 1,000 two edges of lag 505 do it. How large the signal is before training:
tests/studies/long_delays_expected.py.

Public modules come as they are, powers of two with their own initialisation, torch's, and torch's
read-out: the class DRNN of FOLDER/drnn.py, where that is zalandoresearch's pytorch-dilated-rnn, and
of neuralforecast, where that is installed. From one seed both draw the numbers that DilatedRNN
draws with init="torch", and give its outputs to rounding; "torch" is that DilatedRNN, which takes a
fourth of their time. Where --public is given this is checked before anything is run.

Written to long_delays.csv in drnn_theory/data/measured, a row per run.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import torch

from drnn_theory import DilatedRNN, GraphRNN, exponential_dilations, skip_rnn
from drnn_theory.learning import copy_memory
from tests.studies.running import run_table
from tests.studies.what_decides import record

LAYERS, UNITS = 9, 10
SKIPS = {"skip": 256, "skip 255": 255, "skip 505": 505}
FEATURES = copy_memory(1).input_size
PUBLIC = {
    "zalandoresearch": ("drnn", {}),
    "neuralforecast": (
        "neuralforecast.models.dilated_rnn",
        {"dilations": exponential_dilations(LAYERS), "batch_first": False},
    ),
}


def make_model(architecture: str, seed: int) -> torch.nn.Module:
    """Return the model of that name."""
    torch.manual_seed(10_000 + seed)
    if architecture in PUBLIC:
        module, arguments = PUBLIC[architecture]
        drnn = importlib.import_module(module).DRNN
        public: torch.nn.Module = drnn(FEATURES, UNITS, LAYERS, cell_type="RNN", **arguments)
        return public
    if architecture == "torch":
        return DilatedRNN(FEATURES, UNITS, exponential_dilations(LAYERS), init="torch")
    if architecture in SKIPS:
        return GraphRNN(skip_rnn(SKIPS[architecture], LAYERS), FEATURES, UNITS, init="orthogonal")
    dilations = {"dilated": exponential_dilations(LAYERS), "plain": (1,) * LAYERS}
    return DilatedRNN(FEATURES, UNITS, dilations[architecture], init="orthogonal")


def check_public() -> None:
    """Compare weights and outputs of public modules with those of DilatedRNN as torch draws it."""
    inputs = copy_memory(500).batch(4, 0)[0]
    own = make_model("torch", 0)
    for name in PUBLIC:
        public = make_model(name, 0)
        equal = map(torch.equal, own.parameters(), public.parameters())
        gap = float((own(inputs)[0] - public(inputs)[0]).detach().abs().max())
        print(f"{name}: same weights {all(equal)}, outputs differ by {gap:.1e}", flush=True)


def learn(architecture: str, delay: int, readout: str, seed: int, steps: int) -> dict[str, Any]:
    """Train once and return when the network learned."""
    model = make_model(architecture, seed)
    return record(model, copy_memory(delay), seed=seed, steps=steps, readout=readout)


def rows() -> Iterator[dict[str, Any]]:
    """Yield the runs, those that tell most for their time first."""
    steps = dict.fromkeys(("plain", *SKIPS), 1000)
    for names, delays, seeds in (
        (("dilated",), (500, 1000), (0, 1, 2)),
        (("plain", "torch"), (500,), (0, 1, 2)),
        (("plain", "torch"), (1000,), (0,)),
        (("skip 255", "skip"), (500,), (0, 1, 2)),
        (("skip 505", "skip 255", "skip"), (1000,), (0,)),
        (("skip 505",), (1000,), (1, 2)),
        (("plain", "torch"), (1000,), (1, 2)),
        (("skip 255", "skip"), (1000,), (1, 2)),
        (PUBLIC, (500, 1000), (0,)),
    ):
        for delay, name, seed in product(delays, names, seeds):
            yield {
                "architecture": name,
                "delay": delay,
                "readout": "torch" if name == "torch" or name in PUBLIC else "normal",
                "seed": seed,
                "steps": steps.get(name, 2000),
            }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--public")
    folder = parser.parse_known_args()[0].public
    if folder is not None:
        sys.path.append(folder)
        check_public()
    run_table("long_delays", learn, rows())
