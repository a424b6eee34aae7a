import itertools
import math
import os
import random
import re
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drnn_theory import (
    best_exponential,
    compute_mrl,
    count_parameters,
    counting_bound,
    exponential_dilations,
    hidden_size_for,
    is_divisor_chain,
    layers_rnn,
    load_optimal_schemes,
    longest_lag,
    optimal_dilations,
    receptive_field,
    recommend,
    sequential_steps,
    state_size,
    tcn,
)
from drnn_theory.design import branching, optimal
from drnn_theory.design.branching import Search, Target
from drnn_theory.design.descent import descents

SPANS = range(1, 41)
BUDGETS = int(os.environ.get("RANDOM_BUDGETS", "12"))  # `make budgets` takes 500, to 32 steps
LONGEST = 32 if BUDGETS > 100 else 20


@cache
def coins_of_all_schemes(layers, largest_span=40):
    """The schemes of distinct dilations from 1, and their fewest coins: one coin more at a time."""
    if layers == 1:
        return [(1,)], np.arange(largest_span + 1, dtype=np.int16)[None]
    shorter, before = coins_of_all_schemes(layers - 1, largest_span)
    schemes, tables = [], []
    for scheme, coins in zip(shorter, before, strict=True):
        for s in range(scheme[-1] + 1, largest_span + 1):
            row = coins.copy()
            for n in range(s, largest_span + 1):
                row[n] = min(row[n], row[n - s] + 1)
            schemes.append((*scheme, s))
            tables.append(row)
    return schemes, np.array(tables)


def brute_force(span, layers, measure=np.sum, allowed=lambda scheme: True):
    """All schemes within the span of the least coins, and that least, by looking at every one."""
    schemes, coins = coins_of_all_schemes(layers)
    which = [i for i, s in enumerate(schemes) if s[-1] <= span and allowed(s)]
    costs = measure(coins[which][:, : span + 1], axis=1)
    least = costs.min()
    return sorted(schemes[which[i]] for i in np.flatnonzero(costs == least)), int(least)


@pytest.mark.parametrize(
    ("layers", "schemes", "mean"),
    [
        (1, [(1,)], "49.50"),
        (2, [(1, 10), (1, 11)], "9.00"),
        (3, [(1, 12, 19)], "5.15"),
        (4, [(1, 5, 18, 25), (1, 5, 18, 29)], "3.89"),
    ],
)
def test_the_best_coins_for_change_of_a_dollar(layers, schemes, mean):
    best = optimal_dilations(99, layers)
    assert best.schemes == schemes
    assert (best.mrl - layers) * 99 / 100 == Fraction(mean)  # in print 0 counts among 0..99
    assert best.certificate.exhaustive
    assert best.certificate.complete


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_every_small_optimum_and_all_its_ties_are_those_of_brute_force(layers):
    for span in range(layers, 41):
        schemes, total = brute_force(span, layers)
        best = optimal_dilations(span, layers)
        assert best.schemes == schemes, span
        assert best.mrl == layers + Fraction(total, span)
        assert best.certificate.exhaustive
        assert best.certificate.complete
        assert best.certificate.lower_bound == best.mrl
        assert best.certificate.gap == 0


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_the_shortest_worst_case_is_that_of_brute_force(layers):
    for span in range(layers, 41, 3):
        schemes, longest = brute_force(span, layers, np.max)
        best = optimal_dilations(span, layers, objective="worst")
        assert sorted(best.schemes) == schemes, span
        assert best.longest == layers + longest
        assert best.longest == longest_lag(best.schemes[-1], span)[1]
        assert best.mrl == min(compute_mrl(s, span, exact=True) for s in schemes)
        assert best.certificate.complete


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_a_given_largest_dilation_restricts_the_class(layers):
    for span, largest in [(40, 40), (40, 21), (27, 27), (13, 9), (8, 8), (6, 5)]:
        schemes, total = brute_force(span, layers, allowed=lambda s, top=largest: s[-1] == top)
        best = optimal_dilations(span, layers, largest=largest)
        assert (best.schemes, best.mrl) == (schemes, layers + Fraction(total, span))
        assert best.certificate.complete


@pytest.mark.parametrize("objective", ["mean", "worst"])
def test_the_chosen_depth_is_the_best_of_all_depths(objective):
    for span in (1, 2, 3, 7, 12, 20, 27):
        each = [
            optimal_dilations(span, layers, objective=objective)
            for layers in range(1, min(span, 8) + 1)  # 9 layers cost 10, more than the best of 27
        ]
        value = {"mean": lambda d: d.mrl, "worst": lambda d: d.longest}[objective]
        least = min(map(value, each))
        schemes = {s for d in each if value(d) == least for s in d.schemes}
        best = optimal_dilations(span, objective=objective)
        assert value(best) == least
        assert set(best.schemes) == schemes
        assert best.certificate.complete


@pytest.mark.parametrize(
    ("m", "scheme", "mean"), [(8, (1, 3, 4, 8), "11/2"), (27, (1, 5, 8, 27), "61/9")]
)
def test_theorem_3_1_needs_its_hypotheses(m, scheme, mean):
    chain = optimal_dilations(m, 4, within="divisor_chains", largest=m)
    free = optimal_dilations(m, 4, largest=m)
    assert scheme in free.schemes
    assert free.mrl == Fraction(mean) < chain.mrl


# ------------------------------------------------------------------ divisor chains


@pytest.mark.parametrize(
    ("M", "layers"), [(M, L) for M in range(2, 11) for L in range(1, 13) if M ** (L - 1) <= 10**5]
)
def test_theorem_3_1_among_divisor_chains(M, layers):
    m = M ** (layers - 1)
    best = optimal_dilations(m, layers, within="divisor_chains", largest=m)
    assert best.schemes == [exponential_dilations(layers, M)]
    assert best.mrl == layers + Fraction(M - 1, 2) * (layers - 1) + Fraction(1, m)
    assert best.certificate.exhaustive


@pytest.mark.parametrize(("M", "layers"), [(3, 3), (3, 4), (4, 3), (5, 3), (5, 4), (7, 4), (10, 6)])
def test_shorter_chains_beat_the_exponential_one_from_base_3_on(M, layers):
    m = M ** (layers - 1)
    best = optimal_dilations(m, layers, within="divisor_chains")
    assert best.mrl < compute_mrl(exponential_dilations(layers, M), m, exact=True)
    assert all(s[-1] < m for s in best.schemes)


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_the_best_chains_are_those_of_brute_force(layers):
    for span in range(2 ** (layers - 1), 41):
        schemes, total = brute_force(span, layers, allowed=is_divisor_chain)
        best = optimal_dilations(span, layers, within="divisor_chains")
        assert (best.schemes, best.mrl) == (schemes, layers + Fraction(total, span)), span
    for largest in (8, 12, 24, 30, 36) if layers > 1 else ():

        def ends_there(scheme, largest=largest):
            return scheme[-1] == largest and is_divisor_chain(scheme)

        schemes, total = brute_force(40, layers, allowed=ends_there)
        best = optimal_dilations(40, layers, within="divisor_chains", largest=largest)
        assert (best.schemes, best.mrl) == (schemes, layers + Fraction(total, 40)), largest


def test_chains_of_any_depth_and_large_spans():
    best = optimal_dilations(4096, within="divisor_chains")
    assert best.schemes == [(1, 3, 9, 27, 81, 324, 1296)]
    assert best.mrl == compute_mrl(best.schemes[0], 4096, exact=True)
    top = optimal_dilations(4096, within="divisor_chains", largest=4096)
    assert top.schemes == [exponential_dilations(7, 4)]  # 4 is the best integer base
    assert top.mrl == 16 + Fraction(1, 4096)
    many = optimal_dilations(100_000, 7, within="divisor_chains", most_schemes=1)
    assert len(many.schemes) == 1
    assert many.mrl == compute_mrl(many.schemes[0], 100_000, exact=True)


# ------------------------------------------------------------------ bounds


@given(st.integers(1, 300), st.integers(1, 8))
def test_the_counting_bound_is_the_sum_that_it_closes(span, layers):
    total = sum(max(0, span + 1 - math.comb(k + layers, layers)) for k in range(span + 1))
    assert counting_bound(span, layers, vertical=False) == Fraction(total, span)
    assert counting_bound(span, layers) == layers + Fraction(total, span)


@pytest.mark.parametrize(("layers", "bound"), [(4, 3.778), (5, 3.192), (6, 2.828), (7, 2.576)])
def test_the_counting_bound_over_99_lags(layers, bound):
    assert round(float(counting_bound(99, layers, vertical=False)), 3) == bound


def test_the_counting_bound_holds_for_every_small_scheme_and_for_huge_spans():
    for layers in (1, 2, 3, 4):
        _, coins = coins_of_all_schemes(layers)
        for span in SPANS:
            least = int(coins[:, : span + 1].sum(axis=1).min())
            assert counting_bound(span, layers, vertical=False) <= Fraction(least, span)
    assert counting_bound(10**18, 1) == 1 + Fraction(10**18 + 1, 2)
    assert 9 < counting_bound(10**18, 9) < compute_mrl([4**k for k in range(9)], 10**18, exact=True)


@pytest.mark.parametrize("worst", [False, True])
def test_the_best_base_is_the_best_of_all_bases(worst):
    def length(scheme, span):
        return longest_lag(scheme, span)[1] if worst else compute_mrl(scheme, span, exact=True)

    for layers, span in itertools.product(range(1, 6), [*range(1, 20), 27, 30, 40, 99]):
        lengths = [length(exponential_dilations(layers, M), span) for M in range(2, span + 2)]
        scheme = best_exponential(span, layers, worst=worst)
        assert length(scheme, span) == min(lengths)


@given(st.data())
def test_the_pruning_bound_holds_for_every_completion(data):
    """Complete a random prefix by random larger dilations: the bound at the first is not above."""
    span = data.draw(st.integers(8, 60))
    prefix = sorted(data.draw(st.sets(st.integers(2, span // 2), max_size=2)) | {1})
    rest = data.draw(st.sets(st.integers(prefix[-1] + 1, span), min_size=1, max_size=3))
    reach = data.draw(st.sampled_from([None, 2, 3]))
    scheme = (*prefix, *sorted(rest))
    target = Target(span, len(scheme), reach=reach)
    search = Search(target, ceiling=10**6, most=1)
    coins = branching.fewest_coins(prefix, span).astype(search.dtype)[:, None]
    chunk = branching.Chunk(np.array(prefix)[:, None], coins, len(rest))
    bound = branching.Bound(search, chunk)
    assert bound(np.array([0]), np.array([min(rest)]))[0] <= branching.cost(target, scheme)


# ------------------------------------------------------------------ what is proved, what is found


def test_what_is_out_of_reach_is_found_and_bounded():
    best = optimal_dilations(1000, 9)
    assert best.mrl - 9 <= Fraction("4.22")
    assert best.mrl == compute_mrl(best.schemes[0], 1000, exact=True)
    proof = best.certificate
    assert (proof.exhaustive, proof.complete, proof.method) == (False, False, "local search")
    assert proof.lower_bound == best.counting_bound == counting_bound(1000, 9)
    assert proof.gap == best.mrl / proof.lower_bound - 1
    assert "not proved" in str(best)
    assert "gap 1." in str(best)


def test_without_effort_the_same_question_gets_a_gap_instead_of_a_proof():
    exact, quick = optimal_dilations(99, 5), optimal_dilations(99, 5, effort=1)
    assert exact.certificate.exhaustive
    assert not quick.certificate.exhaustive
    assert quick.certificate.lower_bound == counting_bound(99, 5)
    assert exact.mrl <= quick.mrl < exact.exponential_mrl


def test_one_seed_one_answer():
    first, second = (optimal_dilations(300, 7, seed=5, effort=10**7) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    runs = [list(descents(Target(200, 6), seed=seed, budget=10**7)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_more_ties_than_are_wanted_are_not_listed_but_the_optimum_is_proved():
    best = optimal_dilations(40, 20, most_schemes=50)
    assert len(best.schemes) == 50
    assert best.mrl == counting_bound(40, 20)
    assert best.certificate.exhaustive
    assert not best.certificate.complete
    assert "more optima exist" in str(best)


@pytest.mark.parametrize("layers", [6, None])
def test_an_interrupted_search_returns_the_best_so_far(monkeypatch, layers):
    class Impatient(optimal.tqdm):
        def update(self, n=1):
            if n > 0:
                raise KeyboardInterrupt

    monkeypatch.setattr(optimal, "tqdm", Impatient)
    best = optimal_dilations(99, layers)
    assert best.schemes
    assert best.mrl == compute_mrl(best.schemes[0], 99, exact=True)
    assert best.certificate.interrupted
    assert not best.certificate.exhaustive
    assert "interrupted" in str(best)


@pytest.mark.parametrize("objective", ["mean", "worst"])
def test_interrupted_at_any_moment_it_claims_nothing_false(monkeypatch, objective):
    truth = optimal_dilations(60, 4, objective=objective)
    real = optimal.tqdm.update
    for patience in range(1, 60, 4):
        left = iter(range(patience))

        def update(self, n=1, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return real(self, n)

        monkeypatch.setattr(optimal.tqdm, "update", update)
        best = optimal_dilations(60, 4, objective=objective)
        monkeypatch.undo()
        value, least = (
            (best.mrl, truth.mrl) if objective == "mean" else (best.longest, truth.longest)
        )
        assert best.certificate.lower_bound <= least <= value
        assert best.certificate.exhaustive == (best.certificate.lower_bound == value)
        if best.certificate.complete:
            assert best.schemes == truth.schemes


@pytest.mark.parametrize("objective", ["mean", "worst"])
def test_with_any_effort_it_claims_nothing_false(objective):
    truth = optimal_dilations(99, 5, objective=objective)
    assert truth.certificate.complete
    seen = set()
    for effort in [10**k for k in range(2, 8)]:
        best = optimal_dilations(99, 5, objective=objective, effort=effort)
        value, least = (
            (best.mrl, truth.mrl) if objective == "mean" else (best.longest, truth.longest)
        )
        proof = best.certificate
        assert proof.lower_bound <= least <= value
        assert proof.exhaustive == (proof.lower_bound == value)
        assert proof.complete <= (best.schemes == truth.schemes)
        seen.add((proof.exhaustive, proof.complete))
    assert {(False, False), (True, True)} <= seen


def test_a_worst_case_of_which_only_shorter_ones_were_excluded_is_not_complete():
    best = optimal_dilations(51, 5, objective="worst", effort=10_000)
    assert best.certificate.exhaustive
    assert not best.certificate.complete
    assert len(best.schemes) < len(optimal_dilations(51, 5, objective="worst").schemes)


def test_a_bar_is_shown_only_when_asked_for_or_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(optimal, "DELAY", 0)
    optimal_dilations(40, 4)
    assert capsys.readouterr().err == ""
    optimal_dilations(40, 4, progress=True)
    assert "dilations for span 40" in capsys.readouterr().err


def test_a_design_shows_itself():
    best = optimal_dilations(99, 4)
    assert best.gain == 1 - best.mrl / compute_mrl([1, 3, 9, 27], 99, exact=True)
    text, page = str(best), best._repr_html_()
    for shown in ("1, 5, 18, 25", "1, 5, 18, 29", "1, 3, 9, 27", "7.92929", "proved", "99"):
        assert shown in text
        assert shown in page
    assert "<table" in page
    frame = best.to_frame()
    assert frame["dilations"].tolist() == [(1, 5, 18, 25), (1, 5, 18, 29), (1, 3, 9, 27)]
    assert frame["scheme"].tolist() == ["optimum", "optimum", "best exponential"]
    plain = best.to_dict()
    assert Fraction(plain["mean recurrent length"]) == best.mrl
    assert plain["schemes"] == [[1, 5, 18, 25], [1, 5, 18, 29]]
    assert plain["exhaustive"] is True


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"span": 0}, ValueError, "span must be a positive integer, got 0"),
        ({"span": True}, TypeError, "span must be a positive integer, got True"),
        ({"span": 8, "layers": 0}, ValueError, "layers must be a positive integer, got 0"),
        (
            {"span": 5, "layers": 6},
            ValueError,
            "layers must be at most 5, the number of distinct dilations up to 5, got 6",
        ),
        (
            {"span": 9, "layers": 6, "largest": 5},
            ValueError,
            "layers must be at most 5, the number of distinct dilations up to 5, got 6",
        ),
        ({"span": 8, "largest": 9}, ValueError, "largest must be at most the span 8, got 9"),
        (
            {"span": 8, "layers": 1, "largest": 4},
            ValueError,
            "largest must be 1 for one layer, whose dilation is 1, got 4",
        ),
        (
            {"span": 99, "layers": 8, "within": "divisor_chains"},
            ValueError,
            "layers must be at most 7 for a divisor chain within 99, got 8",
        ),
        (
            {"span": 99, "layers": 3, "within": "divisor_chains", "largest": 97},
            ValueError,
            "layers must be at most 2 for a divisor chain from 1 to 97, got 3",
        ),
        (
            {"span": 10**7},
            ValueError,
            "span must be at most 100000 within 'all' "
            "(within='divisor_chains' reaches further), got 10000000",
        ),
        ({"span": 10**15, "within": "divisor_chains"}, ValueError, "must fit in half of this"),
        ({"span": 8, "within": "chains"}, ValueError, "'all', 'divisor_chains', got 'chains'"),
        ({"span": 8, "objective": "best"}, ValueError, "objective must be one of 'mean', 'worst'"),
        (
            {"span": 8, "objective": "worst", "within": "divisor_chains"},
            ValueError,
            "objective must be 'mean' within 'divisor_chains', got 'worst'",
        ),
        ({"span": 8, "seed": -1}, ValueError, "seed must be a non-negative integer, got -1"),
        ({"span": 8, "effort": 0}, ValueError, "effort must be a positive integer, got 0"),
        ({"span": 8, "most_schemes": 0}, ValueError, "most_schemes must be a positive integer"),
    ],
)
def test_what_cannot_be_is_refused(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        optimal_dilations(**call)


# ------------------------------------------------------------------ several lags in a layer


@pytest.mark.parametrize(("layers", "lags"), [(1, 2), (1, 3), (2, 2), (1, 4), (3, 1)])
def test_the_best_lags_of_wide_layers_are_those_of_brute_force(layers, lags):
    for span in range(layers * lags, 17):
        best = optimal_dilations(span, layers, lags_per_layer=lags)
        schemes, total = brute_force(span, layers * lags)
        assert set(best.schemes) == set(schemes)
        assert best.mrl == layers + Fraction(int(total), span)
        assert best.certificate.complete
        assert best.counting_bound <= best.mrl


def test_the_mean_of_wide_layers_is_that_of_the_graph_however_they_share_the_lags():
    for objective in ("mean", "worst"):
        best = optimal_dilations(30, 2, lags_per_layer=2, objective=objective)
        for a, b, c, d in itertools.permutations(best.schemes[0]):
            graph = layers_rnn([[a, b], [c, d]])
            assert compute_mrl(graph, 30, exact=True) == best.mrl
            assert longest_lag(graph, 30)[1] == best.longest
    one = optimal_dilations(30, 4, objective="worst")
    assert (best.schemes, best.longest) == (one.schemes, one.longest - 2)


@pytest.mark.parametrize("objective", ["mean", "worst"])
def test_the_chosen_depth_of_wide_layers_is_the_best_of_all_depths(objective):
    for span in (5, 9, 12):
        best = optimal_dilations(span, lags_per_layer=2, objective=objective)
        value = "mrl" if objective == "mean" else "longest"
        each = [
            getattr(optimal_dilations(span, layers, lags_per_layer=2, objective=objective), value)
            for layers in range(1, span // 2 + 1)
        ]
        assert getattr(best, value) == min(each)
        assert best.certificate.exhaustive


def test_a_design_of_wide_layers_shows_its_lags_and_their_class():
    best = optimal_dilations(99, 2, lags_per_layer=2)
    first = best.rows()[0]
    assert (first["lags"], first["lags per layer"]) == ((1, 5, 18, 25), 2)
    assert first["vertical edges"] == 2
    assert "sequential steps" not in first
    assert str(best.certificate) == (
        "proved (branch and bound): best of all sets of distinct lags 1 = s_1 < .. <= 99 with 2 "
        "layers, 2 lags in each; all optima are listed; machine-checked in "
        "proofs/rocq/optimal_schemes.v"
    )
    assert best.gain == 1 - best.mrl / (optimal_dilations(99, 4).exponential_mrl - 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            {"span": 8, "layers": 3, "lags_per_layer": 3},
            ValueError,
            "layers * lags_per_layer must be at most 8, the number of distinct lags up to 8, "
            "got 3 * 3",
        ),
        (
            {"span": 99, "lags_per_layer": 3, "largest": 2},
            ValueError,
            "layers * lags_per_layer must be at most 2, the number of distinct lags up to 2, "
            "got 1 * 3",
        ),
        (
            {"span": 99, "layers": 2, "lags_per_layer": 2, "within": "divisor_chains"},
            ValueError,
            "lags_per_layer must be 1 within 'divisor_chains', got 2; within='all' takes more",
        ),
        (
            {"span": 99, "layers": 2, "lags_per_layer": 0},
            ValueError,
            "lags_per_layer must be a positive integer, got 0",
        ),
        (
            {"span": 99, "layers": 2, "lags_per_layer": [2]},
            TypeError,
            "lags_per_layer must be a positive integer, got [2]",
        ),
    ],
)
def test_lags_that_no_layers_have_are_refused(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        optimal_dilations(**call)


# ------------------------------------------------------------------ the table of optimal schemes

TABLE = {(row["span"], row["layers"]): row for row in load_optimal_schemes()}


def test_the_table_has_every_cell_and_every_cell_is_exhaustive():
    assert sorted(TABLE) == list(itertools.product((8, 16, 32, 64, 99, 128, 256), range(1, 8)))
    assert all(row["exhaustive"] and row["complete"] for row in TABLE.values())


@pytest.mark.parametrize("cell", TABLE)
def test_every_mean_of_the_table_is_that_of_its_schemes(cell):
    span, layers = cell
    row = TABLE[cell]
    assert row["schemes"] == sorted(set(row["schemes"]))
    for scheme in row["schemes"]:
        assert len(scheme) == layers
        assert scheme[-1] <= span
        assert compute_mrl(scheme, span, exact=True) == row["mrl"]
    assert row["exponential"] == best_exponential(span, layers)
    assert row["exponential_mrl"] == compute_mrl(row["exponential"], span, exact=True)
    assert counting_bound(span, layers) == row["counting_bound"] <= row["mrl"]
    assert row["mrl"] <= row["exponential_mrl"]


@pytest.mark.parametrize(
    "cell", [cell for cell in TABLE if cell[0] <= 32 or cell[1] <= 4 or cell == (99, 5)]
)
def test_the_table_is_what_a_search_finds_again(cell):
    best = optimal_dilations(*cell, most_schemes=10**6)
    assert best.schemes == TABLE[cell]["schemes"]
    assert best.mrl == TABLE[cell]["mrl"]


# ------------------------------------------------------------------ recommendations


@pytest.mark.parametrize(
    ("length", "budgets", "cell"),
    [
        (100, {"parameters": 5000}, "GRU"),
        (100, {"state": 2000}, "LSTM"),
        (300, {"parameters": 20_000, "state": 3000, "steps": 350}, "RNN"),
        (2, {"parameters": 100}, "RNN"),
        (30_000, {"parameters": 20_000}, "GRU"),
    ],
)
def test_options_fit_their_budgets_and_none_betters_another(length, budgets, cell):
    found = recommend(length, cell=cell, **budgets)
    assert found.options
    for option in found.options:
        scheme, hidden = option.dilations, option.hidden_size
        assert option.mrl == compute_mrl(scheme, length - 1, exact=True)
        assert option.parameters == count_parameters(scheme, hidden, cell=cell)
        assert option.state == state_size(scheme, hidden, cell=cell)
        assert option.steps == sequential_steps(scheme, length)
        costs = {"parameters": option.parameters, "state": option.state, "steps": option.steps}
        assert all(costs[name] <= budget for name, budget in budgets.items())
        wider = {
            "parameters": count_parameters(scheme, hidden + 1, cell=cell),
            "state": state_size(scheme, hidden + 1, cell=cell),
        }
        assert any(wider[name] > budgets[name] for name in wider if name in budgets)
    for shorter, longer in itertools.pairwise(found.options):
        assert shorter.mrl < longer.mrl
        assert shorter.hidden_size < longer.hidden_size


def test_what_is_recommended_for_a_hundred_steps_is_the_best_scheme_of_each_depth():
    found = recommend(100, parameters=5000)
    assert found.options[0].dilations in optimal_dilations(99).schemes
    for option in found.options:
        best = optimal_dilations(99, len(option.dilations))
        assert option.mrl == best.mrl
    assert found.advice.startswith(
        "Take 4 GRU layers of 14 units with dilations 1, 5, 18, 25: mean recurrent length 7.93 "
    )
    assert "\n" not in found.advice


def test_a_budget_of_steps_or_state_chooses_other_schemes():
    free = recommend(100, parameters=5000).options[0]
    assert free.steps == 130
    hasty = recommend(100, parameters=5000, steps=129).options[0]
    assert hasty.steps <= 129
    assert hasty.mrl > free.mrl or hasty.dilations != free.dilations
    assert (1, 4, 13, 20) in [option.dilations for option in recommend(100, state=1000).options]
    frugal = recommend(100, parameters=5000, state=100).options[0]
    assert frugal.state <= 100
    assert frugal.hidden_size * sum(frugal.dilations) <= 100


@pytest.mark.parametrize(
    "budgets", [{"parameters": 12}, {"state": 1}, {"parameters": 5000, "steps": 100}]
)
def test_budgets_that_just_fit_one_layer_give_one_layer(budgets):
    assert [option.dilations for option in recommend(100, **budgets).options] == [(1,)]


def brute_force_front(length, budgets, cell):
    """Return (mean, width) of every option, from all schemes of up to six layers."""
    span, options = length - 1, set()
    depths = min(span, 6)
    for layers in range(1, depths + 1):
        by_parameters = 0
        while "parameters" in budgets and (
            count_parameters((1,) * layers, by_parameters + 1, cell=cell) <= budgets["parameters"]
        ):
            by_parameters += 1
        schemes, coins = coins_of_all_schemes(layers, LONGEST - 1)
        totals = coins[:, 1 : span + 1].sum(axis=1).tolist()
        for scheme, total in zip(schemes, totals, strict=True):
            steps = sum(-(-length // s) for s in scheme)
            if scheme[-1] > span or steps > budgets.get("steps", steps):
                continue
            widths = [by_parameters] if "parameters" in budgets else []
            if "state" in budgets:
                widths.append(budgets["state"] // (sum(scheme) * (2 if cell == "LSTM" else 1)))
            if min(widths):
                options.add((layers + Fraction(total, span), min(widths)))
    front = []
    for mean, width in sorted(options, key=lambda option: (option[0], -option[1])):
        if not front or width > front[-1][1]:
            front.append((mean, width))
    return front, depths


def random_budgets(seed):
    numbers = random.Random(seed)
    length, cell = numbers.randint(2, LONGEST), numbers.choice(["RNN", "GRU", "LSTM"])
    names = numbers.choice([["parameters"], ["state"], ["parameters", "state"]])
    budgets = {}
    if "parameters" in names:
        budgets["parameters"] = numbers.randint(count_parameters([1], 1, cell=cell), 4000)
    if "state" in names:
        budgets["state"] = numbers.randint(2, 600)
    if numbers.random() < 0.6:
        budgets["steps"] = numbers.randint(length, 3 * length)
    return length, budgets, cell


@pytest.mark.parametrize("seed", range(BUDGETS))
def test_the_options_of_short_sequences_are_complete(seed):
    length, budgets, cell = random_budgets(seed)
    found = recommend(length, cell=cell, **budgets)
    assert found.complete
    expected, depths = brute_force_front(length, budgets, cell)
    assert [(option.mrl, option.hidden_size) for option in found.options] == expected
    # what is deeper is longer than an option that is at least as wide as it can be
    for layers in range(depths + 1, length):
        widths = [
            budgets.get("state", 10**9) // (layers * (layers + 1) // 2 * (1 + (cell == "LSTM")))
        ]
        if "parameters" in budgets:
            one = count_parameters((1,) * layers, 1, cell=cell)
            budget = budgets["parameters"]
            widths.append(hidden_size_for(budget, (1,) * layers, cell=cell) if one <= budget else 0)
        if min(widths) and length + layers - 1 <= budgets.get("steps", 10**9):
            assert any(mean <= layers + 1 and width >= min(widths) for mean, width in expected)


def test_a_budget_of_steps_that_binds_finds_the_best_scheme_within_it():
    found = recommend(25, parameters=2130, steps=32, cell="LSTM")
    best = {option.hidden_size: option for option in found.options}
    assert best[9].dilations == (1, 7, 9)
    assert best[9].mrl == 6
    assert best[12].mrl == Fraction(37, 6)
    assert (
        "against 5.92 of the best exponential scheme that deep, which is beyond the budgets; "
        in (found.advice)
    )
    assert found.complete
    assert (
        found.extent
        == "Complete: no scheme within the budgets is as short and wider or the reverse."
    )
    longer = recommend(100, parameters=5000)
    assert not longer.complete
    assert longer.extent.startswith("Looked at: for every depth the best schemes of a short search")


def test_convolutions_cover_the_sequence():
    found = recommend(784, parameters=50_000, cell="TCN", kernel_size=3)
    (option,) = found.options
    graph = tcn(option.dilations, kernel_size=3)
    assert option.levels == 8
    assert option.receptive_field == receptive_field(graph) == 1021
    assert receptive_field(tcn(option.dilations[:-1], kernel_size=3)) == 509 < 784
    assert option.parameters == count_parameters(graph, option.hidden_size) <= 50_000
    assert count_parameters(graph, option.hidden_size + 1) > 50_000
    assert option.mrl == compute_mrl(graph, 783, exact=True)
    assert found.advice.startswith(
        "Take 8 levels of two convolutions of kernel size 3, dilations 1 to 128, "
        f"{option.hidden_size} channels: receptive field 1021 for 784 steps (with 7 levels 509), "
    )
    assert found.advice.endswith("for 1 input feature, a read-out not counted.")
    assert found.advice in str(found)
    assert found.advice in found._repr_html_()
    assert found.to_dict()["options"][0]["dilations"] == [2**k for k in range(8)]
    assert len(found.to_frame()) == 1


def test_convolutions_of_all_kernels_are_compared():
    found = recommend(784, parameters=50_000, state=200_000, cell="TCN", input_size=3)
    for option in found.options:
        graph = tcn(option.dilations, kernel_size=option.kernel_size)
        assert option.receptive_field >= 784
        assert (
            option.parameters == count_parameters(graph, option.hidden_size, input_size=3) <= 50_000
        )
        assert option.state == state_size(graph, option.hidden_size, input_size=3) <= 200_000
    for shorter, longer in itertools.pairwise(found.options):
        assert shorter.mrl < longer.mrl
        assert shorter.hidden_size < longer.hidden_size
    assert "for 3 input features" in found.advice
    kernels = {
        recommend(784, state=10**6, cell="TCN", kernel_size=k).options[0].levels for k in (3, 8)
    }
    assert kernels == {8, 6}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            {"parameters": 20, "cell": "TCN", "kernel_size": 3},
            "parameters must be at least 66, what a TCN of one channel takes to cover 784 steps",
        ),
        (
            {"parameters": 10**4, "cell": "TCN", "kernel_size": 1},
            "kernel_size must be an integer of",
        ),
        ({"parameters": 10**4, "kernel_size": 3}, "kernel_size must be None unless the cell is"),
        ({"parameters": 10**4, "input_size": 0}, "input_size must be a positive integer, got 0"),
    ],
)
def test_convolutions_that_cannot_be_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        recommend(784, **call)


def test_a_recommendation_shows_itself():
    found = recommend(100, state=2000)
    assert len(found.options) > 12
    text, page = str(found), found._repr_html_()
    assert len(text.splitlines()) == 2 + 12 + 4  # two of the head, twelve options, four notes
    assert f"({len(found.options) - 12} more options are wider" in text
    for shown in (found.advice, "1, 5, 18, 25", "7.92929"):
        assert shown in text
        assert shown in page
    assert len(found.to_frame()) == len(found.options) == len(found.to_dict()["options"])
    assert found.to_dict()["options"][0]["dilations"] == list(found.options[0].dilations)
    one = recommend(2, parameters=100, cell="RNN")
    assert one.advice.startswith("Take 1 RNN layer of 8 units with dilations 1: ")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"parameters": 5}, ValueError, "parameters must be at least 12, what one GRU layer of"),
        ({"parameters": 5}, ValueError, "layer of one unit takes for 100 steps, got 5"),
        ({"state": 1, "cell": "LSTM"}, ValueError, "state must be at least 2, what one LSTM layer"),
        ({"state": 9, "steps": 99}, ValueError, "steps must be at least 100, what one GRU layer"),
        ({"parameters": 0}, ValueError, "parameters must be a positive integer, got 0"),
        ({"state": -1}, ValueError, "state must be a positive integer, got -1"),
        ({"parameters": "50k"}, TypeError, "parameters must be a positive integer, got '50k'"),
        ({"steps": 1000}, ValueError, "a budget of parameters or of state must be given"),
        ({}, ValueError, "a budget of parameters or of state must be given"),
        (
            {"parameters": 100, "cell": "gru"},
            ValueError,
            "cell must be one of 'RNN', 'GRU', 'LSTM'",
        ),
        ({"parameters": 100, "seed": -1}, ValueError, "seed must be a non-negative integer"),
    ],
)
def test_budgets_that_nothing_fits_are_refused_with_what_would_fit(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        recommend(100, **call)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (1, "sequence_length must be an integer of at least 2, got 1"),
        (10**9, "sequence_length must be at most 100001, got 1000000000"),
    ],
)
def test_absurd_sequences_are_refused(length, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        recommend(length, parameters=100)


@pytest.mark.parametrize("objective", ["mean", "worst"])
def test_a_largest_dilation_of_one_leaves_one_scheme(objective):
    for layers in (1, None):
        design = optimal_dilations(10, layers, largest=1, objective=objective)
        assert design.schemes == [(1,)]
        assert design.mrl == Fraction(13, 2)
        assert design.certificate.exhaustive
