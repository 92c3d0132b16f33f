"""Strides: how many pixels of the image lie between neighbouring cells of a map."""

from __future__ import annotations

from fractions import Fraction

from hrnet_graph.ir.graph import Graph
from hrnet_graph.ir.sizes import infer_types
from hrnet_graph.ir.types import TensorType

SIDE = 2**40
"""The side of the image on which strides are read, in pixels: a multiple of every stride."""


def strides(graph: Graph) -> dict[str, Fraction]:
    """The stride of every node's result, by path: 4 at a quarter of the image.

    What is no map (a vector, a matrix, a column of regions) has the stride of its first operand.
    """
    types = infer_types(graph, TensorType((graph.input.type.channels, SIDE, SIDE)))
    found: dict[str, Fraction] = {}
    for path, kind in types.items():
        if len(kind.shape) == 3 and 1 not in kind.size:
            found[path] = Fraction(SIDE, kind.size[0])
        else:
            found[path] = found[graph[path].inputs[0]]
    return found
