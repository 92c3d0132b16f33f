"""The published head of facial landmark detection."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.dense import Deconv, DeconvKernels, enlarge
from hrnet_graph.rules.layers import pixel_classifier, upsample_and_concat
from hrnet_graph.rules.options import Channels, Kernel


def landmark(
    b: Builder,
    maps: Sequence[Value],
    *,
    points: Channels,
    align_corners: bool = False,
    kernel: Kernel = 1,
    deconv: Deconv | None = None,
    deconv_kernels: DeconvKernels | None = None,
) -> Value:
    """All maps upsampled and concatenated (HRNetV2), and a heatmap for every landmark.

    maps[i]: (C_i, H/2^i, W/2^i) -> (points, H, W); each width of `deconv` doubles H and W

    points: Number of landmarks.
    align_corners: Whether upsampling keeps the centres of corner pixels in place.
    kernel: Side of the last convolution, in pixels; odd.
    deconv: Widths of transposed convolutions between them, each of which doubles the map's height
    and width; none where unstated.
    deconv_kernels: Side of the kernel of each, from 2 to 4 pixels; 4 where unstated.

    Source: HRNet-Facial-Landmark-Detection, lib/models/hrnet.py, `head`; for `deconv`, mmpose 1.x,
    models/heads/heatmap_heads/heatmap_head.py, `deconv_layers`.
    """
    x = upsample_and_concat(b, maps, align_corners)
    x = enlarge(b, x, deconv, deconv_kernels)
    with b.scope("head"):
        return pixel_classifier(b, x, points, kernel)
