"""Named architectures: the configurations of the paper, and those of a TOML file.

The file is the same for every command::

    span = 100                       # optional: lags 1..span, for all of them

    [architectures]
    mine = [1, 5, 18, 25]            # dilations, bottom layer first
    skips = { family = "skip_rnn", skip = 100, layers = 4 }
    mixed = { layers = [{ convolution = 3, dilation = 2 }, { recurrent = [1, 8] },
                        { attention = 64 }], residual = true }
    drawn = { edges = [["x", "h", 0], ["h", "h", 1]], inputs = ["x"], outputs = ["h"] }
    summed = { edges = [["x", "h", 0], ["h", "h", 1]], identities = [["h", "h", 2]],
               inputs = ["x"], outputs = ["h"] }
    saved = { json = "graph.json" }  # written by graph_to_json; relative to the TOML file

A family is any function of :mod:`drnn_theory.architectures` or :mod:`drnn_theory.transformers` that
returns a graph, with its arguments. A scheme and the span may be text as on the command line,
``"1,5,18,25"`` and ``"1k"``. A table [study] says how the command ``study`` trains them;
others pass over it.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drnn_theory import architectures as zoo
from drnn_theory import transformers
from drnn_theory.checks import as_integer, one_of, shown
from drnn_theory.dilations import as_dilations, exponential_dilations
from drnn_theory.graphs import cyclic_graph, graph_from_json
from drnn_theory.layers import Attention, Convolution, Layer, Recurrent, StateSpace, sequential
from drnn_theory.reading import read_number, read_scheme, read_text

__all__ = ["FAMILIES", "paper_architectures", "read_architectures"]

FAMILIES: dict[str, Callable[..., Any]] = {
    name: getattr(module, name)
    for module in (zoo, transformers)
    for name in module.__all__
    if name not in ("Architecture", "Module") and not name.startswith(("as_", "checked_"))
}


def paper_architectures(layers: int = 9) -> dict[str, Any]:
    """Return the configurations that Chang et al. (NIPS 2017) compare, with ``layers`` layers.

    Nine layers reach back 256 steps, the span at which they are compared.

    >>> for name in paper_architectures(layers=4):
    ...     print(name)
    plain stack, 4 layers
    skip RNN, lags 1 and 8
    DilatedRNN 1..8
    lags 1 and 2^(l-1) in layer l
    DilatedRNN 4..8, fusion
    dilated CNN 1..8
    """
    dilations = exponential_dilations(as_integer(layers, "layers", minimum=3))
    largest = dilations[-1]
    return {
        f"plain stack, {layers} layers": (1,) * layers,
        f"skip RNN, lags 1 and {largest}": zoo.skip_rnn(largest, layers),
        f"DilatedRNN 1..{largest}": dilations,
        "lags 1 and 2^(l-1) in layer l": zoo.layers_rnn([[1, s] for s in dilations]),
        f"DilatedRNN 4..{largest}, fusion": zoo.dilated_rnn(dilations[2:], fusion=True),
        f"dilated CNN 1..{largest}": zoo.dilated_cnn(dilations),
    }


def read_architectures(path: str | Path) -> tuple[dict[str, Any], int | None]:
    r"""Return the named architectures of a TOML file and its span, None if it sets none.

    Raises ValueError, naming file and key, for whatever is wrong in it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "named.toml")
    ...     _ = file.write_text("span = 100\n[architectures]\nmine = [1, 5, 18, 25]")
    ...     read_architectures(file)
    ({'mine': (1, 5, 18, 25)}, 100)
    """
    path = Path(path)
    data = read_tables(path)
    table = data.get("architectures")
    if not isinstance(table, dict) or not table:
        raise ValueError(f"{path}: [architectures] must name one or more, got {shown(table)}")
    named = {}
    for name, entry in table.items():
        try:
            named[name] = _architecture(entry, path.parent)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: architectures.{name}: {error}") from None
    try:
        span = data.get("span")
        if span is not None:
            span = as_integer(read_number(span) if isinstance(span, str) else span, "span")
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
    return named, span


def read_tables(path: Path) -> dict[str, Any]:
    """Return what the TOML file holds, with no other keys than those of any command."""
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be a TOML file, got {error}") from None
    unknown = sorted(data.keys() - {"span", "architectures", "study"})
    if unknown:
        raise ValueError(f"{path}: keys must be span, [architectures] or [study], got {unknown[0]}")
    return data


def _architecture(entry: Any, folder: Path) -> Any:
    if isinstance(entry, str):
        return read_scheme(entry)
    if not isinstance(entry, dict):
        return as_dilations(entry)
    entry = dict(entry)
    if "family" in entry:
        family = entry.pop("family")
        one_of(family, "family", FAMILIES)
        accepted = inspect.signature(FAMILIES[family]).parameters
        needed = {name for name, p in accepted.items() if p.default is p.empty}
        if not needed <= entry.keys() <= accepted.keys():
            raise ValueError(
                f"arguments of {family} must be {', '.join(accepted)}, "
                f"got {', '.join(entry) or 'none'}"
            )
        return FAMILIES[family](**entry)
    if "json" in entry:
        _only(entry, {"json"})
        if not isinstance(entry["json"], str):
            raise ValueError(f"json must name a readable file, got {shown(entry['json'])}")
        return graph_from_json(read_text(folder / entry["json"]))
    if "layers" in entry:
        _only(entry, {"layers", "residual"})
        if not isinstance(entry["layers"], list):
            raise ValueError(f"layers must be a list of tables, got {shown(entry['layers'])}")
        stack = [
            [_layer(layer) for layer in item] if isinstance(item, list) else _layer(item)
            for item in entry["layers"]
        ]
        return sequential(stack, residual=entry.get("residual", False))
    if "edges" in entry:
        _only(entry, {"edges", "identities", "inputs", "outputs", "period"})
        for role in ("inputs", "outputs"):
            if role not in entry:
                raise ValueError(f"{role} must be given beside edges, got none")
        for kind in {"edges", "identities"} & entry.keys():
            entry[kind] = _listed(entry[kind])
        return cyclic_graph(entry.pop("edges"), **entry)
    raise ValueError(
        "a table must have the key family, layers, edges or json, got "
        f"{', '.join(map(str, entry)) or 'none'}"
    )


LAYERS: dict[str, tuple[Callable[..., Layer], str | None]] = {
    "recurrent": (lambda lags: Recurrent(*(lags if isinstance(lags, list) else [lags])), None),
    "convolution": (Convolution, "dilation"),
    "attention": (Attention, "dilation"),
    "state_space": (StateSpace, None),
}


def _layer(entry: Any) -> Layer:
    """Return the layer of a table whose one key names it."""
    named = sorted(entry.keys() & LAYERS.keys()) if isinstance(entry, dict) else []
    if len(named) != 1:
        raise ValueError(
            f"a layer must have one of the keys {', '.join(LAYERS)}, got {shown(entry)}"
        )
    build, option = LAYERS[named[0]]
    _only(entry, {named[0], *([option] if option else [])})
    options = {option: entry[option]} if option is not None and option in entry else {}
    return build(entry[named[0]], **options)


def _listed(edges: Any) -> list[Any]:
    """Return edges whose ends, pairs (phase, unit) perhaps, are tuples: TOML has none."""
    return [
        tuple(tuple(end) if isinstance(end, list) else end for end in edge)
        if isinstance(edge, list) and len(edge) == 3
        else edge
        for edge in (edges if isinstance(edges, list) else [edges])
    ]


def _only(entry: dict[str, Any], keys: set[str]) -> None:
    unknown = sorted(entry.keys() - keys)
    if unknown:
        raise ValueError(f"keys must be {', '.join(sorted(keys))}, got {unknown[0]}")
