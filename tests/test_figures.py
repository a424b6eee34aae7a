import itertools
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from drnn_theory import (
    LinearSystem,
    MemoryCurve,
    clockwork_rnn,
    dilated_cnn,
    dilated_rnn,
    figures,
    gradient_profile,
    layers_rnn,
    recommend,
    unfold,
)
from drnn_theory.capacities.curves import linear_memory
from drnn_theory.figures.marks import in_lines, legend_above_all, powers_of_two
from drnn_theory.gradients import unit_dilated_rnn
from drnn_theory.paths import shortest_path

mpl.use("agg")


@pytest.fixture
def ax():
    plt.close("all")  # what examples elsewhere left open
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


CALLS = [
    lambda ax: figures.plot_unfolded(dilated_rnn([1, 2]), 5, ax=ax),
    lambda ax: figures.plot_path_lengths({"a": np.array([1.0, np.inf, 2.0])}, ax=ax),
    lambda ax: figures.plot_mrl_against_span({"a": ([1, 2], [3.0, 4.0])}, ax=ax),
    lambda ax: figures.plot_options(recommend(9, parameters=99).options, ax=ax),
    lambda ax: figures.plot_gradient_profiles({"a": (np.arange(3), np.array([1, 0.1, 0]))}, ax=ax),
    lambda ax: figures.plot_memory_capacity({"a": ([0, 1], [1.0, 0.5])}, ax=ax),
    lambda ax: figures.plot_fisher_memory({"a": ([0, 1], [1.0, 0.5])}, ax=ax),
    lambda ax: figures.plot_information_capacity({"a": ([1, 2], [1.0, 0.5])}, ax=ax),
    lambda ax: figures.plot_lyapunov_exponents({"a": [-0.1, -0.5]}, ax=ax),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_plot_draws_on_the_given_axes_labels_them_and_changes_no_style(call, ax):
    before = dict(mpl.rcParams)
    assert call(ax) is ax
    assert ax.get_xlabel()
    assert ax.get_ylabel() or ax.get_yticklabels()
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == [ax.figure.number]


def test_without_axes_the_current_ones_are_taken(ax):
    assert figures.plot_path_lengths({"a": np.array([1.0, 2.0])}) is ax


def test_gaps_are_where_no_path_leads(ax):
    figures.plot_path_lengths({"a": np.array([1.0, np.inf, 2.0])}, ax=ax)
    assert np.isnan(ax.lines[0].get_ydata()).tolist() == [False, True, False]


def test_every_node_and_every_edge_of_the_unfolded_graph_is_drawn(ax):
    figures.plot_unfolded(dilated_cnn([1, 2]), 3, ax=ax)
    segments = ax.collections[0].get_segments()
    # times 0..3: 4 edges of lag 0 and 4 of lag s (those from before time 0 too) in each layer
    assert len(segments) == 16
    points = ax.collections[-1].get_offsets()
    assert len(points) == 12


@pytest.mark.parametrize("graph", [clockwork_rnn([1, 2, 4]), clockwork_rnn([1, 3])])
def test_every_edge_of_a_graph_of_several_phases_is_drawn(graph, ax):
    steps = 9
    figures.plot_unfolded(graph, steps, ax=ax)
    inside = [s for s in ax.collections[0].get_segments() if s[0][0] >= 0]
    assert len(inside) == unfold(graph, steps).number_of_edges()


def test_the_path_is_drawn_from_its_input_to_its_output(ax):
    graph = layers_rnn([[1], [2]])
    path = shortest_path(graph, 3)
    figures.plot_unfolded(graph, 4, path=path, ax=ax)
    highlighted = ax.collections[1].get_segments()
    assert len(highlighted) == len(path) - 1 == 4
    assert highlighted[0][0].tolist() == [0, 0]
    assert highlighted[-1][-1].tolist() == [3, 2]


@pytest.mark.parametrize(
    ("plot", "what"),
    [
        (figures.plot_path_lengths, "lengths"),
        (figures.plot_gradient_profiles, "profiles"),
        (figures.plot_mrl_against_span, "curves"),
        (figures.plot_mrl_against_layers, "curves"),
        (figures.plot_digit_means, "curves"),
        (figures.plot_memory_capacity, "curves"),
        (figures.plot_fisher_memory, "curves"),
        (figures.plot_information_capacity, "capacities"),
        (figures.plot_lyapunov_exponents, "spectra"),
    ],
)
def test_curves_without_names_are_refused(plot, what):
    rule = f"^{what} must map one or more names to what is drawn, got "
    with pytest.raises(TypeError, match=rf"{rule}\[1, 2\]$"):
        plot([1, 2])
    with pytest.raises(ValueError, match=f"{rule}none$"):
        plot({})


def test_a_scheme_is_unfolded_as_its_graph(ax):
    figures.plot_unfolded([1, 2], 4, ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "h1", "h2"]
    with pytest.raises(ValueError, match=r"^steps must be a non-negative integer, got -2$"):
        figures.plot_unfolded([1, 2], -2, ax=ax)


def test_a_gradient_profile_is_drawn_as_it_is(ax):
    profile = gradient_profile(unit_dilated_rnn([1, 2]), 5, inputs=torch.ones(5, 1, 1))
    figures.plot_gradient_profiles({"unit": profile}, ax=ax)
    (line,) = ax.get_lines()
    assert line.get_ydata().tolist() == profile.norms.tolist()


def test_capacities_are_drawn_as_they_are(ax):
    curve = linear_memory(LinearSystem([[0.5]], [1.0]), 3)
    figures.plot_memory_capacity({"leaky": curve}, ax=ax)
    (line,) = ax.get_lines()
    assert line.get_ydata().tolist() == curve.values.tolist()
    assert not ax.collections  # exact, so without a band
    assert ax.get_ylim()[0] == 0


def test_an_estimated_curve_has_a_band_of_two_standard_errors(ax):
    values, error = np.array([0.5, 0.25]), np.array([0.1, 0.05])
    figures.plot_memory_capacity({"a": MemoryCurve(np.arange(2), values, 1.0, error, 9)}, ax=ax)
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(0.7)
    assert heights.min() == pytest.approx(0.15)


def test_a_fisher_memory_of_zero_is_a_gap(ax):
    figures.plot_fisher_memory(
        {"a": (np.arange(3), [1.0, 0.0, 0.5])}, bands={"a": ([0.5, 0, 0.1], [2, 0, 1])}, ax=ax
    )
    assert np.isnan(ax.get_lines()[0].get_ydata()).tolist() == [False, True, False]
    assert ax.get_yscale() == "log"
    assert len(ax.collections) == 1


def test_the_bars_of_an_information_capacity_add_up_by_degree(ax):
    figures.plot_information_capacity({"a": ([1, 2], [3.0, 0.5]), "b": ([1], [2.0])}, ax=ax)
    bars = [(bar.get_x(), bar.get_width(), bar.get_y() + 0.35) for bar in ax.patches]
    np.testing.assert_allclose(bars, [(0, 3, 0), (0, 2, 1), (3, 0.5, 0), (2, 0, 1)], atol=1e-12)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_lyapunov_exponents_are_numbered_from_one(ax):
    figures.plot_lyapunov_exponents({"a": np.array([-0.1, -np.inf])}, ax=ax)
    assert ax.get_lines()[0].get_xdata().tolist() == [1, 2]
    assert np.isnan(ax.get_lines()[0].get_ydata()).tolist() == [False, True]


def lightness(colour):
    """Return CIE L* of a colour, 0 for black and 100 for white: what is left of it in grey."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in mpl.colors.to_rgb(colour)
    )
    shade = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * shade ** (1 / 3) - 16 if shade > 0.008856 else 903.3 * shade


def test_twelve_curves_differ_in_colour_and_in_grey_by_dash_or_by_lightness(ax):
    figures.plot_path_lengths({f"n{k}": np.arange(3.0) + k for k in range(12)}, ax=ax)
    drawn = [(line.get_color(), line._dash_pattern) for line in ax.get_lines()]
    assert len({colour for colour, _ in drawn}) == 12
    for (colour, dash), (other, its) in itertools.combinations(drawn, 2):
        # twice what separates two neighbours in a row of greys that is easily read
        assert str(dash) != str(its) or abs(lightness(colour) - lightness(other)) > 25
    assert all(lightness(colour) < 75 for colour, _ in drawn)  # seen on white


LONG = [
    "a very long name of an architecture, as somebody_typed_it_with_underscores " * 2,
    "x" * 90,
    "costs 5$ and is as long as the page is wide, or a good deal longer than that",
    "short",
]


def inside(figure, boxes):
    width, _ = figure.get_size_inches() * figure.dpi
    return all(box.x0 > -1 and box.x1 < width + 1 for box in boxes)


def letters(text):
    return "".join(text.replace(r"\$", "$").split())


def test_long_names_wrap_in_a_legend_and_stay_in_the_figure():
    figure = plt.figure(figsize=(5.5, 4), layout="constrained")
    one, other = figure.subplots(1, 2)
    curves = {name: np.arange(3.0) + k for k, name in enumerate(LONG)}
    figures.plot_path_lengths(curves, ax=one)
    figures.plot_path_lengths(curves, ax=other)
    legend_above_all(figure, (one, other))
    figure.draw_without_rendering()
    texts = figure.legends[0].get_texts()
    plt.close(figure)
    assert [letters(text.get_text()) for text in texts] == [letters(name) for name in LONG]
    assert [text.get_text().count("\n") > 0 for text in texts] == [True, True, True, False]
    assert inside(figure, [text.get_window_extent() for text in texts])


def test_long_names_wrap_beside_rows_and_stay_in_the_figure():
    figure, ax = plt.subplots(figsize=(5.5, 3), layout="constrained")
    figures.plot_measures({"mean": {name: 1.0 + k for k, name in enumerate(LONG)}}, ax=ax)
    figure.draw_without_rendering()
    ticks = ax.get_yticklabels()
    plt.close(figure)
    assert [letters(tick.get_text()) for tick in ticks] == [letters(name) for name in LONG]
    assert inside(figure, [tick.get_window_extent() for tick in ticks])
    assert ax.get_position().width > 0.4


def test_a_formula_is_not_broken():
    formula = r"lags 1 and $2^{l-1}$ in layer l, and a good many words that follow it"
    assert in_lines(formula, 1, 10) == formula
    assert in_lines(formula.replace("$", ""), 1, 10).count("\n") > 2


def test_a_legend_says_which_curves_coincide(ax):
    same = np.array([1.0, np.nan, 3.0])
    figures.plot_path_lengths({"a": same, "b": same, "_c": same, "d": same + 1}, ax=ax)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["a", "b (same as a)", "_c (same as a)", "d"]


def test_points_between_gaps_are_marked_and_a_curve_without_any_is_named_so(ax):
    gaps = np.array([1.0, np.inf, 3.0, np.inf, 4.0, 5.0])
    figures.plot_path_lengths({"even": gaps, "none": np.full(6, np.inf)}, ax=ax)
    even, none = ax.get_lines()
    assert even.get_marker() == "o"
    assert even.get_markevery() == [0, 2]
    assert none.get_marker() == "None"
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["even", "none (no finite value)"]


def test_a_legend_of_several_axes_says_what_coincides_in_all_of_them():
    figure = plt.figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    one, other = np.arange(3.0), np.arange(3.0) + 1
    figures.plot_path_lengths({"a": one, "b": one, "c": one}, ax=left)
    figures.plot_path_lengths({"a": one, "b": one, "c": other}, ax=right)
    legend_above_all(figure, (left, right))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    plt.close(figure)
    assert texts == ["a", "b (same as a)", "c"]


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1, 2, 4], "log"), ([8.9, 12.1], "linear"), ([0, 64], "linear"), ([5, 40], "log")],
)
def test_an_axis_of_powers_of_two_is_one_only_where_three_of_them_are_seen(values, scale, ax):
    ax.plot(range(len(values)), values)
    powers_of_two(ax, "y")
    ax.figure.draw_without_rendering()
    assert ax.get_yscale() == scale
    low, high = ax.get_ylim()
    ticks = [t.get_text() for t in ax.get_yticklabels()]
    shown = [text for text in ticks if text and low <= float(text) <= high]
    assert len(shown) >= 2
    assert all(re.fullmatch(r"\d+", text) for text in shown)


@pytest.mark.parametrize("norms", [[5.0, 6.5, 8.0], [1e-3, 1.0], [1e-9, 1.0]])
def test_a_logarithmic_axis_writes_no_products(norms, ax):
    figures.plot_gradient_profiles({"a": (np.arange(len(norms)), norms)}, ax=ax)
    ax.figure.draw_without_rendering()
    texts = [t.get_text() for t in [*ax.get_yticklabels(), *ax.get_yticklabels(minor=True)]]
    assert any(texts)
    assert not [text for text in texts if r"\times" in text]
