import re

import numpy as np
import pytest

from drnn_theory import (
    as_dilations,
    clockwork_rnn,
    compute_mrl,
    deepest_path,
    default_span,
    dilated_cnn,
    dilated_rnn,
    exponential_dilations,
    fast_slow_rnn,
    feedforward_depth,
    gated_feedback_rnn,
    is_divisor_chain,
    layers_rnn,
    longest_lag,
    mist_rnn,
    narx_rnn,
    path_counts,
    path_table,
    skip_rnn,
    stacked_rnn,
    summary,
    tcn,
    wavenet,
)


@pytest.mark.parametrize(
    "typed",
    [
        [1, 2, 4],
        (1, 2, 4),
        np.array([1, 2, 4]),
        iter([1, 2, 4]),
        [np.int32(1), 2.0, np.float32(4)],
    ],
    ids=["list", "tuple", "array", "generator", "mixed integers and integral floats"],
)
def test_any_flat_iterable_of_positive_integers_is_a_scheme(typed):
    scheme = as_dilations(typed)
    assert scheme == (1, 2, 4)
    assert {type(s) for s in scheme} == {int}


REFUSED = [
    (ValueError, [], "got none"),
    (ValueError, [1, 0, 4], "got [1, 0, 4]: 0 is not positive"),
    (ValueError, [1, -2], "got [1, -2]: -2 is not positive"),
    (ValueError, [1, 2.5], "got [1, 2.5]: 2.5 is not an integer"),
    (ValueError, [1, float("nan")], "nan is not an integer"),
    (ValueError, [1, float("inf")], "inf is not an integer"),
    (TypeError, [1, True], "got [1, True]: True is a bool"),
    (TypeError, [np.True_], "is a bool"),
    (TypeError, [1, "2"], "'2' is no number"),
    (TypeError, [1, [2, 4]], "[2, 4] is a list"),
    (TypeError, np.ones((2, 2), dtype=int), "is a ndarray"),
    (TypeError, [1, None], "None is a NoneType"),
    (TypeError, "1,2,4", "got '1,2,4'"),
    (TypeError, 4, "got 4 (int)"),
    (TypeError, None, "got None (NoneType)"),
    (TypeError, {1: 2}, "got {1: 2} (dict)"),
    (TypeError, {1, 2}, "got {1, 2} (set)"),
    (TypeError, np.array(5), "got array(5) (ndarray)"),
    (ValueError, [-(10**5000)], "int of too many digits to show is not positive"),
]


@pytest.mark.parametrize(("error", "typed", "message"), REFUSED, ids=[m for *_, m in REFUSED])
def test_what_is_no_scheme_is_refused_with_what_was_typed(error, typed, message):
    rule = "dilations must be one or more positive integers, "
    for door in (as_dilations, compute_mrl):
        with pytest.raises(error, match=re.escape(rule) + ".*" + re.escape(message)) as caught:
            door(typed)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "typed", "message"),
    [
        (ValueError, 0, "span must be a positive integer, got 0"),
        (ValueError, -3, "span must be a positive integer, got -3"),
        (ValueError, 2.5, "span must be a positive integer, got 2.5"),
        (ValueError, float("nan"), "span must be a positive integer, got nan"),
        (TypeError, True, "span must be a positive integer, got True"),
        (TypeError, "8", "span must be a positive integer, got '8'"),
        (TypeError, [8], "span must be a positive integer, got [8] (list)"),
    ],
)
def test_a_span_is_a_positive_integer(error, typed, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        compute_mrl([1, 2], typed)


@pytest.mark.parametrize(
    "measure", [compute_mrl, longest_lag, feedforward_depth, deepest_path, default_span, summary]
)
def test_every_measure_takes_a_generator(measure):
    assert str(measure(s for s in (1, 2, 4))) == str(measure((1, 2, 4)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: as_dilations(range(1, 10**11)),
        lambda: exponential_dilations(10**6),
        lambda: exponential_dilations(3, start=10**11),
        lambda: dilated_rnn([10**10], fusion=True),
        lambda: stacked_rnn(10**10),
        lambda: skip_rnn(5, 10**10),
        lambda: narx_rnn(10**10),
        lambda: mist_rnn(range(1, 10**10)),
        lambda: layers_rnn(range(10**10)),
        lambda: dilated_cnn([1], 10**10),
        lambda: gated_feedback_rnn(10**6),
        lambda: fast_slow_rnn(10**10),
        lambda: wavenet([1], 10**10),
        lambda: tcn([1], 10**10),
        lambda: clockwork_rnn([1, 10**9]),
        lambda: path_counts([1, 2, 4], 10**10),
        lambda: path_table([1, 2, 4], 10**6),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_built(call):
    with pytest.raises(ValueError, match=r"must fit in half of this machine's memory, got \d+ GiB"):
        call()


@pytest.mark.parametrize(
    ("arguments", "scheme"),
    [((4,), (1, 2, 4, 8)), ((3, 3), (1, 3, 9)), ((2, 10), (1, 10)), ((1,), (1,))],
)
def test_exponential_dilations_are_powers_of_their_base(arguments, scheme):
    assert exponential_dilations(*arguments) == scheme


def test_a_starting_exponent_drops_the_lowest_dilations():
    assert exponential_dilations(3, 2, start=2) == exponential_dilations(5)[2:]


@pytest.mark.parametrize(
    ("scheme", "chain"),
    [
        ([1, 2, 4], True),
        ([4, 1, 2, 2], True),
        ([1, 5, 10], True),
        ([1, 2, 3], False),
        ([2, 4], False),
    ],
)
def test_a_divisor_chain_starts_at_1_and_each_dilation_divides_the_next(scheme, chain):
    assert is_divisor_chain(scheme) is chain
