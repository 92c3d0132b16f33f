"""The published head of facial landmark detection."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import pixel_classifier, upsample_and_concat
from hrnet_graph.rules.options import Channels, Kernel


def landmark(
    b: Builder,
    maps: Sequence[Value],
    *,
    points: Channels,
    align_corners: bool = False,
    kernel: Kernel = 1,
) -> Value:
    """All maps upsampled and concatenated (HRNetV2), and a heatmap for every landmark.

    maps[i]: (C_i, H/2^i, W/2^i) -> (points, H, W), at a quarter of the image

    points: Number of landmarks.
    align_corners: Whether upsampling keeps the centres of corner pixels in place.
    kernel: Side of the last convolution, in pixels; odd.

    Source: HRNet-Facial-Landmark-Detection, lib/models/hrnet.py, `head`.
    """
    x = upsample_and_concat(b, maps, align_corners)
    with b.scope("head"):
        return pixel_classifier(b, x, points, kernel)
