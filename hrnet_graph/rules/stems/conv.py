"""The published stem."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.options import Channels


def conv(b: Builder, x: Value, *, channels: Channels = 64) -> Value:
    """Two strided 3x3 convolutions, each normalised and activated.

    x: (C, H, W) -> (channels, H/4, W/4), rounded up at each of the two steps

    channels: Width of both convolutions.

    Source: Wang et al., TPAMI 2020, section 3.1.
    """
    x = b.activation("act1", b.norm("bn1", b.conv("conv1", x, channels, kernel=3, stride=2)))
    b.remember("stride2", x)
    return b.activation("act2", b.norm("bn2", b.conv("conv2", x, channels, kernel=3, stride=2)))
