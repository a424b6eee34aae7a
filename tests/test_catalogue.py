import re

import pytest

from drnn_theory import compute_mrl, dilated_rnn, graph_to_json, read_architectures, skip_rnn

GOOD = """
span = 100
[architectures]
mine = [1, 5, 18, 25]
skips = { family = "skip_rnn", skip = 100, layers = 4 }
fused = { family = "dilated_rnn", dilations = [2, 4], fusion = true }
drawn = { edges = [["x", "h", 0], ["h", "h", 1]], inputs = ["x"], outputs = ["h"] }
saved = { json = "graph.json" }
[architectures.phases]
edges = [[[0, "x"], [1, "h"], 1], [[1, "h"], [1, "h"], 2]]
inputs = ["x"]
outputs = ["h"]
period = 2
"""


def written(tmp_path, text):
    path = tmp_path / "named.toml"
    path.write_text(text)
    return path


def test_every_kind_of_entry_is_read(tmp_path):
    (tmp_path / "graph.json").write_text(graph_to_json(dilated_rnn([1, 3])))
    named, span = read_architectures(written(tmp_path, GOOD))
    assert span == 100
    assert list(named) == ["mine", "skips", "fused", "drawn", "saved", "phases"]
    assert named["mine"] == (1, 5, 18, 25)
    assert compute_mrl(named["skips"]) == compute_mrl(skip_rnn(100, 4))
    assert compute_mrl(named["fused"], 8) == compute_mrl(dilated_rnn([2, 4], fusion=True), 8)
    assert compute_mrl(named["drawn"], 8) == compute_mrl([1], 8)
    assert named["phases"].graph["period"] == 2
    assert compute_mrl(named["saved"], 8) == compute_mrl([1, 3], 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", "must be a TOML file, got Invalid value"),
        ("", "[architectures] must name one or more, got None"),
        ("[architectures]", "[architectures] must name one or more, got {}"),
        (
            "spam = 8\n[architectures]\na = [1]",
            "keys must be span, [architectures] or [study], got spam",
        ),
        ("span = 0\n[architectures]\na = [1]", "span must be a positive integer, got 0"),
        ("[architectures]\na = [1, 0]", "architectures.a: dilations must be one or more positive"),
        ("[architectures]\na = 5", "architectures.a: dilations must be one or more positive"),
        (
            "[architectures]\na = {}",
            "architectures.a: a table must have the key family, layers,",
        ),
        (
            '[architectures]\na = {family = "rnn"}',
            "architectures.a: family must be one of 'clockwork_rnn', 'dilated_cnn', ",
        ),
        ('[architectures]\na = {family = ["x"]}', "family must be one of 'clockwork_rnn'"),
        ("[architectures]\na = {json = 3}", "json must name a readable file, got 3"),
        (
            '[architectures]\na = {family = "narx_rnn", max_lag = 100000000000}',
            "a graph of 100000000000 edges or more must fit in half of this machine's memory",
        ),
        ("[architectures]\na = " + "[" * 5000 + "]" * 5000, "must be a TOML file, got"),
        (
            '[architectures]\na = {family = "skip_rnn", lag = 3}',
            "architectures.a: arguments of skip_rnn must be skip, layers, got lag",
        ),
        (
            '[architectures]\na = {family = "skip_rnn", skip = -3}',
            "architectures.a: skip must be a positive integer, got -3",
        ),
        (
            '[architectures]\na = {json = "nowhere.json"}',
            "nowhere.json must be a readable file, got No such file or directory",
        ),
        (
            '[architectures]\na = {edges = [["x", "h", 0]], inputs = ["x"]}',
            "architectures.a: outputs must be given beside edges, got none",
        ),
        (
            '[architectures]\na = {edges = [], inputs = ["x"], outputs = ["x"], lag = 1}',
            "architectures.a: keys must be edges, identities, inputs, outputs, period, got lag",
        ),
        (
            '[architectures]\na = {edges = [["x", "h", -1]], inputs = ["x"], outputs = ["h"]}',
            "architectures.a: lag of edge ('x', 'h') must be a non-negative integer, got -1",
        ),
    ],
)
def test_every_error_names_the_file_and_the_key(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*|must be") as caught:
        read_architectures(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.toml must be a readable file, got No such file"):
        read_architectures(tmp_path / "absent.toml")
