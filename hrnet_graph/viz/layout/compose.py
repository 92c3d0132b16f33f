"""A scene to a drawing: the parts, what stands around them, and the page."""

from __future__ import annotations

from dataclasses import replace

from hrnet_graph.viz.colour import paints
from hrnet_graph.viz.drawing import Box, Drawing, Ink, Label, moved
from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.layout import decor
from hrnet_graph.viz.layout.frame import Frame, Plane
from hrnet_graph.viz.layout.legend import legend
from hrnet_graph.viz.layout.metrics import Metrics
from hrnet_graph.viz.layout.paint import Painter
from hrnet_graph.viz.look import INCHES, Look
from hrnet_graph.viz.scene import Part, Scene
from hrnet_graph.viz.theme import THEMES

EDGE = 10.0
"""The margin around everything, in points."""

PRINT = 6.0
"""The size of small print where a figure is to fit a page, in points, before it is fitted.

A figure that is still wider than its page is made smaller as a whole; `Drawing.small_print` is
what becomes of it.
"""


def compose(scene: Scene, look: Look) -> Drawing:
    """A scene as a drawing of the size that the look asks for."""
    horizontal = look.orientation == "lr"
    font = find_font(look.font)
    if look.width is None:
        metrics = Metrics(horizontal, font=font)
        return replace(_compose(scene, look, metrics), scale=look.scale)
    scene = _terse(scene)
    goal, squeeze = 72 * INCHES[look.width], 1.0
    drawing = _compose(scene, look, Metrics(horizontal, squeeze, PRINT, font), goal)
    while drawing.width > goal and squeeze > 0.2:
        squeeze *= 0.85
        drawing = _compose(scene, look, Metrics(horizontal, squeeze, PRINT, font), goal)
    return replace(drawing, scale=goal / drawing.width * look.scale)


def _terse(scene: Scene) -> Scene:
    """The scene with the lines of maps one below another, for a narrow page."""

    def lines(part: Part) -> tuple[str, ...]:
        if part.shape != "map":
            return part.lines
        return tuple(x for line in part.lines for x in ([line] if "×" in line else line.split()))

    return replace(scene, parts=tuple(replace(part, lines=lines(part)) for part in scene.parts))


def _compose(scene: Scene, look: Look, metrics: Metrics, page: float = 0.0) -> Drawing:
    frame, theme = Frame(scene, metrics), THEMES[look.theme]
    colours = paints(scene, theme, look.colour)
    heading = [*decor.title(frame, theme)] if look.title else []
    wide, top = decor.reach(heading)
    plane = _plane(frame, top + 8 if heading else 0)
    right, bottom = plane.point(frame.length, frame.breadth)
    right, bottom = max(right + decor.PAD, wide, page - 2 * EDGE), bottom + 16
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
        width=max(right, reach) + 2 * EDGE,
        height=bottom + high + 2 * EDGE,
        paper=theme.paper,
        font=metrics.font,
        inks=tuple(moved(thing, EDGE, EDGE) for thing in things if isinstance(thing, Ink)),
        boxes=tuple(moved(thing, EDGE, EDGE) for thing in things if isinstance(thing, Box)),
        labels=tuple(moved(thing, EDGE, EDGE) for thing in things if isinstance(thing, Label)),
        arrows=tuple(moved(arrow, EDGE, EDGE) for arrow in painter.arrows()),
    )


def _plane(frame: Frame, top: float) -> Plane:
    """The flow's origin: below the title, beside the names of rows, stages and modules."""
    header, margin = sum(decor.header(frame)), decor.margin(frame)
    if frame.metrics.horizontal:
        return Plane(True, margin, top + header)
    return Plane(False, header, top + margin)
