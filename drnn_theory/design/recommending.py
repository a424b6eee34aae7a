"""Recommendations of depth, width and dilations within budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from drnn_theory.checks import as_integer, one_of
from drnn_theory.costs import GATES, count_parameters, hidden_size_for, sequential_steps, state_size
from drnn_theory.design.bounds import best_exponential, counting_bound
from drnn_theory.design.chains import deepest_chain
from drnn_theory.design.complete import LONGEST_COMPLETE, Widths, best_within
from drnn_theory.design.convolutions import Convolutions, covering_convolutions, features
from drnn_theory.design.optimal import optimal_dilations
from drnn_theory.design.results import Advised
from drnn_theory.dilations import exponential_dilations
from drnn_theory.measured import load_measured
from drnn_theory.measures import compute_mrl
from drnn_theory.tables import Table, convention

__all__ = ["Option", "Recommendation", "recommend"]

LONGEST_SEQUENCE = 100_001
LONGEST_SEARCH = 20_000  # spans beyond which only divisor chains are looked at
EFFORT = 10**6
SHOWN = 12  # options shown; all are in table, to_frame and to_dict


@dataclass(frozen=True)
class Option:
    """A DilatedRNN within the budgets, readout excluded."""

    dilations: tuple[int, ...]
    hidden_size: int
    mrl: Fraction
    parameters: int
    state: int
    steps: int


@dataclass(frozen=True)
class Recommendation(Advised):
    """The best options: no other has a shorter mean recurrent length and is as wide.

    They come by mean recurrent length, the shortest first, over the lags 1..span.
    """

    span: int
    cell: str
    options: list[Option]
    input_size: int = 1
    complete: bool = False
    """Whether no scheme at all is better than an option; otherwise none of those looked at is."""

    @property
    def advice(self) -> str:
        """What to take, and what that is worth, in one line."""
        best = self.options[0]
        rival = compute_mrl(best_exponential(self.span, len(best.dilations)), self.span)
        beyond = ", which is beyond the budgets" if rival < best.mrl else ""
        many = (
            f"{len(best.dilations)} {self.cell} layers"
            if len(best.dilations) > 1
            else (f"1 {self.cell} layer")
        )
        return (
            f"Take {many} of {best.hidden_size} units with dilations "
            f"{', '.join(map(str, best.dilations))}: mean recurrent length {float(best.mrl):.2f} "
            f"over the lags 1..{self.span}, against "
            f"{rival:.2f} of the best exponential scheme that deep{beyond}; "
            f"for {features(self.input_size)}, a read-out not counted."
        )

    @property
    def extent(self) -> str:
        """How far the search looked, in one line."""
        if self.complete:
            return "Complete: no scheme within the budgets is as short and wider or the reverse."
        return (
            "Looked at: for every depth the best schemes of a short search, divisor chains and "
            "exponential schemes; where a budget of state or steps binds, others may be better."
        )

    @property
    def evidence(self) -> str:
        """What was measured of networks with a short mean recurrent length, in one line.

        >>> print(recommend(100, parameters=5000).evidence)  # doctest: +ELLIPSIS
        Evidence: a mean recurrent length counts edges; of 32 architectures that learned to ...
        """
        ranks = {
            row["matrices"]: row["spearman"]
            for row in load_measured("learnability_ranks")
            if (row["measure"], row["architectures"], row["outcome"])
            == ("mean recurrent length", "all", "accuracy")
        }
        count = len({row["architecture"] for row in load_measured("learnability_architectures")})
        return (
            f"Evidence: a mean recurrent length counts edges; of {count} architectures that "
            "learned to recall a symbol over 1..64 steps, its rank correlation with right answers "
            f"was {ranks['torch']:.2f} under torch's initialisation and {ranks['orthogonal']:.2f} "
            "with orthogonal matrices: draw those first, and let a training of your own decide. "
            "Where one lag matters look at d(n) there: over a delay of 500 steps it decided what "
            "was learned, and the mean did not."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per option."""
        return [
            {
                "dilations": option.dilations,
                "layers": len(option.dilations),
                "hidden size": option.hidden_size,
                "mean recurrent length": float(option.mrl),
                "parameters": option.parameters,
                "state": option.state,
                "sequential steps": option.steps,
            }
            for option in self.options
        ]

    def table(self) -> Table:
        """Return the rows with the advice, span and convention.

        >>> recommend(100, parameters=5000).table().columns[:3]
        ['dilations', 'layers', 'hidden size']
        """
        about = {
            "span": self.span,
            "convention": convention(),
            "cell": self.cell,
            "input size": self.input_size,
            "complete": self.complete,
        }
        return Table(self.rows(), [self.advice, self.extent, self.evidence], about)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as for JSON; fractions as strings."""
        return {**super().to_dict(), "evidence": self.evidence}

    def shown(self) -> Table:
        """Return the table, cut where there are very many options, which a note says."""
        table, hidden = self.table(), len(self.options) - SHOWN
        if hidden <= 0:
            return table
        more = f"({hidden} more options are wider, with longer paths)"
        return replace(table, rows=table.rows[:SHOWN], notes=[more, *table.notes])


def recommend(
    sequence_length: int,
    *,
    parameters: int | None = None,
    state: int | None = None,
    steps: int | None = None,
    cell: str = "GRU",
    input_size: int = 1,
    kernel_size: int | None = None,
    seed: int = 0,
) -> Recommendation | Convolutions:
    """Return depth, hidden size and dilations for sequences of that length, within budgets.

    ``parameters`` counts those of the layers, ``state`` the numbers carried from step to step
    (:func:`state_size`), ``steps`` the sequential steps through one sequence
    (:func:`sequential_steps`). Every scheme gets the largest hidden size that fits, so parameters
    or state must be limited. Of the schemes looked at, the options are those of which no other has
    both a shorter mean recurrent length, over all lags of the sequence, and as large a hidden size.
    The schemes come from a short search, seeded, for this span and for shorter ones, whose
    dilations are smaller and cost less state; :func:`optimal_dilations` searches longer and proves.
    Up to 32 steps they are all there are: the options are then complete, as ``complete`` says.

    ``cell="TCN"`` gives convolutions in place of a DilatedRNN: for every ``kernel_size``, or for
    the one given, the fewest levels of two convolutions with dilations 1, 2, 4, .. whose receptive
    field covers the sequence. Parameters are counted for ``input_size`` features; a read-out is not
    counted.

    Raises ValueError, with what would fit, if nothing does.

    >>> print(recommend(100, parameters=5000).advice)  # doctest: +NORMALIZE_WHITESPACE
    Take 4 GRU layers of 14 units with dilations 1, 5, 18, 25: mean recurrent length 7.93 over the
    lags 1..99, against 8.32 of the best exponential scheme that deep; for 1 input feature, a
    read-out not counted.
    >>> recommend(784, parameters=50_000, cell="TCN", kernel_size=3).options[0].levels
    8
    """
    length = as_integer(sequence_length, "sequence_length", minimum=2)
    seed = as_integer(seed, "seed", minimum=0)
    if length > LONGEST_SEQUENCE:
        raise ValueError(f"sequence_length must be at most {LONGEST_SEQUENCE}, got {length}")
    budgets = {"parameters": parameters, "state": state, "steps": steps}
    given = {k: as_integer(v, k) for k, v in budgets.items() if v is not None}
    if given.keys() <= {"steps"}:
        raise ValueError(
            "a budget of parameters or of state must be given, since it limits the hidden size, "
            "got neither"
        )
    features_in = as_integer(input_size, "input_size")
    if cell == "TCN":
        return covering_convolutions(length, given, features_in, kernel_size)
    if kernel_size is not None:
        raise ValueError(f"kernel_size must be None unless the cell is 'TCN', got {kernel_size}")
    one_of(cell, "cell", (*GATES, "TCN"))
    _require_that_something_fits(given, length, cell, input_size)
    options = []
    complete = length <= LONGEST_COMPLETE
    if complete:
        schemes = best_within(length, _widths(given, length, cell, input_size))
    else:
        schemes = _schemes(length - 1, seed, shorter="state" in given)
    for scheme in schemes:
        option = _largest(scheme, given, length, cell, input_size)
        if option is not None:
            options.append(option)
    options.sort(key=lambda o: (o.mrl, -o.hidden_size, o.state, o.dilations))
    front: list[Option] = []
    for option in options:
        if not front or option.hidden_size > front[-1].hidden_size:
            front.append(option)
    return Recommendation(length - 1, cell, front, features_in, complete)


def _widths(budgets: dict[str, int], length: int, cell: str, input_size: int) -> Widths:
    """Return what the budgets leave of the width, scheme by scheme."""
    by_layers = {}
    if "parameters" in budgets:
        for layers in range(1, length):
            one = count_parameters((1,) * layers, 1, input_size=input_size, cell=cell)
            if one > budgets["parameters"]:
                break
            by_layers[layers] = hidden_size_for(
                budgets["parameters"], (1,) * layers, cell=cell, input_size=input_size
            )
    most_steps = budgets.get("steps", length * length)
    return Widths(
        length, by_layers, state_size([1], 1, cell=cell), budgets.get("state"), most_steps
    )


def _largest(
    scheme: tuple[int, ...], budgets: dict[str, int], length: int, cell: str, input_size: int
) -> Option | None:
    """Return the scheme with the largest hidden size within the budgets, None if there is none."""
    needed = sequential_steps(scheme, length)
    if needed > budgets.get("steps", needed):
        return None
    sizes = []
    if "parameters" in budgets:
        if count_parameters(scheme, 1, cell=cell, input_size=input_size) > budgets["parameters"]:
            return None
        sizes.append(
            hidden_size_for(budgets["parameters"], scheme, cell=cell, input_size=input_size)
        )
    if "state" in budgets:
        sizes.append(budgets["state"] // state_size(scheme, 1, cell=cell))
    if not (hidden := min(sizes)):
        return None
    return Option(
        scheme,
        hidden,
        Fraction(compute_mrl(scheme, length - 1, exact=True)),
        count_parameters(scheme, hidden, cell=cell, input_size=input_size),
        state_size(scheme, hidden, cell=cell),
        needed,
    )


def _require_that_something_fits(
    budgets: dict[str, int], length: int, cell: str, input_size: int
) -> None:
    """Refuse budgets below one layer of one unit, which costs the least in every respect."""
    least = {
        "parameters": count_parameters([1], 1, cell=cell, input_size=input_size),
        "state": state_size([1], 1, cell=cell),
        "steps": sequential_steps([1], length),
    }
    for name, budget in budgets.items():
        if budget < least[name]:
            raise ValueError(
                f"{name} must be at least {least[name]}, what one {cell} layer of one unit takes "
                f"for {length} steps, got {budget}"
            )


def _schemes(span: int, seed: int, *, shorter: bool) -> list[tuple[int, ...]]:
    """Return schemes of every depth worth it: searched for, chains, and all exponential ones.

    With ``shorter`` also those for a half, a quarter, .. of the span.
    """
    schemes: set[tuple[int, ...]] = {(1,)}
    shortest = compute_mrl([1], span, exact=True)
    for layers in range(2, span + 1):
        if counting_bound(span, layers) > shortest:  # from here on depth only lengthens paths
            break
        some: set[tuple[int, ...]] = set()
        reach = span
        while reach >= layers:
            if reach <= LONGEST_SEARCH:
                optima = optimal_dilations(
                    reach, layers, effort=EFFORT, seed=seed, most_schemes=20, progress=False
                )
                some.update(optima.schemes)
            if layers <= deepest_chain(reach, None):
                chains = optimal_dilations(reach, layers, within="divisor_chains", most_schemes=20)
                some.update(chains.schemes)
            reach = reach // 2 if shorter else 0
        base = 2
        while base ** (layers - 1) <= span:
            some.add(exponential_dilations(layers, base))
            base += 1
        shortest = min(shortest, *(compute_mrl(scheme, span, exact=True) for scheme in some))
        schemes |= some
    return sorted(schemes)
