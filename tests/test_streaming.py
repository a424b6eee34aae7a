"""Models step by step, and every layer's output: equal to the sequence run whole."""

import re
from fractions import Fraction

import pytest
import torch
from torch.nn.utils import prune

from drnn_theory import (
    DilatedRNN,
    GraphRNN,
    clockwork_rnn,
    compute_mrl,
    gradient_profile,
    residual_rnn,
    skip_rnn,
)
from drnn_theory.models import detached
from tests.test_model_ways import STACKS, build
from tests.test_models import EQUAL, KINDS, assert_equal_states, entries, sample


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_and_forward_go_on_from_each_other(kind, stack):
    model, x = build(kind, stack), sample(23, 3, 2)
    whole, final = model(x)
    outputs, state = [], model(x[:4])[1]
    outputs.append(model(x[:4])[0])
    for steps in (range(4, 10), range(15, 23)):
        stream = model.stream(batch_size=3, state=state)
        outputs += [stream.step(x[t]).unsqueeze(0) for t in steps]
        state = stream.state
        if steps[-1] == 9:
            output, state = model(x[10:15], state)
            outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs), whole, **EQUAL)
    assert_equal_states(state, final)


def masked(layer):
    prune.l1_unstructured(layer, "weight_hh_l0", 0.5)


def doubled(layer):
    layer.register_forward_hook(lambda module, given, result: (2 * result[0], result[1]))


@pytest.mark.parametrize("change", [masked, doubled])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_calls_layers_with_hooks(kind, change):
    model, x = build(kind, "fused"), sample(9, 1, 2)
    before = model(x)[0]
    change(model.layers[1])
    stream = model.stream()
    outputs = torch.stack([stream.step(now) for now in x])
    torch.testing.assert_close(outputs, model(x)[0], **EQUAL)
    assert (outputs - before).abs().max() > 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_keeps_its_own_copy_and_no_graph(kind):
    model, x = build(kind, "stack"), sample(9, 1, 2)
    _, state = model(x[:5])
    held = [h.detach().clone() for h in entries(state)]
    stream = model.stream(state=state)
    first = stream.step(x[5])
    first_kept = first.clone()
    assert not first.requires_grad
    first.fill_(7.0)  # the caller's to write to
    for h in entries(stream.state):
        h.fill_(7.0)
    second = stream.step(x[6])
    torch.testing.assert_close(torch.stack([first_kept, second]), model(x)[0][5:7], **EQUAL)
    assert all(torch.equal(h, old) for h, old in zip(entries(state), held, strict=True))


def test_a_stream_follows_the_models_weights():
    model, x = build("gru", "stack"), sample(1, 1, 2)
    stream = model.stream()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2.0)
    torch.testing.assert_close(stream.step(x[0]), model(x)[0][0], **EQUAL)


def test_a_stream_drops_nothing():
    model, x = build("gru", "stack", dropout=0.5), sample(5, 1, 2)
    message = (
        "a model with dropout must be in evaluation mode to stream, got training mode: call eval()"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        model.stream()
    stream = model.eval().stream()
    outputs = torch.stack([stream.step(now) for now in x])
    torch.testing.assert_close(outputs, model(x)[0], **EQUAL)
    model.train()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stream.step(x[0])


REFUSED = {
    "batch size": (
        lambda model: model.stream(0),
        ValueError,
        "batch_size must be a positive integer, got 0",
    ),
    "state of another batch": (
        lambda model: model.stream(2, model(sample(3, 1, 2))[1]),
        ValueError,
        "state[0] must be a tensor of shape (1, 2, 4), got (1, 1, 4)",
    ),
    "a sequence": (
        lambda model: model.stream().step(sample(5, 1, 2)),
        ValueError,
        "a step's input must be a tensor of shape (1, 2), got (5, 1, 2)",
    ),
    "another dtype": (
        lambda model: model.stream().step(sample(1, 2).float()),
        ValueError,
        "a step's input must be torch.float64 as the parameters are, got torch.float32",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_streamed_is_refused(call, error, message):
    with pytest.raises(error, match=rf"^{re.escape(message)}\Z"):
        call(build("gru", "stack"))


# Every layer's output.


@pytest.mark.parametrize("lengths", [None, [11, 5]])
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_states_are_what_the_layers_return(kind, stack, lengths):
    model, x = build(kind, stack), sample(11, 2, 2)
    tops = model.states(x, lengths=lengths)
    assert [h.shape for h in tops] == [(11, 2, 4)] * model.num_layers
    for index, (h, s) in enumerate(zip(tops, model.dilations, strict=True)):
        last = model(x[:7])[1][index]  # the last s states are the layer's last outputs
        last = last[0] if kind == "lstm" else last
        seen = h[7 - s : 7, :1]
        torch.testing.assert_close(seen, last[-min(s, 7) :, :1], **EQUAL)
    if lengths is not None:
        assert all(not h[5:, 1].any() for h in tops)
    if not model.fusion and len(model.groups) == 1:
        assert torch.equal(tops[-1], model(x, lengths=lengths)[0])
    torch.testing.assert_close(model.states(x[:, 0])[-1], model.states(x[:, :1])[-1][:, 0], **EQUAL)


def test_states_follow_the_form_of_the_input_and_dropout():
    model, x = build("gru", "stack", batch_first=True), sample(2, 11, 2)
    assert [h.shape for h in model.states(x)] == [(2, 11, 4)] * 3
    dropped = build("gru", "stack", dropout=1.0)
    assert model.states(x)[0].equal(dropped.states(x.transpose(0, 1))[0].transpose(0, 1))
    above = dropped.states(x.transpose(0, 1))[1]
    assert torch.equal(above, dropped.states(2 * x.transpose(0, 1))[1])  # reads nothing


@pytest.mark.parametrize("graph", [skip_rnn(4, layers=2), clockwork_rnn([1, 2])])
def test_a_graphs_states_sum_to_its_output(graph):
    torch.manual_seed(0)
    model, x = GraphRNN(graph, 2, 4, dtype=torch.float64, init="torch"), sample(7, 3, 2)
    states = model.states(x)
    assert all(h.shape == (7, 3, 4) for h in states.values())
    output = sum(states[unit] for unit in graph.graph["outputs"])
    torch.testing.assert_close(output, model(x)[0], **EQUAL)
    slow = [h for h in states.values() if not h[1].any()]
    assert bool(slow) == (model.period == 2)  # the slow module exists at every second step


@pytest.mark.parametrize("kind", KINDS)
def test_a_detached_state_cuts_the_graph_and_keeps_the_numbers(kind):
    model, x = build(kind, "groups, fused"), sample(9, 2, 2)
    _, state = model(x)
    cut = detached(state)
    assert_equal_states(cut, state)
    assert not any(h.requires_grad for h in entries(cut))
    assert torch.equal(model(x, cut)[0], model(x, state)[0])


# Attributes.


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_says_what_it_is_made_of(kind):
    model = build(kind, "groups")
    assert model.dilations == (2, 3, 1, 4, 2)
    assert model.groups == ((2, 3), (1, 4), (2,))
    assert model.num_layers == len(model.layers) == 5
    assert model.bias is True
    assert model.nonlinearity == ("relu" if kind == "relu" else "tanh")
    assert build(kind, "stack").groups == ((1, 2, 4),)
    assert not build(kind, "stack", bias=False).bias
    assert "dilations=((2, 3), (1, 4), (2,))" in repr(model)


GROUPS = {
    "one": (
        [[1, 2]],
        5,
        "dilations must be two groups or more where they are nested, for the first has no "
        "residual sum, got [[1, 2]]",
    ),
    "an empty one": (
        [[1, 2], []],
        5,
        "a group of dilations must be one or more positive integers, got none",
    ),
    "other widths": (
        [[1, 2], [4]],
        [3, 4, 5],
        "hidden_size must be equal in the last layers of all groups, whose outputs are summed, "
        "got [4, 5]",
    ),
}


@pytest.mark.parametrize(("dilations", "hidden", "message"), GROUPS.values(), ids=GROUPS)
def test_groups_without_a_sum_are_refused(dilations, hidden, message):
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}"):
        DilatedRNN(2, hidden, dilations)


@pytest.mark.parametrize("stack", ["groups", "groups, fused"])
def test_measures_of_groups_are_those_of_the_graph_and_of_autograd(stack):
    model, x = build("gru", stack), sample(6, 1, 2)
    graph = residual_rnn(model.groups, fusion=model.fusion)
    assert compute_mrl(model, 6) == compute_mrl(graph, 6)
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x)[0][-1, 0], x)
    norms = jacobian.square().sum((0, 2, 3)).sqrt().flip(0)
    assert gradient_profile(model, 6, inputs=x).norms == pytest.approx(norms.numpy(), rel=1e-10)


def test_the_groups_that_are_published_have_their_lengths_and_parameters():
    model = DilatedRNN(1, 20, [[1, 2], [4, 8]], cell="LSTM", init="torch")
    assert compute_mrl(model, exact=True) == Fraction(35, 8)
    assert sum(p.numel() for p in model.parameters()) == 11_920


def test_widths_may_differ_inside_a_group():
    model = DilatedRNN(2, [3, 4, 5, 4], [[1, 2], [4, 8]], init="torch")
    assert model(torch.zeros(5, 1, 2))[0].shape == (5, 1, 4)
