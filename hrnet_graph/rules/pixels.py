"""What the heads that answer for every pixel share."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import BilinearResize
from hrnet_graph.rules.layers import conv_norm_act


def upsample_and_concat(b: Builder, maps: Sequence[Value], align_corners: bool) -> Value:
    """All maps at the size of the finest, their channels one after another (HRNetV2).

    maps[i]: (C_i, H/2^i, W/2^i) -> (sum of C_i, H, W)

    Source: Wang et al., TPAMI 2020, figure 4 (b).
    """
    finest = maps[0]
    with b.scope("@upsample"):
        enlarged = [
            b.add(f"upsample{i}", BilinearResize(align_corners), x, finest)
            for i, x in enumerate(maps[1:], start=1)
        ]
        return b.concat("concat", finest, *enlarged)


def pixel_classifier(b: Builder, x: Value, outputs: int, kernel: int = 1) -> Value:
    """A 1x1 convolution `0` with norm and activation, and a convolution `3` to the outputs.

    x: (C, H, W) -> (outputs, H, W)

    Source: HRNet-Semantic-Segmentation, lib/models/seg_hrnet.py, `last_layer`.
    """
    return b.conv("3", conv_norm_act(b, x, x.channels, bias=True), outputs, kernel, bias=True)
