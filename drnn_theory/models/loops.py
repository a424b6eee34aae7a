r"""A unit whose cycles are loops of its own, run as a recurrent layer of torch is run.

With shifts s_1 < s_2 <= .. the unit's states are

.. math:: h_t = f\big(a_t + W_1 h_{t - s_1} + W_2 h_{t - s_2} + ..\big)

Within a block of s_2 rows the first loop alone reads what the block itself computes. What the
others read is there before, a product each for all rows, so that the block is one layer of dilation
s_1, whose input is a sum by an identity for its matrix.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear

from drnn_theory.models.running import as_rows, run_plain
from drnn_theory.models.scheduling import Blocks, Stage
from drnn_theory.models.ways import are_plain, is_watched

__all__ = ["loops_of", "run_loops"]

MODES = {"tanh": "RNN_TANH", "relu": "RNN_RELU"}
LONG = 4  # times s_1 that a block must have rows for the layer to pay

Loops = list[tuple[int, Tensor]]
"""Shift and matrix of each loop, by shift."""


def loops_of(stage: Stage, weights: Sequence[Tensor]) -> Loops:
    """Return the loops of a component of one unit that reads itself by matrices alone, else none."""
    reads = sorted(stage.inner[stage.nodes[0]], key=lambda read: read.shift)
    if len(stage.nodes) > 1 or any(read.matrix is None for read in reads):
        return []
    loops = [(read.shift, weights[read.matrix or 0]) for read in reads]
    return [] if any(weight.dim() == 1 for _, weight in loops) else loops


def run_loops(nonlinearity: str, loops: Loops, total: Tensor, kept: Tensor) -> Tensor | None:
    """Return the rows kept (K, B, H) and after them those of the sums ``total`` (R, B, H).

    None where torch is followed by more than autograd or has no function of this nonlinearity, and
    where blocks would be too short to pay.
    """
    (shift, weight), *further = loops
    block = min(len(total), further[0][0]) if further else len(total)
    if nonlinearity not in MODES or block < LONG * shift or not total.numel():
        return None
    if is_watched() or not are_plain([total, kept, *(matrix for _, matrix in loops)]):
        return None
    mode = MODES[nonlinearity]
    # a gradient of the input alone may be asked for many times at once, which columns slow down
    learns = torch.is_grad_enabled() and weight.requires_grad
    blocks = Blocks(kept, block)
    matrices = [torch.eye(len(weight), dtype=weight.dtype), weight]
    for index, part in enumerate(total.split(block)):
        row, count, batch = index * block, len(part), part.size(1)
        for lag, matrix in further:
            part = part + linear(blocks.read(row - lag, count), matrix)
        first = (blocks.read(row - shift, shift),)
        states, _ = run_plain(mode, True, matrices, part, first, shift, learns)
        blocks.append(as_rows(states, batch))
    return blocks.joined()
