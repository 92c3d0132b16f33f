"""The bottleneck residual block."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import add_shortcut, check_groups, weigh_channels
from hrnet_graph.rules.options import Channels, Dilation, DropRate, SqueezeExcite


def bottleneck(
    b: Builder,
    x: Value,
    channels: int,
    stride: int = 1,
    activated: bool = True,
    *,
    expansion: Channels = 4,
    groups: Channels = 1,
    dilation: Dilation = 1,
    shortcut_first: bool = False,
    squeeze_excite: SqueezeExcite | None = None,
    drop_path: DropRate = 0.0,
) -> Value:
    """A 1x1, a 3x3 and a widening 1x1 convolution and a shortcut.

    x: (C, H, W) -> (expansion * channels, H/stride, W/stride)

    expansion: How many times as wide as the inner convolutions the result is.
    groups: In how many groups the 3x3 convolution sees its channels.
    dilation: The step in pixels from one number of the 3x3 kernel to the next.
    shortcut_first: Whether the projection of the shortcut comes first in the `state_dict`, as in
    HRFormer's published pose code.
    squeeze_excite: Weighs every channel by what all of the map says, before the shortcut.
    drop_path: How often training drops what the shortcut passes, at the last block of the network;
    it grows with depth from 0.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 right.
    """
    check_groups(groups, channels)
    if shortcut_first:
        b.reserve("downsample", "conv1")
    y = b.activation("act1", b.norm("bn1", b.conv("conv1", x, channels)))
    y = b.conv("conv2", y, channels, 3, stride, groups=groups, dilation=dilation)
    y = b.activation("act2", b.norm("bn2", y))
    y = b.norm("bn3", b.conv("conv3", y, expansion * channels))
    y = weigh_channels(b, y, squeeze_excite)
    return add_shortcut(b, x, y, drop_path, stride, activated)
