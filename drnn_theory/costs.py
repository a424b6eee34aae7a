"""What an architecture costs: parameters, streaming state, sequential steps.

Every unit is a state of ``hidden_size`` values, the inputs excepted. A unit on a cycle is a
recurrent cell as torch.nn has it: per gate one matrix for every edge into it and two bias vectors.
A unit on no cycle (a convolution, a fusion layer) is linear: one matrix per edge, one bias.
Matrices are shared over time, over the phases of a longer period too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import isqrt
from typing import Any

import networkx as nx

from drnn_theory.architectures import as_architecture
from drnn_theory.checks import as_integer, one_of
from drnn_theory.dilations import as_dilations
from drnn_theory.graphs import unit_of

__all__ = [
    "GATES",
    "count_parameters",
    "hidden_size_for",
    "sequential_steps",
    "state_size",
    "wavefront_steps",
]

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
"""Matrices per edge into a recurrent cell."""


def count_parameters(
    architecture: Any, hidden_size: int, input_size: int = 1, cell: str = "RNN"
) -> int:
    """Return the number of parameters of the architecture, biases included.

    For a stack of dilations that is what the layers of torch.nn hold.

    >>> count_parameters([1, 2, 4], 20, cell="GRU")  # 3 (20 + 400 + 40) + 2 * 3 (400 + 400 + 40)
    6420
    """
    square, linear = _growth(as_architecture(architecture), input_size, cell)
    hidden = as_integer(hidden_size, "hidden_size")
    return square * hidden**2 + linear * hidden


def hidden_size_for(
    parameters: int, architecture: Any, cell: str = "RNN", input_size: int = 1
) -> int:
    """Return the largest hidden size whose :func:`count_parameters` is within ``parameters``.

    Raises ValueError, with what would fit, if not even one unit per state is.

    >>> hidden_size_for(6420, [1, 2, 4], cell="GRU")
    20
    """
    budget = as_integer(parameters, "parameters")
    square, linear = _growth(as_architecture(architecture), input_size, cell)
    if square + linear > budget:
        raise ValueError(
            f"parameters must be at least {square + linear} for one unit per {cell} state, "
            f"got {budget}"
        )
    if square == 0:
        return budget // linear
    return (isqrt(linear**2 + 4 * square * budget) - linear) // (2 * square)


def state_size(
    architecture: Any, hidden_size: int, cell: str = "RNN", *, input_size: int = 1
) -> int:
    """Return how many values streaming inference must keep from one step to the next.

    For a stack of dilations that is the sum of s_l * hidden_size, twice that for LSTM cells. With
    a period above 1 it is the largest number over the phases.

    >>> state_size([1, 2, 4], 20), state_size([1, 2, 4], 20, cell="LSTM")
    (140, 280)
    """
    hidden = as_integer(hidden_size, "hidden_size")
    features = as_integer(input_size, "input_size")
    _gates(cell)
    architecture = as_architecture(architecture)
    if isinstance(architecture, tuple):
        return sum(architecture) * hidden * (2 if cell == "LSTM" else 1)
    graph, period = architecture, architecture.graph["period"]
    kept = [0] * period
    for node in graph:
        out = list(graph.out_edges(node, data="lag"))
        lags = [max((lag for *_, lag in out), default=0)]
        if cell == "LSTM":  # the cell state goes back to the unit itself alone
            lags.append(max((lag for _, v, lag in out if v == node), default=0))
        first = node[0] if period > 1 else 0
        for phase in range(period):
            since = phase - 1 - first  # of its states, those of the last `lag` steps before phase
            count = sum(since // period - (since - lag) // period for lag in lags)
            unit = unit_of(node, period)
            kept[phase] += count * (features if unit in graph.graph["inputs"] else hidden)
    return max(kept)


def sequential_steps(dilations: Iterable[int], length: int) -> int:
    r"""Return the steps that one layer after another takes: :math:`\sum_l \lceil T / s_l \rceil`.

    Layer l is s_l chains that run side by side, each of at most ceil(T / s_l) steps.

    >>> sequential_steps([1, 2, 4], 10)
    18
    """
    length = as_integer(length, "length")
    return sum(-(-length // s) for s in as_dilations(dilations))


def wavefront_steps(dilations: Iterable[int], length: int) -> int:
    r"""Return the steps if all that is ready runs at once: :math:`L + \lfloor (T-1)/s \rfloor`.

    The longest chain of states each of which needs the one before: it climbs L layers, and passes
    most of the T times by the smallest dilation s.

    >>> wavefront_steps([1, 2, 4], 10), wavefront_steps([2, 4], 10)
    (12, 6)
    """
    scheme = as_dilations(dilations)
    return len(scheme) + (as_integer(length, "length") - 1) // min(scheme)


def _growth(
    architecture: tuple[int, ...] | nx.MultiDiGraph, input_size: int, cell: str
) -> tuple[int, int]:
    """Return a, b: with H units per state there are a H^2 + b H parameters."""
    features, gates = as_integer(input_size, "input_size"), _gates(cell)
    if isinstance(architecture, tuple):  # layers of one matrix each way, whatever the dilations
        layers = len(architecture)
        return gates * (2 * layers - 1), gates * (features + 2 * layers)
    inputs, period = set(architecture.graph["inputs"]), architecture.graph["period"]
    matrices: dict[Any, Counter[Any]] = {}
    for node in architecture:
        unit = unit_of(node, period)
        if unit not in inputs:
            here = Counter(unit_of(source, period) for source, _ in architecture.in_edges(node))
            # the phases of a unit share its matrices: the largest number of each counts
            matrices.setdefault(unit, Counter())
            matrices[unit] |= here
    recurrent = _on_cycles(architecture)
    square = linear = 0
    for unit, sources in matrices.items():
        times = gates if unit in recurrent else 1
        square += times * sum(n for source, n in sources.items() if source not in inputs)
        linear += times * features * sum(n for source, n in sources.items() if source in inputs)
        linear += gates * 2 if unit in recurrent else 1  # biases
    return square, linear


def _gates(cell: Any) -> int:
    return GATES[one_of(cell, "cell", GATES)]


def _on_cycles(graph: nx.MultiDiGraph) -> set[Any]:
    period = graph.graph["period"]
    units = nx.DiGraph((unit_of(u, period), unit_of(v, period)) for u, v in graph.edges())
    parts = nx.strongly_connected_components(units)
    return {u for part in parts for u in part if len(part) > 1 or units.has_edge(u, u)}
