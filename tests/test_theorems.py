import importlib
import json
from dataclasses import replace
from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from drnn_theory import (
    THEOREMS,
    compute_mrl,
    dilated_rnn,
    narx_rnn,
    shortest_path_lengths,
    skip_rnn,
    verify,
)
from drnn_theory.paths.reference import reference_path_lengths
from drnn_theory.theorems import Finding, exhaustive, growth, letters, optima, theorem_table
from drnn_theory.theorems.growth import GRAPHS, cheapest_simple_path, least_excess
from drnn_theory.theorems.letters import L, copies, dilation, i, ratio
from drnn_theory.theorems.theorem import exactly, next_layer
from tests.mutate_theorems import caught_by, distinct_mutants, noticed, outcome, row
from tests.strategies import complete_schemes, cyclic_graphs, schemes

each_theorem = pytest.mark.parametrize(
    "theorem", THEOREMS.values(), ids=lambda theorem: theorem.name
)
each_symbolic = pytest.mark.parametrize(
    "theorem", [t for t in THEOREMS.values() if t.symbolic], ids=lambda theorem: theorem.name
)


@each_theorem
def test_the_closed_form_agrees_with_brute_force_and_its_claims_hold(theorem):
    agreement = theorem.check()
    assert agreement, str(agreement)
    assert agreement.total >= 5 or isinstance(theorem, Finding)  # one search is one case
    for claim, holds in theorem.claims.items():
        assert holds(theorem), claim


@each_symbolic
def test_the_symbolic_computations_come_out(theorem):
    assert theorem.steps() == [True] * len(theorem.steps())
    assert theorem.steps()


@each_theorem
def test_no_mutant_of_a_formula_escapes(theorem):
    caught, escaped = outcome(theorem)
    assert escaped == []
    assert caught["an error"] == 0
    assert sum(caught.values()) >= 3


@each_theorem
def test_the_formula_itself_is_not_called_a_mutant(theorem):
    assert caught_by(theorem, theorem.closed_form) == "equal"


@each_symbolic
def test_the_symbolic_computations_alone_notice_a_wrong_formula(theorem):
    mutants = distinct_mutants(theorem)
    assert any(noticed(theorem, mutant, "a symbolic computation") for mutant in mutants)


def test_the_table_counts_what_each_kind_of_check_notices_by_itself():
    counts, escaped = row(THEOREMS["skip_mean"])
    mutants, by_case, by_step, by_both, *others = counts
    assert mutants == by_case + by_step - by_both + sum(others)
    assert by_both > 0
    assert escaped == []


@each_theorem
def test_a_mutant_makes_verify_fail(theorem):
    mutant = next(m for m in distinct_mutants(theorem) if caught_by(theorem, m) == "a case")
    outcome = verify([replace(theorem, closed_form=mutant, claims={}, symbolic=None)])
    assert not outcome
    assert f" of {len(theorem.cases)} cases; first not on (" in str(outcome)
    assert "1 theorem, 1 FAILED" in str(outcome)


def test_a_claim_that_does_not_hold_makes_verify_fail():
    theorem = replace(THEOREMS["skip_mean"], claims={"nothing is so": lambda _: False})
    assert "claim does not hold: nothing is so" in str(verify([theorem]))


def test_a_symbolic_computation_that_does_not_come_out_makes_verify_fail():
    theorem = replace(THEOREMS["skip_mean"], symbolic=lambda _: [sp.Integer(0), L])
    assert verify([theorem]).rows[0].failures == ("symbolic computation 2 does not come out",)


@pytest.fixture
def longer_paths(monkeypatch):
    """Let every fifth lag seem farther than it is."""

    def wrong(graph, horizon, **options):
        lengths = reference_path_lengths(graph, horizon, **options)
        lengths[5::5] += 7
        return lengths

    monkeypatch.setattr(exhaustive, "reference_path_lengths", wrong)
    monkeypatch.setattr(growth, "reference_path_lengths", wrong)
    exhaustive.stack_lengths.cache_clear()
    yield
    exhaustive.stack_lengths.cache_clear()


@pytest.mark.parametrize(
    "name",
    [
        "divisor_chain_digits",
        "eventual_periodicity",
        "stack_growth",
        "best_two_lag",
        "divisibility_is_needed",
        "last_dilation_is_needed",
        "delange_trollope",
        "linear_lower_bound",
        "path_generating_function",
        "exponential_near_optimal",
    ],
)
def test_claims_about_paths_notice_wrong_paths(longer_paths, name):
    theorem = THEOREMS[name]
    assert not all(holds(theorem) for holds in theorem.claims.values())


def test_names_are_unique_and_in_the_order_of_the_catalogue():
    assert list(THEOREMS) == [theorem.name for theorem in THEOREMS.values()]
    assert len(THEOREMS) >= 30


def test_verify_shows_its_progress_and_says_what_kind_of_evidence_there_is():
    seen = []

    def progress(theorems):
        for theorem in theorems:
            seen.append(theorem.name)
            yield theorem

    theorems = [THEOREMS["divisor_chain_mean"], THEOREMS["divisibility_is_needed"]]
    outcome = verify(theorems, progress=progress)
    assert seen == ["divisor_chain_mean", "divisibility_is_needed"]
    assert outcome
    chain, needed = str(outcome).splitlines()[2:4]
    assert "2 computations  divisor_chain_mean.v  10 cases " in chain
    assert (
        "divisibility_is_needed  -               counterexamples.v     1 search, 1 claim " in needed
    )
    assert "proved" not in str(outcome)
    assert str(outcome).splitlines()[-1].startswith("2 theorems, all pass, ")


def test_verify_writes_json():
    data = json.loads(json.dumps(verify([THEOREMS["skip_mean"]]).to_dict()))
    (row,) = data["theorems"]
    assert data["passed"] is True
    assert row.pop("seconds") >= 0
    assert row == {
        "name": "skip_mean",
        "symbolic": 1,
        "written": "proofs/skip_mean.md",
        "machine-checked": "proofs/rocq/means.v",
        "cases": {"agreed": 18, "total": 18},
        "claims": 0,
        "failures": [],
        "passed": True,
    }


@each_theorem
def test_a_theorem_shows_itself_in_jupyter(theorem):
    latex, html = theorem._repr_latex_(), theorem._repr_html_()
    assert latex[0] == latex[-1] == "$"
    assert latex.count("{") == latex.count("}")
    assert f"<b>{theorem.name}</b>" in html
    assert f"proofs/{theorem.proof}" in html
    assert f"{theorem.compared} against brute force" in html
    assert "<" not in theorem.statement.replace(r"\left<", "")


def test_the_statement_is_written_from_the_closed_form():
    theorem = THEOREMS["skip_mean"]
    assert theorem.statement == (
        r"$\displaystyle \frac1m \sum_{n=1}^{m} d(n) = L + \frac{m}{2} - \frac{1}{2} + "
        r"\frac{1}{m}$"
    )
    assert r"\ge" in THEOREMS["counting_bound"].statement


def test_the_footnote_on_the_recalled_form_says_that_it_is_recalled():
    theorem = THEOREMS["exponential_mean"]
    assert "as recalled and not verified" in theorem.footnote
    assert "recalled and not verified" in theorem._repr_html_()


def test_a_bound_that_is_too_low_everywhere_is_no_match_for_its_sharp_cases():
    bound = THEOREMS["counting_bound"]
    lower = replace(bound, closed_form=bound.closed_form - sp.Rational(1, 1000))
    assert lower.check().agreed == len(bound.cases) - len(bound.sharp)
    assert replace(lower, sharp=()).check()


def test_every_sharp_case_is_a_case():
    for theorem in THEOREMS.values():
        assert set(theorem.sharp) <= set(theorem.cases)
        assert bool(theorem.sharp) == (theorem.relation == "<=")


def test_values_must_be_exact():
    with pytest.raises(TypeError, match=r"values of a theorem must be exact, got 0\.5"):
        exactly(0.5)
    assert exactly((Fraction(1, 3), (2, float("inf")))) == sp.Tuple(
        sp.Rational(1, 3), sp.Tuple(2, sp.oo)
    )


def test_one_layer_more_adds_a_term_to_sums_up_to_the_top_layer_only():
    fixed = sp.Sum(ratio[i], (i, 2, 5))
    assert next_layer(fixed + L) == fixed + L + 1


# A few cases beyond those that the objects carry, drawn at random and computed by the engines.


@given(st.lists(st.integers(1, 5), max_size=4), st.integers(1, 400))
def test_the_exact_sum_holds_for_random_chains_and_spans(ratios, span):
    chain = [1]
    for n in ratios:
        chain.append(chain[-1] * n)
    found = compute_mrl(chain, span, exact=True)
    assert THEOREMS["any_span_chain"].predict(tuple(chain), span) == exactly(found)


@given(st.integers(1, 9), st.integers(1, 400))
def test_the_takagi_form_holds_for_random_spans(extra, span):
    layers = max(extra, span.bit_length())
    found = compute_mrl([2**k for k in range(layers)], span, exact=True)
    assert THEOREMS["delange_trollope"].predict(layers, span) == exactly(found)


@given(st.integers(2, 40), st.integers(1, 400), st.integers(1, 4))
def test_the_two_lag_form_holds_for_random_spans(skip, span, layers):
    found = compute_mrl([1] * (layers - 1) + [skip, 1], span, exact=True)
    form = THEOREMS["two_lag_mean"].predict(((1,),) * layers + ((skip,),), span)
    assert form == exactly(found)


@given(st.integers(1, 3), st.integers(1, 30), st.integers(1, 400))
def test_the_narx_form_holds_for_random_spans(layers, delays, span):
    found = compute_mrl(narx_rnn(delays), span, exact=True) + layers - 1
    assert THEOREMS["narx_mean"].predict(layers, delays, span) == exactly(found)


@given(st.lists(st.integers(1, 5), max_size=3), st.integers(1, 6), st.integers(1, 5))
def test_the_fusion_form_holds_for_random_chains(ratios, first, periods):
    chain = [first]
    for n in ratios:
        chain.append(chain[-1] * n)
    found = compute_mrl(dilated_rnn(chain, fusion=True), chain[-1] * periods, exact=True)
    assert THEOREMS["fusion_mean"].predict(tuple(chain), periods) == exactly(found)


@given(complete_schemes, st.integers(1, 200))
def test_no_random_stack_is_below_the_counting_bound(scheme, span):
    bound = THEOREMS["counting_bound"].predict(len(scheme), span)
    assert bound <= exactly(compute_mrl(scheme, span, exact=True))


@given(schemes)
def test_every_random_stack_repeats_beyond_its_bound(scheme):
    *_, second, largest = [1, *sorted(set(scheme))]
    onset = (largest - 1) * second
    d = shortest_path_lengths(scheme, onset + 3 * largest)
    assert all(d[onset + 1 :] == d[onset + 1 - largest : -largest] + 1)


@settings(max_examples=60)
@given(cyclic_graphs())
def test_the_linear_lower_bound_is_attained_in_random_graphs(graph):
    try:
        path = cheapest_simple_path(graph)
    except ValueError:  # no cycle, or no path, from an input to an output
        return
    assert THEOREMS["linear_lower_bound"].closed_form.subs(path) == exactly(least_excess(graph))


@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_less_comes_later_than_the_search_for_the_least_excess_looks(name):
    graph, ratio = GRAPHS[name], growth._largest_cycle_ratio(GRAPHS[name])
    lengths = (
        (n, length)
        for start in range(graph.graph["period"])
        for n, length in enumerate(reference_path_lengths(graph, 150, start=start).tolist())
    )
    least = min(int(length) - n / ratio for n, length in lengths if length < float("inf"))
    assert least == least_excess(graph)


@pytest.mark.parametrize("span", [5, 8, 17, 26])
def test_the_closed_sum_behind_the_best_bases_finds_those_of_brute_force(span):
    means = {}
    for base in range(2, span + 2):
        powers = [base**power for power in range(span) if base**power <= span]
        lengths = exhaustive.stack_lengths(tuple(powers), span)
        means[base] = Fraction(sum(lengths[1:]), span)
    least = [base for base, mean in means.items() if mean == min(means.values())]
    assert optima._best_bases(span) == least


def test_numbers_found_by_search_are_findings_and_no_forms():
    found = {theorem.name for theorem in THEOREMS.values() if isinstance(theorem, Finding)}
    assert found == {
        name for name, theorem in THEOREMS.items() if not theorem.closed_form.free_symbols
    }
    assert len(found) == 4


@pytest.mark.parametrize("root", range(6, 21))
def test_the_two_best_skips_are_the_root_and_the_next_number_for_longer_spans(root):
    span = root**2 - 1
    means = {skip: compute_mrl(skip_rnn(skip), span, exact=True) for skip in range(1, span + 2)}
    least = min(means.values())
    assert [skip for skip in means if means[skip] == least] == [root, root + 1]
    assert THEOREMS["best_two_lag"].predict(root, 1)[0] == exactly(least)


def test_a_verification_is_a_table_in_jupyter_and_says_how_it_ended():
    page = verify([THEOREMS["skip_mean"]])._repr_html_()
    assert page.count("<tr>") == 2
    assert "<td>18 cases " in page
    assert "<p>1 theorem, all pass, " in page


@each_theorem
def test_a_theorem_says_where_it_is_defined(theorem):
    module, _, name = theorem.defined_in.rpartition(".")
    assert getattr(importlib.import_module(module), name) is theorem
    assert theorem.defined_in in theorem._repr_html_()


def test_letters_are_put_in_by_their_names():
    assert THEOREMS["exponential_mean"].closed_form.subs({"L": 4, "M": 2}) == sp.Rational(45, 8)
    assert THEOREMS["exponential_mean"].closed_form.subs({L: 4, letters.M: 2}) == sp.Rational(45, 8)


@each_theorem
def test_no_two_letters_of_a_theorem_print_alike_and_each_is_one_of_the_list(theorem):
    symbols = theorem.closed_form.atoms(sp.Symbol)
    labels = {base.label for base in theorem.closed_form.atoms(sp.IndexedBase)}
    assert symbols - labels <= {sp.Symbol(name) for name in letters.ASSUMPTIONS}
    assert labels <= {base.label for base in (ratio, dilation, copies)}
    names = [symbol.name for symbol in symbols]
    assert len(names) == len(set(names))
    for symbol in theorem.closed_form.free_symbols - labels:
        if not isinstance(symbol, sp.Indexed):
            replaced = theorem.closed_form.subs({symbol.name: sp.Symbol("new")})
            assert symbol not in replaced.free_symbols


def test_the_table_of_theorems_has_a_row_for_each():
    table = theorem_table()
    assert [row["theorem"] for row in table] == list(THEOREMS)
    assert r"\frac1m \sum_{n=1}^{m} d(n)" in table.to_latex()
