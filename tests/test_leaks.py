"""Gradients from the future, as a causal model has none."""

import re
import sys
from pathlib import Path

import pytest
import torch

import drnn_theory
from drnn_theory import DilatedRNN, GraphRNN, find_leaks, gradient_profile, skip_rnn
from tests.test_gradients import TCN, build


class BlocksForPhases(torch.nn.Module):
    """The mistake seen in the wild: a layer of dilation s folded as s blocks of time, not phases.

    Step t then follows step t - T / s in another block: an output depends on inputs after it.
    """

    input_size = 1

    def __init__(self, dilation):
        super().__init__()
        self.layer = torch.nn.RNN(1, 3)
        self.dilation = dilation

    def forward(self, x):
        blocks = x.unflatten(0, (self.dilation, -1)).transpose(0, 1)  # (T/s, s, B, F)
        output, _ = self.layer(blocks.transpose(0, 1).flatten(1, 2))
        return output.unflatten(1, (len(x) // self.dilation, -1)).transpose(0, 1).flatten(0, 1)


class Shifted(torch.nn.Module):
    """The output reads the input of some steps later, by a small weight."""

    input_size = 2

    def __init__(self, steps, weight=1.0):
        super().__init__()
        self.steps, self.weight = steps, weight

    def forward(self, x):
        later = torch.nn.functional.pad(x[self.steps :], (0, 0, 0, 0, 0, self.steps))
        return x + self.weight * later


class ByFourier(torch.nn.Module):
    """A causal convolution over all steps, done by Fourier transforms: rounding goes everywhere."""

    input_size = 2

    def forward(self, x):
        kernel = torch.linspace(1, 0.1, len(x), dtype=x.dtype).view(-1, 1, 1)
        size = 2 * len(x)
        product = torch.fft.rfft(x, size, dim=0) * torch.fft.rfft(kernel, size, dim=0)
        return torch.fft.irfft(product, size, dim=0)[: len(x)]


CAUSAL = {
    "GRU": lambda: torch.nn.GRU(2, 3, num_layers=2),
    "dilated": lambda: DilatedRNN(2, 3, [1, 2, 4], cell="LSTM", fusion=True),
    "graph": lambda: GraphRNN(skip_rnn(3), 2, 3),
    "convolutions": TCN,
    "attention": lambda: build("attention", torch.float32),
    "Fourier": ByFourier,
}


@pytest.mark.parametrize("name", CAUSAL)
def test_a_causal_model_has_no_leak(name):
    torch.manual_seed(0)
    assert find_leaks(CAUSAL[name](), 24) == []


def test_rounding_by_fourier_transforms_is_there_but_is_no_leak():
    x = torch.randn(24, 1, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(ByFourier()(x)[3].sum(), x)
    assert gradient[4:].abs().max() > 0


def test_a_shift_is_found_at_every_output_and_where_it_is():
    leaks = find_leaks(Shifted(3, 0.25), 8)
    assert [(leak.output_time, leak.input_time) for leak in leaks] == [
        (time, time + 3) for time in range(5)
    ]
    assert leaks[0].size == pytest.approx(0.25, abs=0.2)  # one random cotangent sees both
    assert str(find_leaks(Shifted(1), 2)[0]) == (
        "the output at time 0 depends on the input at time 1: its gradient is 1 of its largest"
    )


def test_a_small_leak_is_found_and_a_smaller_one_is_rounding():
    assert len(find_leaks(Shifted(1, 1e-3), 4)) == 3
    assert len(find_leaks(Shifted(1, 1e-6), 4)) == 3  # measured in float64, whatever x is
    assert find_leaks(Shifted(1, 1e-14), 4) == []  # 1000 * 2.2e-16 is the least
    assert find_leaks(Shifted(1, 1e-6), 4, dtype=torch.float32) == []  # 1000 * 1.2e-7


def test_blocks_taken_for_phases_are_found():
    torch.manual_seed(0)
    leaks = find_leaks(BlocksForPhases(4), 16)
    assert leaks
    assert all(leak.input_time > leak.output_time for leak in leaks)
    assert find_leaks(BlocksForPhases(1), 16) == []


def test_attention_without_its_mask_is_found():
    encoder = build("attention", torch.float32)
    leaks = find_leaks(
        encoder,
        6,
        call=lambda module, x: module.encoder(module.enter(x.transpose(0, 1))).transpose(0, 1),
    )
    assert [leak.output_time for leak in leaks] == [0, 1, 2, 3, 4]


def test_a_profile_of_the_last_output_cannot_show_a_leak():
    assert gradient_profile(Shifted(3), 8).norms.tolist()[1:] == [0.0] * 7


def test_long_sequences_are_looked_at_from_end_to_end():
    leaks = find_leaks(Shifted(1), 1000)
    assert len(leaks) == 63  # of 64 outputs the last has no future
    assert leaks[0].output_time == 0
    assert leaks[-1].output_time > 900
    chosen = find_leaks(Shifted(1), 1000, output_times=[500, 7])
    assert [leak.output_time for leak in chosen] == [7, 500]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([], "output_times must be one or more times below 8, got []"),
        ([3, 8], "output_times must be one or more times below 8, got [3, 8]"),
        ([-1], "output time must be a non-negative integer, got -1"),
    ],
)
def test_wrong_output_times_are_refused(times, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        find_leaks(Shifted(1), 8, output_times=times)


def files_run(function, *arguments):
    """Return the files of the package, but checks.py, in which functions run during a call."""
    package = Path(drnn_theory.__file__).parent
    files = set()

    def note(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(package):
            files.add(path.relative_to(package).as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return files - {"checks.py"}  # it sees numbers alone


@pytest.mark.parametrize(
    "build",
    [
        lambda: torch.nn.GRU(2, 3),
        lambda: torch.nn.LSTM(2, 3, batch_first=True, bidirectional=True),
        lambda: Shifted(1),
    ],
)
def test_a_module_crosses_three_files(build):
    """Counted are all files with a function that runs, on whatever axis the module has time."""
    module = build()
    find_leaks(module, 5)  # what is done once in a process is done
    assert files_run(find_leaks, module, 5) == {"gradients/leaks.py", "modules.py", "outputs.py"}
