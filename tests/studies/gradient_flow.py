"""Does mean recurrent length predict gradient flow?

    python -m tests.studies.gradient_flow

Random tanh networks of many architectures, all of at most 8000 parameters and as near to that as
their hidden size allows; the norm of the Jacobian at lags 0..191 in float64, root mean square over
weights and inputs. Written to gradient_flow.csv in drnn_theory/data/measured, one row per
architecture and way to draw the weights; rank correlations to gradient_flow_correlations.csv, over
all architectures and over the stacks of one dilation per layer alone. The weights are drawn

    uniform       as torch.nn.RNN does, up to 1 / sqrt(H) in every matrix
    orthogonal    at gain 1, divided by the root of the number of lagged edges into the node

and gradient reach is measured in three ways:

    log gradient  mean over lags 1..64 of log10 of the norm, relative to lag 0
    horizon       the lag from which the norm stays below 1 % of its maximum (192 where it does not)
    mean lag      mean lag weighted by the squared norm

What predicts it is computed from the graph alone: the mean recurrent length and the skip
coefficient, the mean over the same lags of log10 of the number of paths, and the same reach of
the law (expected_gradient_profile at the gain of the matrices). Mean recurrent length is entered
with a minus sign, so that every correlation should be positive.

What was found. A short mean recurrent length goes with large gradients within the span that it is
averaged over (rank correlation of log gradient 0.77 over 77 architectures and 0.87 over 50 dilated
stacks with uniform weights, 0.66 and 0.86 with orthogonal ones), which the skip coefficient does
not predict at all (-0.20 to -0.08). It does not predict how far a gradient reaches: over dilated
stacks its correlation with horizon and mean lag is -0.19 to 0.07, where the skip coefficient has
0.50 to 0.73. The law predicts all three where the weights are small (0.97 to 1.00, uniform): it
knows the gain, which no measure of the graph does. At gain 1 it ranks far worse (0.22 to 0.87), for
it is linear and tanh saturates; its horizon is then the same for all dilated stacks (nan).
"""

from __future__ import annotations

import math
import random
from typing import Any

import networkx as nx
import numpy as np
import torch
from scipy.stats import spearmanr

from drnn_theory import (
    GraphRNN,
    compute_mrl,
    dilated_rnn,
    expected_gradient_profile,
    exponential_dilations,
    gradient_profile,
    layers_rnn,
    path_counts,
    recurrent_skip_coefficient,
    skip_rnn,
    stacked_rnn,
)
from drnn_theory.measured import write_measured
from drnn_theory.tables import convention, where

BUDGET, SPAN, LAGS, SEEDS = 8000, 64, 192, (0, 1, 2)
REACHES = ("log gradient", "horizon", "mean lag")
PREDICTORS = ("mean recurrent length", "recurrent skip coefficient", "log paths", "law")


def architectures() -> dict[str, nx.MultiDiGraph]:
    """Return the architectures by name; every lag is reachable in each."""
    named: dict[str, nx.MultiDiGraph] = {}
    for layers in range(1, 7):
        named[f"stack of {layers}"] = stacked_rnn(layers)
    schemes = [
        exponential_dilations(layers, base)
        for base in (2, 3, 4, 6, 8)
        for layers in range(2, 8)
        if base ** (layers - 1) <= SPAN
    ]
    schemes += [(1, 5, 18, 25), (1, 12, 19), (1, 10), (1, 4, 16, 64), (1, 64), (1, 32, 64)]
    draw = random.Random(0)
    for layers in (2, 3, 4, 5, 6):
        for _ in range(6):
            schemes.append((1, *sorted(draw.sample(range(2, SPAN + 1), layers - 1))))
    named |= {" ".join(map(str, s)): dilated_rnn(s) for s in schemes}
    for skip in (2, 4, 8, 16, 32, 64):
        for layers in (1, 2, 4):
            named[f"skip {skip}, {layers} layers"] = skip_rnn(skip, layers)
    for layers in (2, 4, 6):
        lags = [[1, 2**layer] if layer else [1] for layer in range(layers)]
        named[f"lags 1 and 2^l, {layers} layers"] = layers_rnn(lags)
    return named


def hidden_size(graph: nx.MultiDiGraph) -> tuple[int, int]:
    """Return the largest hidden size within the budget and the parameters that it takes."""
    best = 0, 0
    for size in range(1, 200):
        with torch.device("meta"):
            count = sum(p.numel() for p in GraphRNN(graph, 1, size).parameters())
        if count <= BUDGET:
            best = size, count
    return best


def sample_weights(model: GraphRNN, how: str, seed: int) -> None:
    """Fill the weights; biases are zero."""
    generator = torch.Generator().manual_seed(seed)
    into = dict.fromkeys(model.nodes, 0)
    for _, target, lag in model.edges:
        into[target] += lag > 0
    with torch.no_grad():
        for bias in model.biases:
            bias.zero_()
        for weight, (_, target, lag) in zip(model.weights, model.edges, strict=True):
            if how == "uniform":
                bound = model.hidden_size**-0.5
                weight.copy_(torch.empty_like(weight).uniform_(-bound, bound, generator=generator))
            else:
                drawn = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
                gain = into[target] ** -0.5 if lag else 1.0
                weight.copy_(gain * torch.linalg.qr(drawn)[0])


def reach(norms: np.ndarray) -> dict[str, float]:
    """Return the three measures of reach of a profile."""
    above = np.flatnonzero(norms >= 0.01 * norms.max())
    return {
        "log gradient": float(np.mean(np.log10(norms[1 : SPAN + 1] / norms[0]))),
        "horizon": float(above[-1] + 1),
        "mean lag": float(norms**2 @ np.arange(len(norms)) / (norms**2).sum()),
    }


def measure(graph: nx.MultiDiGraph, size: int, how: str) -> np.ndarray:
    """Return the norms by lag, root mean square over the weights and two inputs each."""
    squares = []
    for seed in SEEDS:
        model = GraphRNN(graph, 1, size, dtype=torch.float64)
        sample_weights(model, how, seed)
        profile = gradient_profile(model, LAGS, seeds=[2 * seed, 2 * seed + 1])
        squares.append(profile.norms**2)
    return np.sqrt(np.mean(squares, 0))


def lawful(graph: nx.MultiDiGraph, how: str) -> np.ndarray:
    """Return the norms by the law; a node's lagged edges all have the same gain here."""
    lagged = sum(lag > 0 for *_, lag in graph.edges(data="lag"))
    nodes = sum(1 for node in graph if node not in graph.graph["inputs"])
    gain = 3**-0.5 if how == "uniform" else (lagged / nodes) ** -0.5
    return np.sqrt(expected_gradient_profile(graph, gain, LAGS - 1))


def study() -> list[dict[str, Any]]:
    """Measure everything, one row per architecture and way to draw."""
    rows = []
    for name, graph in architectures().items():
        size, parameters = hidden_size(graph)
        counts = path_counts(graph, SPAN)
        known = {
            "architecture": name,
            "hidden size": size,
            "parameters": parameters,
            "span": SPAN,
            "mean recurrent length": compute_mrl(graph, SPAN),
            "recurrent skip coefficient": float(recurrent_skip_coefficient(graph)),
            "log paths": sum(math.log10(count) for count in counts[1:]) / SPAN,
        }
        for how in ("uniform", "orthogonal"):
            law = reach(lawful(graph, how))
            found = reach(measure(graph, size, how))
            row = known | {"weights": how} | found | {f"law {k}": v for k, v in law.items()}
            rows.append(row)
        print(name, size, {k: round(v, 2) for k, v in found.items()}, flush=True)
    return rows


def correlations(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rank correlation of every predictor with every measure of reach."""
    table = []
    for how in ("uniform", "orthogonal"):
        of_all = [row for row in rows if row["weights"] == how]
        stacks = [row for row in of_all if row["architecture"][0].isdigit()]
        for group, members in (("all", of_all), ("dilated stacks", stacks)):
            for name in REACHES:
                found = [float(row[name]) for row in members]
                for predictor in PREDICTORS:
                    column = f"law {name}" if predictor == "law" else predictor
                    sign = -1 if predictor == "mean recurrent length" else 1
                    guess = [sign * float(row[column]) for row in members]
                    constant = len(set(guess)) == 1 or len(set(found)) == 1
                    rank = math.nan if constant else float(spearmanr(guess, found).statistic)
                    table.append(
                        {
                            "weights": how,
                            "architectures": group,
                            "number": len(members),
                            "reach": name,
                            "predictor": predictor,
                            "spearman": round(rank, 3),
                            "span": SPAN,
                        }
                    )
    return table


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with six digits of every number."""
    return [
        {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}
        for row in rows
    ]


def main() -> None:
    """Measure, write both tables and print the correlations."""
    torch.set_num_threads(1)
    origin = where(torch=True, machine=True, threads=1, seed=SEEDS)
    rows = study()
    write_measured("gradient_flow", rounded(rows), where=origin, convention=convention())
    table = correlations(rows)
    write_measured("gradient_flow_correlations", table, where=origin, convention=convention())
    for row in table:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
