"""Any cyclic graph: the linear lower bound, and the lags that stay out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import inf
from typing import Any

import networkx as nx
import numpy as np
import sympy as sp

from drnn_theory.architectures import clockwork_rnn, dilated_rnn, layers_rnn, skip_rnn
from drnn_theory.graphs import cyclic_graph, unfold
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.theorems.exhaustive import worst_lengths
from drnn_theory.theorems.letters import a, b, e, lambda_, s
from drnn_theory.theorems.theorem import Theorem

__all__ = ["GRAPHS", "GROWTH", "cheapest_simple_path", "least_excess"]

GRAPHS: dict[str, nx.MultiDiGraph] = {
    "dilated 1, 2, 4": dilated_rnn([1, 2, 4]),
    "dilated 4, 8": dilated_rnn([4, 8]),
    "fused 4, 8": dilated_rnn([4, 8], fusion=True),
    "skip 5, two layers": skip_rnn(5, 2),
    "lags {1, 4} below 2": layers_rnn([[1, 4], [2]]),
    "one node, loops 3 and 4": layers_rnn([[3, 4]]),
    "clockwork 1, 2, 4": clockwork_rnn((1, 2, 4)),
    "clockwork 2, 3": clockwork_rnn((2, 3)),
    "a long way in": cyclic_graph(
        [("x", "h", 6), ("h", "h", 1), ("h", "y", 0)], inputs=["x"], outputs=["y"]
    ),
    "a detour of long lags": cyclic_graph(
        [("x", "u", 1), ("u", "v", 7), ("v", "u", 0), ("v", "y", 5), ("x", "y", 2), ("y", "y", 2)],
        inputs=["x"],
        outputs=["y"],
    ),
    "top-down": cyclic_graph(
        [("x", "u", 0), ("u", "v", 0), ("v", "u", 1), ("u", "u", 1)], inputs=["x"], outputs=["v"]
    ),
}


# The linear lower bound ---------------------------------------------------------------------------


def _unit(graph: nx.MultiDiGraph, node: Any) -> Any:
    return node if graph.graph["period"] == 1 else node[1]


def _on_walks(graph: nx.MultiDiGraph) -> set[Any]:
    """Return the nodes on walks from an input to an output."""
    fed = {x for x in graph if _unit(graph, x) in graph.graph["inputs"]}
    read = {y for y in graph if _unit(graph, y) in graph.graph["outputs"]}
    after = fed.union(*(nx.descendants(graph, x) for x in fed))
    return after & read.union(*(nx.ancestors(graph, y) for y in read))


@cache
def _largest_cycle_ratio(graph: nx.MultiDiGraph) -> Fraction:
    """Return the recurrent skip coefficient by listing simple cycles, on input-output walks."""
    simple = nx.DiGraph()
    for u, v, n in graph.subgraph(_on_walks(graph)).edges(data="lag"):
        if not simple.has_edge(u, v) or simple[u][v]["lag"] < n:
            simple.add_edge(u, v, lag=n)
    ratios = []
    for cycle in nx.simple_cycles(simple):
        steps = zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        ratios.append(Fraction(sum(simple[u][v]["lag"] for u, v in steps), len(cycle)))
    return max(ratios)


def _simple_paths(graph: nx.MultiDiGraph) -> Iterator[tuple[int, int]]:
    """Yield (edges, lag) of every input-output path that visits no node twice."""
    for x in graph:
        for y in graph:
            if (
                _unit(graph, x) in graph.graph["inputs"]
                and _unit(graph, y) in graph.graph["outputs"]
            ):
                for path in nx.all_simple_edge_paths(graph, x, y):
                    yield len(path), sum(graph.edges[edge]["lag"] for edge in path)


def cheapest_simple_path(graph: nx.MultiDiGraph) -> dict[Any, Any]:
    """Return edges and lag of the simple path that costs least beyond lag / s, and s."""
    ratio = _largest_cycle_ratio(graph)
    count, span = min(_simple_paths(graph), key=lambda path: path[0] - path[1] / ratio)
    return {e: count, lambda_: span, s: sp.Rational(ratio.numerator, ratio.denominator)}


@cache
def least_excess(graph: nx.MultiDiGraph) -> Fraction:
    """Return the least d_i(n) - n/s over all phases i and all lags n, however long."""
    ratio = _largest_cycle_ratio(graph)
    excess = (_least_from(graph, start, ratio) for start in range(graph.graph["period"]))
    return min(Fraction(int(least), ratio.numerator) for least in excess if least < inf)


def _least_from(graph: nx.MultiDiGraph, start: int, ratio: Fraction) -> float:
    """Return the least p d(n) - q n over all lags n for s = p/q, from one starting time.

    The lengths to all nodes at as many times in a row as the largest lag decide all later ones, and
    where all of them grow none of these falls. So the search ends, with nothing less to come,
    at a window that is nowhere below an earlier one of the same phase.
    """
    window = max(1, *(n for *_, n in graph.edges(data="lag")))
    period, horizon = graph.graph["period"], 8 * window
    outputs = [unit in graph.graph["outputs"] for unit in _units(graph)]
    while True:
        horizon *= 2
        excess = _excess_at_every_node(graph, start, horizon, ratio)
        ends = range(window, horizon + 2)
        windows = np.array([excess[:, end - window : end].ravel() for end in ends])
        for row, later in enumerate(windows):
            earlier = windows[row % period : row : period]
            if len(earlier) and np.any(np.all(later >= earlier, axis=1)):
                return float(excess[outputs, : ends[row]].min())


def _units(graph: nx.MultiDiGraph) -> list[Any]:
    return list(dict.fromkeys(_unit(graph, node) for node in graph))


def _excess_at_every_node(
    graph: nx.MultiDiGraph, start: int, horizon: int, ratio: Fraction
) -> np.ndarray:
    """Return p d(n) - q n by unit and lag, by networkx; inf at nodes on no walk to an output."""
    unfolded = unfold(graph, start + horizon)
    sources = [(start, unit) for unit in graph.graph["inputs"] if (start, unit) in unfolded]
    on_the_way = _on_walks(graph)
    period = graph.graph["period"]
    excess = np.full((len(_units(graph)), horizon + 1), inf)
    row = {unit: number for number, unit in enumerate(_units(graph))}
    lengths = (
        nx.multi_source_dijkstra_path_length(unfolded, sources, weight=None) if sources else {}
    )
    for (time, unit), length in lengths.items():
        if (unit if period == 1 else (time % period, unit)) in on_the_way:
            lag = time - start
            excess[row[unit], lag] = ratio.numerator * length - ratio.denominator * lag
    return excess


def _without_a_cycle(closed_form: sp.Expr) -> Iterator[sp.Basic]:
    # a cycle of e_c edges and lag lambda_c <= s e_c costs e_c - lambda_c / s >= 0
    cycle_edges, cycle_lag = sp.symbols("e_c lambda_c", positive=True)
    longer = closed_form.subs({e: e + cycle_edges, lambda_: lambda_ + cycle_lag})
    yield longer - closed_form - (cycle_edges - cycle_lag / s)


def _cheap_constant(_: Theorem) -> bool:
    # C <= (V - 1) max(0, largest lag / s - 1)
    return all(
        -least_excess(graph)
        <= (graph.number_of_nodes() - 1)
        * max(0, max(n for *_, n in graph.edges(data="lag")) / _largest_cycle_ratio(graph) - 1)
        for graph in GRAPHS.values()
    )


LINEAR_LOWER_BOUND = Theorem(
    name="linear_lower_bound",
    module=__name__,
    left=r"\min_{i,\, n} \left( d_i(n) - \frac{n}{s} \right)",
    holds_for=(
        "any cyclic graph with a cycle on an input-output walk and a finite recurrent skip "
        "coefficient s, that is without a cycle of identities alone; e and lambda are edges and "
        "lag of the simple input-output path for which "
        "the right-hand side is least; C is its negative in d_i(n) >= n/s - C"
    ),
    closed_form=e - lambda_ / s,
    values=lambda name: cheapest_simple_path(GRAPHS[name]),
    brute_force=lambda name: least_excess(GRAPHS[name]),
    cases=[(name,) for name in GRAPHS],
    claims={
        "C <= (V - 1) max(0, largest lag / s - 1) for V nodes, on all of these graphs": (
            _cheap_constant
        ),
        "no more is true: clockwork 1, 2, 4 has s = 4 and d_1(n) = n + 2 up to n = 60": lambda _: (
            _largest_cycle_ratio(GRAPHS["clockwork 1, 2, 4"]) == 4
            and reference_path_lengths(clockwork_rnn((1, 2, 4)), 60, start=1).tolist()
            == [n + 2 for n in range(61)]
        ),
    },
    symbolic=_without_a_cycle,
)


# Lags out of reach --------------------------------------------------------------------------------


def _reflection(closed_form: sp.Basic) -> Iterator[sp.Basic]:
    # n can be paid if and only if a b - a - b - n cannot: half of 0..a b - a - b are out of reach
    largest, count = closed_form
    yield 2 * count - (largest + 1)
    # n = x a + y b with 0 <= x < b is paid if and only if y >= 0; the reflection swaps the signs
    x, y = sp.symbols("x y", integer=True)
    yield largest - (x * a + y * b) - ((b - 1 - x) * a + (-1 - y) * b)


def _unreached(first: int, second: int) -> tuple[int, int]:
    lengths = worst_lengths(layers_rnn([[first, second]]), first * second + first)
    gaps = [n for n, length in enumerate(lengths) if length == inf]
    return max(gaps), len(gaps)


UNREACHABLE_LAGS = Theorem(
    name="unreachable_lags",
    module=__name__,
    left=r"\left( \max \{n : d(n) = \infty\},\ \#\{n : d(n) = \infty\} \right)",
    holds_for="one node with self-loops of coprime lags a, b >= 2 (or stacks with these two lags)",
    closed_form=sp.Tuple(a * b - a - b, (a - 1) * (b - 1) / 2),
    values=lambda first, second: {a: first, b: second},
    brute_force=_unreached,
    cases=[(2, 3), (3, 4), (2, 9), (5, 7), (4, 9), (8, 5), (6, 11)],
    symbolic=_reflection,
    machine="unreachable_lags.v",
)

GROWTH = (LINEAR_LOWER_BOUND, UNREACHABLE_LAGS)
