"""Write the rows of the shipped table of optimal dilations as theorems for Rocq.

Run from the repository's root: python proofs/rocq/write_tables.py. ``optimal_table.v`` gets the
rows that compile in seconds, ``long/optimal_table_long.v`` those that take longer; the rows of
span 99 with up to five layers stand in ``optimal_schemes.v``, written by hand. Rows whose search
was not run to its end by Rocq are in ``LEFT_OUT``.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

from drnn_theory import load_optimal_schemes

FOLDER = Path(__file__).parent
BY_HAND = {(99, layers) for layers in range(1, 6)}
LONG = {(99, 7), (128, 7), (256, 5)}
LEFT_OUT = {(256, 6), (256, 7)}
LEVELS = {1: 1, 2: 40, 3: 20, 4: 14, 5: 10, 6: 8, 7: 7}  # levels of the pruning bound, by layers

HEAD = """(** * {title}

{words} *)

From Coq Require Import Arith List QArith.
From drnn_theory Require Import stack optimal_search.
Import ListNotations.
Open Scope nat_scope.
"""

ROW = """
Theorem {name} : all_optima {layers} {span} ({mean}) {schemes}.
Proof.
  refine (optimal_means {levels} {total} {layers} {span} _ _ _ _);
    [vm_cast_no_check (eq_refl true) | vm_compute; reflexivity].
Qed.
"""

Row = dict[str, Any]


def row_theorem(row: Row) -> str:
    """Return one row as a theorem with its proof."""
    layers, span, mean = row["layers"], row["span"], row["mrl"]
    schemes = "; ".join(f"[{'; '.join(map(str, scheme))}]" for scheme in row["schemes"])
    return ROW.format(
        name=f"span_{span}_layers_{layers}",
        layers=layers,
        span=span,
        mean=f"{mean.numerator} # {mean.denominator}",
        levels=LEVELS[layers],
        total=(mean - layers) * span,
        schemes="\n".join(wrap(f"[{schemes}]", 98, initial_indent="", subsequent_indent="  ")),
    )


def tables() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file."""
    rows = {(row["span"], row["layers"]): row for row in load_optimal_schemes()}
    short = [cell for cell in rows if cell not in BY_HAND | LONG | LEFT_OUT]
    for name, title, words, cells in (
        (
            "optimal_table",
            "The table of optimal dilations",
            "    Every row of the shipped table whose search takes seconds, beyond those of\n"
            "    [optimal_schemes]: the least mean recurrent length of L dilations over the lags\n"
            "    1..m, and all schemes that attain it.",
            short,
        ),
        (
            "long/optimal_table_long",
            "The table of optimal dilations: the rows that take long",
            "    The rows of the shipped table whose search takes longest of those that were run.",
            sorted(LONG),
        ),
    ):
        text = HEAD.format(title=title, words=words)
        text += "".join(row_theorem(rows[cell]) for cell in cells)
        names = ", ".join(f"span_{span}_layers_{layers}" for span, layers in cells)
        proofs = "\n  ".join(wrap(names, 96))
        both = Path(name).name
        text += f"\nDefinition {both} :=\n  ({proofs}).\n\nPrint Assumptions {both}.\n"
        yield f"{name}.v", text


def main() -> None:
    """Write the files."""
    for name, text in tables():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
