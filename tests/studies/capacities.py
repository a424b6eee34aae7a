"""What memory do exponential, optimal, skip and plain stacks buy, by the other measures of memory?

    python -m tests.studies.capacities --store build/studies/capacities.sqlite

32 stacks of 2 to 6 layers, in two budgets: of at most 500 parameters, and of at most 128 values of
state (the sum of s_l times the hidden size), as near to them as the hidden size allows; 20 draws of
random matrices each. The gain is 0.9: the norms of the recurrent matrices of a layer add up to it.

- linear units: memory capacity and Fisher memory of the output by lag, exact; the logarithm of the
  spectral radius, which is the largest Lyapunov exponent (the median of three draws);
- tanh with the same matrices, biases of standard deviation 0.3, and inputs uniform in [-1, 1] times
  the root of the hidden size: information capacity of degrees 1, 2 and 3 (lags to 32, 10 and 5),
  the largest Lyapunov exponent, and the decay rate of the gradient at lags 32..127 (of three);
- linear units again at 2,000 parameters, memory capacity and Fisher memory alone (the states of
  shallow plain stacks of as much more state are too nearly dependent, which is refused);
- at equal state the whole Lyapunov spectra, linear and tanh, of the stacks of four layers.

A study's rows are kept in the store as they finish, and no row is computed twice. Five tables are
written to drnn_theory/data/measured: capacities.csv, a row per draw; capacities_curves.csv, medians
and quartiles by lag of the stacks of four layers; capacities_correlations.csv, rank correlations of
the medians with what the graph alone says: over all stacks, within depth (ranks among the stacks of
one depth, depths of four stacks or more), and partial (given the layers and the hidden size);
capacities_larger.csv, medians and quartiles at 2,000 parameters; capacities_spectra.csv, the
exponents of each stack by their number, medians of the draws. With ``--more`` these two alone are
made.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata, spearmanr

from drnn_theory import (
    GraphRNN,
    compute_mrl,
    count_parameters,
    dilated_rnn,
    expected_gradient_profile,
    fisher_memory,
    gradient_profile,
    hidden_size_for,
    linear_system,
    lyapunov_exponents,
    memory_capacity,
    path_counts,
    recurrent_skip_coefficient,
    run_study,
    skip_rnn,
    state_size,
)
from drnn_theory.capacities import exponents_together, information_of_states, sample_matrices
from drnn_theory.measured import write_measured
from drnn_theory.tables import convention, where

PARAMETERS, STATE, GAIN, SPAN, LAGS, DRAWS, FEW = 500, 128, 0.9, 32, 64, 20, 3
LARGER = 2000
WASHOUT = 200
BUDGETS = ("parameters", "state")
CURVES = ("memory", "fisher")
"""Linear curves by lag 0..LAGS."""
DRAWN = (
    "plain, 4 layers",
    "1 2 4 8",
    "1 3 9 27",
    "1 3 9 14",
    "skip 8, 4 layers",
    "skip 32, 4 layers",
)
"""Whose curves are kept."""
RESULTS = {
    "memory in span": "memory capacity, lags 1..32",
    "memory per unit": "the same per unit read",
    "memory horizon": "last lag of which half is recovered",
    "fisher in span": "Fisher memory, lags 1..32",
    "fisher total": "Fisher memory, all lags",
    "information linear": "information capacity, degree 1",
    "information nonlinear": "information capacity, degrees 2 and 3",
    "linear exponent": "Lyapunov exponent, linear",
    "tanh exponent": "Lyapunov exponent, tanh",
    "gradient decay": "decay rate of the gradient, tanh",
}
PREDICTORS = ("mean recurrent length", "skip coefficient", "log paths", "law")


def architectures() -> dict[str, tuple[str, Any, int]]:
    """Return family, graph and layers of every stack by its name."""
    named: dict[str, tuple[str, Any, int]] = {}
    for layers in (2, 3, 4, 5, 6):
        named[f"plain, {layers} layers"] = ("plain", dilated_rnn([1] * layers), layers)
    schemes = {
        "exponential": [
            *((1, 2), (1, 8), (1, 16), (1, 32), (1, 2, 4), (1, 3, 9), (1, 4, 16)),
            *((1, 5, 25), (1, 6, 36), (1, 2, 4, 8), (1, 3, 9, 27), (1, 2, 4, 8, 16)),
            (1, 2, 4, 8, 16, 32),
        ],
        "optimal": [  # for the spans 16 and 32
            *((1, 4), (1, 6), (1, 4, 6), (1, 5, 8), (1, 3, 7, 8), (1, 3, 9, 14)),
            *((1, 3, 7, 10, 15), (1, 2, 5, 11, 14, 16)),
        ],
    }
    for family, of_family in schemes.items():
        for scheme in of_family:
            name = " ".join(map(str, scheme))
            named[name] = (family, dilated_rnn(scheme), len(scheme))
    for layers in (2, 3, 4):
        for skip in (8, 32):
            named[f"skip {skip}, {layers} layers"] = ("skip", skip_rnn(skip, layers), layers)
    return named


def hidden_size(graph: Any, budget: str) -> int:
    """Return the largest hidden size within a budget."""
    if budget == "parameters":
        return hidden_size_for(PARAMETERS, graph)
    return STATE // state_size(graph, 1)


def measure(architecture: str, budget: str) -> dict[str, Any]:
    """Return all that is measured of the draws of one architecture, a list per quantity."""
    _, graph, _ = architectures()[architecture]
    size = hidden_size(graph, budget)
    found: dict[str, list[Any]] = {}

    def add(**values: Any) -> None:
        for name, value in values.items():
            found.setdefault(name, []).append(value)

    for draw in range(DRAWS):
        system = linear_system(graph, size, gain=GAIN, seed=draw)
        memory, fisher = memory_capacity(system, LAGS), fisher_memory(system, LAGS)
        half = np.flatnonzero(memory.values >= 0.5)
        add(
            memory_in_span=float(memory.values[1 : SPAN + 1].sum()),
            memory_per_unit=float(memory.values[1 : SPAN + 1].sum() / size),
            memory_horizon=float(half[-1]) if len(half) else -1.0,
            memory_bound=memory.bound,
            fisher_in_span=float(fisher.values[1 : SPAN + 1].sum()),
            fisher_total=float(fisher.total),
            memory=[round(v, 7) for v in memory.values.tolist()],
            fisher=[round(v, 9) for v in fisher.values.tolist()],
        )
        if draw < FEW:
            add(linear_exponent=math.log(system.spectral_radius))
    scale = size**0.5
    models = [tanh_network(graph, size, draw) for draw in range(DRAWS)]
    steps = WASHOUT + max(1000, 10 * size)
    inputs = np.stack([np.random.default_rng(d).uniform(-1, 1, steps) for d in range(DRAWS)])
    for draw, states in enumerate(outputs_together(models, scale * inputs)):
        capacity = information_of_states(states[WASHOUT:], inputs[draw], [SPAN, 10, 5])
        add(information_1=float(capacity[0]), information_nonlinear=float(capacity[1:].sum()))
    for spectrum in exponents_together(models, 1, 320, 64, 32, scale, range(DRAWS)):
        add(tanh_exponent=float(spectrum.values[0]))
    for draw, model in enumerate(models[:FEW]):
        x = torch.as_tensor(scale * inputs[draw, :128]).reshape(-1, 1, 1)
        profile = gradient_profile(model, 128, inputs=x)
        add(gradient_decay=profile.decay_rate(SPAN) if profile.norms[SPAN:].any() else math.nan)
    return found


def at_larger_size(architecture: str) -> dict[str, Any]:
    """Return the linear memory of one architecture within the span at more parameters."""
    family, graph, layers = architectures()[architecture]
    size = hidden_size_for(LARGER, graph)
    systems = [linear_system(graph, size, gain=GAIN, seed=draw) for draw in range(DRAWS)]
    row: dict[str, Any] = {
        "architecture": architecture,
        "family": family,
        "layers": layers,
        "hidden size": size,
        "parameters": count_parameters(graph, size),
        "state": state_size(graph, size),
        "mean recurrent length": compute_mrl(graph, SPAN),
        "skip coefficient": float(recurrent_skip_coefficient(graph)),
    }
    for name, capacity in {"memory": memory_capacity, "fisher": fisher_memory}.items():
        sums = [float(capacity(system, LAGS).values[1 : SPAN + 1].sum()) for system in systems]
        quartiles = np.percentile(sums, [25, 50, 75])
        columns = ("lower quartile", "median", "upper quartile")
        row |= {f"{name} in span, {c}": float(q) for c, q in zip(columns, quartiles, strict=True)}
    return row | {"draws": DRAWS}


def spectra(architecture: str) -> list[dict[str, Any]]:
    """Return the Lyapunov exponents of one architecture at equal state, largest first."""
    _, graph, _ = architectures()[architecture]
    size = hidden_size(graph, "state")
    systems = [linear_system(graph, size, gain=GAIN, seed=draw) for draw in range(DRAWS)]
    models = [tanh_network(graph, size, draw) for draw in range(DRAWS)]
    together = exponents_together(models, None, 320, 64, 4, size**0.5, range(DRAWS))
    found = {
        "linear": [lyapunov_exponents(system).values for system in systems],
        "tanh": [spectrum.values for spectrum in together],
    }
    return [
        {
            "architecture": architecture,
            "budget": "state",
            "units": units,
            "number": number,
            "exponent": float(value),
            "draws": DRAWS,
        }
        for units, values in found.items()
        for number, value in enumerate(np.median(values, axis=0), start=1)
    ]


def outputs_together(models: list[GraphRNN], inputs: np.ndarray) -> np.ndarray:
    """Return the outputs of models of one structure, run side by side: (models, times, values)."""
    parameters: Any = torch.func.stack_module_state(models)

    def run(own: Any, x: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(models[0], own, (x,))[0][:, 0]

    x = torch.as_tensor(inputs)[:, :, None, None]
    with torch.no_grad():
        return np.asarray(torch.vmap(run)(parameters, x).numpy())


def tanh_network(graph: Any, size: int, draw: int) -> GraphRNN:
    """Return the tanh network with the matrices of the linear system of the same draw."""
    model = GraphRNN(graph, 1, size, dtype=torch.float64)
    drawn = sample_matrices(graph, size, gain=GAIN, seed=draw)
    generator = torch.Generator().manual_seed(draw)
    with torch.no_grad():
        for edge, weight in zip(model.edges, model.weights, strict=True):
            weight.copy_(torch.as_tensor(drawn.edges[edge]))
        for bias in model.biases:
            bias.copy_(0.3 * torch.randn(bias.shape, generator=generator, dtype=bias.dtype))
    return model


def known(name: str) -> dict[str, Any]:
    """Return what the graph alone says of an architecture."""
    _, graph, _ = architectures()[name]
    counts = path_counts(graph, SPAN)
    lagged = 2 if name.startswith("skip") else 1
    law = expected_gradient_profile(graph, GAIN / lagged, SPAN)
    return {
        "mean recurrent length": compute_mrl(graph, SPAN),
        "skip coefficient": float(recurrent_skip_coefficient(graph)),
        "log paths": sum(math.log10(count) for count in counts[1:]) / SPAN,
        "law": float(np.mean(np.log10(law[1:]))),
    }


def rows_to_measure() -> list[dict[str, Any]]:
    """Return the rows of the study: every architecture in every budget."""
    return [{"architecture": n, "budget": b} for n in architectures() for b in BUDGETS]


def table(measured: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per draw with what is known of its architecture."""
    stacks = architectures()
    about = {name: known(name) for name in stacks}
    rows = []
    for row in measured:
        family, graph, layers = stacks[row["architecture"]]
        size = hidden_size(graph, row["budget"])
        for draw in range(DRAWS):
            results = {
                name: float(np.median(row[name]) if len(row[name]) == FEW else row[name][draw])
                for name in RESULTS
            }
            rows.append(
                {
                    "architecture": row["architecture"],
                    "family": family,
                    "layers": layers,
                    "budget": row["budget"],
                    "hidden size": size,
                    "parameters": count_parameters(graph, size),
                    "state": state_size(graph, size),
                    **about[row["architecture"]],
                    "gain": GAIN,
                    "draw": draw,
                    **results,
                }
            )
    return rows


def curves(measured: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return medians and quartiles over the draws by lag, of the stacks of four layers."""
    rows = []
    for row in measured:
        if row["architecture"] not in DRAWN:
            continue
        for curve in CURVES:
            low, middle, high = np.percentile(row[curve], [25, 50, 75], axis=0)
            rows += [
                {
                    "architecture": row["architecture"],
                    "budget": row["budget"],
                    "curve": curve,
                    "lag": lag,
                    "median": float(middle[lag]),
                    "lower quartile": float(low[lag]),
                    "upper quartile": float(high[lag]),
                    "draws": DRAWS,
                }
                for lag in range(LAGS + 1)
            ]
    return rows


def medians(rows: Iterable[dict[str, Any]], budget: str) -> list[dict[str, float]]:
    """Return the medians over the draws of every architecture in a budget."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["budget"] == budget:
            cases.setdefault(row["architecture"], []).append(row)
    names = (*RESULTS, *PREDICTORS, "layers", "hidden size")
    return [
        {name: float(np.median([float(r[name]) for r in of_case])) for name in names}
        for of_case in cases.values()
    ]


def within_depth(x: np.ndarray, y: np.ndarray, depth: np.ndarray) -> float:
    """Return the correlation of ranks among the stacks of a depth, centred, depths of 4 or more."""
    ranks = [
        (rankdata(x[depth == d]), rankdata(y[depth == d]))
        for d in np.unique(depth)
        if (depth == d).sum() >= 4
    ]
    a = np.concatenate([r - r.mean() for r, _ in ranks])
    b = np.concatenate([r - r.mean() for _, r in ranks])
    return float(a @ b / math.sqrt((a @ a) * (b @ b))) if a.any() and b.any() else math.nan


def partial(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> float:
    """Return the correlation of the ranks of x and y, freed of the ranks of what is given."""
    ranks = np.stack([rankdata(g) for g in given], 1)
    design = np.column_stack([np.ones(len(x)), ranks])

    def freed(values: np.ndarray) -> np.ndarray:
        r = rankdata(values)
        rest = r - design @ np.linalg.lstsq(design, r, rcond=None)[0]
        return np.asarray(rest)

    a, b = freed(x), freed(y)
    if min(np.linalg.norm(a), np.linalg.norm(b)) < 1e-9 * len(x):
        return math.nan
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


def correlations(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rank correlations of every result with every predictor."""
    found = []
    for budget in BUDGETS:
        stacks = medians(rows, budget)
        columns = {name: np.array([stack[name] for stack in stacks]) for name in stacks[0]}
        given = np.stack([columns["layers"], columns["hidden size"]])
        for result in RESULTS:
            for predictor in PREDICTORS:
                x, y = columns[predictor], columns[result]
                ranks = {
                    "all": float(spearmanr(x, y).statistic),
                    "within depth": within_depth(x, y, columns["layers"]),
                    "partial": partial(x, y, given),
                }
                for way, rank in ranks.items():
                    found.append(
                        {
                            "budget": budget,
                            "result": result,
                            "predictor": predictor,
                            "stacks": way,
                            "number": len(stacks),
                            "spearman": round(rank, 3),
                        }
                    )
    return found


def rounded(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with six digits of every number."""
    return [
        {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}
        for row in rows
    ]


def main() -> None:
    """Measure what is missing and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, default=Path("build/studies/capacities.sqlite"))
    parser.add_argument("--more", action="store_true", help="the last two tables alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    told: dict[str, Any] = {"where": where(torch=True, seed=f"0..{DRAWS - 1}"), "span": SPAN}
    told["convention"] = convention()
    larger = [at_larger_size(name) for name in architectures()]
    write_measured("capacities_larger", rounded(larger), **told)
    exponents = [row for name in DRAWN for row in spectra(name)]
    write_measured("capacities_spectra", rounded(exponents), where=told["where"])
    if arguments.more:
        return
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    study = run_study(measure, rows_to_measure(), store=arguments.store, version="1")
    for record in study.failures:
        print(record.row, record.error)
    measured = [row for row in study.rows() if row["error"] is None]
    rows = rounded(table(measured))
    write_measured("capacities", rows, **told)
    write_measured("capacities_curves", rounded(curves(measured)), **told)
    found = correlations(rows)
    write_measured("capacities_correlations", found, **told)
    for row in found:
        print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
