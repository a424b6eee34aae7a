"""The fields of a form as widgets: text to type in, sliders that write it, lists to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from drnn_theory.dilations import exponential_dilations
from drnn_theory.explorer.choices import (
    LIMIT,
    MOST_LAYERS,
    Count,
    Field,
    Flag,
    Form,
    Lists,
    Numbers,
    OneOf,
)

__all__ = ["STYLE", "FormBox", "labelled"]

STYLE = {"description_width": "104px"}


def labelled(kind: type, label: str, about: str = "", **traits: Any) -> Any:
    """Return a widget of full width with its label, and what it does as its tooltip."""
    return kind(
        description=label,
        tooltip=about or label,
        style=STYLE,
        layout=widgets.Layout(width="100%", margin="2px 0"),
        **traits,
    )


class FormBox(widgets.VBox):
    """The widgets of one form; ``changed()`` is called whenever a value of the form changes."""

    def __init__(self, form: Form, values: Mapping[str, Any], changed: Callable[[], object]):
        self.form, self._changed = form, changed
        self.inputs = {
            name: _widget(field, values.get(name, field.default))
            for name, field in form.fields.items()
        }
        rows: list[Any] = []
        for name, field in form.fields.items():
            rows.append(self.inputs[name])
            if isinstance(field, Numbers):
                rows.append(SchemeSliders(self.inputs[name], field))
            self.inputs[name].observe(lambda _: self._changed(), names="value")
        super().__init__(rows)

    @property
    def values(self) -> dict[str, Any]:
        """What stands in the fields now, by the names of the arguments."""
        return {name: box.value for name, box in self.inputs.items()}


def _widget(field: Field, value: Any) -> Any:
    match field:
        case Numbers() | Lists():
            return labelled(widgets.Text, field.label, value=value, continuous_update=True)
        case Count():
            return labelled(
                widgets.IntSlider, field.label, value=value, min=field.low, max=field.high
            )
        case OneOf():
            return labelled(
                widgets.Dropdown, field.label, value=value, options=list(field.options.items())
            )
        case Flag():
            return labelled(widgets.Checkbox, field.label, value=value, indent=True)


class SchemeSliders(widgets.VBox):
    """Sliders that write a scheme into a text field, and follow what is typed there.

    The first three write base**exponent for consecutive exponents; the last two change one entry.
    A line above either says what moving them does.
    """

    def __init__(self, text: Any, field: Numbers):
        self._text, self._field, self._writing = text, field, False
        one = field.label.removesuffix("s")
        many = field.label
        self.powers, self.entry = widgets.HTML(), widgets.HTML()
        self.layers = labelled(
            widgets.IntSlider, "how many", f"write so many {many}", min=1, max=MOST_LAYERS
        )
        self.base = labelled(
            widgets.IntSlider,
            "powers of",
            f"write {many} that are powers of it",
            value=2,
            min=1,
            max=10,
        )
        self.lowest = labelled(
            widgets.IntSlider, "first exponent", f"the power that the first of the {many} is", max=6
        )
        self.which = labelled(
            widgets.IntSlider, f"{one} no.", f"choose one of the {many}", min=1, max=MOST_LAYERS
        )
        self.value = labelled(
            widgets.IntSlider, "its value", f"change that {one} alone", min=1, max=256
        )
        self._follow()
        text.observe(lambda _: self._follow(), names="value")
        for slider in (self.layers, self.base, self.lowest):
            slider.observe(lambda _: self._write_powers(), names="value")
        self.which.observe(lambda _: self._follow(), names="value")
        self.value.observe(lambda _: self._write_one(), names="value")
        super().__init__(
            [self.powers, self.layers, self.base, self.lowest, self.entry, self.which, self.value]
        )

    def _powers(self) -> list[int]:
        base, lowest = self.base.value, self.lowest.value
        scheme = [base ** (lowest + k) for k in range(self.layers.value)]
        return [s for s in scheme if s <= LIMIT] or [LIMIT]

    def _say(self) -> None:
        """Say what the sliders would write, and which entry they would change."""
        many, scheme = self._field.label, self._powers()
        first = ", ".join(map(str, scheme[:3]))
        shown = f"{first}, .., {scheme[-1]}" if len(scheme) > 4 else ", ".join(map(str, scheme))
        self.powers.value = f'<div class="drnn-hint">write powers: {many} {shown}</div>'
        one = f"{many.removesuffix('s')} no. {self.which.value}"
        self.entry.value = f'<div class="drnn-hint">or change {one} alone</div>'

    def _follow(self) -> None:
        """Set the sliders to what the text says, if it says anything."""
        if self._writing:
            return
        try:
            scheme = self._field.read(self._text.value)
        except (TypeError, ValueError):
            return
        self._writing = True
        self.layers.value = len(scheme)
        self.which.max = len(scheme)
        at = scheme[self.which.value - 1]
        self.value.max = max(256, at)
        self.value.value = at
        for base in range(2, self.base.max + 1):
            for lowest in range(self.lowest.max + 1):
                if len(scheme) > 1 and scheme == exponential_dilations(
                    len(scheme), base, start=lowest
                ):
                    self.base.value, self.lowest.value = base, lowest
        self._writing = False
        self._say()

    def _write_powers(self) -> None:
        self._write(self._powers())

    def _write_one(self) -> None:
        try:
            scheme = list(self._field.read(self._text.value))
        except (TypeError, ValueError):
            return
        scheme[self.which.value - 1] = self.value.value
        self._write(scheme)

    def _write(self, scheme: list[int]) -> None:
        """Write the text, once, whatever the sliders do while they follow it."""
        if not self._writing:
            self._text.value = ", ".join(map(str, scheme))
            self._follow()
