"""The published feature pyramid for detection (HRNetV2p)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Interval

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import AveragePool
from hrnet_graph.rules.layers import upsample_and_concat
from hrnet_graph.rules.options import Channels


def feature_pyramid(
    b: Builder,
    maps: Sequence[Value],
    *,
    channels: Channels = 256,
    levels: Annotated[int, Interval(ge=1, le=8)] = 5,
    stride: Annotated[int, Interval(ge=1, le=2)] = 1,
) -> list[Value]:
    """All maps upsampled, concatenated and reduced, then pooled to every level (HRNetV2p).

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: (channels, H/2^i, W/2^i), for i < levels; halved
    once more with `stride` 2

    channels: Width of every level.
    levels: Number of maps, each half as large as the one before.
    stride: Stride of each level's own convolution; 2 as published for FCOS.

    Source: Wang et al., TPAMI 2020, figure 4 (c); for the layers, HRNet-Object-Detection,
    mmdet/models/necks/hrfpn.py.
    """
    x = upsample_and_concat(b, maps, align_corners=False)
    with b.scope("neck"):
        x = b.conv("reduction_conv.0", x, channels, bias=True)
        pooled = [x] + [b.add(f"pool{i}", AveragePool(2**i), x) for i in range(1, levels)]
        with b.scope("fpn_conv"):
            return [
                b.conv(str(i), level, channels, kernel=3, stride=stride, bias=True)
                for i, level in enumerate(pooled)
            ]
