"""How often two standard errors of an estimate by probes cover the exact norm.

    python -m tests.studies.probe_coverage

Forty random GRUs, each with probes of its own, norms at six lags by 64 probes and exactly, for 1,
32 and 256 sequences and for several output times. A standard error that is right covers about 95 %;
writes probe_coverage.csv in drnn_theory/data/measured, prints one line per case and exits with 1
where a share leaves 90 to 98 %.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from drnn_theory import gradient_profile
from drnn_theory.measured import write_measured
from drnn_theory.tables import where

CASES = [(1, 1), (32, 1), (256, 1), (1, 8), (32, 8)]
"""Sequences and output times."""


def covered(models: int, batch: int, times: int, probes: int, lags: int = 6) -> float:
    """Return the share of norms within two standard errors of their estimates."""
    hits = []
    for seed in range(models):
        torch.manual_seed(seed)
        module = torch.nn.GRU(3, 16, dtype=torch.float64)
        x = torch.randn(lags + times - 1, batch, 3, dtype=torch.float64)
        exact = gradient_profile(module, lags, inputs=x, times=times)
        options = {"inputs": x, "times": times, "probes": probes, "seeds": [seed]}
        estimate = gradient_profile(module, lags, **options)
        off = np.abs(estimate.norms - exact.norms)
        hits.append(off <= 2 * estimate.standard_error)
    return float(np.mean(hits))


def main() -> int:
    """Print the share of every case; return 1 if one is out of bounds."""
    torch.set_num_threads(1)
    failed, rows = False, []
    for batch, times in CASES:
        share = covered(40, batch, times, 64)
        row = {"sequences": batch, "output times": times, "models": 40, "lags": 6, "probes": 64}
        rows.append(row | {"covered": round(share, 4)})
        failed |= not 0.90 <= share <= 0.98
        print(f"{batch:4d} sequences, {times} times: {share:.3f}", flush=True)
    write_measured("probe_coverage", rows, where=where(torch=True, machine=True, threads=1))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
