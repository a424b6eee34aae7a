"""The explorer without a browser: its numbers, its drawing, its answers, and what the panel says.

tests/rendering shows the same panel in a real JupyterLab.
"""

import inspect
import math
import operator
import os
import re
import sys
import threading
import time
import xml.etree.ElementTree as xml
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import anywidget
import pytest

import drnn_theory
from drnn_theory import (
    clockwork_rnn,
    compute_mrl,
    cyclic_graph,
    explore,
    hierarchical_rnn,
    residual_rnn,
    shortest_path_lengths,
    skip_rnn,
    stacked_rnn,
    unfold,
)
from drnn_theory.catalogue import FAMILIES
from drnn_theory.edges import identity_edges
from drnn_theory.explorer import drawing
from drnn_theory.explorer.advice import advise, known, search
from drnn_theory.explorer.background import Latest
from drnn_theory.explorer.choices import FORMS, LIMIT, Choice
from drnn_theory.explorer.saving import save_figure, sheet_of
from drnn_theory.explorer.scene import Dots, Lines, Words, to_figure
from drnn_theory.explorer.views import look

NINE = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def chosen(family, **values):
    form = FORMS[family]
    defaults = {name: field.default for name, field in form.fields.items()}
    return Choice(family, form.read(defaults | values))


CHOICES = [
    *[chosen(family) for family in FORMS],
    chosen("dilated_rnn", dilations="4, 8, 16", fusion=True),
    chosen("dilated_rnn", dilations="2 4"),
    chosen("dilated_cnn", dilations="1 2 4", kernel_size=3),
    chosen("clockwork_rnn", periods="2, 3"),
    Choice.of(skip_rnn(5, layers=2)),
    Choice.of(hierarchical_rnn([1, 2, 4])),
]


# ---------------------------------------------------------------------- what can be chosen


def test_every_family_has_a_form_with_all_its_arguments():
    arguments = {name: list(inspect.signature(f).parameters) for name, f in FAMILIES.items()}
    assert {name: list(form.fields) for name, form in FORMS.items()} == arguments


@pytest.mark.parametrize(
    ("text", "scheme"),
    [("1, 2, 4", (1, 2, 4)), ("[1,5,18,25]", (1, 5, 18, 25)), ("(3 3)", (3, 3)), ("7,", (7,))],
)
def test_dilations_are_read_as_people_write_them(text, scheme):
    assert FORMS["dilated_rnn"].fields["dilations"].read(text) == scheme


@pytest.mark.parametrize("text", ["1, 4; 2", "[[1, 4], [2]]", "1 4\n2", "1, 4; 2;"])
def test_lags_are_read_layer_by_layer(text):
    assert FORMS["layers_rnn"].fields["layers"].read(text) == ((1, 4), (2,))


@pytest.mark.parametrize(
    ("family", "values", "message"),
    [
        (
            "dilated_rnn",
            {"dilations": "1, x"},
            "dilations must be one or more positive integers, as in 1,2,4,8, got 'x'",
        ),
        (
            "dilated_rnn",
            {"dilations": "1, 2.5"},
            "dilations must be one or more positive integers, got [1, 2.5]: 2.5 is not an integer",
        ),
        (
            "clockwork_rnn",
            {"periods": "1 0"},
            "periods must be one or more positive integers, got [1, 0]: 0 is not positive",
        ),
        (
            "mist_rnn",
            {"lags": " "},
            "lags must be one or more positive integers, as in 1,2,4,8, got ' '",
        ),
        (
            "layers_rnn",
            {"layers": "1; ; 2"},
            "lags of layer 2 must be one or more positive integers, as in 1,2,4,8, got ''",
        ),
        (
            "dilated_rnn",
            {"dilations": "1 5000"},
            "dilations must be at most 4096 in explore, got 5000",
        ),
        (
            "dilated_rnn",
            {"dilations": "1 " * 25},
            "the number of dilations must be at most 24 in explore, got 25",
        ),
        (
            "clockwork_rnn",
            {"periods": "16, 33"},
            "the least common multiple of periods must be at most 512 in explore, got 528",
        ),
    ],
)
def test_what_cannot_be_explored_says_what_must_hold(family, values, message):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        chosen(family, **values).architecture  # noqa: B018


def test_what_explore_is_called_with_has_the_same_limits():
    with pytest.raises(ValueError, match=r"^dilations must be at most 4096 in explore, got 5000$"):
        explore([1, 5000])
    with pytest.raises(ValueError, match=r"^span must be at most 4096 in explore, got 4097$"):
        explore([1, 2], span=LIMIT + 1)
    with pytest.raises(ValueError, match=r"^dilations must be one or more positive .* got none$"):
        explore([])


# ---------------------------------------------------------------------- the numbers


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.title)
def test_mean_and_lengths_are_those_of_the_package(choice):
    view = look(choice, 12)
    assert view.mrl == compute_mrl(choice.architecture, 12, exact=True)
    worst = shortest_path_lengths(choice.architecture, 12, start="worst")
    assert view.lengths.tolist() == worst.tolist()
    assert view.lengths[view.longest] == max(view.lengths[1:])


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.title)
def test_the_path_is_a_shortest_path_of_the_unfolded_graph(choice):
    graph = look(choice, 12).graph
    for start in range(graph.graph["period"]):
        edges = unfold(graph, start + 12).edges
        for lag in range(13):
            view = look(choice, 12, lag, start)
            assert view.length == view.lengths[lag]
            assert view.length == shortest_path_lengths(graph, lag, start=start)[lag]
            assert all(step in edges for step in pairwise(view.path))
            if view.path:
                assert view.path[0][0] == start
                assert view.path[0][1] in graph.graph["inputs"]
                assert view.path[-1][0] == start + lag
                assert view.path[-1][1] in graph.graph["outputs"]


def test_the_worst_phase_is_the_worst_at_the_lag_picked():
    choice = chosen("clockwork_rnn", periods="1, 2, 4")
    views = [look(choice, 4, lag) for lag in range(1, 5)]
    assert [view.length for view in views] == [3, 4, 5, 6]
    assert [view.length for view in views] == views[0].lengths[1:].tolist()


def test_a_lag_beyond_the_span_is_cut_off_at_it():
    assert look(Choice.of([1, 2, 4]), 4, 9).lag == 4


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.title)
def test_the_code_runs_and_gives_the_numbers(choice):
    view = look(choice, 12, 7)
    *lines, mean, length = view.code.splitlines()
    names = {}
    exec("\n".join(lines), names)
    assert eval(mean, names) == float(view.mrl)
    assert eval(length, names) == view.length
    shown = [float(line.split("# ")[1]) for line in (mean, length)]
    assert shown == pytest.approx([float(view.mrl), view.length], rel=1e-5)


def test_a_graph_of_nodes_that_are_no_literals_is_called_graph():
    node = frozenset("h")
    graph = cyclic_graph([("x", node, 0), (node, node, 1)], inputs=["x"], outputs=[node])
    code = look(Choice.of(graph), 4).code
    assert code.startswith("# graph is the one that explore was called with\n")
    names = {"graph": graph}
    exec(code, names)
    assert eval(code.splitlines()[-2], names) == 3.5


# ---------------------------------------------------------------------- the drawing


def drawn(view, **options):
    return xml.fromstring(drawing.figure(view, **options))


def pieces(figure, role):
    """Return how many lines and arcs of a role a figure has: solid ones, dashed ones."""
    paths = [p for p in figure.iter("path") if p.get("class") == f"drnn-{role}"]
    return tuple(
        sum(p.get("d").count("M") for p in paths if bool(p.get("stroke-dasharray")) is dashed)
        for dashed in (False, True)
    )


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.title)
def test_every_edge_and_node_of_the_unfolded_graph_is_drawn(choice):
    view = look(choice, 12, start=0)
    unfolded = unfold(view.graph, 12)
    figure = drawn(view)
    assert sum(pieces(figure, "edges")) == unfolded.number_of_edges()
    assert sum(pieces(figure, "path")) == max(0, len(view.path) - 1)
    dots = [path.get("d").count("h0") for path in figure.iter("path")]
    assert unfolded.number_of_nodes() in dots


def test_identities_are_dashed_in_the_graph_and_on_the_path():
    view = look(Choice.of(residual_rnn([[1, 2], [4, 8]])), 8, 3)
    both = set(identity_edges(view.graph))
    assert both
    assert pieces(drawn(view), "edges")[1] == sum(9 - lag for _, _, lag in both)
    on_path = sum((u, v, t1 - t0) in both for (t0, u), (t1, v) in pairwise(view.path))
    assert pieces(drawn(view), "path") == (view.length, on_path)
    assert pieces(drawn(look(Choice.of([1, 2]), 8, 3)), "edges")[1] == 0


def test_where_many_edges_lie_close_some_are_drawn_and_the_figure_says_so():
    view = look(Choice.of(NINE), 256)
    figure = drawn(view)
    # every 4th step upwards, and one chain of each dilation
    assert sum(pieces(figure, "edges")) < unfold(view.graph, 256).number_of_edges() / 3
    assert pieces(figure, "path") == (view.length, 0)
    assert "not every edge is drawn: many lie close" in drawing.figure(view)
    assert "not every edge" not in drawing.figure(look(Choice.of([1, 2, 4, 8]), 32))


def test_up_to_the_lag_only_those_steps_are_drawn():
    view = look(Choice.of([1, 2, 4, 8]), 64, 5)
    figure = drawn(view, whole=False)
    assert figure.get("data-steps") == "5"
    assert sum(pieces(figure, "edges")) == unfold(view.graph, 5).number_of_edges()


@pytest.mark.parametrize("choice", [Choice.of([1, 2, 4, 8]), Choice.of([2, 4])], ids=str)
def test_a_pointer_is_told_the_lengths_that_are_drawn(choice):
    view = look(choice, 20)
    told = drawn(view).get("data-lengths").split(" ")
    assert [math.inf if d == "-" else float(d) for d in told] == view.lengths.tolist()


@pytest.mark.parametrize("sheet", [sheet_of(), sheet_of(width=3.25), sheet_of("neurips")], ids=str)
def test_ticks_are_round_numbers_that_stand_where_they_say(sheet):
    view = look(Choice.of(NINE), 256)
    scene = drawing.layout(view, sheet=sheet)
    words = [mark for mark in scene.marks if isinstance(mark, Words)]
    assert {mark.size for mark in words} == {sheet.size}
    left, scale = (float(scene.data[name]) for name in ("origin", "scale"))
    ticks = [mark for mark in words if mark.anchor == "middle" and mark.text.isdigit()]
    assert [tick.text for tick in ticks] == 2 * ["0", "50", "100", "150", "200", "250"]
    for tick in ticks:
        assert tick.at[0] == pytest.approx(left + (int(tick.text) + 0.5) * scale, abs=0.1)
    assert [mark.text for mark in words if mark.text in ["8", "10", "12", "14", "16", "18"]] == [
        "10",
        "12",
        "14",
        "16",
    ]


def test_of_a_graph_that_is_too_large_the_path_is_drawn_alone():
    view = look(chosen("narx_rnn", max_lag=512), 4096, 4000)
    svg = drawing.figure(view)
    assert "edges are too many to draw: this is the path alone" in svg
    assert len(svg) < 100_000
    assert pieces(drawn(view), "path") == (view.length, 0)


def test_names_of_units_cannot_break_the_page():
    graph = cyclic_graph([("x", "<b>&", 0), ("<b>&", "<b>&", 1)], inputs=["x"], outputs=["<b>&"])
    assert "<b>&" in [text.text for text in drawn(look(Choice.of(graph), 3)).iter("text")]


def test_a_lag_that_no_path_reaches_is_said():
    svg = drawing.figure(look(Choice.of([2, 4]), 8, 3))
    assert "no path to lag 3" in svg
    assert drawing.PATH in svg


# ---------------------------------------------------------------------- the better scheme


def test_the_shipped_table_gives_the_better_scheme_and_by_how_much():
    words, scheme = advise(look(Choice.of([1, 3, 9, 27]), 99), known(99, 4))
    assert scheme == (1, 5, 18, 25)
    assert words == (
        "Better with 4 distinct dilations: 1, 5, 18, 25 has a mean of 7.92929 over lags 1..99, "
        "4.7% less (proved best)."
    )


def test_a_search_serves_what_the_table_has_not():
    assert known(20, 2) is None
    best = search(20, 2)
    assert best.mrl == min(compute_mrl((1, s), 20, exact=True) for s in range(2, 21))
    assert best.proved


def test_an_output_of_its_own_is_no_layer():
    assert look(chosen("dilated_rnn", dilations="4 8 16", fusion=True)).layers == 3
    assert look(chosen("clockwork_rnn", periods="1 2 4")).layers == 3


def test_an_architecture_that_no_stack_beats_is_left_alone():
    words, scheme = advise(look(chosen("dilated_cnn", dilations="1 2 4 8"), 8), known(8, 4))
    assert scheme == ()
    assert words == "No stack of 4 distinct dilations is better over lags 1..8 (proved)."


def test_lags_out_of_reach_make_any_scheme_better():
    words, scheme = advise(look(Choice.of([2, 4]), 8), known(8, 2))
    assert scheme == known(8, 2).scheme
    assert "less" not in words


# ---------------------------------------------------------------------- in the background


def until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.02)


def test_only_the_question_asked_last_is_answered():
    told = []
    latest = Latest(operator.add, threading.RLock())
    for number in range(5):
        latest.ask(lambda answer, error: told.append((answer, error)), number, 10)
    until(lambda: told)
    assert told == [(14, "")]
    assert not latest.busy


def test_a_question_that_is_dropped_is_ended_and_never_answered():
    told = []
    latest = Latest(time.sleep, threading.RLock())
    latest.ask(lambda *answer: told.append(answer), 60)
    until(lambda: latest._process is not None)
    process = latest._process
    latest.drop()
    process.wait(30)
    assert process.returncode < 0
    assert told == []


def test_an_answer_that_comes_while_the_page_changes_waits_and_is_dropped():
    told, lock = [], threading.RLock()
    latest = Latest(operator.add, lock)
    latest.ask(lambda *answer: told.append(answer), 1, 2)
    until(lambda: latest._process is not None)
    process = latest._process
    with lock:  # as the panel does while it changes
        process.wait(60)
        time.sleep(0.2)
        latest.drop()
    time.sleep(0.2)
    assert told == []


@pytest.mark.parametrize(
    ("function", "argument", "error"),
    [
        (math.sqrt, -1, r"ValueError: .*"),
        (os._exit, 3, r"the computation was ended from outside"),
    ],
)
def test_what_goes_wrong_is_told_in_words(function, argument, error):
    told = []
    Latest(function, threading.RLock()).ask(lambda *answer: told.append(answer), argument)
    until(lambda: told)
    ((answer, words),) = told
    assert answer is None
    assert re.fullmatch(error, words)


# ---------------------------------------------------------------------- the panel


def headline(explorer):
    return re.sub("<[^>]*>", " ", explorer._headline.value)


def test_a_slider_changes_every_number_on_the_page():
    explorer = explore([1, 2, 4, 8])
    assert "5.625" in headline(explorer)
    explorer.form.children[0].children[1].layers.value = 5
    mean = compute_mrl([1, 2, 4, 8, 16])
    assert explorer.form.children[0].inputs["dilations"].value == "1, 2, 4, 8, 16"
    assert "1..8" in headline(explorer)
    assert f"{compute_mrl([1, 2, 4, 8, 16], 8):.6g}" in headline(explorer)
    explorer._automatic.value = True
    assert "1..16" in headline(explorer)
    assert f"{mean:.6g}" in headline(explorer)
    assert f"{mean:.6g}" in explorer._table.value
    assert "architecture = [1, 2, 4, 8, 16]" in explorer._code.value
    assert explorer.architecture == (1, 2, 4, 8, 16)


def test_the_sliders_follow_what_is_typed_and_change_one_dilation():
    explorer = explore([1, 2, 4, 8])
    box = explorer.form.children[0]
    text, sliders = box.inputs["dilations"], box.children[1]
    text.value = "9, 27, 81"
    assert (sliders.layers.value, sliders.base.value, sliders.lowest.value) == (3, 3, 2)
    sliders.which.value = 3
    assert sliders.value.value == 81
    sliders.value.value = 80
    assert text.value == "9, 27, 80"
    assert explorer.view.choice.code == "[9, 27, 80]"


def test_the_sliders_say_what_they_write():
    box = explore([1, 2, 4, 8]).form.children[0]
    sliders = box.children[1]
    assert "write powers: dilations 1, 2, 4, 8<" in sliders.powers.value
    sliders.base.value = 3
    assert box.inputs["dilations"].value == "1, 3, 9, 27"
    sliders.layers.value = 5
    assert "write powers: dilations 1, 3, 9, .., 81<" in sliders.powers.value
    sliders.which.value = 2
    assert "or change dilation no. 2 alone" in sliders.entry.value


def test_what_is_typed_changes_no_span():
    explorer = explore()
    explorer.form.children[0].inputs["dilations"].value = "1,5,18,25"
    assert explorer.view.span == 256
    assert f" {compute_mrl([1, 5, 18, 25], 256):.6g} " in headline(explorer)
    assert explorer.view.mrl == Fraction(2767, 256)  # 10.81


def test_the_span_is_the_largest_lag_while_that_is_ticked():
    explorer = explore([1, 2, 4, 8])
    assert (explorer.span.value, explorer.span_number.value) == (8, 8)
    explorer._automatic.value = True
    text = explorer.form.children[0].inputs["dilations"]
    text.value = "1, 2, 4, 16"
    assert explorer.view.span == 16
    explorer.span_number.value = 600
    assert (explorer.span.value, explorer._automatic.value) == (600, False)
    assert explorer.view.mrl == compute_mrl([1, 2, 4, 16], 600, exact=True)
    text.value = "1, 3"
    assert explorer.view.span == 600
    explorer._automatic.value = True
    assert (explorer.view.span, explorer.span_number.value, explorer.lag.max) == (3, 3, 3)


def test_another_architecture_is_seen_over_the_same_span():
    explorer = explore([1, 2, 4, 8])
    explorer.family.value = "stacked_rnn"
    assert explorer.view.span == 8
    assert explorer.view.mrl == compute_mrl(stacked_rnn(4), 8)


def test_an_infinite_mean_says_which_lag_is_out_of_reach():
    assert "inf , since no path leads to lag 1, " in headline(explore([2, 4, 8]))


def test_a_pointer_picks_a_lag_and_may_pick_it_again():
    explorer = explore([1, 2, 4, 8])
    for lag in (3, 3, 5):
        explorer._page.picked = lag
        assert explorer.view.lag == lag
        explorer.lag.value = 6
        assert explorer.view.lag == 6


def test_phases_can_be_picked_where_there_are_several():
    explorer = explore(clockwork_rnn([1, 2, 4]), span=4)
    assert explorer.phase.layout.display == "flex"
    explorer.lag.value = 4
    explorer.phase.value = 0
    assert explorer.view.length == 3
    assert "4.5" in headline(explorer)
    explorer.family.value = "dilated_rnn"
    assert explorer.phase.layout.display == "none"
    assert explorer.phase.value == -1


@pytest.mark.parametrize("family", FORMS)
def test_every_family_shows_itself_at_its_defaults(family):
    explorer = explore()
    explorer.family.value = family
    assert explorer.view.choice.family == family
    assert explorer._error.value == ""


def test_bad_input_is_one_line_and_leaves_no_number_behind():
    explorer = explore([1, 2, 4, 8])
    text = explorer.form.children[0].inputs["dilations"]
    text.value = "1, <b>"
    line = re.sub("<[^>]*>", "", explorer._error.value)
    assert line == (
        "dilations must be one or more positive integers, as in 1,2,4,8, got &#x27;&lt;b&gt;&#x27;"
    )
    assert (explorer._headline.value, explorer._code.value, explorer.view) == ("", "", None)
    assert explorer._results.layout.visibility == "hidden"
    assert explorer._table.layout.visibility == "hidden"
    with pytest.raises(ValueError, match=r"^the input must be mended first, got: dilations must"):
        explorer.architecture  # noqa: B018
    explorer._export()
    explorer._use_better()
    text.value = "1, 3, 4, 8"
    assert explorer._error.value == ""
    assert explorer._results.layout.visibility == "visible"
    assert headline(explorer).split("length")[1].startswith("  5.5  = 11/2,")


def test_the_better_scheme_is_taken_over_with_the_span():
    explorer = explore(skip_rnn(99, layers=4))
    assert "1, 5, 18, 25" in explorer._advice.value
    explorer._use.click()
    assert explorer.architecture == (1, 5, 18, 25)
    assert explorer.view.span == 99
    assert explorer._advice.value.endswith("(proved).")
    assert explorer._use.layout.display == "none"


def test_a_search_ends_on_the_page_unless_the_person_has_moved_on():
    explorer = explore([1, 2, 4], span=30)
    assert "Searching" in explorer._advice.value
    explorer.span_number.value = 31
    until(lambda: "Searching" not in explorer._advice.value)
    assert "lags 1..31" in explorer._advice.value
    assert list(explorer._found) == [(31, 3)]
    best = min(compute_mrl((1, a, b), 31) for a in range(2, 31) for b in range(a + 1, 32))
    assert f"{best:.6g}" in explorer._advice.value


def test_a_search_that_nobody_waits_for_writes_nothing():
    explorer = explore([1, 2, 4], span=30)
    until(lambda: explorer._searches._process is not None)
    process = explorer._searches._process
    explorer.span_number.value = 32  # which the shipped table has
    advice = explorer._advice.value
    process.wait(60)
    time.sleep(0.2)
    assert "lags 1..32" in advice
    assert explorer._advice.value == advice
    assert explorer._found == {}


def test_a_table_that_takes_long_comes_later():
    explorer = explore(clockwork_rnn([1, 2, 4, 8, 16]))
    assert explorer._table.value == "Computing the table of measures .."
    until(lambda: "Computing" not in explorer._table.value)
    assert "recurrent depth" in explorer._table.value


def test_a_stack_with_more_layers_than_lags_has_nothing_to_compare_with():
    assert explore([1, 1, 1], span=2)._advice.value == (
        "No stack to compare with: 3 distinct dilations need a span of 3 or more."
    )


def test_it_begins_where_it_is_told_to():
    explorer = explore(clockwork_rnn([1, 2, 4]), span=9, lag=4, start=0, whole=False)
    assert (explorer.view.span, explorer.view.lag, explorer.view.start) == (9, 4, 0)
    assert explorer.view.length == 3
    assert 'data-steps="4"' in explorer._figure.value
    with pytest.raises(ValueError, match=r"^lag must be a non-negative integer, got -1$"):
        explore([1, 2], lag=-1)


def test_the_code_writes_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer = explore([1, 2, 4], span=9)
    explorer.family.value = "clockwork_rnn"
    explorer.phase.value, explorer.lag.value, explorer.drawn.value = 1, 5, False
    explorer._file.value = "it's.svg"
    explorer._page.width = 401
    explorer._save.click()
    shown = (tmp_path / "it's.svg").read_text()
    (tmp_path / "it's.svg").unlink()
    exec(explorer._code.value, {})
    again = (tmp_path / "it's.svg").read_text()

    def shapes(svg):
        return re.findall(r' d="[^"]*"', svg)

    assert shapes(again) == shapes(shown)
    explorer.size.label = "icml, one column"
    assert explorer._code.value.splitlines()[-1] == (
        """shown.save("it's.svg", venue='icml', wide=False)  # the figure"""
    )
    assert 'viewBox="0 0 312 ' in explorer._figure.value  # 3.25 inches


def test_where_no_panel_can_be_shown_the_numbers_stand_as_text():
    bundle, about = explore([1, 2, 4, 8])._repr_mimebundle_()
    assert about == {}
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"].splitlines() == [
        "explore: a panel for notebooks, the last line of a cell shows it. Its numbers:",
        "[1, 2, 4, 8]",
        "mean recurrent length 5.625 = 45/8, lags 1..8, vertical edges counted",
        "Shortest path to lag 7: 7 edges, 3 of them recurrent.",
    ]
    refused = explore([1, 2])
    refused.form.children[0].inputs["dilations"].value = "x"
    assert repr(refused).startswith("explore: the input must be mended first, got: dilations must")


def test_colab_is_told_where_the_scripts_of_the_panel_are(monkeypatch):
    told = []
    module = SimpleNamespace(
        enable_custom_widget_manager=lambda: told.append("enabled"),
        _widgets=SimpleNamespace(_installed_url="manager.js"),
    )
    anywidget._util.enable_custom_widget_manager_once.cache_clear()
    monkeypatch.setitem(sys.modules, "google.colab.output", module)
    _, about = explore([1, 2, 4, 8])._repr_mimebundle_()
    assert told == ["enabled"]
    assert about == {
        "application/vnd.jupyter.widget-view+json": {
            "colab": {"custom_widget_manager": {"url": "manager.js"}}
        }
    }


# ---------------------------------------------------------------------- the figure


@pytest.mark.parametrize("options", [{}, {"width": 4}, {"venue": "neurips"}], ids=str)
def test_what_is_saved_is_what_is_shown_mark_for_mark(options):
    view = look(Choice.of(residual_rnn([[1, 2], [4, 8]])), 40)
    scene = drawing.layout(view, sheet=sheet_of(**options))
    (ax,) = to_figure(scene).axes
    assert ax.get_xlim() == (0, scene.width)
    shapes = sorted([*ax.patches, *ax.lines, *ax.texts], key=lambda a: a.get_zorder())
    kept = [mark for mark in scene.marks if not isinstance(mark, Lines | Dots) or extent(mark)]
    assert len(shapes) == len(kept)
    for shape, mark in zip(shapes, kept, strict=True):
        if isinstance(mark, Words):
            assert (shape.get_text(), shape.get_position()) == (mark.text, mark.at)
            assert shape.get_size() == pytest.approx(mark.size * 0.75)
        elif isinstance(mark, Dots):
            assert shape.get_xydata().tolist() == [list(centre) for centre in mark.centres]
        else:
            points = [list(point) for piece in extent(mark) for point in piece]
            assert shape.get_path().vertices.tolist() == points
            assert (shape.get_linestyle() == "-") is not mark.dashed


def extent(mark):
    return getattr(mark, {Lines: "chains", Dots: "centres"}[type(mark)])


@pytest.mark.parametrize("options", [{}, {"width": 3}, {"venue": "icml", "wide": False}], ids=str)
def test_no_word_of_the_figure_leaves_the_sheet(options):
    long = cyclic_graph(
        [("x", "W" * 60, 0), ("W" * 60, "W" * 60, 1)], inputs=["x"], outputs=["W" * 60]
    )
    for choice in (Choice.of(NINE), chosen("tcn", dilations="1 " * 24), Choice.of(long)):
        scene = drawing.layout(look(choice, 300), sheet=sheet_of(**options))
        figure = to_figure(scene)
        sheet = figure.bbox
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert sheet.x0 <= box.x0, text
            assert box.x1 <= sheet.x1, text
            assert sheet.y0 <= box.y0, text
            assert box.y1 <= sheet.y1, text


def test_saving_says_so_at_once(tmp_path):
    explorer, told = explore([1, 2]), []
    explorer._saved.observe(lambda change: told.append(change["new"]), names="value")
    explorer._file.value = str(tmp_path / "a.png")
    explorer._save.click()
    assert ["writing" in told[0], "wrote" in told[-1]] == [True, True]


def test_the_size_of_a_venue_is_that_of_the_file(tmp_path):
    path = explore([1, 2]).save(str(tmp_path / "a.pdf"), venue="ICML", wide=False)
    text = path.read_bytes()
    width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", text)[1])
    assert width == pytest.approx(3.25 * 72)
    assert b"/Type3" not in text
    for options, message in {
        (("width", 50),): "width must be 2 to 20 inches, got 50",
        (("venue", "icml"), ("width", 3)): "width must be left out with a venue, which has its own",
    }.items():
        with pytest.raises(ValueError, match=f"^{message}"):
            explore([1, 2]).save(str(tmp_path / "b.pdf"), **dict(options))


@pytest.mark.parametrize(
    ("name", "head"), [("a.pdf", b"%PDF"), ("a.PNG", b"\x89PNG"), ("a.svg", b"<?xml")]
)
def test_the_figure_is_written_in_the_format_of_its_name(tmp_path, name, head):
    explorer = explore([1, 2, 4, 8])
    explorer._file.value = str(tmp_path / name)
    explorer._save.click()
    assert f"wrote {tmp_path / name}" in explorer._saved.value
    assert (tmp_path / name).read_bytes().startswith(head)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.gif", "file must be a name that ends in .pdf, .svg, .png, got 'a.gif'"),
        (".pdf", "file must be a name that ends in .pdf, .svg, .png, got '.pdf'"),
        ("no/a.pdf", "file must lie in a folder that exists, got 'no/a.pdf'"),
    ],
)
def test_a_figure_that_cannot_be_written_says_why(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        save_figure(look(Choice.of([1, 2])), name)
    explorer = explore([1, 2])
    explorer._file.value = name
    explorer._save.click()
    assert message.replace("'", "&#x27;") in explorer._saved.value


def test_explore_is_there_by_name():
    assert drnn_theory.explore is explore
