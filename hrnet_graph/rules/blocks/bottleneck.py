"""The bottleneck residual block."""

from __future__ import annotations

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import add_shortcut
from hrnet_graph.rules.options import Channels, SqueezeExcite


def bottleneck(
    b: Builder,
    x: Value,
    channels: int,
    stride: int = 1,
    activated: bool = True,
    *,
    expansion: Channels = 4,
    groups: Channels = 1,
    shortcut_first: bool = False,
    squeeze_excite: SqueezeExcite | None = None,
) -> Value:
    """A 1x1, a 3x3 and a widening 1x1 convolution and a shortcut.

    x: (C, H, W) -> (expansion * channels, H/stride, W/stride)

    expansion: How many times as wide as the inner convolutions the result is.
    groups: In how many groups the 3x3 convolution sees its channels.
    shortcut_first: Whether the projection of the shortcut comes first in the `state_dict`, as in
    HRFormer's published pose code.
    squeeze_excite: Weighs every channel by what all of the map says, before the shortcut.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figure 5 right.
    """
    if channels % groups:
        raise RuleError(f"{channels} channels make no {groups} groups", option=("groups",))
    if shortcut_first:
        b.reserve("downsample", "conv1")
    y = b.activation("act1", b.norm("bn1", b.conv("conv1", x, channels)))
    y = b.conv("conv2", y, channels, 3, stride, groups=groups)
    y = b.activation("act2", b.norm("bn2", y))
    y = b.norm("bn3", b.conv("conv3", y, expansion * channels))
    return add_shortcut(b, x, y, squeeze_excite, stride, activated)
