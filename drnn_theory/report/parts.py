"""The parts of a report: closed forms checked, gradients measured, figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure
from tqdm import tqdm

from drnn_theory.architectures import Architecture
from drnn_theory.figures import plot_gradient_profiles
from drnn_theory.gallery.describing import at_last
from drnn_theory.gallery.figure import PaperFigure, Rows
from drnn_theory.gallery.overview import curves_by_name, mrl_by_span, path_lengths_by_lag
from drnn_theory.gallery.unfolded import unfolded_side_by_side
from drnn_theory.paths import path_counts
from drnn_theory.tables import Table, where
from drnn_theory.theorems import Theorem, verify

__all__ = [
    "HIDDEN_SIZE",
    "SEED",
    "closed_forms",
    "gradients_in_short",
    "measured_gradients",
    "report_figures",
]

SEED = 0
HIDDEN_SIZE = 20


def closed_forms(theorems: Iterable[Theorem]) -> tuple[Table, Table, list[str]]:
    """Return how closed forms agree with brute force, their statements in LaTeX, and failures.

    >>> from drnn_theory import THEOREMS
    >>> forms, statements, failures = closed_forms([THEOREMS["skip_mean"]])
    >>> forms.rows[0]["brute force"], statements.columns, failures
    ('agrees on 18 cases', ['theorem', 'closed form', 'brute force'], [])
    """
    theorems = list(theorems) if isinstance(theorems, (list, tuple)) else [*theorems]
    verification = verify(theorems)
    pairs = list(zip(theorems, verification.rows, strict=True))
    footnotes = [f"{t.name}: {t.footnote}" for t in theorems if t.footnote]
    rows = [
        {
            "theorem": theorem.name,
            "holds for": theorem.holds_for,
            "closed form": str(theorem.closed_form),
            "symbolic": f"{row.symbolic} computations" if row.symbolic else None,
            "written": row.written,
            "machine-checked": row.machine,
            "brute force": str(row.cases),
            "defined in": theorem.defined_in,
        }
        for theorem, row in pairs
    ]
    statements = [
        {"theorem": t.name, "closed form": t.statement, "brute force": str(row.cases)}
        for t, row in pairs
    ]
    failures = [f"{row.name}: {'; '.join(row.failures)}" for _, row in pairs if row.failures]
    return Table(rows, footnotes), Table(statements, footnotes), failures


def measured_gradients(
    architectures: Mapping[str, Architecture], lags: int
) -> tuple[Table, list[str]]:
    """Return autograd's path counts and gradient norms of each at lags 0..lags, and mismatches.

    Schemes run as a DilatedRNN, which knows nothing of graphs; other graphs as a GraphRNN.
    """
    import torch

    from drnn_theory.gradients import gradient_profile, unit_dilated_rnn, unit_graph_rnn
    from drnn_theory.models import DilatedRNN, GraphRNN

    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    for name, a in tqdm(architectures.items(), desc="gradients", unit="model"):
        # before the seed is set: making a model draws numbers
        unit: torch.nn.Module = unit_dilated_rnn(a) if isinstance(a, tuple) else unit_graph_rnn(a)
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            network: torch.nn.Module
            if isinstance(a, tuple):
                network = DilatedRNN(1, HIDDEN_SIZE, a, dtype=torch.float64)
            else:
                network = GraphRNN(a, 1, HIDDEN_SIZE, dtype=torch.float64)
        counts = path_counts(a, lags)
        bridge = gradient_profile(unit, lags + 1, inputs=torch.ones(lags + 1, 1, 1))
        profile = gradient_profile(network, lags + 1)
        # float64 holds a count exactly below 2**53
        equal = [
            None if count >= 2**53 else count == jacobian
            for count, jacobian in zip(counts, bridge.norms.tolist(), strict=True)
        ]
        if False in equal:
            lag = equal.index(False)
            failures.append(f"{name}: Jacobian is not the number of paths at lag {lag}")
        rows += [
            {
                "architecture": name,
                "model": type(unit).__name__,
                "lag": n,
                "paths": count,
                "unit-weight Jacobian": float(bridge.norms[n]),
                "equal": equal[n],
                "gradient norm": float(profile.norms[n]),
            }
            for n, count in enumerate(counts)
        ]
    notes = [
        "equal is empty where there are 2^53 paths or more, which float64 does not count exactly",
        f"gradient norm: tanh, {HIDDEN_SIZE} units per state, orthogonal matrices",
    ]
    about = {"span": lags, "convention": None, "hidden size": HIDDEN_SIZE}
    return Table(rows, notes, about, where(torch=True, seed=SEED)), failures


def gradients_in_short(gradients: Table) -> Table:
    """Return one row per architecture of the table of :func:`measured_gradients`.

    How many lags were compared and were equal, and where the norms of the drawn network are: at
    lag 1, at the last lag, at their largest, and from which lag on they stay below 1% of that.
    """
    rows = []
    for name in dict.fromkeys(row["architecture"] for row in gradients):
        own = [row for row in gradients if row["architecture"] == name]
        compared = [row for row in own if row["equal"] is not None]
        norms = {row["lag"]: row["gradient norm"] for row in own}
        peak = max(norms, key=lambda lag: norms[lag])
        loud = [lag for lag, norm in norms.items() if norm >= 0.01 * norms[peak]]
        last = max(norms)
        rows.append(
            {
                "architecture": name,
                "run as": own[0]["model"],
                "Jacobian = number of paths": f"at {sum(row['equal'] for row in compared)} of "
                f"{len(compared)} lags",
                "gradient norm at lag 1": _scientific(norms[min(1, last)]),
                f"at lag {last}": _scientific(norms[last]),
                "largest at lag": peak,
                "below 1% of it from lag": loud[-1] + 1 if loud[-1] < last else None,
            }
        )
    notes = [
        "paths are compared at lags with fewer than 2^53 of them, which float64 counts exactly",
        *gradients.notes[1:],
    ]
    return Table(rows, notes, gradients.about, gradients.where)


def _scientific(norm: float) -> str:
    """Return a norm with two digits.

    >>> _scientific(0.01234), _scientific(1.5e-7)
    ('0.012', '1.5e-07')
    """
    return f"{norm:.2g}"


def report_figures(
    architectures: Mapping[str, Architecture], span: int, gradients: Table
) -> list[PaperFigure]:
    """Return the report's figures: graphs unfolded, path lengths, means by span, gradient norms.

    ``gradients`` is the table of :func:`measured_gradients`, whose norms are drawn as they stand.
    """

    def paint_gradients(rows: Rows, figure: Figure) -> None:
        plot_gradient_profiles(curves_by_name(rows, "lag", "gradient norm"), ax=figure.subplots())

    return [
        unfolded_side_by_side(
            architectures,
            name="unfolded",
            caption="Architectures unfolded in time, those of few units: states are dots, "
            "connections lines; highlighted is a shortest path to the lag, of those drawn, that "
            "needs the most edges.",
        ),
        path_lengths_by_lag(
            architectures,
            span,
            name="path_lengths",
            caption="Shortest path lengths d(n) in the worst starting phase, by lag.",
        ),
        mrl_by_span(
            architectures,
            span,
            name="mrl_against_span",
            caption="Mean recurrent length against the span, the number of lags averaged.",
        ),
        PaperFigure(
            "gradient_norms",
            "Norm of the gradient from the last output to the input n steps before, in randomly "
            f"initialised tanh networks (orthogonal matrices) of {HIDDEN_SIZE} units per state.",
            lambda: replace(
                gradients,
                rows=[
                    {key: row[key] for key in ("architecture", "lag", "gradient norm")}
                    for row in gradients
                ],
            ),
            paint_gradients,
            3.4,
            at_last(
                "Lines of the gradient norm, on a logarithmic scale, against the lag",
                "lag",
                "gradient norm",
            ),
            about={},
        ),
    ]
