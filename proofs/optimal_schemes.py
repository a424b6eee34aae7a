"""Compute drnn_theory/data/optimal_schemes.json: every optimum for layers 1..7 and seven spans.

Run from the repository's root: python proofs/optimal_schemes.py. Takes minutes; a cell whose search
would take an effort of more than EFFORT lags is recorded as found, not proved.
"""

import json
from pathlib import Path

from drnn_theory import optimal_dilations
from drnn_theory.tables import convention, where

LAYERS = range(1, 8)
SPANS = (8, 16, 32, 64, 99, 128, 256)
EFFORT = 4 * 10**10
TARGET = Path(__file__).parent.parent / "drnn_theory" / "data" / "optimal_schemes.json"


def machine_checked(span: int, layers: int) -> str | None:
    """Return the file under proofs/rocq that states and proves the cell, if any does."""
    folder = Path(__file__).parent / "rocq"
    for path in sorted(folder.rglob("optimal_*.v")):
        if f"Theorem span_{span}_layers_{layers} :" in path.read_text(encoding="utf-8"):
            return path.relative_to(folder).as_posix()
    return None


def row(span: int, layers: int) -> dict[str, object]:
    """Return one cell of the table."""
    best = optimal_dilations(span, layers, effort=EFFORT, most_schemes=10**6)
    found = best.to_dict()
    kept = ("span", "schemes", "mean recurrent length", "exponential")
    more = ("exponential mean recurrent length", "counting bound", "exhaustive", "complete")
    cell = {"layers": layers, **{key: found[key] for key in (*kept, *more)}}
    return {**cell, "machine-checked": machine_checked(span, layers)}


def main() -> None:
    """Compute all cells and write them, one per line."""
    rows = []
    for span in SPANS:
        for layers in LAYERS:
            rows.append(row(span, layers))
            print(span, layers, rows[-1]["exhaustive"], rows[-1]["mean recurrent length"])
    head = {
        "class": "all sets of distinct dilations 1 = s_1 < .. < s_L within the span",
        "convention": convention(),
        "where": where(seed=0),
        "effort": EFFORT,
    }
    lines = ",\n".join(f"    {json.dumps(cell)}" for cell in rows)
    text = json.dumps(head, indent=2).removesuffix("\n}") + f',\n  "rows": [\n{lines}\n  ]\n}}\n'
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
