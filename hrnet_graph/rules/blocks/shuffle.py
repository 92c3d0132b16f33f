"""The shuffle unit, of which naive Lite-HRNet is made."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import ChannelShuffle
from hrnet_graph.rules.layers import conv_module, halves


def shuffle(b: Builder, x: Value, channels: int) -> Value:
    """Half of the channels pass a depthwise convolution between two 1x1 ones; then all are mixed.

    x: (channels, H, W) -> (channels, H, W); `channels` is even

    Source: Ma et al., "ShuffleNet V2", ECCV 2018, figure 3 (c); for the layers, Lite-HRNet,
    models/backbones/litehrnet.py, `ShuffleUnit`.
    """
    kept, y = halves(b, x, channels)
    width = y.channels
    with b.scope("branch2"):
        with b.scope(0):
            y = conv_module(b, y, width)
        with b.scope(1):
            y = conv_module(b, y, width, kernel=3, groups=width, act=None)
        with b.scope(2):
            y = conv_module(b, y, width)
    return b.add("shuffle", ChannelShuffle(2), b.concat("concat", kept, y))
