"""Which ONNX operators compute each op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hrnet_graph.compiler.onnx.emission import Emission
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.ir import ops
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Op

Emitter = Callable[[Emission, Node, Any], str]
"""Adds the operators that a node with that op comes to, and gives the name of its result."""


def emit(emission: Emission, node: Node) -> str:
    """Adds what a node comes to. Raises `HRNetGraphError` if its op has no emitter."""
    kind = type(node.op)
    if kind not in EMITTERS:
        known = ", ".join(op.__name__ for op in EMITTERS)
        raise HRNetGraphError(
            f"{node.path}: no ONNX operator is known for {kind.__name__} (known: {known})"
        )
    return EMITTERS[kind](emission, node, node.op)


def _conv(e: Emission, node: Node, op: ops.Conv2d) -> str:
    return _convolve(e, node, op, part="")


def _convolve(e: Emission, node: Node, op: ops.Conv2d, part: str) -> str:
    return e.add(
        node,
        "Conv",
        [e.inputs(node)[0], *e.weights(node, "weight", *_bias(op))],
        part,
        kernel_shape=[op.kernel, op.kernel],
        strides=[op.stride, op.stride],
        pads=[op.padding] * 4,
        group=op.groups,
    )


def _fused_conv(e: Emission, node: Node, op: ops.FusedConv2d) -> str:
    terms = e.inputs(node)[1:]
    x = _convolve(e, node, op, part="conv" if terms or op.activation else "")
    if terms:
        x = e.add(node, "Add", [x, *terms], part="sum" if op.activation else "")
    return ACTIVATIONS[op.activation](e, node, x) if op.activation else x


def _transposed_conv(e: Emission, node: Node, op: ops.ConvTranspose2d) -> str:
    return e.add(
        node,
        "ConvTranspose",
        [*e.inputs(node), *e.weights(node, "weight", *_bias(op))],
        kernel_shape=[op.kernel, op.kernel],
        strides=[op.stride, op.stride],
        pads=[(op.kernel - op.stride) // 2] * 4,
    )


def _bias(op: ops.Conv2d | ops.ConvTranspose2d) -> list[str]:
    return ["bias"] if op.bias else []


def _batch_norm(e: Emission, node: Node, op: ops.BatchNorm) -> str:
    state = e.weights(node, "weight", "bias", "running_mean", "running_var")
    inputs = [*e.inputs(node), *state]
    return e.add(node, "BatchNormalization", inputs, epsilon=op.eps, momentum=1 - op.momentum)


def _group_norm(e: Emission, node: Node, op: ops.GroupNorm) -> str:
    """As instance normalisation of the groups, which every engine runs.

    OpenVINO 2026.4 crashes on GroupNormalization with a fixed shape in float32.
    """
    (x,) = e.inputs(node)
    shape = e.extents_of(node, node.inputs[0], 0, 4)
    plain = [e.vector(1.0, op.groups), e.vector(0.0, op.groups)]
    groups = e.add(node, "Reshape", [x, e.extents(0, op.groups, -1)], "groups")
    even = e.add(node, "InstanceNormalization", [groups, *plain], "normalised", epsilon=op.eps)
    y = e.add(node, "Reshape", [even, shape], "map")
    scale, shift = (
        e.add(node, "Unsqueeze", [weights, e.extents(1, 2)], part)
        for weights, part in zip(e.weights(node, "weight", "bias"), ("scale", "shift"), strict=True)
    )
    return e.add(node, "Add", [e.add(node, "Mul", [y, scale], "scaled"), shift])


def _activation(e: Emission, node: Node, op: ops.Activation) -> str:
    (x,) = e.inputs(node)
    return ACTIVATIONS[op.kind](e, node, x)


def _plain(kind: str, **attributes: Any) -> Emitter:
    """The emitter of an op that is one operator without weights."""

    def plain(e: Emission, node: Node, op: Op) -> str:
        return e.add(node, kind, e.inputs(node), **attributes)

    return plain


def _elementwise(kind: str, **attributes: Any) -> Callable[[Emission, Node, str], str]:
    """What computes an activation that is one operator."""

    def elementwise(e: Emission, node: Node, x: str) -> str:
        return e.add(node, kind, [x], **attributes)

    return elementwise


def _relu6(e: Emission, node: Node, x: str) -> str:
    return e.add(node, "Clip", [x, e.number(0), e.number(6)])


def _silu(e: Emission, node: Node, x: str) -> str:
    return e.add(node, "Mul", [x, e.add(node, "Sigmoid", [x], part="sigmoid")])


def _sum(e: Emission, node: Node, op: ops.Sum) -> str:
    first, *middle, last = e.inputs(node)
    for i, term in enumerate(middle):
        first = e.add(node, "Add", [first, term], part=str(i))
    return e.add(node, "Add", [first, last])


def _scale(e: Emission, node: Node, op: ops.Scale) -> str:
    return e.add(node, "Mul", [*e.inputs(node), e.number(op.factor)])


def _itself(e: Emission, node: Node, op: Op) -> str:
    (x,) = e.inputs(node)
    return x


def _nearest(e: Emission, node: Node, op: ops.NearestUpsample) -> str:
    return e.add(
        node,
        "Resize",
        [*e.inputs(node), "", e.scales(1, 1, op.factor, op.factor)],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _bilinear(e: Emission, node: Node, op: ops.BilinearResize) -> str:
    """By constant factors where they are whole, which engines run faster, or else to a size."""
    source, like = node.inputs
    factors = e.factors(node)
    if factors:
        target = [e.scales(1, 1, *factors)]
    else:
        sizes = [e.extents_of(node, source, 0, 2), e.extents_of(node, like, 2, 4)]
        target = ["", e.add(node, "Concat", sizes, part="sizes", axis=0)]
    return e.add(
        node,
        "Resize",
        [e.values[source], "", *target],
        mode="linear",
        coordinate_transformation_mode="align_corners" if op.align_corners else "half_pixel",
    )


def _average_pool(e: Emission, node: Node, op: ops.AveragePool) -> str:
    window = [op.size, op.size]
    return e.add(node, "AveragePool", e.inputs(node), kernel_shape=window, strides=window)


def _linear(e: Emission, node: Node, op: ops.Linear) -> str:
    return e.add(node, "Gemm", [*e.inputs(node), *e.weights(node, "weight", "bias")], transB=1)


def _flatten_pixels(e: Emission, node: Node, op: ops.FlattenPixels) -> str:
    return e.add(node, "Reshape", [*e.inputs(node), e.extents(0, 0, -1)])


def _column(e: Emission, node: Node, op: ops.Column) -> str:
    return e.add(node, "Reshape", [*e.inputs(node), e.extents(0, 0, -1, 1)])


def _unflatten_pixels(e: Emission, node: Node, op: ops.UnflattenPixels) -> str:
    x, like = node.inputs
    extents = [e.extents(0, 0), e.extents_of(node, like, 2, 4)]
    shape = e.add(node, "Concat", extents, part="shape", axis=0)
    return e.add(node, "Reshape", [e.values[x], shape])


def _matmul(e: Emission, node: Node, op: ops.MatMul) -> str:
    a, b = e.inputs(node)
    if op.transpose_first:
        a = e.add(node, "Transpose", [a], part="first", perm=[0, 2, 1])
    if op.transpose_second:
        b = e.add(node, "Transpose", [b], part="second", perm=[0, 2, 1])
    return e.add(node, "MatMul", [a, b])


ACTIVATIONS: Mapping[str, Callable[[Emission, Node, str], str]] = {
    "relu": _elementwise("Relu"),
    "relu6": _relu6,
    "leaky_relu": _elementwise("LeakyRelu", alpha=0.01),
    "silu": _silu,
    "hardswish": _elementwise("HardSwish"),
    "gelu": _elementwise("Gelu"),
}
"""Activation by the name that a spec gives it -> what computes it."""

EMITTERS: Mapping[type[Op], Emitter] = {
    ops.Activation: _activation,
    ops.AveragePool: _average_pool,
    ops.BatchNorm: _batch_norm,
    ops.BilinearResize: _bilinear,
    ops.ChannelDropout: _itself,
    ops.Column: _column,
    ops.Concat: _plain("Concat", axis=1),
    ops.Conv2d: _conv,
    ops.ConvTranspose2d: _transposed_conv,
    ops.Flatten: _plain("Flatten"),
    ops.FlattenPixels: _flatten_pixels,
    ops.FusedConv2d: _fused_conv,
    ops.GlobalAveragePool: _plain("GlobalAveragePool"),
    ops.GroupNorm: _group_norm,
    ops.Linear: _linear,
    ops.MatMul: _matmul,
    ops.NearestUpsample: _nearest,
    ops.Scale: _scale,
    ops.Softmax: _plain("Softmax", axis=-1),
    ops.Sum: _sum,
    ops.UnflattenPixels: _unflatten_pixels,
}
"""Op -> what computes it: all that the ONNX lowering knows about ops."""
