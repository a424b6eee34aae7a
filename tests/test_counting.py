"""Path counts: how long their integers become, and the memory that is asked for them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from drnn_theory import cyclic_graph, dilated_cnn, path_counts, path_table, tcn
from drnn_theory.paths import counting
from drnn_theory.paths.general import Wiring
from tests.memory import peak_of
from tests.strategies import cyclic_graphs


def loops(*lags):
    """Return a unit with loops of the given lags: from two loops on its paths multiply."""
    edges = [("x", "h", 0), *(("h", "h", lag) for lag in lags)]
    return cyclic_graph(edges, inputs=["x"], outputs=["h"])


def two_units():
    """Return a unit whose paths grow fast above one whose paths grow slower."""
    edges = [("x", "a", 0), ("a", "a", 1), ("a", "a", 3), ("a", "b", 0), ("b", "b", 1)]
    return cyclic_graph([*edges, ("b", "b", 2)], inputs=["x"], outputs=["b"])


@pytest.mark.parametrize(
    "measure",
    [
        lambda: path_counts(loops(1, 2), 6000),
        lambda: path_counts(loops(9, 30), 12_000),
        lambda: path_counts(loops(3, 6, 12), 12_000),
        lambda: path_counts(two_units(), 4000),
        lambda: path_counts([1, 2, 4, 8], 10_000),
        lambda: path_table([1, 2], 1000),
        lambda: path_table(loops(1, 2), 500),
    ],
    ids=[
        *("long", "large lags", "every third lag", "two units", "stack"),
        *("table", "table of long integers"),
    ],
)
def test_the_memory_that_is_asked_for_is_what_is_used(measure, monkeypatch):
    asked = [0]
    monkeypatch.setattr(counting, "require_memory", lambda needed, task: asked.append(needed))
    used = peak_of(measure)
    assert 1 / 1.25 < used / max(asked) < 1.2  # integers are traced without what rounding adds


RESIDENT = """
from pathlib import Path
from tests.test_counting import counting, loops, path_table

def told(name):
    (line,) = [t for t in Path("/proc/self/status").read_text().splitlines() if t.startswith(name)]
    return 1024 * int(line.split()[1])

asked = []
counting.require_memory = lambda needed, task: asked.append(needed)
path_table(loops(1, 2), 300)  # loads what is loaded late
before = told("VmRSS")
path_table(loops(1, 9, 30), 900)
print((told("VmHWM") - before) / max(asked))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone tells it so")
def test_the_resident_memory_of_a_table_with_gaps_grows_by_what_is_asked_for():
    run = [sys.executable, "-c", RESIDENT]
    told = subprocess.run(run, capture_output=True, text=True, check=True, timeout=120)
    assert 1 / 1.2 < float(told.stdout) < 1.2


@pytest.mark.parametrize("measure", [path_counts, path_table])
def test_counts_of_too_many_digits_are_refused_before_they_are_added_up(measure):
    with pytest.raises(ValueError, match=r"to 3000000 lags must fit in half .*, got \d+ GiB"):
        measure(loops(1, 2), 3 * 10**6)


@settings(max_examples=15, deadline=None)
@given(cyclic_graphs())
def test_no_count_is_longer_than_its_bound(graph):
    wiring = Wiring(graph)
    counts = path_counts(graph, 40)
    if not any(counts):
        return
    lags, bits = counting._bounds(wiring, 0, 40)
    for lag, bound in zip(lags.astype(int), bits[:, -1] + np.log2(lags + 1), strict=True):
        assert np.log2(max(counts[lag], 0.5)) <= max(bound, -1) + 1e-6


@settings(max_examples=100, deadline=None)
@given(cyclic_graphs())
def test_lags_of_paths_and_edges_of_one_lag_differ_by_multiples_of_what_is_told(graph):
    every, step = counting._differences(Wiring(graph))
    table = path_table(graph, 15)
    reached = [lag for lag, row in enumerate(table) if row]
    assert all((lag - reached[0]) % every == 0 for lag in reached)
    assert all((edges - min(row)) % step == 0 for row in table if row for edges in row)


@pytest.mark.parametrize(
    ("graph", "differences"),
    [
        (loops(3, 6, 12), (3, 1)),
        (loops(2, 6), (2, 2)),
        (loops(1, 700), (1, 699)),
        (loops(5), (5, 1)),
    ],
)
def test_differences_are_worked_by_hand(graph, differences):
    assert counting._differences(Wiring(graph)) == differences


def test_paths_of_a_graph_without_cycles_end():
    table = path_table(dilated_cnn([1, 2]), 3000)
    assert table[:5] == [{0: 1}, {1: 1}, {1: 1}, {2: 1}, {}]
    assert not any(table[4:])


def test_paths_of_lag_0_that_are_more_than_floats_count_are_counted():
    assert path_counts(tcn([1] * 1200), 3)[0] == 2**1200  # a sum or two convolutions, 1200 times
