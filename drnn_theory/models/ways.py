"""Ways to run a layer: by columns, by torch's function on a view, or called as it is.

The first two know torch's formulas, and serve exactly torch's layers on the CPU, seen by autograd
alone. A layer with hooks, a subclass, a layer put in by a tool, and any layer under a transform, a
tracer or autocast is called, as torch would call it.

Torch keeps no public record of hooks and transforms. Where a private name that holds one is
missing, something is taken to be there, and the layer is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.modules import module as modules

from drnn_theory.modules import HOOKS, is_changed

WEIGHTS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
TRANSFORMS = "_are_functorch_transforms_active"
DISPATCH = "_len_torch_dispatch_stack"
FORWARD_MODE = "_current_level"
TINY = 12  # units, of which torch's products over rows make little use of a processor's registers
NARROW, WIDE = 32, 96  # units: between them and beyond, other widths are faster by columns
FEWEST_STEPS = 8  # of a chain, in training
_LAYERS = (torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM)
_FORWARDS = tuple(layer.forward for layer in _LAYERS)


def is_plain(layer: Any) -> bool:
    """Tell whether a layer is exactly torch's, of one level and one direction, without hooks.

    >>> is_plain(torch.nn.GRU(2, 3)), is_plain(torch.nn.GRU(2, 3, bidirectional=True))
    (True, False)
    """
    if type(layer) not in _LAYERS or is_changed(layer):
        return False
    odd = layer.num_layers != 1 or layer.bidirectional or layer.batch_first or layer.proj_size
    return not odd


def runs_as_written(model: Any) -> bool:
    """Tell whether a DilatedRNN computes what its class and torch's layers say, and nothing else.

    A subclass, a hook or a method of its own may change that, and so may layers of other classes,
    as parametrised layers are. Pruned layers have hooks.

    >>> from drnn_theory import DilatedRNN
    >>> runs_as_written(DilatedRNN(1, 2, [1, 2])), runs_as_written(torch.nn.GRU(1, 2))
    (True, False)
    """
    own = (type(model).__module__, type(model).__name__)  # a class of a user may have the name
    if own != ("drnn_theory.models.dilated", "DilatedRNN") or not isinstance(model.cell, str):
        return False
    layers = [*model.layers, *([model.fuse] if model.fusion else [])]
    if not all(type(part) in (*_LAYERS, torch.nn.Conv1d) for part in layers):
        return False
    return not any(is_changed(part) for part in (model, model.layers, *layers))


def is_watched() -> bool:
    """Tell whether more than autograd follows torch: a compiler, tracer, transform or autocast.

    >>> is_watched()
    False
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    if torch.is_autocast_enabled("cpu"):
        return True
    transforms = getattr(torch._C, TRANSFORMS, None)
    dispatches = getattr(torch._C, DISPATCH, None)
    level = getattr(forward_ad, FORWARD_MODE, None)
    if transforms is None or dispatches is None or level is None:
        return True
    return transforms() or dispatches() > 0 or level >= 0


def are_plain(tensors: Iterable[Any]) -> bool:
    """Tell whether all are plain tensors on the CPU, in single or double precision."""
    for t in tensors:
        kind, dtype = type(t), t.dtype
        if kind is not Tensor and kind is not torch.nn.Parameter:
            return False
        if (dtype != torch.float32 and dtype != torch.float64) or not t.is_cpu:
            return False
    return True


def weights_of(layer: Any) -> list[Tensor]:
    """Return the weights of one of torch's layers of one level, in the order of its functions."""
    names = WEIGHTS if layer.bias else WEIGHTS[:2]
    own = vars(layer).get("_parameters", {})  # quicker than the module's look-up
    return [own[name] if name in own else getattr(layer, name) for name in names]


def takes_packed(layer: Any) -> bool:
    """Tell whether a layer may be given a PackedSequence.

    Torch's layers take one; a forward or a hook of the user's may expect a tensor.
    """
    if not isinstance(layer, torch.nn.RNNBase) or type(layer).forward not in _FORWARDS:
        return False
    return makes_weights_alone(layer)


def makes_weights_alone(layer: Any) -> bool:
    """Tell whether a layer of torch has no hooks but torch's own that make weights before a call.

    >>> makes_weights_alone(torch.nn.utils.parametrizations.weight_norm(torch.nn.GRU(2, 3),
    ... "weight_hh_l0"))
    True
    """
    own = vars(layer)
    if not isinstance(layer, torch.nn.RNNBase) or "forward" in own:
        return False
    others = [name for name in HOOKS if name != "_forward_pre_hooks"]
    if any(own.get(name, True) for name in others):
        return False
    if any(getattr(modules, f"_global{name}", True) for name in HOOKS):
        return False
    before = own.get("_forward_pre_hooks")
    return before is not None and all(
        type(hook).__module__.startswith("torch.nn.utils.") for hook in before.values()
    )


def columns_are_faster(
    mode: str, hidden: int, width: int, steps: int, dtype: torch.dtype, learns: bool
) -> bool:
    """Tell whether blocks of that many columns run faster than torch's function on a view.

    ``steps`` are those of a chain. Measured by tests/benchmarks/small_batches.py with
    ``--crossovers``. Columns spare autograd its record of every step, and torch's products gain
    where there are more units or columns: so columns win in training up to some width, and in
    inference where they are many and short, unless a chain is too short to pay for turning rows
    into columns and back.
    """
    simple = mode in ("RNN_TANH", "RNN_RELU")
    many = hidden <= NARROW and width >= 256 and width * steps >= 4096
    if mode == "LSTM" and dtype == torch.float32:  # torch has a kernel for this
        return many and torch.get_num_threads() == 1
    if not learns:
        return many and (not simple or hidden <= TINY)
    if steps < FEWEST_STEPS:
        return False
    if hidden <= TINY:
        return True
    if hidden <= NARROW:
        alone = hidden < NARROW and torch.get_num_threads() == 1
        return not simple or width < 128 or alone
    if hidden <= WIDE:
        return width <= (128 if simple else 256)
    return width == 1 or 12 <= width <= 48  # between, a product of few columns is slow
