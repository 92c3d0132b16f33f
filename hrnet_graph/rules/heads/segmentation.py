"""The published head of semantic segmentation."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.rules.dense import OutputStride, Resize, at_image, concat_at
from hrnet_graph.rules.layers import pixel_classifier
from hrnet_graph.rules.options import Channels, Kernel


def segmentation(
    b: Builder,
    maps: Sequence[Value],
    *,
    classes: Channels,
    align_corners: bool = False,
    kernel: Kernel = 1,
    bias: bool = True,
    output_stride: OutputStride | None = None,
    resize: Resize = "none",
) -> Value:
    """All maps upsampled and concatenated (HRNetV2), and two convolutions to the classes.

    maps[i]: (C_i, H/2^i, W/2^i) -> (classes, H', W') logits

    classes: Number of classes.
    align_corners: Whether upsampling keeps the centres of corner pixels in place.
    kernel: Side of the last convolution, in pixels; odd.
    bias: Whether the first convolution has one (published: yes; mmsegmentation: no).
    output_stride: Pixels of the image from one cell of the logits to the next, that of the finest
    map where unstated (published: 4). All maps are resized to it before the convolutions: to the
    map that has it, to the image for 1, or to the finest one enlarged.
    resize: What size the logits have in the end. `none`: that of `output_stride`. `input`: the
    image's.

    Source: Wang et al., TPAMI 2020, section 3.4; for the layers, HRNet-Semantic-Segmentation,
    lib/models/seg_hrnet.py, `last_layer`.
    """
    x = concat_at(b, maps, output_stride, align_corners)
    with b.scope("last_layer"):
        logits = pixel_classifier(b, x, classes, kernel, bias)
    return at_image(b, logits, resize, align_corners)
