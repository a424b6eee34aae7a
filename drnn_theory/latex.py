r"""LaTeX that compiles whatever a name holds: text, formulas, rows of tables, figures.

Text between dollars is a formula if LaTeX can read it as one; everything else is set as typed.
"""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Sequence

__all__ = [
    "as_comment",
    "as_latex",
    "breakable",
    "figure_environment",
    "formula_list",
    "header_cell",
    "table_environment",
    "tabulars",
    "text_width",
]

POINTS = 72.27
"""Of TeX in an inch."""
GAP = 8.0
"""Points between two columns."""
ROWS_OF_A_PAGE = 45
BETWEEN = "\n\\par\\medskip\\noindent\n"
"""What stands between two tabulars of one table."""

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
_WIDTHS = {  # of Computer Modern at 9 points
    letter: points
    for points, letters in {
        2.6: "ijl.,:;|'!",
        3.1: " ",
        3.6: "fIrst()[]-",
        4.6: "acegoz0123456789/*",
        5.1: "bdhknpquvxy",
        8.6: "mwMW@%",
    }.items()
    for letter in letters
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


def header_cell(header: str, side: str, letters: int = 12) -> str:
    r"""Return a header of a table, one that is longer than ``letters`` in several lines.

    >>> print(header_cell("skip coefficient", "r"), header_cell("lag", "r"))
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
    return sum(_WIDTHS.get(c, 6.8 if c < "\u0370" else 10.0) for c in bare)


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


def table_environment(
    name: str, table: str, caption: str, provenance: str, *, wide: bool = False
) -> str:
    r"""Return a table of booktabs in a table environment, with caption and label above it.

    It floats over both columns if ``wide``; tabulars that are more than a page float one by one,
    under the same number. A longtable, which cannot float, carries its caption itself and follows
    where it stands. Where the numbers come from is a comment.

    >>> print(table_environment("my_zoo", "TABLE", "Half of 1%.", "version 0.1.0"), end="")
    % version 0.1.0
    \begin{table}[tbp]
      \centering
      \caption{Half of 1\%.}
      \label{tab:my_zoo}
    TABLE
    \end{table}
    """
    label = rf"\label{{tab:{name}}}"
    said = rf"\caption{{{as_latex(caption)}}}"
    if r"\begin{longtable}" in table:
        head, rule, rest = table.partition(r"\toprule")
        return f"{as_comment(provenance)}\n{head}{said}{label}\\\\\n{rule}{rest}\n"
    environment = "table*" if wide else "table"
    lines = [as_comment(provenance)]
    for number, part in enumerate(_of_a_page(table)):
        again = [r"  \addtocounter{table}{-1}", r"  \caption{(continued)}"]
        lines += [rf"\begin{{{environment}}}[tbp]", r"  \centering"]
        lines += again if number else [f"  {said}", f"  {label}"]
        lines += [part, rf"\end{{{environment}}}"]
    return "\n".join(lines) + "\n"


def _of_a_page(table: str) -> list[str]:
    """Return a table whole, or its tabulars in as many groups as pages must hold them."""
    opening, _, inner = table.partition("%\n")
    if not inner:
        return [table]
    pages: list[list[str]] = [[]]
    for tabular in inner.removesuffix("}").split(BETWEEN):
        if pages[-1] and sum(map(_height, [*pages[-1], tabular])) > ROWS_OF_A_PAGE:
            pages.append([])
        pages[-1].append(tabular)
    set_pages = []
    for page in pages:
        full = sum(map(_height, page)) > ROWS_OF_A_PAGE  # by a few lines, those of the head
        size = opening.replace(r"\small", r"\footnotesize") if full else opening
        set_pages.append(f"{size}%\n{BETWEEN.join(page)}}}")
    return set_pages


def _height(tabular: str) -> int:
    """Return the lines that a tabular takes, those of its head and what wraps included."""
    lines = 3 + tabular[: tabular.index(r"\midrule")].count("\\\\")
    for row in tabular.splitlines():
        boxes = re.findall(r"\\parbox\[t\]\{(\d+)pt\}\{\\raggedright (.*?)\\strut\}", row)
        wrapped = [math.ceil(1.15 * text_width(text) / float(width)) for width, text in boxes]
        lines += max(wrapped, default=1) if row.endswith(r"\\") else 0
    return lines


def tabulars(
    headers: Sequence[str],
    cells: Sequence[Sequence[str]],
    latex: Sequence[Sequence[str]],
    sides: Sequence[str],
    width: float,
) -> str:
    """Return rows as tabulars of booktabs within a width in inches, as many as that takes.

    ``cells`` are read and ``latex`` is set. Columns that do not fit go into a tabular of their own,
    beside those that tell the rows apart; words wrap; more rows than a page holds take the package
    longtable.
    """
    room = POINTS * width + GAP  # none before the first column and after the last
    columns = [[row[k] for row in latex] for k in range(len(headers))]
    wide = [
        max(map(text_width, [*_lines(header), *(row[k] for row in cells)])) + GAP
        for k, header in enumerate(headers)
    ]
    if sum(wide) > room:
        for k, side in enumerate(sides):
            share = 1.0 if len(headers) == 1 else 0.35 if k == 0 else 0.6
            most = max(share * room, GAP + max(map(text_width, _lines(headers[k]))))
            if side == "l" and wide[k] > most:
                wide[k], inner = most, most - GAP
                columns[k] = [
                    _box(text, inner) if text_width(row[k]) > inner else text
                    for row, text in zip(cells, columns[k], strict=True)
                ]
    keys = _keys(cells, wide, room)
    blocks: list[list[int]] = []
    for number in range(len(keys), len(headers)):
        if blocks and sum(wide[k] for k in (*blocks[-1], number)) <= room:
            blocks[-1].append(number)
        else:
            blocks.append([*keys, number])
    tables = [
        _tabular(
            [headers[k] for k in chosen], [columns[k] for k in chosen], [sides[k] for k in chosen]
        )
        for chosen in blocks or [keys]
    ]
    text = BETWEEN.join(tables)
    return f"{{\\small\\setlength{{\\tabcolsep}}{{{GAP / 2:g}pt}}%\n{text}}}"


def _keys(cells: Sequence[Sequence[str]], wide: Sequence[float], room: float) -> list[int]:
    """Return the first columns that tell rows apart, the first alone where they leave no room."""
    for count in range(1, len(wide)):
        if len({tuple(row[:count]) for row in cells}) == len(cells):
            return [*range(count)] if sum(wide[:count]) + max(wide[count:]) <= room else [0]
    return [0]


def _tabular(headers: Sequence[str], columns: Sequence[Sequence[str]], sides: Sequence[str]) -> str:
    padded = []
    for header, column, side in zip(headers, columns, sides, strict=True):
        texts = [header_cell(header, side), *column]
        size = min(40, max(map(len, texts)))
        padded.append([t.ljust(size) if side == "l" else t.rjust(size) for t in texts])
    head, *rows = [" & ".join(row) + r" \\" for row in zip(*padded, strict=True)]
    if len(rows) > ROWS_OF_A_PAGE:
        kind, before, after = "longtable", [r"\endhead", r"\bottomrule", r"\endfoot"], []
    else:
        kind, before, after = "tabular", [], [r"\bottomrule"]
    begin = rf"\begin{{{kind}}}{{@{{}}{''.join(sides)}@{{}}}}"
    lines = [begin, r"\toprule", head, r"\midrule", *before, *rows, *after, rf"\end{{{kind}}}"]
    return "\n".join(lines)


def _box(text: str, width: float) -> str:
    """Return LaTeX that wraps within a width in points, inside words longer than a line, too."""
    if "$" not in text:
        text = " ".join(_parted(w, width) if text_width(w) > width else w for w in text.split(" "))
    return rf"\parbox[t]{{{width:.0f}pt}}{{\raggedright {text}\strut}}"


def _parted(word: str, width: float) -> str:
    """Return a word that may be broken after its marks, and after any letter if that is too few."""
    parts = re.findall(r".*?(?:\\_|[-/.,])|.+", word)
    if any(text_width(part) > width for part in parts):
        parts = re.findall(r"\\text[a-z]+\{\}|\\.|.", word)
    return r"\allowbreak{}".join(parts)


def formula_list(rows: Sequence[tuple[str, str, str]]) -> str:
    r"""Return names, formulas and remarks as a longtable of a name and a remark above each formula.

    Formulas are broken at their relations, and at the commas and signs within outer parentheses.
    It needs amsmath, booktabs and longtable.

    >>> print(formula_list([("skip_mean", "$a = b$", "agrees")]).splitlines()[1])
    {\raggedright skip\_mean\hfill agrees\newline $a = b$\par} \\ \bottomrule
    """
    lines = [
        rf"{{\raggedright {as_latex(name)}\hfill {as_latex(remark)}\newline "
        rf"{breakable(formula)}\par}} \\ \midrule"
        for name, formula, remark in rows
    ]
    lines[-1] = lines[-1].replace(r"\midrule", r"\bottomrule") if lines else ""
    head = r"{\small\begin{longtable}{@{}p{\linewidth}@{}} \toprule"
    return "\n".join([head, *lines, r"\end{longtable}}", ""])


def breakable(formula: str) -> str:
    r"""Return a formula with its outer parentheses of a fixed size, so that lines can end in them.

    >>> print(breakable(r"$\left( a, \  b\right) = \frac{\left(c\right)}{2}$"))
    $\Bigl( a,\allowbreak \  b\Bigr) = \frac{\left(c\right)}{2}$
    """
    pieces = re.split(r"(\\left\(|\\right\)|\\[{}]|[{}]|,)", formula)
    size = "bigg" if r"\sum" in formula else "Big" if r"\frac" in formula else "big"
    depth, text = 0, ""
    for piece in pieces:
        depth += (piece == "{") - (piece == "}")
        if depth == 0 and piece in (r"\left(", r"\right)"):
            piece = rf"\{size}l(" if "left" in piece else rf"\{size}r)"
        elif depth == 0 and piece == ",":
            piece = r",\allowbreak"
        text += piece
    return text
