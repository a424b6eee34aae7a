import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from drnn_theory import (
    clockwork_rnn,
    dilated_cnn,
    dilated_rnn,
    figures,
    gradient_profile,
    layers_rnn,
    recommend,
    unfold,
)
from drnn_theory.gradients import unit_dilated_rnn
from drnn_theory.paths.reference import shortest_path

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
