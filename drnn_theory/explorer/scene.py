"""A drawing as lines, dots and words, which a page shows and a paper prints alike.

One unit is a pixel of the page, 1/96 inch on paper; x runs to the right and y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["INK", "Dots", "Lines", "Scene", "Words", "to_figure", "to_svg"]

INK = "currentColor"
"""The colour of text: the page's own, dark or light, and black on paper."""
UNITS_PER_INCH = 96
POINTS = 72 / UNITS_PER_INCH

Point = tuple[float, float]


@dataclass(frozen=True)
class Lines:
    """Chains of straight lines, or quadratic Bézier curves: each start, control point and end."""

    chains: Sequence[Sequence[Point]]
    colour: str = INK
    width: float = 1.0
    opacity: float = 1.0
    dashed: bool = False
    role: str = ""
    curved: bool = False


@dataclass(frozen=True)
class Dots:
    """Discs of one diameter."""

    centres: Sequence[Point]
    colour: str = INK
    diameter: float = 4.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Words:
    """Text on one line; ``anchor`` is the end that stands at the point: start, middle or end."""

    at: Point
    text: str
    anchor: str = "start"
    colour: str = INK
    size: float = 12.0


Mark = Lines | Dots | Words


@dataclass(frozen=True)
class Scene:
    """What is drawn, from the back to the front, on a sheet of that width and height.

    ``about`` says it in words; ``data`` is what the page needs to answer a pointer.
    """

    width: float
    height: float
    marks: Sequence[Mark]
    about: str
    font: str = ""
    data: dict[str, str] = field(default_factory=dict)


def to_svg(scene: Scene) -> str:
    """Return the scene as an SVG element that follows the page's colours."""
    data = "".join(f' data-{name}="{escape(value)}"' for name, value in scene.data.items())
    font = f' font-family="{escape(scene.font)}"' if scene.font else ""
    return (
        f'<svg viewBox="0 0 {scene.width:.0f} {scene.height:.0f}" width="{scene.width:.0f}" '
        f'role="img" aria-label="{escape(scene.about)}" class="drnn-figure" fill="{INK}"'
        f"{font}{data}>{''.join(map(_element, scene.marks))}</svg>"
    )


def _element(mark: Mark) -> str:
    match mark:
        case Words((x, y), text, anchor, colour, size):
            return (
                f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:.1f}" '
                f'fill="{colour}">{escape(text)}</text>'
            )
        case Lines(chains, curved=True):
            pieces = [
                f"M{a:.1f} {b:.1f}Q{c:.1f} {d:.1f} {e:.1f} {f:.1f}"
                for (a, b), (c, d), (e, f) in chains
            ]
            return _path(pieces, mark)
        case Lines(chains):
            pieces = ["M" + "L".join([f"{x:.1f} {y:.1f}" for x, y in chain]) for chain in chains]
            return _path(pieces, mark)
        case Dots(centres, colour, diameter, opacity):
            pieces = [f"M{x:.1f} {y:.1f}h0" for x, y in centres]
            return _path(pieces, Lines((), colour, diameter, opacity))


def _path(pieces: list[str], mark: Lines) -> str:
    dashes = ' stroke-dasharray="4 3"' if mark.dashed else ""
    role = f' class="drnn-{mark.role}"' if mark.role else ""
    return (
        f'<path d="{"".join(pieces)}" fill="none" stroke="{mark.colour}" '
        f'stroke-width="{mark.width:.2f}" stroke-opacity="{mark.opacity:.2f}" '
        f'stroke-linecap="round" stroke-linejoin="round"{dashes}{role}/>'
    )


def to_figure(scene: Scene) -> Figure:
    """Return the scene as a matplotlib figure of its own size, mark for mark."""
    from matplotlib.figure import Figure

    size = (scene.width / UNITS_PER_INCH, scene.height / UNITS_PER_INCH)
    figure = Figure(figsize=size)
    figure.set_layout_engine("none")  # which a venue's style would set
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, scene.width), ylim=(scene.height, 0))
    ax.set_axis_off()
    for order, mark in enumerate(scene.marks):
        _add(ax, mark, order)
    return figure


def _add(ax: object, mark: Mark, order: int) -> None:
    from matplotlib.axes import Axes
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    assert isinstance(ax, Axes)
    colour = "black" if mark.colour == INK else mark.colour
    if isinstance(mark, Words):
        ax.text(
            *mark.at,
            mark.text,
            size=mark.size * POINTS,
            color=colour,
            ha={"start": "left", "middle": "center", "end": "right"}[mark.anchor],
            va="baseline",
            parse_math=False,  # names as they were typed
            zorder=order,
        )
        return
    if isinstance(mark, Dots):
        if mark.centres:
            x, y = zip(*mark.centres, strict=True)
            size = mark.diameter * POINTS
            ax.plot(
                x,
                y,
                "o",
                color=colour,
                markersize=size,
                markeredgewidth=0,
                alpha=mark.opacity,
                zorder=order,
            )
        return
    step = Path.CURVE3 if mark.curved else Path.LINETO
    points = [point for piece in mark.chains for point in piece]
    codes = [code for piece in mark.chains for code in (Path.MOVETO, *[step] * (len(piece) - 1))]
    if points:
        ax.add_patch(
            PathPatch(
                Path(points, codes),
                fill=False,
                edgecolor=colour,
                linewidth=mark.width * POINTS,
                alpha=mark.opacity,
                capstyle="round",
                joinstyle="round",
                linestyle=(0, (4 / mark.width, 3 / mark.width)) if mark.dashed else "-",
                zorder=order,
            )
        )
