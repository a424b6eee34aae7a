"""Edges that only carry: what they count, what they cost, and what a model makes of them."""

import json
import math
import os
import re
from fractions import Fraction
from itertools import product

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pytest
import torch

from drnn_theory import (
    GraphRNN,
    compute_mrl,
    count_parameters,
    critical_cycle,
    cyclic_graph,
    deepest_path,
    default_span,
    feedforward_depth,
    graph_from_json,
    graph_to_json,
    hidden_size_for,
    path_counts,
    path_table,
    read_architectures,
    receptive_field,
    recurrent_depth,
    recurrent_edges_per_node,
    recurrent_skip_coefficient,
    shortest_path,
    shortest_path_lengths,
    state_size,
    summary,
    unfold,
    vertical_edges,
)
from drnn_theory.edges import identity_edges, matrix_edges
from drnn_theory.figures import plot_unfolded
from drnn_theory.paths.reference import reference_path_counts, reference_path_lengths
from tests.test_measures import on_walks
from tests.zero_one import random_wiring, zero_one_lengths

WIRINGS = int(os.environ.get("RANDOM_WIRINGS", "60"))  # `make wirings` takes 2,000

# groups of layers 1, 2 and 4, 8, the sum r joining the second group's output to the first's
GROUPS = cyclic_graph(
    [
        *[("x", "a", 0), ("a", "a", 1), ("a", "b", 0), ("b", "b", 2)],
        *[("b", "c", 0), ("c", "c", 4), ("c", "d", 0), ("d", "d", 8)],
    ],
    inputs=["x"],
    outputs=["r"],
    identities=[("b", "r", 0), ("d", "r", 0)],
)


def loops(*identities, edges=(), outputs="g"):
    return cyclic_graph(
        [("x", "h", 0), ("h", "g", 0), *edges],
        inputs=["x"],
        outputs=[outputs],
        identities=identities,
    )


def test_a_sum_counts_no_edge_and_takes_the_shorter_way():
    lengths = shortest_path_lengths(GROUPS, 8).tolist()
    assert lengths == [2, 3, 3, 4, 4, 5, 5, 6, 5]
    assert compute_mrl(GROUPS, exact=True) == Fraction(35, 8)
    assert vertical_edges(GROUPS) == 2


@pytest.mark.parametrize("seed", range(WIRINGS))
def test_random_wirings_agree_with_a_search_of_its_own(seed):
    graph = random_wiring(seed)
    starts = range(graph.graph["period"])
    for vertical in (True, False):
        own = [zero_one_lengths(graph, 60, start, vertical=vertical) for start in starts]
        for start in starts:
            lengths = shortest_path_lengths(graph, 60, start=start, vertical=vertical)
            assert lengths.tolist() == own[start]
            reference = reference_path_lengths(graph, 25, start=start, vertical=vertical)
            assert reference.tolist() == own[start][:26]
        for phase, pick in (("worst", max), ("best", min)):
            over = [pick(column) for column in zip(*own, strict=True)]
            lengths = shortest_path_lengths(graph, 60, start=phase, vertical=vertical)
            assert lengths.tolist() == over
            total = sum(over[1:])
            expected = total if math.isinf(total) else Fraction(int(total), 60)
            assert compute_mrl(graph, 60, exact=True, vertical=vertical, phase=phase) == expected


@pytest.mark.parametrize("seed", range(0, WIRINGS, 5))
def test_paths_of_random_wirings_are_counted_each_once(seed):
    graph = random_wiring(seed)
    for start in range(graph.graph["period"]):
        counts = path_counts(graph, 20, start=start)
        assert counts == reference_path_counts(graph, 20, start=start)
        table = path_table(graph, 20, start=start)
        assert [sum(row.values()) for row in table] == counts
        lagged = reference_path_lengths(graph, 20, start=start, vertical=False)
        assert [min(row, default=math.inf) for row in table] == lagged.tolist()


@pytest.mark.parametrize("seed", range(0, WIRINGS, 5))
def test_a_shortest_path_has_as_many_matrices_as_its_length(seed):
    graph = random_wiring(seed)
    lengths = shortest_path_lengths(graph, 12)
    unfolded = unfold(graph, 12)
    for lag in range(13):
        path = shortest_path(graph, lag)
        pairs = list(nx.utils.pairwise(path))
        assert sum("identity" not in unfolded.edges[pair] for pair in pairs) == lengths[lag] or (
            not path and math.isinf(lengths[lag])
        )


def test_an_edge_and_an_identity_of_one_triple_stand_side_by_side_and_twice_is_once():
    graph = loops(("h", "g", 0), ("h", "g", 0))
    assert sorted(graph.edges(data="lag")) == [("h", "g", 0), ("h", "g", 0), ("x", "h", 0)]
    assert path_counts(graph, 0) == reference_path_counts(graph, 0) == [2]
    assert shortest_path_lengths(graph, 0).tolist() == [1]
    edge = unfold(graph, 0).edges[(0, "h"), (0, "g")]
    assert edge == {"lag": 0, "matrix": True, "identity": True}


def test_files_keep_identities_and_old_ones_load():
    again = graph_from_json(graph_to_json(GROUPS))
    assert identity_edges(again) == identity_edges(GROUPS)
    assert matrix_edges(again) == matrix_edges(GROUPS)
    data = json.loads(graph_to_json(GROUPS))
    for link in data["edges"]:  # as written before there were identities
        link.pop("identity", None)
    assert identity_edges(graph_from_json(json.dumps(data))) == []


def test_a_graph_taken_as_edges_keeps_its_identities():
    again = cyclic_graph(GROUPS, inputs=["x"], outputs=["r"])
    assert identity_edges(again) == identity_edges(GROUPS)


def test_toml_names_identities(tmp_path):
    path = tmp_path / "named.toml"
    path.write_text(
        '[architectures.mine]\nedges = [["x", "h", 0], ["h", "h", 1], ["h", "g", 0]]\n'
        'identities = [["h", "g", 4]]\ninputs = ["x"]\noutputs = ["g"]'
    )
    graph = read_architectures(path)[0]["mine"]
    assert identity_edges(graph) == [("h", "g", 4)]
    assert shortest_path_lengths(graph, 4).tolist() == [2, 3, 4, 5, 1]


# Measures.


@pytest.mark.parametrize(
    ("graph", "depth", "skip", "feedforward"),
    [
        (GROUPS, 1, 8, 4),
        (loops(("g", "g", 3)), 0, math.inf, 2),
        (loops(("g", "g", 3), edges=[("g", "g", 2)]), Fraction(1, 2), math.inf, 2),
        (loops(("g", "h", 3)), Fraction(1, 3), 3, 2),  # the cycle h, g counts one edge in 3 steps
    ],
    ids=["residual sum", "identities alone", "a matrix beside", "a matrix and an identity"],
)
def test_depths_and_skip_coefficient_count_matrices(graph, depth, skip, feedforward):
    assert recurrent_depth(graph) == depth
    assert recurrent_skip_coefficient(graph) == skip
    assert feedforward_depth(graph) == feedforward


def test_lengths_stay_bounded_where_the_skip_coefficient_is_infinite():
    graph = loops(("g", "g", 1))
    assert compute_mrl(graph, 500) == 2
    assert critical_cycle(graph).cycle == critical_cycle(graph, least=True).cycle == [("g", "g", 1)]


def walks(graph, start, end):
    """List every simple path, or simple cycle where start is end, as (matrices, lag)."""
    found, stack = [], [(start, [start], 0, 0)]
    while stack:
        node, visited, count, time = stack.pop()
        for _, v, data in graph.out_edges(node, data=True):
            step = count + (not data.get("identity", False)), time + data["lag"]
            if v == end:
                found.append(step)
            elif v not in visited:
                stack.append((v, [*visited, v], *step))
    return found


@pytest.mark.parametrize("seed", range(0, WIRINGS, 2))
def test_cycle_measures_equal_the_enumeration_of_simple_cycles_and_paths(seed):
    graph = random_wiring(seed)
    inner, starts, ends = on_walks(graph)
    cycles = [walk for node in inner for walk in walks(inner, node, node)]
    if not cycles:
        with pytest.raises(ValueError, match=r"^a cycle must lie on a walk .*, got none$"):
            recurrent_depth(graph)
        return
    skip = max(math.inf if count == 0 else Fraction(lag, count) for count, lag in cycles)
    assert recurrent_skip_coefficient(graph) == skip
    depth = max(Fraction(count, lag) for count, lag in cycles)
    assert recurrent_depth(graph) == depth
    heights = [
        count - depth * lag
        for start, end in product(starts, ends)
        if start in inner and end in inner
        for count, lag in ([(0, 0)] if start == end else walks(inner, start, end))
    ]
    assert feedforward_depth(graph) == max(heights)


@pytest.mark.parametrize("seed", range(0, WIRINGS, 5))
@pytest.mark.parametrize("least", [False, True])
def test_potentials_certify_the_critical_cycle(seed, least):
    graph = random_wiring(seed)
    try:
        critical = critical_cycle(graph, least=least)
    except ValueError:
        return
    if math.isinf(critical.ratio):
        if not least:
            return
        p, q = 1, 0
    else:
        p, q = critical.ratio.numerator, critical.ratio.denominator
    for u, v, data in graph.edges(data=True):
        if u in critical.potentials and v in critical.potentials:
            rise = q * data["lag"] - p * (not data.get("identity", False))
            slack = critical.potentials[v] - critical.potentials[u] - rise
            assert slack <= 0 if least else slack >= 0


def test_the_lag_of_an_identity_counts_in_the_default_span_and_the_receptive_field():
    graph = loops(("x", "g", 9))
    assert default_span(graph) == 9
    assert receptive_field(graph) == 10


def test_edges_per_node_leave_out_sums_and_identities():
    assert recurrent_edges_per_node(GROUPS) == 1
    assert recurrent_edges_per_node(loops(("g", "g", 1))) == 0


def test_the_deepest_path_lists_identities_too():
    graph = loops(("g", "r", 0), edges=[("h", "h", 1)], outputs="r")
    assert deepest_path(graph) == [("x", "h", 0), ("h", "g", 0), ("g", "r", 0)]


# Costs.


def test_identities_have_no_parameters_and_sums_no_bias():
    # four LSTM layers of 20 units: the sum adds nothing
    assert count_parameters(GROUPS, 20, cell="LSTM") == 4 * 460 + 3 * 4 * 840 == 11_920
    assert hidden_size_for(11_920, GROUPS, cell="LSTM") == 20
    assert count_parameters(loops(("g", "g", 1)), 3) == (3 + 3) + (9 + 3)  # no cell: no matrix back


def test_an_identity_keeps_a_state_as_long_as_its_lag():
    assert state_size(loops(("h", "g", 7)), 3) == 7 * 3
    assert state_size(loops(("g", "g", 7)), 3, cell="LSTM") == 7 * 3  # a sum has no cell state


# GraphRNN.


def unit_model(graph, **options):
    model = GraphRNN(graph, 1, 1, nonlinearity="relu", dtype=torch.float64, **options)
    with torch.no_grad():
        for parameter in [*model.weights, *model.entries]:
            parameter.fill_(1.0)
        for bias in model.biases:
            bias.zero_()
    return model


def column(model, start, length):
    """Return the Jacobian's column of the input at time ``start``, by lag."""
    x = torch.ones(start + length, 1, 1, dtype=torch.float64, requires_grad=True)
    output = model(x)[0]
    cotangent = torch.zeros_like(output, requires_grad=True)
    (gradient,) = torch.autograd.grad(output, x, cotangent, create_graph=True)
    (by_lag,) = torch.autograd.grad(gradient[start].sum(), cotangent)
    return by_lag[start:, 0, 0].tolist()


@pytest.mark.parametrize("seed", range(0, WIRINGS, 5))
def test_with_unit_weights_the_jacobian_counts_the_paths(seed):
    graph = random_wiring(seed)
    for start in range(graph.graph["period"]):
        counts = path_counts(graph, 19, start=start)
        assert column(unit_model(graph), start, 20) == counts


@pytest.mark.parametrize("seed", range(0, WIRINGS, 5))
def test_the_order_in_the_weights_is_the_length_of_the_shortest_path(seed):
    graph = random_wiring(seed)
    if set(graph.graph["inputs"]) != {"x"}:
        return  # an input that edges enter reads the input by a matrix of its own
    for start in range(graph.graph["period"]):
        lengths = shortest_path_lengths(graph, 15, start=start)
        small, half = 2.0**-20, 2.0**-21
        columns = []
        for scale in (small, half):
            model = unit_model(graph)
            with torch.no_grad():
                for weight in model.weights:
                    weight.fill_(scale)
            columns.append(column(model, start, 16))
        order = np.full(16, np.inf)
        some = np.array(columns[0]) > 0
        order[some] = np.log2(np.array(columns[0])[some] / np.array(columns[1])[some])
        reached = np.isfinite(lengths)
        assert np.array_equal(reached, np.isfinite(order))
        # the next order is smaller by 2**-20 times a ratio of path counts below 2**12
        np.testing.assert_allclose(order[reached], lengths[reached], atol=0.01)


def test_a_sequence_fed_in_pieces_equals_the_sequence_fed_whole():
    for seed in range(0, 40):
        torch.manual_seed(seed)
        model = GraphRNN(random_wiring(seed), 3, 3, dtype=torch.float64)
        x = torch.randn(17, 2, 3, dtype=torch.float64)
        whole, _ = model(x)
        outputs, state = [], None
        for piece in x.split([1, 0, 5, 3, 8]):
            output, state = model(piece, state)
            outputs.append(output)
        torch.testing.assert_close(torch.cat(outputs), whole, rtol=1e-12, atol=1e-12)


def test_an_identity_is_added_after_the_nonlinearity_and_a_sum_has_none():
    graph = loops(("x", "h", 1), ("h", "r", 0), ("g", "r", 2), outputs="r")
    torch.manual_seed(0)
    model = GraphRNN(graph, 4, 4, dtype=torch.float64)
    assert model.cells == ["h", "g"]
    x = torch.randn(6, 1, 4, dtype=torch.float64)
    first, second = model.weights
    h, g = [], []
    for t in range(6):
        h.append(torch.tanh(x[t] @ first.T + model.biases[0]) + (x[t - 1] if t else 0))
        g.append(torch.tanh(h[t] @ second.T + model.biases[1]))
    expected = torch.stack([h[t] + (g[t - 2] if t > 1 else 0) for t in range(6)])
    torch.testing.assert_close(model(x)[0], expected, rtol=1e-12, atol=1e-12)


# Drawings.


def test_identities_are_drawn_dashed():
    figure = plt.figure()
    solid, dashed, _ = plot_unfolded(loops(("h", "g", 1)), 3, ax=figure.subplots()).collections[:3]
    assert len(solid.get_segments()) == 2 * 4
    assert len(dashed.get_segments()) == 4  # one of them from before time 0
    assert solid.get_linestyles()[0][1] is None
    assert dashed.get_linestyles()[0][1] is not None
    plt.close(figure)


# Refusals.

EDGES = [("x", "h", 0), ("h", "h", 1)]


@pytest.mark.parametrize(
    ("identities", "message"),
    [
        (
            [("q", "h", 1)],
            "an identity must come from a unit of the edges, an input or a sum, got 'q'",
        ),
        (
            [("h", "q", 1)],
            "an identity must lead to a unit of the edges, an output or a sum that is read, "
            "got 'q'",
        ),
        ([("h", "h", 0)], "cycle ['h'] has total lag 0, so a state would depend on itself"),
        (
            [("h", "r", 0), ("r", "h", 0)],
            "cycle ['h', 'r'] has total lag 0, so a state would depend on itself",
        ),
        ([("h", "h", -1)], "lag of edge ('h', 'h') must be a non-negative integer, got -1"),
        ([("h", "h")], "identities must be triples (from, to, lag), got ('h', 'h')"),
        ("hh", "identities must be triples (from, to, lag), got 'hh'"),
        (5, "identities must be triples (from, to, lag), got 5"),
    ],
)
def test_identities_that_cannot_be_are_refused(identities, message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}"):
        cyclic_graph(EDGES, inputs=["x"], outputs=["h"], identities=identities)


def test_the_attribute_is_a_truth_value():
    graph = loops(("h", "g", 1))
    graph.edges["h", "g", "identity 1"]["identity"] = "yes"
    with pytest.raises(
        TypeError, match=r"^identity of edge \('h', 'g'\) must be True or False, got 'yes'$"
    ):
        compute_mrl(graph, 3)


def test_widths_that_differ_across_an_identity_are_refused_and_a_summary_has_a_dash():
    graph = loops(("x", "h", 1))
    message = "identities must join equal widths, got input_size 1 at 'x' and hidden_size 20 at 'h'"
    for call in (
        lambda: count_parameters(graph, 20),
        lambda: state_size(graph, 20),
        lambda: GraphRNN(graph, 1, 20),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            call()
    assert count_parameters(graph, 20, input_size=20) == 2 * (400 + 20)
    assert summary(graph).measures["parameters"] is None
    assert summary(graph, input_size=20).measures["parameters"] == 840
