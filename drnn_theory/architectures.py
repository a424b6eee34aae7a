r"""The zoo: recurrent architectures of the literature as cyclic graphs.

Units are named as in the figures of the papers: ``x`` the input, ``h1``, ``h2``, .. the hidden
states from the bottom up, ``y`` an output where the architecture has one of its own. In a stack
the output is the top layer's state, so that every path from input to output has exactly L vertical
edges for L layers. Residual sums and skip connections are identities, which count no edge; a sum
that is a unit of its own is called ``r`` and a number.

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
[11] Smyl, A hybrid method of exponential smoothing and recurrent neural networks for time series
forecasting, International Journal of Forecasting 2020.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from operator import length_hint
from typing import Any, Protocol, TypeAlias

import networkx as nx

from drnn_theory.checks import as_integer, one_of, require_memory, shown
from drnn_theory.dilations import as_dilations
from drnn_theory.edges import CheckedGraph
from drnn_theory.graphs import as_graph, checked_graph, cyclic_graph
from drnn_theory.layers import Convolution, Layer, Recurrent, layer_name, sequential, stacked

__all__ = [
    "Architecture",
    "Module",
    "as_architecture",
    "as_cyclic_graph",
    "checked_architecture",
    "clockwork_rnn",
    "dilated_cnn",
    "dilated_rnn",
    "fast_slow_rnn",
    "gated_feedback_rnn",
    "hierarchical_rnn",
    "layers_rnn",
    "mist_rnn",
    "narx_rnn",
    "residual_rnn",
    "skip_rnn",
    "stacked_rnn",
    "tcn",
    "wavenet",
    "zhang_rnn",
]


class Module(Protocol):
    """A torch module; one of this package stands for the architecture that it was built from."""

    def parameters(self) -> Any:
        """Return its parameters."""


Architecture: TypeAlias = Iterable[int] | nx.MultiDiGraph | Module
"""A flat sequence of dilations (a stack, bottom layer first), a cyclic graph, or a model of this
package."""


def as_architecture(architecture: Architecture) -> tuple[int, ...] | nx.MultiDiGraph:
    """Return a stack's dilations as a tuple, or the cyclic graph, checked.

    A torch module of this package stands for the scheme or the graph that it was built from.

    >>> as_architecture([1, 2, 4])
    (1, 2, 4)
    """
    meant = _scheme_or_graph(architecture)
    return meant if isinstance(meant, tuple) else as_graph(meant)


def checked_architecture(architecture: Architecture) -> tuple[int, ...] | CheckedGraph:
    """Return :func:`as_architecture`, a graph as one that is checked and pruned no more than once.

    >>> type(checked_architecture(stacked_rnn(2))).__name__
    'CheckedGraph'
    """
    meant = _scheme_or_graph(architecture)
    return meant if isinstance(meant, tuple) else checked_graph(meant)


def _scheme_or_graph(architecture: Any) -> tuple[int, ...] | nx.MultiDiGraph:
    """Return what an architecture stands for; a graph is yet to be checked."""
    if isinstance(architecture, nx.Graph):
        return architecture
    home = _home(architecture)
    if home == "torch":
        raise TypeError(
            "architecture must be dilations, a cyclic graph or a model of this package, got the "
            f"torch module {type(architecture).__name__}: gradient_profile measures how far back "
            "any module reads"
        )
    if home == "drnn_theory" and hasattr(architecture, "graph"):  # a GraphRNN
        return architecture.graph
    if home == "drnn_theory" and hasattr(architecture, "dilations"):  # a DilatedRNN
        fusion = getattr(architecture, "fusion", False)
        if len(getattr(architecture, "groups", ())) > 1:
            return residual_rnn(architecture.groups, fusion=fusion)
        if fusion:
            return dilated_rnn(architecture.dilations, fusion=True)
        return as_dilations(architecture.dilations)
    return as_dilations(architecture)


def cell_of(architecture: Architecture, cell: str | None) -> Any:
    """Return the cell: that of a model if None is given, "RNN" for what has none.

    Raises ValueError for a model with a cell of one's own, of which no formula is known.

    >>> cell_of([1, 2], None), cell_of([1, 2], "GRU")
    ('RNN', 'GRU')
    """
    own = getattr(architecture, "cell", None) if _home(architecture) == "drnn_theory" else None
    if callable(own):
        raise ValueError(
            "the cell must be 'RNN', 'GRU' or 'LSTM', got a model with a cell of one's own, for "
            "which no formula is known: count the parameters of the model, or measure it by "
            "gradient_profile"
        )
    return own or "RNN" if cell is None else cell


def _home(architecture: Any) -> str:
    """Return where the nearest class of an object comes from: "drnn_theory", "torch" or ""."""
    homes = (cls.__module__.partition(".")[0] for cls in type(architecture).__mro__)
    return next((home for home in homes if home in ("drnn_theory", "torch")), "")


def as_cyclic_graph(architecture: Architecture) -> nx.MultiDiGraph:
    """Return the cyclic graph of an architecture, that of a DilatedRNN for a scheme."""
    architecture = as_architecture(architecture)
    return dilated_rnn(architecture) if isinstance(architecture, tuple) else architecture


def layers_rnn(layers: Iterable[Iterable[int]]) -> nx.MultiDiGraph:
    """Return the stack whose layer l has recurrent edges of the lags ``layers[l - 1]``.

    Groups of layers with residual sums around them are :func:`residual_rnn`.

    >>> sorted(layers_rnn([[1, 4], [2]]).edges(data="lag"))
    [('h1', 'h1', 1), ('h1', 'h1', 4), ('h1', 'h2', 0), ('h2', 'h2', 2), ('x', 'h1', 0)]
    """
    lags = _nested(layers, "layers must be a list of lists of positive integers", "layer", "lags")
    return sequential([Recurrent(*layer_lags) for layer_lags in lags])


def residual_rnn(groups: Iterable[Iterable[int]], *, fusion: bool = False) -> nx.MultiDiGraph:
    """Return the stack of groups of dilated layers with a sum around each group but the first.

    Within a group layer upon layer reads its own state of a dilation before, as in
    :func:`dilated_rnn`; what a group reads is added to its output. So Smyl's ES-RNN and the library
    neuralforecast wire their DilatedRNN [11], whose first group takes the input to another width.
    ``fusion`` as in :func:`dilated_rnn`.

    >>> from drnn_theory import shortest_path_lengths
    >>> shortest_path_lengths(residual_rnn([[1, 2], [4, 8]]), 8)
    array([2., 3., 3., 4., 4., 5., 5., 6., 5.])
    """
    rule = "groups must be a list of lists of positive integers"
    scheme = _nested(groups, rule, "group", "dilations")
    if len(scheme) < 2:
        raise ValueError(
            f"groups must be two or more, since no sum goes around the first, got {scheme}: "
            "one group is dilated_rnn"
        )
    graph = sequential([[Recurrent(s) for s in group] for group in scheme], residual=True)
    return _fused(graph, scheme[0][0]) if fusion else graph


def dilated_rnn(dilations: Iterable[int], *, fusion: bool = False) -> nx.MultiDiGraph:
    """Return the DilatedRNN [1]: layer l reads its own state of ``dilations[l - 1]`` steps before.

    With ``fusion`` an output ``y`` reads the top layer's states of the last ``dilations[0]`` steps
    (lags 0 .. dilations[0] - 1): the paper's repair for a lowest dilation above 1, without which
    the steps fall into classes that never meet. It adds one edge.

    >>> sorted(dilated_rnn([2, 4], fusion=True).edges(data="lag"))  # doctest: +NORMALIZE_WHITESPACE
    [('h1', 'h1', 2), ('h1', 'h2', 0), ('h2', 'h2', 4), ('h2', 'y', 0), ('h2', 'y', 1),
     ('x', 'h1', 0)]
    """
    scheme = as_dilations(dilations)
    stack = layers_rnn([s] for s in scheme)
    return _fused(stack, scheme[0]) if fusion else stack


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


def dilated_cnn(dilations: Iterable[int], kernel_size: int | Iterable[int] = 2) -> nx.MultiDiGraph:
    """Return the stack of dilated causal convolutions: layer l reads multiples of s_l back.

    Its ``kernel_size`` taps, one number or one per layer, read the layer below at the lags 0, s_l,
    2 s_l and so on. It has no cycle; lags of its receptive field and beyond are unreachable.

    >>> sorted(dilated_cnn([1, 2]).edges(data="lag"))
    [('h1', 'h2', 0), ('h1', 'h2', 2), ('x', 'h1', 0), ('x', 'h1', 1)]
    >>> from drnn_theory import receptive_field
    >>> receptive_field(dilated_cnn([1, 4], kernel_size=[5, 3]))
    13
    """
    scheme = as_dilations(dilations)
    return sequential(map(Convolution, _kernels(kernel_size, scheme), scheme))


def narx_rnn(max_lag: int) -> nx.MultiDiGraph:
    """Return the NARX RNN [5, 6]: one layer that reads its last ``max_lag`` states.

    Lin et al. [5] feed back the output, which is what a NARX model is; as modelled here, and in
    [6], the state is fed back, since in this package the output of a layer is its state.

    >>> sorted(lag for *_, lag in narx_rnn(3).edges(data="lag"))
    [0, 1, 2, 3]
    """
    _require_edges(as_integer(max_lag, "max_lag"))
    return layers_rnn([range(1, int(max_lag) + 1)])


def mist_rnn(lags: Iterable[int]) -> nx.MultiDiGraph:
    """Return the MIST RNN [6]: one layer with recurrent edges of the given lags.

    In the authors' code (mist-rnns) a softmax mixes the states of the lags 1, 2, 4, .., 128, and
    one matrix multiplies what it mixed, times a gate; the last state sets both. Here every lag has
    a matrix of its own: the paths are the same where lag 1 is among the lags, parameters are more.

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
    names = [layer_name(number) for number in range(1, int(layers) + 1)]
    edges = [(below, unit, 0) for below, unit in pairwise(["x", *names])]
    edges += [(source, target, 1) for source in names for target in names]
    return cyclic_graph(edges, inputs=["x"], outputs=names[-1:])


def fast_slow_rnn(fast_cells: int = 2) -> nx.MultiDiGraph:
    """Return the Fast-Slow RNN [8]: ``fast_cells`` in sequence within a step, and one slow cell.

    The first fast cell ``f1`` reads the input and the last one's state of the step before; the
    slow cell ``s`` reads f1 and itself; f2 reads f1 and s; the output is the last fast cell. So the
    authors' code (Fast-Slow-LSTM) has it.

    >>> sorted(fast_slow_rnn().edges(data="lag"))  # doctest: +NORMALIZE_WHITESPACE
    [('f1', 'f2', 0), ('f1', 's', 0), ('f2', 'f1', 1), ('s', 'f2', 0), ('s', 's', 1),
     ('x', 'f1', 0)]
    """
    _require_edges(as_integer(fast_cells, "fast_cells", minimum=2))
    fast = [f"f{k}" for k in range(1, int(fast_cells) + 1)]
    edges = [("x", "f1", 0), ("f1", "s", 0), ("s", "s", 1), ("s", "f2", 0)]
    edges += [(below, unit, 0) for below, unit in pairwise(fast)]
    edges.append((fast[-1], "f1", 1))
    return cyclic_graph(edges, inputs=["x"], outputs=fast[-1:])


def wavenet(
    dilations: Iterable[int],
    blocks: int = 1,
    kernel_size: int | Iterable[int] = 2,
    *,
    first_kernel_size: int = 1,
) -> nx.MultiDiGraph:
    """Return a WaveNet [9]: dilated convolutions, repeated ``blocks`` times, summed by the output.

    A first causal convolution ``p`` gives the input its width; its ``first_kernel_size`` is 1
    unless given, a convolution of one tap; a public implementation (ibab/tensorflow-wavenet) takes
    ``kernel_size``, or 32 for scalar input. Each layer reads the sum of p and of all layers below,
    the residual connection, and the output ``y`` is the sum of all layers, the skip connections. As
    modelled here the gate and the 1x1 convolutions of a layer are part of its one edge.

    >>> from drnn_theory import shortest_path_lengths
    >>> shortest_path_lengths(wavenet([1, 2, 4]), 7)
    array([2., 2., 2., 3., 2., 3., 3., 4.])
    """
    scheme, kernels = _repeated(dilations, blocks, kernel_size)
    wiring = nx.MultiDiGraph()
    for tap in range(as_integer(first_kernel_size, "first_kernel_size")):
        wiring.add_edge("x", "p", lag=tap)
    below = "p"
    for layer, (dilation, taps) in enumerate(zip(scheme, kernels, strict=True), start=1):
        layer_unit = layer_name(layer)
        for source, target, traits in Convolution(taps, dilation).edges(below, layer):
            wiring.add_edge(source, target, **traits)
        wiring.add_edge(layer_unit, "y", lag=0, identity=True)
        if layer < len(scheme):
            wiring.add_edge(below, f"r{layer}", lag=0, identity=True)
            wiring.add_edge(layer_unit, f"r{layer}", lag=0, identity=True)
            below = f"r{layer}"
    return cyclic_graph(wiring, inputs=["x"], outputs=["y"])


def tcn(
    dilations: Iterable[int], blocks: int = 1, kernel_size: int | Iterable[int] = 2
) -> nx.MultiDiGraph:
    """Return a temporal convolutional network [10]: residual pairs of convolutions per dilation.

    Each dilation, in ``blocks`` repetitions of the scheme, has two convolutions and a sum around
    both, for the first pair by a convolution ``p`` of one tap, which gives the input its width, as
    in the authors' code (locuslab/TCN). The rectifier there that follows each sum is left out, as
    nonlinearities are.

    >>> from drnn_theory import count_parameters, shortest_path_lengths
    >>> shortest_path_lengths(tcn([1, 2]), 4)
    array([1., 2., 2., 4., 3.])
    >>> count_parameters(tcn([2**k for k in range(8)], kernel_size=7), 25)
    66250
    """
    scheme, kernels = _repeated(dilations, blocks, kernel_size)
    pairs: list[list[Layer]] = [
        [Convolution(k, s)] * 2 for k, s in zip(kernels, scheme, strict=True)
    ]
    return stacked(pairs, residual=True, projected=True)


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
    names = [layer_name(module + 1) for module in range(len(clocks))]
    edges = []

    def read(time: int, target: str, source: int, delay: int) -> None:
        lag = delay + (time - delay) % clocks[source]
        edges.append((((time - lag) % period, names[source]), (time, target), lag))

    for time in range(period):
        for module, clock in enumerate(clocks):
            if time % clock == 0:
                unit = names[module]
                if module in fed:
                    edges.append(((time, "x"), (time, unit), 0))
                for source, delay in reads[module]:
                    read(time, unit, source, delay)
            read(time, "y", module, 0)
    if period == 1:
        units = [(u, v, lag) for (_, u), (_, v), lag in edges]
        return cyclic_graph(units, inputs=["x"], outputs=["y"])
    graph = cyclic_graph(edges, inputs=["x"], outputs=["y"], period=period)
    graph.add_nodes_from((time, "x") for time in range(period))  # read by a module or not
    return graph


def _fused(graph: nx.MultiDiGraph, width: int) -> nx.MultiDiGraph:
    """Return the graph with an output ``y`` that reads its output of the last ``width`` steps."""
    _require_edges(width)
    (top,) = graph.graph["outputs"]
    wiring = nx.MultiDiGraph(graph.edges(data=True))
    wiring.add_edges_from((top, "y", {"lag": lag}) for lag in range(width))
    return cyclic_graph(wiring, inputs=["x"], outputs=["y"])


def _nested(rows: Any, rule: str, one: str, name: str) -> list[tuple[int, ...]]:
    """Return lists of positive integers, as those of ``one`` layer or group, as tuples."""
    if isinstance(rows, (str, dict)) or not isinstance(rows, Iterable):
        raise TypeError(f"{rule}, got {shown(rows)}")
    require_memory(1000 * length_hint(rows), f"a graph of so many {one}s")
    schemes = []
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str) or not isinstance(row, Iterable):
            raise TypeError(f"{rule}, got {shown(row)} for {one} {number}")
        schemes.append(as_dilations(row, name=name))
    if not schemes:
        raise ValueError(f"{rule}, got none")
    return schemes


def _kernels(kernel_size: Any, scheme: tuple[int, ...]) -> tuple[int, ...]:
    """Return one kernel size per dilation, of one number or as many."""
    if isinstance(kernel_size, str) or not isinstance(kernel_size, Iterable):
        kernels = (as_integer(kernel_size, "kernel_size"),) * len(scheme)
    else:
        kernels = as_dilations(kernel_size, name="kernel sizes")
        if len(kernels) != len(scheme):
            raise ValueError(
                f"kernel_size must be one number or one per dilation, {len(scheme)}, "
                f"got {len(kernels)}: {shown(list(kernels))}"
            )
    _require_edges(sum(kernels))
    return kernels


def _repeated(
    dilations: Iterable[int], blocks: int, kernel_size: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    scheme = as_dilations(dilations)
    kernels = _kernels(kernel_size, scheme)
    _require_edges(sum(kernels) * as_integer(blocks, "blocks"))
    return scheme * int(blocks), kernels * int(blocks)


def _require_edges(edges: int) -> None:
    """Refuse a graph that would not fit in memory, before it is built."""
    require_memory(1000 * edges, f"a graph of {edges} edges or more")
