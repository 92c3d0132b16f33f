"""Where parts stand: a row for every resolution, a column for every step, lanes within a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from itertools import chain, count, pairwise

from hrnet_graph.viz.scene import Link, Part, Scene

Lane = tuple[int, int]
"""A row, and the number of the lane in it."""


@dataclass(frozen=True)
class Cell:
    """A part's place: rows `first` to `last`, the lane in them, and the column."""

    first: int
    last: int
    lane: int
    column: int

    def row(self, row: int) -> int:
        """The nearest of its own rows."""
        return min(max(row, self.first), self.last)


@dataclass(frozen=True)
class Grid:
    """Places of parts by path, and for links that pass columns (row, lane) by position."""

    rows: Mapping[Fraction, int]
    columns: int
    cells: Mapping[str, Cell]
    links: Sequence[Link]
    tracks: Mapping[int, Lane]

    def ends(self, link: Link) -> tuple[Lane, Lane]:
        """The lanes that a link leaves and reaches."""
        a, b, row = self.cells[link.source], self.cells[link.target], self.rows[link.row]
        return (a.row(row), a.lane), (b.row(row), b.lane)

    def changes(self, index: int) -> list[tuple[int, Lane, Lane]]:
        """The gaps at both ends of a link, each with the lanes before and after it."""
        link = self.links[index]
        start, end = self.ends(link)
        column = self.cells[link.source].column
        if index not in self.tracks:
            return [(column, start, end)]
        track = self.tracks[index]
        return [(column, start, track), (self.cells[link.target].column - 1, track, end)]

    def span(self, members: Iterable[str]) -> tuple[int, int]:
        """The first and the last column of some parts."""
        columns = [self.cells[path].column for path in members]
        return min(columns), max(columns)


def arrange(scene: Scene) -> Grid:
    """Gives every part and every long link a place of its own."""
    rows = {row: i for i, row in enumerate(scene.rows)}
    column = columns(scene)
    lanes = _Lanes()
    cells: dict[str, Cell] = {}
    feeding: dict[str, list[str]] = {}
    for link in scene.links:
        feeding.setdefault(link.target, []).append(link.source)
    parts = sorted(scene.parts, key=lambda part: (column[part.path], len(part.rows) > 1))
    for part in parts:
        before = [cells[path] for path in feeding.get(part.path, ()) if path in cells]
        cells[part.path] = _seat(part, rows, column[part.path], before, lanes)
    tracks = {}
    for index, link in enumerate(scene.links):
        a, b = cells[link.source], cells[link.target]
        if b.column - a.column > 1:
            tracks[index] = lanes.track(link.tensor, a, b, rows[link.row], len(rows))
    return Grid(rows, max(column.values(), default=0) + 1, cells, scene.links, tracks)


def columns(scene: Scene) -> dict[str, int]:
    """Path -> column: after everything that is read, beside what belongs together.

    Stages follow one another, unless the graph has it otherwise.
    """
    together = {part.path: part.column for part in scene.parts}
    alone = {part.path: part.path for part in scene.parts}
    stages = [group.members for group in scene.groups if not group.depth]
    for group, order in ((together, stages), (together, []), (alone, [])):
        found = _longest(group, scene.links, order)
        if found is not None:
            return {path: found[name] for path, name in group.items()}
    raise AssertionError("the links of a graph make no circle")


def _longest(
    group: Mapping[str, str], links: Iterable[Link], order: Sequence[frozenset[str]]
) -> dict[str, int] | None:
    """The longest way to every group, in links; None if groups read one another in a circle.

    What is in one set of `order` comes before all that is in the next.
    """
    steps: dict[str, dict[str, int]] = {name: {} for name in group.values()}
    for link in links:
        if group[link.source] != group[link.target]:
            steps[group[link.target]][group[link.source]] = 1
    for number, (before, after) in enumerate(pairwise(order)):
        steps[f"after {number}"] = {group[path]: 1 for path in before}
        for path in after:
            steps[group[path]][f"after {number}"] = 0
    found: dict[str, int] = {}
    try:
        for name in TopologicalSorter(steps).static_order():
            found[name] = max((found[x] + step for x, step in steps[name].items()), default=0)
    except CycleError:
        return None
    return found


def _seat(
    part: Part, rows: Mapping[Fraction, int], column: int, before: list[Cell], lanes: _Lanes
) -> Cell:
    """A free place; in its first row alone where others stand between its rows."""
    first, last = rows[part.rows[0]], rows[part.rows[-1]]
    beside = [c.lane for c in before if c.first <= first <= c.last]
    wanted = [*dict.fromkeys(beside), *range(8)] if first == last else [*range(8)]
    tall = (Cell(first, last, lane, column) for lane in wanted)
    flat = (Cell(first, first, lane, column) for lane in count())
    return next(cell for cell in chain(tall, flat) if lanes.take(cell))


@dataclass
class _Lanes:
    """Which lanes are taken: by cell, by parts that stand in several rows, and by tensors."""

    taken: dict[tuple[int, int, int], str] = field(default_factory=dict)
    tall: dict[int, list[Cell]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def take(self, cell: Cell) -> bool:
        """Takes a part's place if all of it is free."""
        places = [(row, cell.lane, cell.column) for row in range(cell.first, cell.last + 1)]
        if not all(self._free(place, "") for place in places):
            return False
        if cell.first < cell.last:
            if any(_meets(cell, place) for place in self.taken if place[2] == cell.column):
                return False
            self.tall.setdefault(cell.column, []).append(cell)
        for place in places:
            self._mark(place, "part")
        return True

    def track(self, tensor: str, a: Cell, b: Cell, row: int, rows: int) -> Lane:
        """A lane for a tensor through all columns between two cells."""
        for lane in self._candidates(a, b, row, rows):
            places = [(*lane, column) for column in range(a.column + 1, b.column)]
            if all(self._free(place, tensor) for place in places):
                break
        for place in places:
            self._mark(place, tensor)
        return lane

    def _candidates(self, a: Cell, b: Cell, row: int, rows: int) -> Iterator[Lane]:
        source, target = a.row(row), b.row(row)
        yield source, a.lane
        yield target, b.lane
        for lane in range(1, 8):
            yield target, lane
            yield source, lane
        for near in (target, source, *range(min(source, target), rows)):
            for lane in range(self.counts.get(near, 0) + 1):
                yield near, lane
        for lane in count():  # the row below all others always has another lane
            yield rows, lane

    def _free(self, place: tuple[int, int, int], tensor: str) -> bool:
        if self.taken.get(place, tensor) != tensor:
            return False
        return not any(_meets(cell, place) for cell in self.tall.get(place[2], ()))

    def _mark(self, place: tuple[int, int, int], what: str) -> None:
        self.taken[place] = what
        self.counts[place[0]] = max(self.counts.get(place[0], 0), place[1] + 1)


def _meets(cell: Cell, place: tuple[int, int, int]) -> bool:
    """Whether a tall part covers a place: from its lane in the first row to that in the last."""
    row, lane, _ = place
    return (cell.first, cell.lane) <= (row, lane) <= (cell.last, cell.lane)
