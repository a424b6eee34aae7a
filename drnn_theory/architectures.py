r"""The zoo: recurrent architectures of the literature as cyclic graphs.

Units are named as in the figures of the papers: ``x`` the input, ``h1``, ``h2``, .. the hidden
states from the bottom up, ``y`` an output where the architecture has one of its own. In a stack
the output is the top layer's state, so that every path from input to output has exactly L vertical
edges for L layers.

[1] Chang et al., Dilated Recurrent Neural Networks, NIPS 2017, arXiv:1710.02224.
[2] Zhang et al., Architectural Complexity Measures of Recurrent Neural Networks, NIPS 2016,
arXiv:1602.08210.
[3] Koutnik et al., A Clockwork RNN, ICML 2014.
[4] El Hihi and Bengio, Hierarchical Recurrent Neural Networks for Long-Term Dependencies,
NIPS 1995.
[5] Lin et al., Learning long-term dependencies in NARX recurrent neural networks, 1996.
[6] DiPietro et al., Analyzing and exploiting NARX recurrent neural networks for long-term
dependencies, arXiv:1702.07805.
[7] Chung et al., Gated Feedback Recurrent Neural Networks, ICML 2015.
[8] Mujika, Meier, Steger, Fast-Slow Recurrent Neural Networks, NIPS 2017.
[9] Oord et al., WaveNet, arXiv:1609.03499.
[10] Bai, Kolter, Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks,
arXiv:1803.01271.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from operator import length_hint
from typing import Any, TypeAlias

import networkx as nx

from drnn_theory.checks import as_integer, one_of, require_memory, shown
from drnn_theory.dilations import as_dilations
from drnn_theory.graphs import as_graph, cyclic_graph

__all__ = [
    "Architecture",
    "as_architecture",
    "as_cyclic_graph",
    "clockwork_rnn",
    "dilated_cnn",
    "dilated_rnn",
    "fast_slow_rnn",
    "gated_feedback_rnn",
    "hierarchical_rnn",
    "layers_rnn",
    "mist_rnn",
    "narx_rnn",
    "skip_rnn",
    "stacked_rnn",
    "tcn",
    "wavenet",
    "zhang_rnn",
]

Architecture: TypeAlias = Iterable[int] | nx.MultiDiGraph
"""A flat sequence of dilations (a stack, bottom layer first) or a cyclic graph."""


def as_architecture(architecture: Any) -> tuple[int, ...] | nx.MultiDiGraph:
    """Return a stack's dilations as a tuple, or the cyclic graph, checked.

    A torch module of this package stands for the scheme or the graph that it was built from.

    >>> as_architecture([1, 2, 4])
    (1, 2, 4)
    """
    if isinstance(architecture, nx.Graph):
        return as_graph(architecture)
    if isinstance(getattr(architecture, "graph", None), nx.MultiDiGraph):  # a GraphRNN
        return as_graph(architecture.graph)
    if hasattr(architecture, "dilations"):  # a DilatedRNN
        if getattr(architecture, "fusion", False):
            return dilated_rnn(architecture.dilations, fusion=True)
        return as_dilations(architecture.dilations)
    return as_dilations(architecture)


def as_cyclic_graph(architecture: Any) -> nx.MultiDiGraph:
    """Return the cyclic graph of an architecture, that of a DilatedRNN for a scheme."""
    architecture = as_architecture(architecture)
    return dilated_rnn(architecture) if isinstance(architecture, tuple) else architecture


def layers_rnn(layers: Iterable[Iterable[int]]) -> nx.MultiDiGraph:
    """Return the stack whose layer l has recurrent edges of the lags ``layers[l - 1]``.

    >>> sorted(layers_rnn([[1, 4], [2]]).edges(data="lag"))
    [('h1', 'h1', 1), ('h1', 'h1', 4), ('h1', 'h2', 0), ('h2', 'h2', 2), ('x', 'h1', 0)]
    """
    rule = "layers must be a list of lists of positive integers"
    if isinstance(layers, (str, dict)) or not isinstance(layers, Iterable):
        raise TypeError(f"{rule}, got {shown(layers)}")
    require_memory(1000 * length_hint(layers), "a graph of so many layers")
    lags = list(layers)
    if not lags:
        raise ValueError(f"{rule}, got none")
    edges: list[tuple[str, str, int]] = []
    for layer, layer_lags in enumerate(lags, start=1):
        if isinstance(layer_lags, str) or not isinstance(layer_lags, Iterable):
            raise TypeError(f"{rule}, got {shown(layer_lags)} for layer {layer}")
        below, here = _layer(layer - 1), _layer(layer)
        edges.append((below, here, 0))
        edges.extend((here, here, lag) for lag in as_dilations(layer_lags, name="lags"))
    return cyclic_graph(edges, inputs=["x"], outputs=[_layer(len(lags))])


def dilated_rnn(dilations: Iterable[int], *, fusion: bool = False) -> nx.MultiDiGraph:
    """Return the DilatedRNN [1]: layer l reads its own state of ``dilations[l - 1]`` steps before.

    With ``fusion`` an output ``y`` reads the top layer's states of the last ``dilations[0]`` steps
    (lags 0 .. dilations[0] - 1): the paper's repair for a lowest dilation above 1, without which
    the steps fall into classes that never meet. It adds one vertical edge.

    >>> sorted(dilated_rnn([2, 4], fusion=True).edges(data="lag"))  # doctest: +NORMALIZE_WHITESPACE
    [('h1', 'h1', 2), ('h1', 'h2', 0), ('h2', 'h2', 4), ('h2', 'y', 0), ('h2', 'y', 1),
     ('x', 'h1', 0)]
    """
    scheme = as_dilations(dilations)
    stack = layers_rnn([s] for s in scheme)
    if not fusion:
        return stack
    _require_edges(scheme[0])
    edges = list(stack.edges(data="lag"))
    edges += [(_layer(len(scheme)), "y", lag) for lag in range(scheme[0])]
    return cyclic_graph(edges, inputs=["x"], outputs=["y"])


def stacked_rnn(layers: int) -> nx.MultiDiGraph:
    """Return the plain stack: every layer reads its own state of the step before.

    >>> sorted(stacked_rnn(2).edges(data="lag"))
    [('h1', 'h1', 1), ('h1', 'h2', 0), ('h2', 'h2', 1), ('x', 'h1', 0)]
    """
    _require_edges(2 * as_integer(layers, "layers"))
    return layers_rnn([[1]] * int(layers))


def skip_rnn(skip: int, layers: int = 1) -> nx.MultiDiGraph:
    """Return the regular skip RNN [1]: every layer has recurrent edges of lags 1 and ``skip``.

    >>> sorted(skip_rnn(16).edges(data="lag"))
    [('h1', 'h1', 1), ('h1', 'h1', 16), ('x', 'h1', 0)]
    """
    _require_edges(3 * as_integer(layers, "layers"))
    return layers_rnn([[1, as_integer(skip, "skip")]] * int(layers))


def dilated_cnn(dilations: Iterable[int], kernel_size: int = 2) -> nx.MultiDiGraph:
    """Return the stack of dilated causal convolutions: layer l reads multiples of s_l back.

    Its ``kernel_size`` taps read the layer below at the lags 0, s_l, 2 s_l and so on. It has no
    cycle; lags of its receptive field and beyond are unreachable.

    >>> sorted(dilated_cnn([1, 2]).edges(data="lag"))
    [('h1', 'h2', 0), ('h1', 'h2', 2), ('x', 'h1', 0), ('x', 'h1', 1)]
    """
    scheme = as_dilations(dilations)
    taps = as_integer(kernel_size, "kernel_size")
    _require_edges(len(scheme) * taps)
    edges = [
        (_layer(layer - 1), _layer(layer), tap * s)
        for layer, s in enumerate(scheme, start=1)
        for tap in range(taps)
    ]
    return cyclic_graph(edges, inputs=["x"], outputs=[_layer(len(scheme))])


def narx_rnn(max_lag: int) -> nx.MultiDiGraph:
    """Return the NARX RNN [5, 6]: one layer that reads its last ``max_lag`` states.

    >>> sorted(lag for *_, lag in narx_rnn(3).edges(data="lag"))
    [0, 1, 2, 3]
    """
    _require_edges(as_integer(max_lag, "max_lag"))
    return layers_rnn([range(1, int(max_lag) + 1)])


def mist_rnn(lags: Iterable[int]) -> nx.MultiDiGraph:
    """Return the MIST RNN [6]: one layer with recurrent edges of the given lags.

    >>> sorted(lag for *_, lag in mist_rnn([1, 2, 4]).edges(data="lag"))
    [0, 1, 2, 4]
    """
    return layers_rnn([as_dilations(lags, name="lags")])


def clockwork_rnn(periods: Iterable[int]) -> nx.MultiDiGraph:
    """Return the Clockwork RNN [3]: module g updates at multiples of its period ``periods[g - 1]``.

    It then reads the input and the latest earlier state of every module of its own period or a
    longer one, itself included. Holding a state costs no edge: the lag of an edge is the time since
    the state was computed. The output reads the latest state of every module. The graph's period is
    the least common multiple of the modules' periods.

    >>> graph = clockwork_rnn([1, 2])
    >>> sorted(graph.in_edges((1, "h1"), data="lag"), key=str)
    [((0, 'h1'), (1, 'h1'), 1), ((0, 'h2'), (1, 'h1'), 1), ((1, 'x'), (1, 'h1'), 0)]
    """
    clocks = as_dilations(periods, name="periods")
    reads = [[(source, 1) for source, clock in enumerate(clocks) if clock >= own] for own in clocks]
    return _clocked(clocks, reads, fed=range(len(clocks)))


def hierarchical_rnn(periods: Iterable[int]) -> nx.MultiDiGraph:
    """Return a hierarchical RNN after [4]: levels of longer and longer time scales.

    As modelled here, level l updates at multiples of ``periods[l - 1]``. It reads its own last
    state, the latest state of the level below (of the same step, if that updates too) and, from
    the steps before, of the level above. The input feeds level 1, which updates first; the output
    reads the latest state of every level.

    >>> graph = hierarchical_rnn([1, 2])
    >>> sorted(graph.in_edges((0, "h2"), data="lag"), key=str)
    [((0, 'h1'), (0, 'h2'), 0), ((0, 'h2'), (0, 'h2'), 2)]
    """
    clocks = as_dilations(periods, name="periods")
    reads = []
    for level in range(len(clocks)):
        near = [(level, 1)]
        near += [(level - 1, 0)] if level else []
        near += [(level + 1, 1)] if level + 1 < len(clocks) else []
        reads.append(near)
    return _clocked(clocks, reads, fed=[0])


def zhang_rnn(wiring: str) -> nx.MultiDiGraph:
    """Return one of the wirings that [2] compares: "sh", "st", "bu" or "td".

    "sh" is one plain layer; "st" stacks two; "bu" adds an edge of lag 1 up, from layer 1 to
    layer 2, "td" one down, from layer 2 to layer 1.

    >>> sorted(set(zhang_rnn("td").edges(data="lag")) - set(zhang_rnn("st").edges(data="lag")))
    [('h2', 'h1', 1)]
    """
    extra = {"sh": [], "st": [], "bu": [("h1", "h2", 1)], "td": [("h2", "h1", 1)]}
    one_of(wiring, "wiring", extra)
    if wiring == "sh":
        return stacked_rnn(1)
    edges = [*stacked_rnn(2).edges(data="lag"), *extra[wiring]]
    return cyclic_graph(edges, inputs=["x"], outputs=["h2"])


def gated_feedback_rnn(layers: int) -> nx.MultiDiGraph:
    """Return the fully connected stack [7]: each layer reads the last states of all layers.

    >>> gated_feedback_rnn(3).number_of_edges()  # 3 vertical, 9 recurrent
    12
    """
    _require_edges(as_integer(layers, "layers") ** 2)
    names = [_layer(number) for number in range(1, int(layers) + 1)]
    edges = [(below, here, 0) for below, here in pairwise(["x", *names])]
    edges += [(source, target, 1) for source in names for target in names]
    return cyclic_graph(edges, inputs=["x"], outputs=names[-1:])


def fast_slow_rnn(fast_cells: int = 2) -> nx.MultiDiGraph:
    """Return the Fast-Slow RNN [8]: ``fast_cells`` in sequence within a step, and one slow cell.

    The first fast cell ``f1`` reads the input and the last one's state of the step before; the
    slow cell ``s`` reads f1 and itself; f2 reads f1 and s; the output is the last fast cell.

    >>> sorted(fast_slow_rnn().edges(data="lag"))  # doctest: +NORMALIZE_WHITESPACE
    [('f1', 'f2', 0), ('f1', 's', 0), ('f2', 'f1', 1), ('s', 'f2', 0), ('s', 's', 1),
     ('x', 'f1', 0)]
    """
    _require_edges(as_integer(fast_cells, "fast_cells", minimum=2))
    fast = [f"f{k}" for k in range(1, int(fast_cells) + 1)]
    edges = [("x", "f1", 0), ("f1", "s", 0), ("s", "s", 1), ("s", "f2", 0)]
    edges += [(below, here, 0) for below, here in pairwise(fast)]
    edges.append((fast[-1], "f1", 1))
    return cyclic_graph(edges, inputs=["x"], outputs=fast[-1:])


def wavenet(dilations: Iterable[int], blocks: int = 1, kernel_size: int = 2) -> nx.MultiDiGraph:
    """Return a WaveNet [9]: dilated convolutions, repeated ``blocks`` times, read by one output.

    The residual way past a convolution is an edge of lag 0 that the convolution has anyway; the
    skip connections are edges of lag 0 from every layer to the output ``y``.

    >>> wavenet([1, 2], blocks=2).number_of_edges()  # 4 layers of 2 taps, 4 skip connections
    12
    """
    scheme = _repeated(dilations, blocks)
    stack = dilated_cnn(scheme, kernel_size)
    edges = [*stack.edges(data="lag")]
    edges += [(_layer(layer), "y", 0) for layer in range(1, len(scheme) + 1)]
    return cyclic_graph(edges, inputs=["x"], outputs=["y"])


def tcn(dilations: Iterable[int], blocks: int = 1, kernel_size: int = 2) -> nx.MultiDiGraph:
    """Return a temporal convolutional network [10]: residual pairs of convolutions per dilation.

    Each dilation, in ``blocks`` repetitions of the scheme, has two convolutions and an edge of
    lag 0 past both.

    >>> sorted(tcn([2]).edges(data="lag"))
    [('h1', 'h2', 0), ('h1', 'h2', 2), ('x', 'h1', 0), ('x', 'h1', 2), ('x', 'h2', 0)]
    """
    scheme = _repeated(dilations, blocks)
    edges = [*dilated_cnn([s for s in scheme for _ in range(2)], kernel_size).edges(data="lag")]
    edges += [(_layer(2 * pair), _layer(2 * pair + 2), 0) for pair in range(len(scheme))]
    return cyclic_graph(edges, inputs=["x"], outputs=[_layer(2 * len(scheme))])


def _clocked(
    clocks: tuple[int, ...], reads: list[list[tuple[int, int]]], fed: Iterable[int]
) -> nx.MultiDiGraph:
    """Return a graph of modules that update at multiples of their clocks.

    ``reads[g]`` holds (module, delay): the state that it last computed ``delay`` or more steps ago.
    The input feeds the modules ``fed``; the output reads the latest state of all.
    """
    period = math.lcm(*clocks)
    updates = sum(period // clock * len(near) for clock, near in zip(clocks, reads, strict=True))
    require_memory(1000 * (updates + period * (2 + len(clocks))), f"a graph of period {period}")
    names = [_layer(module + 1) for module in range(len(clocks))]
    edges = []

    def read(time: int, target: str, source: int, delay: int) -> None:
        lag = delay + (time - delay) % clocks[source]
        edges.append((((time - lag) % period, names[source]), (time, target), lag))

    for time in range(period):
        for module, clock in enumerate(clocks):
            if time % clock == 0:
                here = names[module]
                if module in fed:
                    edges.append(((time, "x"), (time, here), 0))
                for source, delay in reads[module]:
                    read(time, here, source, delay)
            read(time, "y", module, 0)
    if period == 1:
        units = [(u, v, lag) for (_, u), (_, v), lag in edges]
        return cyclic_graph(units, inputs=["x"], outputs=["y"])
    graph = cyclic_graph(edges, inputs=["x"], outputs=["y"], period=period)
    graph.add_nodes_from((time, "x") for time in range(period))  # read by a module or not
    return graph


def _repeated(dilations: Iterable[int], blocks: int) -> tuple[int, ...]:
    scheme = as_dilations(dilations)
    _require_edges(len(scheme) * as_integer(blocks, "blocks"))
    return scheme * int(blocks)


def _require_edges(edges: int) -> None:
    """Refuse a graph that would not fit in memory, before it is built."""
    require_memory(1000 * edges, f"a graph of {edges} edges or more")


def _layer(number: int) -> str:
    """Return the name of a layer's unit; layer 0 is the input."""
    return f"h{number}" if number else "x"
