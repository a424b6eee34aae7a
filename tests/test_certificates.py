"""Certificates: that they come, that none is wrong, and what a refusal says."""

import math
import os
import resource
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from drnn_theory import (
    clockwork_rnn,
    compare,
    compute_mrl,
    cyclic_graph,
    layers_rnn,
    longest_lag,
    mrl_curve,
    path_counts,
    path_table,
    shortest_path_lengths,
    state_size,
    tcn,
)
from drnn_theory.paths import certificates, courses, general, stacks, sweeps
from drnn_theory.paths.blocks import Block
from drnn_theory.paths.certificates import combined, graph_courses
from drnn_theory.paths.courses import UNREACHABLE
from drnn_theory.paths.general import Wiring, path_lengths_by_unit
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.paths.stacks import Stack, coin_course
from drnn_theory.paths.sweeps import swept_course
from tests.components import component_graph
from tests.memory import peak_of
from tests.zero_one import random_wiring, zero_one_lengths

GRAPHS = int(os.environ.get("RANDOM_GRAPHS", "150"))  # `make certificates` takes 5,000
AGREEING = min(GRAPHS, 2000)
FAR = 10**18


def by_search(graph, span, *, vertical=True):
    """Return d(0..span) from every start by the search lag by lag, inf where no path leads."""
    wiring = Wiring(graph)
    last = span + wiring.period
    known = path_lengths_by_unit(wiring, wiring.starts, last, vertical=vertical)
    lengths = [
        known[start : start + span + 1, wiring.output_units, i].min(axis=1, initial=UNREACHABLE)
        for i, start in enumerate(wiring.starts)
    ]
    return [np.where(row < UNREACHABLE, row, math.inf) for row in lengths]


def two_rates():
    """Return a graph whose even lags grow by 1/2 each and whose odd ones by 1/4."""
    edges = [("x", "b", 0), ("x", "a", 1), ("a", "a", 4), ("a", "b", 0), ("b", "b", 2)]
    return cyclic_graph(edges, inputs=["x"], outputs=["b"])


def side_by_side(lags, *more):
    """Return loops of these lags between the input and the output, and some edges more."""
    edges = [e for n in lags for e in (("x", f"a{n}", 0), (f"a{n}", f"a{n}", n), (f"a{n}", "y", 0))]
    return cyclic_graph([*edges, *more], inputs=["x"], outputs=["y"])


# Random graphs.


def test_random_graphs_are_answered_at_any_span_or_refused_in_words():
    refusals, slowest = [], 0.0
    for seed in range(GRAPHS):
        begin = time.process_time()
        try:
            courses = graph_courses(component_graph(seed), FAR)
            for pick in (np.maximum, np.minimum):
                assert combined(courses, pick, FAR).modulus > 0
        except ValueError as refusal:
            refusals.append(str(refusal))
        slowest = max(slowest, time.process_time() - begin)
    assert len(refusals) <= GRAPHS // 500
    assert all("common multiple" in text or "transient" in text for text in refusals)
    assert slowest < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2**20 * (1 + (GRAPHS < 5000))  # KiB


@pytest.mark.parametrize("seed", range(AGREEING))
def test_no_certificate_is_wrong(seed):
    make_graph = component_graph if seed % 2 else random_wiring
    graph, vertical = make_graph(seed), seed % 3 > 0
    starts = Wiring(graph).starts
    courses = graph_courses(graph, FAR, vertical=vertical)
    i = seed % len(starts)
    horizon = min(2 * len(courses[i].lengths) + 2 * graph.graph["period"], 1200)
    right = zero_one_lengths(graph, horizon, starts[i], vertical=vertical)
    assert courses[i].modulus > 0
    assert courses[i].up_to(horizon).tolist() == right
    if seed % 10 == 0:
        near = reference_path_lengths(graph, 80, start=starts[i], vertical=vertical)
        assert courses[i].up_to(80).tolist() == near.tolist()


@pytest.mark.parametrize("seed", range(0, AGREEING, 5))
def test_sums_and_maxima_over_the_phases_are_those_of_the_lags(seed):
    graph = component_graph(seed)
    courses = graph_courses(graph, FAR)
    span = 2 * max(len(course.lengths) for course in courses)
    lengths = [course.up_to(span) for course in courses]
    for pick in (np.maximum, np.minimum):
        best, every = combined(courses, pick, FAR), pick.reduce(lengths)
        assert np.array_equal(best.up_to(span), every)
        gaps = np.flatnonzero(np.isinf(every[1:])) + 1
        assert best.first_gap() == (gaps[0] if len(gaps) else math.inf)
        for n in (1, span // 3, span - 1, span):
            part = every[1 : n + 1]
            assert best.totals([n]) == [None if np.any(np.isinf(part)) else int(part.sum())]
            lag = int(np.argmax(part)) + 1
            assert best.longest(n) == (lag, None if math.isinf(every[lag]) else every[lag])


# Classes that grow at different rates.


def test_residues_of_two_rates_are_exact_at_any_span():
    graph = two_rates()
    assert shortest_path_lengths(graph, 9).tolist() == [1, 2, 2, 3, 3, 3, 4, 4, 5, 4]
    # even lags 2k: 1 + k; odd lags 2k + 1: 2 + ceil(k / 2)
    half, quarter = FAR // 2, FAR // 4
    even = half + half * (half + 1) // 2
    odd = 2 * half + quarter * (quarter - 1) // 2 + quarter * (quarter - 1) // 2 + quarter
    assert compute_mrl(graph, FAR, exact=True) == Fraction(even + odd, FAR)
    course = graph_courses(graph, FAR)[0]
    assert [(s.slope, s.period) for s in course.strands] == [
        (Fraction(1, 4), 4),
        (Fraction(1, 2), 2),
    ]


def test_a_slower_component_counts_until_its_line_has_passed():
    # by the loop of lag 20 residue 3 costs 61 edges more, so that the loop of lag 7 is shorter for
    # long: a certificate that only looks at the rates would stop too early
    chain = ["x", *(f"c{i}" for i in range(60)), "v"]
    edges = [("x", "s", 0), ("s", "s", 7), ("s", "y", 0), ("v", "v", 20), ("v", "y", 0)]
    edges += [("x", "v", lag) for lag in range(20) if lag != 3]
    edges += [(u, v, 3 if u == "x" else 0) for u, v in pairwise(chain)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["y"])
    (right,) = by_search(graph, 20_000)
    spans = [1000, 5000, 20_000]
    means = [Fraction(int(right[1 : span + 1].sum()), span) for span in spans]
    assert mrl_curve(graph, [*spans, 10**9], exact=True)[:3] == means
    assert np.array_equal(graph_courses(graph, 10**9)[0].up_to(20_000), right)


UNEVEN = cyclic_graph(
    [
        *[((0, "x"), (0, "a"), 0), ((1, "x"), (1, "a"), 0), ((0, "a"), (1, "a"), 1)],
        *[((1, "a"), (0, "a"), 1), ((1, "x"), (1, "b"), 0), ((1, "b"), (0, "b"), 1)],
        *[((1, "b"), (1, "b"), 2), ((0, "b"), (0, "b"), 2)],
    ],
    inputs=["x"],
    outputs=["a", "b"],
    period=2,
)
"""From phase 0 only the slow unit is met, from phase 1 both."""


def test_phases_that_grow_at_different_rates_are_reduced(tmp_path):
    lengths = by_search(UNEVEN, 24)
    assert compute_mrl(UNEVEN, 24) == np.maximum(*lengths)[1:].mean() == 13.5
    assert compute_mrl(UNEVEN, 24, phase="best") == np.minimum(*lengths)[1:].mean()
    assert compute_mrl(UNEVEN, 24, phase="mean") == np.mean(lengths, axis=0)[1:].mean()
    for start, pick in (("worst", np.maximum), ("best", np.minimum)):
        found = shortest_path_lengths(UNEVEN, 24, start=start)
        assert found.tolist() == pick(*lengths).tolist()
    # from phase 0 lag n costs 1 + n; from phase 1 at most that
    assert compute_mrl(UNEVEN, FAR, exact=True) == 1 + Fraction(FAR + 1, 2)
    assert "13.5" in str(compare({"uneven": UNEVEN}, 24))


def test_where_every_cycle_is_free_the_lengths_stay_bounded():
    graph = cyclic_graph(
        [("x", "h", 0), ("h", "h", 7)], inputs=["x"], outputs=["h"], identities=[("h", "h", 1)]
    )
    assert compute_mrl(graph, FAR) == 1
    mixed = cyclic_graph(
        [("x", "g", 0), ("g", "g", 1), ("g", "h", 2)],
        inputs=["x"],
        outputs=["h"],
        identities=[("h", "h", 5)],
    )
    # lag 2 + n by the loop of g at most four times
    (right,) = by_search(mixed, 60)
    assert right[2:].tolist() == [2.0 + (n % 5) for n in range(59)]
    assert graph_courses(mixed, FAR)[0].up_to(60).tolist() == right.tolist()


@pytest.mark.parametrize(
    ("periods", "kinds"), [([1, 2, 4, 8], 4), ([1, 3, 5], 3), ([2, 3, 4], 4)], ids=str
)
def test_starts_that_meet_the_same_cycles_are_certified_together(periods, kinds):
    graph = clockwork_rnn(periods)
    every, lasting = zip(*Block(Wiring(graph)).reached(), strict=True)
    assert len(set(every)) > kinds  # each start has an input of its own
    assert len(set(lasting)) == kinds  # by the slowest module that updates, if any
    courses = graph_courses(graph, FAR)
    assert all(course.modulus for course in courses)
    for course, right in zip(courses, by_search(graph, 500), strict=True):
        assert course.up_to(500).tolist() == right.tolist()


# At once, or refused by name.


def test_a_lag_out_of_reach_makes_any_span_infinite_at_once():
    begin = time.process_time()
    graph = side_by_side((3, 5, 7, 8))
    for span in (10**5, 10**12, FAR):
        assert compute_mrl(graph, span) == math.inf
        assert longest_lag(graph, span) == (1, math.inf)
    assert mrl_curve(side_by_side((3, 5, 7, 8), ("x", "y", 1)), [1, FAR]) == [1.0, math.inf]
    assert compute_mrl([2, 10**8]) == compute_mrl([2, 10**9], FAR) == math.inf
    assert longest_lag([2, 10**9], FAR) == (1, math.inf)
    assert compute_mrl(layers_rnn([[2, 10**9], [2]])) == math.inf
    assert time.process_time() - begin < 1


def test_a_period_out_of_reach_is_named():
    loop = [("x", "z", 0), ("z", "z", 1), ("z", "y", 0)]
    graph = side_by_side((79, 83, 89, 97), *loop)
    with pytest.raises(
        ValueError,
        match=r"^span must be within reach, got 10{18}: shortest paths repeat only every 56606581 "
        r"lags, the least common multiple of 1, 79, 83, 89, 97; a smaller span is computed lag by",
    ):
        compute_mrl(graph, FAR)
    fewer = side_by_side((79, 83), *loop)
    (right,) = by_search(fewer, 20_000)
    assert graph_courses(fewer, FAR)[0].up_to(20_000).tolist() == right.tolist()


def test_a_transient_out_of_reach_is_named(monkeypatch):
    monkeypatch.setattr(certificates, "CELLS", 10**5)
    # residues modulo 999 are filled by 998, after about 10**6 lags
    edges = [("x", "a", 0), *(("a", "a", lag) for lag in (1, 998, 999)), ("a", "y", 1)]
    graph = cyclic_graph([*edges, ("x", "y", 1)], inputs=["x"], outputs=["y"])
    with pytest.raises(
        ValueError,
        match=r"^span must be within reach, got 10{18}: the transient is longer than 6\d{4} lags, "
        r"and .* GiB; a smaller span is computed lag by lag$",
    ):
        compute_mrl(graph, FAR)


def test_a_long_period_is_refused_before_a_list_per_phase_is_made():
    period = 10**9
    edges = [((0, "x"), (0, "h"), 0), ((0, "h"), (0, "h"), period)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["h"], period=period)
    for measure in (
        lambda: path_counts(graph, 10),
        lambda: path_table(graph, 10),
        lambda: state_size(graph, 20),
        lambda: compute_mrl(graph, 10**12, phase="best"),
    ):
        with pytest.raises(ValueError, match=r"1000000000 phases must fit in half .* GiB"):
            measure()


# Costs, as they are claimed.


@pytest.mark.parametrize("p", [50, 101, 210])
def test_the_certificate_of_a_stack_takes_up_to_the_product_of_its_two_largest_lags(p):
    course = coin_course(Stack((1, p, p + 1), 3), FAR)
    assert p * (p + 1) / 2 < len(course.lengths) <= 8 * p * (p + 1)


def test_lags_998_and_999_are_certified_as_a_stack_and_as_a_graph():
    edges = [("x", "h", 0), *(("h", "h", lag) for lag in (1, 998, 999)), ("h", "y", 1)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["y"])
    begin = time.process_time()
    course = graph_courses(graph, FAR)[0]
    stack = coin_course(Stack((1, 998, 999), 1), FAR)
    assert time.process_time() - begin < 1
    assert np.array_equal(course.up_to(10**5)[1:], stack.up_to(10**5 - 1) + 1)
    assert course.totals([10**5]) == [stack.totals([10**5 - 1])[0] + 10**5 + 1]


def ring(units, lags, identities=()):
    """Return a ring of units, joined by edges of each lag, and by identities."""
    ends = [(f"u{i}", f"u{(i + 1) % units}") for i in range(units)]
    edges = [("x", "u0", 0), *((u, v, lag) for u, v in ends for lag in lags)]
    added = [(u, v, lag) for u, v in ends for lag in identities]
    return cyclic_graph(edges, inputs=["x"], outputs=["u0"], identities=added)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: coin_course(Stack((1, 3, 500_000), 2), FAR).totals([FAR]),
        lambda: compute_mrl([1, 3, 500_000], FAR),
        lambda: shortest_path_lengths([1, 3, 500_000], 10**6),
        lambda: shortest_path_lengths([1, 2, 4], 10**6),
        lambda: path_lengths_by_unit(Wiring(ring(1, range(1, 31))), [0], 10**5),
        lambda: path_lengths_by_unit(Wiring(ring(3, [1])), [0], 3 * 10**4),
        lambda: path_lengths_by_unit(Wiring(ring(8, [1, 2, 3])), [0], 10**4, vertical=False),
        lambda: path_lengths_by_unit(Wiring(ring(2, [5], identities=[1])), [0], 2 * 10**4),
        lambda: swept_course(tcn([2**k for k in range(14)], kernel_size=3), 10**5),
    ],
    ids=[
        *("certificate", "mean", "lengths", "divisor chain"),
        *("search, many edges", "search, units", "search, no vertical edges", "steps", "sweep"),
    ],
)
def test_the_memory_that_is_asked_for_is_what_is_used(measure, monkeypatch):
    asked = []
    for module in (stacks, courses, general, sweeps):
        monkeypatch.setattr(module, "require_memory", lambda needed, task: asked.append(needed))
    used = peak_of(measure)
    assert 1 / 1.2 < used / max(asked) < 1.2


RESIDENT = """
from pathlib import Path
from drnn_theory import compute_mrl, cyclic_graph
from drnn_theory.paths import general, stacks

def told(name):  # ru_maxrss would count the process that this one was started from
    (line,) = [t for t in Path("/proc/self/status").read_text().splitlines() if t.startswith(name)]
    return 1024 * int(line.split()[1])

asked = []
for module in (general, stacks):
    module.require_memory = lambda needed, task: asked.append(needed)
before = told("VmRSS")
{measure}
print((told("VmHWM") - before) / max(asked))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone tells it so")
@pytest.mark.parametrize(
    "measure",
    [
        "compute_mrl([1, 3, 2 * 10**6], 10**18)",
        "general.path_lengths_by_unit(general.Wiring(cyclic_graph([('x', 'h', 0), ('h', 'k', 1), "
        "('k', 'h', 2)], inputs=['x'], outputs=['k'])), [0], 10**6)",
    ],
    ids=["stack", "search"],
)
def test_the_resident_memory_of_a_process_grows_by_what_is_asked_for(measure):
    script = RESIDENT.format(measure=measure)
    run = [sys.executable, "-c", script]
    told = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120)
    assert 1 / 1.2 < float(told.stdout) < 1.2
