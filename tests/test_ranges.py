"""Lags as ranges against the search lag by lag, and spans that only ranges reach."""

import math
import random
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest

from drnn_theory import (
    Attention,
    Convolution,
    causal_transformer,
    compute_mrl,
    cyclic_graph,
    dilated_cnn,
    longest_lag,
    longnet,
    mrl_curve,
    sequential,
    shortest_path_lengths,
    sliding_window_transformer,
    tcn,
    wavenet,
)
from drnn_theory.paths.ranges import range_course
from drnn_theory.paths.sweeps import swept_course
from tests.zero_one import zero_one_lengths


def acyclic(seed):
    draw = random.Random(seed)
    names = ["x", *(f"u{i}" for i in range(draw.randint(1, 5)))]

    def edge():
        low, high = sorted(draw.sample(range(len(names)), 2))
        return names[low], names[high], draw.randint(0, 9)

    edges = [edge() for _ in range(draw.randint(1, 12))]
    edges.append(("x", names[-1], draw.randint(0, 3)))
    identities = [edge() for _ in range(draw.randint(0, 5))]
    known = {node for e in edges for node in e[:2]}
    identities = [e for e in identities if {e[0], e[1]} <= known]
    outputs = {names[-1], draw.choice(sorted(known - {"x"}))}
    return cyclic_graph(edges, inputs=["x"], outputs=outputs, identities=identities)


@pytest.mark.parametrize("seed", range(120))
@pytest.mark.parametrize("vertical", [True, False])
def test_ranges_of_random_graphs_agree_with_a_search_lag_by_lag(seed, vertical):
    graph = acyclic(seed)
    own = zero_one_lengths(graph, 50, 0, vertical=vertical)
    course = range_course(graph, vertical=vertical)
    assert course.up_to(50).tolist() == own
    for span in (1, 7, 20, 50):
        total = sum(own[1 : span + 1])
        assert course.totals([span]) == [None if math.isinf(total) else total]
        longest = max(own[1 : span + 1])
        lag, length = course.longest(span)
        assert lag == 1 + own[1:].index(longest)
        assert length == (None if math.isinf(longest) else longest)


@pytest.mark.parametrize(
    "graph",
    [
        dilated_cnn([1, 2, 4, 8], kernel_size=3),
        wavenet([1, 2, 4, 8], 2),
        tcn([1, 2, 4, 8], kernel_size=3),
        sliding_window_transformer(7, 4),
        longnet([4, 8, 16, 32], [1, 2, 4, 8], 4),
        dilated_cnn([8, 1, 5]),
    ],
)
def test_ranges_of_the_zoo_agree_with_the_engine_lag_by_lag(graph):
    assert np.array_equal(range_course(graph).up_to(200), shortest_path_lengths(graph, 200))


def test_a_cycle_or_a_period_is_left_to_the_other_engines():
    loop = cyclic_graph([("x", "h", 0), ("h", "h", 1)], inputs=["x"], outputs=["h"])
    assert range_course(loop) is None
    edges = [((0, "x"), (1, "h"), 1), ((1, "x"), (1, "h"), 0)]
    assert range_course(cyclic_graph(edges, inputs=["x"], outputs=["h"], period=2)) is None


def test_too_many_ranges_are_left_to_the_other_engines():
    wide = dilated_cnn([3**k for k in range(16)])  # 2**16 lags, no two of which touch
    assert range_course(wide) is None


def test_long_windows_are_answered_at_any_span():
    graph = causal_transformer(10**12, layers=3)
    assert compute_mrl(graph, 10**12 - 1, exact=True) == 2
    assert compute_mrl(graph, 10**12, exact=True) == Fraction(2 * 10**12 + 1, 10**12)
    assert longest_lag(graph, 10**12) == (10**12, 3)
    window = sliding_window_transformer(10**5 + 1, layers=10)
    assert compute_mrl(window, 10**6, exact=True) == 1 + Fraction(sum(range(1, 11)), 10)
    assert mrl_curve(window, [10**5, 10**6, 10**6 + 1]) == [2.0, 6.5, math.inf]
    mixed = sequential([Convolution(1), Attention(12_001, 5), Attention(5)], residual=True)
    lengths = shortest_path_lengths(mixed, 60_002)
    assert lengths[:8].tolist() == [1, 2, 2, 2, 2, 2, 3, 3]
    assert set(lengths[:60_003].tolist()) == {1, 2, 3}
    assert lengths[60_000] == 2


def test_ranges_do_not_ask_for_memory_by_lag():
    scheme = [2**k for k in range(40)]
    assert compute_mrl(dilated_cnn(scheme), 2**40 - 1) == 40
    assert compute_mrl(dilated_cnn(scheme), 2**40) == math.inf
    with pytest.raises(ValueError, match=r"^1099511627777 lags must fit in half of"):
        shortest_path_lengths(dilated_cnn(scheme), 2**40)
    assert nx.is_directed_acyclic_graph(dilated_cnn(scheme))


@pytest.mark.parametrize("seed", range(120))
@pytest.mark.parametrize("vertical", [True, False])
def test_sweeps_of_random_graphs_agree_with_a_search_lag_by_lag(seed, vertical):
    graph = acyclic(seed)
    own = zero_one_lengths(graph, 60, 0, vertical=vertical)
    for horizon in (0, 4, 60):
        course = swept_course(graph, horizon, vertical=vertical)
        assert course.up_to(horizon).tolist() == own[: horizon + 1]
        if course.modulus:  # known for ever
            assert course.up_to(60).tolist() == own
    assert course.modulus == 1  # 60 lags are more than any path takes
    assert course.first_gap() == 1 + own[1:].index(math.inf)
    total = sum(own[1 : int(course.first_gap())])
    assert course.totals([int(course.first_gap()) - 1]) == [total]


def test_sweeps_leave_cycles_and_periods_to_the_other_engines():
    loop = cyclic_graph([("x", "h", 0), ("h", "h", 1)], inputs=["x"], outputs=["h"])
    assert swept_course(loop, 10) is None
    edges = [((0, "x"), (1, "h"), 1), ((1, "x"), (1, "h"), 0)]
    strided = cyclic_graph(edges, inputs=["x"], outputs=["h"], period=2)
    assert swept_course(strided, 10) is None


def test_sweeps_ask_for_the_units_that_are_held_at_once():
    deep = dilated_cnn([3**k for k in range(16)])  # two units at once, of up to 3**16 / 2 lags
    with pytest.raises(ValueError, match=r"^\d+ lags of a unit must fit in half of"):
        swept_course(dilated_cnn([3**k for k in range(40)]), 10**18)
    assert swept_course(deep, 10**5).up_to(40)[[0, 1, 2, 3, 4, 27]].tolist() == [
        *(16, 16, math.inf, 16, 16, 16)
    ]
