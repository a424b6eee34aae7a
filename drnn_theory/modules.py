"""A torch module that is not ours: borrowed and given back, its inputs sampled, its axes found."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from drnn_theory.checks import as_integer, refusal_of_gates, shown
from drnn_theory.outputs import Run, Runnable

__all__ = [
    "borrowed",
    "choose_run",
    "in_dtype",
    "is_changed",
    "require_module",
    "sample_inputs",
    "weights_by_lag",
]

Given = TypeVar("Given", bound=Runnable)

KNOWN = (torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM)
"""Modules that need not be asked what depends on what: torch's own, without hooks."""

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Torch's private names of a module's hooks; with ``_global`` before them, of all modules'."""

PREFIX = 32
"""Steps on which a module shows its axes, if it can run so few."""

DEPENDENT = (
    "sequences must not depend on each other, but one's output changes with the others in its "
    "batch: give batch_first (True where the module's first axis is the batch), or switch off "
    "statistics over the batch"
)
NOT_DETERMINISTIC = (
    "module must give one output for one input, got two in two calls: switch off dropout that is "
    "on in eval mode, or reset by call(module, x) the state that it keeps between calls"
)


def require_module(module: Runnable, call: Any) -> None:
    """Refuse what cannot be run: no callable, a module's method, a call of one argument."""
    if not callable(module):
        raise TypeError(f"module must be a torch.nn.Module or a function, got {shown(module)}")
    owner = getattr(module, "__self__", None)
    if isinstance(owner, torch.nn.Module):
        name = getattr(module, "__name__", "method")
        raise TypeError(
            f"module must be a torch.nn.Module or a function, got the method {name!r}: give the "
            f"module, and call=lambda module, x: module.{name}(x)"
        )
    if call is None:
        return
    rule = "call must be a function of two arguments, call(module, x)"
    if not callable(call):
        raise TypeError(f"{rule}, got {shown(call)}")
    try:
        inspect.signature(call).bind(module, None)
    except ValueError:  # a builtin that does not tell
        return
    except TypeError:
        raise TypeError(f"{rule}, got {shown(call)}") from None


def is_changed(part: Runnable) -> bool:
    """Tell whether a module has hooks, or a forward of its own in place of its class's.

    Torch keeps no public record of hooks: one that is not found is taken to be there.

    >>> layer = torch.nn.GRU(2, 3)
    >>> handle = layer.register_forward_hook(lambda *_: None)
    >>> is_changed(torch.nn.GRU(2, 3)), is_changed(layer)
    (False, True)
    """
    own, everywhere = vars(part), torch.nn.modules.module
    return "forward" in own or any(
        own.get(name, True) or getattr(everywhere, f"_global{name}", True) for name in HOOKS
    )


def in_dtype(module: Given, dtype: Any) -> Given:
    """Return a copy of the module in a dtype, complex parameters in the complex one of its size.

    None stands for the module itself; a function has no parameters, and is returned as it is.

    >>> in_dtype(torch.nn.GRU(2, 3), torch.float64).weight_ih_l0.dtype
    torch.float64
    """
    if dtype is None:
        return module
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating torch.dtype, got {shown(dtype)}")
    if not isinstance(module, torch.nn.Module):
        return module
    module = copied(module)
    tensors = [*module.parameters(), *module.buffers()]
    if not any(tensor.is_complex() for tensor in tensors):
        return module.to(dtype)
    for tensor in tensors:  # torch's module.to would drop imaginary parts
        if tensor.is_complex():
            tensor.data = tensor.data.to(dtype.to_complex())
        elif tensor.is_floating_point():
            tensor.data = tensor.data.to(dtype)
    return module


def copied(module: Given) -> Given:
    """Return a deep copy, of computed tensors, such as normed weights, what they hold.

    torch copies no tensor that was computed with gradients, as those of a trained module are.

    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.RNN(2, 3), "weight_hh_l0")
    >>> output, _ = layer(torch.zeros(4, 1, 2))
    >>> torch.equal(copied(layer)(torch.ones(4, 1, 2))[0], layer(torch.ones(4, 1, 2))[0])
    True
    """
    memo: dict[int, Any] = {}
    for part in module.modules() if isinstance(module, torch.nn.Module) else ():
        for held in vars(part).values():
            for value in held if isinstance(held, (list, tuple)) else (held,):
                if isinstance(value, Tensor) and not value.is_leaf:
                    memo[id(value)] = value.detach().clone()
    return copy.deepcopy(module, memo)


@contextmanager
def borrowed(module: Runnable) -> Iterator[None]:
    """Put the module in eval mode, its parameters asking for no gradient; then restore it all.

    Attributes of every submodule (training flags and states that it keeps among them), parameters,
    their ``.grad`` and ``requires_grad``, buffers and the random state are afterwards what they
    were before. cuDNN has no backward pass for a recurrent layer in eval mode, so on a GPU torch's
    recurrent layers run in training mode without dropout. Of a function only the random state is
    kept.
    """
    if not isinstance(module, torch.nn.Module):
        with torch.random.fork_rng([]):
            yield
        return
    modules = list(module.modules())
    compiled = [part for part in modules if isinstance(part, torch.jit.ScriptModule)]
    modes = [(part, part.training) for part in compiled]
    attributes = [(part, _attributes(part)) for part in modules if part not in compiled]
    flags = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    devices = {parameter.device for parameter in module.parameters() if parameter.is_cuda}
    with torch.random.fork_rng(list(devices)):
        try:
            module.eval()
            for part in modules:
                own = [layer.forward for layer in KNOWN]
                if devices and isinstance(part, torch.nn.RNNBase) and type(part).forward in own:
                    part.training, part.dropout = True, 0.0
            for parameter, _ in flags:
                parameter.requires_grad_(False)
            yield
        finally:
            for part, before in attributes:
                _restore(part, before)
            for part, training in modes:
                part.training = training
            for parameter, flag in flags:
                parameter.requires_grad_(flag)
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)


def _attributes(part: torch.nn.Module) -> dict[str, Any]:
    """Return a module's attributes, its dictionaries of parameters and the like as copies."""
    return {
        name: dict(value) if type(value) is dict else value for name, value in vars(part).items()
    }


def _restore(part: torch.nn.Module, before: dict[str, Any]) -> None:
    """Give a module its attributes back, in the dictionaries that it has."""
    current = dict(vars(part))
    vars(part).clear()
    for name, value in before.items():
        if type(value) is dict and type(current.get(name)) is dict:
            current[name].clear()
            current[name].update(value)
            value = current[name]
        vars(part)[name] = value


def sample_inputs(
    module: Runnable, steps: int, inputs: Tensor | None, seeds: Iterable[int], dtype: Any = None
) -> Tensor:
    """Return the caller's inputs (steps, batch, features), checked, or one sequence per seed.

    They are on the module's device and in ``dtype``, or in that of its first floating parameter.
    """
    if inputs is None:
        features: Any = getattr(module, "input_size", None)
        if not isinstance(features, int):
            name = type(module).__name__
            raise ValueError(f"inputs must be given for a module without input_size, got {name}")
        if not isinstance(seeds, Iterable):
            raise TypeError(f"seeds must be a list of non-negative integers, got {shown(seeds)}")
        seeds = [as_integer(seed, "seed", minimum=0) for seed in seeds]
        if not seeds:
            raise ValueError("seeds must be one or more non-negative integers, got none")
        sampled = [
            torch.randn(
                steps,
                features,
                generator=torch.Generator().manual_seed(seed),
                dtype=torch.float32,  # the numbers of a seed, whatever the default type is
            )
            for seed in seeds
        ]
        inputs = torch.stack(sampled, dim=1)
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs must be a tensor, got {shown(inputs)}")
    if inputs.dim() == 2 and not inputs.is_floating_point():
        raise TypeError(
            "inputs must be real numbers (time, batch, features), got whole numbers "
            f"{tuple(inputs.shape)}: tokens have no gradient, so give their embeddings, and a call "
            "that takes them, call=lambda module, x: module(inputs_embeds=x)"
        )
    if inputs.dim() != 3 or len(inputs) != steps or not inputs.shape[1]:
        raise ValueError(
            f"inputs must have shape ({steps}, batch, features), got {tuple(inputs.shape)}"
        )
    if inputs.is_complex():
        raise TypeError(f"inputs must be real numbers, got {inputs.dtype}")
    if not inputs.isfinite().all():
        raise ValueError("inputs must be finite, got nan or infinity in them")
    tensors: list[Tensor] = []
    if isinstance(module, torch.nn.Module):
        tensors = [*module.parameters(), *module.buffers()]
    own = [t for t in tensors if t.is_floating_point() or t.is_complex()]
    device = own[0].device if own else inputs.device
    if dtype is None and own:  # a complex module's numbers have real parts of half the size
        real = [t for t in own if not t.is_complex()]
        dtype = real[0].dtype if real else own[0].dtype.to_real()
    if dtype is None:
        dtype = inputs.dtype if inputs.is_floating_point() else torch.get_default_dtype()
    return inputs.detach().to(device, dtype)


def choose_run(
    module: Runnable,
    x: Tensor,
    *,
    batch_first: bool | None = None,
    call: Callable[..., Any] | None = None,
    last: bool = False,
) -> Run:
    """Return the module, borrowed, as a function of time-major tensors like x.

    ``batch_first`` is the module's own if it says so and no ``call`` is given; else runs over three
    sequences or more show which axis is time: along the other no output may change with the
    neighbours. Refused are a module of which one sequence's output depends on another's, and one
    that gives two outputs for the same input.
    """
    if batch_first not in (None, True, False):
        raise TypeError(f"batch_first must be None, True or False, got {shown(batch_first)}")
    said = getattr(module, "batch_first", None) if call is None else None
    if batch_first is None and isinstance(said, bool):
        batch_first = said
    known = call is None and not last and type(module) in KNOWN and not is_changed(module)
    if known and batch_first is said:
        return Run(module, None, bool(said), last)
    choices = [False, True] if batch_first is None else [bool(batch_first)]
    # a single step shows no course over time
    probe = x.repeat(2, 1, 1) if len(x) == 1 and len(choices) == 2 else x
    outcomes: list[Any] = []
    for choice in choices:
        run = Run(module, call, choice, last)
        outcome = _outcome(run, probe)
        if outcome == "over time" or (outcome == "at once" and len(choices) == 1):
            return run
        outcomes.append(outcome)
    able = [axis for axis, how in zip(choices, outcomes, strict=True) if how == "at once"]
    if len(able) == 2:  # what little reaches later outputs is lost in rounding, but not a gradient
        able = [axis for axis in able if _reaches(Run(module, call, axis, last), probe)] or able
    if able:
        return Run(module, call, able[0], last)
    if "dependent" in outcomes:
        raise ValueError(DEPENDENT)
    return _run_alone(module, x, choices, call, last, outcomes[0])


def _outcome(run: Run, x: Tensor) -> str | Exception:
    """Say how the outputs of some sequences depend on the inputs, or what went wrong.

    "over time": on other times of the same sequence; "at once": not so; "dependent": on others.
    """
    outcome = _compared(run, x[:PREFIX])
    if isinstance(outcome, Exception) and len(x) > PREFIX:
        outcome = _compared(run, x)  # it may need as many steps as it was made for
    return outcome


def _compared(run: Run, x: Tensor) -> str | Exception:
    steps, half = len(x), len(x) // 2
    middle = x[:, :4]
    if middle.shape[1] + 2 == steps:  # so that the axes differ in size
        middle = torch.cat([middle, middle[:, :1]], 1)
    generator = torch.Generator().manual_seed(0)
    before, after, early, late = (_near(x[:, :1], generator) for _ in range(4))
    early[half:], late[:half] = before[half:], after[:half]
    first = torch.cat([before, middle, after], 1)
    second = torch.cat([early, middle, late], 1)
    try:
        one, other = (run(part.requires_grad_()).detach() for part in (first, second))
        changed = _differ(one, other)
        depends = changed[:, 1:-1].any()  # on other sequences, or on the call
        again = run(first).detach() if depends else one
    except Exception as error:
        return error
    if _differ(one, again).any():
        raise ValueError(NOT_DETERMINISTIC)
    if depends:
        return "dependent"
    over_time = changed[half:, 0].any() or changed[:half, -1].any()
    if run.last:
        over_time = changed[:, 0].any()
    return "over time" if over_time and steps > 1 else "at once"


def _near(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return a sequence of another course, but the same signs and sizes."""
    factor = 0.5 + torch.rand(x.shape, generator=generator)
    noise = torch.randn(x.shape, generator=generator)
    scale = x.abs().mean().double().item() or 1.0
    return torch.where(x == 0, scale * noise.to(x), factor.to(x) * x).detach()


def _differ(one: Tensor, other: Tensor) -> Tensor:
    """Tell where two outputs (time, batch, units) differ by more than rounding, (time, batch)."""
    finite = one[one.isfinite()]
    largest = finite.abs().max() if finite.numel() else one.new_zeros(())
    same = (one - other).abs() <= 4 * torch.finfo(one.dtype).eps * largest
    return ~(same | (one == other) | (one.isnan() & other.isnan())).all(2)


def _reaches(run: Run, x: Tensor) -> bool:
    """Tell whether the last output has a gradient at an earlier input."""
    x = x[:, :2].detach().requires_grad_()
    (gradient,) = torch.autograd.grad(run(x)[-1].sum(), x)
    return bool((gradient[:-1] != 0).any())


def _run_alone(
    module: Runnable, x: Tensor, choices: list[bool], call: Any, last: bool, error: Exception
) -> Run:
    """Return the module as a function of one sequence, where it can run no more at a time."""
    able = []
    for choice in choices:
        run = Run(module, call, choice, last, alone=True)
        try:
            one, other = (run(x[:, :1].detach().requires_grad_()).detach() for _ in range(2))
        except Exception:
            continue
        if _differ(one, other).any():
            raise ValueError(NOT_DETERMINISTIC)
        able.append(run)
    if len(able) == 2:
        raise ValueError(
            "batch_first must be given for a module that runs a single sequence, and does so with "
            "either axis as time"
        )
    if able:
        return able[0]
    parts = module.modules() if isinstance(module, torch.nn.Module) else ()
    embeds = any(isinstance(part, torch.nn.Embedding) for part in parts)
    if embeds and isinstance(error, RuntimeError) and "indices" in str(error):
        raise TypeError(
            "tokens have no gradient: give their embeddings as inputs, and a call that takes "
            "them, call=lambda module, x: module(inputs_embeds=x)"
        ) from error
    raise error


def weights_by_lag(module: Runnable) -> list[tuple[Tensor, int | None]]:
    """Return every matrix (out, in) of a recurrent module with the lag of its edge.

    The models of this package are asked; of a torch.nn.RNN the hidden matrices have lag 1. Raises
    ValueError or TypeError for a module whose recurrence is more than weights.

    >>> [lag for _, lag in weights_by_lag(torch.nn.RNN(2, 3))]
    [0, 1]
    """
    if isinstance(module, (torch.nn.GRU, torch.nn.LSTM)):
        raise ValueError(refusal_of_gates(type(module).__name__))
    require_one_direction(module)
    if hasattr(module, "weights_by_lag"):
        return module.weights_by_lag()
    if not isinstance(module, torch.nn.RNN):
        raise TypeError(
            "module must be a DilatedRNN, a GraphRNN or a torch.nn.RNN, "
            f"got {type(module).__name__}"
        )
    return [
        (getattr(module, f"weight_{kind}_l{layer}").data, lag)
        for layer in range(module.num_layers)
        for kind, lag in (("ih", 0), ("hh", 1))
    ]


def require_one_direction(module: Runnable) -> None:
    """Refuse a module with a bidirectional layer.

    >>> require_one_direction(torch.nn.GRU(2, 3, bidirectional=True))
    Traceback (most recent call last):
    ValueError: bidirectional must be False, got True: its paths lead from the future
    """
    parts = module.modules() if isinstance(module, torch.nn.Module) else [module]
    if any(getattr(part, "bidirectional", False) is True for part in parts):
        raise ValueError("bidirectional must be False, got True: its paths lead from the future")
