"""Links as arrows: straight along lanes, bent between columns, apart where they arrive."""

from __future__ import annotations

from collections.abc import Iterator

from hrnet_graph.viz.drawing import Point
from hrnet_graph.viz.layout.frame import APART, Frame
from hrnet_graph.viz.scene import Link

_BEND = 0.35
"""How soon a bend leaves its lane, as a share of the gap."""


def routes(frame: Frame) -> Iterator[tuple[Link, list[Point]]]:
    """Every link with its spline in (u, v) to the foot of its head, and the tip of that."""
    offsets, grid = _entry_offsets(frame), frame.grid
    for index, link in enumerate(frame.scene.links):
        v = frame.exit_axis(link)
        end = frame.axes[grid.ends(link)[1]] + offsets[index]
        points: list[Point] = [(frame.exit(link.source), v)]
        for column, _, after in grid.changes(index):
            goal = end if column == grid.cells[link.target].column - 1 else frame.axes[after]
            start = frame.starts[column] + frame.widths[column] + frame.label_gaps[column]
            stop = frame.starts[column + 1] - frame.metrics.head
            if abs(goal - v) > 0.01:
                _flat(points, (start, v))
                reach = _BEND * (stop - start)
                points += [(start + reach, v), (stop - reach, goal), (stop, goal)]
                v = goal
        tip = frame.entry(link.target) - 0.4
        _flat(points, (tip - frame.metrics.head, v))
        yield link, [*points, (tip, v)]


def _entry_offsets(frame: Frame) -> dict[int, float]:
    """Link -> how far from the axis it arrives: from above above it, from below below it."""
    arriving: dict[tuple[str, int], list[tuple[float, int]]] = {}
    for index, link in enumerate(frame.scene.links):
        _, before, end = frame.grid.changes(index)[-1]
        away = frame.axes[before] - frame.axes[end]
        arriving.setdefault((link.target, end[0]), []).append((away, index))
    found: dict[int, float] = {}
    for (path, row), links in arriving.items():
        above = sorted((pair for pair in links if pair[0] < -0.1), reverse=True)
        below = sorted(pair for pair in links if pair[0] > 0.1)
        level = [pair for pair in links if abs(pair[0]) <= 0.1]
        step = _step(frame, path, row, max(len(above), len(below)))
        first = 0 if level or (above and below) else -1
        for side, pairs in ((-1, above), (1, below)):
            for i, (_, index) in enumerate(pairs, start=1):
                found[index] = side * step * (i + first)
        for i, (_, index) in enumerate(level):
            found[index] = APART * (i - (len(level) - 1) / 2) if len(level) > 1 else 0.0
    return found


def _step(frame: Frame, path: str, row: int, count: int) -> float:
    """How far apart arrows may arrive at a part, so that all of them meet it."""
    part = frame.scene.part_at[path]
    is_map = part.shape == "map"
    half = frame.metrics.face(row, part.pooled) / 2 if is_map else frame.extents[path].above
    return min(APART, 0.85 * half / max(count, 1))


def _flat(points: list[Point], to: Point) -> None:
    """Goes straight on to a point, as a piece of a spline."""
    start = points[-1]
    if len(points) == 1 or abs(start[0] - to[0]) > 0.01:
        third = (to[0] - start[0]) / 3
        points += [(start[0] + third, to[1]), (to[0] - third, to[1]), to]
