"""Letters with an index, such as the dilation s_i, and what is put in for them by name.

A closed form holds s_i under a sum over the layers, and s_2 only once that sum is written out. As
sympy has it, ``subs({s_2: 5})`` would leave the form as it is and say nothing.
"""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

from drnn_theory.checks import shown

__all__ = ["Family", "LayerProduct", "LayerSum", "Member"]


class Member(sp.Indexed):
    """One letter of a family, at a number or at an index.

    It takes a value under every name that it goes by. Where its own index is open, it becomes that
    value on the condition that the index is the one named.

    >>> s = Family("s", positive=True)
    >>> [s[2].subs({name: 5}) for name in ("s[2]", "s_2", sp.IndexedBase("s")[2], s[2])]
    [5, 5, 5, 5]
    >>> s[sp.Symbol("L")].subs({"s[2]": 5}).subs({"L": 2})
    5
    >>> s[2].subs({"s": 5})
    Traceback (most recent call last):
    ValueError: s must be given one by one, {"s[1]": .., "s[2]": ..}, got s: 5
    """

    def _eval_subs(self, old: Any, new: Any) -> sp.Basic | None:
        if isinstance(new, sp.Dummy):  # sympy's own code puts it in, and takes it out again
            return None
        name, own = str(self.base.label), self.indices[0]
        index = _index_in(old, name, self.base.label)
        if old == self.base.label and not isinstance(new, sp.Symbol):
            index = ()  # by a symbol it is sympy's own code that renames it
        if index is None:
            return None
        if index == ():
            raise ValueError(
                f'{name} must be given one by one, {{"{name}[1]": .., "{name}[2]": ..}}, '
                f"got {old}: {shown(new)}"
            )
        if own == index:
            return new
        if own.is_Integer and index.is_Integer:
            return None
        if not index.is_Integer:
            raise ValueError(f"{name} must be given by numbers, {name}[2], or as {self}, got {old}")
        return sp.Piecewise((new, sp.Eq(own, index)), (self, True))


class Family(sp.IndexedBase):
    """The letters of one name.

    >>> Family("n", integer=True)[3]
    n[3]
    """

    def __getitem__(self, index: Any, **kinds: Any) -> Any:
        """Return the member at an index."""
        return Member(self, index, **kinds)


class _OverLayers:
    """A sum or product that lets a name as "s[2]" into its terms, which sympy's own do not."""

    def _eval_subs(self: Any, old: Any, new: Any) -> Any:
        names = {str(base.label): base.label for base in self.function.atoms(Family)}
        if isinstance(old, sp.Symbol) and any(
            _index_in(old, name, label) is not None for name, label in names.items()
        ):
            return self.func(self.function._subs(old, new), *self.limits)
        return super()._eval_subs(old, new)  # type: ignore[misc]


class LayerSum(_OverLayers, sp.Sum):
    """A sum over the layers of a stack.

    >>> s, i = Family("s"), sp.Symbol("i")
    >>> LayerSum(s[i], (i, 1, 3)).subs({"s[2]": 5}).doit()
    s[1] + s[3] + 5
    """


class LayerProduct(_OverLayers, sp.Product):
    """A product over the layers of a stack.

    >>> s, i = Family("s"), sp.Symbol("i")
    >>> product = LayerProduct(s[i], (i, 1, 3))
    >>> product, product.subs({"s[2]": 5}).doit()
    (Product(s[i], (i, 1, 3)), 5*s[1]*s[3])
    """

    def _sympystr(self, printer: Any) -> str:
        return str(printer.doprint(sp.Product(self.function, *self.limits)))


def _index_in(key: Any, name: str, label: sp.Symbol) -> Any:
    """Return the index by which a key names a letter of a family: () for all, None for another."""
    if isinstance(key, sp.IndexedBase) and str(key.label) == name:
        return ()
    if isinstance(key, sp.Indexed) and str(key.base.label) == name and len(key.indices) == 1:
        return key.indices[0]
    if not isinstance(key, sp.Symbol) or key == label:
        return None
    if key.name == name:
        return ()
    match = re.fullmatch(rf"{name}(?:\[(\w+)\]|_(\w+))", key.name)
    if match is None:
        return None
    index = match[1] or match[2]
    return sp.Integer(index) if index.isdecimal() else sp.Symbol(index)
