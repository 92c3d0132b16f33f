"""Which ONNX operators compute each op: its own one, or what a few emitters come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from hrnet_graph.compiler.onnx.attention import window_attention
from hrnet_graph.compiler.onnx.emission import Emission
from hrnet_graph.errors import HRNetGraphError, error_line
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Onnx

Emitter = Callable[[Emission, Node, Any, Sequence[str]], str]
"""Adds the operators that an op comes to on these values, and gives the name of its result."""


def emit(e: Emission, node: Node) -> str:
    """Adds what a node comes to, and gives the name of its result."""
    form, x = node.op.onnx, [e.values[path] for path in node.inputs]
    try:
        if isinstance(form, str):
            return _emitter(form)(e, node, node.op, x)
        return _operator(e, node, form, [*x, *e.state(node)]) if form.operator else x[0]
    except HRNetGraphError:
        raise
    except Exception as error:  # an emitter is what another package's op says
        problem = f"{type(error).__name__}: {error_line(error)}"
        raise HRNetGraphError(f"{node.op.label} cannot be written as ONNX: {problem}") from error


def _operator(e: Emission, node: Node, form: Onnx, x: Sequence[str], part: str = "") -> str:
    inputs = [*x, *map(e.constant, form.constants)]
    return e.add(node, form.operator, inputs, part, **form.attributes)


def _emitter(name: str) -> Emitter:
    """One of our own, or another package's, as `package.module:function`."""
    module, _, function = name.rpartition(":")
    if not module:
        return EMITTERS[name]
    found: Emitter = getattr(import_module(module), function)
    return found


def _deform_conv(e: Emission, node: Node, op: ops.DeformConv2d, x: Sequence[str]) -> str:
    image, offsets = x
    kernel, pads = [op.kernel] * 2, [op.kernel // 2] * 4
    inputs = [image, *e.state(node), offsets]
    return e.add(node, "DeformConv", inputs, kernel_shape=kernel, pads=pads)


def _affine_offsets(e: Emission, node: Node, op: ops.AffineOffsets, x: Sequence[str]) -> str:
    """As a 1x1 convolution of both maps, whose weight and bias the places of the taps are."""
    taps = np.array(op.constants()["regular_matrix"]).T
    matrix = np.einsum("ab,kc->kabc", np.eye(2), taps).reshape(-1, 4)
    shift = np.tile(np.eye(2), (len(taps), 1))
    weight = np.hstack([matrix, shift]).reshape(-1, 6, 1, 1)
    names = (f"taps_{op.kernel}", f"taps_{op.kernel}_back")
    constants = map(e.array, names, (weight, -taps.flatten()))
    maps = e.add(node, "Concat", x, "maps", axis=1)
    return e.add(node, "Conv", [maps, *constants], kernel_shape=[1, 1])


def _fused_conv(e: Emission, node: Node, op: ops.FusedConv2d, x: Sequence[str]) -> str:
    image, *terms = x
    part = "conv" if terms or op.activation else ""
    y = _operator(e, node, op.plain.onnx, [image, *e.state(node)], part)
    if terms:
        y = e.add(node, "Add", [y, *terms], part="sum" if op.activation else "")
    if not op.activation:
        return y
    form = ops.Activation(op.activation).onnx
    if isinstance(form, str):
        return _emitter(form)(e, node, op, [y])
    return _operator(e, node, form, [y])


def _group_norm(e: Emission, node: Node, op: ops.GroupNorm, x: Sequence[str]) -> str:
    """As instance normalisation of the groups, which every engine runs.

    OpenVINO 2026.4 crashes on GroupNormalization with a fixed shape in float32.
    """
    shape = e.extents_of(node, node.inputs[0], 0, 4)
    plain = [e.vector(1.0, op.groups), e.vector(0.0, op.groups)]
    groups = e.add(node, "Reshape", [*x, e.constant((0, op.groups, -1))], "groups")
    even = e.add(node, "InstanceNormalization", [groups, *plain], "normalised", epsilon=op.eps)
    y = e.add(node, "Reshape", [even, shape], "map")
    scale, shift = (
        e.add(node, "Unsqueeze", [weights, e.constant((1, 2))], part)
        for weights, part in zip(e.state(node), ("scale", "shift"), strict=True)
    )
    return e.add(node, "Add", [e.add(node, "Mul", [y, scale], "scaled"), shift])


def _layer_norm(e: Emission, node: Node, op: ops.LayerNorm, x: Sequence[str]) -> str:
    last = e.add(node, "Transpose", x, "last", perm=[0, 2, 3, 1])
    even = e.add(
        node, "LayerNormalization", [last, *e.state(node)], "normalised", axis=-1, epsilon=op.eps
    )
    return e.add(node, "Transpose", [even], perm=[0, 3, 1, 2])


def _layer_scale(e: Emission, node: Node, op: ops.LayerScale, x: Sequence[str]) -> str:
    gamma = e.add(node, "Unsqueeze", [*e.state(node), e.constant((1, 2))], "gamma")
    return e.add(node, "Mul", [*x, gamma])


def _silu(e: Emission, node: Node, op: ops.Op, x: Sequence[str]) -> str:
    return e.add(node, "Mul", [*x, e.add(node, "Sigmoid", x, part="sigmoid")])


def _sum(e: Emission, node: Node, op: ops.Addition, x: Sequence[str]) -> str:
    first, *middle, last = x
    for i, term in enumerate(middle):
        first = e.add(node, "Add", [first, term], part=str(i))
    return e.add(node, "Add", [first, last])


def _weighted_sum(e: Emission, node: Node, op: ops.WeightedSum, x: Sequence[str]) -> str:
    (weight,) = e.state(node)
    if op.softmax:
        shares = e.add(node, "Softmax", [weight], "shares", axis=0)
    else:
        positive = e.add(node, "Relu", [weight], "positive")
        whole = e.add(node, "ReduceSum", [positive], "whole", keepdims=1)
        more = e.add(node, "Add", [whole, e.constant(1e-4)], "more")
        shares = e.add(node, "Div", [positive, more], "shares")
    terms = []
    for i, term in enumerate(x):
        share = e.add(node, "Gather", [shares, e.constant((i,))], f"share{i}")
        terms.append(e.add(node, "Mul", [term, share], f"term{i}"))
    return _sum(e, node, op, terms)


def _channel_shuffle(e: Emission, node: Node, op: ops.ChannelShuffle, x: Sequence[str]) -> str:
    shape = e.extents_of(node, node.inputs[0], 0, 4)
    apart = e.constant((0, op.groups, node.type.channels // op.groups, -1))
    groups = e.add(node, "Reshape", [*x, apart], "groups")
    turned = e.add(node, "Transpose", [groups], "turned", perm=[0, 2, 1, 3])
    return e.add(node, "Reshape", [turned, shape])


def _bilinear(e: Emission, node: Node, op: ops.BilinearResize, x: Sequence[str]) -> str:
    how = "align_corners" if op.align_corners else "half_pixel"
    return _resize(e, node, x, mode="linear", coordinate_transformation_mode=how)


def _nearest(e: Emission, node: Node, op: ops.NearestResize, x: Sequence[str]) -> str:
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return _resize(e, node, x, mode="nearest", **how)


def _resize(e: Emission, node: Node, x: Sequence[str], **how: str) -> str:
    """By constant factors where they are whole, which engines run faster, or else to a size."""
    source, like = node.inputs
    factors = e.factors(node)
    if factors:
        target = [e.constant((1.0, 1.0, *map(float, factors)))]
    else:
        sizes = [e.extents_of(node, source, 0, 2), e.extents_of(node, like, 2, 4)]
        target = ["", e.add(node, "Concat", sizes, part="sizes", axis=0)]
    return e.add(node, "Resize", [x[0], "", *target], **how)


def _adaptive_average_pool(
    e: Emission, node: Node, op: ops.AdaptiveAveragePool, x: Sequence[str]
) -> str:
    """As the product with a matrix of shares on either side: windows are not all of one size."""
    like = node.inputs[-1]
    cells = (
        [e.constant((extent,)) for extent in op.size]
        if op.size
        else [e.extents_of(node, like, axis, axis + 1) for axis in (2, 3)]
    )
    rows, columns = (_shares(e, node, axis, n) for axis, n in zip((2, 3), cells, strict=True))
    across = e.add(node, "Transpose", [columns], "across", perm=[1, 0])
    return e.add(node, "MatMul", [e.add(node, "MatMul", [rows, x[0]], "rows"), across])


def _shares(e: Emission, node: Node, axis: int, cells: str) -> str:
    """The matrix that takes a height or a width to the means of `cells` windows."""
    side = ("height", "width")[axis - 2]

    def add(kind: str, inputs: Sequence[str], part: str, **attributes: Any) -> str:
        return e.add(node, kind, inputs, f"{side}_{part}", **attributes)

    one, zero = e.constant((1,)), e.constant((0,))
    size = e.extents_of(node, node.inputs[0], axis, axis + 1)
    start, step = add("Squeeze", [zero], "zero"), add("Squeeze", [one], "one")
    cell, pixel = (
        add("Range", [start, add("Squeeze", [n], f"{part}s"), step], part)
        for n, part in ((cells, "cell"), (size, "pixel"))
    )
    first = add("Div", [add("Mul", [cell, size], "above"), cells], "first")
    after = add("Mul", [add("Add", [cell, one], "next"), size], "after")
    last = add("Div", [add("Sub", [after, one], "less"), cells], "last")  # whole: rounded down
    first, last = (add("Unsqueeze", [n, one], part) for n, part in ((first, "from"), (last, "to")))
    begun = add("GreaterOrEqual", [pixel, first], "begun")
    inside = add("And", [begun, add("LessOrEqual", [pixel, last], "not_over")], "inside")
    ones = add("Where", [inside, e.constant(1.0), e.constant(0.0)], "ones")
    return add("Div", [ones, add("ReduceSum", [ones, one], "count", keepdims=1)], "shares")


def _unflatten_pixels(e: Emission, node: Node, op: ops.UnflattenPixels, x: Sequence[str]) -> str:
    extents = [e.constant((0, 0)), e.extents_of(node, node.inputs[1], 2, 4)]
    shape = e.add(node, "Concat", extents, part="shape", axis=0)
    return e.add(node, "Reshape", [x[0], shape])


def _matmul(e: Emission, node: Node, op: ops.MatMul, x: Sequence[str]) -> str:
    a, b = x
    if op.transpose_first:
        a = e.add(node, "Transpose", [a], part="first", perm=[0, 2, 1])
    if op.transpose_second:
        b = e.add(node, "Transpose", [b], part="second", perm=[0, 2, 1])
    return e.add(node, "MatMul", [a, b])


def _linear(e: Emission, node: Node, op: ops.Linear, x: Sequence[str]) -> str:
    weight, bias = e.state(node)
    if len(node.type.shape) == 1:
        return e.add(node, "Gemm", [*x, weight, bias], transB=1)
    across = e.add(node, "Transpose", [weight], "across", perm=[1, 0])
    return e.add(node, "Add", [e.add(node, "MatMul", [*x, across], "product"), bias])


EMITTERS: Mapping[str, Emitter] = {
    "adaptive_average_pool": _adaptive_average_pool,
    "bilinear": _bilinear,
    "channel_shuffle": _channel_shuffle,
    "affine_offsets": _affine_offsets,
    "deform_conv": _deform_conv,
    "fused_conv": _fused_conv,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "layer_scale": _layer_scale,
    "linear": _linear,
    "matmul": _matmul,
    "nearest": _nearest,
    "silu": _silu,
    "sum": _sum,
    "unflatten_pixels": _unflatten_pixels,
    "weighted_sum": _weighted_sum,
    "window_attention": window_attention,
}
"""Name, as an op's page states it -> what computes an op that is no single operator."""
