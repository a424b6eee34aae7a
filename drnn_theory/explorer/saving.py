"""The figure for a paper: what the explorer shows, drawn by :mod:`drnn_theory.figures`."""

from __future__ import annotations

from pathlib import Path

from drnn_theory.explorer.drawing import PATH, levels_of
from drnn_theory.explorer.views import View, number

__all__ = ["save_figure"]

FORMATS = (".pdf", ".svg", ".png")


def save_figure(view: View, file: str, *, whole: bool = True) -> Path:
    """Write d(n) and the unfolded graph with the path; return where. The name says the format.

    ``whole`` draws all steps of the span, otherwise those up to the lag that is picked. Raises
    ValueError for another format and for a folder that is not there.
    """
    path = Path(file.strip()).expanduser()
    if path.suffix.lower() not in FORMATS or not path.stem:
        raise ValueError(f"file must be a name that ends in {', '.join(FORMATS)}, got {file!r}")
    if not path.parent.is_dir():
        raise ValueError(f"file must lie in a folder that exists, got {file!r}")
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    from drnn_theory.figures import plot_path_lengths, plot_unfolded

    steps = view.span if whole else max(view.lag, 1)
    graph_height = min(4.0, 0.8 + 0.32 * len(levels_of(view)))
    figure = Figure(figsize=(7, 2.2 + graph_height), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(2.2, graph_height))
    plot_path_lengths({view.choice.title: view.lengths[: steps + 1]}, ax=above)
    above.get_legend().remove()  # the title names the only curve
    if view.path:
        above.plot([view.lag], [view.length], "o", color=PATH, clip_on=False)
    plot_unfolded(view.graph, view.start + steps, path=view.path, ax=below)
    left, right = below.get_xlim()
    above.set_xlim(left - view.start, right - view.start)  # a lag stands above its time
    for axis in (above.xaxis, above.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    words = (
        f"{view.choice.title}\nmean recurrent length {number(view.mrl)} over lags 1..{view.span}, "
        f"vertical edges counted; in orange d({view.lag}) = {number(view.length)}"
    )
    above.set_title(words, fontsize="medium")
    try:
        figure.savefig(path, dpi=200, metadata={"Title": words})
    except OSError as error:
        raise ValueError(f"file must be writable, got {error.strerror} for {file!r}") from None
    return path.resolve()
