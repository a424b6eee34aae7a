"""What needs a GPU, and that its benchmark runs without one."""

import os
import subprocess
import sys

import pytest
import torch

from drnn_theory import DilatedRNN, GraphRNN, find_leaks, gradient_profile, skip_rnn
from drnn_theory.tables import read_csv

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

MODELS = {
    "RNN": lambda: DilatedRNN(2, 4, [1, 2, 4], init="torch"),
    "GRU": lambda: DilatedRNN(2, 4, [1, 2, 4], cell="GRU", init="torch"),
    "LSTM": lambda: DilatedRNN(2, 4, [4, 8], cell="LSTM", fusion=True, init="torch"),
    "graph": lambda: GraphRNN(skip_rnn(3), 2, 4, init="torch"),
    "torch.nn.GRU in eval mode": lambda: torch.nn.GRU(2, 4, num_layers=2, dropout=0.5).eval(),
}


@needs_cuda
@pytest.mark.parametrize("name", MODELS)
def test_a_profile_on_the_gpu_is_that_on_the_cpu(name):
    torch.manual_seed(0)
    model = MODELS[name]().double()
    here = gradient_profile(model, 30)
    there = gradient_profile(model.cuda(), 30)
    assert there.norms == pytest.approx(here.norms, rel=1e-10)  # float64 sums in another order
    assert find_leaks(model, 30) == []


def test_the_gpu_benchmark_runs_every_check_and_all_agree(tmp_path):
    table = tmp_path / "gpu.csv"
    command = [sys.executable, "-m", "tests.benchmarks.gpu", "--device", "cpu", "--quick"]
    done = subprocess.run(
        [*command, "--output", str(table)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # small sizes: threads would wait for each other
    )
    assert done.returncode == 0, done.stderr + done.stdout
    rows = read_csv(table.read_text()).rows
    assert {row["check"] for row in rows} == {"agreement", "speed", "gradient profile"}
    verdicts = [row["verdict"] for row in rows if row["check"] == "agreement"]
    assert verdicts == ["agrees"] * 19


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_without_a_gpu_the_benchmark_says_so():
    command = [sys.executable, "-m", "tests.benchmarks.gpu"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == "the device must be available, got cuda without a GPU\n"
