"""What a drawing's things look like, as outlines that every format draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from fontTools.pens.basePen import BasePen

from hrnet_graph.viz.drawing import Arrow, Box, Ink, Label, Point, Rect
from hrnet_graph.viz.font import Face, Font, Glyph

Path = tuple[tuple[str, tuple[Point, ...]], ...]
"""Steps as SVG calls them: `M` go, `L` a line, `C` a Bézier curve, `Z` back to where it began."""

DASHES = {"dashed": (5.0, 2.0), "dotted": (1.0, 3.0)}
"""How long every kind of dash is, and the gap behind it, in points."""

STAND_INS = "Arial,Helvetica,sans-serif"
"""Fonts of the widths of ours, for programs that draw words in a font of the machine's."""

_ROUND = 8.0
"""The radius of a box's corners at most, in points."""

_ARC = 0.5523
"""How far the handles of a quarter of a circle reach, as a share of its radius."""


@dataclass(frozen=True)
class Shape:
    """An outline, and how it is inked."""

    path: Path
    fill: str = ""
    stroke: str = ""
    dash: str = "solid"
    weight: float = 0.0


def shapes(thing: Ink | Box | Arrow) -> Iterator[Shape]:
    """What is drawn of a thing that has no words."""
    if isinstance(thing, Ink):
        path = _polygon(thing.points, closed=bool(thing.fill))
        yield Shape(path, thing.fill, thing.stroke or thing.fill, thing.dash, thing.weight)
    elif isinstance(thing, Box):
        yield Shape(_rounded(thing.rect), thing.fill, thing.stroke, weight=0.8)
    else:
        *spline, tip = thing.points
        yield Shape(_spline(spline), "", thing.colour, thing.dash, thing.weight)
        (x, y), (dx, dy) = spline[-1], (tip[0] - spline[-1][0], tip[1] - spline[-1][1])
        half = max(0.4, 1.3 * thing.weight / max(math.hypot(dx, dy), 0.1))
        wings = ((x - half * dy, y + half * dx), tip, (x + half * dy, y - half * dx))
        yield Shape(_polygon(wings, closed=True), thing.colour)


def _polygon(points: Iterable[Point], closed: bool) -> Path:
    first, *others = points
    end: Path = (("Z", ()),) if closed else ()
    return ("M", (first,)), *(("L", (point,)) for point in others), *end


def _spline(points: list[Point]) -> Path:
    pieces = (("C", tuple(points[i : i + 3])) for i in range(1, len(points), 3))
    return ("M", (points[0],)), *pieces


def _rounded(rect: Rect) -> Path:
    """A rectangle with round corners, clockwise."""
    radius = min(_ROUND, rect.width / 3, rect.height / 3)
    handle = radius * (1 - _ARC)
    steps: list[tuple[str, tuple[Point, ...]]] = []
    ways = ((0, -1), (1, 0), (0, 1), (-1, 0), (0, -1))
    for (x, y), (dx, dy), (ex, ey) in zip(rect.corners, ways, ways[1:], strict=False):
        start, stop = (x - radius * dx, y - radius * dy), (x + radius * ex, y + radius * ey)
        handles = (x - handle * dx, y - handle * dy), (x + handle * ex, y + handle * ey)
        steps += [("L" if steps else "M", (start,)), ("C", (*handles, stop))]
    return *steps, ("Z", ())


class _Recorder(BasePen):  # type: ignore[misc]  # fontTools has no types
    """Takes an outline down, every curve as a cubic one."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[str, tuple[Point, ...]]] = []

    def _moveTo(self, point: Point) -> None:  # noqa: N802
        self.steps.append(("M", (point,)))

    def _lineTo(self, point: Point) -> None:  # noqa: N802
        self.steps.append(("L", (point,)))

    def _curveToOne(self, *points: Point) -> None:  # noqa: N802
        self.steps.append(("C", points))

    def _closePath(self) -> None:  # noqa: N802
        self.steps.append(("Z", ()))


@cache
def outline(face: Face, character: str) -> Path:
    """A character's outline from its baseline, y down, for a font that is one point high."""
    pen, unit = _Recorder(), 1 / face.units
    face.draw(character, pen)
    return placed(tuple(pen.steps), unit, (0.0, 0.0), -unit)


def placed(path: Path, scale: float, at: Point, upright: float = 0.0) -> Path:
    """A path `scale` times as large, moved; `upright` is the scale of y, if it is another one."""
    (x, y), across = at, upright or scale
    return tuple(
        (name, tuple((x + scale * a, y + across * b) for a, b in points)) for name, points in path
    )


@dataclass(frozen=True)
class Line:
    """A line of words: where it begins, its width, and its glyphs from there."""

    text: str
    x: float
    y: float
    width: float
    glyphs: tuple[Glyph, ...]


def lines(label: Label, font: Font) -> Iterator[Line]:
    """The lines of a label, each on its baseline, capitals in the middle of what it takes up."""
    _, high = font.extent(label.lines, label.size, label.bold)
    step = high / max(len(label.lines), 1)
    top = label.rect.centre[1] - high / 2
    for i, text in enumerate(label.lines):
        glyphs, wide = font.arrange(text, label.size, label.bold)
        x = label.rect.x if label.align == "left" else label.rect.centre[0] - wide / 2
        y = top + (i + 0.5) * step + font.regular.capital / 2 * label.size
        yield Line(text, x, y, wide, tuple(glyphs))
