import json
import math
import re
import sys
from collections import Counter
from fractions import Fraction

import pytest

from drnn_theory import (
    clockwork_rnn,
    compare,
    compute_mrl,
    count_parameters,
    cyclic_graph,
    dilated_cnn,
    edges,
    graphs,
    paper_architectures,
    summary,
)
from drnn_theory.summaries import MEASURES


@pytest.fixture
def calls(monkeypatch):
    """How often graphs were checked, and how often pruned, by the functions that do both."""
    count = Counter()

    def counting(name, function):
        def counted(*arguments):
            count[name] += 1
            return function(*arguments)

        return counted

    monkeypatch.setattr(graphs, "_check", counting("checked", graphs._check))
    monkeypatch.setattr(edges, "_pruned", counting("pruned", edges._pruned))
    return count


@pytest.mark.parametrize(
    "measure",
    [summary, compute_mrl, lambda graph: compare({"clockwork": graph})],
    ids=["summary", "mean", "comparison"],
)
def test_a_large_graph_is_checked_and_pruned_once(calls, measure):
    graph = clockwork_rnn([2**k for k in range(9)])
    assert graph.number_of_edges() == 6912
    calls.clear()
    measure(graph)
    assert calls == {"checked": 1, "pruned": 1}


def test_a_graph_that_was_changed_is_checked_and_pruned_again():
    graph = cyclic_graph([("x", "h", 0), ("h", "h", 1)], inputs=["x"], outputs=["h"])
    assert summary(graph, 4).measures["exactly"] == Fraction(7, 2)  # d(n) = 1 + n
    graph.add_edge("h", "h", lag=2)
    assert summary(graph, 4).measures["exactly"] == Fraction(5, 2)  # 2, 2, 3, 3
    graph.add_edge("h", "h", lag=-1)
    with pytest.raises(ValueError, match=r"lag of edge .* must be a non-negative integer, got -1"):
        summary(graph, 4)


def test_a_summary_holds_what_the_measures_say():
    measures = summary([1, 5, 18, 25], 99).measures
    assert measures["mean recurrent length"] == compute_mrl([1, 5, 18, 25], 99)
    assert measures["exactly"] == Fraction(785, 99)
    assert (measures["longest path"], measures["at lag"]) == (10, 14)
    assert measures["recurrent skip coefficient"] == 25
    assert measures["parameters"] == 2980
    assert measures["streaming state"] == 49 * 20


def test_a_measure_that_does_not_exist_is_a_dash():
    cnn = summary(dilated_cnn([1, 2]))
    assert cnn.measures["recurrent depth"] is None
    assert re.search(r"^recurrent depth +-$", str(cnn), re.MULTILINE)


def test_a_comparison_has_one_span_the_largest_default_and_prints_it():
    table = compare({"short": [1, 2], "long": [1, 8]})
    assert {s.span for s in table.summaries} == {8}
    assert "Lags 1..8, vertical edges counted." in str(table)
    assert {row["span"] for row in table.table()} == {8}


def test_sizes_are_passed_on_and_named():
    table = compare({"a": [1, 2]}, hidden_size=7, cell="GRU", input_size=3)
    (row,) = table.table()
    assert (row["cell"], row["hidden size"], row["input size"]) == ("GRU", 7, 3)
    assert row["parameters"] == count_parameters([1, 2], 7, cell="GRU", input_size=3)


def test_the_columns_are_the_measures_of_every_summary_in_order():
    assert tuple(summary([1, 2]).measures) == MEASURES


def test_json_frames_and_latex_carry_the_same_numbers():
    table = compare({"reaches": [1, 2, 4], "does not": [2, 4]}, 4)
    record = json.loads(json.dumps(table.to_dict()))
    assert record["convention"] == "lags 1..span, vertical edges counted"
    first, second = record["rows"]
    assert first["exactly"] == "17/4"
    assert second["mean recurrent length"] == "inf"
    frame = table.to_frame()
    assert frame.loc["reaches", "exactly"] == Fraction(17, 4)
    assert frame.loc["does not", "exactly"] == math.inf
    latex = table.table(["exactly"]).to_latex()
    assert r"\toprule" in latex
    assert "17/4" in latex


def test_jupyter_shows_a_table_with_a_sparkline_and_escapes_names():
    markup = compare({"<b>": [1, 2, 4]})._repr_html_()
    assert "&lt;b&gt;" in markup
    assert "<b>" not in markup
    assert markup.count("<polyline") == 1
    assert 'width="160" height="24" viewBox="0 0 160 24"' in markup  # to be scaled, not cut
    assert summary([2, 4])._repr_html_().count("<polyline") == 3  # lags 0, 2 and 4, with gaps


def test_without_pandas_a_frame_names_the_command_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'^a DataFrame needs pandas: pip install "drnn_theory\['):
        summary([1, 2]).to_frame()


def test_a_refusal_names_the_architecture():
    with pytest.raises(ValueError, match=r"^bad: dilations must be one or more positive integers"):
        compare({"good": [1, 2], "bad": [0]})
    with pytest.raises(ValueError, match=r"^flat: span must be given for a graph without lags"):
        compare({"flat": cyclic_graph([("x", "h", 0)], inputs=["x"], outputs=["h"])})


def test_names_that_are_one_as_text_are_refused():
    with pytest.raises(ValueError, match=r"^names must differ as text, got \['1', 1\]$"):
        compare({"1": [1, 2], 1: [1]})


@pytest.mark.parametrize("typed", [{}, [1, 2], None])
def test_a_comparison_needs_named_architectures(typed):
    with pytest.raises(ValueError, match=r"^architectures must be a dictionary of one or more"):
        compare(typed)


def test_the_papers_architectures_have_the_means_of_their_closed_forms():
    means = [s.measures["exactly"] for s in compare(paper_architectures(), 256).summaries]
    dilated = 9 + Fraction(8, 2) + Fraction(1, 256)
    assert means[0] == 9 + Fraction(257, 2)
    assert means[1] == 9 + Fraction(255, 2) + Fraction(1, 256)
    assert means[2] == means[3] == dilated
    assert means[4] == dilated - 2  # by brute force: two layers fewer, one lagged edge less
    assert means[5] == 9


def test_outputs_at_every_second_step_are_said_and_what_serves_there():
    edges = [((0, "x"), (0, "h"), 0), ((1, "x"), (0, "h"), 1), ((0, "h"), (0, "h"), 2)]
    graph = cyclic_graph(edges, inputs=["x"], outputs=["h"], period=2)
    strided = summary(graph, 8, name="strided")
    assert strided.measures["exactly"] == math.inf
    said = (
        "strided: an output exists at every 2nd step only, so that the worst phase misses lags; by "
        'the best phase at each lag, phase="best", the mean is 3.'
    )
    assert said in " ".join(str(strided).split())
    assert said in " ".join(str(compare({"strided": graph, "plain": [1]}, 8)).split())
    assert "exists" not in str(summary([2, 4]))  # misses lags, though an output exists at all steps
