"""The explorer: an architecture in JupyterLab, every number at once.

>>> from drnn_theory import explore
>>> explorer = explore([1, 2, 4, 8])  # the last line of a cell shows it
>>> explorer.view.mrl
Fraction(45, 8)
"""

from drnn_theory.checks import require_extra

require_extra("ipywidgets", "explore")
require_extra("anywidget", "explore")

from drnn_theory.explorer.panel import Explorer, explore

__all__ = ["Explorer", "explore"]
