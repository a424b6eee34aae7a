"""Letters with an index: put in by every name that they go by, or refused."""

import pickle

import pytest
import sympy as sp

from drnn_theory import THEOREMS
from drnn_theory.theorems import letters
from drnn_theory.theorems.indexed import Family
from drnn_theory.theorems.theorem import exactly

INDEXED = [theorem for theorem in THEOREMS.values() if theorem.closed_form.has(sp.Indexed)]


@pytest.mark.parametrize(
    "theorem", [t for t in INDEXED if t.evaluate is None], ids=lambda theorem: theorem.name
)
@pytest.mark.parametrize(
    "named",
    [
        lambda letter: letter,
        str,  # s[2]
        lambda letter: str(letter).replace("[", "_").rstrip("]"),  # s_2
        lambda letter: letter.xreplace({b: sp.IndexedBase(str(b)) for b in letter.atoms(Family)}),
    ],
    ids=["letters", "s[2]", "s_2", "without assumptions"],
)
def test_letters_with_an_index_are_put_in_by_their_names(theorem, named):
    case = theorem.cases[-1]
    values = {named(letter): exactly(value) for letter, value in theorem.values(*case).items()}
    assert theorem.closed_form.subs(values).doit() == theorem.predict(*case)


def test_letters_under_a_product_are_put_in_by_their_names():
    form = THEOREMS["path_generating_function"].closed_form
    paths = form.subs({"L": 2, "s[1]": 1, "s_2": 3}).doit()
    w, z = letters.w, letters.z
    assert sp.simplify(paths - 1 / ((1 - w * z) * (1 - w * z**3))) == 0
    form = THEOREMS["shortest_paths"].closed_form
    assert form.subs({"L": 2, "k[1]": 3, "n[1]": 2, "k_2": 1, "n_2": 5}).doit() == 2  # 4/2 * 5/5


@pytest.mark.parametrize("theorem", INDEXED, ids=lambda theorem: theorem.name)
@pytest.mark.parametrize("value", [5, (1, 2)])
def test_letters_with_an_index_are_refused_all_at_once(theorem, value):
    for family in theorem.closed_form.atoms(Family):
        name = str(family.label)
        symbols = [name, sp.Symbol(name), sp.Symbol(name, real=True), family.label]
        for key in [*symbols, sp.IndexedBase(name), family]:
            message = f"^{name} must be given one by one, .*, got {name}: "
            with pytest.raises(ValueError, match=message):
                theorem.closed_form.subs({key: value})
        with pytest.raises(ValueError, match=rf"^{name} must be given by numbers, .* {name}\[j\]$"):
            theorem.closed_form.subs({f"{name}[j]": value})


@pytest.mark.parametrize("theorem", INDEXED, ids=lambda theorem: theorem.name)
def test_sympy_works_on_letters_with_an_index_as_on_its_own(theorem):
    form = theorem.closed_form
    assert pickle.loads(pickle.dumps(form)) == form
    plain = {base: sp.IndexedBase(base.label) for base in form.atoms(Family)}
    functions = [sp.expand, sp.latex, sp.count_ops, str]
    if theorem.name in ("stack_growth", "divisor_chain_digits"):  # of others it takes long
        functions.append(sp.simplify)
    for function in functions:
        assert str(function(form)) == str(function(form.xreplace(plain)))
