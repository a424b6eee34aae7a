"""How long the explorer takes from a change of a widget to the last output; --benchmark-only.

Nothing is kept from one round to the next: every round looks at the architecture anew.
"""

import itertools

import pytest

from drnn_theory import explore
from drnn_theory.explorer import choices, views

CACHES = (choices._built, views._wired, views._lengths, views._by_start)
NINE = "1, 2, 4, 8, 16, 32, 64, 128, 256"
FORMS = {
    "DilatedRNN": ("dilated_rnn", {"dilations": NINE}),
    "best found": ("dilated_rnn", {"dilations": "1, 3, 10, 15, 21, 54, 82, 114, 118"}),
    "fusion": ("dilated_rnn", {"dilations": "4, 8, 16, 32, 64, 128, 256", "fusion": True}),
    "skip RNN": ("skip_rnn", {"skip": 256, "layers": 9}),
    "gated feedback": ("gated_feedback_rnn", {"layers": 9}),
    "NARX": ("narx_rnn", {"max_lag": 256}),
    "WaveNet": ("wavenet", {"dilations": NINE}),
    "TCN": ("tcn", {"dilations": NINE}),
    "clockwork": ("clockwork_rnn", {"periods": NINE}),
    "hierarchical": ("hierarchical_rnn", {"periods": NINE}),
}


@pytest.fixture(params=FORMS)
def explorer(request):
    family, values = FORMS[request.param]
    explorer = explore([1, 2], span=256)
    explorer.family.value = family
    for name, value in values.items():
        explorer.form.children[0].inputs[name].value = value
    assert explorer.view.span == 256
    yield explorer
    explorer._searches.drop()
    explorer._tables.drop()


def test_a_change_of_architecture_or_span(benchmark, explorer):
    spans = itertools.cycle([255, 256])

    def forget():
        explorer._searches.drop()
        explorer._tables.drop()
        explorer._summaries.clear()
        for cache in CACHES:
            cache.cache_clear()
        return (next(spans),), {}

    change = explorer.span.set_trait
    benchmark.pedantic(lambda span: change("value", span), setup=forget, rounds=15)
    # of a clock of nine modules the graph of 256 phases alone takes half of that to build and check
    assert benchmark.stats.stats.median < (0.2 if explorer.view.period == 1 else 0.35)


def test_a_change_of_the_lag(benchmark, explorer):
    lags = itertools.count(100)
    change = explorer.lag.set_trait
    benchmark.pedantic(lambda: change("value", next(lags)), rounds=30)
    assert benchmark.stats.stats.median < 0.2
