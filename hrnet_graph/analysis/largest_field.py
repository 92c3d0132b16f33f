"""The largest receptive field of a network, followed part by part: what is alike is found once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from hrnet_graph.analysis.receptive_field import LONGEST, SIDE, Seen, Window, see, windows_of
from hrnet_graph.ir.graph import Graph, Node, sort
from hrnet_graph.ir.ops import Op
from hrnet_graph.ir.parts import Part, Placed, read_by, split
from hrnet_graph.ir.types import Operands, TensorType

Windows = tuple[Window | None, ...]

Step = tuple[tuple[int, ...], Windows]
"""The numbers of a node's operands, and what it reads of them."""


@dataclass(frozen=True, eq=False)
class Course:
    """How what is seen goes through some nodes: operands are numbered first, then results."""

    operands: int
    steps: tuple[Step, ...]
    results: tuple[int, ...]


def largest_field(graph: Graph, parts: Sequence[Placed] = ()) -> int:
    """Pixels of the largest field of all nodes, where not all of the image is seen."""
    side = SIDE
    while True:
        largest = _largest(graph, parts, side)
        if largest < side or side == LONGEST:
            return largest
        side *= 2


Route = tuple[tuple[Course, tuple[int, ...]], ...]
"""Courses one after another, each with the numbers of its operands: the image is 0, and then
results are numbered as they come."""


def _largest(graph: Graph, parts: Sequence[Placed], side: int) -> int:
    """The same on an image of this side."""
    types = {graph.input.path: TensorType((graph.input.type.channels, side, side))}
    number = {graph.input.path: 0}
    route = []
    for item in _in_order(graph, parts):
        read = read_by(item)
        x = tuple([types[path] for path in read])
        paths = (item.path,) if isinstance(item, Node) else item.results
        course, results = (
            _through_op(item.op, x)
            if isinstance(item, Node)
            else item.part.fact(("course", x), partial(_through, x=x))
        )
        route.append((course, tuple([number[path] for path in read])))
        for path, kind in zip(paths, results, strict=True):
            types[path], number[path] = kind, len(number)
    return _size_of(side, tuple(route))


@lru_cache(2**13)
def _size_of(side: int, route: Route) -> int:
    """The largest field on a route, found once for all networks that read alike."""
    seen: list[Seen | None] = [_all_of(side)]
    largest = 1
    for course, operands in route:
        found, size = _follow(course, tuple([seen[i] for i in operands]))
        seen += found
        largest = max(largest, size)
    return largest


def _in_order(graph: Graph, parts: Sequence[Placed]) -> Sequence[Node | Placed]:
    """Nodes and parts in an order in which they can be executed, the image apart."""
    items = split(graph, parts)[1:]
    made = {graph.input.path}
    for item in items:
        if not made.issuperset(read_by(item)):
            return graph.order[1:]
        made.update((item.path,) if isinstance(item, Node) else item.results)
    return items


@lru_cache(2**6)
def _all_of(side: int) -> Seen:
    """An image, every pixel of which sees itself."""
    return Seen(range(side), range(side))


@lru_cache(2**12)
def _through_op(op: Op, x: Operands) -> tuple[Course, Operands]:
    """The way through a single operation."""
    y = op.infer(x)
    return _course(len(x), ((tuple(range(len(x))), tuple(windows_of(op, x, y))),), (len(x),)), (y,)


def _through(part: Part, x: Operands) -> tuple[Course, Operands]:
    """The way through a part whose operands are of these types, and the types of its results."""
    types = dict(zip((value.path for value in part.operands), x, strict=True))
    number = {path: i for i, path in enumerate(types)}
    nodes = {node.path: node for node in part.nodes}
    inside = {path: [at for at in node.inputs if at in nodes] for path, node in nodes.items()}
    steps = []
    for path in sort(inside):
        node = nodes[path]
        read = tuple(types[at] for at in node.inputs)
        types[path] = node.op.infer(read)
        windows = tuple(windows_of(node.op, read, types[path]))
        steps.append((tuple(number[at] for at in node.inputs), windows))
        number[path] = len(number)
    results = tuple(number[path] for path in part.results)
    return _course(len(x), tuple(steps), results), tuple(types[path] for path in part.results)


@lru_cache(2**12)
def _course(operands: int, steps: tuple[Step, ...], results: tuple[int, ...]) -> Course:
    """One course for all parts that read alike, however wide they are."""
    return Course(operands, steps, results)


@lru_cache(2**9)
def _follow(
    course: Course, operands: tuple[Seen | None, ...]
) -> tuple[tuple[Seen | None, ...], int]:
    """What the results see where operands see this, and the largest field on the way."""
    seen = list(operands)
    for sources, windows in course.steps:
        seen.append(see(windows, [seen[i] for i in sources]))
    largest = max((each.size for each in seen[course.operands :] if each), default=0)
    return tuple(seen[i] for i in course.results), largest
