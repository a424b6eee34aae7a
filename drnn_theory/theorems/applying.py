"""The closed forms that apply to an architecture at a span, by its wiring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import networkx as nx
import sympy as sp

from drnn_theory.architectures import Architecture, as_architecture, clockwork_rnn
from drnn_theory.checks import as_integer
from drnn_theory.dilations import is_divisor_chain
from drnn_theory.edges import is_identity, unit_of
from drnn_theory.measures import compute_mrl, longest_lag
from drnn_theory.theorems import THEOREMS
from drnn_theory.theorems.theorem import Theorem

__all__ = ["Application", "applicable", "layers_of"]

Layers = tuple[tuple[int, ...], ...]
MEAN, LONGEST = "mean recurrent length", "longest path"


@dataclass(frozen=True)
class Application:
    """A theorem, the case of it that an architecture is at a span, and what it says there."""

    theorem: Theorem
    case: tuple[Any, ...]
    quantity: str
    """What the closed form gives, or bounds from below."""
    predicted: Fraction
    computed: Fraction | float
    """The same from the shortest paths of the graph."""

    @property
    def holds(self) -> bool:
        """Whether what is computed stands to what is predicted as the theorem says."""
        if self.theorem.relation == "<=":
            return self.predicted <= self.computed
        return self.predicted == self.computed


def applicable(architecture: Architecture, span: int) -> list[Application]:
    """Return the closed forms that hold of an architecture at a span, the bounds last.

    They are found from the wiring: a graph whose edges are those of a class belongs to it, whatever
    its units are called. Each comes with the value computed from shortest paths.

    >>> from drnn_theory import skip_rnn
    >>> for one in applicable([1, 2, 4, 8], 8):
    ...     print(one.theorem.name, one.predicted, one.computed)
    divisor_chain_mean 45/8 45/8
    exponential_mean 45/8 45/8
    delange_trollope 45/8 45/8
    chain_worst 7 7
    counting_bound 11/2 45/8
    postage_stamp_bound 6 7
    >>> [one.theorem.name for one in applicable(skip_rnn(64, 7), 64)]
    ['skip_mean', 'two_lag_mean', 'lags_per_layer']
    """
    architecture = as_architecture(architecture)
    span = as_integer(span, "span")
    computed: dict[str, Fraction | float] = {}
    applications = []
    for name, case in _cases(architecture, span):
        quantity = LONGEST if name in OF_THE_LONGEST else MEAN
        if quantity not in computed:
            computed[quantity] = (
                compute_mrl(architecture, span, exact=True)
                if quantity == MEAN
                else _whole(longest_lag(architecture, span)[1])
            )
        theorem = THEOREMS[name]
        value = theorem.predict(*case)
        if isinstance(value, sp.Tuple):  # the mean comes first
            value = value[0]
        predicted = Fraction(int(value.p), int(value.q))
        applications.append(Application(theorem, case, quantity, predicted, computed[quantity]))
    return applications


OF_THE_LONGEST = ("chain_worst", "postage_stamp_bound")


def _whole(length: float) -> Fraction | float:
    return Fraction(int(length)) if float(length).is_integer() else length


def _cases(architecture: Any, span: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield name and case of every theorem that the architecture falls under at the span."""
    layers = layers_of(architecture)
    if layers is None:
        yield from _other_cases(architecture, span)
        return
    depth = len(layers)
    single = tuple(sorted(lags[0] for lags in layers)) if max(map(len, layers)) == 1 else ()
    # the order of the layers does not matter: theorem layer_order
    if single and single[0] == 1 and is_divisor_chain(single):
        yield from _chain_cases(single, span)
    every = sorted({lag for lags in layers for lag in lags})
    if every == [1]:
        yield "plain_stack_mean", (depth, span)
    if span > 1 and all(set(lags) == {1, span} for lags in layers):
        yield "skip_mean", (depth, span)
    if len(every) == 2 and every[0] == 1:
        yield "two_lag_mean", (layers, span)
    powers = [2**k for k in range(depth)]
    doubled = sorted(sorted({1, s}) for s in powers)
    if depth > 1 and span == powers[-1] and sorted(sorted(set(lags)) for lags in layers) == doubled:
        yield "per_layer_lags_mean", (depth,)
    whole = set(layers[0])
    if len(whole) > 1 and all(set(lags) == whole for lags in layers):
        if whole == set(range(1, len(whole) + 1)):
            yield "narx_mean", (depth, len(whole), span)
        if whole == {2**k for k in range(len(whole))} and span == max(whole):
            yield "mist_mean", (depth, len(whole))
    if single:
        yield "counting_bound", (depth, span)
        yield "postage_stamp_bound", (depth, span)
    else:
        yield "lags_per_layer", (depth, sum(len(set(lags)) for lags in layers), span)


def _chain_cases(chain: tuple[int, ...], span: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the cases of a stack of dilations 1 = s_1 | s_2 | .. | s_L."""
    depth, largest = len(chain), chain[-1]
    periods, rest = divmod(span, largest)
    if span == largest and depth > 1:
        yield "divisor_chain_mean", (chain,)
        base = chain[1]
        if base > 1 and chain == tuple(base**k for k in range(depth)):
            yield "exponential_mean", (base, depth)
    elif rest == 0 and largest > 1:
        yield "divisor_chain_mean_at_multiples", (chain, periods)
    elif largest > 1:
        yield "any_span_chain", (chain, span)
    if depth > 1 and chain == tuple(2**k for k in range(depth)) and span < 2**depth:
        yield "delange_trollope", (depth, span)
    if rest == 0 and largest > 1:
        yield "chain_worst", (chain, periods)


def _other_cases(graph: nx.MultiDiGraph, span: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the cases of graphs that are no stacks of recurrent layers."""
    fused = _fused(graph)
    if fused is not None:
        rising = all(b % a == 0 for a, b in pairwise(fused))
        if rising and span % fused[-1] == 0:
            yield "fusion_mean", (fused, span // fused[-1])
    kernel, depth = _convolutions(graph)
    if kernel and span < kernel**depth:
        yield "dilated_cnn_mean", (kernel, depth, span)
    periods = _clocks(graph)
    if periods:
        yield "clockwork_mean", (periods, span)


def layers_of(architecture: Architecture) -> Layers | None:
    """Return the lags of every layer of a stack, bottom first, None for any other architecture.

    >>> from drnn_theory import clockwork_rnn, layers_rnn
    >>> layers_of([1, 2]), layers_of(layers_rnn([[1], [1, 4]])), layers_of(clockwork_rnn([1, 2]))
    (((1,), (2,)), ((1,), (1, 4)), None)
    """
    architecture = as_architecture(architecture)
    if isinstance(architecture, tuple):
        return tuple((s,) for s in architecture)
    chain = _chain(architecture)
    if chain is None:
        return None
    layers = []
    for below, unit in pairwise(chain):
        between, own = _lags(architecture, below, unit), _lags(architecture, unit, unit)
        if between != (0,) or not own:
            return None
        layers.append(own)
    if _lags(architecture, chain[0], chain[0]):
        return None
    if architecture.number_of_edges() != sum(len(own) + 1 for own in layers):
        return None  # an edge that skips a layer, or goes down
    return tuple(layers)


def _chain(graph: nx.MultiDiGraph) -> list[Any] | None:
    """Return input, units and output in the order of instant edges, if that is one line."""
    about = graph.graph
    ends = list(about["inputs"]), list(about["outputs"])
    plain = about["period"] == 1 and not any(is_identity(d) for *_, d in graph.edges(data=True))
    if not plain or len(ends[0]) != 1 or len(ends[1]) != 1:
        return None
    (unit,), (last,) = ends
    line = [unit]
    while unit != last:
        above = {v for _, v, lag in graph.out_edges(unit, data="lag") if lag == 0}
        if len(above) != 1 or (unit := above.pop()) in line:
            return None
        line.append(unit)
    return line if len(line) == graph.number_of_nodes() and len(line) > 1 else None


def _lags(graph: nx.MultiDiGraph, source: Any, target: Any) -> tuple[int, ...]:
    """Return the lags of all edges from one unit to another, in order."""
    data = graph.get_edge_data(source, target) or {}
    return tuple(sorted(edge["lag"] for edge in data.values()))


def _fused(graph: nx.MultiDiGraph) -> tuple[int, ...] | None:
    """Return the dilations of a stack with a fusion output over its top layer's last s_1 states."""
    chain = _chain(graph)
    if chain is None or len(chain) < 3:
        return None
    *stack, output = chain
    dilations, edges = [], 0
    for below, unit in pairwise(stack):
        own = _lags(graph, unit, unit)
        if _lags(graph, below, unit) != (0,) or len(own) != 1:
            return None
        dilations.append(own[0])
        edges += 2
    fusion = _lags(graph, stack[-1], output)
    if fusion != tuple(range(dilations[0])) or graph.number_of_edges() != edges + len(fusion):
        return None
    return tuple(dilations)


def _convolutions(graph: nx.MultiDiGraph) -> tuple[int, int]:
    """Return kernel size k and depth of convolutions of dilations 1, k, k^2, .., else zeros."""
    chain = _chain(graph)
    if chain is None:
        return 0, 0
    kernel = len(_lags(graph, chain[0], chain[1]))
    depth = len(chain) - 1
    for level, (below, unit) in enumerate(pairwise(chain)):
        if _lags(graph, below, unit) != tuple(kernel**level * k for k in range(kernel)):
            return 0, 0
    if kernel < 2 or graph.number_of_edges() != kernel * depth:
        return 0, 0
    return kernel, depth


def _clocks(graph: nx.MultiDiGraph) -> tuple[int, ...]:
    """Return the periods of a clockwork RNN, 1 = T_1 < T_2 <= .. <= T_G, () for another graph."""
    about = graph.graph
    period = about["period"]
    ends = set(about["inputs"]) | set(about["outputs"])
    if period == 1 or len(ends) != 2:
        return ()
    phases: dict[Any, int] = {}
    for node in graph:
        unit = unit_of(node, period)
        phases[unit] = phases.get(unit, 0) + 1
    units = sorted(phases.keys() - ends, key=lambda unit: -phases[unit])
    if any(period % phases[unit] for unit in units):
        return ()
    periods = tuple(period // phases[unit] for unit in units)
    if len(periods) < 2 or periods[0] != 1 or periods[1] == 1:
        return ()
    model = clockwork_rnn(periods)
    same = nx.is_isomorphic(graph, model, edge_match=_same_lags) if _small(graph, model) else False
    return periods if same else ()


def _small(graph: nx.MultiDiGraph, model: nx.MultiDiGraph) -> bool:
    """Tell whether two graphs are as large as each other, and small enough to be matched."""
    sizes = [(g.number_of_nodes(), g.number_of_edges(), g.graph["period"]) for g in (graph, model)]
    return sizes[0] == sizes[1] and sizes[0][0] <= 400


def _same_lags(one: Any, other: Any) -> bool:
    first, second = (sorted(edge["lag"] for edge in edges.values()) for edges in (one, other))
    return first == second
