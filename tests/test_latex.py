"""Text for LaTeX: letter by letter as typed, but for formulas."""

import re

import pytest

from drnn_theory import compare
from drnn_theory.latex import (
    as_latex,
    breakable,
    figure_environment,
    table_environment,
    tabulars,
)
from drnn_theory.tables import Table


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b & 5% #1 {x}", r"a\_b \& 5\% \#1 \{x\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("<b>|--|", r"\textless{}b\textgreater{}\textbar{}-{}-\textbar{}"),
        ("α ≤ Ω, Α", r"$\alpha$ $\le$ $\Omega$, Α"),
        ("one\n  line", "one line"),
        ("5$", r"5\$"),
        ("the mean $d_i(n)$ of 5%", r"the mean $d_i(n)$ of 5\%"),
        ("$x_$", r"\$x\_\$"),
        ("$a_1_2$", r"\$a\_1\_2\$"),
        ("$a}{$", r"\$a\}\{\$"),
        ("$5%$", r"\$5\%\$"),
        ("$$", r"\$\$"),
        ("_mine", r"\_mine"),
    ],
)
def test_what_is_typed_is_shown_and_formulas_stay(text, latex):
    assert as_latex(text) == latex


def test_a_figure_escapes_its_caption_and_leaves_its_label():
    figure = figure_environment("my_zoo", "50% of $d_i$", "machine A\nB", wide=True)
    assert figure.startswith("% machine A\n% B\n\\begin{figure*}")
    assert r"\caption{50\% of $d_i$}" in figure
    assert r"\label{fig:my_zoo}" in figure


def test_columns_that_do_not_fit_follow_beside_those_that_tell_rows_apart():
    rows = [
        {"weights": w, "reach": r, **{f"column {k}": 0.123456 for k in range(6)}}
        for w in ("uniform", "orthogonal")
        for r in ("mean", "horizon")
    ]
    latex = Table(rows).to_latex(width=2.75)
    heads = [line for line in latex.splitlines() if line.startswith("weights")]
    assert len(heads) == 3
    assert all(re.match(r"weights +& reach +& ", head) for head in heads)
    said = [int(n) for head in heads for n in re.findall(r"column (\d)", head)]
    assert said == [*range(6)]
    assert Table(rows).to_latex(width=20).count(r"\toprule") == 1


def test_a_long_name_wraps_only_where_the_table_is_too_wide():
    name = "somebody_typed_it " * 6
    row = {"architecture": name, "mean": 1.5}
    assert r"\parbox[t]" in Table([row]).to_latex(width=3)
    assert r"\parbox" not in Table([row]).to_latex(width=10)
    wrapped = tabulars(["name"], [["x" * 99]], [["x" * 99]], ["l"], 2)
    assert wrapped.count(r"x\allowbreak{}x") > 40


def test_rows_for_more_than_a_page_are_a_longtable_with_its_header_repeated():
    latex = [Table([{"lag": n} for n in range(rows)]).to_latex() for rows in (45, 46)]
    assert r"\begin{tabular}{@{}r@{}}" in latex[0]
    assert r"\begin{longtable}{@{}r@{}}" in latex[1]
    assert latex[1].index(r"\endhead") < latex[1].index("\n  0")


def test_fractions_and_numbers_are_flush_right():
    latex = compare({"a": [1, 2, 4]}).table(["Exactly", "Longest path"]).to_latex()
    assert r"{@{}lrr@{}}" in latex


def test_a_table_of_more_than_a_page_floats_in_parts_under_one_number():
    rows = [
        {"architecture": f"row {n}", **{f"column {k}": 0.123456 + n for k in range(12)}}
        for n in range(20)
    ]
    table = Table(rows).to_latex(width=2.75)
    assert table.count(r"\toprule") > 3
    text = table_environment("many", table, "Caption.", "version 0", wide=False)
    floats = text.split(r"\begin{table}[tbp]")[1:]
    assert len(floats) > 1
    assert text.count(r"\caption{Caption.}") == text.count(r"\label{tab:many}") == 1
    assert text.count(r"\caption{(continued)}") == len(floats) - 1
    assert text.count(r"\addtocounter{table}{-1}") == len(floats) - 1
    for part in floats:  # each whole, and no more than a page
        assert part.count(r"\toprule") == part.count(r"\bottomrule") > 0
        assert part.count(r"\\") <= 45 + 10
        assert part.count("{") - part.count(r"\{") == part.count("}") - part.count(r"\}")
    said = [int(n) for n in re.findall(r"column (\d+)", text)]
    assert sorted(set(said)) == [*range(12)]


def test_a_table_of_a_page_is_one_float():
    text = table_environment("few", Table([{"a": 1}]).to_latex(), "Caption.", "version 0")
    assert text.count(r"\begin{table}") == text.count(r"\caption") == 1
    assert "addtocounter" not in text


def test_only_outer_parentheses_and_commas_are_broken():
    formula = r"$\left\{ \left( a, b \right) \right\} = \frac{\left( c, d \right)}{2}$"
    expected = r"$\left\{ \Bigl( a,\allowbreak b \Bigr) \right\} = \frac{\left( c, d \right)}{2}$"
    assert breakable(formula) == expected


@pytest.mark.parametrize("width", [0, -1, True, "wide", float("nan")])
def test_a_width_that_is_none_is_refused(width):
    message = f"width must be that of a page in inches, from 1 on, got {width!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Table([{"lag": 1}]).to_latex(width=width)


def test_an_unknown_style_is_refused_with_the_list_and_booktabs_is_the_house_style():
    table = Table([{"lag": 1}])
    with pytest.raises(
        ValueError, match=r"^style must be one of .*'latex_booktabs'.*, got 'vogue'$"
    ):
        table.to_text("vogue")
    assert table.to_text("latex_booktabs") == table.to_latex()


def test_an_unknown_column_is_refused_with_the_list_and_one_string_as_no_list():
    comparison = compare({"a": [1, 2]})
    with pytest.raises(ValueError, match=r"^column must be one of 'span', .*, got 'mean'$"):
        comparison.table(["mean"])
    with pytest.raises(TypeError, match=r"^columns must be a list of names, got 'exactly'$"):
        comparison.table("exactly")


def test_a_table_without_rows_is_refused():
    with pytest.raises(ValueError, match=r"^a table must have a row to be written for LaTeX, got"):
        Table([]).to_latex()
