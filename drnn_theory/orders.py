r"""Maximum path lengths: the orders that are printed, with the constants that are not.

Table 1 of Vaswani et al. (NIPS 2017, arXiv:1706.03762) gives the maximum path length between two
positions of a sequence of n steps as an order: O(1) for self-attention, O(n) for recurrent layers,
O(log_k n) for convolutions of kernel size k, dilated ones as its text says, O(n / r) for attention
to r neighbours. For convolutions that are not dilated the text has O(n / k).
:func:`path_length_orders` computes the mean and the longest path exactly, at any span, beside the
costs of networks that cover it. Lengths are counted as everywhere in this package; a layer that
gives the input its width counts one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from drnn_theory.architectures import dilated_cnn, tcn, wavenet
from drnn_theory.checks import as_integer, shown
from drnn_theory.costs import count_parameters, sequential_steps, state_size
from drnn_theory.dilations import exponential_dilations
from drnn_theory.paths import lengths_to_gap
from drnn_theory.tables import Table, convention
from drnn_theory.transformers import (
    causal_transformer,
    griffin,
    longnet,
    sliding_window_transformer,
    state_space_rnn,
)

__all__ = ["ORDERS", "Order", "path_length_orders"]

HIDDEN_SIZE = 64
MOST_LAYERS = 200  # of networks whose depth grows with the span


@dataclass(frozen=True)
class Order:
    """A kind of network, how it is built for a span, and the order that is printed for it."""

    name: str
    printed: str
    """The maximum path length of Vaswani et al., section 4, "" where it has none."""
    build: Callable[[int], Any]
    """span -> an architecture whose every lag of 1..span is reached, None where that is absurd."""
    steps: Callable[[int, Any], int]
    """(span, architecture) -> sequential steps through span + 1 steps of a sequence."""
    largest: int = 10**9
    """The largest span that is answered within seconds."""


def _digits(span: int, base: int) -> int:
    """Return the number of digits of the span, the layers that cover it."""
    digits = 1
    while base**digits <= span:
        digits += 1
    return digits


def _plain_convolutions(span: int) -> Any:
    layers = -(-span // 2)
    return dilated_cnn([1] * layers, 3) if layers <= MOST_LAYERS else None


def _sliding(span: int) -> Any:
    layers = -(-span // 32)
    return sliding_window_transformer(33, layers) if layers <= MOST_LAYERS else None


def _longnet(span: int) -> Any:
    scheme = exponential_dilations(_digits(span, 4), 4)
    return longnet([4 * r for r in scheme], scheme, len(scheme))


def _parallel(span: int) -> int:
    """Return the steps of a parallel scan over span + 1 steps."""
    return math.ceil(math.log2(span + 1))


ORDERS = (
    Order("plain RNN", "O(n)", lambda span: (1,), lambda n, a: sequential_steps(a, n + 1)),
    Order(
        "DilatedRNN, dilations 1, 4, 16, ..",
        "",
        lambda span: exponential_dilations(_digits(span, 4), 4),
        lambda n, a: sequential_steps(a, n + 1),
    ),
    Order(
        "convolutions, kernel 3",
        "O(n / k)",
        _plain_convolutions,
        lambda n, a: -(-n // 2),
    ),
    Order(
        "dilated convolutions, kernel 3",
        "O(log_k n)",
        lambda span: dilated_cnn(exponential_dilations(_digits(span, 3), 3), 3),
        lambda n, a: _digits(n, 3),
    ),
    Order(
        "TCN, kernel 3",
        "",
        lambda span: tcn(exponential_dilations(_digits(-(-span // 4), 2)), kernel_size=3),
        lambda n, a: 2 * _digits(-(-n // 4), 2),
        10**7,
    ),
    Order(
        "WaveNet, kernel 2",
        "",
        lambda span: wavenet(exponential_dilations(_digits(span, 2))),
        lambda n, a: 1 + _digits(n, 2),
        10**7,
    ),
    Order(
        "causal Transformer, 6 layers",
        "O(1)",
        lambda span: causal_transformer(span + 1),
        lambda n, a: 7,
    ),
    Order("sliding window of 33", "O(n / r)", _sliding, lambda n, a: 1 + -(-n // 32)),
    Order("LongNet, base 4", "", _longnet, lambda n, a: 1 + _digits(n, 4), 10**7),
    Order(
        "state spaces, decays counted",
        "",
        lambda span: state_space_rnn(counted=True),
        lambda n, a: 1 + 4 * (n + 1),
    ),
    Order(
        "state spaces, decays not counted",
        "",
        lambda span: state_space_rnn(),
        lambda n, a: 1 + 4 * _parallel(n),
    ),
    Order(
        "Griffin, window of 64",
        "",
        lambda span: griffin(window=64),
        lambda n, a: 1 + 4 * _parallel(n) + 2,
    ),
)


def path_length_orders(
    spans: int | Iterable[int] = (64, 1024), *, hidden_size: int = HIDDEN_SIZE
) -> Table:
    """Return the exact mean and longest path over lags 1..span of networks that cover the span.

    One row per kind of network, in the order of ``ORDERS``, with the order of table 1 of
    Vaswani et al., 2017, the parameters and the streaming state for ``hidden_size`` units and one
    feature, and the sequential steps through one sequence; a recurrence whose decays are not
    counted is linear and runs as a parallel scan. None, a dash, where a network would need more
    than 200 layers or more than seconds.

    Of several spans the rows follow each other, so that a figure draws one line per "network"
    over "span", its gaps where "longest path" is None; ``.to_frame().pivot(index="span",
    columns="network", values="longest path")`` has one column per line. Raises ValueError or
    TypeError for spans that are no positive integers.

    >>> table = path_length_orders(64)
    >>> [(row["network"], row["longest path"]) for row in table][3]
    ('dilated convolutions, kernel 3', 4)
    >>> [row["longest path"] for row in path_length_orders([64, 1024])][3::12]
    [4, 7]
    """
    every = [spans] if isinstance(spans, (str, int)) or not isinstance(spans, Iterable) else spans
    counts = [as_integer(span, "span") for span in every]
    if not counts:
        raise ValueError(f"spans must be one or more positive integers, got {shown(spans)}")
    hidden_size = as_integer(hidden_size, "hidden_size")
    rows = [_row(order, span, hidden_size) for span in counts for order in ORDERS]
    about = {
        "span": counts[0] if len(counts) == 1 else counts,
        "convention": convention(),
        "hidden size": hidden_size,
    }
    return Table(rows, about=about)


def _row(order: Order, span: int, hidden_size: int) -> dict[str, Any]:
    architecture = order.build(span) if span <= order.largest else None
    row: dict[str, Any] = {
        "span": span,
        "network": order.name,
        "maximum path length (printed)": order.printed or None,
        "mean recurrent length": None,
        "longest path": None,
        "parameters": None,
        "state": None,
        "sequential steps": None,
    }
    if architecture is not None:
        (course,), _ = lengths_to_gap(architecture, span)  # every lag of the span is reached
        (total,) = course.totals([span])
        assert total is not None
        row["mean recurrent length"] = float(Fraction(total, span))
        row["longest path"] = course.longest(span)[1]
        row["parameters"] = count_parameters(architecture, hidden_size)
        row["state"] = state_size(architecture, hidden_size)
        row["sequential steps"] = order.steps(span, architecture)
    return row
