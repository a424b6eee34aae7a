"""The ways back through a module: the memory they obey, and their choice."""

import pytest
import torch

from drnn_theory import gradient_profile
from drnn_theory.gradients import passes
from drnn_theory.outputs import Run
from tests.benchmarks.modules import MODULES
from tests.test_gradients import TCN, sample


def kept_by(module, x):
    """The bytes that autograd keeps for one pass, every storage counted once."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        module(x.requires_grad_())
    return sum({t.data_ptr(): t.untyped_storage().nbytes() for t in kept}.values())


def eye(index, units):
    return torch.eye(units, dtype=torch.float64).unsqueeze(1)


@pytest.mark.parametrize("steps", [40, 100])  # with the way fixed, and with the way tried
@pytest.mark.parametrize("allowed", [1, 3])
def test_cotangents_go_back_by_as_many_as_the_memory_holds(steps, allowed):
    torch.manual_seed(0)
    module, x = TCN(hidden=12).double().eval(), sample(steps, 1, 2)
    memory = int((allowed + 0.5) * kept_by(module, x))
    chunks = [len(rows) for _, rows in passes.rows_of_jacobian(Run(module), x, [-1], eye, memory)]
    assert sum(chunks) == 12
    assert max(chunks) == allowed
    free = [len(rows) for _, rows in passes.rows_of_jacobian(Run(module), x, [-1], eye, 2**40)]
    assert max(free) > allowed


def test_the_bound_on_what_is_kept_grows_with_the_length():
    batches = []

    class Recorder(torch.nn.GRU):
        def forward(self, x):
            if len(x) == 1000:
                batches.append(x.shape[1])
            return super().forward(x)

    module = Recorder(2, 8)
    one = kept_by(module, torch.zeros(1000, 1, 2))
    batches.clear()
    gradient_profile(module, 1000, memory=4 * one)  # 8 copies of 32 steps would fit, not of 1000
    finished = batches[-2:]
    assert max(finished) <= 4
    assert len(batches) > 2  # all eight at once were begun, and given up


@pytest.mark.parametrize("name", MODULES)
def test_whichever_way_is_chosen_the_norms_are_torchs(name):
    torch.manual_seed(0)
    module = MODULES[name]()
    x = torch.randn(72, 1, module.input_size).float()
    profile = gradient_profile(module, 72, inputs=x)
    full = torch.autograd.functional.jacobian(lambda x: module(x)[-1, 0], x)[:, :, 0]
    right = full.square().sum((0, 2)).sqrt().flip(0)
    torch.testing.assert_close(
        torch.from_numpy(profile.norms).float(), right, rtol=1e-3, atol=1e-5 * float(right.max())
    )


class Steps(torch.nn.Module):
    """A loop over time, of as many nodes per step."""

    def forward(self, x):
        state, outputs = torch.zeros_like(x[0]), []
        for step in x:
            state = torch.tanh(0.9 * state + step)
            outputs.append(state)
        return torch.stack(outputs)


def test_a_loop_is_told_from_a_module_without_steps_by_its_graph():
    x = torch.randn(80, 1, 6)
    single = passes._fastest_in_steps(Run(Steps()), x, [-1], lambda i, n: torch.eye(n)[:, None])
    assert single is not None
    assert single[0] in ("copies", "graph")
    assert passes._fastest_in_steps(Run(torch.nn.Linear(6, 6)), x, [-1], eye) is None


@pytest.mark.parametrize("fast", ["copies", "at once", "one by one"])
def test_the_faster_way_is_taken(fast, monkeypatch):
    """By seconds that are given: those that are measured depend on the machine."""

    def timed(seen, cotangents):
        way = "copies" if cotangents.shape[1] > 1 else "at once"
        way = "one by one" if cotangents.shape[:2] == (1, 1) else way
        return (0.01 if way == fast else 1.0) * len(cotangents) * cotangents.shape[1]

    monkeypatch.setattr(passes, "_timed", timed)
    x = torch.randn(80, 1, 6)
    way, count = passes._fastest_in_steps(Run(Steps()), x, [-1], lambda i, n: torch.eye(n)[:, None])
    assert way == ("copies" if fast == "copies" else "graph")
    assert (count > 1) == (fast != "one by one")


@pytest.mark.parametrize(("steps", "at_once"), [(128, (2, 4)), (256, (1, 2)), (1000, (1, 1))])
def test_what_leaves_the_cache_is_not_taken_at_once(steps, at_once, monkeypatch):
    module = MODULES["scan"]().requires_grad_(False)  # 2 kB a step, 16 outputs
    x = sample(steps, 1, module.input_size).float()
    run = Run(module)
    asked = []

    def timed(seen, cotangents):
        asked.append((seen.x.shape[1], len(cotangents)))
        return 1.0  # many at once take no longer than one

    monkeypatch.setattr(passes, "_timed", timed)
    passes._fastest_in_steps(run, x, [steps - 1], lambda _, units: torch.eye(units).unsqueeze(1))
    assert (max(count for _, count in asked), max(copies for copies, _ in asked)) <= at_once
