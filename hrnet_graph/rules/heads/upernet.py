"""The head of unified perceptual parsing (UPerNet)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Interval, Len, Lt

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import AdaptiveAveragePool, BilinearResize, ChannelDropout
from hrnet_graph.rules.dense import Resize, at_image
from hrnet_graph.rules.layers import conv_module
from hrnet_graph.rules.options import Channels

Scales = Annotated[tuple[Annotated[int, Interval(ge=1, le=64)], ...], Len(1, 8)]


def upernet(
    b: Builder,
    maps: Sequence[Value],
    *,
    classes: Channels,
    channels: Channels = 512,
    pool_scales: Scales = (1, 2, 3, 6),
    align_corners: bool = False,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.1,
    resize: Resize = "none",
) -> Value:
    """Pooled context of the coarsest map, brought down a pyramid of all maps, which are fused.

    maps[i]: (C_i, H/2^i, W/2^i) -> (classes, H, W) logits

    classes: Number of classes.
    channels: Width of every level.
    pool_scales: How many windows a side the coarsest map is pooled to, for each of its contexts.
    align_corners: Whether upsampling keeps the centres of corner pixels in place.
    dropout: Share of the channels that training sets to zero before the last convolution.
    resize: What size the logits have. `none`: that of the finest map. `input`: the image's.

    Source: Xiao et al., "Unified Perceptual Parsing for Scene Understanding", ECCV 2018, section 3;
    for the layers, mmsegmentation 1.2, models/decode_heads/uper_head.py.
    """
    lists = ("lateral_convs", "fpn_convs")
    b.reserve("conv_seg", "psp_modules", "bottleneck", *lists, "fpn_bottleneck")
    whole, coarsest = BilinearResize(align_corners), len(maps) - 1
    levels = []
    for i, x in enumerate(maps[:-1]):
        with b.scope("lateral_convs", i):
            levels.append(conv_module(b, x, channels))
    with b.scope("psp_modules", kind="block", branch=coarsest, label="pyramid pooling"):
        context = _pool(b, maps[-1], channels, pool_scales, whole)
    with b.scope("bottleneck"):
        levels.append(conv_module(b, context, channels, kernel=3))
    for i in reversed(range(coarsest)):
        with b.scope("@add", i):
            coarser = b.add("upsample", whole, levels[i + 1], levels[i])
            levels[i] = b.sum("sum", levels[i], coarser)
    for i in range(coarsest):
        with b.scope("fpn_convs", i):
            levels[i] = conv_module(b, levels[i], channels, kernel=3)
    with b.scope("fpn_bottleneck"):
        resized = [b.add(f"upsample{i}", whole, levels[i], levels[0]) for i in range(1, len(maps))]
        x = conv_module(b, b.concat("concat", levels[0], *resized), channels, kernel=3)
    x = b.add("dropout", ChannelDropout(dropout), x)
    return at_image(b, b.conv("conv_seg", x, classes, bias=True), resize, align_corners)


def _pool(
    b: Builder, x: Value, channels: int, scales: Sequence[int], whole: BilinearResize
) -> Value:
    """A map, and its means over few and more windows, each enlarged to it again.

    x: (C, H, W) -> (C + channels * number of scales, H, W)

    Source: Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, figure 3.
    """
    contexts = []
    for i, scale in enumerate(scales):
        with b.scope(i):
            pooled = b.add("0", AdaptiveAveragePool((scale, scale)), x)
            with b.scope(1):
                pooled = conv_module(b, pooled, channels)
            contexts.append(b.add("upsample", whole, pooled, x))
    return b.concat("concat", x, *contexts)
