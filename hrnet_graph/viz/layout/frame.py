"""The grid given measures: where every column begins and where every lane's axis lies.

`u` runs along the flow and `v` across it; only at the end does that become x and y. A column, and
what lies behind it before the next one begins, with three links that leave a part:

    starts[0]                                                  starts[1]
    |<------ widths[0] ------>|<- label gap ->|<- routing gap ->|
    |                         |               |                 |
    |   +----------------+    |  64x56x56     |                 |
    |   |               -|----|---------------|-----------------|->   exit_offset < 0
    |   |                |    |  64x56x56     |                 |
    |   |      body     -|----|---------------|-----------------|->   axis of the part's lane
    |   |                |    |  64x56x56     |                 |
    |   |               -|----|---------------|----.            |     exit_offset > 0
    |   +----------------+    |               |     :           |
        |                |                           `----------|->   axis of another lane
      begin             exit

Shapes are written in the label gap, and links bend to another lane in the routing gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from hrnet_graph.viz.drawing import Point, Rect
from hrnet_graph.viz.layout.grid import Grid, Lane
from hrnet_graph.viz.layout.metrics import Extent, Metrics, extent
from hrnet_graph.viz.layout.untangle import untangle
from hrnet_graph.viz.scene import Link, Scene

LANE_GAP, TRACK = 5.0, 4.0
"""Between lanes, and half of a lane that carries lines alone."""

APART = 5.0
"""How far apart arrows leave or arrive at most, where no text stands between them."""


@dataclass(frozen=True)
class Plane:
    """From along and across the flow to x and y: which way it goes, and where its origin lies."""

    horizontal: bool
    x: float = 0.0
    y: float = 0.0

    def point(self, u: float, v: float) -> Point:
        """A point on paper."""
        return (self.x + u, self.y + v) if self.horizontal else (self.x + v, self.y + u)

    def rect(self, u: float, v: float, along: float, across: float) -> Rect:
        """A rectangle on paper, by where it begins and how far it reaches."""
        size = (along, across) if self.horizontal else (across, along)
        return Rect(*self.point(u, v), *size)


@dataclass(frozen=True)
class Frame:
    """Measures of a scene's grid, each worked out when it is asked for."""

    scene: Scene
    metrics: Metrics

    @cached_property
    def grid(self) -> Grid:
        """The scene's parts in rows, columns and lanes."""
        return untangle(self.scene)

    @cached_property
    def extents(self) -> Mapping[str, Extent]:
        """What every part takes up, by its path: a box as much as the links that leave it need."""
        runs = [part.channels for part in self.scene.parts if part.repeat]
        maps = [part.channels for part in self.scene.parts if part.shape == "map"]
        finest = min(runs or maps, default=1)
        found = {}
        for part in self.scene.parts:
            cell = self.grid.cells[part.path]
            found[part.path] = extent(part, self.metrics, cell.first, cell.last, finest)
        for (path, _), offset in self.exit_offset.items():
            reach = abs(offset) + APART / 2
            if self.scene.part_at[path].shape != "map" and abs(offset) > found[path].above - 0.5:
                found[path] = replace(found[path], above=reach, below=reach)
        return found

    @cached_property
    def widths(self) -> tuple[float, ...]:
        """Of columns: their parts and, over a single column, the name of a group fit in."""
        widths = [0.0] * self.grid.columns
        for path, cell in self.grid.cells.items():
            widths[cell.column] = max(widths[cell.column], self.extents[path].along)
        for group in self.scene.groups:
            first, last = self.grid.span(group.members)
            if first == last:
                across = self.metrics.text + 4
                size, bold = self.metrics.text + 1.5, not group.depth
                along = self.metrics.font.width(group.name, size, bold) + 2
                widths[first] = max(widths[first], along if self.metrics.horizontal else across)
        return tuple(widths)

    @cached_property
    def label_gaps(self) -> tuple[float, ...]:
        """What is kept free behind every column for the text on links."""
        gaps = [0.0] * self.grid.columns
        for link in self.scene.links:
            if link.text:
                wide, high = self.metrics.text_size((link.text,))
                column = self.grid.cells[link.source].column
                gaps[column] = max(gaps[column], 4 + (wide if self.metrics.horizontal else high))
        return tuple(gaps)

    @cached_property
    def routing_gaps(self) -> tuple[float, ...]:
        """What is kept free behind that for bends: more for links that cross more rows."""
        gaps = [self.metrics.gap] * self.grid.columns
        for index in range(len(self.scene.links)):
            for column, before, after in self.grid.changes(index):
                rows = abs(after[0] - before[0]) + 0.5 * (before[1] != after[1])
                gaps[column] = max(gaps[column], self.metrics.gap + self.metrics.row_bend * rows)
        return tuple(gaps)

    @cached_property
    def starts(self) -> tuple[float, ...]:
        """The u at which every column begins."""
        starts = [0.0]
        for gaps in zip(self.widths, self.label_gaps, self.routing_gaps, strict=True):
            starts.append(sum(gaps, start=starts[-1]))
        return tuple(starts[:-1])

    @cached_property
    def exit_offset(self) -> Mapping[tuple[str, str], float]:
        """How far from the axis links leave, by part and tensor: several of one row keep apart."""
        leaving: dict[tuple[str, Lane], dict[str, Link]] = {}
        towards: dict[tuple[str, str], Lane] = {}
        for index, link in enumerate(self.scene.links):
            leaving.setdefault((link.source, self.grid.ends(link)[0]), {})[link.tensor] = link
            towards.setdefault((link.source, link.tensor), self.grid.changes(index)[0][2])
        offsets = {}
        for (path, (row, _)), links in leaving.items():
            step = max(sum(self._room(link)) for link in links.values())
            part = self.scene.part_at[path]
            if part.shape == "map" and len(links) > 1:
                step = min(step, 0.85 * self.metrics.face(row, part.pooled) / (len(links) - 1))
            for i, tensor in enumerate(sorted(links, key=lambda tensor: towards[path, tensor])):
                offsets[path, tensor] = step * (i - (len(links) - 1) / 2)
        return offsets

    def _room(self, link: Link) -> tuple[float, float]:
        """What a link takes up before and behind its line, across the flow, where it leaves."""
        if not link.text:
            return APART / 2, APART / 2
        wide, high = self.metrics.text_size((link.text,))
        return (high + 2, TRACK / 2) if self.metrics.horizontal else (TRACK / 2, wide + 4)

    @cached_property
    def _sides(self) -> Mapping[Lane, tuple[float, float]]:
        """How far every lane reaches to both sides of its axis."""
        sides: dict[Lane, tuple[float, float]] = {}

        def widen(lane: Lane, above: float, below: float) -> None:
            held = sides.get(lane, (TRACK, TRACK))
            sides[lane] = (max(held[0], above), max(held[1], below))

        for row in self.grid.rows.values():  # its name stands there, whatever else does
            widen((row, 0), TRACK, TRACK)
        for path, cell in self.grid.cells.items():
            for row in range(cell.first, cell.last + 1):
                widen((row, cell.lane), self.extents[path].above, self.extents[path].below)
        for lane in self.grid.tracks.values():
            widen(lane, TRACK, TRACK)
        for link in self.scene.links:
            offset = self.exit_offset[link.source, link.tensor]
            before, behind = self._room(link)
            widen(self.grid.ends(link)[0], before - offset, behind + offset)
        return sides

    @cached_property
    def axes(self) -> Mapping[Lane, float]:
        """The v of every lane's axis."""
        axes: dict[Lane, float] = {}
        end, before = 0.0, -1
        for (row, number), (above, below) in sorted(self._sides.items()):
            gap = 0.0 if before < 0 else LANE_GAP if row == before else self.metrics.row_gap
            axes[row, number] = end + gap + above
            end, before = end + gap + above + below, row
        return axes

    def lane_top(self, lane: Lane) -> float:
        """The v at which a lane begins."""
        return self.axes[lane] - self._sides[lane][0]

    @cached_property
    def length(self) -> float:
        """Of the whole, along u."""
        return self.starts[-1] + self.widths[-1] if self.widths else 0.0

    @cached_property
    def breadth(self) -> float:
        """Of the whole, along v: where the last lane ends."""
        return max((v + self._sides[lane][1] for lane, v in self.axes.items()), default=0.0)

    def exit_axis(self, link: Link) -> float:
        """The v at which a link leaves."""
        return self.axes[self.grid.ends(link)[0]] + self.exit_offset[link.source, link.tensor]

    def begin(self, path: str) -> float:
        """The u at which a part's body begins: bodies stand in the middle of their column."""
        column = self.grid.cells[path].column
        return self.starts[column] + (self.widths[column] - self.extents[path].body) / 2

    def entry(self, path: str) -> float:
        """The u at which a link on its axis meets a part: depth lies before it in a flow down."""
        return self.begin(path) + (0.0 if self.metrics.horizontal else self.extents[path].overhang)

    def exit(self, path: str) -> float:
        """The u at which a link on its axis leaves a part: depth lies behind it in a flow right."""
        end = self.begin(path) + self.extents[path].body
        return end - (self.extents[path].overhang if self.metrics.horizontal else 0.0)
