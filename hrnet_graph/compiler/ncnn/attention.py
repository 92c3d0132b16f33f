"""Self-attention in windows as ncnn's layers, for a map of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hrnet_graph.compiler.ncnn.emission import Emission
from hrnet_graph.compiler.ncnn.layers import Weight
from hrnet_graph.compiler.state import Array
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node

ADD = 0
"""What a `BinaryOp` does, by number."""

SWAPPED = 2
"""The order of a `Permute` that swaps the inner two of four dimensions but the last."""

CHANNELS_LAST, CHANNELS_FIRST = 3, 4
"""The orders of a `Permute`: (C, H, W) as (H, W, C), and back."""


def window_attention(e: Emission, node: Node, op: ops.WindowAttention, x: Sequence[str]) -> str:
    """The layers that attention in windows comes to, and the name of its result."""
    table, *weights = e.state(node)
    channels, pixels, side = node.type.channels, op.window**2, op.window
    parts = dict(zip(("keys", "values", "queries", ""), _pairs(weights), strict=True))
    factor = (channels // op.heads) ** -0.5
    parts["queries"] = tuple(each * factor for each in parts["queries"])
    whole = _pad(e, node, side, x[0])
    tokens = _partition(e, node, side, whole)

    def project(value: str, name: str) -> str:
        weight, bias = parts[name]
        how = {"num_output": channels, "bias_term": 1, "weight_data_size": weight.size}
        both = [Weight(weight, flagged=True), Weight(bias)]
        return e.add(node, "InnerProduct", [value], f"all_{name}", both, **how)

    def split(name: str) -> str:
        shape: dict[str, Any] = {"w": channels // op.heads, "h": op.heads, "d": pixels, "c": -1}
        value = e.add(node, "Reshape", [project(tokens, name)], f"heads_{name}", **shape)
        return e.add(node, "Permute", [value], name, order_type=SWAPPED)

    scores = e.add(node, "MatMul", [split("queries"), split("keys")], "scores", transB=1)
    if op.biased:
        rows = [*op.constants()["relative_position_index"]]
        bias = table[rows].transpose(2, 0, 1)[None]
        bias_name = e.constant(f"{node.key}.bias", bias)
        scores = e.add(node, "BinaryOp", [scores, bias_name], "biased", op_type=ADD)
    shares = e.add(node, "Softmax", [scores], "shares", axis=3, fixbug0=1)
    mixed = e.add(node, "MatMul", [shares, split("values")], "mixed")
    mixed = e.add(node, "Permute", [mixed], "merged", order_type=SWAPPED)
    flat = e.add(node, "Reshape", [mixed], "flat", w=channels, h=-1)
    return _reverse(e, node, op, project(flat, ""), [whole, x[0]])


def _pairs(weights: Sequence[Array]) -> list[tuple[Array, ...]]:
    return [*zip(weights[::2], weights[1::2], strict=True)]


def _pad(e: Emission, node: Node, side: int, x: str) -> str:
    """A map with zeros around it, evenly, up to whole windows: cut out of one with more of them."""
    most = side // 2
    wide = e.add(node, "Padding", [x], "wide", top=most, bottom=most, left=most, right=most)
    starts, ends = [], []
    for axis in "hw":
        plain = f"-(0{axis},{2 * most})"
        whole = f"*(//(+({plain},{side - 1}),{side}),{side})"
        starts.append(f"-({most},//(-({whole},{plain}),2))")
        ends.append(f"+({starts[-1]},{whole})")
    return _cut(e, node, [wide], "padded", starts, ends)


def _cut(
    e: Emission, node: Node, x: Sequence[str], part: str, starts: list[str], ends: list[str]
) -> str:
    """A part of a map: from where to where, of its height and its width."""
    where: dict[str, Any] = {
        "starts_expr": ",".join(starts),
        "ends_expr": ",".join(ends),
        "axes_expr": "1,2",
    }
    return e.add(node, "Crop", x, part, **where)


def _partition(e: Emission, node: Node, side: int, x: str) -> str:
    """All pixels of a map, those of a window one after another: (pixels, C)."""
    channels = node.type.channels
    cut = f"{side},//(0w,{side}),{side},*(0c,//(0h,{side}))"
    x = e.add(node, "Reshape", [x], "cut_map", shape_expr=cut)
    x = e.add(node, "Permute", [x], "in_windows", order_type=SWAPPED)
    x = e.add(node, "Reshape", [x], "windows", w=side**2, h=-1, c=channels)
    x = e.add(node, "Permute", [x], "last", order_type=CHANNELS_LAST)
    return e.add(node, "Reshape", [x], "tokens", w=channels, h=-1)


def _reverse(e: Emission, node: Node, op: ops.WindowAttention, x: str, maps: Sequence[str]) -> str:
    """The map of such pixels, without the padding; `maps` are those with it and without."""
    side, (whole, plain) = op.window, maps
    x = e.add(node, "Reshape", [x], "apart", w=node.type.channels, h=side**2, c=-1)
    x = e.add(node, "Permute", [x], "first", order_type=CHANNELS_FIRST)
    joined = f"{side},{side},//(1w,{side}),*(1c,//(1h,{side}))"
    x = e.add(node, "Reshape", [x, whole], "windows_of", shape_expr=joined)
    x = e.add(node, "Permute", [x], "in_rows", order_type=SWAPPED)
    x = e.add(node, "Reshape", [x, whole], "whole_map", shape_expr="1w,1h,1c")
    starts = [f"//(-(0{axis},1{axis}),2)" for axis in "hw"]
    ends = [f"+({start},1{axis})" for start, axis in zip(starts, "hw", strict=True)]
    return _cut(e, node, [x, plain], "", starts, ends)
