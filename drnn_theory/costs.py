"""What an architecture costs: parameters, streaming state, sequential steps.

Every unit is a state of ``hidden_size`` values, the inputs excepted. A unit on a cycle is a
recurrent cell as torch.nn has it: per gate one matrix for every edge into it and two bias vectors.
A unit on no cycle (a convolution, a fusion layer) is linear: one matrix per edge, one bias.
Matrices are shared over time, over the phases of a longer period too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any

import networkx as nx

from drnn_theory.architectures import as_cyclic_graph
from drnn_theory.dilations import as_dilations, as_integer, shown
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
    graph, hidden, width, gates = _sizes(architecture, hidden_size, input_size, cell)
    period = graph.graph["period"]
    recurrent = _on_cycles(graph)
    matrices: dict[Any, Counter[Any]] = {}
    for unit in _units(graph):
        if unit not in graph.graph["inputs"]:
            matrices[unit] = Counter()
    for node in graph:
        if (unit := unit_of(node, period)) in matrices:
            here = Counter(unit_of(source, period) for source, _ in graph.in_edges(node))
            matrices[unit] |= here  # the phases share them: the largest number of each counts
    total = 0
    for unit, sources in matrices.items():
        fan_in = sum(number * width(source) for source, number in sources.items())
        if unit in recurrent:
            total += gates * (fan_in * hidden + 2 * hidden)
        else:
            total += fan_in * hidden + hidden
    return total


def hidden_size_for(
    parameters: int, architecture: Any, cell: str = "RNN", input_size: int = 1
) -> int:
    """Return the largest hidden size whose :func:`count_parameters` is within ``parameters``.

    Raises ValueError, with what would fit, if not even one unit per state is.

    >>> hidden_size_for(6420, [1, 2, 4], cell="GRU")
    20
    """
    budget = as_integer(parameters, "parameters")
    graph = as_cyclic_graph(architecture)
    least = count_parameters(graph, 1, input_size, cell)
    if least > budget:
        raise ValueError(
            f"parameters must be at least {least} for one unit per {cell} state, got {budget}"
        )
    # H units cost more than H parameters
    return bisect_right(
        range(1, budget + 1), budget, key=lambda H: count_parameters(graph, H, input_size, cell)
    )


def state_size(
    architecture: Any, hidden_size: int, cell: str = "RNN", *, input_size: int = 1
) -> int:
    """Return how many values streaming inference must keep from one step to the next.

    For a stack of dilations that is the sum of s_l * hidden_size, twice that for LSTM cells. With
    a period above 1 it is the largest number over the phases.

    >>> state_size([1, 2, 4], 20), state_size([1, 2, 4], 20, cell="LSTM")
    (140, 280)
    """
    graph, _, width, _ = _sizes(architecture, hidden_size, input_size, cell)
    period = graph.graph["period"]
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
            kept[phase] += count * width(unit_of(node, period))
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


def _sizes(architecture: Any, hidden_size: int, input_size: int, cell: str) -> Any:
    hidden = as_integer(hidden_size, "hidden_size")
    features = as_integer(input_size, "input_size")
    if not isinstance(cell, str) or cell not in GATES:
        raise ValueError(f"cell must be one of 'RNN', 'GRU', 'LSTM', got {shown(cell)}")
    graph = as_cyclic_graph(architecture)
    inputs = set(graph.graph["inputs"])
    return graph, hidden, (lambda unit: features if unit in inputs else hidden), GATES[cell]


def _on_cycles(graph: nx.MultiDiGraph) -> set[Any]:
    period = graph.graph["period"]
    units = nx.DiGraph((unit_of(u, period), unit_of(v, period)) for u, v in graph.edges())
    parts = nx.strongly_connected_components(units)
    return {u for part in parts for u in part if len(part) > 1 or units.has_edge(u, u)}


def _units(graph: nx.MultiDiGraph) -> list[Any]:
    return list(dict.fromkeys(unit_of(node, graph.graph["period"]) for node in graph))
