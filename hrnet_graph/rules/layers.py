"""Short runs of layers that several rules share."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Activation, BilinearResize, GlobalAveragePool, Multiply
from hrnet_graph.rules.options import SqueezeExcite


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


def add_shortcut(
    b: Builder, x: Value, residual: Value, squeeze_excite: SqueezeExcite | None = None
) -> Value:
    """The residual plus its shortcut, activated; `downsample` projects x where its channels differ.

    x: (C, H, W), residual: (D, H, W) -> (D, H, W)
    """
    if squeeze_excite is not None:
        with b.scope("se"):
            residual = weigh_channels(b, residual, squeeze_excite["reduction"])
    shortcut = x
    if x.channels != residual.channels:
        with b.scope("downsample"):
            shortcut = conv_norm(b, x, residual.channels)
    return b.activation("act", b.sum("sum", residual, shortcut))


def weigh_channels(b: Builder, x: Value, reduction: int) -> Value:
    """Every channel times a factor that two 1x1 convolutions make of the means of all channels.

    x: (C, H, W) -> (C, H, W)

    Source: Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, figure 3.
    """
    narrow = max(1, x.channels // reduction)
    y = b.conv("fc1", b.add("pool", GlobalAveragePool(), x), narrow, bias=True)
    y = b.conv("fc2", b.add("act", Activation("relu"), y), x.channels, bias=True)
    return b.add("multiply", Multiply(), x, b.add("gate", Activation("sigmoid"), y))


def upsample_and_concat(b: Builder, maps: Sequence[Value], align_corners: bool) -> Value:
    """All maps at the size of the finest, their channels one after another (HRNetV2).

    maps[i]: (C_i, H/2^i, W/2^i) -> (sum of C_i, H, W)

    Source: Wang et al., TPAMI 2020, figure 4 (b).
    """
    finest = maps[0]
    with b.scope("@upsample"):
        enlarged = [
            b.add(f"upsample{i}", BilinearResize(align_corners), x, finest)
            for i, x in enumerate(maps[1:], start=1)
        ]
        return b.concat("concat", finest, *enlarged)


def pixel_classifier(
    b: Builder, x: Value, outputs: int, kernel: int = 1, bias: bool = True
) -> Value:
    """A 1x1 convolution `0` with norm and activation, and a convolution `3` to the outputs.

    x: (C, H, W) -> (outputs, H, W); `bias` is that of the first convolution.

    Source: HRNet-Semantic-Segmentation, lib/models/seg_hrnet.py, `last_layer`.
    """
    return b.conv("3", conv_norm_act(b, x, x.channels, bias=bias), outputs, kernel, bias=True)
