"""What the dimensions of every value are called where an image's size is not known beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.types import TensorType

Dims = tuple[int | str, ...]

BATCH = "batch"

AXES = ("channels", "height", "width")


def dims(
    graph: Graph, other: Mapping[str, TensorType] | None, batch: int | None = None
) -> dict[str, Dims]:
    """The dimensions of every node's result, the batch first: path -> numbers and names.

    `other` are the types at another size; what differs there is called by a name, that of the
    operand of its size if there is one, and equal names are equal numbers for every image that the
    network takes. Without, all sizes are numbers.
    """
    same: dict[str, str] = {}
    found: dict[str, Dims] = {}
    for node in graph.order:
        shape, lender = node.type.shape, node.op.lender
        names: Dims = tuple(f"{node.key}_{axis}" for axis in AXES)
        if node is graph.input:
            names = AXES
        elif lender is not None:
            names = (names[0], *found[node.inputs[lender]][1:])
        varies = other[node.path].shape if other else shape
        found[node.path] = tuple(
            n if n == m else name for n, m, name in zip(shape, varies, names, strict=False)
        )
        if lender == 0:
            _equate(same, [found[path][1:] for path in node.inputs])
    first = batch or BATCH
    return {path: (first, *(_first(same, n) for n in shape)) for path, shape in found.items()}


def _equate(same: dict[str, str], sizes: list[Dims]) -> None:
    """Notes that maps which are read together have one height and one width."""
    for axis in zip(*sizes, strict=True):
        first = _first(same, axis[0])
        for name in axis[1:]:
            last = _first(same, name)
            if isinstance(last, str) and isinstance(first, str) and last != first:
                same[last] = first


def _first(same: Mapping[str, str], name: int | str) -> int | str:
    """The name that stands for all that are equal to this one."""
    while isinstance(name, str) and name in same:
        name = same[name]
    return name
