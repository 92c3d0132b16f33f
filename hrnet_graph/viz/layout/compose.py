"""A scene to a drawing: the parts, what stands around them, and the page."""

from __future__ import annotations

from dataclasses import replace

from hrnet_graph.viz.colour import Paints, paints
from hrnet_graph.viz.drawing import Arrow, Box, Drawing, Ink, Label
from hrnet_graph.viz.layout import decor
from hrnet_graph.viz.layout.frame import Frame, measure
from hrnet_graph.viz.layout.legend import legend
from hrnet_graph.viz.layout.metrics import Metrics
from hrnet_graph.viz.layout.paint import Painter
from hrnet_graph.viz.layout.plane import Plane
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
    if look.width is None:
        return replace(_compose(scene, look, Metrics(horizontal)), scale=look.scale)
    scene = _terse(scene)
    goal, squeeze = 72 * INCHES[look.width], 1.0
    drawing = _compose(scene, look, Metrics(horizontal, squeeze, PRINT), goal)
    while drawing.width > goal and squeeze > 0.2:
        squeeze *= 0.85
        drawing = _compose(scene, look, Metrics(horizontal, squeeze, PRINT), goal)
    return replace(drawing, scale=goal / drawing.width * look.scale)


def _terse(scene: Scene) -> Scene:
    """The scene with the lines of maps one below another, for a narrow page."""

    def lines(part: Part) -> tuple[str, ...]:
        if part.shape != "map":
            return part.lines
        return tuple(x for line in part.lines for x in ([line] if "×" in line else line.split()))

    return replace(scene, parts=tuple(replace(part, lines=lines(part)) for part in scene.parts))


def _compose(scene: Scene, look: Look, metrics: Metrics, page: float = 0.0) -> Drawing:
    theme = THEMES[look.theme]
    frame = measure(scene, metrics)
    colours = paints(scene, theme, look.colour)
    heading = decor.title(scene, frame, theme) if look.title else []
    wide, top = decor.extent(heading)
    plane = _plane(scene, frame, top + 8 if heading else 0)
    body = _body(scene, frame, plane, colours)
    right, bottom = plane.point(frame.length, frame.breadth)
    right = max(right + decor.PAD, wide, page - 2 * EDGE)
    below = legend(scene, colours, metrics.text, max(right, 240))
    foot = [thing for thing in below if isinstance(thing, Label)]
    placed = [thing.moved(0, bottom + 16) for thing in below]
    reach, high = decor.extent(foot)
    things = [*heading, *body, *placed]
    return Drawing(
        name=scene.name,
        width=max(right, reach) + 2 * EDGE,
        height=bottom + 16 + high + 2 * EDGE,
        paper=theme.paper,
        font=look.font,
        inks=tuple(t.moved(EDGE, EDGE) for t in things if isinstance(t, Ink)),
        boxes=tuple(t.moved(EDGE, EDGE) for t in things if isinstance(t, Box)),
        labels=tuple(t.moved(EDGE, EDGE) for t in things if isinstance(t, Label)),
        arrows=tuple(t.moved(EDGE, EDGE) for t in things if isinstance(t, Arrow)),
    )


def _plane(scene: Scene, frame: Frame, top: float) -> Plane:
    """The flow's origin: below the title, beside the names of rows, stages and modules."""
    header, margin = sum(decor.header(scene, frame)), decor.margin(scene, frame)
    if frame.metrics.horizontal:
        return Plane(True, margin, top + header)
    return Plane(False, header, top + margin)


def _body(
    scene: Scene, frame: Frame, plane: Plane, colours: Paints
) -> list[Ink | Box | Label | Arrow]:
    painter = Painter(frame, plane, colours)
    return [
        *decor.bands(scene, frame, plane, colours.theme),
        *decor.row_names(scene, frame, plane, colours.theme),
        *painter.parts(),
        *painter.arrows(),
        *painter.link_labels(),
    ]
