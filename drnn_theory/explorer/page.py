"""The part of the panel that runs in the browser; it shows nothing of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["Page"]

FOLDER = Path(__file__).parent


class Page(anywidget.AnyWidget):
    """Names the sliders for screen readers, reads d(n) off the figure and copies the code.

    ``picked`` is the lag that a pointer was pressed at, ``width`` that of the figure in pixels.
    """

    _esm = (FOLDER / "page.js").read_text(encoding="utf-8")
    _css = (FOLDER / "page.css").read_text(encoding="utf-8")
    picked = traitlets.Int(-1).tag(sync=True)
    width = traitlets.Int(760)

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        self.on_msg(self._told)

    def _told(self, _: Any, content: dict[str, Any], __: Any) -> None:
        self.width = int(content["width"])
