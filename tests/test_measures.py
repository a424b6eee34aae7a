import itertools
import math
import re
from fractions import Fraction

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import (
    DilatedRNN,
    compute_mrl,
    critical_cycle,
    cyclic_graph,
    deepest_path,
    default_span,
    dilated_cnn,
    dilated_rnn,
    feedforward_depth,
    layers_rnn,
    longest_lag,
    mrl_curve,
    receptive_field,
    recurrent_depth,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    shortest_path_lengths,
    skip_rnn,
    stacked_rnn,
    vertical_edges,
)
from drnn_theory.paths.reference import reference_path_lengths
from tests.strategies import complete_schemes, cyclic_graphs

TOP_DOWN = cyclic_graph(
    [("x", "h1", 0), ("h1", "h2", 0), ("h1", "h1", 1), ("h2", "h2", 1), ("h2", "h1", 1)],
    inputs=["x"],
    outputs=["h2"],
)


@pytest.mark.parametrize(
    ("architecture", "span", "mean"),
    [
        ([1, 2, 4, 8], None, Fraction(45, 8)),
        ([1, 2, 4, 8], 1, Fraction(5)),
        ([2, 4, 8], None, math.inf),
        ([1, 5, 18, 25], 99, 4 + Fraction(389, 99)),
        ([1, 5, 18, 29], 99, 4 + Fraction(389, 99)),
        ([1, 5, 10, 25], 99, 4 + Fraction(470, 99)),
        ([1], 99, 1 + Fraction(4950, 99)),
        ([1, 10], 99, 2 + Fraction(900, 99)),
        ([1, 11], 99, 2 + Fraction(900, 99)),
        ([1, 12, 19], 99, 3 + Fraction(515, 99)),
        ([1, 3, 4, 8], 8, Fraction(11, 2)),
        ([1, 3, 4], 4, compute_mrl([1, 2, 4], 4, exact=True)),
        (stacked_rnn(9), 256, Fraction(257, 2) + 9),
        (skip_rnn(256, layers=9), 256, Fraction(255, 2) + 8 + Fraction(1, 256) + 1),
        (layers_rnn([[1, 2 ** (k)] for k in range(9)]), 256, 13 + Fraction(1, 256)),
        (dilated_cnn([2**k for k in range(9)]), 256, Fraction(9)),
        (dilated_cnn([2**k for k in range(9)]), 512, math.inf),
    ],
)
def test_means_known_from_elsewhere(architecture, span, mean):
    assert compute_mrl(architecture, span, exact=True) == mean
    assert compute_mrl(architecture, span) == float(mean)


def test_two_to_the_sixty_is_one_closed_form_away():
    scheme = [2**k for k in range(61)]
    assert compute_mrl(scheme, exact=True) == 61 + Fraction(60, 2) + Fraction(1, 2**60)


def test_the_float_is_the_fraction_rounded_once():
    exact = compute_mrl([1, 3, 7], 10**17 + 1, exact=True)
    assert compute_mrl([1, 3, 7], 10**17 + 1) == exact.numerator / exact.denominator


@given(complete_schemes, st.integers(1, 80))
def test_leaving_out_vertical_edges_takes_the_layers_off(dilations, span):
    assert compute_mrl(dilations, span, exact=True, vertical=False) == compute_mrl(
        dilations, span, exact=True
    ) - len(dilations)


@given(complete_schemes, st.lists(st.integers(1, 90), min_size=1, max_size=5))
def test_a_curve_holds_the_mean_of_each_span(dilations, spans):
    assert mrl_curve(dilations, spans, exact=True) == [
        compute_mrl(dilations, span, exact=True) for span in spans
    ]


def test_a_curve_is_infinite_from_the_first_gap_on():
    assert mrl_curve(dilated_cnn([1, 2]), [1, 3, 4, 9]) == [2.0, 2.0, math.inf, math.inf]


@settings(max_examples=200)
@given(cyclic_graphs(complete=True), st.integers(1, 20), st.booleans())
def test_the_mean_over_phases_takes_the_worst_the_best_or_all(graph, span, vertical):
    period = graph.graph["period"]
    profiles = [
        reference_path_lengths(graph, span, start=start, vertical=vertical)[1:]
        for start in range(period)
    ]
    for phase, over in (
        ("worst", max),
        ("best", min),
        ("mean", lambda d: Fraction(sum(d), period)),
    ):
        expected = sum(
            over([int(length) for length in column]) for column in zip(*profiles, strict=True)
        )
        found = compute_mrl(graph, span, exact=True, vertical=vertical, phase=phase)
        assert found == Fraction(expected, span)


@pytest.mark.parametrize(
    ("architecture", "span", "lag", "length"),
    [
        ([1, 2, 4, 8], 8, 7, 7),
        ([1, 2, 4, 8], 100, 95, 4 + 11 + 3),
        ([1, 5, 18, 25], 99, 14, 4 + 6),
        ([2, 4], 8, 1, math.inf),
        (dilated_cnn([1, 2, 4]), 7, 1, 3),
        (dilated_cnn([1, 2, 4]), 9, 8, math.inf),
    ],
)
def test_the_longest_lag_is_the_first_with_the_longest_path(architecture, span, lag, length):
    assert longest_lag(architecture, span) == (lag, length)


@given(complete_schemes, st.integers(1, 120))
def test_the_longest_lag_equals_brute_force(dilations, span):
    lengths = reference_path_lengths(dilated_rnn(dilations), span)[1:].tolist()
    assert longest_lag(dilations, span) == (1 + lengths.index(max(lengths)), max(lengths))


# (d_r, s, d_f) by hand.
@pytest.mark.parametrize(
    ("architecture", "depth", "skip", "feedforward"),
    [
        ([1], 1, 1, 1),
        (TOP_DOWN, 2, 1, 2),
        (layers_rnn([[1, 5]]), 1, 5, 1),
        ([1, 2, 4], 1, 4, 3),
        ([4, 8], Fraction(1, 4), 8, 2),
        (dilated_rnn([4, 8], fusion=True), Fraction(1, 4), 8, 3),
        ([1, 10**15], 1, 10**15, 2),
        (
            cyclic_graph([("x", "h", 6), ("h", "h", 2)], inputs=["x"], outputs=["h"]),
            Fraction(1, 2),
            2,
            -2,
        ),
    ],
    ids=["plain", "top-down", "lags 1, 5", "1 2 4", "4 8", "fusion", "lag 10^15", "d_f below 0"],
)
def test_depths_and_skip_coefficient_by_hand(architecture, depth, skip, feedforward):
    assert recurrent_depth(architecture) == depth
    assert recurrent_skip_coefficient(architecture) == skip
    assert feedforward_depth(architecture) == feedforward


def simple_walks(graph, start, end):
    """List every simple path, or simple cycle where start is end, as its edges."""
    walks = []
    stack = [(start, [])]
    while stack:
        node, edges = stack.pop()
        for u, v, lag in graph.out_edges(node, data="lag"):
            if v == end:
                walks.append([*edges, (u, v, lag)])
            if v != end and v != start and all(v != edge[1] for edge in edges):
                stack.append((v, [*edges, (u, v, lag)]))
    return walks


def on_walks(graph):
    """Return the subgraph that lies between inputs and outputs, by networkx alone."""
    period = graph.graph["period"]
    unit = (lambda node: node) if period == 1 else (lambda node: node[1])
    starts = [node for node in graph if unit(node) in graph.graph["inputs"]]
    ends = [node for node in graph if unit(node) in graph.graph["outputs"]]
    after = set(starts).union(*(nx.descendants(graph, node) for node in starts))
    before = set(ends).union(*(nx.ancestors(graph, node) for node in ends))
    return graph.subgraph(after & before), starts, ends


@settings(max_examples=400)
@given(cyclic_graphs(periods=(1, 1, 2)))
def test_cycle_measures_equal_the_enumeration_of_simple_cycles_and_paths(graph):
    inner, starts, ends = on_walks(graph)
    cycles = [walk for node in inner for walk in simple_walks(inner, node, node)]
    if not cycles:
        for measure in (recurrent_depth, recurrent_skip_coefficient, feedforward_depth):
            with pytest.raises(ValueError, match=r"^a cycle must lie on a walk .*, got none$"):
                measure(graph)
        return
    means = [Fraction(sum(lag for *_, lag in cycle), len(cycle)) for cycle in cycles]
    assert recurrent_skip_coefficient(graph) == max(means)
    depth = 1 / min(means)
    assert recurrent_depth(graph) == depth
    heights = [
        len(path) - depth * sum(lag for *_, lag in path)
        for start, end in itertools.product(starts, ends)
        if start in inner and end in inner
        for path in ([[]] if start == end else simple_walks(inner, start, end))
    ]
    assert feedforward_depth(graph) == max(heights)


@settings(max_examples=200)
@given(cyclic_graphs(complete=True))
def test_the_deepest_path_is_a_witness_of_the_feedforward_depth(graph):
    path = deepest_path(graph)
    depth = len(path) - recurrent_depth(graph) * sum(lag for *_, lag in path)
    assert depth == feedforward_depth(graph)
    assert all(graph.has_edge(u, v, key=lag) for u, v, lag in path)
    assert [v for _, v, _ in path[:-1]] == [u for u, _, _ in path[1:]]
    if path:
        unit = (lambda node: node) if graph.graph["period"] == 1 else (lambda node: node[1])
        assert unit(path[0][0]) in graph.graph["inputs"]
        assert unit(path[-1][1]) in graph.graph["outputs"]


def test_a_torch_model_stands_for_its_scheme():
    model = DilatedRNN(1, 2, [2, 4], fusion=True)
    assert compute_mrl(model, 8) == compute_mrl(dilated_rnn([2, 4], fusion=True), 8)
    assert compute_mrl(DilatedRNN(1, 2, [1, 2, 4, 8])) == 5.625


# OEIS: the fewest coins of some scheme, listed from n = 0.
OEIS = {
    "A000120 binary digit sum": ([1, 2, 4, 8], [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4]),
    "A053735 ternary digit sum": ([1, 3, 9], [0, 1, 2, 1, 2, 3, 2, 3, 4, 1]),
    "A034968 fewest factorials": ([1, 2, 6, 24], [0, 1, 1, 2, 2, 3, 1, 2, 2, 3, 3, 4, 2]),
    "A007895 Zeckendorf parts": (
        [1, 2, 3, 5, 8, 13, 21],
        [0, 1, 1, 1, 2, 1, 2, 2, 1, 2, 2, 2, 3, 1, 2, 2, 2, 3, 2, 3, 3, 1],
    ),
    "A002828 fewest squares": ([1, 4, 9, 16], [0, 1, 2, 3, 1, 2, 3, 4, 2, 1, 2, 3, 3, 2, 3, 4, 1]),
}


@pytest.mark.parametrize(("dilations", "terms"), OEIS.values(), ids=OEIS)
def test_a_sequence_of_the_oeis_is_the_recurrent_length_of_a_scheme(dilations, terms):
    lengths = shortest_path_lengths(dilations, len(terms) - 1) - len(dilations)
    assert lengths.tolist() == terms


def test_a000788_is_the_running_total_of_the_binary_chain():
    totals = [1, 2, 4, 5, 7, 9, 12, 13, 15, 17, 20, 22, 25, 28, 32, 33]
    means = mrl_curve([1, 2, 4, 8, 16], range(1, 17), exact=True, vertical=False)
    assert [n * mean for n, mean in enumerate(means, start=1)] == totals


@settings(max_examples=200)
@given(cyclic_graphs(complete=True), st.booleans())
def test_the_critical_cycle_is_its_own_witness_and_its_potentials_certify_it(graph, least):
    found = critical_cycle(graph, least=least)
    heads = [v for _, v, _ in found.cycle]
    tails = [u for u, _, _ in found.cycle]
    assert tails == [heads[-1], *heads[:-1]]
    assert all(graph.has_edge(u, v, key=lag) for u, v, lag in found.cycle)
    assert Fraction(sum(lag for *_, lag in found.cycle), len(found.cycle)) == found.ratio
    p, q = found.ratio.numerator, found.ratio.denominator
    for u, v, lag in graph.edges(data="lag"):
        if u in found.potentials and v in found.potentials:
            slack = found.potentials[v] - found.potentials[u] - (q * lag - p)
            assert slack <= 0 if least else slack >= 0


def test_cycles_that_no_walk_from_input_to_output_meets_do_not_count():
    edges = [("x", "h", 0), ("h", "h", 3), ("h", "dead", 0), ("dead", "dead", 50)]
    edges += [("unfed", "unfed", 60), ("unfed", "h", 0)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["h"])
    assert recurrent_skip_coefficient(graph) == 3
    assert recurrent_depth(graph) == Fraction(1, 3)


@settings(max_examples=100)
@given(cyclic_graphs(complete=True))
def test_digraphx_finds_the_same_least_cycle_mean(graph):
    from digraphx.min_cycle_ratio import MinCycleRatioSolver

    inner, *_ = on_walks(graph)
    least = {}
    for u, v, lag in inner.edges(data="lag"):
        least[u, v] = min(lag, least.get((u, v), lag))
    digraph = {node: {} for node in inner}
    for (u, v), lag in least.items():
        digraph[u][v] = {"cost": lag, "time": 1}
    ratio, _ = MinCycleRatioSolver(digraph).run(
        dict.fromkeys(digraph, Fraction(0)), Fraction(10**6)
    )
    assert 1 / recurrent_depth(graph) == ratio


@pytest.mark.parametrize(
    ("architecture", "field"),
    [
        (dilated_cnn([1, 2, 4]), 8),
        (dilated_cnn([1, 3], kernel_size=3), 9),
        ([1], math.inf),
        (dilated_cnn([2**61] * 5), 5 * 2**61 + 1),
        (cyclic_graph([("x", "h", 0), ("a", "y", 5)], inputs=["x"], outputs=["y"]), 0),
    ],
)
def test_the_receptive_field_counts_the_steps_that_reach_an_output(architecture, field):
    assert receptive_field(architecture) == field


@pytest.mark.parametrize(
    ("architecture", "per_node"),
    [
        ([1, 2, 4], 1),
        (skip_rnn(8, layers=3), 2),
        (layers_rnn([[1], [1, 2], [1, 4]]), Fraction(5, 3)),
        (dilated_cnn([1, 2], kernel_size=3), 0),
        (dilated_rnn([4, 8], fusion=True), Fraction(2, 3)),
    ],
)
def test_recurrent_edges_per_node_counts_lagged_edges_on_cycles_over_hidden_nodes(
    architecture, per_node
):
    assert recurrent_edges_per_node(architecture) == per_node


def test_vertical_edges_are_the_layers_of_a_stack_and_fusion_adds_one():
    assert vertical_edges([1, 2, 4]) == 3
    assert vertical_edges(dilated_rnn([2, 4], fusion=True)) == 3
    lagged = cyclic_graph([("x", "h", 1), ("h", "h", 1)], inputs=["x"], outputs=["h"])
    assert vertical_edges(lagged) == math.inf


def test_the_default_span_is_the_largest_lag():
    assert default_span([1, 8, 2]) == 8
    assert default_span(dilated_cnn([1, 4], kernel_size=3)) == 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: compute_mrl(
                cyclic_graph([("x", "h", 0)], inputs=["x"], outputs=["h"]),
            ),
            "span must be given for a graph without lags, got none",
        ),
        (
            lambda: compute_mrl([1], 10**400),
            "a mean must be below 2**1024 to be a float, got one of 1328 bits: ask for exact=True",
        ),
        (lambda: mrl_curve([1], []), "spans must be one or more positive integers, got none"),
        (lambda: mrl_curve([1], 5), "spans must be an iterable of positive integers, got 5"),
        (
            lambda: compute_mrl([1], phase="all"),
            "phase must be one of 'worst', 'mean', 'best', got 'all'",
        ),
        (
            lambda: recurrent_depth(dilated_cnn([1, 2])),
            "a cycle must lie on a walk from an input to an output, got none",
        ),
        (
            lambda: recurrent_edges_per_node(
                cyclic_graph([("x", "x", 1)], inputs=["x"], outputs=["x"])
            ),
            "recurrent edges per node need a node that is no input, got none",
        ),
    ],
)
def test_what_is_undefined_is_refused_with_the_reason(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}$"):
        call()
