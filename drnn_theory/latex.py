r"""LaTeX that compiles whatever a name holds: text, formulas, rows of tables, figures.

Text between dollars is a formula if LaTeX can read it as one; everything else is set as typed.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence

__all__ = ["as_comment", "as_latex", "figure_environment", "stacked", "text_width"]

_ESCAPES = {c: rf"\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    # the fonts of a bare article have other signs in the places of these
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
}
_SIGNS = {
    "×": r"\times",
    "·": r"\cdot",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "±": r"\pm",
    "−": "-",
    "→": r"\to",
    "∞": r"\infty",
    "∈": r"\in",
    "°": r"^\circ",
}
_NO_FORMULA = re.compile(
    r"(?<!\\)[#%&~]"  # signs that mean something else to LaTeX
    r"|(?<!\\)[_^]\s*($|[_^}])|^\s*[_^]\s*$"  # a script of nothing
    # two scripts in one place
    r"|(?<!\\)(?P<script>[_^])\s*(\{[^{}]*\}|\\[A-Za-z]+|[^\\{}])\s*(?P=script)"
    r"|\\\s*$"  # a backslash that would take the dollar
)


def as_latex(text: str) -> str:
    r"""Return text as LaTeX shows it letter by letter, but for the formulas between dollars.

    >>> print(as_latex("50% of a_b & $d_i(n)$"), as_latex("$x_$"), as_latex("5$"))
    50\% of a\_b \& $d_i(n)$ \$x\_\$ 5\$
    """
    text = re.sub(r"\s+", " ", text)
    parts = text.split("$")
    formulas = parts[1::2]
    if len(parts) % 2 == 0 or not all(map(_is_formula, formulas)):
        return _escaped(text)
    return "".join(f"${part}$" if k % 2 else _escaped(part) for k, part in enumerate(parts))


def _is_formula(text: str) -> bool:
    bare = re.sub(r"\\.", "", text)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return bool(text.strip()) and depth == 0 and _NO_FORMULA.search(text) is None


def _escaped(text: str) -> str:
    text = "".join(_ESCAPES.get(c) or _sign(c) for c in text)
    return re.sub("-(?=-)", "-{}", text)  # two hyphens are no dash


def _sign(character: str) -> str:
    """Return a Greek letter or a sign as a formula, any other character as it is."""
    if character in _SIGNS:
        return f"${_SIGNS[character]}$"
    words = unicodedata.name(character, "").split()
    if len(words) == 4 and words[0] == "GREEK" and words[2] == "LETTER" and words[3] != "OMICRON":
        name = {"LAMDA": "LAMBDA"}.get(words[3], words[3]).lower()
        if words[1] == "SMALL":
            return rf"$\{name}$"
        drawn = {"gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon"}
        if name in drawn | {"phi", "psi", "omega"}:
            return rf"$\{name.capitalize()}$"
    return character


def as_comment(text: str) -> str:
    r"""Return text as comments of LaTeX, one for each line.

    >>> print(as_comment("version 0.1.0; 50%"))
    % version 0.1.0; 50%
    """
    return "\n".join(f"% {line}" for line in text.splitlines())


def stacked(header: str, side: str, letters: int = 12) -> str:
    r"""Return a header of a table, one that is longer than ``letters`` in several lines.

    >>> print(stacked("skip coefficient", "r"), stacked("lag", "r"))
    \shortstack[r]{\strut skip\\coefficient} lag
    """
    lines = [as_latex(line) for line in _lines(header, letters)]
    stack = r"\\".join(lines)
    return stack if len(lines) < 2 else rf"\shortstack[{side}]{{\strut {stack}}}"


def _lines(header: str, letters: int = 12) -> list[str]:
    return textwrap.wrap(header, letters, break_long_words=False) if "$" not in header else [header]


def text_width(text: str) -> float:
    r"""Return about how wide text is in ``\small``, in points, rather too wide than too narrow.

    >>> text_width("mm") > text_width("ll")
    True
    """
    bare = re.sub(r"\\[A-Za-z]+", "x", text)
    widths = {**dict.fromkeys("ijl.,:;|'()[]!I ", 3.9), **dict.fromkeys("mwMW@%", 9.0)}
    return sum(widths.get(c, 7.0 if c.isupper() else 5.0 if c < "\u0370" else 9.0) for c in bare)


def figure_environment(
    name: str, caption: str, provenance: str, *, wide: bool = False, notes: Sequence[str] = ()
) -> str:
    r"""Return a picture in a figure environment with caption and label; it needs graphicx.

    The picture is as wide as the column, both columns if ``wide``. Where its numbers come from is a
    comment.

    >>> print(figure_environment("my_zoo", "Half of 1%.", "version 0.1.0"), end="")
    % version 0.1.0
    \begin{figure}[tbp]
      \centering
      \includegraphics[width=\linewidth]{my_zoo}
      \caption{Half of 1\%.}
      \label{fig:my_zoo}
    \end{figure}
    """
    environment = "figure*" if wide else "figure"
    lines = [
        as_comment("\n".join([provenance, *notes])),
        rf"\begin{{{environment}}}[tbp]",
        r"  \centering",
        rf"  \includegraphics[width=\linewidth]{{{name}}}",
        rf"  \caption{{{as_latex(caption)}}}",
        rf"  \label{{fig:{name}}}",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"
