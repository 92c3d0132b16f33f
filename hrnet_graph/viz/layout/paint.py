"""Parts and links drawn: feature maps as blocks, boxes with text, arrows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hrnet_graph.viz.colour import Paints
from hrnet_graph.viz.drawing import Arrow, Box, Ink, Label, Rect
from hrnet_graph.viz.layout.frame import Frame, Plane
from hrnet_graph.viz.layout.metrics import is_bold, slabs
from hrnet_graph.viz.layout.route import routes
from hrnet_graph.viz.scene import Link, Part


@dataclass(frozen=True)
class Painter:
    """Draws a frame's parts and links on a plane."""

    frame: Frame
    plane: Plane
    paints: Paints

    def arrows(self) -> Iterator[Arrow]:
        """Every link."""
        for link, route in routes(self.frame):
            points = tuple(self.plane.point(u, v) for u, v in route)
            colour, dash, weight = self.paints.link(link)
            ends = link.source, link.target
            yield Arrow(*ends, link.direction, points, colour, dash, weight)

    def link_labels(self) -> Iterator[Label]:
        """The shapes on links: one a tensor, where it leaves."""
        frame, size = self.frame, self.frame.metrics.text
        first: dict[tuple[str, str], Link] = {}
        for link in frame.scene.links:
            if link.text:
                first.setdefault((link.source, link.tensor), link)
        for link in first.values():
            column = frame.grid.cells[link.source].column
            u = frame.starts[column] + frame.widths[column]
            wide, high = frame.metrics.text_size((link.text,))
            x, y = self.plane.point(u, frame.exit_axis(link))
            at = (x + 1, y - high - 1) if frame.metrics.horizontal else (x + 3, y + 1)
            yield Label((link.text,), Rect(*at, wide, high), size, self.paints.theme.quiet)

    def parts(self) -> Iterator[Ink | Box | Label]:
        """Every part: what is seen of it, what can be pointed at, and its label."""
        for part in self.frame.scene.parts:
            if part.shape == "map":
                yield from self._map(part)
            else:
                yield from self._box(part)

    def _map(self, part: Part) -> Iterator[Ink | Box | Label]:
        frame, metrics = self.frame, self.frame.metrics
        cell, extent = frame.grid.cells[part.path], frame.extents[part.path]
        v, face = frame.axes[cell.first, cell.lane], metrics.face(cell.first, part.pooled)
        u, deep = frame.begin(part.path), extent.depth
        if not metrics.horizontal:
            u += deep
        whole = self.plane.rect(u, v - face / 2, extent.body - deep, face)
        starts = (u + i * (metrics.slab + metrics.between) for i in range(slabs(part)))
        front = [self.plane.rect(start, v - face / 2, metrics.slab, face) for start in starts]
        if len(front) > 1:
            yield self._thread(front[0], front[-1])
        for rect in front:
            yield from self._slab(part, rect, deep)
        outer = Rect(whole.x, whole.y - deep, whole.width + deep, whole.height + deep)
        yield from self.paints.hatch(part, outer)
        yield Box(part.path, _kind(part), outer, part.tooltip)
        if part.lines:
            yield self._map_label(part, outer)

    def _thread(self, first: Rect, last: Rect) -> Ink:
        """A line through a run of maps, from behind the first to the last."""
        (x0, y0), (x1, y1) = first.centre, last.centre
        if self.plane.horizontal:
            ends = (first.x + first.width, y0), (last.x, y1)
        else:
            ends = (x0, first.y + first.height), (x1, last.y)
        return Ink(ends, stroke=self.paints.theme.line, weight=0.8)

    def _slab(self, part: Part, rect: Rect, deep: float) -> Iterator[Ink]:
        """One feature map: its face, its top and its side; a concatenation in layers."""
        fills, stroke = self.paints.layers(part), self.paints.outline(part)
        yield from self.paints.block(rect, deep, fills, stroke)
        a, b, c, d = rect.corners
        for i, fill in enumerate(fills[1:], start=1):
            share = i / len(fills)
            if self.plane.horizontal:
                y = rect.y + share * rect.height
                yield Ink(((a[0], y), (b[0], y), c, d), fill, stroke)
            else:
                x = rect.x + share * rect.width
                yield Ink(((x, a[1]), b, c, (x, d[1])), fill, stroke)

    def _map_label(self, part: Part, outer: Rect) -> Label:
        size, theme = self.frame.metrics.text, self.paints.theme
        wide, high = self.frame.metrics.text_size(part.lines)
        if self.frame.metrics.horizontal:
            rect = Rect(outer.centre[0] - wide / 2, outer.y + outer.height + 1.5, wide, high)
            return Label(part.lines, rect, size, theme.quiet, owner=part.path)
        rect = Rect(outer.x + outer.width + 3, outer.centre[1] - high / 2, wide, high)
        return Label(part.lines, rect, size, theme.quiet, align="left", owner=part.path)

    def _box(self, part: Part) -> Iterator[Ink | Box | Label]:
        frame = self.frame
        cell, extent = frame.grid.cells[part.path], frame.extents[part.path]
        top = frame.axes[cell.first, cell.lane] - extent.above
        bottom = frame.axes[cell.last, cell.lane] + extent.below
        rect = self.plane.rect(frame.begin(part.path), top, extent.body, bottom - top)
        if part.shape == "name":
            yield Box(part.path, _kind(part), rect, part.tooltip)
        else:
            fill, stroke = self.paints.layers(part)[0], self.paints.outline(part)
            yield Box(part.path, _kind(part), rect, part.tooltip, fill, stroke)
            yield from self.paints.hatch(part, rect)
        colour = self.paints.on(part)
        yield Label(part.lines, rect, frame.metrics.text, colour, is_bold(part), owner=part.path)


def _kind(part: Part) -> str:
    """What a part is, and how it differs."""
    return f"{part.kind} {part.mark}".strip()
