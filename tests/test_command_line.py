"""The command line as a person uses it: what it prints, its exit codes, its one-line refusals."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import drnn_theory
from drnn_theory import optimal_dilations, theorems
from drnn_theory.__main__ import main


def run(capsys, *arguments):
    code = main(arguments)
    return code, *capsys.readouterr()


def test_mrl_prints_the_mean_its_span_and_the_fraction(capsys):
    code, out, _ = run(capsys, "mrl", "1,2,4,8")
    assert (code, out) == (0, "mean recurrent length over lags 1..8: 5.625 = 45/8\n")


def test_an_integral_float_is_a_number_here_too(capsys):
    out = run(capsys, "mrl", "8.0,1", "--span", "8e0")[1]
    assert out.startswith("mean recurrent length over lags 1..8: ")


def test_mrl_prints_json_with_infinity_as_a_string(capsys):
    _, out, _ = run(capsys, "mrl", "2,4", "--span", "100", "--json")
    assert json.loads(out) == {
        "dilations": [2, 4],
        "span": 100,
        "convention": "lags 1..span, vertical edges counted",
        "mean recurrent length": "inf",
        "exactly": "inf",
        "where": {"version": drnn_theory.__version__},
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mrl", "1,x"], "as in 1,2,4,8, got 'x'"),
        (["mrl", ""], "as in 1,2,4,8, got ''"),
        (["mrl", "1,,2"], "as in 1,2,4,8, got '1,,2'"),
        (["mrl", "0"], "0 is not positive"),
        (["mrl", "1,2.5"], "2.5 is not an integer"),
        (["mrl", "1,2", "--span", "0"], "span must be a positive integer, got 0"),
        (["mrl", "1,2", "--span", "many"], "--span must be a number, as 784 or 50k, got 'many'"),
        (["mrl", "1,999999999999,1000000000000", "--span", "1" + 15 * "0"], "GiB"),
        (["compare", "absent.toml"], "absent.toml must be a readable file"),
        (["design", "--span", "0"], "span must be a positive integer, got 0"),
        (["design", "--span", "8", "--layers", "9"], "layers must be at most 8"),
        (
            ["design", "--span", "8", "--parameters", "x"],
            "--parameters must be a number, as 784 or 50k, got 'x'",
        ),
        (
            ["design", "--span", "8", "--parameters", "5k", "--kernel-size", "3"],
            "--kernel-size must be given with --cell TCN, got GRU",
        ),
        (["design", "--span", "8", "--input-size", "3"], "--input-size must be given with a"),
        (["design", "--span", "8", "--parameters", "2"], "parameters must be at least"),
        (["design", "--span", "8", "--state", "9", "--layers", "2"], "layers must not be given"),
        (
            ["design", "--span", "8", "--state", "9", "--lags-per-layer", "2"],
            "--lags-per-layer must not be given with a budget",
        ),
        (
            ["design", "--span", "8", "--layers", "3", "--lags-per-layer", "3"],
            "layers * lags_per_layer must be at most 8",
        ),
        (["design", "--span", "8", "--state", "9", "--cell", "X"], "'LSTM', 'TCN', got 'X'"),
        (["report", "--scheme", "1,-2"], "-2 is not positive"),
        (["report", "--schemes", "absent.toml"], "absent.toml must be a readable file"),
        (
            ["report", "--quick", "--out", "/dev/null/here"],
            "out must be a folder that can be written, got /dev/null/here: Not a directory",
        ),
        (["report", "--out", ""], "out must name a folder, got none"),
        (["report", "--scheme", "1,2", "--scheme", "1,2"], "must differ, got '1,2' twice"),
        (["mrl", "-1,2"], "got [-1, 2]: -1 is not positive"),
        (["mrl", "1,2", "--span", "1" + 400 * "0"], "a mean must be below 2**1024"),
    ],
)
def test_bad_input_exits_2_with_one_line_on_stderr(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("drnn-theory: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["mrl"], ["spam"], ["mrl", "1", "--spam"]])
def test_a_command_line_that_cannot_be_read_exits_2_with_one_line(capsys, arguments):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_compare_prints_the_columns_named_as_text_json_or_latex(capsys, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[architectures]\nx_1 = [1, 2, 4]\n")
    chosen = ["compare", str(file), "--columns", "Longest path, at lag"]
    assert re.match(r"architecture +longest path +at lag\n", run(capsys, *chosen)[1])
    (row,) = json.loads(run(capsys, *chosen, "--json")[1])["rows"]
    assert row == {"architecture": "x_1", "longest path": 5, "at lag": 3}
    assert r"x\_1         &            5 &      3 \\" in run(capsys, *chosen, "--latex")[1]
    code, _, err = run(capsys, *chosen[:-1], "nothing")
    assert code == 2
    assert err.startswith("drnn-theory: column must be one of 'span', 'mean recurrent length', ")
    assert err.endswith(", got 'nothing'\n")


def test_compare_prints_the_table_of_a_toml_file(capsys, tmp_path):
    file = tmp_path / "named.toml"
    file.write_text("span = 99\n[architectures]\nbest = [1, 5, 18, 25]\npowers = [1, 2, 4, 8]\n")
    code, out, _ = run(capsys, "compare", str(file))
    assert code == 0
    assert "Lags 1..99, vertical edges counted." in out
    assert "785/99" in out
    _, out, _ = run(capsys, "compare", str(file), "--span", "8", "--json")
    assert [row["exactly"] for row in json.loads(out)["rows"]][1] == "45/8"


def test_design_prints_the_optimum_and_what_is_proved(capsys):
    code, out, _ = run(capsys, "design", "--span", "99", "--layers", "4")
    assert code == 0
    assert "1, 5, 18, 25" in out
    assert "1, 5, 18, 29" in out
    assert "proved (branch and bound)" in out
    _, out, _ = run(capsys, "design", "--span", "27", "--layers", "4", "--chains", "--json")
    assert json.loads(out)["schemes"] == [
        list(scheme) for scheme in optimal_dilations(27, 4, within="divisor_chains").schemes
    ]


def test_design_takes_several_lags_per_layer(capsys):
    arguments = ("design", "--span", "99", "--layers", "2", "--lags-per-layer", "2", "--json")
    _, out, _ = run(capsys, *arguments)
    assert json.loads(out)["mean recurrent length"] == "587/99"


def test_design_within_a_budget_recommends_width_and_depth(capsys):
    code, out, _ = run(capsys, "design", "--span", "64", "--parameters", "5k", "--json")
    assert code == 0
    options = json.loads(out)["options"]
    assert json.loads(out)["span"] == 64
    assert all(option["parameters"] <= 5000 for option in options)


def test_verify_exits_1_if_a_theorem_fails(capsys, monkeypatch):
    few = list(theorems.THEOREMS.values())[4:6]
    check = theorems.verify
    monkeypatch.setattr(theorems, "verify", lambda progress: check(few))
    code, out, _ = run(capsys, "verify")
    assert code == 0
    assert "2 theorems, all pass" in out
    wrong = replace(few[0], closed_form=few[0].closed_form + 1)
    monkeypatch.setattr(theorems, "verify", lambda progress: check((wrong, few[1])))
    code, out, _ = run(capsys, "verify", "--json")
    assert code == 1
    assert [row["passed"] for row in json.loads(out)["theorems"]] == [False, True]


def test_the_command_is_installed():
    command = shutil.which("drnn-theory", path=str(sys.prefix) + "/bin")
    done = subprocess.run([command, "mrl", "1,2"], capture_output=True, text=True, check=True)
    assert done.stdout == "mean recurrent length over lags 1..2: 3\n"


SHORT = ["--hidden", "4", "--steps", "20", "--batch", "8"]


def test_train_draws_its_curve_in_the_terminal_and_in_a_file(capsys, tmp_path):
    out = tmp_path / "curve.svg"
    words = ["train", "1,2,4", "--task", "recall", "--lag", "5", *SHORT, "--out", str(out)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("recall(5): accuracy of training by step\n")
    assert "step 20: test loss " in printed
    assert "(chance 2.079), test accuracy" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 80
    assert "step of training" in out.read_text()


def test_train_takes_words_in_any_case_and_a_scheme_in_several(capsys):
    words = ["train", "1", "2", "--task", "Copy-Memory", "--delay", "3", *SHORT, "--json"]
    assert main([*words, "--cell", "gru", "--optimizer", "Adam", "--init", "Glorot"]) == 0
    assert json.loads(capsys.readouterr().out)["task"] == "copy_memory(3)"


def test_train_prints_json_and_takes_up_a_checkpoint(capsys, tmp_path):
    words = ["train", "1,2", "--task", "adding", "--length", "6", *SHORT, "--json"]
    words += ["--checkpoint", str(tmp_path / "run.pt"), "--init", "glorot", "--readout", "torch"]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["task"] == "adding(6)"
    assert first["final"]["step"] == 20
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == first


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--task", "copy"], "task must be one of 'adding', 'characters', 'copy_memory'"),
        (["--task", "recall"], "recall must be given --lag, got none"),
        (["--task", "recall", "--lag", "x"], "--lag must be a number, as 784 or 50k, got 'x'"),
        (["--task", "recall", "--delay", "3"], "recall must be given --lag, got --delay"),
        (["--task", "pixel digits", "--lag", "3"], "must be given no option of another task"),
        (["--task", "recall", "--lag", "3", "--cell", "grus"], "cell must be one of 'RNN', 'GRU'"),
        (["--task", "recall", "--lag", "3", "--steps", "0"], "steps must be a positive integer"),
        (
            ["--task", "recall", "--lag", "3", "--out", "x.doc"],
            "the end of out must be one of",
        ),
        (
            ["--task", "recall", "--lag", "3", "--out", "no/x.pdf"],
            "out must lie in a folder that",
        ),
        (["--task", "recall", "--lag", "3", "--init", "he"], "init must be one of"),
        (["--task", "pixel_mnist", "--folder", "no"], "folder must hold train-images-idx3-ubyte"),
    ],
)
def test_train_refuses_in_one_line(capsys, words, problem):
    assert main(["train", "1,2", *SHORT, *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert problem in printed.err


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"drnn-theory {drnn_theory.__version__}\n"
