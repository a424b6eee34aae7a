"""The figures for a paper: complete, true to their numbers, legible, the same every time."""

import csv
import io
import itertools
import math
import re
import statistics
import xml.etree.ElementTree as ET
from functools import cache, partial
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from scipy.stats import spearmanr

from drnn_theory import (
    FIGURES,
    __version__,
    compute_mrl,
    cyclic_graph,
    shortest_path_lengths,
    write_figures,
)
from drnn_theory.__main__ import main
from drnn_theory.figures.venues import VENUES, venue_style
from drnn_theory.gallery.gradient_flow import NETWORKS, PREDICTORS
from drnn_theory.gallery.speeds import SIDES
from drnn_theory.gallery.unfolded import unfolded_side_by_side
from drnn_theory.latex import as_latex
from drnn_theory.measured import load_measured
from drnn_theory.orders import path_length_orders
from drnn_theory.tables import spoken

mpl.use("agg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    write_figures((), folder, formats=["pdf", "svg", "png"])
    return folder


def test_every_figure_has_its_pictures_its_numbers_and_its_caption(folder):
    for name, figure in FIGURES.items():
        kinds = {"pdf", "svg", "png", "csv", "txt", "tex"}
        assert {path.suffix[1:] for path in folder.glob(f"{name}.*")} == kinds
        assert (folder / f"{name}_table.tex").exists() == (figure.compared is not None)
        caption = (folder / f"{name}.txt").read_text()
        assert caption.count("\n") == 2
        assert caption.splitlines()[1] == figure.alternative_text
        assert f"version {__version__}" in caption.lower()
        with (folder / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(figure.rows) > 0
        assert {"span", "convention", "where"} <= rows[0].keys()
        assert {row["where"] for row in rows} == {spoken(figure.table.where)}


def test_the_figure_for_latex_says_where_its_numbers_come_from_in_a_comment_alone(folder):
    for name, figure in FIGURES.items():
        comment, *lines = (folder / f"{name}.tex").read_text().splitlines()
        assert comment == f"% {spoken(figure.table.where)}"
        assert "\n".join(lines).count(__version__) == 0
        assert lines[-2:] == [
            rf"  \label{{fig:{name}}}",
            rf"\end{{figure{'*' if figure.wide else ''}}}",
        ]
    caption = FIGURES["optimal_schemes"].latex_figure().splitlines()[4]
    assert "linear below 1\\%" in caption
    assert caption.endswith("Lags 1..256, vertical edges counted.}")


def test_the_help_of_figures_lists_figures_and_venues(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["figures", "--help"])
    said = capsys.readouterr().out.split("figures:\n")[1]
    figures, venues = said.split("venues:\n")
    assert re.split(r",\s+", figures.strip()) == list(FIGURES)
    assert re.split(r",\s+", venues.strip()) == list(VENUES)


@pytest.mark.parametrize("venue", ["icml", None])
def test_a_figure_that_one_saves_oneself_has_the_fonts_of_the_venue(venue, tmp_path):
    with mpl.rc_context(mpl.rcParamsDefault):
        figure = FIGURES["clockwork_phases"].draw(venue)
        figure.savefig(tmp_path / "own.pdf")
        assert mpl.rcParams["pdf.fonttype"] == 3  # nothing is set for good
    data = (tmp_path / "own.pdf").read_bytes()
    assert b"/Type3" not in data
    assert (b"STIXGeneral" in data) is (venue == "icml")
    assert (b"DejaVuSans" in data) is (venue is None)


def test_a_second_run_writes_the_same_bytes(folder, tmp_path):
    names = ["zoo", "gradient_law"]
    for path in write_figures(names, tmp_path, formats=["pdf", "svg", "png"]):
        assert path.read_bytes() == (folder / path.name).read_bytes()


MAIN_NUMBERS = {
    "skip_and_dilated": "from time 1 to 12 in 6 edges",
    "stacks": "dilations 1, 2, 4: from time 1 to 11 in 6 edges",
    "path_lengths": "At 64, plain stack, 7 layers: 71;",
    "mrl_against_span": "dilations 1, 2, .., m: 19;",
    "zoo": "DilatedRNN 1..64: 10.02;",
    "clockwork_phases": "worst: 26;",
    "digit_means": "-0.2075",
    "optimal_schemes": "4 layers: 9.477 edges",
    "orders": "Longest paths at 4096, plain RNN: 4097;",
    "gradient_law": "at lag 64",
    "gradient_flow": "mean recurrent length -0.77",
    "speed": "undilated torch.nn: 2.7",
    "starting_dilation": "from 1998 to 252",
    "engines": "networkx (reference) 8.52 s",
    "memory_curves": "1 2 4 8:",
    "memory_and_computing": "1 2 4 8:",
    "memory_bought": "memory within the span (linear), equal parameters: 0.229;",
    "what_decides": "orthogonal matrices, zero biases, N(0, 1) read-out: 99%, 100%;",
    "signal_growth": "2.8e-06 to 7.9e-02 before training",
    "long_delays": "delay 500, dilated 1, 2, .., 256: 99%, 100%, 99%;",
    "pixel_mnist": "in order, dilations 1, 2, .., 256, 10,000 steps: 97.69%",
    "learnability": "torch's matrices, mean recurrent length: -0.275",
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_alternative_text_of_a_figure_says_its_main_number(name):
    text = FIGURES[name].alternative_text
    assert MAIN_NUMBERS[name] in text
    assert text.endswith(".")
    assert not set(text) & set("$\\{}\n")


def test_the_alternative_text_is_made_from_the_numbers():
    figure = FIGURES["zoo"]
    rows = [
        {**row, "mean recurrent length": row["mean recurrent length"] + 1} for row in figure.rows
    ]
    assert "DilatedRNN 1..64: 11.02;" in figure.describe(rows)


def test_a_picture_holds_its_name_and_its_alternative_text(folder):
    svg = ET.parse(folder / "zoo.svg").getroot()
    assert svg.get("role") == "img"
    said = {child.tag.rpartition("}")[2]: child.text for child in svg}
    assert (said["title"], said["desc"]) == ("zoo", FIGURES["zoo"].alternative_text)
    assert FIGURES["zoo"].alternative_text.encode() in (folder / "zoo.png").read_bytes()


def test_the_table_of_a_figure_has_a_caption_and_a_label(folder):
    for name, figure in FIGURES.items():
        if figure.compared is not None:
            comment, *lines = (folder / f"{name}_table.tex").read_text().splitlines()
            assert comment == f"% {spoken(figure.table.where)}"
            assert lines[0].startswith(r"\begin{table")
            assert lines[2].startswith(r"  \caption{")
            assert lines[3] == rf"  \label{{tab:{name}}}"
            assert figure.table_caption
            assert as_latex(figure.table_caption) in lines[2]


OWN = {
    "mine": [1, 5, 18, 25],
    "loop": cyclic_graph(
        [("x", "h", 0), ("h", "h", 1), ("h", "h", 12)], inputs=["x"], outputs=["h"]
    ),
}
COMPARING = [name for name, figure in FIGURES.items() if figure.own is not None]


@pytest.mark.parametrize("only", [False, True])
@pytest.mark.parametrize("name", COMPARING)
def test_a_figure_that_compares_takes_ones_own_architectures(name, only):
    figure = FIGURES[name].of(OWN, span=99, only=only)
    key = next(iter(figure.rows[0]))
    names = list(dict.fromkeys(row[key] for row in figure.rows))
    paper = list(dict.fromkeys(row.get(key) for row in FIGURES[name].rows))
    if name == "optimal_schemes":
        paper = ["optimum", "counting bound"]
    elif only:
        paper = []
    assert set(names) - set(OWN) >= set(paper)
    if only:
        assert set(names) == {*OWN, *paper}
    assert set(names) >= set(OWN)
    (measure,) = {"d(n)", "mean recurrent length", "mean"} & figure.rows[-1].keys()
    for own, a in OWN.items():
        row = [r for r in figure.rows if r[key] == own][-1]
        span = figure.table.about.get("span") or row["span"]
        # the table of optimal schemes has spans of its own
        assert span == 99 or (name == "optimal_schemes" and span > 99)
        mean = compute_mrl(a, span)
        if name == "path_lengths":
            mean = shortest_path_lengths(a, span)[-1]
        assert float(row[measure]) == mean
    drawn = figure.draw("neurips")
    drawn.draw_without_rendering()
    assert "mine" in figure.alternative_text


def test_ones_own_curves_are_drawn_last_and_so_on_top():
    (ax,) = FIGURES["path_lengths"].of(OWN, span=30).draw("neurips").axes
    assert [line.get_label() for line in ax.get_lines()][-2:] == ["mine", "loop"]
    orders = [line.get_zorder() for line in ax.get_lines()]
    assert orders == sorted(orders)


def test_names_are_drawn_as_they_were_typed_whatever_they_hold():
    names = ["_mine", "$x_$", "50% & more"]
    for figure in map(FIGURES.__getitem__, COMPARING):
        drawn = figure.of({name: [1, 2, 3] for name in names}, span=9, only=True).draw()
        drawn.draw_without_rendering()
        drawn.savefig(io.BytesIO(), format="svg")


@pytest.mark.parametrize("name", COMPARING)
def test_long_names_leave_the_axes_their_room(name):
    long = "a name that somebody typed who had a lot to say about an architecture of their own, "
    named = {f"{k} {long * (1 + k % 2)}": [1, k + 2] for k in range(12)}
    with mpl.rc_context(venue_style("icml")):  # fonts are looked up when a figure is drawn
        figure = FIGURES[name].of(named, span=30, only=True).draw("icml")
        figure.draw_without_rendering()
        width, height = figure.get_size_inches()
        used = figure.get_tightbbox()
        rows = [t.get_window_extent() for t in figure.axes[0].get_yticklabels() if t.get_text()]
    assert min(used.x0, used.y0) > -0.02
    assert used.x1 < width + 0.02
    assert used.y1 < height + 0.02
    for ax in figure.axes:
        box = ax.get_window_extent()
        assert box.height > 0.6 * figure.dpi  # inches
        assert box.width > 0.8 * figure.dpi
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(rows))


@pytest.mark.parametrize("count", [3, 8])
def test_unfolded_architectures_of_long_names_have_titles_side_by_side(count):
    words = "architecture of somebody who types long names " * count
    panels = {f"{words}{k}": (1, 2) for k in range(2)}
    with mpl.rc_context(venue_style("neurips")):
        figure = unfolded_side_by_side(panels, name="unfolded", caption="").draw("neurips")
        figure.draw_without_rendering()
        left, right = (ax.title.get_window_extent() for ax in figure.axes)
    assert not left.overlaps(right)
    assert all(ax.get_window_extent().height > 0.4 * figure.dpi for ax in figure.axes)


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_letters_that_the_venues_font_has_not_are_drawn_in_another(kind, tmp_path):
    names = ["Память", "☃ ℝ→∞", "עברית"]  # a glyph that is missing would be an error in tests
    figure = FIGURES["zoo"].of({name: [1, 2] for name in names}, span=9, only=True)
    for path in figure.write(tmp_path, "neurips", [kind])[:1]:
        data = path.read_bytes()
    assert kind != "pdf" or (b"DejaVuSans" in data and b"/Type3" not in data)


def test_the_command_draws_ones_own_architectures(tmp_path, capsys):
    file = tmp_path / "own.toml"
    file.write_text("span = 12\n[architectures]\nmine = [1, 3]")
    out = tmp_path / "out"
    arguments = ["figures", "--schemes", str(file), "--only", "--out", str(out), "--format", "svg"]
    assert main(arguments) == 0
    said = capsys.readouterr().out.splitlines()
    assert {Path(line.removeprefix("wrote ")).stem for line in said[:-1]} == {
        *COMPARING,
        "zoo_table",
    }
    assert said[-1].startswith("left out, since they compare no architectures: skip_and_dilated, ")
    with (out / "zoo.csv").open(newline="") as table:
        assert [row["architecture"] for row in csv.DictReader(table)] == ["mine"]
    assert main(["figures", "engines", "--schemes", str(file), "--out", str(tmp_path / "no")]) == 2
    assert capsys.readouterr().err == (
        "drnn-theory: engines compares no architectures: draw it without any, got ['mine']\n"
    )
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architectures": {}}, "architectures must be a dictionary of one or more names and"),
        ({"only": True}, "only and span must be given with architectures, got none"),
        ({"architectures": {"plain stack": [1, 2]}}, "names in a figure must differ, got 'plain"),
    ],
)
def test_what_cannot_be_drawn_together_is_refused(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        write_figures((), tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


@cache
def drawn_once(name, venue):
    figure = FIGURES[name].draw(venue)
    figure.draw_without_rendering()
    return figure


@pytest.fixture(params=["neurips", "icml", None])
def drawn(request):
    """Draw a figure by its name in the style of a venue, or in matplotlib's own."""
    with mpl.rc_context(venue_style(request.param) if request.param else mpl.rcParamsDefault):
        yield partial(drawn_once, venue=request.param)


@pytest.mark.parametrize("name", FIGURES)
def test_the_ticks_of_edges_lags_and_layers_are_numbers_that_people_read(name, drawn):
    for ax in drawn(name).axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts = [
                tick.label1.get_text()
                for tick in axis.get_major_ticks()
                if tick.label1.get_visible() and low <= tick.get_loc() <= high
            ]
            texts = [text for text in texts if text]
            label = axis.get_label().get_text()
            assert not [t for t in texts if r"\times" in t], texts
            if texts and re.search(r"\((edges|steps)\)|layers \$L", label) and "F(" not in label:
                assert all(re.fullmatch(r"\d+", t) for t in texts), (label, texts)
                assert len(texts) >= 2, (label, texts)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_leaves_the_picture_and_every_axis_has_its_label(name, drawn):
    figure = drawn(name)
    width, height = figure.get_size_inches()
    used = figure.get_tightbbox()
    assert min(used.x0, used.y0) > -0.02  # inches
    assert used.x1 < width + 0.02
    assert used.y1 < height + 0.02
    for ax in figure.axes:
        assert ax.get_xlabel() or not ax.get_subplotspec().is_last_row()
        assert ax.get_ylabel() or ax.get_yticklabels() or ax.get_subplotspec().colspan.start


@pytest.mark.parametrize("name", FIGURES)
def test_no_label_or_title_runs_into_another(name, drawn):
    figure = drawn(name)
    texts = [t for ax in figure.axes for t in (ax.title, ax.xaxis.label, ax.yaxis.label)]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        assert not a.overlaps(b), (one, other)


@pytest.mark.parametrize("name", FIGURES)
def test_no_legend_lies_over_an_axes_or_a_title(name, drawn):
    figure = drawn(name)
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]
    for legend in legends:
        box = legend.get_window_extent()
        for ax in figure.axes:
            inner = ax.get_window_extent()
            assert box.y0 >= inner.y1 - 1 or box.x1 < inner.x0 or box.x0 > inner.x1
            if ax.get_title():
                assert not box.overlaps(ax.title.get_window_extent())


def test_the_exact_means_lie_on_the_closed_forms():
    rows = FIGURES["mrl_against_span"].rows
    assert len(rows) == 5 * 13
    assert all(row["mean recurrent length"] == row["closed form"] for row in rows)


def test_the_zoo_is_sorted_by_the_mean_recurrent_length():
    rows = FIGURES["zoo"].rows
    means = [row["mean recurrent length"] for row in rows]
    assert means == sorted(means)
    (dilated,) = [r for r in rows if r["architecture"] == "DilatedRNN 1..64"]
    assert dilated["exactly"] == compute_mrl([1, 2, 4, 8, 16, 32, 64], 64, exact=True)


def test_the_periodic_part_is_zero_at_powers_of_two_and_negative_between():
    for row in FIGURES["digit_means"].rows:
        if row["lags"] & (row["lags"] - 1) == 0:
            assert row["F"] == pytest.approx(0, abs=1e-12)  # a logarithm in float64
        else:
            assert math.log2(3 / 4) / 2 - 1e-12 <= row["F"] < 0


def test_the_measured_gradients_lie_on_the_law():
    for row in FIGURES["gradient_law"].rows:
        if (row["network"], row["hidden size"]) == ("orthogonal", 256):
            assert row["measured"] == pytest.approx(row["law"], rel=0.05)


@pytest.mark.parametrize("venue", VENUES)
def test_a_picture_has_the_width_of_the_venue(venue):
    figure = FIGURES["clockwork_phases"].draw(venue)
    assert figure.get_size_inches()[0] == venue_style(venue, wide=False)["figure.figsize"][0]
    plt.close(figure)


def test_drawing_changes_no_setting_and_leaves_no_figure_open(tmp_path, caplog):
    plt.close("all")  # what examples elsewhere left open
    before = dict(mpl.rcParams)
    write_figures(["zoo"], tmp_path, venue="colm")  # whose font is Palatino
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], f"name must be one of {', '.join(map(repr, FIGURES))}, got 'nothing'"),
        (["--venue", "vogue"], f"venue must be one of {', '.join(map(repr, VENUES))}, got 'vogue'"),
        (["--format", "gif"], "format must be one of 'pdf', 'svg', 'png', got 'gif'"),
        (["--out", ""], "out must name a folder, got none"),
        (
            ["zoo", "--out", "/dev/null/x"],
            "out must be a folder that can be written, got /dev/null/x: Not a directory",
        ),
    ],
)
def test_a_wrong_wish_is_refused_in_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["figures", *arguments]) == 2
    assert capsys.readouterr().err == f"drnn-theory: {message}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_figure_shows_itself_in_jupyter_once():
    plt.close("all")  # what examples elsewhere left open
    figure = FIGURES["clockwork_phases"].draw()
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert plt.get_fignums() == []  # or Jupyter would show it a second time


def test_writing_figures_leaves_the_backend_as_it_was(tmp_path):
    try:
        plt.switch_backend("svg")
        write_figures(["zoo"], tmp_path)
        assert mpl.get_backend() == "svg"
    finally:
        plt.switch_backend("agg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": "zoo"}, "names must be a list, got 'zoo'"),
        ({"names": 3}, "names must be a list, got 3"),
        ({"formats": "pdf"}, "formats must be a list, got 'pdf'"),
        ({"out": 3}, "out must name a folder, got 3"),
    ],
)
def test_what_is_no_list_or_folder_is_refused(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        write_figures(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_csv_says_each_thing_once_and_writes_numbers(folder):
    header = (folder / "gradient_flow.csv").read_text().splitlines()[0].split(",")
    assert header.count("convention") == header.count("where") == header.count("span") == 1
    with (folder / "optimal_schemes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["optimum"]) for row in rows][:2] == [129.5, 17.0625]


def test_a_drawing_has_no_table():
    message = "path_lengths must be a comparison to have a table, got a drawing"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FIGURES["path_lengths"].latex()


# What stands between a right number and the reader's eye: drawn again from the measured tables.


def test_the_speed_figure_draws_the_time_of_each_side_over_that_of_the_package():
    times = {
        (r["cell"], r["hidden size"], r["steps"], r["side"]): r["milliseconds"]
        for r in load_measured("speed_cpu")
        if (r["mode"], r["threads"]) == ("forward+backward", 1)
    }
    figure = FIGURES["speed"].draw("neurips")
    cases = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    for ax in figure.axes:
        steps = int(ax.get_title().removesuffix(" steps"))
        for line in ax.get_lines()[1:]:  # the first marks 1
            (side,) = (s for s in {k[3] for k in times} if SIDES.get(s, s) == line.get_label())
            for x, y in zip(*line.get_data(), strict=True):
                cell, _, hidden = cases[int(y)].removesuffix(" units").partition(", ")
                case = (cell, int(hidden), steps)
                assert x == times[*case, side] / times[*case, "DilatedRNN"]
    cells = FIGURES["speed"].compared(FIGURES["speed"].rows)[0]
    first = next(r for r in FIGURES["speed"].rows if r["side"] == "undilated")
    ratio = first["milliseconds"] / next(
        r["milliseconds"]
        for r in load_measured("speed_cpu")
        if r["side"] == "DilatedRNN"
        and r["mode"] == first["mode"]
        and all(r[k] == first[k] for k in ("cell", "hidden size", "steps", "threads"))
    )
    assert cells["undilated torch.nn"] == f"{ratio:.2f}"


def test_the_title_of_a_scatter_is_the_rank_correlation_of_the_points_drawn():
    for ax in FIGURES["gradient_flow"].draw("neurips").axes:
        x, y = ([v for line in ax.get_lines() for v in line.get_data()[k]] for k in (0, 1))
        rank = spearmanr(x, y).statistic
        assert re.fullmatch(r"rank correlation \$(-?\d\.\d\d)\$", ax.get_title())
        said = float(ax.get_title().split("$")[1])
        # ranks were computed before the numbers were rounded to six digits
        assert said == pytest.approx(rank, abs=0.01)
        assert abs(rank) > 0.05  # or its sign could not be told


def test_the_law_and_its_measurement_are_drawn_in_one_unit_that_of_the_label():
    table = load_measured("gradient_law")
    for ax, network in zip(FIGURES["gradient_law"].draw("neurips").axes, NETWORKS, strict=True):
        law, *measured = sorted(ax.get_lines(), key=lambda line: line.get_linestyle() == "None")
        rows = [r for r in table if (r["network"], r["hidden size"]) == (network, 256)]
        assert law.get_ydata() == pytest.approx([math.sqrt(r["law"]) for r in rows])
        assert len(measured) == 3
        for line in measured:
            size = int(re.search(r"\d+", line.get_label())[0])
            drawn = {
                r["lag"]: math.sqrt(r["measured"])
                for r in table
                if (r["network"], r["hidden size"]) == (network, size)
            }
            lags, norms = line.get_data()
            assert norms == pytest.approx([drawn[lag] for lag in lags])
    assert r"\sqrt{H}" in FIGURES["gradient_law"].draw("neurips").axes[0].get_ylabel()


def test_the_starting_dilations_and_engines_are_drawn_as_measured():
    axes = FIGURES["starting_dilation"].draw("neurips").axes
    for ax, hidden in zip(axes, (20, 64), strict=False):
        for line, cell in zip(ax.get_lines()[::2], ("RNN", "GRU", "LSTM"), strict=False):
            rows = [
                r
                for r in load_measured("starting_dilation")
                if (r["cell"], r["hidden size"], r["fusion"]) == (cell, hidden, False)
            ]
            assert line.get_xdata().tolist() == [r["start"] for r in rows]
            assert line.get_ydata().tolist() == [r["seconds"] for r in rows]
    for ax, grows in zip(FIGURES["engines"].draw("neurips").axes, ("span", "layers"), strict=True):
        for line in ax.get_lines()[::2]:
            rows = [
                r
                for r in load_measured("engines")
                if (r["grows"], r["engine"]) == (grows, line.get_label())
            ]
            assert list(line.get_xdata()) == [r[grows] for r in rows]
            assert list(line.get_ydata()) == [r["seconds"] for r in rows]


@pytest.mark.parametrize(
    ("name", "panel", "values", "groups"),
    [
        ("engines", "grows", ("span", "layers"), ("engine",)),
        ("starting_dilation", "hidden size", (20, 64), ("fusion", "cell")),
    ],
)
def test_bars_go_from_the_least_to_the_largest_of_the_runs(name, panel, values, groups):
    table = load_measured(name)
    rows = [row | {"low": 0.9 * row["seconds"], "high": 1.2 * row["seconds"]} for row in table]
    figure = plt.figure(figsize=(5.5, 2.6), layout="constrained")
    FIGURES[name].paint(rows, figure)
    for ax, value in zip(figure.axes, values, strict=False):
        drawn = [
            [tuple(end) for end in segment]
            for bars in ax.collections
            for segment in bars.get_segments()
        ]
        own = [row for row in rows if row[panel] == value]
        kinds = dict.fromkeys(tuple(row[g] for g in groups) for row in own)
        if "fusion" in groups:  # cells without it first
            kinds = sorted(kinds, key=lambda kind: kind[0])
        x = "start" if "fusion" in groups else value
        assert drawn == [
            [(row[x], row["low"]), (row[x], row["high"])]
            for kind in kinds
            for row in own
            if tuple(row[g] for g in groups) == kind
        ]
    (legend,) = figure.legends
    plt.close(figure)
    assert "least to largest" in [text.get_text() for text in legend.get_texts()]


def test_the_table_of_correlations_is_that_of_the_measured_table():
    table = FIGURES["gradient_flow"].compared(())
    (row,) = (
        r
        for r in table
        if (r["weights"], r["architectures"], r["reach"]) == ("uniform", "all (77)", "horizon")
    )
    rows = [
        r
        for r in load_measured("gradient_flow_correlations")
        if (r["weights"], r["architectures"], r["reach"]) == ("uniform", "all", "horizon")
    ]
    assert [row[title] for title in PREDICTORS.values()] == [f"{r['spearman']:.3f}" for r in rows]
    assert list(PREDICTORS) == [r["predictor"] for r in rows]


def test_the_curves_and_ranks_of_what_is_recovered_are_those_of_the_study():
    table = load_measured("capacities_curves")
    axes = FIGURES["memory_curves"].draw("neurips").axes
    pairs = [(c, b) for c in ("memory", "fisher") for b in ("parameters", "state")]
    for ax, (curve, budget) in zip(axes, pairs, strict=True):
        for line in ax.get_lines():
            rows = [
                r
                for r in table
                if (r["curve"], r["budget"], r["architecture"]) == (curve, budget, line.get_label())
            ]
            assert line.get_xdata().tolist() == [r["lag"] for r in rows]
            medians = [r["median"] if r["median"] > 0 or curve == "memory" else None for r in rows]
            drawn = [None if math.isnan(y) else y for y in line.get_ydata().tolist()]
            assert drawn == medians
    for ax in FIGURES["memory_bought"].draw("neurips").axes:
        x, y = ([v for line in ax.get_lines() for v in line.get_data()[k]] for k in (0, 1))
        said = float(ax.get_title().split("$")[1])
        # ranks were computed before the numbers were rounded to six digits
        assert said == pytest.approx(spearmanr(x, y).statistic, abs=0.015)
        assert len(x) == 32


def test_the_bars_of_what_is_computed_are_medians_of_the_draws():
    rows = [
        r["information nonlinear"]
        for r in load_measured("capacities")
        if (r["architecture"], r["budget"]) == ("1 2 4 8", "state")
    ]
    bars = FIGURES["memory_and_computing"].draw("neurips").axes[1].containers
    assert [bar.get_label() for bar in bars] == ["degree 1: linear memory", "degrees 2, 3"]
    assert bars[1][1].get_width() == pytest.approx(statistics.median(rows))


def test_the_figure_of_orders_draws_the_table_of_orders():
    table = {row["network"]: row for row in path_length_orders(4096)}
    for ax, measure in zip(
        FIGURES["orders"].draw("neurips").axes,
        ("mean recurrent length", "longest path"),
        strict=True,
    ):
        assert [line.get_label() for line in ax.get_lines()] == list(table)
        for line in ax.get_lines():
            assert line.get_xdata()[-1] == 4096
            last = line.get_ydata()[-1].item()
            assert (None if math.isnan(last) else last) == table[line.get_label()][measure]
