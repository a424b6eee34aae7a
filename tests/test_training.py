"""Training: the same curve every time, after a kill too; refusals; what a curve says."""

import json
import math
import random
import re
import resource
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.optim import Adam

from drnn_theory import DilatedRNN, skip_rnn
from drnn_theory.learning import adding, characters, copy_memory, pixel_digits, recall, train
from drnn_theory.learning.optimizers import TensorFlowRMSProp, make_optimizer

SMALL = {"hidden_size": 6, "batch": 16, "log_every": 5, "validate_every": 20, "progress": False}


def curve(training):
    """Return the curve without what depends on the machine's speed."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in training.curve]


def test_a_network_learns_to_recall():
    training = train(
        [1, 2, 4],
        recall(6),
        hidden_size=16,
        steps=400,
        target=0.99,
        init="orthogonal",
        progress=False,
    )
    assert training.stopped == "target"
    assert training.final["test accuracy"] > 0.97
    assert training.first_step(0.99) == training.final["step"] < 400
    assert training.first_step(1.1) is None


def test_a_network_learns_to_add():
    training = train(
        [1, 2, 4], adding(8), hidden_size=16, steps=600, optimizer="adam", learning_rate=1e-2,
        readout="torch", progress=False,
    )  # fmt: skip
    assert training.final["test squared error"] < training.task.chance / 4


def test_equal_arguments_give_equal_curves_and_other_seeds_other_ones():
    runs = [train([1, 2], recall(4), steps=20, seed=seed, **SMALL) for seed in (0, 0, 1)]
    assert curve(runs[0]) == curve(runs[1])
    assert curve(runs[0]) != curve(runs[2])


def test_training_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train([1, 2], recall(4), steps=5, **SMALL)
    assert torch.equal(torch.rand(1), expected)


def test_test_is_read_once_at_the_end_with_the_last_and_the_best_weights():
    training = train([1, 2], recall(4), steps=40, **SMALL)
    assert [row["split"] for row in training.curve].count("test") == 1
    assert training.curve[-1]["split"] == "test"
    best = min(
        (row for row in training.curve if row["split"] == "validation"), key=lambda row: row["loss"]
    )
    assert training.best["step"] == best["step"]
    assert training.best["validation loss"] == best["loss"]
    assert training.to_frame().columns.tolist() == ["step", "split", "loss", "metric", "seconds"]


def test_the_readout_is_drawn_from_n_0_1_as_the_authors_do():
    wide = {"hidden_size": 400, "steps": 1, "learning_rate": 1e-9, "progress": False}
    readout = train([1], recall(1), **wide).network.readout
    assert 0.95 < float(readout.weight.detach().std()) < 1.05
    assert float(readout.bias.detach().abs().max()) > 0.5  # of eight numbers from N(0, 1)
    readout = train([1], recall(1), readout="torch", **wide).network.readout
    for drawn in (readout.weight, readout.bias):
        assert float(drawn.detach().abs().max()) <= 1 / math.sqrt(400)


def test_a_module_of_ones_own_and_a_graph_are_trained():
    body = torch.nn.GRU(8, 5)
    before = body.weight_hh_l0.detach().clone()
    training = train(body, recall(3), steps=10, log_every=5, progress=False)
    assert training.network.body is body
    assert not torch.equal(before, body.weight_hh_l0)
    graph = train(skip_rnn(3), recall(3), steps=10, **SMALL)
    assert graph.final["step"] == 10


class Turned(torch.nn.Module):
    """A module that has the batch first and does not say so."""

    def __init__(self, **ways):
        super().__init__()
        self.inner = torch.nn.GRU(8, 5, batch_first=True)
        vars(self).update(ways)

    def forward(self, x):
        return self.inner(x)


class Noisy(Turned):
    def forward(self, x):
        y = self.inner(x)[0]
        return y + torch.rand_like(y)


BATCH_FIRST = {
    "torch's": lambda: (torch.nn.GRU(8, 5, batch_first=True), {}),
    "ours": lambda: (DilatedRNN(8, 5, [1], cell="GRU", init="torch", batch_first=True), {}),
    "one that says so": lambda: (Turned(batch_first=True), {}),
    "one that does not": lambda: (Turned(), {}),
    "one of which the caller says so": lambda: (Turned(), {"batch_first": True}),
}


@pytest.mark.parametrize("make", BATCH_FIRST.values(), ids=BATCH_FIRST)
def test_a_module_with_the_batch_first_learns_as_one_with_time_first(make):
    curves = []
    for kind in (lambda: (torch.nn.GRU(8, 5), {}), make):
        torch.manual_seed(1)
        body, said = kind()
        training = train(body, recall(3), steps=20, log_every=5, batch=16, progress=False, **said)
        curves.append([row["loss"] for row in training.curve])
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)


def test_a_module_whose_axes_cannot_be_told_is_refused_unless_the_caller_says():
    with pytest.raises(ValueError, match=r"got two in two calls.*with batch_first given"):
        train(Noisy(), recall(3), steps=5, progress=False)
    for body, said in ((Noisy(), {"batch_first": True}), (Noisy(batch_first=True), {})):
        assert train(body, recall(3), steps=5, progress=False, **said).final["step"] == 5


def test_a_state_is_carried_through_a_text():
    seen = []

    class Body(torch.nn.GRU):
        def forward(self, x, state=None):
            if self.training:
                seen.append(None if state is None else state.detach().clone())
            output, last = super().forward(x, state)
            seen.append(last.detach().clone()) if self.training else None
            return output, last

    task = characters(window=10)
    train(Body(task.input_size, 4), task, steps=3, batch=4, log_every=3, progress=False)
    states = seen[-6:]
    assert states[0] is None
    assert torch.equal(states[1], states[2])
    assert torch.equal(states[3], states[4])


def test_a_loss_that_is_not_finite_ends_in_words_and_keeps_the_last_good_weights():
    training = train([1, 2], adding(6), steps=200, learning_rate=1e30, **SMALL)
    assert training.stopped.startswith("the loss must stay finite, got ")
    assert "smaller learning_rate" in training.stopped
    assert all(torch.isfinite(p).all() for p in training.network.parameters())


class Failing(torch.nn.Module):
    """A network that gives NaN in training from its call of that number on."""

    def __init__(self, call):
        super().__init__()
        self.inner, self.calls, self.last = torch.nn.GRU(8, 5), 0, call

    def forward(self, x):
        self.calls += self.training
        output = self.inner(x)[0]
        return output * math.nan if self.training and self.calls >= self.last else output


def test_what_is_told_of_a_training_that_failed_is_of_the_weights_that_it_kept():
    runs = []
    for call, steps in ((33, 100), (math.inf, 30)):
        torch.manual_seed(1)
        how = {"batch": 16, "log_every": 5, "validate_every": 20, "progress": False}
        runs.append(train(Failing(call), recall(4), steps=steps, **how))
    failed, whole = runs
    assert failed.stopped.startswith("the loss must stay finite, got nan within steps 31..35")
    assert (failed.final, failed.best, curve(failed)) == (whole.final, whole.best, curve(whole))


class BadLastGradient(Failing):
    """A network whose gradient alone fails."""

    def forward(self, x):
        self.calls += self.training
        output = self.inner(x)[0]
        if self.training and self.calls >= self.last:
            output.register_hook(lambda gradient: gradient * math.nan)
        return output


@pytest.mark.parametrize("call", [5, 10, 12])
def test_weights_that_are_not_finite_are_not_kept(call):
    how = {"batch": 16, "log_every": 5, "validate_every": 20, "progress": False}
    training = train(BadLastGradient(call), recall(4), steps=10 if call < 12 else 12, **how)
    assert re.match(r"the (weights|loss) must stay finite, got ", training.stopped)
    assert all(torch.isfinite(p).all() for p in training.network.parameters())
    assert all(math.isfinite(value) for value in training.final.values())


def test_a_training_without_a_finished_step_is_told_in_words_and_as_json():
    training = train([1, 2], recall(2), steps=1, learning_rate=3e38, **SMALL)
    assert str(training).splitlines()[1] == "(no steps)"
    json.dumps(training.to_dict(), allow_nan=False)
    training.best["validation loss"] = math.nan
    assert json.loads(json.dumps(training.to_dict(), allow_nan=False))["best"]["step"] == 0


def test_a_first_validation_that_is_not_finite_is_not_the_best():
    class Slow(Failing):
        def forward(self, x):
            self.calls += self.training
            return self.inner(x)[0] * (1 if self.training or self.calls > 20 else math.nan)

    body = Slow(math.inf)
    how = {"batch": 16, "log_every": 5, "validate_every": 20, "progress": False}
    training = train(body, recall(4), steps=60, **how)
    assert math.isnan(next(r["loss"] for r in training.curve if r["split"] == "validation"))
    assert math.isfinite(training.best["validation loss"])


def test_a_target_is_reached_over_a_whole_window_only():
    how = {"hidden_size": 4, "batch": 1, "steps": 51, "progress": False}
    runs = [train([1, 2], recall(2), seed=seed, target=1.0, **how) for seed in range(6)]
    right = [row["metric"] for run in runs for row in run.curve if row["step"] == 51]
    assert max(right) == 1  # of the one sequence after step 50
    assert {run.stopped for run in runs} == {"steps"}


def test_an_optimizer_function_may_go_through_the_parameters_twice():
    seen = []

    def grouped(parameters):
        matrices = [p for p in parameters if p.ndim > 1]
        others = [p for p in parameters if p.ndim < 2]
        seen.extend([len(matrices), len(others)])
        return torch.optim.AdamW([{"params": matrices}, {"params": others, "weight_decay": 0.0}])

    training = train([1, 2], recall(4), steps=2, optimizer=grouped, **SMALL)
    assert sum(seen) == len(list(training.network.parameters()))
    assert min(seen) > 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_module_of_another_precision_is_trained_in_it(dtype):
    body = torch.nn.GRU(8, 5, dtype=dtype)
    training = train(body, recall(3), steps=10, log_every=5, progress=False)
    assert training.network.readout.weight.dtype == dtype
    assert math.isfinite(training.final["test loss"])


class Frozen(torch.nn.Module):
    """A network of float64 inside with a mask that is not finite, and float32 outside."""

    def __init__(self):
        super().__init__()
        self.mask = torch.nn.Parameter(torch.full((3,), -math.inf), requires_grad=False)
        self.inner = torch.nn.GRU(8, 5).double()

    def forward(self, x):
        return self.inner(x.double())[0].float()


def test_a_module_may_cast_and_hold_what_is_not_finite():
    training = train(Frozen(), recall(3), steps=10, log_every=5, progress=False)
    assert training.stopped == "steps"
    network = train([1, 2], recall(3), steps=5, **SMALL).network.double()
    assert network(torch.zeros(4, 2, 8).double())[0].dtype == torch.float64


class Clipping:
    """An optimizer that has the methods of one and no class in common with any."""

    def __init__(self, parameters):
        self.parameters, self.inner = parameters, torch.optim.RMSprop(parameters)
        self.state_dict, self.zero_grad = self.inner.state_dict, self.inner.zero_grad
        self.load_state_dict = self.inner.load_state_dict

    def step(self):
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.inner.step()


class Probe:
    """A scheduler that only looks."""

    def __init__(self, optimizer):
        self.steps = 0

    def step(self):
        self.steps += 1


def test_optimizers_and_schedulers_of_ones_own_need_no_class():
    training = train([1, 2], recall(3), steps=5, optimizer=Clipping, schedule=Probe, **SMALL)
    assert training.stopped == "steps"


def test_a_module_with_normed_weights_is_trained_again():
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.GRU(8, 5), "weight_hh_l0")
    for _ in range(2):
        assert train(layer, recall(3), steps=3, progress=False).final["step"] == 3


class Placed(torch.nn.Module):
    """A module made for 21 steps."""

    def __init__(self):
        super().__init__()
        self.places, self.inner = torch.nn.Parameter(torch.randn(21, 1, 8)), torch.nn.GRU(8, 5)

    def forward(self, x):
        return self.inner(x + self.places)


def test_a_module_made_for_the_steps_of_the_task_is_trained():
    assert train(Placed(), recall(20), steps=5, progress=False).final["step"] == 5
    with pytest.raises(ValueError, match=r"model must take inputs .*, got RuntimeError for \(6, 3"):
        train(Placed(), recall(5), steps=5, progress=False)


def test_answers_of_a_trained_network_at_all_steps_or_some():
    network = train([1, 2], recall(2), steps=5, **SMALL).network
    x = torch.randn(3, 4, 8)
    whole = network(x)[0]
    assert whole.shape == (3, 4, 8)
    assert torch.allclose(network(x, [2])[0], whole[2:], atol=1e-6)


def test_tensorflows_rmsprop_follows_its_formula():
    weight = torch.nn.Parameter(torch.tensor([2.0, -3.0], dtype=torch.float64))
    optimizer = TensorFlowRMSProp([weight], lr=0.1, alpha=0.9, eps=0.01)
    square, expected = torch.ones(2, dtype=torch.float64), weight.detach().clone()
    for _ in range(5):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        gradient = 2 * expected
        square = 0.9 * square + 0.1 * gradient**2
        expected = expected - 0.1 * gradient / (square + 0.01).sqrt()
    assert torch.allclose(weight, expected, rtol=1e-12, atol=0.0)


def test_rmsprop_follows_its_formula_with_the_authors_smoothing():
    layer = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
    optimizer = make_optimizer("rmsprop", layer, 1e-3)
    square, expected = 0.0, float(layer.weight.detach())
    for _ in range(5):
        optimizer.zero_grad()
        layer.weight.square().sum().backward()
        optimizer.step()
        square = 0.9 * square + 0.1 * (2 * expected) ** 2
        expected -= 1e-3 * 2 * expected / (square**0.5 + 1e-8)
    assert float(layer.weight.detach()) == pytest.approx(expected, rel=1e-12)


RUN = textwrap.dedent("""
    import sys
    from drnn_theory.learning import recall, train
    train([1, 2, 4], recall(6), hidden_size=4, steps=600, batch=4, log_every=5,
          validate_every=500, checkpoint=sys.argv[1], checkpoint_seconds=0.05, progress=False)
""")


def test_a_killed_training_goes_on_to_the_same_curve_bit_for_bit(tmp_path: Path):
    chance = random.Random(0)
    arguments = {
        "hidden_size": 4, "batch": 4, "log_every": 5, "validate_every": 500, "progress": False,
        "steps": 600,
    }  # fmt: skip
    kept = tmp_path / "run.pt"
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(kept)])
        deadline = time.monotonic() + 60
        size = kept.stat().st_mtime_ns if kept.exists() else 0
        while time.monotonic() < deadline and process.poll() is None:
            if kept.exists() and kept.stat().st_mtime_ns != size:
                break
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kept.exists()
    step = torch.load(kept, weights_only=True)["step"]
    assert 0 < step < 600
    resumed = train([1, 2, 4], recall(6), checkpoint=kept, **arguments)
    whole = train([1, 2, 4], recall(6), **arguments)
    assert curve(resumed) == curve(whole)
    assert resumed.best == whole.best
    assert all(
        torch.equal(a, b)
        for a, b in zip(resumed.network.parameters(), whole.network.parameters(), strict=True)
    )


@pytest.fixture(name="kept")
def _kept(tmp_path):
    path = tmp_path / "run.pt"
    train([1, 2], recall(4), steps=10, checkpoint=path, **SMALL)
    return path


def test_a_finished_training_is_read_not_run(kept):
    before = kept.stat().st_mtime_ns
    training = train([1, 2], recall(4), steps=10, checkpoint=kept, **SMALL)
    assert training.final["step"] == 10
    assert kept.stat().st_mtime_ns == before


def test_a_truncated_checkpoint_is_refused(kept):
    kept.write_bytes(kept.read_bytes()[:-500])
    with pytest.raises(ValueError, match=r"checkpoint must be a whole file .* delete it to start"):
        train([1, 2], recall(4), steps=10, checkpoint=kept, **SMALL)


class Evil:
    """Makes a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_checkpoint_with_a_pickle_in_it_is_refused_and_runs_nothing(kept, tmp_path):
    torch.save({"format": 1, "settings": Evil(tmp_path / "run me")}, kept)
    with pytest.raises(ValueError, match=r"checkpoint must be a whole file of tensors and plain"):
        train([1, 2], recall(4), steps=10, checkpoint=kept, **SMALL)
    assert not (tmp_path / "run me").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seed": 1}, "checkpoint must have seed 1, as asked, got 0"),
        ({"batch": 8}, "checkpoint must have batch 8, as asked, got 16"),
        ({"hidden_size": 7}, "checkpoint must have hidden_size 7, as asked, got 6"),
        ({"init": "glorot"}, "checkpoint must have init 'glorot', as asked, got None"),
        ({"optimizer": "adam"}, "checkpoint must have optimizer 'adam', as asked, got 'rmsprop'"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(kept, change, problem):
    with pytest.raises(ValueError, match=problem):
        train([1, 2], recall(4), steps=10, checkpoint=kept, **SMALL | change)


def test_a_full_disk_is_one_sentence_and_keeps_the_old_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    train([1, 2], recall(4), steps=10, checkpoint=path, **SMALL)
    before = path.read_bytes()
    code = textwrap.dedent(f"""
        import resource, signal, torch
        from pathlib import Path
        from drnn_theory.learning.checkpoints import save_checkpoint
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            save_checkpoint(Path({str(path)!r}), {{"weights": torch.zeros(10_000)}})
        except ValueError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("checkpoint must be a file that can be written, got ")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_finished_training_goes_on_for_more_steps_as_if_they_had_been_asked_for(tmp_path):
    path = tmp_path / "run.pt"
    train([1, 2], recall(4), steps=20, checkpoint=path, **SMALL)
    longer = train([1, 2], recall(4), steps=60, checkpoint=path, **SMALL)
    whole = train([1, 2], recall(4), steps=60, **SMALL)
    assert curve(longer) == curve(whole)
    assert (longer.best, longer.final, longer.stopped) == (whole.best, whole.final, "steps")
    with pytest.raises(ValueError, match="checkpoint must have steps 40, as asked, got 60"):
        train([1, 2], recall(4), steps=40, checkpoint=path, **SMALL)


def test_a_schedule_or_a_target_reached_is_not_trained_beyond_its_end(tmp_path):
    path = tmp_path / "run.pt"
    cosine = {"schedule": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10)}
    train([1, 2], recall(4), steps=10, checkpoint=path, **SMALL, **cosine)
    with pytest.raises(ValueError, match="checkpoint must not have ended by steps to go on under"):
        train([1, 2], recall(4), steps=20, checkpoint=path, **SMALL, **cosine)
    path.unlink()
    reached = {"target": 0.01, "checkpoint": path}
    first = train([1, 2], recall(4), steps=10, **reached, **SMALL)
    assert first.stopped == "target"
    with pytest.raises(ValueError, match="checkpoint must have steps 20, as asked, got 10"):
        train([1, 2], recall(4), steps=20, **reached, **SMALL)


def test_a_checkpoint_of_other_dilations_is_refused(kept):
    with pytest.raises(ValueError, match=r"checkpoint must have model '\(1, 3\)', as asked, got"):
        train([1, 3], recall(4), steps=10, checkpoint=kept, **SMALL)


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        (Adam, partial(torch.optim.SGD, lr=0.1), r"must have optimizer \"SGD .*, got \"Adam"),
        (Adam, partial(Adam, lr=0.1), r"must have optimizer \"Adam \[{'lr': 0.1, .*'lr': 0.001"),
    ],
)
def test_a_checkpoint_of_another_optimizer_function_is_refused(tmp_path, first, second, problem):
    path = tmp_path / "run.pt"
    train([1, 2], recall(4), steps=10, optimizer=first, checkpoint=path, **SMALL)
    with pytest.raises(ValueError, match=problem):
        train([1, 2], recall(4), steps=20, optimizer=second, checkpoint=path, **SMALL)
    kept = torch.load(path, weights_only=True)
    del kept["optimizer"]["param_groups"][0]["params"][0]
    torch.save(kept, path)
    with pytest.raises(ValueError, match="checkpoint must be of the same network and optimizer"):
        train([1, 2], recall(4), steps=20, optimizer=first, checkpoint=path, **SMALL)


@pytest.mark.parametrize("turned", [False, True])
def test_a_checkpoint_of_another_schedule_is_refused(tmp_path, turned):
    path = tmp_path / "run.pt"
    ways = [{}, {"schedule": lambda o: torch.optim.lr_scheduler.StepLR(o, 5)}]
    first, second = reversed(ways) if turned else ways
    train([1, 2], recall(4), steps=10, checkpoint=path, **SMALL, **first)
    with pytest.raises(ValueError, match=r"checkpoint must have schedule .*StepLR"):
        train([1, 2], recall(4), steps=20, checkpoint=path, **SMALL, **second)


def test_a_checkpoint_of_a_task_with_other_data_is_refused(tmp_path):
    for name, text in (("a.txt", "abcd"), ("b.txt", "acbd")):
        (tmp_path / name).write_text(100 * text)
    text = tmp_path / "text.txt"
    for name, refused in (("a.txt", False), ("a.txt", False), ("b.txt", True)):
        text.write_bytes((tmp_path / name).read_bytes())
        task = characters(text, window=5)
        how = {**SMALL, "batch": 2, "steps": 10, "checkpoint": tmp_path / "run.pt"}
        with pytest.raises(ValueError, match="must have data") if refused else nullcontext():
            train([1, 2], task, **how)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": np.float64(1e-3), "target": np.float64(2.0), "hidden_size": np.int64(6)},
        {"learning_rate": np.float32(1e-3)},
        {"schedule": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, list(np.array([5, 7])))},
        {"schedule": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, np.float64(0.9))},
    ],
)
def test_numbers_of_numpy_do_not_spoil_a_checkpoint(tmp_path, change):
    runs = [
        train([1, 2], recall(4), steps=10, checkpoint=tmp_path / "run.pt", **SMALL | change)
        for _ in range(2)
    ]
    assert runs[0].curve == runs[1].curve


class Dictionary(torch.nn.Module):
    """A recurrent network whose state is a dictionary."""

    def __init__(self, features):
        super().__init__()
        self.inner = torch.nn.GRU(features, 6)

    def forward(self, x, state=None):
        output, last = self.inner(x, None if state is None else state["last"])
        return output, {"last": last}


@pytest.mark.parametrize("kind", ["graph", "dictionary"])
def test_a_state_of_any_form_is_carried_and_kept(tmp_path, kind):
    task, how = characters(window=10), {**SMALL, "log_every": 2, "validate_every": 4}

    def run(steps, **checkpoint):
        torch.manual_seed(0)
        if kind == "graph":
            return train(skip_rnn(3), task, steps=steps, **how, **checkpoint)
        others = {name: value for name, value in how.items() if name != "hidden_size"}
        return train(Dictionary(task.input_size), task, steps=steps, **others, **checkpoint)

    whole = run(8)
    run(4, checkpoint=tmp_path / "run.pt")
    assert curve(run(8, checkpoint=tmp_path / "run.pt")) == curve(whole)


class OneNumber(torch.nn.Module):
    def forward(self, x):
        return x.sum()


@pytest.mark.parametrize(
    ("arguments", "change", "problem"),
    [
        (([1, 2], "copy"), {}, r"task must be a Task, such as copy_memory\(100\), got 'copy'"),
        (
            ([1, 2], recall(4)),
            {"hidden_size": None},
            "hidden_size must be given with an architecture",
        ),
        (([1, 0], recall(4)), {}, "dilations must be one or more positive integers"),
        (([1, 2], recall(4)), {"steps": 0}, "steps must be a positive integer, got 0"),
        (
            ([1, 2], recall(4)),
            {"readout": "big"},
            "readout must be one of 'normal', 'torch', got 'big'",
        ),
        (([1, 2], recall(4)), {"optimizer": "sgdd"}, "optimizer must be one of 'rmsprop', "),
        (
            ([1, 2], recall(4)),
            {"learning_rate": -1},
            "learning_rate must be a positive number, got -1",
        ),
        (([1, 2], recall(4)), {"cell": "gru"}, "cell must be one of 'RNN', 'GRU', 'LSTM'"),
        ((skip_rnn(3), recall(4)), {"cell": "GRU"}, "cell must be 'RNN' for a graph, got 'GRU'"),
        ((torch.nn.GRU(8, 4), recall(4)), {}, "hidden_size must not be given with a module, got 6"),
        (([1, 2], recall(4)), {"batch_first": True}, "batch_first must not be given with an arch"),
        (
            (torch.nn.GRU(8, 4), recall(4)),
            {"hidden_size": None, "batch_first": True},
            "batch_first must not differ from the module's own, got True for a GRU that says False",
        ),
        (
            (torch.nn.GRU(8, 4), recall(4)),
            {"hidden_size": None, "cell": "GRU"},
            "cell must not be given with a module, got 'GRU'",
        ),
        ((torch.nn.GRU, recall(4)), {}, "model must be an architecture or a torch module that is"),
        (
            (torch.nn.GRU(9, 4), recall(4)),
            {"hidden_size": None},
            r"model must take inputs \(time, batch, 8\) of floats, symbols one-hot, got RuntimeErr",
        ),
        (
            ([1, 2], recall(4)),
            {"optimizer": Adam, "learning_rate": 0.1},
            r"learning_rate must not be given with .*got 0.1: set it there, as in .*Adam, lr=0.1\)",
        ),
        (
            ([1, 2], recall(4)),
            {"optimizer": lambda p: None},
            "optimizer must return an optimizer of torch",
        ),
        (
            ([1, 2], recall(4)),
            {"optimizer": torch.optim.LBFGS},
            "optimizer must return an optim",
        ),
        (([1, 2], recall(4)), {"schedule": "cosine"}, "schedule must be a function of the optimiz"),
        (
            ([1, 2], recall(4)),
            {"schedule": lambda o: None},
            "schedule must return a scheduler that",
        ),
        (
            ([1, 2], recall(4)),
            {"schedule": torch.optim.lr_scheduler.ReduceLROnPlateau},
            "schedule must return a scheduler that steps without a metric",
        ),
        (([1, 2], recall(4)), {"target": "0.9"}, "target must be a non-negative number, got '0.9'"),
        (([1, 2], recall(4)), {"checkpoint_seconds": "60"}, "checkpoint_seconds must be a non-neg"),
        (([1, 2], recall(4)), {"autocast": "bfloat16"}, "autocast must be a type such as torch.bf"),
        (
            ([1, 2], recall(4)),
            {"seed": 2**64},
            r"seed must be less than 2\*\*64, got 18",
        ),
        (
            ([1, 2], recall(4)),
            {"checkpoint": "no/run.pt"},
            "checkpoint must be a file in a folder ",
        ),
        (([1, 2], recall(4)), {"checkpoint": 5}, "checkpoint must be the path of a file, got 5"),
        (
            (torch.nn.GRU(8, 4), recall(4)),
            {"hidden_size": None, "batch_first": "no"},
            "batch_first must be None, True or False, got 'no'",
        ),
        (
            (OneNumber(), recall(4)),
            {"hidden_size": None},
            r"model must map inputs \(time, batch, 8\)",
        ),
    ],
)
def test_bad_arguments_are_refused_before_training(arguments, change, problem):
    with pytest.raises((ValueError, TypeError), match=problem):
        train(*arguments, **{"steps": 5} | SMALL | change)


def test_schedules_autocast_and_compile_by_argument():
    halved = []

    def schedule(optimizer):
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.5)
        halved.append(scheduler)
        return scheduler

    train([1, 2], recall(4), steps=20, schedule=schedule, **SMALL)
    assert halved[0].get_last_lr() == [1e-3 / 16]
    training = train([1, 2], recall(4), steps=5, autocast=torch.bfloat16, **SMALL)
    assert math.isfinite(training.final["test loss"])


def test_loss_over_all_steps_is_that_over_ten_in_the_stated_ratio():
    model = DilatedRNN(10, 4, [1, 2])
    training = train(model, copy_memory(5, every_step=True), steps=5, log_every=5, progress=False)
    assert training.network.readout.out_features == 9


def test_digits_are_validated_and_tested_on_their_own_images():
    training = train([1, 4], pixel_digits(), steps=5, **SMALL)
    assert {row["split"] for row in training.curve} == {"train", "validation", "test"}


class Dropping(torch.nn.Module):
    """A body with dropout, which breaks off at a forward pass of that number."""

    def __init__(self, breaks_at=math.inf):
        super().__init__()
        self.rnn, self.dropout = torch.nn.RNN(8, 5), torch.nn.Dropout(0.5)
        self.breaks_at, self.calls = breaks_at, 0

    def forward(self, x):
        self.calls += self.training
        if self.calls == self.breaks_at:
            raise KeyboardInterrupt("broken off")
        return self.dropout(self.rnn(x)[0])


def test_dropout_goes_on_as_it_would_have_from_a_checkpoint(tmp_path):
    def run(breaks_at=math.inf, checkpoint=None):
        torch.manual_seed(0)
        how = {"steps": 40, "log_every": 5, "checkpoint_seconds": 0.0, "progress": False}
        training = train(Dropping(breaks_at), recall(3), checkpoint=checkpoint, **how)
        return [(row["step"], row["loss"], row["metric"]) for row in training.curve]

    with pytest.raises(KeyboardInterrupt, match="broken off"):
        run(23, tmp_path / "run.pt")
    assert run(checkpoint=tmp_path / "run.pt") == run()
