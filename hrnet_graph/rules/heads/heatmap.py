"""The published head of top-down pose."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.options import Channels, Kernel


def heatmap(b: Builder, maps: Sequence[Value], *, joints: Channels, kernel: Kernel = 1) -> Value:
    """One convolution from the finest branch alone (HRNetV1) to a heatmap for every joint.

    maps[0]: (C, H, W) -> (joints, H, W)

    joints: Number of heatmaps.
    kernel: Side of the convolution, in pixels; odd.

    Source: Wang et al., TPAMI 2020, figure 4 (a); for the layer, deep-high-resolution-net.pytorch,
    lib/models/pose_hrnet.py, `final_layer`.
    """
    return b.conv("final_layer", maps[0], joints, kernel, bias=True)
