"""The depthwise separable convolution, of which MobileNet is made."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import add_shortcut, weigh_channels
from hrnet_graph.rules.options import Dilation, DropRate, Kernel, SqueezeExcite


def depthwise_separable(
    b: Builder,
    x: Value,
    channels: int,
    *,
    kernel: Kernel = 3,
    dilation: Dilation = 1,
    squeeze_excite: SqueezeExcite | None = None,
    shortcut: bool = False,
    drop_path: DropRate = 0.0,
) -> Value:
    """A depthwise and a 1x1 convolution.

    x: (C, H, W) -> (channels, H, W)

    kernel: Side of the depthwise kernel, in pixels.
    dilation: The step in pixels from one number of the depthwise kernel to the next.
    squeeze_excite: Weighs every channel by what all of the map says, before the 1x1 convolution.
    shortcut: Whether the block adds what it was given, projected where the width changes.
    drop_path: How often training drops what the shortcut passes, at the last block of the network;
    it grows with depth from 0.

    Source: Howard et al., "MobileNets", 2017, figure 3; for the names, timm,
    timm/models/_efficientnet_blocks.py, `DepthwiseSeparableConv`.
    """
    y = b.conv("conv_dw", x, x.channels, kernel, groups=x.channels, dilation=dilation)
    y = weigh_channels(b, b.activation("act1", b.norm("bn1", y)), squeeze_excite)
    y = b.norm("bn2", b.conv("conv_pw", y, channels))
    return add_shortcut(b, x, y, drop_path) if shortcut else b.activation("act2", y)
