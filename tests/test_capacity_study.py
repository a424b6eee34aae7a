"""The committed tables of capacities: complete, consistent, and true to the program."""

import math
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from drnn_theory import compute_mrl, linear_system, load_measured, memory_capacity, state_size
from tests.studies import capacities as study


def test_the_study_covers_32_stacks_in_two_budgets_and_20_draws():
    rows = load_measured("capacities").rows
    assert len(study.architectures()) == 32
    assert len(rows) == 32 * 2 * 20
    assert {row["architecture"] for row in rows} == set(study.architectures())
    for row in rows:
        spent = {"parameters": row["parameters"], "state": row["state"]}[row["budget"]]
        assert spent <= {"parameters": study.PARAMETERS, "state": study.STATE}[row["budget"]]


def test_one_draw_is_measured_again():
    name, graph = "1 3 9 14", study.architectures()["1 3 9 14"][1]
    size = study.hidden_size(graph, "parameters")
    (row,) = [
        row
        for row in load_measured("capacities")
        if (row["architecture"], row["budget"], row["draw"]) == (name, "parameters", 4)
    ]
    curve = memory_capacity(linear_system(graph, size, gain=study.GAIN, seed=4), study.LAGS)
    assert row["memory in span"] == pytest.approx(curve.values[1 : study.SPAN + 1].sum(), rel=1e-4)
    assert row["mean recurrent length"] == pytest.approx(compute_mrl(graph, study.SPAN), rel=1e-5)
    assert row["state"] == state_size(graph, size)


def test_no_capacity_passes_its_bound():
    for row in load_measured("capacities"):
        assert row["memory in span"] <= row["hidden size"] * 1.001
        assert row["fisher total"] <= row["hidden size"] * 1.001
        assert (
            row["information linear"] + row["information nonlinear"]
            <= 1.05 * row["hidden size"] + 1
        )


def test_the_correlations_are_those_of_the_rows():
    again = study.correlations(load_measured("capacities").rows)
    for one, other in zip(again, load_measured("capacities_correlations"), strict=True):
        assert {k: other[k] for k in one if k != "spearman"} == {
            k: v for k, v in one.items() if k != "spearman"
        }
        assert one["spearman"] == pytest.approx(other["spearman"], abs=0.01, nan_ok=True)


def test_a_partial_correlation_is_free_of_what_is_given():
    generator = np.random.default_rng(0)
    common = generator.standard_normal(400)
    x, y = common + 0.1 * generator.standard_normal(400), common + generator.standard_normal(400)
    assert abs(study.partial(x, y, np.array([common]))) < 0.15
    assert study.partial(x, y, np.array([generator.standard_normal(400)])) > 0.5


def test_a_correlation_within_depth_sees_no_difference_between_depths():
    depth = np.repeat([1.0, 2.0], 4)
    x = np.array([1, 2, 3, 4, 11, 12, 13, 14.0])
    y = np.array([4, 3, 2, 1, 14, 13, 12, 11.0])
    assert study.within_depth(x, y, depth) == pytest.approx(-1)


def test_whole_spectra_are_those_of_the_stacks():
    rows = load_measured("capacities_spectra").rows
    assert {row["architecture"] for row in rows} == set(study.DRAWN)
    for name in study.DRAWN:
        _, graph, layers = study.architectures()[name]
        linear, tanh = (
            [r["exponent"] for r in rows if (r["architecture"], r["units"]) == (name, units)]
            for units in ("linear", "tanh")
        )
        size = study.hidden_size(graph, "state")
        assert len(linear) == len(tanh) == state_size(graph, size)
        assert linear == sorted(linear, reverse=True)
        assert max(tanh) < max(linear) < 0  # a tanh contracts
        if not name.startswith("skip"):  # ln(gain) / s for each of the s values of a unit
            scheme = [1] * layers if name.startswith("plain") else map(int, name.split())
            right = [math.log(study.GAIN) / s for s in scheme for _ in range(s * size)]
            assert linear == pytest.approx(sorted(right, reverse=True), rel=1e-5)


def test_the_larger_size_is_measured_again():
    rows = load_measured("capacities_larger").rows
    assert [row["architecture"] for row in rows] == list(study.architectures())
    assert all(study.PARAMETERS < row["parameters"] <= study.LARGER for row in rows)
    (row,) = [row for row in rows if row["architecture"] == "1 6"]
    again = study.at_larger_size("1 6")
    assert {k: row[k] for k in again} == {
        k: pytest.approx(v, rel=1e-4) if isinstance(v, float) else v for k, v in again.items()
    }


def test_the_growth_curve_meets_its_targets():
    rows = load_measured("capacity_growth").rows
    assert [row["layers"] for row in rows] == list(range(1, 10))
    largest = rows[-1]
    assert (largest["states"], largest["lags"], largest["hidden"]) == (10_220, 1000, 20)
    assert largest["seconds"] < 10
    assert largest["megabytes"] < 500


def test_the_notebook_quotes_the_correlations_that_were_measured():
    path = Path(__file__).parent.parent / "notebooks" / "07_memory_capacities.ipynb"
    text = nbformat.read(path, as_version=4).cells[-1].source
    ranks = {
        (row["result"], row["budget"], row["predictor"]): f"{row['spearman']:.2f}"
        for row in load_measured("capacities_correlations")
        if row["stacks"] == "within depth"
    }
    length, skip = "mean recurrent length", "skip coefficient"
    cases = [
        *[("memory in span", budget, length) for budget in study.BUDGETS],
        *[("memory in span", budget, skip) for budget in study.BUDGETS],
        *[("fisher in span", budget, skip) for budget in study.BUDGETS],
        *[("information linear", budget, length) for budget in study.BUDGETS],
        ("information nonlinear", "parameters", skip),
        ("tanh exponent", "parameters", skip),
        ("tanh exponent", "parameters", length),
    ]
    quoted = re.findall(r"-?\d\.\d\d", text)
    assert quoted == [ranks[case] for case in cases]
