"""All engines against brute force, the laws of shortest paths, and values worked by hand."""

import math
import re
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import (
    compute_mrl,
    cyclic_graph,
    dilated_cnn,
    dilated_rnn,
    layers_rnn,
    mrl_curve,
    path_counts,
    path_table,
    shortest_path,
    shortest_path_lengths,
    skip_rnn,
)
from drnn_theory.paths import lengths_over_phases
from drnn_theory.paths.certificates import combined, graph_courses
from drnn_theory.paths.courses import UNREACHABLE
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.paths.reference import reference_path_counts, reference_path_lengths
from drnn_theory.paths.stacks import DivisorChain, Stack, as_stack, coin_course
from tests.strategies import complete_schemes, cyclic_graphs, schemes


def equal(left, right):
    return np.array_equal(np.asarray(left, dtype=float), np.asarray(right, dtype=float))


# Agreement: 2,000 and more random cases, each against the unfolded graph.


@settings(max_examples=800)
@given(schemes | complete_schemes, st.integers(0, 60), st.booleans())
def test_the_stack_engine_equals_brute_force(dilations, horizon, vertical):
    stack = as_stack(tuple(dilations))
    if not vertical:
        stack = stack._replace(vertical=0)
    reference = reference_path_lengths(dilated_rnn(dilations), horizon, vertical=vertical)
    assert equal(coin_course(stack, max(horizon, 1)).up_to(horizon), reference)
    assert not vertical or equal(shortest_path_lengths(dilations, horizon), reference)


@settings(max_examples=300)
@given(complete_schemes, st.integers(1, 400))
def test_a_certified_stack_equals_the_plain_recurrence_at_every_later_lag(dilations, span):
    course = coin_course(as_stack(tuple(dilations)), 10**9)
    fewest = [0]
    for n in range(1, span + 1):
        fewest.append(1 + min(fewest[n - s] for s in dilations if s <= n))
    lengths = [len(dilations) + c for c in fewest]
    assert course.period > 0
    assert equal(course.up_to(span), lengths)
    assert course.totals([span]) == [sum(lengths[1:])]
    assert course.longest(span) == (lengths.index(max(lengths[1:]), 1), max(lengths[1:]))


@settings(max_examples=200)
@given(st.lists(st.integers(1, 5), max_size=4), st.integers(1, 300))
def test_the_closed_form_of_divisor_chains_equals_the_stack_engine(ratios, span):
    coins = sorted(set(np.cumprod([1, *ratios]).tolist()))
    closed, engine = DivisorChain(coins, 3), coin_course(Stack(tuple(coins), 3), span)
    assert equal(closed.up_to(span), engine.up_to(span))
    spans = list(range(1, span + 1))
    assert closed.totals(spans) == engine.totals(spans)
    assert closed.longest(span) == engine.longest(span)


@settings(max_examples=800)
@given(cyclic_graphs(), st.integers(1, 40), st.booleans())
def test_both_general_engines_equal_brute_force_from_every_phase(graph, horizon, vertical):
    wiring = Wiring(graph)
    last = horizon + wiring.period
    together = path_lengths_by_unit(wiring, wiring.starts, last, vertical=vertical)
    for i, start in enumerate(wiring.starts):
        reference = reference_path_lengths(graph, horizon, start=start, vertical=vertical)
        alone = path_lengths_by_unit(wiring, [start], last, vertical=vertical)
        for lengths in (together[:, :, i], alone[:, :, 0]):
            found = lengths[start : start + horizon + 1, wiring.output_units]
            found = found.min(axis=1, initial=UNREACHABLE)
            assert equal(np.where(found < UNREACHABLE, found, math.inf), reference)


@settings(max_examples=500)
@given(cyclic_graphs(), st.booleans())
def test_certificates_foretell_what_the_search_finds_far_beyond_them(graph, vertical):
    wiring = Wiring(graph)
    courses = graph_courses(graph, 10**15, vertical=vertical)
    for start, course in zip(wiring.starts, courses, strict=True):
        assert course.period > 0
        far = 3 * len(course.lengths) + 2 * course.period
        known = path_lengths_by_unit(wiring, [start], start + far, vertical=vertical)
        lengths = known[start:, wiring.output_units, 0].min(axis=1, initial=UNREACHABLE)
        assert equal(course.up_to(far), np.where(lengths < UNREACHABLE, lengths, math.inf))
    for pick in (np.maximum, np.minimum):
        best = combined(courses, pick, 10**15)
        far = 3 * len(best.lengths)
        assert equal(best.up_to(far), pick.reduce([p.up_to(far) for p in courses]))


def test_a_slow_component_above_a_fast_one_is_waited_for():
    # the way by the fast loop costs 301 edges more, so that below lag 3600 or so the slow loop is
    # shorter: a certificate that looked only at the fast component's period would stop too early
    chain = [(f"c{i}", f"c{i + 1}", 0) for i in range(300)]
    edges = [("x", "slow", 0), ("slow", "slow", 3), ("slow", "slow", 4), ("slow", "y", 0)]
    edges += [("slow", "c0", 0), *chain, ("c300", "fast", 0), ("fast", "fast", 5)]
    edges += [("fast", "fast", 6), ("fast", "y", 0), ("slow", "slow", 1)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["y"])
    course = graph_courses(graph, 10**12)[0]
    assert course.period > 0
    known = path_lengths_by_unit(wiring := Wiring(graph), [0], 20_000)
    assert equal(course.up_to(20_000), known[:, wiring.output_units, 0].min(axis=1))


def test_phases_in_components_of_different_periods_are_continued_from_certified_lags():
    edges = [((0, "x"), (0, "h"), 0), ((0, "x"), (1, "h"), 1)]
    edges += [((1, "x"), (1, "h"), 0), ((1, "x"), (0, "h"), 1)]
    edges += [((0, "h"), (0, "h"), lag) for lag in (2, 16)]
    edges += [((1, "h"), (1, "h"), lag) for lag in (2, 12, 14)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["h"], period=2)
    worst = shortest_path_lengths(graph, 2000, start="worst")
    for start in (0, 1):
        alone = shortest_path_lengths(graph, 2000, start=start)
        assert np.all(worst >= alone)
    assert equal(
        worst[:301], np.maximum(*(reference_path_lengths(graph, 300, start=s) for s in (0, 1)))
    )
    spans = [20, 150, 300, 380, 2000]
    means = [Fraction(int(worst[1 : span + 1].sum()), span) for span in spans]
    assert mrl_curve(graph, spans, exact=True) == means


@pytest.mark.parametrize("loops", [(2999, 3001), (99991, 99989)])
def test_outputs_whose_common_period_is_far_beyond_the_span_are_compared_up_to_it(loops):
    edges = [("x", "a", 0), ("x", "b", 0), ("a", "a", 1), ("b", "b", 1)]
    edges += [("a", "a", loops[0]), ("b", "b", loops[1])]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["a", "b"])
    both = [coin_course(Stack((1, loop), 1), 40_000).up_to(40_000) for loop in loops]
    total = int(np.minimum(*both)[1:].sum())
    assert compute_mrl(graph, 40_000, exact=True) == Fraction(total, 40_000)


def test_lags_beyond_64_bits_are_served_or_refused():
    edges = [("x", "h", 0), ("h", "h", 10**30), ("h", "g", 1), ("g", "h", 0), ("h", "h", 1)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["h"])
    assert compute_mrl(graph, 10) == 1 + 5.5
    with pytest.raises(ValueError, match=r"^span must be within reach, got 10{30}: .* GiB$"):
        compute_mrl(graph)


@settings(max_examples=100)
@given(cyclic_graphs(), st.integers(0, 20), st.booleans())
def test_the_worst_and_the_best_start_are_those_of_all(graph, horizon, vertical):
    period = graph.graph["period"]
    starts = [s for s in range(period) if s in Wiring(graph).starts]
    all_starts = [
        reference_path_lengths(graph, horizon, start=s, vertical=vertical) for s in starts
    ]
    for start, pick in (("worst", np.maximum), ("best", np.minimum)):
        found = shortest_path_lengths(graph, horizon, start=start, vertical=vertical)
        assert equal(found, pick.reduce(all_starts))


def test_two_large_coprime_loops_are_certified_after_their_honest_transient():
    edges = [("x", "h", 0), ("h", "h", 98), ("h", "h", 99)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["h"])
    as_coins = coin_course(Stack((98, 99), 1), 10**9)
    general = graph_courses(graph, 10**9)[0]
    assert equal(general.up_to(30_000), as_coins.up_to(30_000))


@settings(max_examples=200)
@given(cyclic_graphs(), st.integers(0, 20), st.integers(0, 3))
def test_path_counts_equal_brute_force(graph, horizon, start):
    start %= graph.graph["period"]
    assert path_counts(graph, horizon, start=start) == reference_path_counts(
        graph, horizon, start=start
    )


@settings(max_examples=100)
@given(complete_schemes, st.integers(0, 60))
def test_path_counts_of_a_stack_are_the_coefficients_of_its_generating_function(dilations, horizon):
    coefficients = [1] + [0] * horizon
    for s in dilations:  # multiply by 1 / (1 - z^s)
        for n in range(s, horizon + 1):
            coefficients[n] += coefficients[n - s]
    assert path_counts(dilations, horizon) == coefficients


@settings(max_examples=200)
@given(cyclic_graphs(), st.integers(0, 15))
def test_the_path_table_adds_up_to_the_counts_and_starts_at_the_shortest_path(graph, horizon):
    table = path_table(graph, horizon)
    assert [sum(row.values()) for row in table] == path_counts(graph, horizon)
    lagged = reference_path_lengths(graph, horizon, vertical=False)
    assert [min(row, default=math.inf) for row in table] == lagged.tolist()


def test_the_path_table_of_two_coins_is_worked_by_hand():
    assert path_table([1, 3], 6)[6] == {2: 1, 4: 1, 6: 1}
    assert path_table(skip_rnn(2), 4)[4] == {2: 1, 3: 3, 4: 1}  # in any order within one layer


def test_path_counts_stay_exact_beyond_64_bits():
    assert path_counts(skip_rnn(1, layers=9), 2000)[-1] == math.comb(2008, 8)
    both = cyclic_graph([("x", "h", 0), ("h", "h", 1), ("h", "h", 2)], inputs=["x"], outputs=["h"])
    fibonacci = path_counts(both, 300)
    assert fibonacci[300] == fibonacci[299] + fibonacci[298] > 2**200


# Laws.


@given(cyclic_graphs(), st.data())
def test_a_new_edge_never_lengthens_a_path(graph, data):
    period = graph.graph["period"]
    source, target = (data.draw(st.sampled_from(sorted(graph))) for _ in range(2))
    shift = (target[0] - source[0]) % period if period > 1 else 0
    lag = shift + period * data.draw(st.integers(1, 5))
    edges = [*graph.edges(data="lag"), (source, target, lag)]
    longer = cyclic_graph(edges, **graph.graph)
    for start in range(period):
        before = reference_path_lengths(graph, 15, start=start)
        assert np.all(shortest_path_lengths(longer, 15, start=start) <= before)


@given(complete_schemes, st.randoms(use_true_random=False), st.integers(1, 200))
def test_the_order_of_the_layers_does_not_matter(dilations, random, span):
    shuffled = random.sample(dilations, len(dilations))
    assert compute_mrl(shuffled, span, exact=True) == compute_mrl(dilations, span, exact=True)


@given(schemes, st.integers(2, 6))
def test_scaling_all_lags_stretches_the_course_and_opens_gaps(dilations, k):
    plain = shortest_path_lengths(dilations, 30)
    scaled = shortest_path_lengths([k * s for s in dilations], 30 * k + k - 1).reshape(31, k)
    assert equal(scaled[:, 0], plain)
    assert np.all(np.isinf(scaled[:, 1:]))


@given(complete_schemes)
def test_paths_of_a_stack_can_be_joined(dilations):
    d, layers = shortest_path_lengths(dilations, 60), len(dilations)
    assert all(d[a + b] <= d[a] + d[b] - layers for a in range(31) for b in range(31))


# By hand, and the engines' own duties.


@pytest.mark.parametrize(
    ("architecture", "lengths"),
    [
        ([1, 2, 4], [3, 4, 4, 5, 4, 5, 5, 6, 5]),
        ([2, 4], [2, math.inf, 3, math.inf, 3]),
        ([3, 4], [2, math.inf, math.inf, 3, 3, math.inf, 4, 4, 4, 5]),
        (skip_rnn(4), [1, 2, 3, 4, 2, 3, 4, 5, 3]),
        (dilated_cnn([1, 2]), [2, 2, 2, 2, math.inf, math.inf]),
        (dilated_rnn([2, 4], fusion=True), [3, 3, 4, 4, 4, 4, 5, 5, 5]),
    ],
    ids=["stack", "gcd 2", "gcd 1 without 1", "skip", "convolutions", "fusion"],
)
def test_lengths_worked_by_hand(architecture, lengths):
    assert equal(shortest_path_lengths(architecture, len(lengths) - 1), lengths)


@pytest.mark.parametrize(
    ("graph", "stack"),
    [
        (layers_rnn([[1, 4], [2], [4]]), Stack((1, 2, 4), 3)),
        (dilated_cnn([1, 2]), None),
        (dilated_rnn([2, 4], fusion=True), None),
        (cyclic_graph([("x", "h", 1), ("h", "h", 1)], inputs=["x"], outputs=["h"]), None),
        (
            cyclic_graph(
                [("x", "a", 0), ("a", "b", 0), ("x", "b", 0), ("b", "b", 1)],
                inputs=["x"],
                outputs=["b"],
            ),
            None,
        ),
        (
            cyclic_graph(
                [("x", "a", 0), ("a", "b", 1), ("b", "a", 1)], inputs=["x"], outputs=["a"]
            ),
            None,
        ),
    ],
    ids=["layers", "acyclic", "fusion", "lagged input", "a way around", "a longer cycle"],
)
def test_a_stack_is_recognised_by_its_shape(graph, stack):
    assert as_stack(graph) == stack


def test_what_looks_like_a_stack_but_exists_at_some_phases_only_is_none():
    edges = [((2, "h"), (2, "h"), 6), ((0, "x"), (0, "dead"), 0)]
    graph = cyclic_graph(edges, inputs=["h"], outputs=["h"], period=3)
    assert as_stack(graph) is None
    assert equal(shortest_path_lengths(graph, 6, start=0), [math.inf] * 7)
    assert equal(shortest_path_lengths(graph, 6, start=2), [0, *[math.inf] * 5, 1])


@given(st.integers(1, 400))
def test_wide_dilations_take_the_row_kernel_and_agree(offset):
    coins = (1, 2000 + offset, 2003 + 2 * offset)
    course = coin_course(Stack(coins, 0), 9000)
    assert course.totals([9000]) == [sum(_fewest(coins, 9000)[1:])]


def _fewest(coins, horizon):
    fewest = [0]
    for n in range(1, horizon + 1):
        fewest.append(1 + min(fewest[n - s] for s in coins if s <= n))
    return fewest


def test_a_span_of_10_to_the_18_is_exact():
    span = 10**18
    total = compute_mrl([1, 7, 19], span, exact=True) * span
    # 19-periodic from the bound (19 - 1) * 7 on: c(n) = c(n0) + (n - n0) / 19
    fewest = _fewest((1, 7, 19), 400)
    base = 133  # a multiple of 19, above the bound
    full, part = divmod(span - base, 19)
    row = fewest[base + 1 : base + 20]
    expected = sum(fewest[1 : base + 1]) + full * sum(row) + 19 * full * (full - 1) // 2
    expected += sum(row[:part]) + part * full
    assert total == 3 * span + expected


def test_a_graph_of_10_to_the_18_lags_agrees_with_its_stack_form():
    graph = dilated_rnn([1, 5, 18, 25])
    edges = [*graph.edges(data="lag"), ("x", "h2", 7)]  # no stack any more; never a shorter way
    around = cyclic_graph(edges, inputs=["x"], outputs=["h4"])
    assert as_stack(around) is None
    near = reference_path_lengths(around, 300)
    assert equal(lengths_over_phases(around, 10**18)[0].up_to(300), near)


@pytest.mark.parametrize(
    ("architecture", "span"),
    [([1, 10**12, 10**12 + 1], 10**13), (skip_rnn(10**12 + 1, 2), 10**13)],
)
def test_a_stack_whose_certificate_does_not_fit_is_refused_with_the_figure(architecture, span):
    if not isinstance(architecture, list):
        assert compute_mrl(architecture, span) < math.inf  # {1, s} is a divisor chain
        return
    with pytest.raises(ValueError, match=r"^4000000000005 lags must fit in half .* GiB$"):
        compute_mrl(architecture, span)


def test_a_graph_without_certificate_in_memory_is_refused_with_the_figure():
    edges = [("x", "a", 0), ("a", "b", 10**11), ("b", "a", 1), ("a", "a", 10**11 + 7)]
    graph = cyclic_graph([*edges, ("a", "a", 1)], inputs=["x"], outputs=["a"])
    with pytest.raises(
        ValueError, match=r"^span must be within reach, got 10{15}: .* GiB; a smaller"
    ):
        compute_mrl(graph, 10**15)


@pytest.mark.parametrize(
    ("lag", "start", "message"),
    [
        ("5", 0, "lag must be a non-negative integer, got '5'"),
        (-5, 0, "lag must be a non-negative integer, got -5"),
        (5, -1, "start must be a non-negative integer, got -1"),
    ],
)
def test_a_shortest_path_needs_a_lag_and_a_start(lag, start, message):
    with pytest.raises((ValueError, TypeError), match=f"^{re.escape(message)}$"):
        shortest_path([1, 2], lag, start=start)


def test_a_horizon_that_does_not_fit_is_refused_before_trying():
    for architecture in ([1, 2], dilated_cnn([1, 2])):
        with pytest.raises(ValueError, match=r"lags must fit in half of this machine's memory"):
            shortest_path_lengths(architecture, 10**14)


def test_parallel_edges_and_edge_order_do_not_matter():
    graph = nx.MultiDiGraph([("h", "h", {"lag": 2}), ("x", "h", {"lag": 0})])
    graph.add_edge("h", "h", lag=1)
    graph.add_edge("h", "h", lag=2)
    made = cyclic_graph(graph, inputs=["x"], outputs=["h"])
    assert compute_mrl(made, 8, exact=True) == Fraction(sum(1 + -(-n // 2) for n in range(1, 9)), 8)
