"""Maximum path lengths: the orders that are printed, and the constants computed."""

import math
from fractions import Fraction

import numpy as np
import pytest

from drnn_theory import compute_mrl, longest_lag
from drnn_theory.orders import ORDERS, path_length_orders


@pytest.fixture(scope="module")
def rows():
    return {row["network"]: row for row in path_length_orders(64)}


def test_printed_orders_get_their_constants(rows):
    # O(n): one edge a step and one into the layer
    assert rows["plain RNN"]["longest path"] == 64 + 1
    # O(n / k): kernel 3 reaches two steps a layer
    assert rows["convolutions, kernel 3"]["longest path"] == 64 / 2
    # O(log_k n): the digits of the lag
    assert rows["dilated convolutions, kernel 3"]["longest path"] == math.ceil(math.log(65, 3))
    # O(1): into the width, and one layer of attention
    assert rows["causal Transformer, 6 layers"]["longest path"] == 2
    assert rows["causal Transformer, 6 layers"]["mean recurrent length"] == 2
    # O(n / r)
    assert rows["sliding window of 33"]["longest path"] == 1 + 64 / 32


def test_what_has_no_row_in_print_is_measured_too(rows):
    assert rows["state spaces, decays not counted"]["longest path"] == 3
    assert rows["state spaces, decays counted"]["longest path"] == 3 + 64
    # 63 = 333 in base 4 takes three layers of LongNet
    assert rows["LongNet, base 4"]["longest path"] == 1 + 3
    assert rows["TCN, kernel 3"]["longest path"] == 6
    assert rows["WaveNet, kernel 2"]["longest path"] == 1 + 6
    assert rows["Griffin, window of 64"]["longest path"] == 3


def test_every_network_covers_the_span_and_the_table_says_what_is_counted(rows):
    assert list(rows) == [order.name for order in ORDERS]
    assert all(math.isfinite(row["mean recurrent length"]) for row in rows.values())
    about = path_length_orders(2).about
    assert about["span"] == 2
    assert about["convention"] == "lags 1..span, vertical edges counted"


def longnet_lengths(span):
    """One edge into the width, and one for each digit that is not 0 in base 4."""
    lags, lengths = np.arange(span + 1), np.ones(span + 1, dtype=int)
    while lags.any():
        lengths += lags % 4 > 0
        lags //= 4
    return lengths


def wavenet_lengths(span):
    """One edge into the width, and one for each binary digit 1."""
    lags, lengths = np.arange(span + 1), np.ones(span + 1, dtype=int)
    while lags.any():
        lengths += lags % 2
        lags //= 2
    return lengths


def tcn_lengths(span):
    """Two edges for each level passed, which adds up to four of its dilation, or one around the
    first, whose width changes."""
    fewest = np.full(span + 1, 10**6)  # levels of the dilations 2, 4, ..
    fewest[0] = 0
    dilation = 2
    while 4 * dilation <= span:
        before = fewest.copy()
        for lag in range(dilation, 5 * dilation, dilation):
            np.minimum(fewest[lag:], before[:-lag] + 1, out=fewest[lag:])
        dilation *= 2
    lengths = 1 + 2 * fewest
    for lag in range(5):
        np.minimum(lengths[lag:], 2 + 2 * fewest[: len(fewest) - lag], out=lengths[lag:])
    return lengths


@pytest.mark.parametrize(
    ("name", "lengths"),
    [
        ("plain RNN", lambda span: 1 + np.arange(span + 1)),
        ("dilated convolutions, kernel 3", lambda span: np.full(span + 1, 13)),  # 3**12 < 10**6
        ("causal Transformer, 6 layers", lambda span: np.full(span + 1, 2)),
        ("TCN, kernel 3", tcn_lengths),
        ("WaveNet, kernel 2", wavenet_lengths),
        ("LongNet, base 4", longnet_lengths),
        ("state spaces, decays counted", lambda span: 3 + np.arange(span + 1)),
        ("state spaces, decays not counted", lambda span: np.full(span + 1, 3)),
        ("Griffin, window of 64", lambda span: np.where(np.arange(span + 1) < 64, 2, 3)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_million_steps_are_exact_by_closed_forms(name, lengths):
    span = 10**6
    (order,) = [order for order in ORDERS if order.name == name]
    architecture, right = order.build(span), lengths(span)[1:]
    assert compute_mrl(architecture, span, exact=True) == Fraction(int(right.sum()), span)
    assert longest_lag(architecture, span) == (1 + int(np.argmax(right)), right.max())


@pytest.mark.parametrize("digits", range(1, 9))
def test_the_logarithmic_dependency_of_longnet_has_the_constant_one(digits):
    span = 4**digits - 1
    (order,) = [order for order in ORDERS if order.name == "LongNet, base 4"]
    graph = order.build(span)
    ones = span // 3  # 11..1 in base 4, the least lag without a digit 0
    assert longest_lag(graph, span) == (ones, 1 + digits)
    mean = 1 + Fraction(3, 4) * digits * 4**digits / span
    assert compute_mrl(graph, span, exact=True) == mean


def test_several_spans_follow_each_other_for_a_figure():
    table = path_length_orders([8, 16])
    assert [row["span"] for row in table] == [8] * len(ORDERS) + [16] * len(ORDERS)
    assert list(table)[: len(ORDERS)] == list(path_length_orders(8))
    assert table.about["span"] == [8, 16]
    with pytest.raises(ValueError, match=r"^spans must be one or more positive integers, got \[\]"):
        path_length_orders([])
    with pytest.raises(ValueError, match=r"^span must be a positive integer, got 0"):
        path_length_orders([8, 0])


def test_networks_that_would_be_absurdly_deep_are_dashes():
    assert ORDERS[2].build(10**6) is None
    assert ORDERS[7].build(10**6) is None
