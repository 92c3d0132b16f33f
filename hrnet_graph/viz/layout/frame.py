"""The grid given measures: where every column begins and where every lane's axis lies.

`u` runs along the flow and `v` across it; only at the end does that become x and y.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hrnet_graph.viz import text_metrics
from hrnet_graph.viz.layout.grid import Cell, Grid, arrange
from hrnet_graph.viz.layout.metrics import Extent, Metrics, extent
from hrnet_graph.viz.scene import Link, Scene

LANE_GAP, TRACK = 5.0, 4.0
"""Between lanes, and half of a lane that carries lines alone."""

APART = 5.0
"""How far apart arrows leave or arrive at most, where no words stand between them."""

Lane = tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """Measures of a grid.

    starts, widths: of columns, along u
    label_gaps: for every column, what is kept free behind it for the words on links
    axes: the v of every lane
    exit_offset: by part and tensor, how far from the axis a link leaves
    length, breadth: of the whole, along u and v
    """

    scene: Scene
    grid: Grid
    metrics: Metrics
    extents: Mapping[str, Extent]
    starts: tuple[float, ...]
    widths: tuple[float, ...]
    label_gaps: tuple[float, ...]
    axes: Mapping[Lane, float]
    exit_offset: Mapping[tuple[str, str], float]
    length: float
    breadth: float

    def axis(self, cell: Cell, row: int) -> float:
        """The v at which a part is met in a row."""
        return self.axes[cell.row(row), cell.lane]

    def begin(self, path: str) -> float:
        """The u at which a part's body begins: bodies stand in the middle of their column."""
        column = self.grid.cells[path].column
        return self.starts[column] + (self.widths[column] - self.extents[path].body) / 2

    def entry_x(self, path: str) -> float:
        """The u at which a link on its axis meets a part: depth lies before it in a flow down."""
        return self.begin(path) + (0.0 if self.metrics.horizontal else self.extents[path].bare)

    def exit_x(self, path: str) -> float:
        """The u at which a link on its axis leaves a part: depth lies behind it in a flow right."""
        end = self.begin(path) + self.extents[path].body
        return end - (self.extents[path].bare if self.metrics.horizontal else 0.0)


def measure(scene: Scene, metrics: Metrics) -> Frame:
    """A scene's frame."""
    grid = arrange(scene)
    runs = [part.channels for part in scene.parts if part.repeat]
    maps = [part.channels for part in scene.parts if part.shape == "map"]
    finest = min(runs or maps, default=1)
    extents = {
        part.path: extent(part, metrics, grid.cells[part.path].first, finest)
        for part in scene.parts
    }
    exit_offset = _departures(scene, grid, metrics)
    axes, breadth = _axes(scene, grid, extents, metrics, exit_offset)
    widths = _widths(scene, grid, extents, metrics)
    label_gaps = _label_gaps(scene, grid, metrics)
    routing_gaps = _routing_gaps(scene, grid, metrics)
    starts = [0.0]
    for width, zone, fan in zip(widths, label_gaps, routing_gaps, strict=True):
        starts.append(starts[-1] + width + zone + fan)
    length = starts[-2] + widths[-1] if widths else 0.0
    return Frame(
        scene=scene,
        grid=grid,
        metrics=metrics,
        extents=extents,
        starts=tuple(starts[:-1]),
        widths=widths,
        label_gaps=label_gaps,
        axes=axes,
        exit_offset=exit_offset,
        length=length,
        breadth=breadth,
    )


def _departures(scene: Scene, grid: Grid, metrics: Metrics) -> dict[tuple[str, str], float]:
    """How far from the axis links leave: several tensors of one part and row keep apart."""
    at: dict[tuple[str, int], dict[str, Link]] = {}
    for link in scene.links:
        row = grid.cells[link.source].row(grid.rows[link.row])
        at.setdefault((link.source, row), {})[link.tensor] = link
    found = {}
    for (path, _), links in at.items():
        step = max(sum(_room(link, metrics)) for link in links.values())
        for i, tensor in enumerate(links):
            found[path, tensor] = step * (i - (len(links) - 1) / 2)
    return found


def _room(link: Link, metrics: Metrics) -> tuple[float, float]:
    """What a link takes up before and behind its line, across the flow, where it leaves."""
    if not link.words:
        return APART / 2, APART / 2
    wide, high = metrics.words_size((link.words,))
    return (high + 2, TRACK / 2) if metrics.horizontal else (TRACK / 2, wide + 4)


def _axes(
    scene: Scene,
    grid: Grid,
    extents: Mapping[str, Extent],
    metrics: Metrics,
    exit_offset: Mapping[tuple[str, str], float],
) -> tuple[dict[Lane, float], float]:
    """The v of every lane, and where the last one ends."""
    sides: dict[Lane, tuple[float, float]] = {}

    def widen(lane: Lane, above: float, below: float) -> None:
        held = sides.get(lane, (TRACK, TRACK))
        sides[lane] = (max(held[0], above), max(held[1], below))

    for path, cell in grid.cells.items():
        for row in range(cell.first, cell.last + 1):
            widen((row, cell.lane), extents[path].above, extents[path].below)
    for lane in grid.tracks.values():
        widen(lane, TRACK, TRACK)
    for link in scene.links:
        cell, away = grid.cells[link.source], exit_offset[link.source, link.tensor]
        before, behind = _room(link, metrics)
        widen((cell.row(grid.rows[link.row]), cell.lane), before - away, behind + away)
    axes: dict[Lane, float] = {}
    end, before = 0.0, -1
    for row, number in sorted(sides):
        above, below = sides[row, number]
        gap = 0.0 if before < 0 else LANE_GAP if row == before else metrics.row_gap
        axes[row, number] = end + gap + above
        end, before = end + gap + above + below, row
    return axes, end


def _widths(
    scene: Scene, grid: Grid, extents: Mapping[str, Extent], metrics: Metrics
) -> tuple[float, ...]:
    """How wide columns are: as their widest part, and as the names of groups above them."""
    widths = [0.0] * grid.columns
    for path, cell in grid.cells.items():
        widths[cell.column] = max(widths[cell.column], extents[path].along)
    for group in scene.groups:
        first, last = span(grid, group.members)
        if first == last:
            label = text_metrics.width(group.words, metrics.text + 1.5) + 2
            widths[first] = max(widths[first], label if metrics.horizontal else metrics.text + 4)
    return tuple(widths)


def span(grid: Grid, members: frozenset[str]) -> tuple[int, int]:
    """The first and the last column of some parts."""
    columns = [grid.cells[path].column for path in members]
    return min(columns), max(columns)


def _label_gaps(scene: Scene, grid: Grid, metrics: Metrics) -> tuple[float, ...]:
    label_gaps = [0.0] * grid.columns
    for link in scene.links:
        if link.words:
            wide, high = metrics.words_size((link.words,))
            column = grid.cells[link.source].column
            label_gaps[column] = max(label_gaps[column], 4 + (wide if metrics.horizontal else high))
    return tuple(label_gaps)


def _routing_gaps(scene: Scene, grid: Grid, metrics: Metrics) -> tuple[float, ...]:
    """How wide the gap behind each column is, by how many rows links cross in it."""
    routing_gaps = [metrics.gap] * grid.columns
    for index, link in enumerate(scene.links):
        for column, rows in turns(grid, index, link):
            routing_gaps[column] = max(routing_gaps[column], metrics.gap + metrics.fan * rows)
    return tuple(routing_gaps)


def turns(grid: Grid, index: int, link: Link) -> Iterator[tuple[int, float]]:
    """The gaps in which a link changes its lane, and by how many rows."""
    lanes = stations(grid, index, link)
    for column, before, after in lanes:
        if before != after:
            yield column, abs(after[0] - before[0]) + 0.5 * (before[1] != after[1])


def stations(grid: Grid, index: int, link: Link) -> list[tuple[int, Lane, Lane]]:
    """The gaps at both ends of a link, each with the lanes before and after it."""
    a, b = grid.cells[link.source], grid.cells[link.target]
    row = grid.rows[link.row]
    start, end = (a.row(row), a.lane), (b.row(row), b.lane)
    if index not in grid.tracks:
        return [(a.column, start, end)]
    track = grid.tracks[index]
    return [(a.column, start, track), (b.column - 1, track, end)]
