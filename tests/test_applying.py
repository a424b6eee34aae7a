"""Closed forms that apply to an architecture: the right ones, and no others."""

import networkx as nx
import pytest

from drnn_theory import (
    clockwork_rnn,
    compute_mrl,
    cyclic_graph,
    dilated_cnn,
    dilated_rnn,
    layers_rnn,
    mist_rnn,
    narx_rnn,
    paper_architectures,
    residual_rnn,
    skip_rnn,
    tcn,
)
from drnn_theory.theorems.applying import applicable, layers_of

BOUNDS = ["counting_bound", "postage_stamp_bound"]
CASES = {
    "a plain stack": ((1, 1, 1), 8, ["plain_stack_mean", *BOUNDS]),
    "a chain in any order": (
        (4, 1, 2),
        4,
        ["divisor_chain_mean", "exponential_mean", "delange_trollope", "chain_worst", *BOUNDS],
    ),
    "a chain at a multiple": (
        (1, 3, 6),
        12,
        ["divisor_chain_mean_at_multiples", "chain_worst", *BOUNDS],
    ),
    "a chain at any span": ((1, 3, 6), 7, ["any_span_chain", *BOUNDS]),
    "two lags, a layer each": (
        (1, 7),
        7,
        ["divisor_chain_mean", "exponential_mean", "chain_worst", "two_lag_mean", *BOUNDS],
    ),
    "no chain": ((1, 5, 18, 25), 99, BOUNDS),
    "lags out of reach": ((2, 4), 8, BOUNDS),
    "a skip": (skip_rnn(8, 2), 8, ["skip_mean", "two_lag_mean", "lags_per_layer"]),
    "a skip beyond the span": (skip_rnn(8, 2), 5, ["two_lag_mean", "lags_per_layer"]),
    "lags 1 and powers": (
        layers_rnn([[1], [1, 2], [1, 4]]),
        4,
        ["per_layer_lags_mean", "lags_per_layer"],
    ),
    "all lags": (narx_rnn(4), 9, ["narx_mean", "lags_per_layer"]),
    "all powers": (mist_rnn([1, 2, 4]), 4, ["mist_mean", "lags_per_layer"]),
    "fusion": (dilated_rnn([3, 6], fusion=True), 12, ["fusion_mean"]),
    "fusion at no multiple": (dilated_rnn([3, 6], fusion=True), 10, []),
    "convolutions": (dilated_cnn([1, 3, 9], 3), 26, ["dilated_cnn_mean"]),
    "convolutions beyond their field": (dilated_cnn([1, 3, 9], 3), 27, []),
    "convolutions of another kernel": (dilated_cnn([1, 2, 4], 3), 4, []),
    "clocks": (clockwork_rnn([1, 2, 4]), 13, ["clockwork_mean"]),
    "residual sums": (residual_rnn([[1, 2], [4]]), 4, []),
    "a TCN": (tcn([1, 2]), 4, []),
}


@pytest.mark.parametrize(("architecture", "span", "names"), CASES.values(), ids=CASES)
def test_the_closed_forms_of_a_class_apply_and_hold(architecture, span, names):
    applications = applicable(architecture, span)
    assert [one.theorem.name for one in applications] == names
    for one in applications:
        assert one.holds
        if one.quantity == "mean recurrent length":
            assert one.computed == compute_mrl(architecture, span, exact=True)


def test_a_graph_belongs_to_a_class_whatever_its_units_are_called():
    names = {"x": "in", "h1": "lower", "h2": "upper"}
    graph = nx.relabel_nodes(skip_rnn(8, 2), names)
    graph.graph |= {"inputs": ["in"], "outputs": ["upper"]}
    assert next(one.theorem.name for one in applicable(graph, 8)) == "skip_mean"


@pytest.mark.parametrize(
    "more", [("h2", "h1", 1), ("x", "h2", 0), ("h1", "h2", 2), ("h2", "x", 1), ("x", "x", 1)]
)
def test_a_graph_with_one_edge_more_is_no_stack(more):
    edges = [("x", "h1", 0), ("h1", "h1", 1), ("h1", "h2", 0), ("h2", "h2", 2)]
    assert layers_of(cyclic_graph(edges, inputs=["x"], outputs=["h2"])) == ((1,), (2,))
    graph = cyclic_graph([*edges, more], inputs=["x"], outputs=["h2"])
    assert layers_of(graph) is None
    assert applicable(graph, 4) == []


def test_a_clockwork_rnn_with_an_edge_changed_is_none():
    graph = clockwork_rnn([1, 2, 4])
    source, target, key, lag = next(
        (u, v, k, d["lag"]) for u, v, k, d in graph.edges(keys=True, data=True) if d["lag"] == 2
    )
    graph.edges[source, target, key]["lag"] = lag + 4
    assert applicable(graph, 4) == []


def test_every_architecture_of_the_paper_has_a_closed_form_at_its_span():
    for name, architecture in paper_architectures().items():
        applications = applicable(architecture, 256)
        assert applications, name
        assert all(one.holds for one in applications)
