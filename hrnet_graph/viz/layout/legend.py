"""The legend: an entry for every sign that the figure uses, and for no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hrnet_graph.viz.colour import Paints
from hrnet_graph.viz.drawing import Ink, Label, Rect, moved
from hrnet_graph.viz.layout.metrics import Metrics
from hrnet_graph.viz.scene import MARKS, Part, Scene
from hrnet_graph.viz.theme import DASHES, WEIGHTS

_GAP, _HEIGHT = 16.0, 14.0

_DIRECTIONS = (("flow", "same resolution"), ("down", "downsampling"), ("up", "upsampling"))

Entry = tuple[str, float, Iterable[Ink]]
"""What a sign means, the room before these words, and the sign, drawn from (0, 0) to the right."""


def legend(scene: Scene, paints: Paints, metrics: Metrics, limit: float) -> Iterator[Ink | Label]:
    """The legend from (0, 0) on, in as many lines as `limit` asks for."""
    x, y = 0.0, 0.0
    for text, room, sign in _entries(scene, paints):
        wide, high = metrics.text_size((text,))
        if x and x + room + wide > limit:
            x, y = 0.0, y + _HEIGHT
        for ink in sign:
            yield moved(ink, x, y + _HEIGHT / 2)
        rect = Rect(x + room, y + (_HEIGHT - high) / 2, wide, high)
        yield Label((text,), rect, metrics.text, paints.theme.quiet, align="left")
        x += room + wide + _GAP


def _entries(scene: Scene, paints: Paints) -> Iterator[Entry]:
    if any(part.shape == "map" for part in scene.parts):
        yield "feature map", 16, _maps(paints, 1)
    if any(part.repeat > 1 for part in scene.parts):
        yield "×n: n residual units", 32, _maps(paints, 3)
    used = {link.direction for link in scene.links}
    for direction, meaning in _DIRECTIONS:
        if direction in used and not paints.compared:
            yield meaning, 34, _arrow(paints, direction)
    if paints.colour != "resolution":
        yield paints.ends(), 64, _scale(paints)
    marks = {part.mark for part in scene.parts} | {link.mark for link in scene.links}
    for mark in MARKS:
        if mark in marks:
            part, rect = Part(mark, "legend", "box", (), mark, mark=mark), Rect(0, -5, 20, 10)
            face = Ink(rect.corners, paints.layers(part)[0], paints.theme.marks[mark])
            yield mark, 24, (face, *paints.hatch(part, rect))
    for note in scene.notes:
        yield note, 0, ()


def _maps(paints: Paints, count: int) -> Iterator[Ink]:
    for i in range(count):
        yield from paints.block(Rect(9 * i, -4, 5, 9), 3, [paints.theme.blank], paints.theme.line)


def _arrow(paints: Paints, direction: str) -> Iterator[Ink]:
    colour = paints.theme.directions[direction]
    dash, weight = DASHES[direction], WEIGHTS[direction]
    yield Ink(((0, 0), (25, 0)), stroke=colour, dash=dash, weight=weight)
    yield Ink(((25, -2), (30, 0), (25, 2)), colour, colour)


def _scale(paints: Paints) -> Iterator[Ink]:
    for i in range(20):
        fill = paints.scale((i + 0.5) / 20)
        yield Ink(Rect(3 * i, -4, 3, 8).corners, fill, fill, weight=0.2)
