"""Adaptive average pooling as ncnn's layers, to the size of another map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_graph.compiler.ncnn.emission import Emission
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node

ADD, SUBTRACT, MULTIPLY, DIVIDE = 0, 1, 2, 3
"""What a `BinaryOp` does, by number."""

FLOOR, CEILING = 2, 3
"""What a `UnaryOp` does, by number."""

HALF = 0.5
"""What is added to whole numbers, or taken away, before they are divided and rounded: the same
result, and one that does not depend on the last bit of the division."""

MEAN, VALID = 1, 1
"""What a `Pooling` gives, and that it pads nothing, by number."""


def average_pool(e: Emission, node: Node, op: ops.AveragePool, x: Sequence[str]) -> str:
    """As a layer; where windows at the edges are means of what is there, over a padded map.

    ncnn's own rounding up fails for maps that are smaller than a window.
    """
    if not op.ragged:
        return _windows(e, node, op.size, x[0])
    one = e.constant("one", np.ones((1, 1, 1), np.float32))
    ones = e.add(node, "Interp", [one, x[0]], "ones", resize_type=1, size_expr="1w,1h")

    def summed(value: str, part: str) -> str:
        padded = e.add(node, "Padding", [value], f"{part}_padded", bottom=more, right=more)
        return _windows(e, node, op.size, padded, part)

    more = op.size - 1
    both = [summed(x[0], "sum"), summed(ones, "share")]
    return e.add(node, "BinaryOp", both, op_type=DIVIDE)


def _windows(e: Emission, node: Node, side: int, x: str, part: str = "") -> str:
    """The means of whole windows."""
    window: dict[str, Any] = {"kernel_w": side, "stride_w": side}
    return e.add(node, "Pooling", [x], part, pooling_type=MEAN, pad_mode=VALID, **window)


def adaptive_average_pool(
    e: Emission, node: Node, op: ops.AdaptiveAveragePool, x: Sequence[str]
) -> str:
    """As a layer, to a known size or by whole windows; else as products with shares of pixels."""
    if op.size:
        height, width = op.size
        how: dict[str, Any] = {"pooling_type": MEAN, "adaptive_pooling": 1}
        return e.add(node, "Pooling", x, out_w=width, out_h=height, **how)
    ratio = e.extents.ratio(*node.inputs)
    if ratio is not None and ratio.denominator == 1:
        return _windows(e, node, ratio.numerator, x[0])
    rows, columns = (_shares(e, node, axis) for axis in ("h", "w"))
    return e.add(node, "MatMul", [e.add(node, "MatMul", [rows, x[0]], "rows"), columns], transB=1)


def _shares(e: Emission, node: Node, axis: str) -> str:
    """The matrix that takes a height or a width to the means of as many windows as a map has.

    It is the same for all maps of the same two sizes, and computed once for them.
    """
    key = f"shares_{axis}.{'.'.join(map(str, map(e.extents.root, node.inputs)))}"
    if key not in e.shared:
        e.shared[key] = _new_shares(e, node, axis)
    return e.shared[key]


def _new_shares(e: Emission, node: Node, axis: str) -> str:
    """Cells, from one on, down, and pixels, from one on, across: those from first to last share."""

    def add(kind: str, inputs: Sequence[str], part: str, **how: Any) -> str:
        return e.add(node, kind, inputs, f"{axis}_{part}", **how)

    def binary(number: int, a: str, b: str, part: str) -> str:
        return add("BinaryOp", [a, b], part, op_type=number)

    def clipped(value: str, part: str) -> str:
        return add("Clip", [value], part, min=0.0, max=1.0)

    def rounded(how: int, value: str, by: float, part: str) -> str:
        moved = add("BinaryOp", [value], f"{part}_moved", op_type=ADD, with_scalar=1, b=by)
        return add("UnaryOp", [binary(DIVIDE, moved, count, f"{part}_share")], part, op_type=how)

    def ramp(value: str, part: str, number: int) -> tuple[str, str]:
        counted = add("CumulativeSum", [value], part, axis=number)
        how: dict[str, Any] = {"operation": 0, "reduce_all": 1, "keepdims": 1}
        return counted, add("Reduction", [value], f"{part}s", **how)

    pixels, cells = (e.values[path] for path in node.inputs)
    one = e.constant("one", np.ones((1, 1, 1), np.float32))
    down = add("Interp", [one, cells], "down", resize_type=1, size_expr=f"1,1{axis}")
    across = add("Interp", [one, pixels], "across", resize_type=1, size_expr=f"1{axis},1")
    cell, count = ramp(add("Reshape", [down], "column", w=1, h=-1), "cell", 0)
    pixel, extent = ramp(add("Reshape", [across], "row", w=-1, h=1), "pixel", 1)
    reached = binary(MULTIPLY, cell, extent, "reached")
    last = rounded(CEILING, reached, -HALF, "last")
    first = rounded(FLOOR, binary(SUBTRACT, reached, extent, "left"), HALF, "first")
    begun = clipped(binary(SUBTRACT, pixel, first, "since"), "begun")
    over = clipped(binary(SUBTRACT, pixel, last, "beyond"), "over")
    inside = binary(SUBTRACT, begun, over, "inside")
    return binary(DIVIDE, inside, binary(SUBTRACT, last, first, "each"), "shares")
