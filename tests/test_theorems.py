from dataclasses import replace

import pytest

from drnn_theory import THEOREMS


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.name)
def test_the_closed_form_equals_brute_force_on_every_case(theorem):
    agreement = theorem.check()
    assert agreement, str(agreement)
    assert agreement.total >= 5


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.name)
def test_a_wrong_closed_form_is_caught_on_every_case(theorem):
    wrong = replace(theorem, closed_form=theorem.closed_form + 1).check()
    assert not wrong
    assert wrong.agreed == 0
    assert str(wrong).startswith(f"agrees on 0 of {wrong.total} cases; first not on (")
