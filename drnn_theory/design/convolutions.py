"""TCNs whose receptive field covers a sequence: their levels, kernel and width."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from drnn_theory.architectures import tcn
from drnn_theory.checks import as_integer, require_memory
from drnn_theory.costs import count_parameters, hidden_size_for, state_size
from drnn_theory.design.results import Advised
from drnn_theory.dilations import exponential_dilations
from drnn_theory.measures import compute_mrl
from drnn_theory.tables import Table, convention

__all__ = ["Convolutions", "TemporalConvolution", "covering_convolutions"]

KERNELS: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
"""The kernel sizes that are compared unless one is given."""


@dataclass(frozen=True)
class TemporalConvolution:
    """A TCN within the budgets, readout excluded: levels of two convolutions each."""

    kernel_size: int
    levels: int
    hidden_size: int
    mrl: Fraction
    receptive_field: int
    parameters: int
    state: int

    @property
    def dilations(self) -> tuple[int, ...]:
        """The dilations 1, 2, 4, .. of the levels."""
        return exponential_dilations(self.levels)

    @property
    def steps(self) -> int:
        """The convolutions one after another, each of which runs over all steps at once."""
        return 2 * self.levels


@dataclass(frozen=True)
class Convolutions(Advised):
    """TCNs that cover the sequence, the shortest mean first: no other is as short and as wide."""

    span: int
    options: list[TemporalConvolution]
    input_size: int
    cell: str = "TCN"

    @property
    def advice(self) -> str:
        """What to take, and what it covers, in one line."""
        best = self.options[0]
        covered = f"receptive field {best.receptive_field} for {self.span + 1} steps"
        if best.levels > 1:
            fewer = _field(best.levels - 1, best.kernel_size)
            covered += f" (with {best.levels - 1} levels {fewer})"
        return (
            f"Take {best.levels} levels of two convolutions of kernel size {best.kernel_size}, "
            f"dilations 1 to {best.dilations[-1]}, {best.hidden_size} channels: {covered}, mean "
            f"recurrent length {float(best.mrl):.2f} over the lags 1..{self.span}, for "
            f"{features(self.input_size)}, a read-out not counted."
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per option."""
        return [
            {
                "kernel size": option.kernel_size,
                "dilations": option.dilations,
                "levels": option.levels,
                "hidden size": option.hidden_size,
                "mean recurrent length": float(option.mrl),
                "receptive field": option.receptive_field,
                "parameters": option.parameters,
                "state": option.state,
            }
            for option in self.options
        ]

    def table(self) -> Table:
        """Return the rows with the advice, span and convention."""
        about = {
            "span": self.span,
            "convention": convention(),
            "cell": self.cell,
            "input size": self.input_size,
        }
        return Table(self.rows(), [self.advice], about)


def covering_convolutions(
    length: int, budgets: dict[str, int], input_size: int, kernel_size: int | None
) -> Convolutions:
    """Return the TCNs of fewest levels that cover the length, one per kernel size, within budgets.

    >>> covering_convolutions(784, {"parameters": 50_000}, 1, 3).options[0].receptive_field
    1021
    """
    kernels = (
        KERNELS if kernel_size is None else (as_integer(kernel_size, "kernel_size", minimum=2),)
    )
    require_memory(1000 * 20 * max(kernels), f"a TCN of kernel size {max(kernels)}")
    options = []
    least: dict[str, int] = {}
    for kernel in kernels:
        levels = next(count for count in range(1, 64) if _field(count, kernel) >= length)
        graph = tcn(exponential_dilations(levels), kernel_size=kernel)
        one = {
            "parameters": count_parameters(graph, 1, input_size=input_size),
            "state": state_size(graph, 1, input_size=input_size),
            "steps": 2 * levels,
        }
        least = {name: min(one[name], least.get(name, one[name])) for name in one}
        if any(one[name] > budget for name, budget in budgets.items()):
            continue
        widths = []
        if "parameters" in budgets:
            widths.append(hidden_size_for(budgets["parameters"], graph, input_size=input_size))
        if "state" in budgets:
            per_unit = state_size(graph, 2, input_size=input_size) - one["state"]
            widths.append((budgets["state"] - one["state"]) // per_unit + 1)
        hidden = min(widths)
        options.append(
            TemporalConvolution(
                kernel,
                levels,
                hidden,
                Fraction(compute_mrl(graph, length - 1, exact=True)),
                _field(levels, kernel),
                count_parameters(graph, hidden, input_size=input_size),
                state_size(graph, hidden, input_size=input_size),
            )
        )
    if not options:
        short = next(name for name, budget in budgets.items() if least[name] > budget)
        raise ValueError(
            f"{short} must be at least {least[short]}, what a TCN of one channel takes to cover "
            f"{length} steps, got {budgets[short]}"
        )
    options.sort(key=lambda option: (option.mrl, -option.hidden_size))
    front: list[TemporalConvolution] = []
    for option in options:
        if not front or option.hidden_size > front[-1].hidden_size:
            front.append(option)
    return Convolutions(length - 1, front, input_size)


def _field(levels: int, kernel: int) -> int:
    """Return the receptive field of levels of two convolutions with dilations 1, 2, 4, ..

    >>> _field(8, 3), _field(7, 3)
    (1021, 509)
    """
    return 1 + 2 * (kernel - 1) * (2**levels - 1)


def features(input_size: int) -> str:
    """Return how many input features are meant, in words.

    >>> features(1), features(3)
    ('1 input feature', '3 input features')
    """
    return f"{input_size} input feature{'s' if input_size > 1 else ''}"
