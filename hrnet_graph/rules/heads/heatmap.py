"""The published head of top-down pose."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.dense import Deconv, DeconvKernels, enlarge
from hrnet_graph.rules.options import Channels, Kernel


def heatmap(
    b: Builder,
    maps: Sequence[Value],
    *,
    joints: Channels,
    kernel: Kernel = 1,
    deconv: Deconv | None = None,
    deconv_kernels: DeconvKernels | None = None,
) -> Value:
    """One convolution from the finest branch alone (HRNetV1) to a heatmap for every joint.

    maps[0]: (C, H, W) -> (joints, H, W); each width of `deconv` doubles H and W

    joints: Number of heatmaps.
    kernel: Side of the convolution, in pixels; odd.
    deconv: Widths of transposed convolutions before it, each of which doubles the map's height and
    width; none where unstated.
    deconv_kernels: Side of the kernel of each, from 2 to 4 pixels; 4 where unstated.

    Source: Wang et al., TPAMI 2020, figure 4 (a); for the layers, deep-high-resolution-net.pytorch,
    lib/models/pose_hrnet.py, `final_layer`, and pose_resnet.py, `deconv_layers`.
    """
    x = enlarge(b, maps[0], deconv, deconv_kernels)
    return b.conv("final_layer", x, joints, kernel, bias=True)
