"""Maximum path lengths: the orders that are printed, and the constants computed."""

import math

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


@pytest.mark.parametrize("order", [ORDERS[i] for i in (0, 1, 3, 6)], ids=lambda order: order.name)
def test_closed_forms_serve_a_million_steps(order):
    architecture = order.build(10**6)
    lag, length = longest_lag(architecture, 10**6)
    assert 1 <= lag <= 10**6
    assert compute_mrl(architecture, 10**6) <= length
    constants = {
        "plain RNN": 10**6 + 1,
        "dilated convolutions, kernel 3": 13,  # 3**12 < 10**6 < 3**13
        "causal Transformer, 6 layers": 2,
    }
    assert length == constants.get(order.name, length)


def test_networks_that_would_be_absurdly_deep_are_dashes():
    assert ORDERS[2].build(10**6) is None
    assert ORDERS[7].build(10**6) is None
