"""Which layers of ncnn compute each op: one emitter an op, and no other op can be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from hrnet_graph.compiler.ncnn.attention import window_attention
from hrnet_graph.compiler.ncnn.deform import affine_offsets, deform_conv
from hrnet_graph.compiler.ncnn.emission import Emission
from hrnet_graph.compiler.ncnn.layers import Values, Weight
from hrnet_graph.compiler.ncnn.pooling import (
    adaptive_average_pool,
    average_pool,
    window_average_pool,
)
from hrnet_graph.compiler.ncnn.vectors import is_read_as_vector
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node

Emitter = Callable[[Emission, Node, Any, Sequence[str]], str]
"""Adds the layers that an op comes to on these values, and gives the name of its result."""

ADD, MULTIPLY = 0, 2
"""What a `BinaryOp` does, by number."""

NEAREST, BILINEAR = 1, 2
"""How an `Interp` resizes, by number."""


class Form(NamedTuple):
    """An activation as a layer, and the number that it has within a convolution, or 0 for none."""

    kind: str
    parameters: Mapping[str, Any] = {}
    number: int = 0


ACTIVATIONS: Mapping[str, Form] = {
    "relu": Form("ReLU", {}, 1),
    "relu6": Form("Clip", {"min": 0.0, "max": 6.0}, 3),
    "leaky_relu": Form("ReLU", {"slope": 0.01}, 2),
    "silu": Form("Swish"),
    "hardswish": Form("HardSwish", {"alpha": 1 / 6, "beta": 0.5}, 6),
    "gelu": Form("GELU"),
    "sigmoid": Form("Sigmoid", {}, 4),
}
"""Those of `ir/ops/activation.py`, by name."""


def emit(e: Emission, node: Node) -> str:
    """Adds what a node comes to, and gives the name of its result.

    Raises `HRNetGraphError` for an op that has no form in ncnn.
    """
    op, x = node.op, [e.values[path] for path in node.inputs]
    if op.for_training:
        return x[0]
    emitter = EMITTERS.get(type(op))
    if emitter is None:
        raise _refused(op.label)
    return emitter(e, node, op, x)


def _refused(label: str) -> HRNetGraphError:
    return HRNetGraphError(f"{label} cannot be written for ncnn", "write the network as .onnx")


def _input(e: Emission, node: Node, op: ops.Input, x: Sequence[str]) -> str:
    return e.add_input(node)


def _conv(e: Emission, node: Node, op: ops.Conv2d, x: Sequence[str]) -> str:
    if e.vectors.issuperset(x):
        return e.add_vector(_linear(e, node, op, x))
    more: dict[str, Any] = {"group": op.groups} if op.groups > 1 else {}
    kind = "ConvolutionDepthWise" if more else "Convolution"
    more |= {"dilation_w": op.dilation} if op.dilation > 1 else {}
    return _convolve(e, node, op, x, kind, e.held(node), **more)


def _conv_transpose(e: Emission, node: Node, op: ops.ConvTranspose2d, x: Sequence[str]) -> str:
    weight, *bias = e.state(node)
    more: dict[str, Any] = {"output_pad_right": 1} if op.output_padding else {}
    state = [weight.swapaxes(0, 1), *bias]
    return _convolve(e, node, op, x, "Deconvolution", state, **more)


def _convolve(
    e: Emission,
    node: Node,
    op: ops.Conv2d | ops.ConvTranspose2d,
    x: Sequence[str],
    kind: str,
    state: Sequence[Values],
    **others: Any,
) -> str:
    weight, *bias = state
    how: dict[str, Any] = {"num_output": op.out, "kernel_w": op.kernel}
    how |= {"stride_w": op.stride} if op.stride > 1 else {}
    how |= {"pad_left": op.padding} if op.padding else {}
    how |= {"bias_term": 1} if bias else {}
    weights = [Weight(weight, flagged=True), *map(Weight, bias)]
    return e.add(node, kind, x, "", weights, **how, weight_data_size=weight.size, **others)


def _linear(e: Emission, node: Node, op: ops.Linear | ops.Conv2d, x: Sequence[str]) -> str:
    weight, *bias = e.held(node)
    how = {"num_output": op.out} | ({"bias_term": 1} if bias else {})
    weights = [Weight(weight, flagged=True), *map(Weight, bias)]
    return e.add(node, "InnerProduct", x, "", weights, **how, weight_data_size=weight.size)


def _activation(e: Emission, node: Node, op: ops.Activation, x: Sequence[str]) -> str:
    """Within the layer that computes the operand, where that can be."""
    form = ACTIVATIONS.get(op.kind)
    if form is None:
        raise _refused(f"the activation {op.kind}")
    activated = e.activate(node, form.number, (*form.parameters.values(),)) if form.number else None
    result = activated or e.add(node, form.kind, x, **form.parameters)
    return e.add_vector(result) if e.vectors.issuperset(x) else result


def _batch_norm(
    e: Emission, node: Node, op: ops.BatchNorm | ops.FrozenBatchNorm, x: Sequence[str]
) -> str:
    scale, shift, mean, variance = map(Weight, e.state(node))
    how = {"channels": node.type.channels, "eps": op.eps}
    return e.add(node, "BatchNorm", x, "", [scale, mean, variance, shift], **how)


def _group_norm(e: Emission, node: Node, op: ops.GroupNorm, x: Sequence[str]) -> str:
    how = {"group": op.groups, "channels": node.type.channels, "eps": op.eps}
    return e.add(node, "GroupNorm", x, "", [*map(Weight, e.state(node))], **how)


def _instance_norm(e: Emission, node: Node, op: ops.InstanceNorm, x: Sequence[str]) -> str:
    how = {"channels": node.type.channels, "eps": op.eps}
    return e.add(node, "InstanceNorm", x, "", [*map(Weight, e.state(node))], **how)


def _layer_norm(e: Emission, node: Node, op: ops.LayerNorm, x: Sequence[str]) -> str:
    last = e.add(node, "Permute", x, "last", order_type=3)  # as (H, W, C)
    weights = [*map(Weight, e.state(node))]
    how = {"affine_size": node.type.channels, "eps": op.eps}
    even = e.add(node, "LayerNorm", [last], "normalised", weights, **how)
    return e.add(node, "Permute", [even], order_type=4)


def _sum(e: Emission, node: Node, op: ops.Sum, x: Sequence[str]) -> str:
    first, *middle, last = x
    for i, term in enumerate(middle):
        first = e.add(node, "BinaryOp", [first, term], str(i), op_type=ADD)
    return e.add(node, "BinaryOp", [first, last], op_type=ADD)


def _weighted_sum(e: Emission, node: Node, op: ops.WeightedSum, x: Sequence[str]) -> str:
    """With the weights as they come to one, since they are known."""
    (learnt,) = e.state(node)
    exact = learnt.astype(np.float64)
    positive = np.exp(exact - exact.max()) if op.softmax else np.maximum(exact, 0)
    shares = positive / (positive.sum() + (0 if op.softmax else 1e-4))
    return e.add(node, "Eltwise", x, op_type=1, coeffs=tuple(map(float, shares)))


def _layer_scale(e: Emission, node: Node, op: ops.LayerScale, x: Sequence[str]) -> str:
    (gamma,) = e.state(node)
    return e.add(node, "Scale", x, "", [Weight(gamma)], scale_data_size=gamma.size)


def _multiply(e: Emission, node: Node, op: ops.Multiply, x: Sequence[str]) -> str:
    return e.add(node, "BinaryOp", x, op_type=MULTIPLY)


def _scale(e: Emission, node: Node, op: ops.Scale, x: Sequence[str]) -> str:
    return e.add(node, "BinaryOp", x, op_type=MULTIPLY, with_scalar=1, b=float(op.factor))


def _concat(e: Emission, node: Node, op: ops.Concat, x: Sequence[str]) -> str:
    return e.add(node, "Concat", x, axis=0)


def _split(e: Emission, node: Node, op: ops.Split, x: Sequence[str]) -> str:
    """By one layer for all parts of a map, where they make the whole of it."""
    source = node.inputs[0]
    key = f"{source}[{op.start}:{op.stop}]"
    if key in e.shared:
        return e.shared[key]
    readers = (e.graph[path].op for path in e.graph.readers[source])
    parts = sorted({(o.start, o.stop) for o in readers if isinstance(o, ops.Split)})
    counts = tuple(stop - start for start, stop in parts)
    if [*accumulate(counts)] == [stop for _, stop in parts] and parts[-1][1] == e.graph[
        source
    ].type.channels:
        names = e.add_slices(node, x[0], counts)
        e.shared |= {f"{source}[{i}:{j}]": name for (i, j), name in zip(parts, names, strict=True)}
    else:
        e.shared[key] = e.add(node, "Crop", x, starts=(op.start,), ends=(op.stop,), axes=(0,))
    return e.shared[key]


def _channel_shuffle(e: Emission, node: Node, op: ops.ChannelShuffle, x: Sequence[str]) -> str:
    return e.add(node, "ShuffleChannel", x, group=op.groups)


def _nearest_upsample(e: Emission, node: Node, op: ops.NearestUpsample, x: Sequence[str]) -> str:
    return _by_factor(e, node, x, op.factor, resize_type=NEAREST)


def _bilinear_upsample(e: Emission, node: Node, op: ops.BilinearUpsample, x: Sequence[str]) -> str:
    return _by_factor(e, node, x, op.factor, resize_type=BILINEAR)


def _nearest(e: Emission, node: Node, op: ops.NearestResize, x: Sequence[str]) -> str:
    return _to_map(e, node, x, resize_type=NEAREST)


def _bilinear(e: Emission, node: Node, op: ops.BilinearResize, x: Sequence[str]) -> str:
    aligned: dict[str, Any] = {"align_corner": 1} if op.align_corners else {}
    return _to_map(e, node, x, resize_type=BILINEAR, **aligned)


def _to_map(e: Emission, node: Node, x: Sequence[str], **how: Any) -> str:
    """By a factor where the sizes are bound to each other, so that the other map is not kept."""
    ratio = e.extents.ratio(*reversed(node.inputs))
    if ratio is not None and ratio.denominator == 1:
        return _by_factor(e, node, x[:1], ratio.numerator, **how)
    return e.add(node, "Interp", x, **how, dynamic_target_size=1)


def _by_factor(e: Emission, node: Node, x: Sequence[str], factor: int, **how: Any) -> str:
    factors: dict[str, Any] = {"height_scale": float(factor), "width_scale": float(factor)}
    return e.add(node, "Interp", x, **how, **factors)


def _global_average_pool(
    e: Emission, node: Node, op: ops.GlobalAveragePool, x: Sequence[str]
) -> str:
    how: dict[str, Any] = {"pooling_type": 1, "global_pooling": 1}
    if is_read_as_vector(e.graph, node.path):
        return e.add_vector(e.add(node, "Pooling", x, **how))
    vector = e.add(node, "Pooling", x, "vector", **how)
    return e.add(node, "Reshape", [vector], w=1, h=1, c=-1)


def _pixel_shuffle(e: Emission, node: Node, op: ops.PixelShuffle, x: Sequence[str]) -> str:
    return e.add(node, "PixelShuffle", x, upscale_factor=op.factor)


def _flatten(e: Emission, node: Node, op: ops.Flatten, x: Sequence[str]) -> str:
    return x[0] if e.vectors.issuperset(x) else e.add(node, "Flatten", x)


def _flatten_pixels(e: Emission, node: Node, op: ops.FlattenPixels, x: Sequence[str]) -> str:
    return e.add(node, "Reshape", x, w=-1, h=node.type.channels)


def _unflatten_pixels(e: Emission, node: Node, op: ops.UnflattenPixels, x: Sequence[str]) -> str:
    return e.add(node, "Reshape", x, shape_expr="1w,1h,0h")


def _rows(e: Emission, node: Node, op: ops.Rows, x: Sequence[str]) -> str:
    return e.add(node, "Reshape", x, w=-1, h=op.rows)


def _column(e: Emission, node: Node, op: ops.Column, x: Sequence[str]) -> str:
    return e.add(node, "Reshape", x, w=1, h=-1, c=node.type.channels)


def _softmax(e: Emission, node: Node, op: ops.Softmax, x: Sequence[str]) -> str:
    return e.add(node, "Softmax", x, axis=len(node.type.shape) - 1, fixbug0=1)


def _matmul(e: Emission, node: Node, op: ops.MatMul, x: Sequence[str]) -> str:
    first, second = int(op.transpose_first), int(op.transpose_second)
    return e.add(node, "Gemm", x, transA=first, transB=second)


EMITTERS: Mapping[type[ops.Op], Emitter] = {
    ops.Activation: _activation,
    ops.AdaptiveAveragePool: adaptive_average_pool,
    ops.AffineOffsets: affine_offsets,
    ops.AveragePool: average_pool,
    ops.BatchNorm: _batch_norm,
    ops.BilinearResize: _bilinear,
    ops.BilinearUpsample: _bilinear_upsample,
    ops.ChannelShuffle: _channel_shuffle,
    ops.Column: _column,
    ops.Concat: _concat,
    ops.Conv2d: _conv,
    ops.ConvTranspose2d: _conv_transpose,
    ops.DeformConv2d: deform_conv,
    ops.Flatten: _flatten,
    ops.FlattenPixels: _flatten_pixels,
    ops.GlobalAveragePool: _global_average_pool,
    ops.FrozenBatchNorm: _batch_norm,
    ops.GroupNorm: _group_norm,
    ops.Input: _input,
    ops.InstanceNorm: _instance_norm,
    ops.LayerNorm: _layer_norm,
    ops.LayerScale: _layer_scale,
    ops.Linear: _linear,
    ops.MatMul: _matmul,
    ops.Multiply: _multiply,
    ops.NearestResize: _nearest,
    ops.NearestUpsample: _nearest_upsample,
    ops.PixelShuffle: _pixel_shuffle,
    ops.Rows: _rows,
    ops.Scale: _scale,
    ops.Softmax: _softmax,
    ops.Split: _split,
    ops.Sum: _sum,
    ops.UnflattenPixels: _unflatten_pixels,
    ops.WeightedSum: _weighted_sum,
    ops.WindowAttention: window_attention,
    ops.WindowAveragePool: window_average_pool,
    ops.ZeroConv2d: _conv,
}
"""Op -> what computes it; an op that is not here, or is another package's, has no form."""
