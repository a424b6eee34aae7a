r"""A unit whose cycles are loops of its own, run as a recurrent layer of torch is run.

With shifts s_1 < s_2 <= .. the unit's states are

.. math:: h_t = f\big(b + V x_t + W_1 h_{t - s_1} + W_2 h_{t - s_2} + ..\big)

where V x stands for all that enters from other units. Within a block of s_2 rows the first loop
alone reads what the block itself computes; what the others read is there before. So the block is
one layer of dilation s_1, whose input is x and those states side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear

from drnn_theory.models.running import as_rows, run_plain
from drnn_theory.models.scheduling import Blocks, Stage
from drnn_theory.models.ways import are_plain, is_watched

__all__ = ["Loops", "Term", "loops_of", "multiplied", "run_loops"]

MODES = {"tanh": "RNN_TANH", "relu": "RNN_RELU"}
SHORT, LONG = 4, 64  # times s_1 that a block must have rows for the layer to pay
LARGE = 4096  # numbers of s_1 rows, beyond which it must be long: what is saved is overhead

Term = tuple[Tensor, Tensor]
"""States (R, B, F) and the matrix, or the numbers one per unit, by which a unit reads them."""

Loops = list[tuple[int, Tensor]]
"""Shift and matrix of each loop, by shift."""


def multiplied(states: Tensor, weight: Tensor) -> Tensor:
    """Return the states times a matrix, or times a number for each unit."""
    return states * weight if weight.dim() == 1 else linear(states, weight)


def loops_of(stage: Stage, weights: torch.nn.ParameterList) -> Loops:
    """Return the loops of a component of one unit that reads itself by matrices alone."""
    reads = sorted(stage.inner[stage.nodes[0]], key=lambda read: read.shift)
    if len(stage.nodes) > 1 or any(read.matrix is None for read in reads):
        return []
    loops = [(read.shift, weights[read.matrix or 0]) for read in reads]
    return [] if any(weight.dim() == 1 for _, weight in loops) else loops


def run_loops(
    nonlinearity: str, loops: Loops, bias: Tensor, terms: Sequence[Term], kept: Tensor
) -> Tensor | None:
    """Return the rows kept (K, B, H) and after them those of the terms (R, B, F).

    None where torch is followed by more than autograd or has no function of this nonlinearity, and
    where blocks would be too short to pay.
    """
    (shift, weight), *further = loops
    tensors, matrices = [states for states, _ in terms], [matrix for _, matrix in terms]
    if nonlinearity not in MODES or not terms or any(matrix.dim() == 1 for matrix in matrices):
        return None
    rows, batch = tensors[0].shape[:2]
    block = min(rows, further[0][0]) if further else rows
    large = shift * batch * len(weight) > LARGE
    if block < shift * (LONG if large else SHORT) or batch == 0:
        return None
    matrices += [matrix for _, matrix in further]
    if is_watched() or not are_plain([*tensors, kept, bias, weight, *matrices]):
        return None
    weights = [side_by_side(matrices, 1), weight, bias, torch.zeros_like(bias)]
    # a gradient of the input alone may be asked for many times at once, which columns slow down
    learns = torch.is_grad_enabled() and weight.requires_grad
    blocks = Blocks(kept, block)
    for row in range(0, rows, block):
        read = [states[row : row + block] for states in tensors]
        read += [blocks.read(row - lag, len(read[0])) for lag, _ in further]
        first = (blocks.read(row - shift, shift),)
        mode, x = MODES[nonlinearity], side_by_side(read, 2)
        states, _ = run_plain(mode, True, weights, x, first, shift, learns)
        blocks.append(as_rows(states, batch))
    return blocks.joined()


def side_by_side(tensors: list[Tensor], axis: int) -> Tensor:
    """Return the tensors along an axis, one alone as it is."""
    return torch.cat(tensors, axis) if len(tensors) > 1 else tensors[0]
