"""What people type, paste and save: read where it has one meaning, else refused in one line."""

import codecs
import json
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from drnn_theory import (
    compute_mrl,
    cyclic_graph,
    figures,
    graph_from_json,
    graph_to_json,
    read_architectures,
    shortest_path_lengths,
)
from drnn_theory.__main__ import main
from drnn_theory.figures.venues import venue_style
from drnn_theory.reading import read_number, read_scheme, read_text, read_word

BODY = "span = 10\n[architectures]\nmine = [1, 2, 4]\n"
mpl.use("agg")


@pytest.mark.parametrize(
    "words",
    [
        "1,2,4,8",
        "1, 2, 4, 8",
        "[1,2,4,8]",
        "(1, 2, 4, 8)",
        "1 2 4 8",
        "1;2;4;8",
        "1,2,4,8,",
        ["1", "2", "4", "8"],
        ["[1,", "2,", "4,", "8]"],
        ["1,2", "4,8"],
        "1，2，4，8",
        "1、2；4；8",
        "1\t2\n4 8",
        "'1,2,4,8'",
        '"[1, 2, 4, 8]"',
        "'1','2','4','8'",
        "dilations = [1, 2, 4, 8]",
        "np.array([1, 2, 4, 8])",
        "tensor([1, 2,\n        4, 8])",
    ],
)
def test_a_list_is_read_however_it_is_written(words):
    assert read_scheme(words) == (1, 2, 4, 8)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "dilations must be one or more positive integers, as in 1,2,4,8, got ''"),
        ("1,,2", "as in 1,2,4,8, got '1,,2'"),
        ("1,two", "as in 1,2,4,8, got 'two'"),
        ("[[1,2],[4,8]]", "got '[[1,2],[4,8]]': a scheme is one list"),
        ("range(4)", "got 'range(4)': a scheme is one list"),
        ("1..8", "as in 1,2,4,8, got '1..8'"),
        ("1/2", "as in 1,2,4,8, got '1/2'"),
        ("1,0", "dilations must be one or more positive integers, got [1, 0]: 0 is not positive"),
        ("1,2.5", "2.5 is not an integer"),
    ],
)
def test_a_list_without_one_meaning_is_refused(words, problem):
    with pytest.raises(
        ValueError, match="dilations must be one or more positive integers"
    ) as error:
        read_scheme(words)
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50k", 50_000),
        ("50K", 50_000),
        ("2M", 2_000_000),
        ("1.5k", 1500),
        (" 7 ", 7),
        ("1e3", 1000),
    ],
)
def test_numbers_are_read_with_their_factors(text, number):
    assert read_number(text) == number


def test_text_that_is_no_number_is_left_for_the_doors():
    assert [read_number(text) for text in ("k", "", "1kk", "..", "nan")] == [
        "k", "", "1kk", "..", "nan",
    ]  # fmt: skip


def test_words_are_read_in_any_case_without_year_or_marks():
    assert read_word("NeurIPS", "venue", ["neurips", "icml"]) == "neurips"
    assert read_word("icml2024", "venue", ["neurips", "icml"]) == "icml"
    assert read_word("copy-memory", "task", ["copy_memory"]) == "copy_memory"
    assert venue_style("NeurIPS")["figure.figsize"][0] == 5.5
    with pytest.raises(ValueError, match="venue must be one of 'neurips', 'icml', got 'nips'"):
        read_word("nips", "venue", ["neurips", "icml"])


@pytest.mark.parametrize(
    "data",
    [
        BODY.encode(),
        codecs.BOM_UTF8 + BODY.encode(),
        codecs.BOM_UTF16_LE + BODY.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + BODY.encode("utf-16-be"),
        BODY.replace("\n", "\r\n").encode(),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16 le", "utf-16 be", "windows lines"],
)
def test_files_are_read_as_editors_write_them(tmp_path, data):
    (tmp_path / "named.toml").write_bytes(data)
    assert read_architectures(tmp_path / "named.toml") == ({"mine": (1, 2, 4)}, 10)


def test_a_file_takes_text_for_a_scheme_and_for_the_span(tmp_path):
    (tmp_path / "named.toml").write_text('span = "1k"\n[architectures]\nmine = "[1, 2, 4]"\n')
    assert read_architectures(tmp_path / "named.toml") == ({"mine": (1, 2, 4)}, 1000)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("'1,x'", "dilations must be one or more positive integers, as in 1,2,4,8, got 'x'"),
        (
            "[1, '2']",
            "positive integers, got [1, '2']: '2' is no number\n",
        ),
        ("true", "dilations must be one or more positive integers, got True\n"),
        (
            "{ dilations = [1, 2] }",
            "must have the key family, layers, edges or json, got dilations\n",
        ),
        (
            "{ edges = [['x', 'h']], inputs = ['x'], outputs = ['h'] }",
            "edges must be triples (from, to, lag), got ['x', 'h']",
        ),
        (
            "{ edges = [['x', 'h', '1']], inputs = ['x'], outputs = ['h'] }",
            "lag of edge ('x', 'h') must be a non-negative integer, got '1'\n",
        ),
        (
            "{ edges = [['x', 'h', 1]], inputs = 'x', outputs = ['h'] }",
            "inputs must be a list of units, got 'x'\n",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_without_types_of_python(entry, problem, tmp_path, capsys):
    (tmp_path / "named.toml").write_text(f"[architectures]\nmine = {entry}\n")
    assert main(["compare", str(tmp_path / "named.toml")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"drnn-theory: {tmp_path}/named.toml: architectures.mine: ")
    assert problem in said
    for kind in ("str", "bool", "dict", "tuple", "iterable"):
        assert kind not in said


def test_a_graph_with_a_byte_order_mark_is_read(tmp_path):
    graph = cyclic_graph([("x", "h", 0), ("h", "h", 3)], inputs=["x"], outputs=["h"])
    (tmp_path / "g.json").write_bytes(codecs.BOM_UTF8 + graph_to_json(graph).encode())
    (tmp_path / "named.toml").write_text('[architectures]\nsaved = { json = "g.json" }\n')
    named, _ = read_architectures(tmp_path / "named.toml")
    assert nx.utils.graphs_equal(named["saved"], graph)


def test_another_encoding_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "latin.toml").write_bytes("größe = 1".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.toml must be text in UTF-8, got another"):
        read_text(tmp_path / "latin.toml")
    with pytest.raises(ValueError, match="must be a readable file, got No such file"):
        read_text(tmp_path / "none.toml")


def test_the_command_line_reads_them_all(capsys):
    for words in (["[1,2,4,8]"], ["1", "2", "4", "8"], ["1,2,4,8"]):
        assert main(["mrl", *words]) == 0
        assert capsys.readouterr().out.endswith("lags 1..8: 5.625 = 45/8\n")
    assert main(["mrl", "1,2,4,8", "--span", "1k"]) == 0
    assert "lags 1..1000: " in capsys.readouterr().out
    assert main(["mrl", "1,2,4,8", "--span", "1,000"]) == 2
    assert capsys.readouterr().err == (
        "drnn-theory: --span must be a number, as 784 or 50k, got '1,000'\n"
    )


@pytest.mark.parametrize(
    ("scheme", "why"),
    [
        ("2,4,8", "All dilations are multiples of 2: no path reaches another lag."),
        ("3,5", "No path reaches lag 1 with dilations of 3 or more."),
    ],
)
def test_mrl_says_why_it_is_infinite(capsys, scheme, why):
    assert main(["mrl", scheme]) == 0
    assert capsys.readouterr().out.splitlines()[1] == why


def test_design_refuses_a_cell_that_it_would_ignore(capsys):
    assert main(["design", "--span", "20", "--layers", "2", "--cell", "GRU"]) == 2
    assert "cell must be given with a budget, got GRU without one" in capsys.readouterr().err
    assert main(["design", "--span", "20", "--parameters", "50K", "--cell", "gru"]) == 0


def test_a_closed_pipe_is_no_bad_input():
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "drnn_theory", "mrl", "1,2,4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


def test_a_data_frame_is_no_scheme():
    with pytest.raises(TypeError, match="dilations must be one or more positive integers, got"):
        compute_mrl(pd.DataFrame({1: [7], 2: [7], 4: [7]}))


def test_numpy_nodes_are_written_as_numbers():
    graph = cyclic_graph(np.array([[0, 1, 0], [1, 1, 1]]), inputs=[0], outputs=[1])
    written = json.loads(graph_to_json(graph))
    assert [node["id"] for node in written["nodes"]] == [0, 1]
    assert compute_mrl(graph_from_json(graph_to_json(graph)), 4) == compute_mrl(graph, 4)


@pytest.mark.parametrize("key", ["links", "edges"])
def test_a_graph_that_networkx_wrote_is_read_an_older_one_too(key):
    graph = cyclic_graph([("x", "h", 0), ("h", "h", 3)], inputs=["x"], outputs=["h"])
    text = json.dumps(nx.node_link_data(graph, edges=key))
    assert key in json.loads(text)
    assert nx.utils.graphs_equal(graph_from_json(text), graph)
    bare = json.dumps(nx.node_link_data(nx.MultiDiGraph(graph.edges), edges=key))
    with pytest.raises(
        ValueError, match=r"^inputs of a JSON graph must be a list in its graph, got"
    ):
        graph_from_json(bare)


def test_a_graph_of_another_tool_is_refused_by_what_it_has():
    graph = nx.DiGraph()
    graph.add_edge("x", "h", weight=0)
    message = r"lag of edge \('x', 'h'\) must be given as the attribute lag, got weight"
    with pytest.raises(ValueError, match=message):
        cyclic_graph(graph, inputs=["x"], outputs=["h"])


@pytest.mark.parametrize("ends", [("source", "target"), ("from", "to"), ("u", "v")])
def test_a_frame_of_edges_is_read_by_its_columns(ends):
    rows = [("x", "h", 0), ("h", "h", 3)]
    frame = pd.DataFrame(rows, columns=[*ends, "lag"])[["lag", *reversed(ends)]]
    graph = cyclic_graph(frame.assign(note="typed"), inputs=["x"], outputs=["h"])
    assert nx.utils.graphs_equal(graph, cyclic_graph(rows, inputs=["x"], outputs=["h"]))
    message = r"a frame of them must have source, target and lag, got a, b, weight$"
    with pytest.raises(ValueError, match=message):
        cyclic_graph(pd.DataFrame(rows, columns=["a", "b", "weight"]), inputs=["x"], outputs=["h"])


def test_a_lag_into_the_past_is_refused_with_the_way_out():
    edges = [("x", "h", -1), ("x", "h", 0), ("x", "h", 1)]
    with pytest.raises(ValueError, match="got -1: graphs are causal; where an output sees k later"):
        cyclic_graph(edges, inputs=["x"], outputs=["h"])


@pytest.mark.parametrize("name", ["_mine", "$x_$", "50% & more_#", "$n$ and 5$", "naïve Übung"])
def test_names_stand_in_a_legend_as_they_were_typed(tmp_path, name):
    lengths = shortest_path_lengths([1, 2, 4], 16)
    _, ax = plt.subplots()
    figures.plot_path_lengths({name: lengths, "other": lengths + 1}, ax=ax)
    ax.figure.savefig(tmp_path / "legend.pdf")
    plt.close(ax.figure)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [name, "other"]


def test_the_style_of_a_venue_embeds_fonts_that_print_takes(tmp_path):
    with mpl.rc_context(venue_style("icml", wide=False)):
        figure, ax = plt.subplots()
        ax.set_xlabel("lag $n$")
        figure.savefig(tmp_path / "a.pdf")
    plt.close(figure)
    data = (tmp_path / "a.pdf").read_bytes()
    assert b"/Type3" not in data
    assert b"/CIDFontType2" in data


def test_explore_in_a_script_runs_the_script_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nprint('ran', flush=True)\nfrom drnn_theory import explore\n"
        "panel = explore([1, 2, 4], span=30)\ndeadline = time.monotonic() + 60\n"
        "while panel._searches.busy and time.monotonic() < deadline:\n    time.sleep(0.1)\n"
        "assert panel._found, panel._advice.value\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120
    )
    assert (done.stdout.split(), done.stderr) == (["ran"], "")
