"""How long designing takes; run with --benchmark-only."""

import pytest

from drnn_theory import optimal_dilations, recommend


@pytest.mark.parametrize(
    ("span", "layers"), [(99, 4), (99, 5), (99, 6), (99, 7), (256, 4), (256, 5), (1000, 4)]
)
def test_exhaustive_search(benchmark, span, layers):
    best = benchmark.pedantic(optimal_dilations, (span, layers), rounds=3)
    assert best.certificate.exhaustive


def test_local_search_beyond_exact_reach(benchmark):
    best = benchmark.pedantic(optimal_dilations, (1000, 9), rounds=3)
    assert float(best.mrl) - 9 <= 4.22


def test_divisor_chains_of_a_million_lags(benchmark):
    best = benchmark.pedantic(optimal_dilations, (10**6, 9), {"within": "divisor_chains"}, rounds=3)
    assert best.certificate.exhaustive


def test_a_recommendation(benchmark):
    found = benchmark.pedantic(recommend, (784,), {"parameters": 50_000}, rounds=3)
    assert found.options
