"""The panel: widgets in, numbers out. What is computed stands in the modules beside this one."""

from __future__ import annotations

import threading
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from drnn_theory.architectures import Architecture
from drnn_theory.explorer.advice import Best, advise, known, quick, search
from drnn_theory.explorer.background import Latest
from drnn_theory.explorer.choices import FORMS, GIVEN, LIMIT, Choice
from drnn_theory.explorer.drawing import figure
from drnn_theory.explorer.fields import FormBox, labelled
from drnn_theory.explorer.page import Page
from drnn_theory.explorer.saving import SHEETS, checked_file, save_figure, sheet_of
from drnn_theory.explorer.scene import UNITS_PER_INCH
from drnn_theory.explorer.telling import as_html, as_text, figure_code
from drnn_theory.explorer.views import View, look
from drnn_theory.measures import default_span
from drnn_theory.summaries import Summary, summary

__all__ = ["Explorer", "explore"]

WORST = -1  # the starting phase "worst at each lag" in its dropdown
PAGE_SIZE = "this page"
NARROWEST, WIDEST = 300, 1000
"""The limits of a drawing's width on the page, in pixels."""


def explore(
    architecture: Architecture | None = None,
    span: int | None = None,
    *,
    lag: int | None = None,
    start: int | None = None,
    whole: bool = True,
    name: str = "",
) -> Explorer:
    """Return a panel for JupyterLab that explores an architecture and its memory.

    Choose an architecture, its dilations and the span, by hand or by slider, and see at once the
    unfolded graph with the shortest path to a lag, d(n), the measures, a better scheme if there is
    one, and the code that reproduces numbers and figure; save the figure as it is shown.
    ``architecture`` (a sequence of dilations, a cyclic graph or a torch module of this package),
    ``span``, ``lag`` and the starting phase ``start`` are where it begins: the dilations 1, 2, ..,
    256, the largest lag, the lag of the longest path and the worst phase unless given. The span
    then stays until it is changed. ``whole=False`` draws the steps up to the lag alone; ``name``
    is the title for the architecture given, which otherwise is its code.

    It is the last line of a cell. In a script it shows nothing, but has the numbers as ``view`` and
    as text, and saves the figure.

    Raises TypeError or ValueError for bad input, and ImportError without ipywidgets.

    >>> explorer = explore([1, 2, 4, 8], span=16)
    >>> explorer.view.mrl
    Fraction(49, 8)
    >>> print(explorer)
    explore: a panel for notebooks, the last line of a cell shows it. Its numbers:
    [1, 2, 4, 8]
    mean recurrent length 6.125 = 49/8, lags 1..16, vertical edges counted
    Shortest path to lag 15: 8 edges, 4 of them recurrent.
    """
    return Explorer(
        (1, 2, 4, 8, 16, 32, 64, 128, 256) if architecture is None else architecture,
        span,
        lag=lag,
        start=start,
        whole=whole,
        name=name,
    )


class Explorer(widgets.VBox):
    """The panel that :func:`explore` returns.

    ``view`` holds the numbers that are shown, None while the input is refused; ``architecture`` is
    what was chosen: dilations or a cyclic graph, for every function of the package.
    """

    def __init__(
        self,
        architecture: Architecture,
        span: int | None = None,
        *,
        lag: int | None = None,
        start: int | None = None,
        whole: bool = True,
        name: str = "",
    ):
        self.view: View | None = None
        self._lock = threading.RLock()  # held while anything on the page changes
        self._setting = False
        self._searches = Latest(search, self._lock)
        self._tables = Latest(summary, self._lock)
        self._found: dict[tuple[int, int], Best] = {}
        self._summaries: dict[tuple[Choice, int], Summary] = {}
        self._better: tuple[int, ...] = ()
        given = Choice.of(architecture, name)
        self._given = None if given.is_form else given
        self._build(given)
        view = look(given, span, lag, start)
        self._set_limits(view.span, view.lag, self._periods(given))
        if view.period > 1 and not view.worst:
            self.phase.value = view.start
        self.drawn.value = whole
        self._observe()
        super().__init__(self._laid_out())
        self.add_class("drnn-explorer")
        self._refresh()

    @property
    def architecture(self) -> Any:
        """The dilations or the cyclic graph that are shown; ValueError while there are none."""
        if self.view is None:
            raise ValueError(f"the input must be mended first, got: {self._problem}")
        return self.view.choice.architecture

    def save(
        self, file: str, *, venue: str | None = None, wide: bool = True, width: float | None = None
    ) -> Path:
        """Write the figure that is shown, as PDF, SVG or PNG by the file's name; return where.

        A ``venue`` gives width, font and size, across all columns or in one (``wide=False``);
        without one the drawing is that of the page, ``width`` inches wide. Raises ValueError for
        another format, a folder that is not there and while there is no figure.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = explore([1, 2, 4, 8]).save(f"{folder}/paths.pdf", venue="neurips")
        >>> path.name
        'paths.pdf'
        """
        if self.view is None:
            raise ValueError(f"the input must be mended first, got: {self._problem}")
        whole = self.drawn.value
        return save_figure(self.view, file, whole=whole, venue=venue, wide=wide, width=width)

    def __repr__(self) -> str:
        if self.view is None:
            return f"explore: the input must be mended first, got: {self._problem}"
        return as_text(self.view)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the panel, and the numbers as text where it cannot be shown.

        Beside them stands where Colab finds the scripts of widgets that are not its own.
        """
        bundle: Any = self._page._repr_mimebundle_()
        _, scripts = bundle
        return {**super()._repr_mimebundle_(**kwargs), "text/plain": repr(self)}, scripts

    # ------------------------------------------------------------------ the widgets

    def _build(self, given: Choice) -> None:
        options = [(form.label, name) for name, form in FORMS.items()]
        if self._given is not None:
            options.insert(0, ("the graph that was given", GIVEN))
        self.family = labelled(
            widgets.Dropdown, "architecture", options=options, value=given.family
        )
        values = {k: _text(v) for k, v in given.arguments} if given.is_form else {}
        self.form = widgets.VBox([self._form_of(given.family, values)])
        self._forms: dict[str, Any] = {given.family: self.form.children[0]}
        self.span = labelled(widgets.IntSlider, "span", min=1, max=LIMIT)
        self.span_number = labelled(widgets.BoundedIntText, "span, typed", min=1, max=LIMIT)
        self._automatic = labelled(
            widgets.Checkbox,
            "span = largest lag",
            "set the span to the largest lag, and keep it so",
            value=False,
            indent=True,
        )
        self.lag = labelled(
            widgets.IntSlider, "lag", "the lag whose shortest path is shown", min=0, max=LIMIT
        )
        self.phase = labelled(widgets.Dropdown, "starting phase", options=[("worst", WORST)])
        self.drawn = labelled(
            widgets.Dropdown, "steps drawn", options=[("the span", True), ("up to the lag", False)]
        )
        sizes = [(PAGE_SIZE, {}), *SHEETS.items()]
        self.size = labelled(
            widgets.Dropdown, "size for", "width, font and size of a venue", options=sizes
        )
        self._page = Page(layout=widgets.Layout(height="0"))
        self._headline = widgets.HTML()
        self._error = widgets.HTML()
        self._figure = widgets.HTML(layout=widgets.Layout(width="100%", margin="2px 0"))
        self._figure.add_class("drnn-drawing")
        self._table = widgets.HTML()
        self._advice = widgets.HTML(layout=widgets.Layout(flex="1 1 300px", min_height="3em"))
        self._use = widgets.Button(description="Use it", tooltip="take over the better scheme")
        self._code = labelled(
            widgets.Textarea, "code", "the code that reproduces numbers and figure", rows=9
        )
        self._code.add_class("drnn-code")
        self._copy = widgets.Button(
            description="Copy code", tooltip="put the code on the clipboard"
        )
        self._copy.add_class("drnn-copy")
        self._file = labelled(
            widgets.Text, "file", "a name that ends in .pdf, .svg or .png", value="unfolded.pdf"
        )
        self._save = widgets.Button(
            description="Save figure", tooltip="write the figure as PDF, SVG or PNG"
        )
        self._saved = widgets.HTML()

    def _laid_out(self) -> list[Any]:
        """Return the rows: choices beside what is seen, the table beside code and file."""
        layout = widgets.Layout
        narrow, wide = (
            {"flex": "1 1 260px", "max_width": "430px", "min_width": "240px"},
            {"flex": "3 1 400px", "min_width": "300px", "padding": "0 0 0 12px"},
        )
        chosen = [self.family, self.form, self.span, self.span_number, self._automatic]
        chosen += [self.lag, self.phase, self.drawn, self.size]
        row = layout(flex_flow="row wrap")
        self._results = widgets.VBox(
            [self._figure, widgets.HBox([self._advice, self._use], layout=row)]
        )
        saving = [self._file, self._save, self._copy]
        self._details = widgets.VBox([self._code, widgets.HBox(saving, layout=row), self._saved])
        self._file.layout = layout(flex="1 1 240px", width="auto")
        rows = [
            (
                widgets.VBox(chosen, layout=layout(**narrow)),
                widgets.VBox([self._headline, self._error, self._results], layout=layout(**wide)),
            ),
            (
                widgets.VBox([self._table], layout=layout(**narrow)),
                widgets.VBox([self._details], layout=layout(**wide)),
            ),
        ]
        page = layout(flex_flow="row wrap", width="100%")
        return [self._page, *(widgets.HBox(pair, layout=page) for pair in rows)]

    def _observe(self) -> None:
        self.family.observe(lambda _: self._family_changed(), names="value")
        for box in (self.span, self.span_number):
            box.observe(self._span_changed, names="value")
        for box in (self._automatic, self.lag, self.phase):
            box.observe(lambda _: self._refresh(), names="value")
        for box in (self.drawn, self.size, self._file):
            box.observe(lambda _: self._draw(), names="value")
        self._page.observe(self._picked, names="picked")
        self._page.observe(lambda _: self._draw(), names="width")
        self._use.on_click(lambda _: self._use_better())
        self._save.on_click(lambda _: self._export())

    def _form_of(self, family: str, values: dict[str, Any]) -> Any:
        if family == GIVEN:
            return widgets.VBox()
        return FormBox(FORMS[family], values, self._refresh)

    # ------------------------------------------------------------------ what changes

    def _family_changed(self) -> None:
        """Show another form; the span stays, so that architectures are compared over one."""
        family = self.family.value
        if family not in self._forms:
            self._forms[family] = self._form_of(family, {})
        self.form.children = (self._forms[family],)
        self._refresh()

    def _span_changed(self, change: dict[str, Any]) -> None:
        if not self._setting:
            self._setting = True
            self._automatic.value = False
            self.span.max = max(self.span.max, change["new"])
            self.span.value = self.span_number.value = change["new"]
            self._setting = False
            self._refresh()

    def _picked(self, change: dict[str, Any]) -> None:
        if change["new"] >= 0:
            self.lag.value = change["new"]
            self._page.picked = -1  # so that the same lag can be picked again

    def _choice(self) -> Choice:
        family = self.family.value
        if family == GIVEN:
            assert self._given is not None
            return self._given
        return Choice(family, FORMS[family].read(self._forms[family].values))

    def _refresh(self) -> None:
        """Show what is chosen now, or say what is wrong with it."""
        if self._setting:
            return
        with self._lock:
            self._searches.drop()
            self._tables.drop()
            self._saved.value = ""
            try:
                choice = self._choice()
                span = (
                    default_span(choice.architecture) if self._automatic.value else self.span.value
                )
                self._set_limits(span, self.lag.value, self._periods(choice))
                start = None if self.phase.value == WORST else self.phase.value
                self.view = look(choice, span, self.lag.value, start)
            except (TypeError, ValueError) as error:
                self._refuse(str(error))
            else:
                self._show(self.view)

    @staticmethod
    def _periods(choice: Choice) -> int:
        architecture = choice.architecture
        return 1 if isinstance(architecture, tuple) else int(architecture.graph["period"])

    def _set_limits(self, span: int, lag: int, period: int) -> None:
        """Fit the sliders to a span and a period and look once, not once for each of them."""
        self._setting = True
        self.span.max = max(512, span)
        self.span.value = self.span_number.value = span
        self.lag.max = span
        self.lag.value = min(lag, span)
        if len(self.phase.options) != (period + 1 if period > 1 else 1):
            phases = [(str(phase), phase) for phase in range(period)] if period > 1 else []
            self.phase.options = [("worst at each lag", WORST), *phases]
            self.phase.value = WORST
        self.phase.layout.display = "flex" if period > 1 else "none"
        self._setting = False

    def _refuse(self, problem: str) -> None:
        """Say what is wrong, and show no number that answers to something else."""
        self.view, self._problem, self._better = None, problem, ()
        self._error.value = f'<div class="drnn-error" role="alert">{escape(problem)}</div>'
        self._headline.value = ""
        self._code.value = ""
        for box in (self._table, self._results, self._details):
            box.layout.visibility = "hidden"

    def _show(self, view: View) -> None:
        self._error.value = ""
        self._headline.value = as_html(view)
        self._draw()
        self._show_table(view)
        self._show_advice(view)
        for box in (self._table, self._results, self._details):
            box.layout.visibility = "visible"

    def _options(self) -> dict[str, Any]:
        """Return the arguments of :meth:`save` that give the drawing on the page."""
        if self.size.value:
            return dict(self.size.value)
        width = min(max(self._page.width, NARROWEST), WIDEST) // 12 * 12  # eighths of an inch
        return {"width": width / UNITS_PER_INCH}

    def _draw(self) -> None:
        """Draw what is seen, and write the code that does the same."""
        with self._lock:
            if self.view is None:
                return
            options, whole = self._options(), self.drawn.value
            self._figure.value = figure(self.view, whole=whole, sheet=sheet_of(**options))
            code = figure_code(self.view, whole, self._file.value.strip(), options)
            self._code.value = f"{self.view.code}\n\n{code}"

    def _show_table(self, view: View) -> None:
        key = (view.choice, view.span)
        arguments = (view.choice.architecture, view.span)
        if key not in self._summaries and view.is_quick:
            self._summaries[key] = summary(*arguments, name=view.choice.title)
        if key in self._summaries:
            self._table.value = self._summaries[key]._repr_html_()
            return

        def deliver(answer: Summary | None, error: str) -> None:
            if answer is None:
                self._table.value = f"The table of measures is missing: {escape(error)}"
            else:
                self._summaries[key] = answer
                self._table.value = answer._repr_html_()

        self._table.value = "Computing the table of measures .."
        self._tables.ask(deliver, *arguments)

    def _show_advice(self, view: View) -> None:
        key = (view.span, view.layers)
        if view.layers > view.span:
            self._advise(
                f"No stack to compare with: {view.layers} distinct dilations need a span of "
                f"{view.layers} or more."
            )
            return
        best = known(*key) or self._found.get(key)
        if best is not None:
            self._advise(*advise(view, best))
            return

        def deliver(answer: Best | None, error: str) -> None:
            if answer is None:
                self._advise(f"The search for a better scheme failed: {error}")
            else:
                self._found[key] = answer
                self._advise(*advise(view, answer))

        self._advise(*advise(view, quick(*key), searching=True))
        self._searches.ask(deliver, *key)

    def _advise(self, words: str, scheme: tuple[int, ...] = ()) -> None:
        self._better = scheme
        self._advice.value = escape(words)
        self._use.layout.display = "inline-flex" if scheme else "none"

    # ------------------------------------------------------------------ what the buttons do

    def _use_better(self) -> None:
        """Take over the better scheme as a stack of dilations, over the same span."""
        with self._lock:
            if self.view is None or not self._better:
                return
            scheme = _text(self._better)
            self._setting = True
            self._automatic.value = False
            if "dilated_rnn" not in self._forms:
                self._forms["dilated_rnn"] = self._form_of("dilated_rnn", {"dilations": scheme})
            inputs = self._forms["dilated_rnn"].inputs
            inputs["dilations"].value, inputs["fusion"].value = scheme, False
            self.family.value = "dilated_rnn"
            self.form.children = (self._forms["dilated_rnn"],)
            self._setting = False
            self._refresh()

    def _export(self) -> None:
        """Say at once that the figure is being written, and then where it is."""
        if self.view is None:
            return
        try:
            path = checked_file(self._file.value)
            self._saved.value = f'<div role="status">writing {escape(path.name)} ..</div>'
            path = self.save(str(path), **self._options())
        except ValueError as error:
            self._saved.value = f'<div class="drnn-error" role="alert">{escape(str(error))}</div>'
        else:
            self._saved.value = f'<div role="status">wrote {escape(str(path))}</div>'


def _text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value
