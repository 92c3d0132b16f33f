"""The largest receptive field of a network, followed part by part: what is alike is found once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from operator import le

from hrnet_graph.analysis.receptive_field import (
    LONGEST,
    SAME,
    SIDE,
    Seen,
    Window,
    extent_of,
    see,
    windows_of,
)
from hrnet_graph.ir.graph import Graph, Node, sort
from hrnet_graph.ir.ops import Op
from hrnet_graph.ir.parts import Part, Placed, read_by
from hrnet_graph.ir.types import Operands, TensorType

Windows = tuple[Window | None, ...]

Step = tuple[tuple[int, ...], Windows]
"""The numbers of a node's operands, and what it reads of them."""


@dataclass(frozen=True, eq=False)
class Course:
    """How what is seen goes through some nodes: operands are numbered first, then the results of
    steps, of which some are handed out.

    Steps may be those alone that see the most: `whole` has all of them, for operands that see all
    of the image.
    """

    operands: int
    steps: tuple[Step, ...]
    results: tuple[int, ...]
    whole: Course | None = None


def largest_field(graph: Graph, items: Sequence[Node | Placed]) -> int:
    """Pixels of the largest field of all nodes, where not all of the image is seen.

    `items` are the network's nodes, those of a part that stands elsewhere as well as that part.
    """
    side, items = SIDE, _in_order(graph, items)
    while True:
        largest = _largest(graph.input, items, side)
        if largest < side or side == LONGEST:
            return largest
        side *= 2


Leg = tuple[Course, tuple[int, ...]]
Route = tuple[Leg, ...]
"""Courses one after another, each with the numbers of its operands: the image is 0, and then
results are numbered as they come."""


@lru_cache(2**10)
def _leg(course: Course, operands: tuple[int, ...]) -> Leg:
    """One leg for all routes that go the same way from there."""
    return course, operands


def _largest(image: Node, items: Sequence[Node | Placed], side: int) -> int:
    """The same on an image of this side."""
    types = {image.path: TensorType((image.type.channels, side, side))}
    number = {image.path: 0}
    route = []
    for item in items:
        read = read_by(item)
        x = tuple([types[path] for path in read])
        paths = (item.path,) if isinstance(item, Node) else item.results
        course, results = (
            _through_op(item.op, x)
            if isinstance(item, Node)
            else item.part.fact(("course", x), partial(_through, x=x))
        )
        route.append(_leg(course, tuple([number[path] for path in read])))
        for path, kind in zip(paths, results, strict=True):
            types[path], number[path] = kind, len(number)
    return _size_of(side, tuple(route))


@lru_cache(2**11)
def _size_of(side: int, route: Route) -> int:
    """The largest field on a route, found once for all networks that read alike."""
    seen: list[Seen | None] = [_all_of(side)]
    largest = 1
    for course, operands in route:
        found, size = _follow(course, tuple([seen[i] for i in operands]))
        seen += found
        largest = max(largest, size)
    return largest


def _in_order(graph: Graph, items: Sequence[Node | Placed]) -> Sequence[Node | Placed]:
    """Nodes and parts in an order in which they can be executed, the image apart."""
    made = {graph.input.path}
    for item in items[1:]:
        if not made.issuperset(read_by(item)):
            return graph.order[1:]
        made.update((item.path,) if isinstance(item, Node) else item.results)
    return items[1:]


@lru_cache(2**6)
def _all_of(side: int) -> Seen:
    """An image, every pixel of which sees itself."""
    return Seen(range(side), range(side))


@lru_cache(2**10)
def _through_op(op: Op, x: Operands) -> tuple[Course, Operands]:
    """The way through a single operation."""
    y, extents = op.infer(x), tuple(map(extent_of, x))
    step = tuple(range(len(x))), tuple(windows_of(op, x, y))
    return _course(extents, (step,), (len(x),)), (y,)


def _through(part: Part, x: Operands) -> tuple[Course, Operands]:
    """The way through a part whose operands are of these types, and the types of its results."""
    types = dict(zip((value.path for value in part.operands), x, strict=True))
    number = {path: i for i, path in enumerate(types)}
    nodes = {node.path: node for node in part.nodes}
    inside = {path: [at for at in node.inputs if at in nodes] for path, node in nodes.items()}
    steps = []
    for path in sort(inside):
        node = nodes[path]
        read = tuple([types[at] for at in node.inputs])
        types[path] = node.op.infer(read)
        windows = tuple(windows_of(node.op, read, types[path]))
        steps.append((tuple([number[at] for at in node.inputs]), windows))
        number[path] = len(number)
    results = tuple([number[path] for path in part.results])
    course = _course(tuple(map(extent_of, x)), tuple(steps), results)
    return course, tuple([types[path] for path in part.results])


@lru_cache(2**8)
def _course(extents: tuple[int, ...], steps: tuple[Step, ...], results: tuple[int, ...]) -> Course:
    """One course for all parts that read alike, however wide they are, through operands of so many
    cells.

    Steps are put together to those that see the most, each from operands: exact where later cells
    read later ones.
    """
    count = len(extents)
    whole = Course(count, steps, results)
    if not all(map(_is_ordered, chain.from_iterable(windows for _, windows in steps))):
        return whole
    seen = [_from_operand(whole, i, extent) for i, extent in enumerate(extents)]
    kept = sorted({at for at in results if at >= count} | _unread(whole, seen))
    place = {at: i for i, at in enumerate((*range(count), *kept))}
    joined = tuple([_joined([each[at] for each in seen], extents) for at in kept])
    return Course(count, joined, tuple([place[at] for at in results]), whole)


NOTHING = Seen((), ())
"""What a result sees of an operand on which it does not depend."""


def _from_operand(course: Course, operand: int, extent: int) -> list[Seen | None]:
    """What operands and results see of the cells of one operand."""
    seen: list[Seen | None] = [NOTHING] * course.operands
    seen[operand] = _all_of(extent)
    for sources, windows in course.steps:
        pairs = [
            (window, seen[i])
            for i, window in zip(sources, windows, strict=False)
            if seen[i] is not NOTHING
        ]
        seen.append(see(*zip(*pairs, strict=True)) if pairs else NOTHING)
    return seen


def _joined(seen: Sequence[Seen | None], extents: Sequence[int]) -> Step:
    """A step from operands to what sees this of each."""
    reads = [i for i, each in enumerate(seen) if each is not NOTHING]
    windows: list[Window | None] = []
    for i in reads:
        each = seen[i]
        if each is None:
            windows.append(None)
        else:
            is_same = each is _all_of(extents[i])
            windows.append(SAME if is_same else Window(each.firsts, each.lasts))
    return tuple(reads), tuple(windows)


def _unread(course: Course, seen: Sequence[Sequence[Seen | None]]) -> set[int]:
    """The results of which some cell is read by none that sees as much, where operands are not seen
    to depend on all of the image.
    """
    read: set[int] = set()
    for number, (sources, windows) in enumerate(course.steps, course.operands):
        if all(each[number] for each in seen):
            pairs = zip(sources, windows, strict=False)
            read.update(i for i, w in pairs if w and _reads_all(w, _cells(i, seen)))
    return {*range(course.operands, course.operands + len(course.steps))} - read


def _cells(number: int, seen: Sequence[Sequence[Seen | None]]) -> int:
    """How many cells a result has, if it is known."""
    found = (each[number] for each in seen)
    return next((len(each.firsts) for each in found if each), 0)


def _reads_all(window: Window, cells: int) -> bool:
    """Whether a result reads all of an operand that has so many cells."""
    if window is SAME:
        return True
    firsts, lasts = window.firsts, window.lasts
    follows = all(first <= last + 1 for first, last in zip(firsts[1:], lasts, strict=False))
    return firsts[0] == 0 and lasts[-1] == cells - 1 and follows


@lru_cache(2**8)
def _is_ordered(window: Window | None) -> bool:
    """Whether later cells read later ones."""
    rows = (window.firsts, window.lasts) if window else ()
    return all(all(map(le, row, row[1:])) for row in rows)


@lru_cache(2**7)
def _follow(
    course: Course, operands: tuple[Seen | None, ...]
) -> tuple[tuple[Seen | None, ...], int]:
    """What the results see where operands see this, and the largest field on the way."""
    if course.whole and None in operands:
        return _follow(course.whole, operands)
    seen = list(operands)
    for sources, windows in course.steps:
        seen.append(see(windows, [seen[i] for i in sources]))
    largest = max((each.size for each in seen[course.operands :] if each), default=0)
    return tuple(seen[i] for i in course.results), largest
