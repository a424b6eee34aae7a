"""Files as the report and the figures write them: whole or not at all, and the same each time."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from drnn_theory.checks import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "FORMATS",
    "as_folder",
    "make_folder",
    "picture",
    "replacing",
    "write_picture",
]

UNDATED = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
    "png": {"Software": None},
}
"""What to leave out of a picture so that it has the same bytes on every run."""
FORMATS = tuple(UNDATED)
SAID = {
    "pdf": ("Title", "Subject"),
    "svg": ("Title", "Description"),
    "png": ("Title", "Description"),
}
"""Where a format keeps title and description."""
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


def write_picture(figure: Figure, path: Path, title: str = "", description: str = "") -> None:
    """Save a figure in the format that the file's name ends with, the same bytes every time.

    Title and description are kept in the file: those of an SVG are what a screen reader says.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(picture(figure, path.suffix.removeprefix("."), title, description))


def picture(figure: Figure, kind: str, title: str = "", description: str = "") -> bytes:
    """Return a figure as the bytes of a picture in one of the formats."""
    import matplotlib as mpl

    said = {SAID[kind][0]: title, SAID[kind][1]: description}
    data = io.BytesIO()
    # fonts as outlines that can be edited; identifiers that do not depend on a random number
    with mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "drnn_theory"}):
        figure.savefig(
            data,
            format=kind,
            dpi=DOTS_PER_INCH,
            metadata={**UNDATED[kind], **{key: text for key, text in said.items() if text}},
        )
    if kind != "svg" or not description:
        return data.getvalue()
    text = data.getvalue().decode()
    start = text.index("<svg ")
    return (
        text[:start]
        + text[start:]
        .replace("<svg ", '<svg role="img" ', 1)
        .replace("</title>", f"</title>\n <desc>{escape(description)}</desc>", 1)
    ).encode()
