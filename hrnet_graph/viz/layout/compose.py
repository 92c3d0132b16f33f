"""A scene to a drawing: the parts, what stands around them, and the page."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import accumulate, repeat
from operator import mul

from hrnet_graph.viz.colour import paints
from hrnet_graph.viz.drawing import Box, Drawing, Ink, Label, moved
from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.layout import decor
from hrnet_graph.viz.layout.frame import Frame, Plane
from hrnet_graph.viz.layout.legend import legend
from hrnet_graph.viz.layout.metrics import Metrics
from hrnet_graph.viz.layout.paint import Painter
from hrnet_graph.viz.look import INCHES, Look, PageWidth
from hrnet_graph.viz.scene import Part, Scene
from hrnet_graph.viz.theme import THEMES

EDGE, PAGE_EDGE = 10.0, 2.0
"""The margin around everything, in points: by itself, and on a page that has margins."""

PRINT: Mapping[PageWidth, float] = {"single": 5.0, "double": 6.0}
"""The size of small print where a figure is to fit a page, in points, before it is fitted.

A figure that is still wider than its page is made smaller as a whole; `Drawing.small_print` is
what becomes of it.
"""

SQUEEZES = (*accumulate(repeat(0.85, 25), mul, initial=1.0),)
"""How much smaller what holds no text is made until a figure is as narrow as its page."""


def compose(scene: Scene, look: Look) -> Drawing:
    """A scene as a drawing of the size that the look asks for."""
    horizontal = look.orientation != "tb"
    font = find_font(look.font)
    if look.width is None:
        metrics = Metrics(horizontal, font=font)
        return replace(_compose(scene, look, metrics), scale=look.scale)
    scene = _terse(scene)
    goal, text = 72 * INCHES[look.width], PRINT[look.width]

    @cache
    def squeezed(step: int) -> Drawing:
        metrics = Metrics(horizontal, SQUEEZES[step], text, font)
        return _compose(scene, look, metrics, goal)

    steps = range(len(SQUEEZES) - 1)
    drawing = squeezed(bisect_left(steps, True, key=lambda step: squeezed(step).width <= goal))
    return replace(drawing, scale=goal / drawing.width * look.scale)


def _terse(scene: Scene) -> Scene:
    """The scene with the words of maps one below another, long ones broken, for a narrow page."""

    def lines(part: Part) -> tuple[str, ...]:
        if part.shape == "box":
            return part.lines
        words = (x for line in part.lines for x in re.split(r" (?![×/])", line))
        return tuple(piece for word in words for piece in _BREAKS.split(word))

    return replace(scene, parts=tuple(replace(part, lines=lines(part)) for part in scene.parts))


_BREAKS = re.compile(r"(?<=\w{3}_)(?=\w{3})|(?<=×)(?=\d+×\d+$)")
"""Where names and shapes may be broken."""


def _compose(scene: Scene, look: Look, metrics: Metrics, page: float = 0.0) -> Drawing:
    frame, theme = Frame(scene, metrics), THEMES[look.theme]
    edge = PAGE_EDGE if page else EDGE
    colours = paints(scene, theme, look.colour)
    heading = [*decor.title(frame, theme)] if look.title else []
    wide, top = decor.reach(heading)
    plane = _plane(frame, top + 8 if heading else 0)
    right, bottom = plane.point(frame.length, frame.breadth)
    right, bottom = max(right + decor.PAD, wide, page - 2 * edge), bottom + 16
    below = [*legend(scene, colours, metrics, max(right, 240))]
    reach, high = decor.reach(thing for thing in below if isinstance(thing, Label))
    painter = Painter(frame, plane, colours)
    things = [
        *heading,
        *decor.bands(frame, plane, theme),
        *decor.row_names(frame, plane, theme),
        *painter.parts(),
        *painter.link_labels(),
        *(moved(thing, 0, bottom) for thing in below),
    ]
    return Drawing(
        name=scene.name,
        width=max(right, reach) + 2 * edge,
        height=bottom + high + 2 * edge,
        paper=theme.paper,
        font=metrics.font,
        inks=tuple(moved(thing, edge, edge) for thing in things if isinstance(thing, Ink)),
        boxes=tuple(moved(thing, edge, edge) for thing in things if isinstance(thing, Box)),
        labels=tuple(moved(thing, edge, edge) for thing in things if isinstance(thing, Label)),
        arrows=tuple(moved(arrow, edge, edge) for arrow in painter.arrows()),
    )


def _plane(frame: Frame, top: float) -> Plane:
    """The flow's origin: below the title, beside the names of rows, stages and modules."""
    header, margin = decor.header(frame), decor.margin(frame)
    if frame.metrics.horizontal:
        return Plane(True, margin, top + header)
    return Plane(False, header, top + margin)
