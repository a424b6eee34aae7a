"""Curves in characters, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["draw_chart"]

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def draw_chart(
    steps: Sequence[float], values: Sequence[float], *, width: int = 80, height: int = 8
) -> str:
    """Return values against steps as a chart of at most ``width`` characters and ``height`` rows.

    A column stands for the mean of the values that fall on it; a bar of eighths reaches from the
    least value to it. Values that are not finite leave a gap.

    >>> print(draw_chart([1, 2, 3, 4], [0.0, 0.5, 0.75, 1.0], width=12, height=2))
     1   ▄█
     0 ▁███
       1  4
    """
    if not steps:
        return "(no steps)"
    low = min((v for v in values if math.isfinite(v)), default=0.0)
    high = max((v for v in values if math.isfinite(v)), default=1.0)
    labels = f"{high:.4g}", f"{low:.4g}"
    margin = max(map(len, labels)) + 1
    count = min(len(values), max(1, width - margin - 1))
    eighths = []
    for i in range(count):
        column = values[len(values) * i // count : len(values) * (i + 1) // count]
        kept = [v for v in column if math.isfinite(v)]
        share = (sum(kept) / len(kept) - low) / ((high - low) or 1.0) if kept else 0.0
        eighths.append(max(round(share * 8 * height), 1 if kept else 0))
    rows = []
    for row in range(height - 1, -1, -1):
        label = labels[0] if row == height - 1 else labels[1] if row == 0 else ""
        bars = "".join(_EIGHTHS[min(8, max(0, n - 8 * row))] for n in eighths)
        rows.append(f"{label:>{margin}} {bars}".rstrip())
    first, last = f"{steps[0]:g}", f"{steps[-1]:g}"
    gap = max(1, count - len(first) - len(last))
    rows.append(" " * (margin + 1) + first + " " * gap + last)
    return "\n".join(rows)
