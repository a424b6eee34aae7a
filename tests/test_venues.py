"""Styles of venues: width, fonts that print takes, nothing set for good."""

import inspect

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from tueplots import bundles

from drnn_theory.figures import venues
from drnn_theory.figures.venues import FALLBACKS, VENUES, venue_style


@pytest.mark.parametrize("venue", VENUES)
def test_a_style_has_the_width_and_sizes_of_the_venue_and_needs_no_latex(venue):
    style = venue_style(venue)
    two_columns = "column" in inspect.signature(VENUES[venue]).parameters
    bundle = VENUES[venue](column="full") if two_columns else VENUES[venue]()
    assert style["figure.figsize"][0] == bundle["figure.figsize"][0]
    assert style["font.size"] == bundle["font.size"]
    assert style["text.usetex"] is False
    assert style["font.serif"][-1] == "STIXGeneral"  # which comes with matplotlib
    assert len(style["font.serif"]) <= 2
    assert style["font.family"][:2] == ["serif", "DejaVu Sans"]
    assert set(style["font.family"][1:]) <= set(FALLBACKS)
    assert style["pdf.fonttype"] == style["ps.fonttype"] == 42
    with mpl.rc_context(style):  # matplotlib knows every setting
        plt.close(plt.figure())


def test_a_narrow_figure_takes_one_column_where_there_are_two():
    assert venue_style("icml", wide=False)["figure.figsize"][0] == 3.25
    assert venue_style("icml")["figure.figsize"][0] == 6.75
    assert venue_style("neurips") == venue_style("neurips", wide=False)  # one column alone


def test_the_latest_year_of_a_venue_is_taken():
    years = sorted(name for name in dir(bundles) if name.startswith("neurips20"))
    assert len(years) > 1
    assert VENUES["neurips"] is getattr(bundles, years[-1])


def test_case_and_year_do_not_matter():
    assert venue_style("NeurIPS 2023") == venue_style("neurips")


def test_a_style_sets_nothing_for_good():
    before = dict(mpl.rcParams)
    venue_style("jmlr")
    assert dict(mpl.rcParams) == before


def test_of_the_fonts_of_a_venue_the_first_that_can_be_embedded_is_taken(monkeypatch):
    bundle = {"font.serif": ["Absent", "Postscript", "DejaVu Serif", "DejaVu Sans"]}
    monkeypatch.setitem(VENUES, "mine", lambda usetex: bundle)
    fonts = ["Postscript", "DejaVu Serif", "DejaVu Sans"]
    monkeypatch.setattr(venues.font_manager, "get_font_names", lambda: fonts)
    monkeypatch.setattr(venues, "_is_truetype", lambda font: font != "Postscript")
    assert venue_style("mine")["font.serif"] == ["DejaVu Serif", "STIXGeneral"]


def test_an_unknown_venue_is_refused_with_the_list():
    with pytest.raises(ValueError, match=r"venue must be one of .*'neurips'.*, got 'vogue'"):
        venue_style("vogue")
