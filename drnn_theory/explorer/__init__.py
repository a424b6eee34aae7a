"""The explorer: an architecture in JupyterLab, every number at once.

>>> from drnn_theory import explore
>>> explorer = explore([1, 2, 4, 8])  # the last line of a cell shows it
>>> explorer.view.mrl
Fraction(45, 8)
"""

try:
    import anywidget  # noqa: F401
    import ipywidgets  # noqa: F401
except ImportError:
    raise ImportError('explore needs ipywidgets: pip install "drnn_theory[notebook]"') from None

from drnn_theory.explorer.panel import Explorer, explore

__all__ = ["Explorer", "explore"]
