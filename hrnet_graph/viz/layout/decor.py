"""What stands around the parts: bands of stages and modules, names of rows, the title."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hrnet_graph.viz import text_metrics
from hrnet_graph.viz.drawing import Align, Ink, Label, Rect
from hrnet_graph.viz.layout.frame import TRACK, Frame, span
from hrnet_graph.viz.layout.plane import Plane
from hrnet_graph.viz.scene import Group, Scene
from hrnet_graph.viz.theme import Theme

PAD = 5.0
"""How far a band reaches beyond its parts."""


def band(scene: Scene) -> list[Group]:
    """The groups that are drawn: stages, and modules unless they are all there is of a stage."""
    stages = [group.members for group in scene.groups if not group.depth]
    return [group for group in scene.groups if not group.depth or group.members not in stages]


def header(scene: Scene, frame: Frame) -> tuple[float, float]:
    """How much room the names of stages and of modules take, across the flow."""
    groups = band(scene)
    sizes = []
    for depth in (0, 1):
        names = [group.name for group in groups if group.depth == depth]
        size = _size(frame, depth)
        if not names:
            sizes.append(0.0)
        elif frame.metrics.horizontal:
            sizes.append(text_metrics.height(1, size) + 4)
        else:
            sizes.append(max(text_metrics.width(name, size) for name in names) + 8)
    return sizes[0], sizes[1]


def _size(frame: Frame, depth: int) -> float:
    return frame.metrics.text + (-0.5 if depth else 1.5)


def bands(scene: Scene, frame: Frame, plane: Plane, theme: Theme) -> Iterator[Ink | Label]:
    """Every stage and module, behind its parts, with its name."""
    outer, inner = header(scene, frame)
    for group in band(scene):
        first, last = span(frame.grid, group.members)
        pad = PAD * frame.metrics.squeeze - group.depth
        start = frame.starts[first] - pad
        stop = frame.starts[last] + frame.widths[last] + pad
        top = -inner - (0 if group.depth else outer)
        bottom = _bottom(frame, group) + (2 if group.depth else PAD)
        rect = plane.rect(start, top, stop - start, bottom - top)
        fill = theme.inner if group.depth else theme.band
        yield Ink(rect.corners, fill, fill)
        size = _size(frame, group.depth)
        wide, high = text_metrics.width(group.name, size), text_metrics.height(1, size)
        if frame.metrics.horizontal:
            at = Rect(rect.centre[0] - wide / 2, rect.y + 2, wide, high)
        else:
            at = Rect(rect.x + 4, rect.centre[1] - high / 2, wide, high)
        colour = theme.quiet if group.depth else theme.ink
        yield Label((group.name,), at, size, colour, bold=not group.depth)


def _bottom(frame: Frame, group: Group) -> float:
    """Where the last row of a group's parts ends, and of the links between them."""
    cells = ((path, frame.grid.cells[path]) for path in group.members)
    parts = [frame.axes[c.last, c.lane] + frame.extents[path].below for path, c in cells]
    links = ((frame.scene.links[i], lane) for i, lane in frame.grid.tracks.items())
    tracks = [frame.axes[x] + TRACK for a, x in links if {a.source, a.target} <= group.members]
    return max(parts + tracks)


def row_names(scene: Scene, frame: Frame, plane: Plane, theme: Theme) -> Iterator[Label]:
    """The name of every row: before it, or above it where the flow goes down."""
    size = frame.metrics.text + 0.5
    for stride, name in scene.rows.items():
        if not name:
            continue
        wide, high = text_metrics.width(name, size), text_metrics.height(1, size)
        x, y = plane.point(0, frame.axes[frame.grid.rows[stride], 0])
        if frame.metrics.horizontal:
            rect = Rect(x - 2 * PAD - wide, y - high / 2, wide, high)
        else:
            rect = Rect(x - wide / 2, y - high - 2 * PAD, wide, high)
        yield Label((name,), rect, size, theme.quiet)


def margin(scene: Scene, frame: Frame) -> float:
    """How much room the names of rows take."""
    size = frame.metrics.text + 0.5
    names = [name for name in scene.rows.values() if name]
    if not names:
        return PAD
    if frame.metrics.horizontal:
        return max(text_metrics.width(name, size) for name in names) + 2 * PAD
    return text_metrics.height(1, size) + 2 * PAD


def title(scene: Scene, frame: Frame, theme: Theme) -> list[Label]:
    """Name and totals, from the upper left corner."""
    size = frame.metrics.text
    lines = ((scene.title, size + 4, theme.ink, True), (scene.totals, size, theme.quiet, False))
    made, y = [], 0.0
    for line, height, colour, bold in lines:
        high = text_metrics.height(1, height)
        rect = Rect(0, y, text_metrics.width(line, height) * (1.08 if bold else 1), high)
        align: Align = "left"
        made.append(Label((line,), rect, height, colour, bold=bold, align=align))
        y += high
    return made


def extent(made: Sequence[Label]) -> tuple[float, float]:
    """The width and the height that labels reach."""
    right = max((w.rect.x + w.rect.width for w in made), default=0.0)
    return right, max((w.rect.y + w.rect.height for w in made), default=0.0)
