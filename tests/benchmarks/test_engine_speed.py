"""`make bench`: the engines one by one, for profiling; engines.py compares them side by side."""

import pytest

from drnn_theory import clockwork_rnn, compute_mrl, critical_cycle, cyclic_graph, dilated_rnn
from tests.benchmarks.engines import ENGINES


@pytest.mark.parametrize("engine", ENGINES)
def test_path_lengths_of_a_stack_over_1000_lags(benchmark, engine):
    dilations = (1, 2, 4, 8)
    benchmark(ENGINES[engine], dilations, dilated_rnn(dilations), 1000)


@pytest.mark.parametrize(
    ("dilations", "span"),
    [
        (tuple(2**k for k in range(61)), 2**60),
        ((1, 7, 19), 10**6),
        ((1, 998, 999), 10**18),
        ((1, *range(50, 1000, 50)), 10**7),
        ((1, 10, 48, 445, 2112, 24244, 58949, 307039, 559093, 3052492), 10**7),
    ],
    ids=["2^60", "three coins", "worst transient", "20 layers", "wide dilations"],
)
def test_mean_of_a_stack(benchmark, dilations, span):
    benchmark(compute_mrl, dilations, span, exact=True)


def test_mean_of_the_clockwork_over_all_256_phases(benchmark):
    benchmark(compute_mrl, clockwork_rnn([2**k for k in range(9)]))


def test_mean_of_a_graph_of_20_edges_at_span_10_to_the_18(benchmark):
    edges = [("x", "u0", 0), ("u0", "u0", 1)]
    edges += [(f"u{k}", f"u{k + 1}", 0) for k in range(7)]
    edges += [(f"u{3 * k % 8}", f"u{5 * k % 8}", 1 + 37 * k) for k in range(11)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["u7"])
    benchmark(compute_mrl, graph, 10**18)


def test_critical_cycle_of_1000_nodes_and_5000_edges(benchmark):
    edges = [(k, (k + 1) % 1000, 1) for k in range(1000)]
    edges += [(7 * k % 1000, 13 * k * k % 1000, 1 + k * 10**11) for k in range(4000)]
    graph = cyclic_graph(edges, inputs=[0], outputs=[999])
    benchmark(critical_cycle, graph)
