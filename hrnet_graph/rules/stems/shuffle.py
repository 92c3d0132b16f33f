"""The stem of Lite-HRNet."""

from __future__ import annotations

from typing import Literal

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import ChannelShuffle, Split
from hrnet_graph.rules.layers import conv_module
from hrnet_graph.rules.options import Channels


def shuffle(
    b: Builder,
    x: Value,
    *,
    channels: Channels = 32,
    inner: Channels | None = None,
    stride: Literal[1, 2, 4] = 4,
) -> Value:
    """A convolution, then a shuffle unit: half of the channels pass a wider path.

    x: (C, H, W) -> (channels, H/stride, W/stride), rounded up at each halving

    channels: Width of the result; even.
    inner: Width of the first convolution; `channels` where unstated.
    stride: How many pixels of the image a cell of the result is wide. `1`: nothing halves it. `2`:
    the convolution does. `4`: so does the unit, as published.

    Source: Yu et al., "Lite-HRNet", CVPR 2021, section 3.1; for the layers, Lite-HRNet,
    models/backbones/litehrnet.py, `Stem`.
    """
    width = channels if inner is None else inner
    half = width // 2
    beside, through = (half, half) if width == channels else (channels - width, width)
    if width % 2 or beside < 1 or (beside + through) % 2:
        problem = f"cannot cut {width} channels in two halves that make {channels}"
        raise RuleError(problem, option=("inner",) if inner else ("channels",))
    with b.scope("stem"):
        with b.scope("conv1"):
            x = conv_module(b, x, width, kernel=3, stride=min(2, stride))
        if stride > 1:
            b.remember("stride2", x)
        x = _unit(b, x, beside, through, stride=max(1, stride // 2))
    return b.remember("stride4", x) if stride == 4 else x


def _unit(b: Builder, x: Value, beside: int, through: int, stride: int) -> Value:
    """The shuffle unit, `beside` channels of whose result pass the shorter path."""
    width, half = x.channels, x.channels // 2
    left, right = (b.add(f"half{i}", Split(i * half, i * half + half), x) for i in (0, 1))
    with b.scope("branch1"):
        with b.scope(0):
            left = conv_module(b, left, half, kernel=3, stride=stride, groups=half, act=None)
        with b.scope(1):
            left = conv_module(b, left, beside)
    with b.scope("expand_conv"):
        right = conv_module(b, right, width)
    with b.scope("depthwise_conv"):
        right = conv_module(b, right, width, kernel=3, stride=stride, groups=width, act=None)
    with b.scope("linear_conv"):
        right = conv_module(b, right, through)
    return b.add("shuffle", ChannelShuffle(2), b.concat("concat", left, right))
