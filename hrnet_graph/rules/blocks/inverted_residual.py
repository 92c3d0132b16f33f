"""The inverted residual with linear bottleneck, of which MobileNetV2 is made."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import dropped, weigh_channels
from hrnet_graph.rules.options import Channels, Dilation, DropRate, Kernel, SqueezeExcite


def inverted_residual(
    b: Builder,
    x: Value,
    channels: int,
    *,
    expand_ratio: Channels = 6,
    kernel: Kernel = 3,
    dilation: Dilation = 1,
    squeeze_excite: SqueezeExcite | None = None,
    drop_path: DropRate = 0.0,
) -> Value:
    """A widening 1x1, a depthwise and a narrowing 1x1 convolution, the last one not activated.

    x: (C, H, W) -> (channels, H, W); a shortcut is added where the width stays

    expand_ratio: How many times wider the depthwise convolution is; with 1 nothing widens.
    kernel: Side of the depthwise kernel, in pixels.
    dilation: The step in pixels from one number of the depthwise kernel to the next.
    squeeze_excite: Weighs every channel by what all of the map says, before the narrowing
    convolution.
    drop_path: How often training drops what the shortcut passes, at the last block of the network;
    it grows with depth from 0.

    Source: Sandler et al., "MobileNetV2", CVPR 2018, figure 3 (b) and table 1; squeeze and
    excitation as in Howard et al., "Searching for MobileNetV3", ICCV 2019, figure 4; for the names,
    timm, timm/models/_efficientnet_blocks.py, `InvertedResidual`.
    """
    y, width = x, expand_ratio * x.channels
    if expand_ratio > 1:
        y = b.activation("act1", b.norm("bn1", b.conv("conv_pw", x, width)))
    y = b.conv("conv_dw", y, width, kernel, groups=width, dilation=dilation)
    y = weigh_channels(b, b.activation("act2", b.norm("bn2", y)), squeeze_excite)
    y = b.norm("bn3", b.conv("conv_pwl", y, channels))
    if x.channels != channels:
        return y
    return b.sum("sum", x, dropped(b, "drop_path", y, drop_path))
