"""Receptive fields, which pixels of the image a cell can depend on, and strides between cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from operator import sub

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import branch_of
from hrnet_graph.ir.ops.base import Elementwise, Op
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import FAR, Operands, TensorType

SIDE = 4096
"""The side of the image on which fields are measured first, in pixels: a multiple of strides."""

LONGEST = 2**17
"""The side of the largest image: a field that fills it is told as that, and may be larger."""


@dataclass(frozen=True, eq=False)
class Window:
    """For every cell of a result along one axis, the first and the last cell of an operand."""

    firsts: Sequence[int]
    lasts: Sequence[int]


SAME = Window((), ())
"""The window of what reads the cell in the same place."""


@dataclass(frozen=True, eq=False)
class Seen:
    """For every cell of a map along one axis, the first and the last pixel it can depend on."""

    firsts: Sequence[int]
    lasts: Sequence[int]

    @cached_property
    def size(self) -> int:
        """The pixels from the first to the last, inclusive, of the cell that sees the most."""
        longest: int = max(map(sub, self.lasts, self.firsts))
        return longest + 1

    def through(self, window: Window) -> Seen:
        """The same of a result that reads this map."""
        if window is SAME:
            return self
        first, last = self.firsts.__getitem__, self.lasts.__getitem__
        return Seen([*map(first, window.firsts)], [*map(last, window.lasts)])


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What a cell of a map sees of the image.

    size: pixels from the first to the last along one axis, inclusive, for the cell that sees the
    most of all; None where every cell sees the whole image, whatever its size
    stride: pixels of the image a cell stands for along one axis; None where the number of cells is
    the same for every image, as in a vector
    """

    size: int | None
    stride: float | None


def receptive_fields(graph: Graph) -> dict[str, ReceptiveField]:
    """The receptive field of every node, by path.

    Exact: the pixels of every cell are followed, on an image that is larger than any field, so that
    neither upsampling nor `align_corners` needs an approximation.
    """
    side = SIDE
    while True:
        found = _receptive_fields(graph, side)
        if side == LONGEST or all(
            field.size is None or field.size < side for field in found.values()
        ):
            return found
        side *= 2


def fields_of_branches(graph: Graph) -> list[dict[str, str | float | None]]:
    """The fields of every branch at the end of each stage and of the outputs, as rows."""
    places: dict[str, str] = {}
    for scope in graph.scopes:
        if scope.kind == "stage":
            nodes = [node for node in graph.order if node.path.startswith(f"{scope.path}.")]
            last = {branch_of(graph, node.path): node.path for node in nodes}
            places |= {f"{scope.path} branch {branch}": path for branch, path in last.items()}
    places |= {f"output {name}": path for name, path in graph.outputs}
    found = receptive_fields(graph)
    return [{"place": place, **asdict(found[path])} for place, path in places.items()]


def _receptive_fields(graph: Graph, side: int) -> dict[str, ReceptiveField]:
    """The fields on an image of this side."""
    types, larger = (_types(graph, extent) for extent in (side, 2 * side))
    seen: dict[str, Seen | None] = {graph.input.path: Seen(range(side), range(side))}
    waiting = {path: len(readers) for path, readers in graph.readers.items()}
    found: dict[str, ReceptiveField] = {}
    for node in graph.order:
        if node is not graph.input:
            seen[node.path] = _follow(node, [seen[path] for path in node.inputs], types)
        pixels = seen[node.path]
        size = None if pixels is None else pixels.size
        cells = extent_of(types[node.path])
        grows = extent_of(larger[node.path]) > cells
        found[node.path] = ReceptiveField(size, side / cells if grows else None)
        for path in dict.fromkeys(node.inputs):
            waiting[path] -= 1
            if not waiting[path]:
                del seen[path]
    return found


def _types(graph: Graph, side: int) -> dict[str, TensorType]:
    """What every node gives for a square image."""
    return infer_types(graph, TensorType((graph.input.type.channels, side, side)))


def _follow(
    node: Node, operands: Sequence[Seen | None], types: Mapping[str, TensorType]
) -> Seen | None:
    """What every cell of a node sees of the image; None where that is all of it."""
    extents = tuple(types[path] for path in node.inputs)
    return see(windows_of(node.op, extents, types[node.path]), operands)


def see(windows: Sequence[Window | None], operands: Sequence[Seen | None]) -> Seen | None:
    """What every cell of a result sees that reads operands so; None where that is all."""
    found = []
    for window, seen in zip(windows, operands, strict=False):
        if window is None or seen is None:
            return None
        found.append(seen.through(window))
    if len(found) == 1:
        return found[0]
    firsts, lasts = ([each.firsts for each in found], [each.lasts for each in found])
    return Seen([*map(min, *firsts)], [*map(max, *lasts)])


def windows_of(op: Op, x: Operands, y: TensorType) -> Sequence[Window | None]:
    """What a result reads of every operand; of a vector, all."""
    if len(y.shape) != 3:
        return (None,)
    if type(op).reads is Elementwise.reads:
        return (SAME,) * len(x)
    return _windows(op.reading, tuple(map(extent_of, x)), extent_of(y))


@lru_cache(2**8)  # a network repeats its operations, and so does the next one
def _windows(op: Op, extents: tuple[int, ...], extent: int) -> tuple[Window | None, ...]:
    """First and last cells of each operand, within it: what lies outside is padding."""
    spans = zip(*(op.reads(cell, extents, extent) for cell in range(extent)), strict=True)
    return tuple(_within(cells, size) for cells, size in zip(spans, extents, strict=False))


def _within(spans: Sequence[tuple[int, int] | None], size: int) -> Window | None:
    """The cells of an operand of some size that those of a result read; None for all of it."""
    if None in spans:
        return None
    last = size - 1
    firsts, lasts = (
        tuple([0 if cell < 0 else last if cell > last else cell for cell in cells])
        for cells in zip(*filter(None, spans), strict=True)
    )
    return SAME if firsts == lasts == tuple(range(size)) else _window(firsts, lasts)


@lru_cache(2**8)
def _window(firsts: tuple[int, ...], lasts: tuple[int, ...]) -> Window:
    """One window for all operations that read alike."""
    return Window(firsts, lasts)


def extent_of(kind: TensorType) -> int:
    """The cells of a map along one axis; what is no map is one."""
    return kind.size[0] if len(kind.shape) == 3 else 1


def strides(graph: Graph) -> dict[str, Fraction]:
    """The stride of every node's result, by path: 4 at a quarter of the image.

    What is no map (a vector, a matrix, a column of regions) has the stride of its first operand.
    """
    types = infer_types(graph, TensorType((graph.input.type.channels, FAR, FAR)))
    found: dict[str, Fraction] = {}
    for path, kind in types.items():
        if len(kind.shape) == 3 and 1 not in kind.size:
            found[path] = Fraction(FAR, kind.size[0])
        else:
            found[path] = found[graph[path].inputs[0]]
    return found
