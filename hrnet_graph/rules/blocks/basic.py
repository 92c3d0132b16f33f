"""The basic residual block."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import add_shortcut
from hrnet_graph.rules.options import SqueezeExcite


def basic(
    b: Builder,
    x: Value,
    channels: int,
    stride: int = 1,
    activated: bool = True,
    *,
    squeeze_excite: SqueezeExcite | None = None,
) -> Value:
    """Two 3x3 convolutions and a shortcut.

    x: (C, H, W) -> (channels, H/stride, W/stride)

    squeeze_excite: Weighs every channel by what all of the map says, before the shortcut.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 left.
    """
    y = b.activation("act1", b.norm("bn1", b.conv("conv1", x, channels, 3, stride)))
    y = b.norm("bn2", b.conv("conv2", y, channels, kernel=3))
    return add_shortcut(b, x, y, squeeze_excite, stride, activated)
