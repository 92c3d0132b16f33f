"""Receptive fields: which pixels of the image a cell of a map can depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops.base import Span
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import TensorType

SIDE = 8192
"""The side of the image on which fields are measured, in pixels; a multiple of every stride."""

Ends = tuple[NDArray[np.int64], NDArray[np.int64]]
"""For every cell of a map along one axis, the first and the last pixel that it can depend on."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a cell of a map sees of the image.

    size: pixels from the first to the last along one axis, inclusive, for the cell that sees the
    most of all; None where every cell sees the whole image, whatever its size
    stride: pixels of the image a cell stands for along one axis
    """

    size: int | None
    stride: float


def fields(graph: Graph) -> dict[str, Field]:
    """The receptive field of every node, by path.

    Exact: the pixels of every cell are followed, on an image that is larger than any field (8192
    pixels a side), so that neither upsampling nor `align_corners` needs an approximation.
    """
    image = TensorType((graph.input.type.channels, SIDE, SIDE))
    types = infer_types(graph, image)
    pixels = np.arange(SIDE)
    seen: dict[str, Ends | None] = {graph.input.path: (pixels, pixels)}
    waiting = {path: len(readers) for path, readers in graph.readers.items()}
    found: dict[str, Field] = {}
    for node in graph.order:
        if node is not graph.input:
            seen[node.path] = _ends(node, types, [seen[path] for path in node.inputs])
        found[node.path] = _field(seen[node.path], types[node.path])
        for path in dict.fromkeys(node.inputs):
            waiting[path] -= 1
            if not waiting[path]:
                del seen[path]
    return found


def _ends(node: Node, types: dict[str, TensorType], operands: Sequence[Ends | None]) -> Ends | None:
    if len(types[node.path].shape) != 3:
        return None
    extents = tuple(_extent(types[path]) for path in node.inputs)
    extent = _extent(types[node.path])
    spans = node.op.reads(np.arange(extent), extents, extent)
    found = [
        _through(span, ends, size)
        for span, ends, size in zip(spans, operands, extents, strict=False)
    ]
    if any(ends is None for ends in found):
        return None
    known = [ends for ends in found if ends is not None]
    firsts, lasts = zip(*known, strict=True)
    return np.minimum.reduce(firsts), np.maximum.reduce(lasts)


def _through(span: Span | None, ends: Ends | None, extent: int) -> Ends | None:
    """The pixels seen through a span of cells; what lies outside the map is padding."""
    if span is None or ends is None:
        return None
    first, last = (np.clip(cells, 0, extent - 1) for cells in span)
    return ends[0][first], ends[1][last]


def _extent(kind: TensorType) -> int:
    return kind.size[0] if len(kind.shape) == 3 else 1


def _field(ends: Ends | None, kind: TensorType) -> Field:
    stride = SIDE / _extent(kind)
    if ends is None:
        return Field(None, stride)
    return Field(int((ends[1] - ends[0]).max()) + 1, stride)
