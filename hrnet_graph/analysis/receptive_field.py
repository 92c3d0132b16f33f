"""Receptive fields, which pixels of the image a cell can depend on, and strides between cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.hierarchy import branch_of
from hrnet_graph.ir.ops.base import Elementwise, Op
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import TensorType

SIDE = 8192
"""The side of the image on which fields are measured first, in pixels: a multiple of strides."""

LONGEST = 2**17
"""The side of the largest image: a field that fills it is told as that, and may be larger."""

FAR = 2**40
"""The side of the image on which strides are read, in pixels: a multiple of every stride."""

PixelRange = tuple[NDArray[np.int64], NDArray[np.int64]]
"""For every cell of a map along one axis, the first and the last pixel that it can depend on."""

Window = tuple[NDArray[np.int64], NDArray[np.int64]]
"""For every cell of a result along one axis, the first and the last cell of an operand."""


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
    pixels = np.arange(side)
    seen: dict[str, PixelRange | None] = {graph.input.path: (pixels, pixels)}
    windows = _Windows(types)
    waiting = {path: len(readers) for path, readers in graph.readers.items()}
    found: dict[str, ReceptiveField] = {}
    for node in graph.order:
        if node is not graph.input:
            seen[node.path] = windows.ends(node, [seen[path] for path in node.inputs])
        ends = seen[node.path]
        size = None if ends is None else int((ends[1] - ends[0]).max()) + 1
        cells = _extent(types[node.path])
        grows = _extent(larger[node.path]) > cells
        found[node.path] = ReceptiveField(size, side / cells if grows else None)
        for path in dict.fromkeys(node.inputs):
            waiting[path] -= 1
            if not waiting[path]:
                del seen[path]
    return found


def _types(graph: Graph, side: int) -> dict[str, TensorType]:
    """What every node gives for a square image."""
    return infer_types(graph, TensorType((graph.input.type.channels, side, side)))


class _Windows:
    """The cells of its operands that each cell of a result depends on, once for what is alike."""

    def __init__(self, types: dict[str, TensorType]) -> None:
        self._types = types
        self._known: dict[tuple[Op, tuple[int, ...], int], tuple[Window | None, ...]] = {}

    def ends(self, node: Node, operands: Sequence[PixelRange | None]) -> PixelRange | None:
        """What every cell of a node sees of the image; None where that is all of it."""
        if len(self._types[node.path].shape) != 3:
            return None
        if type(node.op).reads is Elementwise.reads and len(operands) == 1:
            return operands[0]
        found = []
        for window, ends in zip(self._windows(node), operands, strict=False):
            if window is None or ends is None:
                return None
            found.append((ends[0][window[0]], ends[1][window[1]]))
        if len(found) == 1:
            return found[0]
        firsts, lasts = zip(*found, strict=True)
        return np.minimum.reduce(firsts), np.maximum.reduce(lasts)

    def _windows(self, node: Node) -> tuple[Window | None, ...]:
        """First and last cells, within the operand: what lies outside is padding."""
        extents = tuple(_extent(self._types[path]) for path in node.inputs)
        extent = _extent(self._types[node.path])
        alike = (node.op, extents, extent)
        if alike not in self._known:
            spans = node.op.reads(np.arange(extent), extents, extent)
            self._known[alike] = tuple(
                span and (np.clip(span[0], 0, size - 1), np.clip(span[1], 0, size - 1))
                for span, size in zip(spans, extents, strict=False)
            )
        return self._known[alike]


def _extent(kind: TensorType) -> int:
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
