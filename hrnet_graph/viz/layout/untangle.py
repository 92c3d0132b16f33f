"""Which of several places of a scene's results has the fewest links that cross one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations, permutations

from hrnet_graph.viz.layout.grid import Grid, Lane, Order, arrange
from hrnet_graph.viz.scene import Group, Scene

_HEADS, _PARTS, _PAIRS = 4, 250, 40
"""Of as many heads at most every order is tried, in scenes of as many parts at most, and so many
pairs of parts at most are changed in place.
"""


def untangle(scene: Scene) -> Grid:
    """The scene's grid, heads in lanes of their own and results in the order that crosses least.

    What crosses no less than as the graph has it stays as the graph has it.
    """
    best, order = arrange(scene), Order()
    if len(scene.parts) > _PARTS:
        return best
    heads = _last_groups(scene)
    for ranked in permutations(heads) if 1 < len(heads) <= _HEADS else ():
        lifted = Order(_lifts(ranked, best))
        grid = arrange(scene, lifted)
        if _crossings(grid) < _crossings(best):
            best, order = grid, lifted
    return _in_turn(scene, best, order, heads)


def _in_turn(scene: Scene, best: Grid, order: Order, heads: Iterable[Group]) -> Grid:
    """The grid with heads' parts or results of one column and row changed in place."""
    ends = {part.path for part in scene.parts if part.kind == "output"}
    ends |= {path for head in heads for path in head.members}
    pairs = [*_neighbours(best, [part.path for part in scene.parts if part.path in ends])]
    before, least = -1, _crossings(best)
    while before != least:
        before = least
        for one, other in pairs if least and len(pairs) <= _PAIRS else ():
            turns = {path: order.turns.get(path, i) for i, path in enumerate(best.cells)}
            swapped = replace(order, turns=turns | {one: turns[other], other: turns[one]})
            grid = arrange(scene, swapped)
            if _crossings(grid) < least:
                best, order, least = grid, swapped, _crossings(grid)
    return best


def _neighbours(grid: Grid, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of parts that stand in one column and row."""
    places: dict[tuple[int, int], list[str]] = {}
    for path in paths:
        cell = grid.cells[path]
        if cell.first == cell.last:
            places.setdefault((cell.column, cell.first), []).append(path)
    for held in places.values():
        yield from combinations(held, 2)


def _last_groups(scene: Scene) -> list[Group]:
    """The groups of which nothing but results is read: the heads."""
    outputs = {part.path for part in scene.parts if part.kind == "output"}
    return [
        group
        for group in scene.groups
        if not group.depth
        and not any(
            link.source in group.members and link.target not in group.members | outputs
            for link in scene.links
        )
    ]


def _lifts(ranked: Iterable[Group], grid: Grid) -> dict[str, int]:
    """Part -> how many lanes nearer to its row's axis are kept for heads before its own."""
    kept: dict[int, int] = {}
    lifts: dict[str, int] = {}
    for group in ranked:
        cells = {path: grid.cells[path] for path in group.members}
        lifts |= {path: kept.get(cell.first, 0) for path, cell in cells.items()}
        used: dict[int, set[int]] = {}
        for cell in cells.values():
            used.setdefault(cell.first, set()).add(cell.lane)
        kept |= {row: kept.get(row, 0) + len(lanes) for row, lanes in used.items()}
    return lifts


def _crossings(grid: Grid) -> int:
    """How many pairs of links, of two tensors, cross between two columns."""
    gaps: dict[int, list[tuple[str, Lane, Lane]]] = {}
    for index, link in enumerate(grid.links):
        bends: Mapping[int, tuple[Lane, Lane]] = {
            column: (before, after) for column, before, after in grid.changes(index)
        }
        start, stop = grid.cells[link.source].column, grid.cells[link.target].column
        for column in range(start, stop):
            track = grid.tracks.get(index, (0, 0))
            gaps.setdefault(column, []).append((link.tensor, *bends.get(column, (track, track))))
    return sum(
        a[0] != b[0] and ((a[1] < b[1] and a[2] > b[2]) or (a[1] > b[1] and a[2] < b[2]))
        for links in gaps.values()
        for a, b in combinations(links, 2)
    )
