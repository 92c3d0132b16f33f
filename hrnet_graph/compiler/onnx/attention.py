"""Self-attention in windows as ONNX operators, for a map of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hrnet_graph.compiler.onnx.emission import Emission
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node


class _Sizes(NamedTuple):
    """Names of vectors of a height and a width.

    before, after: the padding on either side; whole: the padded map; windows: how many there are
    """

    plain: str
    before: str
    after: str
    whole: str
    windows: str


def window_attention(e: Emission, node: Node, op: ops.WindowAttention, x: Sequence[str]) -> str:
    """The operators that attention in windows comes to, and the name of its result."""
    table, *weights = e.state(node)
    if not op.biased:
        del e.tensors[table]  # held by the network, and read by nothing
    channels, pixels = node.type.channels, op.window**2
    sizes = _measure(e, node, op.window)
    tokens = _partition(e, node, op, x[0], sizes)
    names = ("keys", "values", "queries", "result")
    parts = dict(zip(names, zip(weights[::2], weights[1::2], strict=True), strict=True))

    def project(value: str, name: str) -> str:
        return e.add(node, "Gemm", [value, *parts[name]], f"all_{name}", transB=1)

    def split(value: str, name: str, perm: Sequence[int]) -> str:
        shape = e.constant((-1, pixels, op.heads, channels // op.heads))
        value = e.add(node, "Reshape", [value, shape], f"heads_{name}")
        return e.add(node, "Transpose", [value], name, perm=perm)

    scale = e.constant((channels // op.heads) ** -0.5)
    scaled = e.add(node, "Mul", [project(tokens, "queries"), scale], "scaled")
    queries = split(scaled, "queries", (0, 2, 1, 3))
    keys = split(project(tokens, "keys"), "keys", (0, 2, 3, 1))
    values = split(project(tokens, "values"), "values", (0, 2, 1, 3))
    scores = e.add(node, "MatMul", [queries, keys], "scores")
    if op.biased:
        index = e.matrix(f"{node.key}.relative_position_index", op.constants())
        bias = e.add(node, "Gather", [table, index], "bias_last")
        bias = e.add(node, "Transpose", [bias], "bias", perm=(2, 0, 1))
        scores = e.add(node, "Add", [scores, bias], "biased")
    shares = e.add(node, "Softmax", [scores], "shares", axis=-1)
    mixed = e.add(node, "MatMul", [shares, values], "mixed")
    mixed = e.add(node, "Transpose", [mixed], "merged", perm=(0, 2, 1, 3))
    flat = e.add(node, "Reshape", [mixed, e.constant((-1, channels))], "flat")
    return _reverse(e, node, op, project(flat, "result"), sizes)


def _measure(e: Emission, node: Node, side: int) -> _Sizes:
    plain = e.extents_of(node, node.inputs[0], 2, 4)
    window = e.constant((side, side))
    lacking = e.add(node, "Mod", [e.add(node, "Neg", [plain], "negated"), window], "lacking")
    before = e.add(node, "Div", [lacking, e.constant((2, 2))], "before")
    after = e.add(node, "Sub", [lacking, before], "after")
    whole = e.add(node, "Add", [plain, lacking], "whole")
    windows = e.add(node, "Div", [whole, window], "windows")
    return _Sizes(plain, before, after, whole, windows)


def _partition(e: Emission, node: Node, op: ops.WindowAttention, x: str, sizes: _Sizes) -> str:
    """All pixels of a map, those of a window one after another: (pixels, C)."""
    zeros = e.constant((0, 0))
    pads = e.add(node, "Concat", [zeros, sizes.before, zeros, sizes.after], "pads", axis=0)
    x = e.add(node, "Pad", [x, pads], "padded")
    one_each = e.add(node, "Unsqueeze", [sizes.windows, e.constant((1,))], "column")
    side = e.constant((op.window, op.window))
    sides = e.add(node, "Unsqueeze", [side, e.constant((1,))], "sides")
    pairs = e.add(node, "Concat", [one_each, sides], "pairs", axis=1)
    flat = e.add(node, "Reshape", [pairs, e.constant((4,))], "cells")
    shape = e.add(node, "Concat", [zeros, flat], "cut", axis=0)
    x = e.add(node, "Reshape", [x, shape], "cut_map")
    x = e.add(node, "Transpose", [x], "in_windows", perm=(0, 2, 4, 3, 5, 1))
    return e.add(node, "Reshape", [x, e.constant((-1, node.type.channels))], "tokens")


def _reverse(e: Emission, node: Node, op: ops.WindowAttention, x: str, sizes: _Sizes) -> str:
    """The map of such pixels, without the padding."""
    inner = e.constant((op.window, op.window, node.type.channels))
    shape = [e.constant((-1,)), sizes.windows, inner]
    x = e.add(node, "Reshape", [x, e.add(node, "Concat", shape, "apart", axis=0)], "windows_of")
    x = e.add(node, "Transpose", [x], "in_rows", perm=(0, 5, 1, 3, 2, 4))
    shape = [e.constant((0, 0)), sizes.whole]
    x = e.add(node, "Reshape", [x, e.add(node, "Concat", shape, "joined", axis=0)], "whole_map")
    end = e.add(node, "Add", [sizes.before, sizes.plain], "end")
    return e.add(node, "Slice", [x, sizes.before, end, e.constant((2, 3))])
