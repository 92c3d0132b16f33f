"""The adaptive residual block, of which DEKR's head is made."""

from __future__ import annotations

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import AffineOffsets, DeformConv2d, ZeroConv2d
from hrnet_graph.rules.layers import add_shortcut


def adaptive(b: Builder, x: Value, channels: int) -> Value:
    """A 3x3 convolution whose taps every pixel places by an affine map, and a shortcut.

    x: (C, H, W) -> (channels, H, W)

    Source: Geng et al., "Bottom-Up Human Pose Estimation Via Disentangled Keypoint Regression",
    CVPR 2021, section 3.2; for the layers, DEKR, lib/models/conv_block.py, `AdaptBlock`.
    """
    matrix = b.add("transform_matrix_conv", ZeroConv2d(4, kernel=3, bias=True), x)
    shift = b.add("translation_conv", ZeroConv2d(2, kernel=3, bias=True), x)
    offsets = b.add("offsets", AffineOffsets(kernel=3), matrix, shift)
    y = b.norm("bn", b.add("adapt_conv", DeformConv2d(channels, kernel=3), x, offsets))
    return add_shortcut(b, x, y)
