"""Files as the report and the figures write them: whole or not at all, and the same each time."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drnn_theory.checks import shown
from drnn_theory.summaries import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "FORMATS",
    "VERSION",
    "as_folder",
    "make_folder",
    "plain_rows",
    "replacing",
    "rows_as_csv",
    "write_picture",
]

VERSION = version("drnn_theory")
UNDATED = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}
"""What to leave out of a picture so that it has the same bytes on every run."""
FORMATS = tuple(UNDATED)
DOTS_PER_INCH = 200


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary file that becomes ``path`` if all goes well, and is removed if not."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def as_folder(out: str | Path) -> Path:
    """Return the folder that files go to; ValueError where none is named."""
    if not isinstance(out, (str, Path)):
        raise TypeError(f"out must name a folder, got {shown(out)}")
    if not str(out):
        raise ValueError("out must name a folder, got none")
    return Path(out)


def make_folder(folder: Path) -> None:
    """Make the folder if it is not there; ValueError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"out must be a folder that can be written, got {folder}: {error.strerror}"
        ) from None


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of values as JSON can hold them."""
    return [{key: plain(value) for key, value in row.items()} for row in rows]


def rows_as_csv(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    """Return rows as CSV text, with what they are about beside each row unless it says so itself.

    Fractions are written as decimals, but in a column ``exactly``.
    """
    plain = plain_rows(
        {k: float(v) if isinstance(v, Fraction) and k != "exactly" else v for k, v in row.items()}
        for row in rows
    )
    keys = list(dict.fromkeys(key for row in plain for key in row))
    said = {key.replace("_", " ") for key in keys} | ({"seed"} if "seeds" in keys else set())
    about = {key: value for key, value in about.items() if key not in said}
    text = io.StringIO()
    writer = csv.DictWriter(text, [*keys, *about], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | about for row in plain)
    return text.getvalue()


def write_picture(figure: Figure, path: Path) -> None:
    """Save a figure in the format that the file's name ends with, the same bytes every time."""
    import matplotlib as mpl

    kind = path.suffix.removeprefix(".")
    # fonts as outlines that can be edited; identifiers that do not depend on a random number
    same = mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "drnn_theory"})
    with same, replacing(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=DOTS_PER_INCH, metadata=UNDATED[kind])
