"""The costs of an architecture: parameters, streaming state, sequential steps.

Every unit is a state of ``hidden_size`` values, the inputs excepted. A unit on a cycle, which it
reads by a matrix, is a recurrent cell as torch.nn has it: per gate one matrix for every edge into
it and two bias vectors. Any other (a convolution, a fusion layer) is linear: one matrix per edge,
one bias. Identities have no parameters, nor have sums, which only identities enter. Matrices are
shared over time, over the phases of a longer period too. Attention has four matrices for all its
edges and no bias, and a diagonal edge, the decay of a state space, one number per unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isqrt
from typing import Any

import networkx as nx
import numpy as np

from drnn_theory.architectures import Architecture, as_architecture, cell_of
from drnn_theory.checks import as_integer, one_of, require_memory, shown
from drnn_theory.dilations import as_dilations
from drnn_theory.edges import bare_inputs, is_identity, matrices, scaled_identities, sums, unit_of

__all__ = [
    "GATES",
    "count_parameters",
    "hidden_layers",
    "hidden_size_for",
    "require_equal_widths",
    "sequential_steps",
    "state_size",
    "wavefront_steps",
]

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
"""Matrices per edge into a recurrent cell."""


def count_parameters(
    architecture: Architecture, hidden_size: int, *, cell: str | None = None, input_size: int = 1
) -> int:
    """Return the number of parameters of the architecture, biases included.

    For a stack of dilations that is what the layers of torch.nn hold. The cell is that of a model
    where none is given, else "RNN"; a model with a cell of one's own is refused.

    >>> count_parameters([1, 2, 4], 20, cell="GRU")  # 3 (20 + 400 + 40) + 2 * 3 (400 + 400 + 40)
    6420
    """
    cell = _checked(cell_of(architecture, cell))
    architecture = as_architecture(architecture)
    square, linear = _growth(architecture, input_size, cell)
    hidden = as_integer(hidden_size, "hidden_size")
    require_equal_widths(architecture, input_size, hidden)
    return square * hidden**2 + linear * hidden


def hidden_layers(architecture: Architecture) -> int:
    """Return how many layers an architecture has, in a graph the hidden units that remember.

    Those are the units that an edge from an earlier step enters, or that a cycle leads through.
    Inputs are none, nor are sums, what maps the present alone, and an output ``y`` of its own.

    >>> from drnn_theory import clockwork_rnn, dilated_rnn, residual_rnn
    >>> hidden_layers([1, 2, 4]), hidden_layers(dilated_rnn([2, 4], fusion=True))
    (3, 2)
    >>> hidden_layers(residual_rnn([[1, 2], [4, 8]])), hidden_layers(clockwork_rnn([1, 2, 4]))
    (4, 3)
    """
    architecture = as_architecture(architecture)
    if isinstance(architecture, tuple):
        return len(architecture)
    period = architecture.graph["period"]
    edges = [
        (unit_of(u, period), unit_of(v, period), lag)
        for u, v, lag in architecture.edges(data="lag")
    ]
    wiring = nx.DiGraph((u, v) for u, v, _ in edges)
    around = {v for part in nx.strongly_connected_components(wiring) if len(part) > 1 for v in part}
    units = around | {v for u, v, lag in edges if lag or u == v}
    units -= {*architecture.graph["inputs"], *sums(architecture)}
    if "y" in architecture.graph["outputs"] and wiring.out_degree("y") == 0:
        units.discard("y")
    return max(1, len(units))


def hidden_size_for(
    parameters: int, architecture: Architecture, *, cell: str | None = None, input_size: int = 1
) -> int:
    """Return the largest hidden size whose :func:`count_parameters` is within ``parameters``.

    Raises ValueError, with what would fit, if not even one unit per state is.

    >>> hidden_size_for(6420, [1, 2, 4], cell="GRU")
    20
    """
    budget = as_integer(parameters, "parameters")
    cell = _checked(cell_of(architecture, cell))
    architecture = as_architecture(architecture)
    square, linear = _growth(architecture, input_size, cell)
    if square + linear > budget:
        raise ValueError(
            f"parameters must be at least {square + linear} for one unit per {cell} state, "
            f"got {budget}"
        )
    if square == 0:
        hidden = budget // linear
    else:
        hidden = (isqrt(linear**2 + 4 * square * budget) - linear) // (2 * square)
    require_equal_widths(architecture, input_size, hidden)
    return hidden


def require_equal_widths(
    architecture: tuple[int, ...] | nx.MultiDiGraph, input_size: int, hidden_size: int
) -> None:
    """Raise ValueError if an identity joins an input to states of another width.

    >>> from drnn_theory import cyclic_graph
    >>> graph = cyclic_graph(
    ...     [("x", "h", 1)], inputs=["x"], outputs=["h"], identities=[("x", "h", 0)]
    ... )
    >>> require_equal_widths(graph, 1, 20)
    Traceback (most recent call last):
    ValueError: identities must join equal widths, got input_size 1 at 'x' and hidden_size 20 at 'h'
    """
    if isinstance(architecture, tuple) or input_size == hidden_size:
        return
    bare = bare_inputs(architecture)
    for source, target, data in architecture.edges(data=True):
        kept = is_identity(data) or data.get("diagonal", False)
        if source in bare and kept and "attention" not in data:
            raise ValueError(
                f"identities must join equal widths, got input_size {input_size} at "
                f"{shown(source)} and hidden_size {hidden_size} at {shown(target)}"
            )


def state_size(
    architecture: Architecture, hidden_size: int, *, cell: str | None = None, input_size: int = 1
) -> int:
    """Return how many values streaming inference must keep from one step to the next.

    For a stack of dilations that is the sum of s_l * hidden_size, twice that for LSTM cells. With
    a period above 1 it is the largest number over the phases.

    >>> state_size([1, 2, 4], 20), state_size([1, 2, 4], 20, cell="LSTM")
    (140, 280)
    """
    hidden = as_integer(hidden_size, "hidden_size")
    features = as_integer(input_size, "input_size")
    cell = _checked(cell_of(architecture, cell))
    architecture = as_architecture(architecture)
    if isinstance(architecture, tuple):
        return sum(architecture) * hidden * (2 if cell == "LSTM" else 1)
    require_equal_widths(architecture, features, hidden)
    graph, period = architecture, architecture.graph["period"]
    require_memory(40 * period, f"{period} phases")
    phases = np.arange(period)
    kept = np.zeros(period, dtype=np.int64 if _few(graph, max(hidden, features)) else object)
    for node in graph:
        out = list(graph.out_edges(node, data=True))
        states = [data["lag"] for *_, data in out if "attention" not in data]
        lags = [max(states, default=0)]
        windows: dict[Any, int] = {}  # of keys and of values, for each unit that attends
        for _, v, data in out:
            if "attention" in data and not is_identity(data):
                windows[v] = max(windows.get(v, 0), data["attention"])
        if cell == "LSTM":  # the cell state goes back to the unit itself alone
            own = [data["lag"] for _, v, data in out if v == node and not is_identity(data)]
            lags.append(max(own, default=0))
        first = node[0] if period > 1 else 0
        since = (phases - (1 + first)).astype(kept.dtype, copy=False)
        width = features if unit_of(node, period) in graph.graph["inputs"] else hidden
        for lag, values in [
            *((lag, width) for lag in lags),
            *((window, 2 * hidden) for window in windows.values()),
        ]:
            if lag:  # of its states, those of the last `lag` steps before each phase
                kept += (since // period - (since - lag) // period) * values
    return int(kept.max())


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
    features, gates = as_integer(input_size, "input_size"), GATES[cell]
    if isinstance(architecture, tuple):  # layers of one matrix each way, whatever the dilations
        layers = len(architecture)
        return gates * (2 * layers - 1), gates * (features + 2 * layers)
    inputs, period = set(architecture.graph["inputs"]), architecture.graph["period"]
    cells = {unit_of(node, period) for node in architecture} - inputs - sums(architecture)
    recurrent = _recurrent(architecture)
    square = linear = 0
    for edge in {edge.name: edge for edge in matrices(architecture)}.values():
        source, target = unit_of(edge.source, period), unit_of(edge.target, period)
        fed = source in inputs  # whose matrix is hidden_size by input_size
        if target not in cells:
            continue
        if edge.form == "attention":  # queries, keys and values of what is read, and an output
            square += 1 if fed else 4
            linear += 3 * features if fed else 0
        elif edge.form == "diagonal":
            linear += 1
        else:
            times = gates if target in recurrent else 1
            square += 0 if fed else times
            linear += times * features if fed else 0
    biased = {unit_of(e.target, period) for e in matrices(architecture) if e.form != "attention"}
    linear += len(set(scaled_identities(architecture).values()))
    linear += sum(gates * 2 if unit in recurrent else 1 for unit in cells & biased)
    return square, linear


def _few(graph: nx.MultiDiGraph, width: int) -> bool:
    """Tell whether the values of all states together are counted by 64 bits."""
    lags = [max(data["lag"], data.get("attention", 0)) for *_, data in graph.edges(data=True)]
    return 4 * width * (sum(lags) + len(graph)) < 2**62


def _checked(cell: Any) -> str:
    return one_of(cell, "cell", GATES)


def _recurrent(graph: nx.MultiDiGraph) -> set[Any]:
    """Return the units that read by a full matrix what comes back from themselves."""
    period = graph.graph["period"]
    units = nx.DiGraph((unit_of(u, period), unit_of(v, period)) for u, v in graph.edges())
    part = {u: i for i, p in enumerate(nx.strongly_connected_components(units)) for u in p}
    full = [edge for edge in matrices(graph) if edge.form == "full"]
    ends = [(unit_of(edge.source, period), unit_of(edge.target, period)) for edge in full]
    return {v for u, v in ends if part[u] == part[v]}
