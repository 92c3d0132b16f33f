"""Short runs of layers that several rules share."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value


def conv_norm(b: Builder, x: Value, out: int, kernel: int = 1, stride: int = 1) -> Value:
    """Convolution `0` and normalisation `1`.

    x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride))
    """
    return b.norm("1", b.conv("0", x, out, kernel, stride))


def conv_norm_act(
    b: Builder, x: Value, out: int, kernel: int = 1, stride: int = 1, bias: bool = False
) -> Value:
    """Convolution `0`, normalisation `1` and activation `2`.

    x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride))
    """
    return b.activation("2", b.norm("1", b.conv("0", x, out, kernel, stride, bias)))


def add_shortcut(b: Builder, x: Value, residual: Value) -> Value:
    """The residual plus its shortcut, activated; `downsample` projects x where its channels differ.

    x: (C, H, W), residual: (D, H, W) -> (D, H, W)
    """
    shortcut = x
    if x.channels != residual.channels:
        with b.scope("downsample"):
            shortcut = conv_norm(b, x, residual.channels)
    return b.activation("act", b.sum("sum", residual, shortcut))
