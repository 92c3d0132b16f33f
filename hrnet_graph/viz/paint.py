"""Where lines of text and the edges of boxes lie, in the same places for every writer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hrnet_graph.viz.drawing import Box, Label, Point
from hrnet_graph.viz.font import Font, Glyph

_ROUND = 12
"""The radius of a box's corners, in points; a third of its shorter side where that is less."""


def outline(box: Box, high: float) -> tuple[Point, ...]:
    """The edge of a box, as Graphviz draws it: from the upper right to the left and back again.

    Where it has ink, it is a Bézier spline with round corners, and otherwise a polygon. Its sides
    are whole points, one at least, and its centre is at a tenth.
    """
    (x, y), sides = box.rect.centre, (box.rect.width, box.rect.height)
    x, y = round(x, 1), high - round(high - y, 1)
    wide, tall = (max(1, round(side)) / 2 for side in sides)
    left, right, top, bottom = x - wide, x + wide, y - tall, y + tall
    if not (box.fill or box.stroke):
        return (right, top), (left, top), (left, bottom), (right, bottom), (right, top)
    r = min(_ROUND, 2 * wide / 3, 2 * tall / 3)
    points: list[Point] = [(right - r, top)]
    for (cx, cy), (dx, dy) in (
        ((left, top), (1, 0)),
        ((left, bottom), (0, -1)),
        ((right, bottom), (-1, 0)),
        ((right, top), (0, 1)),
    ):
        # straight to where the corner begins, then around it to where the next side does
        start = cx + r * dx, cy + r * dy
        end = cx + r * -dy, cy + r * dx
        points += [points[-1], start, start]
        points += [(cx + r / 2 * dx, cy + r / 2 * dy), (cx + r / 2 * -dy, cy + r / 2 * dx), end]
    return tuple(points)


@dataclass(frozen=True)
class Line:
    """A line of text: where it begins on its baseline, its glyphs from there, and its width."""

    text: str
    x: float
    base: float
    width: float
    glyphs: list[Glyph]


def lines_of(label: Label, font: Font) -> Iterator[Line]:
    """A label's lines, each on its baseline, capitals in the middle."""
    _, high = font.extent(label.lines, label.size, label.bold)
    step, (middle, centre) = high / max(len(label.lines), 1), label.rect.centre
    for i, text in enumerate(label.lines):
        glyphs, wide = font.arrange(text, label.size, label.bold)
        x = label.rect.x if label.align == "left" else middle - wide / 2
        base = centre - high / 2 + (i + 0.5) * step + font.regular.capital / 2 * label.size
        yield Line(text, x, base, wide, glyphs)
