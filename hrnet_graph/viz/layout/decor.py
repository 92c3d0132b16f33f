"""What stands around the parts: bands of stages and modules, names of rows, the title."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hrnet_graph.viz.drawing import Ink, Label, Point, Rect
from hrnet_graph.viz.layout.frame import TRACK, Frame, Plane
from hrnet_graph.viz.scene import Group, Scene
from hrnet_graph.viz.theme import Theme

PAD = 5.0
"""How far a band reaches beyond its parts."""


def band(scene: Scene) -> list[Group]:
    """The groups that are drawn: stages, and modules unless they are all there is of a stage."""
    stages = [group.members for group in scene.groups if not group.depth]
    return [group for group in scene.groups if not group.depth or group.members not in stages]


def header(frame: Frame) -> float:
    """How much room the names of groups take across the flow, before its first lane."""
    tops = [reach_across(frame, group)[0] - _room(frame, group) for group in band(frame.scene)]
    return max(0.0, -min(tops, default=0.0))


def _room(frame: Frame, group: Group) -> float:
    """How much room a group's name takes, and those of the modules in it.

    As much as any where the flow goes right, so that bands begin together.
    """
    groups, rooms = band(frame.scene), [0.0, 0.0]
    for each in groups:
        if frame.metrics.horizontal or each.members <= group.members:
            _, wide, high = _measure_name(frame, each)
            room = high + 4 if frame.metrics.horizontal else wide + 5 + 3 * frame.metrics.squeeze
            rooms[each.depth] = max(rooms[each.depth], room)
    return rooms[1] if group.depth else sum(rooms)


def _measure_name(frame: Frame, group: Group) -> tuple[float, float, float]:
    """The size of a group's name, and how wide and how high it is."""
    size = frame.metrics.text + (0 if group.depth else 1.5)
    return size, *frame.metrics.font.extent([group.name], size, bold=not group.depth)


def bands(frame: Frame, plane: Plane, theme: Theme) -> Iterator[Ink | Label]:
    """Every stage and module, behind its parts, with its name."""
    for group in band(frame.scene):
        first, last = frame.grid.span(group.members)
        pad = PAD * frame.metrics.squeeze - group.depth
        start = frame.starts[first] - pad
        stop = frame.starts[last] + frame.widths[last] + pad
        top, bottom = reach_across(frame, group)
        top -= _room(frame, group)
        bottom += 2 if group.depth else PAD
        rect = plane.rect(start, top, stop - start, bottom - top)
        fill = theme.inner if group.depth else theme.band
        yield Ink(rect.corners, fill, fill)
        size, wide, high = _measure_name(frame, group)
        if frame.metrics.horizontal:
            at = Rect(rect.centre[0] - wide / 2, rect.y + 2, wide, high)
        else:
            at = Rect(rect.x + 4, rect.centre[1] - high / 2, wide, high)
        colour = theme.quiet if group.depth else theme.ink
        yield Label((group.name,), at, size, colour, bold=not group.depth)


def reach_across(frame: Frame, group: Group) -> tuple[float, float]:
    """The v from which to which a group reaches: from where its first lane begins, all over the
    figure, to the end of its parts, and over the links that run through it.

    Modules begin together, where their stage does.
    """
    grid, (first, last) = frame.grid, frame.grid.span(group.members)
    cells = [grid.cells[path] for path in group.members]
    rows = range(min(cell.first for cell in cells), max(cell.last for cell in cells) + 1)
    tops = [frame.lane_top((cell.first, cell.lane)) for cell in cells]
    bottoms = [
        frame.axes[grid.cells[path].last, grid.cells[path].lane] + frame.extents[path].below
        for path in group.members
    ]
    for index, lane in grid.tracks.items():
        link = frame.scene.links[index]
        start, end = grid.cells[link.source].column, grid.cells[link.target].column
        is_own = bool({link.source, link.target} & group.members)
        if (is_own or lane[0] in rows) and start < last and end > first:
            tops.append(frame.lane_top(lane))
            bottoms.append(frame.axes[lane] + TRACK)
    if group.depth:
        stages = (g for g in frame.scene.groups if not g.depth and group.members <= g.members)
        tops += [reach_across(frame, stage)[0] for stage in stages]
    return min(tops), max(bottoms)


def row_names(frame: Frame, plane: Plane, theme: Theme) -> Iterator[Label]:
    """The name of every row: before it, or above it where the flow goes down."""
    size = frame.metrics.text + 0.5
    for stride, name in frame.scene.rows.items():
        if not name:
            continue
        wide, high = frame.metrics.font.extent([name], size)
        x, y = plane.point(0, frame.axes[frame.grid.rows[stride], 0])
        if frame.metrics.horizontal:
            rect = Rect(x - 2 * PAD - wide, y - high / 2, wide, high)
        else:
            rect = Rect(x - wide / 2, y - high - 2 * PAD, wide, high)
        yield Label((name,), rect, size, theme.quiet)


def margin(frame: Frame) -> float:
    """How much room the names of rows take."""
    names = [name for name in frame.scene.rows.values() if name]
    if not names:
        return PAD
    sizes = [frame.metrics.font.extent([name], frame.metrics.text + 0.5) for name in names]
    return max(wide if frame.metrics.horizontal else high for wide, high in sizes) + 2 * PAD


def title(frame: Frame, theme: Theme) -> Iterator[Label]:
    """Name and totals, from the upper left corner."""
    scene, size, font = frame.scene, frame.metrics.text, frame.metrics.font
    wide, high = font.extent([scene.title], size + 4, bold=True)
    rect = Rect(0, 0, wide, high)
    yield Label((scene.title,), rect, size + 4, theme.ink, bold=True, align="left")
    rect = Rect(0, high, *font.extent([scene.totals], size))
    yield Label((scene.totals,), rect, size, theme.quiet, align="left")


def reach(labels: Iterable[Label]) -> Point:
    """The lower right corner of labels."""
    corners = [(0.0, 0.0), *(label.rect.corners[2] for label in labels)]
    return max(x for x, _ in corners), max(y for _, y in corners)
