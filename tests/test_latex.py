"""Text for LaTeX: letter by letter as typed, but for formulas."""

import pytest

from drnn_theory.latex import as_latex, figure_environment


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
