"""The committed tables of gradient flow: complete, consistent, and with the targets met."""

import re
from pathlib import Path

import pytest
import torch

from drnn_theory import compute_mrl
from drnn_theory.costs import sequential_steps
from drnn_theory.measured import load_measured
from tests.benchmarks import gradient_speed
from tests.studies import gradient_flow as study


@pytest.mark.parametrize(
    ("module", "target"),
    [("DilatedRNN RNN", 10), ("DilatedRNN GRU", 10), ("DilatedRNN LSTM", 1.3)],
)
def test_the_exact_profile_of_a_dilated_rnn_is_faster_than_torchs_jacobian(module, target):
    (row,) = [
        r
        for r in load_measured("gradient_speed")
        if (r["module"], r["way"]) == (module, "jacobian")
    ]
    assert float(row["ratio"]) >= target
    assert (row["steps"], row["hidden size"]) == (1000, 20)


def milliseconds_of(module):
    rows = [r for r in load_measured("gradient_speed") if r["module"] == module]
    return {row["way"]: row["milliseconds"] for row in rows}


@pytest.mark.parametrize("module", ["torch.nn.GRU", "torch.nn.LSTM"])
def test_the_exact_profile_of_torchs_layers_takes_no_more_than_a_tenth_above_torchs_best(module):
    times = milliseconds_of(module)
    assert len(times) == 5
    assert times["gradient_profile"] <= 1.1 * min(times.values())


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("DilatedRNN RNN", "an 11th (RNN)"),
        ("DilatedRNN GRU", "a 10th (GRU)"),
        ("DilatedRNN LSTM", "0.43 (LSTM)"),
        ("TCN", "1.00 times"),
        ("Transformer", "1.11 times"),
    ],
)
def test_the_readme_says_how_the_profile_is_to_torchs_jacobian(module, told):
    times = milliseconds_of(module)
    ratio = times["gradient_profile"] / times["jacobian"]
    number = float(re.search("[0-9.]+", told)[0])
    assert round(1 / ratio) == number if "th " in told else f"{ratio:.2f}" == f"{number:.2f}"
    readme = " ".join((Path(__file__).parent.parent / "README.md").read_text().split())
    assert told in readme


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # of jacrev, for attention
def test_every_way_of_the_speed_table_gives_the_same_norms():
    torch.manual_seed(0)
    x = torch.randn(30, 1, 1)
    for name, module in gradient_speed.modules(30).items():
        ways = gradient_speed.ways(module, x)
        norms = torch.tensor(ways.pop("gradient_profile")().norms)
        for way, run in ways.items():
            if name.startswith("DilatedRNN") and way in ("vectorized", "jacrev"):
                continue  # which warn of what they lack
            found = run()
            found = found.squeeze(2) if way == "copies" else found.reshape(20, 30).t()
            found = found.norm(dim=1).flip(0)
            # float32: a small norm at a large lag is right to the largest's last digits only
            torch.testing.assert_close(
                norms.float(), found, rtol=1e-3, atol=1e-6, msg=f"{name} {way}"
            )


def test_the_study_covers_60_architectures_of_equal_parameters():
    rows = load_measured("gradient_flow").rows
    names = {row["architecture"] for row in rows}
    assert names == set(study.architectures())
    assert len(names) >= 60
    assert len(rows) == 2 * len(names)
    parameters = [int(row["parameters"]) for row in rows]
    assert max(parameters) <= study.BUDGET
    assert min(parameters) > 0.9 * study.BUDGET  # one unit more would pass the budget
    for row in rows[::10]:
        graph = study.architectures()[row["architecture"]]
        assert float(row["mean recurrent length"]) == pytest.approx(
            compute_mrl(graph, study.SPAN), rel=1e-5
        )


def test_the_correlations_are_those_of_the_study():
    again = study.correlations(load_measured("gradient_flow").rows)
    for one, row in zip(again, load_measured("gradient_flow_correlations"), strict=True):
        other = {key: row[key] for key in one}
        # six digits are committed: ranks may tie that did not
        rank = pytest.approx(other.pop("spearman"), abs=0.01, nan_ok=True)
        assert one.pop("spearman") == rank
        assert one == other


def test_one_row_of_the_study_is_measured_again():
    graph = study.architectures()["1 4 16 64"]
    (row,) = [
        r
        for r in load_measured("gradient_flow")
        if (r["architecture"], r["weights"]) == ("1 4 16 64", "uniform")
    ]
    found = study.reach(study.measure(graph, int(row["hidden size"]), "uniform"))
    for name, value in found.items():
        assert float(row[name]) == pytest.approx(value, rel=1e-4)  # six digits, other machines


def test_the_table_of_starting_dilations_is_complete():
    rows = load_measured("starting_dilation")
    cases = {(r["cell"], r["hidden size"], r["start"], r["fusion"]) for r in rows}
    assert len(cases) == len(rows) == 3 * 2 * 7
    for row in rows:
        assert row["sequential steps"] == sequential_steps(row["dilations"], row["steps"])
        assert float(row["seconds"]) > 0
