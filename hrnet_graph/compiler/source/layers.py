"""How each op is written: as a layer in a constructor, or as an expression in `forward`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hrnet_graph.compiler.source.expressions import Expr, Group, Number, call, flat, number
from hrnet_graph.ir.graph import Graph, Node
from hrnet_graph.ir.ops import (
    Activation,
    AveragePool,
    ChannelDropout,
    Column,
    Concat,
    Flatten,
    FlattenPixels,
    GlobalAveragePool,
    MatMul,
    NearestUpsample,
    Op,
    Scale,
    Softmax,
    Sum,
    UnflattenPixels,
)

POSITIONAL: Mapping[str, tuple[str, ...]] = {
    "Conv2d": ("in_channels", "out_channels", "kernel_size"),
    "ConvTranspose2d": ("in_channels", "out_channels", "kernel_size"),
    "BatchNorm2d": ("num_features",),
    "SyncBatchNorm": ("num_features",),
    "GroupNorm": ("num_groups", "num_channels"),
    "Linear": ("in_features", "out_features"),
    "AdaptiveAvgPool2d": ("output_size",),
    "AvgPool2d": ("kernel_size",),
    "Flatten": ("start_dim",),
    "Dropout2d": ("p",),
    "Unflatten": ("dim", "unflattened_size"),
}
"""Layer -> the arguments that people write without their names."""

DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "Conv2d": {"stride": 1, "padding": 0, "groups": 1, "bias": True},
    "ConvTranspose2d": {"stride": 1, "padding": 0, "bias": True},
    "BatchNorm2d": {"eps": 1e-5, "momentum": 0.1},
    "SyncBatchNorm": {"eps": 1e-5, "momentum": 0.1},
    "GroupNorm": {"eps": 1e-5},
    "Flatten": {"start_dim": 1},
}
"""Layer -> torch's defaults, which need not be written."""

FUNCTIONS: Mapping[str, str] = {
    "relu": "F.relu",
    "relu6": "F.relu6",
    "leaky_relu": "F.leaky_relu",
    "silu": "F.silu",
    "hardswish": "F.hardswish",
    "gelu": "F.gelu",
}
"""Activation -> torch's function."""


def has_layer(graph: Graph, node: Node) -> bool:
    """Whether a node needs a layer, for its weights or because training changes what it does."""
    return isinstance(node.op, ChannelDropout) or bool(node.op.state(graph.operands(node)))


def layer(graph: Graph, node: Node) -> Expr | None:
    """`nn.Conv2d(64, 64, 3, padding=1, bias=False)`; None where torch has no such layer."""
    described = node.op.layer(graph.operands(node))
    if described.name in ("Sum", "Concat", "BilinearResize", "Scale", "MatMul", "UnflattenPixels"):
        return None
    arguments = dict(described.arguments)
    if graph.runs_in_place(node):
        arguments["inplace"] = True
    defaults = DEFAULTS.get(described.name, {})
    written = {
        name: Number(value, name) if type(value) is int else _code(value)
        for name, value in arguments.items()
        if name not in defaults or value != defaults[name]
    }
    positional = [written.pop(n) for n in POSITIONAL.get(described.name, ()) if n in written]
    return call(f"nn.{described.name}", *positional, **written)


def _code(value: object) -> str:
    return f'"{value}"' if value == "nearest" else number(value)


def _tight(expr: Expr) -> str:
    """An operand in brackets, where what is done to it would otherwise bind tighter."""
    code = flat(expr)
    depth = 0
    for character in code:
        depth += (character in "([") - (character in ")]")
        if character == " " and depth == 0:
            return f"({code})"
    return code


def _matmul(op: MatMul, a: Expr, b: Expr) -> Expr:
    first = ".transpose(1, 2)" if op.transpose_first else ""
    second = ".transpose(1, 2)" if op.transpose_second else ""
    return f"{_tight(a)}{first} @ {_tight(b)}{second}"


def _sum(op: Sum, first: Expr, *others: Expr) -> Expr:
    return " + ".join((flat(first), *(_tight(other) for other in others)))


def _concat(op: Concat, *maps: Expr) -> Expr:
    return call("torch.cat", Group("[", maps, "]"), "dim=1")


WRITTEN: Mapping[type[Op], Callable[..., Expr]] = {
    Activation: lambda op, x: call(FUNCTIONS[op.kind], x),
    AveragePool: lambda op, x: call("F.avg_pool2d", x, str(op.size)),
    Column: lambda op, x: f"{_tight(x)}.unsqueeze(-1)",
    Concat: _concat,
    Flatten: lambda op, x: f"{_tight(x)}.flatten(1)",
    FlattenPixels: lambda op, x: f"{_tight(x)}.flatten(2)",
    GlobalAveragePool: lambda op, x: call("F.adaptive_avg_pool2d", x, "1"),
    MatMul: _matmul,
    NearestUpsample: lambda op, x: call(
        "F.interpolate", x, f"scale_factor={op.factor}", 'mode="nearest"'
    ),
    Scale: lambda op, x: f"{_tight(x)} * {number(op.factor)}",
    Softmax: lambda op, x: call("F.softmax", x, "dim=-1"),
    Sum: _sum,
    UnflattenPixels: lambda op, x, like: f"{_tight(x)}.unflatten(2, {_tight(like)}.shape[2:])",
}
"""Op without weights -> its expression, given the operands'."""


def resize_call(x: Expr, like: Expr, align_corners: bool, both: bool) -> Expr:
    """A call of the file's `resize`, which is told how only if the network resizes in both ways."""
    return call("resize", x, like, *(("align_corners=True",) if both and align_corners else ()))


def write_call(op: Op, operands: Sequence[Expr]) -> Expr:
    """The expression of an op without weights."""
    return WRITTEN[type(op)](op, *operands)
