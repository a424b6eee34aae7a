"""Choices of the explorer: architectures with their fields, and the same as code.

Every family of :mod:`drnn_theory.catalogue` has a form. A form's fields bear the names of the
family's arguments and read what a person typed, by hand or by slider. Limits keep the answer to
a change quick; the functions of the package themselves have none of them.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import networkx as nx

from drnn_theory.architectures import Architecture, as_architecture
from drnn_theory.catalogue import FAMILIES
from drnn_theory.checks import as_integer, shown
from drnn_theory.dilations import as_dilations
from drnn_theory.graphs import as_graph
from drnn_theory.reading import read_scheme

__all__ = [
    "FORMS",
    "GIVEN",
    "LIMIT",
    "Choice",
    "Count",
    "Flag",
    "Form",
    "Lists",
    "Numbers",
    "OneOf",
]

LIMIT = 4096
"""The largest span and the largest lag that the explorer takes."""

MOST_LAYERS = 24
LONGEST_PERIOD = 512
MOST_EDGES = 8000

GIVEN = "given"
"""Stands for the graph that `explore` was called with, which no form describes."""


@dataclass(frozen=True)
class Numbers:
    """A field of positive integers: text like ``1, 2, 4``, with or without brackets."""

    label: str
    default: str

    def read(self, text: str) -> tuple[int, ...]:
        """Return the integers, or say what must hold."""
        return _integers(text, self.label, MOST_LAYERS)


@dataclass(frozen=True)
class Lists:
    """A field of one list of lags per layer: text like ``1, 4; 2``."""

    label: str
    default: str

    def read(self, text: str) -> tuple[tuple[int, ...], ...]:
        """Return the lags layer by layer, or say what must hold."""
        parts = re.split(r"[;\n]|\]\s*,", text.strip().rstrip(";"))
        _require_at_most(len(parts), MOST_LAYERS, f"the layers of {self.label}")
        return tuple(
            _integers(part.strip(" []()"), f"{self.label} of layer {layer}", LIMIT)
            for layer, part in enumerate(parts, start=1)
        )


@dataclass(frozen=True)
class Count:
    """A field of one integer, ``low`` .. ``high``."""

    label: str
    default: int
    high: int
    low: int = 1

    def read(self, value: int) -> int:
        """Return the integer as it is: the slider holds it within its limits."""
        return as_integer(value, self.label, minimum=self.low)


@dataclass(frozen=True)
class OneOf:
    """A field of one of a few words; ``options`` maps what is shown to the word."""

    label: str
    default: str
    options: Mapping[str, str]

    def read(self, value: str) -> str:
        """Return the word."""
        return value


@dataclass(frozen=True)
class Flag:
    """A field that is on or off."""

    label: str
    default: bool

    def read(self, value: bool) -> bool:
        """Return whether it is on."""
        return bool(value)


Field = Numbers | Lists | Count | OneOf | Flag


@dataclass(frozen=True)
class Form:
    """A family as a person chooses it: its label, and its fields by the names of its arguments."""

    label: str
    fields: Mapping[str, Field]

    def read(self, values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
        """Return the arguments that the fields' values stand for, as (name, value)."""
        return tuple((name, field.read(values[name])) for name, field in self.fields.items())


_dilations = Numbers("dilations", "1, 2, 4, 8")
_periods = Numbers("periods", "1, 2, 4")
_layers = Count("layers", 4, MOST_LAYERS)
_kernel = Count("kernel size", 2, 8)
_convolution: dict[str, Field] = {
    "dilations": _dilations,
    "blocks": Count("blocks", 1, 4),
    "kernel_size": _kernel,
}
_wirings = {
    "sh: one plain layer": "sh",
    "st: two plain layers": "st",
    "bu: and an edge up": "bu",
    "td: and an edge down": "td",
}

FORMS: dict[str, Form] = {
    "dilated_rnn": Form(
        "DilatedRNN",
        {"dilations": _dilations, "fusion": Flag("fusion of the top states", False)},
    ),
    "stacked_rnn": Form("plain stack", {"layers": _layers}),
    "skip_rnn": Form("skip RNN", {"skip": Count("skip", 8, 512), "layers": _layers}),
    "layers_rnn": Form("several lags per layer", {"layers": Lists("lags", "1, 4; 2")}),
    "residual_rnn": Form(
        "residual groups",
        {
            "groups": Lists("dilations", "1, 2; 4, 8"),
            "fusion": Flag("fusion of the top states", False),
        },
    ),
    "mist_rnn": Form("MIST RNN", {"lags": Numbers("lags", "1, 2, 4, 8")}),
    "narx_rnn": Form("NARX RNN", {"max_lag": Count("longest lag", 8, 512)}),
    "clockwork_rnn": Form("clockwork RNN", {"periods": _periods}),
    "hierarchical_rnn": Form("hierarchical RNN", {"periods": _periods}),
    "gated_feedback_rnn": Form("gated feedback RNN", {"layers": _layers}),
    "fast_slow_rnn": Form("fast-slow RNN", {"fast_cells": Count("fast cells", 2, 24, low=2)}),
    "zhang_rnn": Form("wirings of Zhang et al.", {"wiring": OneOf("wiring", "td", _wirings)}),
    "dilated_cnn": Form(
        "dilated convolutions",
        {"dilations": _dilations, "kernel_size": _kernel},
    ),
    "wavenet": Form(
        "WaveNet", {**_convolution, "first_kernel_size": Count("first kernel size", 1, 8)}
    ),
    "tcn": Form("TCN", _convolution),
    "causal_transformer": Form(
        "causal Transformer", {"length": Count("length", 32, 512), "layers": _layers}
    ),
    "sliding_window_transformer": Form(
        "sliding window", {"window": Count("window", 4, 512), "layers": _layers}
    ),
    "longnet": Form(
        "LongNet",
        {
            "segments": Numbers("segments", "2, 4, 8"),
            "dilations": Numbers("dilations", "1, 2, 4"),
            "layers": _layers,
        },
    ),
    "state_space_rnn": Form(
        "state spaces", {"layers": _layers, "counted": Flag("decays count", False)}
    ),
    "griffin": Form(
        "Griffin",
        {
            "blocks": Count("blocks", 2, 8),
            "window": Count("window", 4, 1024),
            "counted": Flag("decays count", False),
        },
    ),
}


@dataclass(frozen=True)
class Choice:
    """An architecture as it was chosen: the family and its arguments, or the graph given."""

    family: str
    arguments: tuple[tuple[str, Any], ...]
    name: str = ""

    @property
    def architecture(self) -> tuple[int, ...] | nx.MultiDiGraph:
        """The dilations of a stack, or the cyclic graph; ValueError beyond the limits."""
        return _built(self)

    @property
    def code(self) -> str:
        """An expression for the architecture, as a person would type it."""
        if self.family == GIVEN:
            return _graph_code(self.arguments[0][1])
        values = {name: _listed(value) for name, value in self.arguments}
        if self.family == "dilated_rnn" and not values["fusion"]:
            return repr(values["dilations"])
        defaults = inspect.signature(FAMILIES[self.family]).parameters
        (_, first), *rest = values.items()
        kept = [f"{name}={value!r}" for name, value in rest if value != defaults[name].default]
        return f"{self.family}({', '.join([repr(first), *kept])})"

    @property
    def names(self) -> list[str]:
        """The names of the package that :attr:`code` needs."""
        return [name for name in (*FAMILIES, "cyclic_graph") if self.code.startswith(f"{name}(")]

    @property
    def title(self) -> str:
        """The name given, else the code, or words where that is long."""
        if self.name:
            return self.name
        code = self.code
        return code if len(code) <= 60 else FORMS[self.family].label if self.is_form else "graph"

    @property
    def is_form(self) -> bool:
        """Whether a form describes it."""
        return self.family != GIVEN

    @staticmethod
    def of(architecture: Architecture, name: str = "") -> Choice:
        """Return the choice that stands for dilations, a cyclic graph or a torch module."""
        checked = as_architecture(architecture)
        if isinstance(checked, tuple):
            return Choice("dilated_rnn", (("dilations", checked), ("fusion", False)), name)
        return Choice(GIVEN, (("graph", checked.copy()),), name)


@lru_cache(maxsize=16)
def _built(choice: Choice) -> tuple[int, ...] | nx.MultiDiGraph:
    values = dict(choice.arguments)
    if choice.family == GIVEN:
        return _within_limits(as_graph(values["graph"]))
    if "periods" in values:
        period = math.lcm(*values["periods"])
        _require_at_most(period, LONGEST_PERIOD, "the least common multiple of periods")
    if choice.family == "dilated_rnn" and not values["fusion"]:
        scheme = as_dilations(values["dilations"])
        _require_at_most(len(scheme), MOST_LAYERS, "the number of dilations")
        _require_at_most(max(scheme), LIMIT, "dilations")
        return scheme
    family: Callable[..., nx.MultiDiGraph] = FAMILIES[choice.family]
    return _within_limits(family(**values))


def _within_limits(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    _require_at_most(graph.number_of_edges(), MOST_EDGES, "the edges of a graph")
    _require_at_most(graph.graph["period"], LONGEST_PERIOD, "the period of a graph")
    _require_at_most(max(lag for *_, lag in graph.edges(data="lag")), LIMIT, "the lags of a graph")
    return graph


def _integers(text: str, name: str, most: int) -> tuple[int, ...]:
    """Return the positive integers of a text, as the command line reads them."""
    values = read_scheme(text, name=name)
    _require_at_most(len(values), most, f"the number of {name}")
    _require_at_most(max(values), LIMIT, name)
    return values


def _require_at_most(value: int, most: int, name: str) -> None:
    if value > most:
        raise ValueError(f"{name} must be at most {most} in explore, got {shown(value)}")


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _graph_code(graph: nx.MultiDiGraph) -> str:
    """Return the call that builds a graph, or ``graph`` where its nodes are no literals."""
    about = {role: list(graph.graph[role]) for role in ("inputs", "outputs")}
    call = f"cyclic_graph({list(graph.edges(data='lag'))!r}"
    call += "".join(f", {role}={units!r}" for role, units in about.items())
    call += f", period={graph.graph['period']})" if graph.graph["period"] > 1 else ")"
    try:
        for node in graph:
            if ast.literal_eval(repr(node)) != node:
                return "graph"
    except (ValueError, SyntaxError):
        return "graph"
    return call
