"""The main job: what to compute for a set of architectures, and which tables and figures to write.

Every file is written whole or not at all, and says which span, convention, version and seed its
numbers have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from drnn_theory.architectures import as_architecture, as_cyclic_graph
from drnn_theory.checks import require_extra, require_memory
from drnn_theory.costs import state_size
from drnn_theory.graphs import graph_to_json
from drnn_theory.measures import mrl_curve
from drnn_theory.paths import lengths_over_phases, path_counts, shortest_path
from drnn_theory.summaries import Comparison, compare
from drnn_theory.tables import as_latex
from drnn_theory.theorems import THEOREMS, verify
from drnn_theory.writing import (
    VERSION,
    as_folder,
    make_folder,
    plain_rows,
    replacing,
    rows_as_csv,
    write_picture,
)

__all__ = ["SPAN", "Report"]

SPAN = 256
SEED = 0
HIDDEN_SIZE = 20
TABLE_COLUMNS = (
    "exactly",
    "longest path",
    "at lag",
    "vertical edges",
    "recurrent edges per node",
    "recurrent skip coefficient",
)


class Report:
    """Computes and writes everything about named architectures into one folder.

    ``architectures`` are compared over lags 1..``span``; ``quick`` checks fewer lags by autograd.
    ``files`` lists what has been written.
    """

    def __init__(
        self,
        architectures: Mapping[str, Any],
        out: str | Path,
        *,
        span: int = SPAN,
        quick: bool = False,
    ):
        self.architectures = {name: as_architecture(a) for name, a in architectures.items()}
        self.out = as_folder(out)
        self.span = span
        self.length = min(span, 64 if quick else 256) + 1  # lags measured by autograd, 0 included
        self.quick = quick
        self.files: list[Path] = []
        self.footnotes: list[str] = []
        self.gradients: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.about = {
            "span": span,
            "vertical edges": "counted",
            "version": VERSION,
            "seed": SEED,
        }

    def run(self) -> tuple[Comparison, list[str]]:
        """Write all files; return the comparison and the checks that failed."""
        require_extra("torch", "the report")
        # d(n) of every architecture is drawn lag by lag
        require_memory(100 * self.span * len(self.architectures), f"a report at span {self.span}")
        for name, architecture in self.architectures.items():
            require_memory(8 * state_size(architecture, HIDDEN_SIZE), f"the state of {name}")
        make_folder(self.out)
        comparison = self.compare_architectures()
        failures = self.check_closed_forms() + self.measure_gradients()
        self.draw()
        return comparison, failures

    def compare_architectures(self) -> Comparison:
        """Write the table of measures as CSV, JSON and LaTeX, and every cyclic graph as JSON."""
        bar = tqdm(self.architectures.items(), desc="measures", unit="architecture")
        found = [compare({name: a}, self.span, hidden_size=HIDDEN_SIZE) for name, a in bar]
        comparison = Comparison([c.summaries[0] for c in found])
        self._write_table("architectures", comparison.to_dict())
        columns = [comparison.header[1], *TABLE_COLUMNS, *comparison.header[-2:]]
        self._write("architectures.tex", comparison.table(columns, "latex_booktabs") + "\n")
        graphs = {
            name: json.loads(graph_to_json(as_cyclic_graph(a)))
            for name, a in self.architectures.items()
        }
        self._write("graphs.json", json.dumps({**self.about, "graphs": graphs}) + "\n")
        return comparison

    def check_closed_forms(self) -> list[str]:
        """Write how the closed forms agree with brute force; return the failures."""
        theorems = [t for t in THEOREMS if not self.quick or t.name.endswith("_mean")]
        bar = tqdm(theorems, desc="closed forms", unit="theorem")
        verification = verify(bar)
        rows = [
            {
                "theorem": theorem.name,
                "holds for": theorem.holds_for,
                "closed form": str(theorem.closed_form),
                "symbolic": f"{row.symbolic} computations" if row.symbolic else "-",
                "written": row.written,
                "machine-checked": row.machine or "-",
                "brute force": str(row.cases),
            }
            for theorem, row in zip(theorems, verification.rows, strict=True)
        ]
        self._write_table("closed_forms", rows)
        self.footnotes = [f"{t.name}: {t.footnote}" for t in theorems if t.footnote]
        cells = [
            {
                "theorem": theorem.name.replace("_", r"\_"),
                "closed form": theorem.statement,
                "brute force": str(row.cases),
            }
            for theorem, row in zip(theorems, verification.rows, strict=True)
        ]
        notes = "".join(f"\n% {note}" for note in self.footnotes)
        needs = "% needs the packages amsmath and booktabs\n"
        self._write("closed_forms.tex", f"{needs}{as_latex(cells)}{notes}\n")
        return [
            f"{row.name}: {'; '.join(row.failures)}" for row in verification.rows if row.failures
        ]

    def measure_gradients(self) -> list[str]:
        """Write autograd's path counts and gradient norms of each; return mismatches.

        Schemes run as a DilatedRNN, which knows nothing of graphs; other graphs as a GraphRNN.
        """
        import torch

        from drnn_theory.gradients import gradient_profile, unit_dilated_rnn, unit_graph_rnn
        from drnn_theory.models import DilatedRNN, GraphRNN

        rows, failures = [], []
        norm = f"gradient norm (tanh, hidden {HIDDEN_SIZE}, torch's initialisation)"
        for name, a in tqdm(self.architectures.items(), desc="gradients", unit="model"):
            unit: torch.nn.Module = unit_graph_rnn(a)
            with torch.random.fork_rng():
                torch.manual_seed(SEED)
                drawn: torch.nn.Module
                if isinstance(a, tuple):
                    unit = unit_dilated_rnn(a)
                    drawn = DilatedRNN(1, HIDDEN_SIZE, a, dtype=torch.float64)
                else:
                    drawn = GraphRNN(a, 1, HIDDEN_SIZE, dtype=torch.float64)
            counts = path_counts(a, self.length - 1)
            bridge = gradient_profile(unit, self.length, inputs=torch.ones(self.length, 1, 1))
            profile = gradient_profile(drawn, self.length)
            self.gradients[name] = (profile.lags, profile.norms)
            pairs = list(zip(counts, bridge.norms.tolist(), strict=True))
            # float64 holds a count exactly below 2**53
            wrong = [
                n for n, (count, found) in enumerate(pairs) if count < 2**53 and count != found
            ]
            if wrong:
                failures.append(f"{name}: Jacobian is not the number of paths at lag {wrong[0]}")
            rows += [
                {
                    "architecture": name,
                    "model": type(unit).__name__,
                    "lag": n,
                    "paths": count,
                    "unit-weight Jacobian": found,
                    "equal": "yes" if count == found else "no" if n in wrong else "2^53 or more",
                    norm: float(profile.norms[n]),
                }
                for n, (count, found) in enumerate(pairs)
            ]
        self._write_table("gradients", rows)
        return failures

    def draw(self) -> None:
        """Write the figures, PDF and PNG."""
        import matplotlib as mpl

        mpl.use("agg")
        from drnn_theory import figures

        steps = 16
        small = as_cyclic_graph([1, 2, 4])
        path = [(t + 1, unit) for t, unit in shortest_path(small, steps - 2)]
        worst = {
            name: lengths_over_phases(a, self.span)[0].up_to(self.span)
            for name, a in self.architectures.items()
        }
        spans = sorted({round(2 ** (k / 8)) for k in range(8 * self.span.bit_length())})
        spans = [s for s in spans if s <= self.span]
        curves = {name: (spans, mrl_curve(a, spans)) for name, a in self.architectures.items()}

        def unfolded(ax: Any) -> None:
            figures.plot_unfolded(small, steps, path=path, ax=ax)
            ax.set_title("dilations 1, 2, 4: a shortest path to lag 14", fontsize="medium")

        def profiles(ax: Any) -> None:
            figures.plot_profiles(worst, ax=ax).set_yscale("log", base=2)

        def against_span(ax: Any) -> None:
            figures.plot_mrl_against_span(curves, ax=ax)
            ax.set_xscale("log", base=2)
            ax.set_yscale("log", base=2)

        def gradients(ax: Any) -> None:
            figures.plot_gradient_profiles(self.gradients, ax=ax)

        jobs: dict[str, tuple[Callable[[Any], None], float]] = {
            "unfolded": (unfolded, 2.3),
            "path_lengths": (profiles, 3.4),
            "mrl_against_span": (against_span, 3.4),
            "gradient_norms": (gradients, 3.4),
        }
        for name, (plot, height) in tqdm(jobs.items(), desc="figures", unit="figure"):
            self._draw(name, plot, height)

    def _draw(self, name: str, plot: Callable[[Any], None], height: float) -> None:
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        from drnn_theory.venues import venue_style

        style = venue_style("neurips")
        with mpl.rc_context(style):
            figure, ax = plt.subplots(figsize=(style["figure.figsize"][0], height))
            plot(ax)
            for kind in ("pdf", "png"):
                write_picture(figure, self.out / f"{name}.{kind}")
                self.files.append(self.out / f"{name}.{kind}")
            plt.close(figure)

    def _write_table(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Write rows as CSV and JSON, with what they are about beside each row."""
        self._write(f"{name}.csv", rows_as_csv(rows, self.about))
        self._write(
            f"{name}.json", json.dumps({**self.about, "rows": plain_rows(rows)}, indent=1) + "\n"
        )

    def _write(self, name: str, content: str) -> None:
        with replacing(self.out / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
        self.files.append(self.out / name)
