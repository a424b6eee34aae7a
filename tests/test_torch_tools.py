"""Which of torch's tools work on a DilatedRNN: every row of the how-to's table is run here."""

import contextlib
import copy
import pickle
import re
import warnings
from pathlib import Path

import pytest
import torch
from torch.nn.utils import prune
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from drnn_theory import DilatedRNN

PAGE = Path(__file__).parent.parent / "docs" / "howto" / "torch_tools.md"
CELLS = ("RNN", "GRU", "LSTM")


def build(cell="GRU", **options):
    torch.manual_seed(0)
    return DilatedRNN(2, 4, [1, 2, 4], cell=cell, **options, init="torch").eval()


def sample(steps=5, seed=1):
    return torch.randn(steps, 2, 2, generator=torch.Generator().manual_seed(seed))


def agree(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def compiled(cell):
    model, x = build(cell), sample()
    torch._dynamo.reset()
    agree(torch.compile(model, backend="eager")(x)[0], model(x)[0])


def exported(cell):
    model, x = build(cell), sample(seed=2)
    agree(torch.export.export(model, (sample(),)).module()(x)[0], model(x)[0])


def traced(cell):
    model, x = build(cell), sample(seed=2)
    output, state = (trace := torch.jit.trace(model, sample()))(x)[0], trace(x)[1:]
    agree(output, model(x)[0])
    assert len(state) >= 1


def scripted(cell):
    torch.jit.script(build(cell))


def symbolically_traced(cell):
    torch.fx.symbolic_trace(build(cell))


def functional(cell):
    model, x = build(cell, dtype=torch.float64), sample().double()
    reverse = torch.func.jacrev(lambda x: model(x)[0])(x)
    agree(torch.func.jacfwd(lambda x: model(x)[0])(x), reverse)
    of_each = torch.func.vmap(torch.func.grad(lambda x: model(x)[0].sum()))
    agree(of_each(torch.stack([x, 2 * x]))[0], reverse.sum((0, 1, 2)))


def mapped(cell):
    model = build(cell)
    torch.func.vmap(lambda x: model(x)[0])(torch.stack([sample(), sample()]))


def forward_mode(cell):
    model, x = build(cell, dtype=torch.float64), sample().double()
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        change = torch.autograd.forward_ad.unpack_dual(model(dual)[0]).tangent.sum()
    (gradient,) = torch.autograd.grad(model(x.requires_grad_())[0].sum(), x)
    agree(change, gradient.sum())


def twice(cell):
    model, x = build(cell), sample().requires_grad_()
    (first,) = torch.autograd.grad(model(x)[0].square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert second.abs().max() > 0


def checkpointed(cell):
    model, x = build(cell), sample().requires_grad_()
    (expected,) = torch.autograd.grad(model(x)[0].sum(), x)
    for reentrant in (True, False):
        output = checkpoint(lambda x: model(x)[0], x, use_reentrant=reentrant)
        x.grad = None
        output.sum().backward()
        agree(x.grad, expected)


def autocast(cell):
    model, x = build(cell), sample()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        try:
            output, _ = model(x)
        except RuntimeError:
            assert cell == "LSTM"
            with pytest.raises(RuntimeError, match="primitive"):
                torch.nn.LSTM(2, 4)(x)  # torch's own fails alike
            return
    torch.testing.assert_close(output.float(), model(x)[0], rtol=0, atol=0.05)


def distributed(cell):
    with contextlib.ExitStack() as stack:
        store = torch.distributed.HashStore()
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
        stack.callback(torch.distributed.destroy_process_group)
        model, x = build(cell), sample()
        output, _ = torch.nn.parallel.DistributedDataParallel(model)(x)
        output.sum().backward()
        found = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model(x)[0].sum().backward()
    for p, gradient in zip(model.parameters(), found, strict=True):
        agree(p.grad, gradient)


def quantised(cell):
    model, x = build(cell), sample(9)
    layers = {torch.nn.GRU, torch.nn.LSTM}
    small = torch.ao.quantization.quantize_dynamic(model, layers, dtype=torch.qint8)
    assert ("quantized" in type(small.layers[0]).__module__) == (cell != "RNN")
    whole, _ = small(x)
    torch.testing.assert_close(whole, model(x)[0], rtol=0, atol=0.02)  # eight bits
    first, state = small(x[:4])
    close = {"rtol": 0, "atol": 0.01}  # its scale is that of the batch in hand
    torch.testing.assert_close(torch.cat([first, small(x[4:], state)[0]]), whole, **close)
    torch.testing.assert_close(small(x, lengths=[9, 4])[0][:4], whole[:4], **close)
    torch.testing.assert_close(small.stream(2).step(x[0]), whole[0], **close)


def weights_made(cell):
    model, x = build(cell), sample()
    prune.random_unstructured(model.layers[0], "weight_hh_l0", 0.5)
    torch.nn.utils.parametrizations.spectral_norm(model.layers[1], "weight_hh_l0")
    before = model(x)[0]
    with torch.no_grad():
        model.layers[0].weight_hh_l0_orig.mul_(3)
    assert not torch.equal(model(x)[0], before)


def hooked(cell):
    model, calls = build(cell), []
    model.layers[1].register_forward_hook(lambda *_: calls.append(1))
    model(sample(4))
    assert len(calls) == 1
    model(sample(5))
    assert len(calls) == 3


def copied(cell):
    model, x = build(cell), sample()
    agree(copy.deepcopy(model)(x)[0], model(x)[0])
    agree(pickle.loads(pickle.dumps(model))(x)[0], model(x)[0])
    other = DilatedRNN(2, 4, [1, 2, 4], cell=cell, init="torch")
    other.load_state_dict(model.state_dict())
    agree(other(x)[0], model(x)[0])


def on_meta(cell):
    model = build(cell, device="meta")
    assert model(sample().to("meta"), lengths=[5, 3])[0].shape == (5, 2, 4)


def counted(cell):
    with FlopCounterMode(display=False) as counter:
        build(cell, dtype=torch.float64)(sample().double())
    assert counter.get_total_flops() > 0


TOOLS = {  # the first words of a row of the table: what is run
    "`torch.compile`": compiled,
    "`torch.export`": exported,
    "`torch.jit.trace`": traced,
    "`torch.jit.script`": scripted,
    "`torch.fx.symbolic_trace`": symbolically_traced,
    "`torch.func`: `jacrev`, `jacfwd`, `grad` and its `vmap`": functional,
    "`torch.func.vmap` of the model alone": mapped,
    "forward mode (`torch.autograd.forward_ad`)": forward_mode,
    "second derivatives (`create_graph=True`)": twice,
    "`torch.utils.checkpoint`": checkpointed,
    "`torch.autocast`": autocast,
    "`DistributedDataParallel`": distributed,
    "`quantize_dynamic`": quantised,
    "`torch.nn.utils.prune`, `weight_norm`, `spectral_norm`": weights_made,
    "hooks on layers": hooked,
    "`copy.deepcopy`, pickle, `state_dict`": copied,
    "meta tensors": on_meta,
    "`FlopCounterMode`": counted,
}
ROWS = dict(re.findall(r"^\| (.+?) \| (yes|no) \|", PAGE.read_text(), re.MULTILINE))


def test_the_table_names_the_tools_that_are_tested():
    assert list(ROWS) == list(TOOLS)


CASES = [
    (tool, cell)
    for tool, run in TOOLS.items()
    for cell in (("GRU",) if run in (compiled, exported) else CELLS)  # seconds each
]


@pytest.mark.parametrize(("tool", "cell"), CASES)
def test_a_tool_does_what_the_table_says(tool, cell):
    with warnings.catch_warnings():  # torch's own, of tools that it is about to give up
        warnings.simplefilter("ignore")
        if ROWS[tool] == "yes":
            TOOLS[tool](cell)
        else:
            with pytest.raises((RuntimeError, TypeError), match=r"Sequence|Proxy|Batching rule"):
                TOOLS[tool](cell)
