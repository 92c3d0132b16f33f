"""The legend: an entry for every sign that the figure uses, and for no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from hrnet_graph.viz import text_metrics
from hrnet_graph.viz.colour import Paints
from hrnet_graph.viz.drawing import Ink, Label, Rect
from hrnet_graph.viz.scene import MARKS, Mark, Part, Scene
from hrnet_graph.viz.theme import DASHES, WEIGHTS

_GAP, _HEIGHT = 16.0, 14.0

_DIRECTIONS = (("flow", "same resolution"), ("down", "downsampling"), ("up", "upsampling"))

Sign = Callable[[float, float], Iterator[Ink]]
"""Draws a sign whose left end is at x, and whose middle at y."""


@dataclass(frozen=True)
class Entry:
    """A sign of some width, and what it means."""

    text: str
    width: float = 0.0
    sign: Sign | None = None


def legend(scene: Scene, paints: Paints, text: float, limit: float) -> list[Ink | Label]:
    """The legend from (0, 0) on, in as many lines as `limit` asks for."""
    made: list[Ink | Label] = []
    x, y = 0.0, 0.0
    for entry in _entries(scene, paints):
        wide = text_metrics.width(entry.text, text)
        whole = entry.width + (4 if entry.width else 0) + wide
        if x and x + whole > limit:
            x, y = 0.0, y + _HEIGHT
        if entry.sign:
            made += entry.sign(x, y + _HEIGHT / 2)
        left = x + whole - wide
        high = text_metrics.height(1, text)
        rect = Rect(left, y + (_HEIGHT - high) / 2, wide, high)
        made.append(Label((entry.text,), rect, text, paints.theme.quiet, align="left"))
        x += whole + _GAP
    return made


def _entries(scene: Scene, paints: Paints) -> Iterator[Entry]:
    if any(part.shape == "map" for part in scene.parts):
        yield Entry("feature map", 12, partial(_block, paints, 1))
    if any(part.repeat > 1 for part in scene.parts):
        yield Entry("×n: n residual units", 28, partial(_block, paints, 3))
    used = {link.direction for link in scene.links}
    for direction, meaning in _DIRECTIONS:
        if direction in used and not paints.compared:
            yield Entry(meaning, 30, partial(_arrow, paints, direction))
    if paints.colour != "resolution":
        yield Entry(paints.ends(), 60, partial(_scale, paints))
    marks = {part.mark for part in scene.parts} | {link.mark for link in scene.links}
    for mark in MARKS:
        if mark in marks:
            yield Entry(mark, 20, partial(_mark, paints, mark))
    for note in scene.notes:
        yield Entry(note)


def _block(paints: Paints, count: int, x: float, y: float) -> Iterator[Ink]:
    for i in range(count):
        face = Rect(x + 9 * i, y - 4, 5, 9)
        yield from paints.block(face, 3, [paints.theme.blank], paints.theme.line)


def _arrow(paints: Paints, direction: str, x: float, y: float) -> Iterator[Ink]:
    colour = paints.theme.directions[direction]
    dash, weight = DASHES[direction], WEIGHTS[direction]
    yield Ink(((x, y), (x + 25, y)), stroke=colour, dash=dash, weight=weight)
    yield Ink(((x + 25, y - 2), (x + 30, y), (x + 25, y + 2)), colour, colour)


def _scale(paints: Paints, x: float, y: float) -> Iterator[Ink]:
    for i in range(20):
        fill = paints.scale((i + 0.5) / 20)
        yield Ink(Rect(x + 3 * i, y - 4, 3, 8).corners, fill, fill, weight=0.2)


def _mark(paints: Paints, mark: Mark, x: float, y: float) -> Iterator[Ink]:
    part = Part(mark, "legend", "box", (), mark, mark=mark)
    rect = Rect(x, y - 5, 20, 10)
    yield Ink(rect.corners, paints.layers(part)[0], paints.theme.marks[mark])
    yield from paints.hatch(part, rect)
