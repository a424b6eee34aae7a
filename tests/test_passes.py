"""The ways back through a module: the memory they obey, and their choice."""

import weakref

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


def single(index, units):
    return torch.eye(units).unsqueeze(1)


@pytest.mark.parametrize("steps", [40, 100])  # with the way fixed, and with the way tried
@pytest.mark.parametrize("allowed", [1, 3])
def test_cotangents_go_back_by_as_many_as_the_memory_holds(steps, allowed, monkeypatch):
    monkeypatch.setattr(passes, "GATHERED", 0)  # each pass's rows by themselves
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


def test_a_loop_is_told_from_a_module_without_steps_by_its_graph(monkeypatch):
    asked = []

    def fastest(run, whole, times, cotangents_of):
        asked.append(run.module)

    monkeypatch.setattr(passes, "_fastest_in_steps", fastest)
    loop = Steps()
    for module in (loop, torch.nn.Linear(6, 6), MODULES["attention"](width=6, heads=2)):
        x = torch.randn(80, 1, getattr(module, "input_size", 6))
        list(passes.rows_of_jacobian(Run(module), x, [-1], single, 2**40))
    assert asked == [loop]


@pytest.mark.parametrize("fast", ["copies", "at once", "one by one"])
def test_the_faster_way_is_taken(fast, monkeypatch):
    """By seconds that are given: those that are measured depend on the machine."""

    def timed(seen, cotangents):
        way = "copies" if cotangents.shape[1] > 1 else "at once"
        way = "one by one" if cotangents.shape[:2] == (1, 1) else way
        return (0.01 if way == fast else 1.0) * len(cotangents) * cotangents.shape[1]

    monkeypatch.setattr(passes, "_timed", timed)
    x = torch.randn(80, 1, 6)
    run = Run(Steps())
    way, count = passes._fastest_in_steps(run, passes._looked_at(run, x), [-1], single)
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
    passes._fastest_in_steps(run, passes._looked_at(run, x), [steps - 1], single)
    assert (max(count for _, count in asked), max(copies for copies, _ in asked)) <= at_once


class Kept(torch.nn.Module):
    """A loop over time that remembers, weakly, every state that it made."""

    def __init__(self):
        super().__init__()
        self.made = []

    def forward(self, x):
        state, outputs = torch.zeros_like(x[0]), []
        for step in x:
            state = torch.tanh(0.9 * state + step)  # of which autograd keeps the output
            self.made.append(weakref.ref(state))
            outputs.append(state)
        return torch.stack(outputs)


def test_nothing_of_a_pass_is_left_when_it_has_gone():
    module = Kept()
    gradient_profile(module, 80, inputs=torch.randn(80, 1, 3))
    assert len(module.made) > 80
    assert not any(state() is not None for state in module.made)


def test_copies_are_counted_by_what_is_large_in_the_graph_though_it_is_not_kept():
    """A linear loop keeps nothing for its way back, but lists of states and gradients."""
    module = MODULES["LRU"]().requires_grad_(False)
    x = torch.randn(256, 1, 1)
    whole = passes._looked_at(Run(module), x)
    assert whole.largest == 256 * 32 * 8  # all states, complex
    assert whole.kept < whole.largest
    assert 2 <= passes._copies_at_once(whole) <= 5

    class Nameless:  # a node of a torch that does not tell what it carries
        def __init__(self, node):
            self.node = node

        def __eq__(self, other):
            return self.node is other.node

        def __hash__(self):
            return hash(self.node)

        @property
        def next_functions(self):
            before = self.node.next_functions
            return [(n and Nameless(n), i) for n, i in before]

    class Output:
        grad_fn, nbytes = Nameless(whole.output.grad_fn), whole.output.nbytes

    assert passes._graph_of(whole.output)[0] == passes._graph_of(Output)[0] == whole.nodes
    assert passes._graph_of(Output)[1] == 256 * 20 * 4


def test_small_rows_come_together_and_large_ones_apart():
    def counts(module, x):
        rows = passes.rows_of_jacobian(Run(module), x, [-1], single, 2**40)
        return [len(part) for _, part in rows]

    attention = MODULES["attention"](width=6, heads=1)  # one by one: its matrices fill the cache
    assert counts(attention, torch.randn(600, 1, 1)) == [6]
    assert max(counts(torch.nn.Linear(30, 6), torch.randn(10_000, 1, 30))) == 1
