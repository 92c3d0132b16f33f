"""The published head of semantic segmentation."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.layers import pixel_classifier, upsample_and_concat
from hrnet_graph.rules.options import Channels, Kernel


def segmentation(
    b: Builder,
    maps: Sequence[Value],
    *,
    classes: Channels,
    align_corners: bool = False,
    kernel: Kernel = 1,
    bias: bool = True,
) -> Value:
    """All maps upsampled and concatenated (HRNetV2), and two convolutions to the classes.

    maps[i]: (C_i, H/2^i, W/2^i) -> (classes, H, W) logits, at a quarter of the image

    classes: Number of classes.
    align_corners: Whether upsampling keeps the centres of corner pixels in place.
    kernel: Side of the last convolution, in pixels; odd.
    bias: Whether the first convolution has one (published: yes; mmsegmentation: no).

    Source: Wang et al., TPAMI 2020, section 3.4; for the layers, HRNet-Semantic-Segmentation,
    lib/models/seg_hrnet.py, `last_layer`.
    """
    x = upsample_and_concat(b, maps, align_corners)
    with b.scope("last_layer"):
        return pixel_classifier(b, x, classes, kernel, bias)
