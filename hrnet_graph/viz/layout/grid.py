"""Where parts stand: a row for every resolution, a column for every step, lanes within a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from itertools import chain, count, pairwise

from hrnet_graph.viz.scene import Group, Link, Part, Scene

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


@dataclass(frozen=True)
class Order:
    """Who takes a place first, by path, where that is not as the graph has it.

    lifts: how many lanes next to its row's axis a part leaves to others
    turns: which of the parts of one column takes its place first
    """

    lifts: Mapping[str, int] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)


def arrange(scene: Scene, order: Order = Order()) -> Grid:
    """Gives every part and every long link a place of its own."""
    rows = {row: i for i, row in enumerate(scene.rows)}
    column = columns(scene)
    lanes = _Lanes(_widest(scene, rows))
    cells: dict[str, Cell] = {}
    feeding: dict[str, list[str]] = {}
    for link in scene.links:
        feeding.setdefault(link.target, []).append(link.source)

    def turn(part: Part) -> tuple[int, bool, int]:
        return column[part.path], len(part.rows) > 1, order.turns.get(part.path, 0)

    for part in sorted(scene.parts, key=turn):
        before = [cells[path] for path in feeding.get(part.path, ()) if path in cells]
        lift = order.lifts.get(part.path, 0)
        cells[part.path] = _seat(part, rows, column[part.path], before, lanes, lift)
    tracks = {}
    for index, link in enumerate(scene.links):
        a, b = cells[link.source], cells[link.target]
        if b.column - a.column > 1:
            tracks[index] = lanes.track(link.tensor, a, b, rows[link.row], len(rows))
    return Grid(rows, max(column.values(), default=0) + 1, cells, scene.links, tracks)


def _widest(scene: Scene, rows: Mapping[Fraction, int]) -> int:
    """The row of most parts: lanes of it and of rows above lie above it, to keep others near."""
    counts = Counter(rows[part.rows[0]] for part in scene.parts)
    return max(counts, key=lambda row: (counts[row], -row), default=0)


def columns(scene: Scene) -> dict[str, int]:
    """Path -> column: after everything that is read, beside what belongs together.

    Groups have their columns for themselves and follow one another, unless the graph has it
    otherwise.
    """
    together = {part.path: part.column for part in scene.parts}
    alone = {part.path: part.path for part in scene.parts}
    for groups in (scene.groups, ()):
        for name in (together, alone):
            found = _longest(name, scene, groups)
            if found is not None:
                return {path: found["", place] for path, place in name.items()}
    raise AssertionError("the links of a graph make no circle")


Step = tuple[str, str]
"""The parts of one name, as `("", name)`, or where a group begins or ends, with its path."""


def _longest(
    name: Mapping[str, str], scene: Scene, groups: Sequence[Group]
) -> dict[Step, int] | None:
    """The longest way to the parts of every name, in links; None if it leads in a circle."""
    steps = _steps(name, scene, groups)
    found: dict[Step, int] = {}
    try:
        for step in TopologicalSorter(steps).static_order():
            found[step] = max((found[x] + one for x, one in steps[step].items()), default=0)
    except CycleError:
        return None
    return found


def _steps(
    name: Mapping[str, str], scene: Scene, groups: Sequence[Group]
) -> dict[Step, dict[Step, int]]:
    """What stands before what, and whether a column before it.

    What a group reads stands before all of it; what reads it, or is of the next group of its depth,
    behind all of it; outputs behind all groups; and several heads one after another.
    """
    steps: dict[Step, dict[Step, int]] = {("", place): {} for place in name.values()}
    for link in scene.links:
        if name[link.source] != name[link.target]:
            steps["", name[link.target]]["", name[link.source]] = 1
    heads = [name[part.path] for part in scene.parts if part.kind == "head"]
    for one, other in pairwise(heads):
        steps["", other]["", one] = 1
    last: dict[int, Step] = {}
    for group in groups:
        begin, end = ("begin", group.path), ("end", group.path)
        steps[begin] = {last[group.depth]: 0} if group.depth in last else {}
        steps[end] = {("", name[path]): 1 for path in group.members}
        last[group.depth] = end
        for path in group.members:
            steps["", name[path]][begin] = 0
        for link in scene.links:
            if link.source not in group.members and link.target in group.members:
                steps[begin]["", name[link.source]] = 1
            if link.source in group.members and link.target not in group.members:
                steps["", name[link.target]][end] = 0
    for output in (part for part in scene.parts if part.kind == "output"):
        steps["", name[output.path]] |= dict.fromkeys(last.values(), 0)
    return steps


def _seat(
    part: Part,
    rows: Mapping[Fraction, int],
    column: int,
    before: list[Cell],
    lanes: _Lanes,
    lift: int,
) -> Cell:
    """A free place; in its first row alone where others stand between its rows, and below all rows
    where one that stands in many leaves none there.
    """
    first, last = rows[part.rows[0]], rows[part.rows[-1]]
    beside = [c.lane for c in before if c.first <= first <= c.last and abs(c.lane) >= lift]
    near = [*dict.fromkeys(beside), *lanes.of(first, 8 + lift)]
    wanted = [lane for lane in near if abs(lane) >= lift] if first == last else [*range(8)]
    tall = (Cell(first, last, lane, column) for lane in wanted)
    flat = (Cell(first, first, lane, column) for lane in lanes.of(first, 64))
    below = (Cell(len(rows), len(rows), lane, column) for lane in lanes.of(len(rows)))
    return next(cell for cell in chain(tall, flat, below) if lanes.take(cell))


@dataclass
class _Lanes:
    """Which lanes are taken: by cell, by parts that stand in several rows, and by tensors.

    Lanes count downwards from a row's axis, and upwards, below 0, in the rows down to `upwards`.
    """

    upwards: int
    taken: dict[tuple[int, int, int], str] = field(default_factory=dict)
    tall: dict[int, list[Cell]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def of(self, row: int, most: int | None = None) -> Iterator[int]:
        """The lanes of a row, nearest to its axis first."""
        way = -1 if row <= self.upwards else 1
        return (way * lane for lane in (count() if most is None else range(most)))

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
        for own, other in zip(self.of(target, 8), self.of(source, 8), strict=True):
            yield target, own
            yield source, other
        for near in (target, source, *range(min(source, target), rows)):
            for lane in self.of(near, self.counts.get(near, 0) + 1):
                yield near, lane
        for lane in count():  # the row below all others always has another lane
            yield rows, lane

    def _free(self, place: tuple[int, int, int], tensor: str) -> bool:
        if self.taken.get(place, tensor) != tensor:
            return False
        return not any(_meets(cell, place) for cell in self.tall.get(place[2], ()))

    def _mark(self, place: tuple[int, int, int], what: str) -> None:
        self.taken[place] = what
        self.counts[place[0]] = max(self.counts.get(place[0], 0), abs(place[1]) + 1)


def _meets(cell: Cell, place: tuple[int, int, int]) -> bool:
    """Whether a tall part covers a place: from its lane in the first row to that in the last."""
    row, lane, _ = place
    return (cell.first, cell.lane) <= (row, lane) <= (cell.last, cell.lane)
