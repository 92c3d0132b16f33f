"""Short runs of layers that several rules share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import (
    Activation,
    BilinearResize,
    DropPath,
    GlobalAveragePool,
    Multiply,
    Split,
)
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


def norm_act_conv(
    b: Builder, x: Value, out: int, kernel: int = 1, *, first: int = 0, groups: int = 1
) -> Value:
    """Normalisation `0`, activation `1` and convolution `2`, counted from `first`.

    x: (C, H, W) -> (out, H, W)
    """
    norm, act, conv = (str(first + i) for i in range(3))
    x = b.activation(act, b.norm(norm, x))
    return b.conv(conv, x, out, kernel, groups=groups)


def conv_module(
    b: Builder,
    x: Value,
    out: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    *,
    norm: bool = True,
    act: str | None = "",
) -> Value:
    """Convolution `conv`, normalisation `bn` and activation; a bias where there is no norm.

    x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride))

    `act` is the spec's activation unless it names another one, or none with None.

    Source: mmcv, mmcv/cnn/bricks/conv_module.py, `ConvModule`.
    """
    x = b.conv("conv", x, out, kernel, stride, bias=not norm, groups=groups)
    if norm:
        x = b.norm("bn", x)
    if act is None:
        return x
    return b.add("activate", Activation(act), x) if act else b.activation("activate", x)


def separable_conv(
    b: Builder,
    x: Value,
    out: int,
    stride: int = 1,
    *,
    bias: bool = False,
    activated: bool = True,
) -> Value:
    """A depthwise 3x3 convolution `0` and a 1x1 one `2`, each normalised, then activated.

    x: (C, H, W) -> (out, ceil(H / stride), ceil(W / stride))
    """
    x = b.norm("1", b.conv("0", x, x.channels, 3, stride, bias, x.channels))
    x = b.norm("3", b.conv("2", x, out, bias=bias))
    return b.activation("4", x) if activated else x


def halvings(finer: Value, coarser: Value) -> int:
    """How many times the first map has to be halved to have the resolution of the second.

    Raises `RuleError` if no number of halvings gives it.
    """
    ratio = coarser.stride / finer.stride
    steps = ratio.numerator.bit_length() - 1
    if ratio != 2**steps:
        between = f"from stride {finer.stride} to {coarser.stride}"
        raise RuleError(f"no number of halvings leads {between}")
    return steps


def halves(b: Builder, x: Value, channels: int, name: str = "half") -> tuple[Value, Value]:
    """The two halves of a map that has so many channels.

    x: (channels, H, W) -> twice (channels / 2, H, W)

    Raises `RuleError` if it has others, or they have no half.
    """
    return half(b, x, channels, 0, f"{name}0"), half(b, x, channels, 1, f"{name}1")


def half(b: Builder, x: Value, channels: int, which: int, name: str) -> Value:
    """The first half (0) or the second one (1), as in `halves`."""
    check_kept(x, channels)
    if channels % 2:
        hint = f"`channels` of {channels + 1}, or a `width` by which all become even, can be cut"
        raise RuleError(f"expected an even width to cut in half, got {channels}", hint)
    width = channels // 2
    return b.add(name, Split(which * width, (which + 1) * width), x)


def add_shortcut(
    b: Builder,
    x: Value,
    residual: Value,
    drop_path: float = 0.0,
    stride: int = 1,
    activated: bool = True,
) -> Value:
    """The residual plus its shortcut, activated, or pending where that is left to its readers;
    `downsample` projects x where its channels or its size differ.

    x: (C, H, W), residual: (D, H/stride, W/stride) -> (D, H/stride, W/stride)
    """
    residual = dropped(b, "drop_path", residual, drop_path)
    shortcut = x
    if x.channels != residual.channels or stride > 1:
        with b.scope("downsample"):
            shortcut = conv_norm(b, x, residual.channels, stride=stride)
    y = b.sum("sum", residual, shortcut)
    return b.activation("act", y) if activated else replace(y, pending=True)


def dropped(b: Builder, name: str, residual: Value, rate: float) -> Value:
    """A residual, which training drops as often as the depth here says; `rate` is the deepest's.

    residual: (C, H, W) -> (C, H, W)

    Source: Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016, section 3.
    """
    return b.add(name, DropPath(rate * b.depth), residual) if rate else residual


def weigh_channels(b: Builder, x: Value, how: SqueezeExcite | None) -> Value:
    """Every channel times a factor that two 1x1 convolutions make of the means of all channels.

    x: (C, H, W) -> (C, H, W), which is x where nothing is said

    Raises `RuleError` for fewer channels than there are times that the inner layer is narrower.

    Source: Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, figure 3.
    """
    if how is None:
        return x
    reduction = how["reduction"]
    if reduction > x.channels:
        what = f"{x.channels} channels cannot be {reduction} times narrower"
        hint = f"expected at most {x.channels}"
        raise RuleError(what, hint, option=("squeeze_excite", "reduction"))
    with b.scope("se"):
        y = b.conv("fc1", b.add("pool", GlobalAveragePool(), x), x.channels // reduction, bias=True)
        y = b.conv("fc2", b.add("act", Activation("relu"), y), x.channels, bias=True)
        return b.add("multiply", Multiply(), x, b.add("gate", Activation("sigmoid"), y))


def check_kept(x: Value, channels: int) -> None:
    """Raises `RuleError` where a block would have to change the width and cannot."""
    if x.channels != channels:
        hint = f"`channels: [{x.channels}]` keeps what it is given"
        raise RuleError(f"keeps {channels} channels, and is given {x.channels}", hint)


def check_groups(groups: int, *widths: int) -> None:
    """Raises `RuleError` for a width that does not make so many groups."""
    for width in widths:
        if width % groups:
            known = ", ".join(str(n) for n in range(1, min(width, 64) + 1) if width % n == 0)
            hint = f"{width} channels make as many groups as one of {known}"
            raise RuleError(f"{width} channels make no {groups} groups", hint, option=("groups",))


def upsample_and_concat(
    b: Builder, maps: Sequence[Value], align_corners: bool, like: Value | None = None
) -> Value:
    """All maps at the size of the finest, or of `like`, their channels one after another (HRNetV2).

    maps[i]: (C_i, H/2^i, W/2^i) -> (sum of C_i, H, W)

    Source: Wang et al., TPAMI 2020, figure 4 (b).
    """
    size = maps[0] if like is None else like
    with b.scope("@upsample"):
        resized = [
            x if x == size else b.add(f"upsample{i}", BilinearResize(align_corners), x, size)
            for i, x in enumerate(maps)
        ]
        return b.concat("concat", *resized)


def norm_first_classifier(
    b: Builder, x: Value, outputs: int, inner: int, inner_kernel: int, kernel: int, bias: bool
) -> Value:
    """Two convolutions to the outputs, each of what is normalised and activated; options are as of
    `pixel_classifier`.

    x: (C, H, W) -> (outputs, H, W)

    Source: ydhongHIT/DDRNet, segmentation/DDRNet_23_slim.py, `segmenthead`.
    """
    x = b.activation("act1", b.norm("bn1", x))
    x = b.conv("conv1", x, inner, inner_kernel, bias=bias)
    x = b.activation("act2", b.norm("bn2", x))
    return b.conv("conv2", x, outputs, kernel, bias=True)


def pixel_classifier(
    b: Builder,
    x: Value,
    outputs: int,
    kernel: int = 1,
    bias: bool = True,
    *,
    inner: int | None = None,
    inner_kernel: int = 1,
) -> Value:
    """A convolution `0` with norm and activation, and a convolution `3` to the outputs.

    x: (C, H, W) -> (outputs, H, W); `inner` is the width, `inner_kernel` the side and `bias` that
    of the first convolution, which is a 1x1 one of C channels where nothing is said.

    Source: HRNet-Semantic-Segmentation, lib/models/seg_hrnet.py, `last_layer`.
    """
    x = conv_norm_act(b, x, inner or x.channels, inner_kernel, bias=bias)
    return b.conv("3", x, outputs, kernel, bias=True)
