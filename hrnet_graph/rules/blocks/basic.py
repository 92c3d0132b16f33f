"""The basic residual block."""

from __future__ import annotations

from functools import partial

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import add_shortcut, check_groups, weigh_channels
from hrnet_graph.rules.options import Channels, Dilation, DropRate, SqueezeExcite


def basic(
    b: Builder,
    x: Value,
    channels: int,
    stride: int = 1,
    activated: bool = True,
    *,
    groups: Channels = 1,
    dilation: Dilation = 1,
    squeeze_excite: SqueezeExcite | None = None,
    drop_path: DropRate = 0.0,
) -> Value:
    """Two 3x3 convolutions and a shortcut.

    x: (C, H, W) -> (channels, H/stride, W/stride)

    groups: In how many groups the convolutions see their channels.
    dilation: The step in pixels from one number of the kernels to the next.
    squeeze_excite: Weighs every channel by what all of the map says, before the shortcut.
    drop_path: How often training drops what the shortcut passes, at the last block of the network;
    it grows with depth from 0.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 left.
    """
    check_groups(groups, x.channels, channels)
    conv = partial(b.conv, out=channels, kernel=3, groups=groups, dilation=dilation)
    y = b.activation("act1", b.norm("bn1", conv("conv1", x, stride=stride)))
    y = weigh_channels(b, b.norm("bn2", conv("conv2", y)), squeeze_excite)
    return add_shortcut(b, x, y, drop_path, stride, activated)
