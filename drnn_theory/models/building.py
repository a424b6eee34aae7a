"""The layers of a DilatedRNN from its arguments, and what it refuses of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import torch

from drnn_theory.checks import as_integer, as_number, one_of, shown
from drnn_theory.dilations import as_dilations
from drnn_theory.models.initialisation import MATRICES, initialise, sample_matrix

CELLS = {"RNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}
Groups = tuple[tuple[int, ...], ...]


def check_cell(cell: Any, nonlinearity: Any, bias: bool, init: Any) -> None:
    """Refuse anything but a cell, and choices that the cell does not have."""
    own = callable(cell)
    if not own and (not isinstance(cell, str) or cell not in CELLS):
        raise ValueError(
            "cell must be one of 'RNN', 'GRU', 'LSTM' or a function "
            f"(input_size, hidden_size) -> layer, got {shown(cell)}"
        )
    one_of(nonlinearity, "nonlinearity", ("tanh", "relu"))
    if cell != "RNN" and nonlinearity != "tanh":
        raise ValueError(
            f"nonlinearity must be 'tanh' unless the cell is 'RNN', got {nonlinearity!r}"
            f" with the cell {cell!r}"
        )
    if init is not None:
        one_of(init, "init", MATRICES)
    if own and not bias:
        raise ValueError(
            "bias must be True for a cell of one's own, got False: its layers decide about biases"
        )
    if own and init not in (None, "torch"):
        raise ValueError(
            f"init must be 'torch' for a cell of one's own, got {init!r}: "
            "its layers draw their own parameters"
        )


def as_groups(dilations: Any) -> Groups:
    """Return dilations as groups: one of a flat scheme, or those of a nested one.

    >>> as_groups([1, 2, 4]), as_groups([[1, 2], [4, 8]])
    (((1, 2, 4),), ((1, 2), (4, 8)))
    """
    try:
        unordered = isinstance(dilations, (str, bytes, dict, set, frozenset))
        values = [] if unordered else list(dilations)
    except TypeError:
        values = []
    if not values:
        return (as_dilations(dilations),)  # which refuses it
    nested = [isinstance(v, Iterable) and not isinstance(v, (str, bytes)) for v in values]
    if not all(nested):
        return (as_dilations(values),)
    if len(values) == 1:
        raise ValueError(
            "dilations must be two groups or more where they are nested, for the first has no "
            f"residual sum, got {shown(dilations)}"
        )
    return tuple(as_dilations(group, name="a group of dilations") for group in values)


def as_sizes(hidden_size: int | Iterable[int], groups: Groups) -> tuple[int, ...]:
    """Return one size per layer; where a residual sum joins, both must be equal."""
    layers = sum(map(len, groups))
    if isinstance(hidden_size, (str, bytes)) or not isinstance(hidden_size, Iterable):
        return (as_integer(hidden_size, "hidden_size"),) * layers
    sizes = tuple(as_integer(size, "hidden_size") for size in hidden_size)
    if len(sizes) != layers:
        raise ValueError(
            f"hidden_size must be one integer or one per layer, {layers}, got {len(sizes)}: {sizes}"
        )
    end = 0
    tops = [sizes[(end := end + len(group)) - 1] for group in groups]
    if len(set(tops)) > 1:
        raise ValueError(
            "hidden_size must be equal in the last layers of all groups, whose outputs are "
            f"summed, got {tops}"
        )
    return sizes


def as_probability(dropout: float, layers: int) -> float:
    """Return the probability of dropout, which must have a place to act."""
    as_number(dropout, "dropout", high=1)
    if dropout and layers == 1:
        raise ValueError(
            f"dropout must be 0 for one layer, got {dropout}: it acts between two layers"
        )
    return float(dropout)


def build_layers(
    cell: str | Callable[[int, int], torch.nn.Module],
    sizes: tuple[int, ...],
    nonlinearity: str,
    options: dict[str, Any],
) -> torch.nn.ModuleList:
    """Return one layer from each size to the next."""
    pairs = list(pairwise(sizes))
    if isinstance(cell, str):
        choice = {"nonlinearity": nonlinearity} if cell == "RNN" else {}
        return torch.nn.ModuleList(CELLS[cell](*pair, **choice, **options) for pair in pairs)
    layers = [cell(*pair) for pair in pairs]
    for layer in layers:
        if not isinstance(layer, torch.nn.Module):
            raise TypeError(f"cell must return a torch.nn.Module, got {type(layer).__name__}")
    if len(set(map(id, layers))) < len(layers):
        raise ValueError("cell must return a new layer for every call, got one layer twice")
    return torch.nn.ModuleList(layers).to(options["device"], options["dtype"])


def sample_parameters(layers: Any, fuse: Any, init: str) -> None:
    """Draw all parameters of the layers and of the convolution, if there is one."""
    for layer in layers:
        if init != "torch":
            initialise(layer, matrices=init, biases="zero")
            continue
        owners = [layer] if hasattr(layer, "reset_parameters") else list(layer.modules())
        for module in owners:
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
            elif next(module.parameters(recurse=False), None) is not None:
                raise TypeError(
                    f"{type(module).__name__} must have a method reset_parameters for its "
                    "parameters to be drawn once more"
                )
    if fuse is not None and init == "torch":
        fuse.reset_parameters()
    elif fuse is not None:
        sample_matrix(fuse.weight, init)
        if fuse.bias is not None:
            torch.nn.init.zeros_(fuse.bias)
