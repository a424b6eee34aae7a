"""Typed and pasted words read as numbers and schemes; text files as editors write them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from drnn_theory.checks import one_of, shown
from drnn_theory.dilations import as_dilations

__all__ = ["read_number", "read_scheme", "read_text", "read_word"]

_FACTORS = {"": 1, "k": 1000, "m": 1000**2}
_BETWEEN = ",;\uff0c\u3001\uff1b"
"""Commas and semicolons, those of Chinese and Japanese keyboards, too."""
_AROUND = ("[]", "()", "{}", "''", '""')
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_number(text: str) -> Any:
    """Return the number that the text spells, 50k, 50K and 2M too; other text as it is.

    Any other text is returned as it is, for the functions that take it to refuse.

    >>> read_number("784"), read_number("1k"), read_number("0.5M"), read_number("1e3")
    (784, 1000, 500000, 1000.0)
    >>> read_number("many")
    'many'
    """
    match = re.fullmatch(r"\s*([+-]?[\d_.]+(?:e[+-]?\d+)?)\s*([kKmM]?)\s*", text)
    if match is None:
        return text
    for kind in (int, float):
        try:
            number = kind(match[1]) * _FACTORS[match[2].lower()]
        except ValueError:
            continue
        whole = match[2] and float(number).is_integer()
        return int(number) if whole else number
    return text


def read_scheme(words: str | Iterable[str], *, name: str = "dilations") -> tuple[int, ...]:
    """Return the scheme that text spells, in whatever form it is typed or pasted.

    Numbers stand between commas, semicolons or spaces, in brackets or not, in one word or several;
    quotes around them, and what Python writes before its brackets, are no part of them.

    >>> read_scheme("1,2,4,8"), read_scheme("[1, 2, 4, 8]"), read_scheme(["1", "2", "4", "8"])
    ((1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8))
    >>> read_scheme("dilations = np.array([1, 2, 4])"), read_scheme("'1,2,4'")
    ((1, 2, 4), (1, 2, 4))
    >>> read_scheme("1,two")
    Traceback (most recent call last):
    ValueError: dilations must be one or more positive integers, as in 1,2,4,8, got 'two'
    """
    text = words if isinstance(words, str) else " ".join(words)
    inner = re.sub(r"^\s*[^\W\d]\w*\s*=", "", text).strip()  # a name that it is given
    while True:
        inner = re.sub(r"^(?:\w+\.)?(?:array|tensor|list|tuple)(?=\(.*\)$)", "", inner, flags=re.S)
        if len(inner) < 2 or inner[0] + inner[-1] not in _AROUND:
            break
        inner = inner[1:-1].strip()
    rule = f"{name} must be one or more positive integers, as in 1,2,4,8"
    if re.search(r"[\[\](){}]", inner):
        raise ValueError(f"{rule}, got {shown(text)}: a scheme is one list")
    numbers = []
    for part in re.split(rf"\s*[{_BETWEEN}]\s*|\s+", inner.strip(f" {_BETWEEN}")):
        number = read_number(part.strip("'\""))
        if isinstance(number, str):
            raise ValueError(f"{rule}, got {shown(part or text)}")
        numbers.append(number)
    return as_dilations(numbers, name=name)


def read_word(text: str, name: str, choices: Iterable[str]) -> str:
    """Return the choice that the text spells in any case, without a year or marks between.

    >>> read_word("gru", "cell", ["RNN", "GRU"]), read_word("NeurIPS 2025", "venue", ["neurips"])
    ('GRU', 'neurips')
    """
    known = list(choices)
    if not isinstance(text, str):
        return str(one_of(text, name, known))
    meant = [word for word in known if _letters(word) == _letters(text)] or [
        word for word in known if _letters(word) == re.sub(r"(20)?\d\d$", "", _letters(text))
    ]
    return meant[0] if len(meant) == 1 else str(one_of(text, name, known))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def read_text(path: Path) -> str:
    """Return a file's text, with or without a byte order mark, in UTF-8 or marked UTF-16.

    Raises ValueError, naming the file, where it cannot be read or is in another encoding.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} must be a readable file, got {error.strerror}") from None
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} must be text in UTF-8, got another encoding: save it so"
        ) from None
