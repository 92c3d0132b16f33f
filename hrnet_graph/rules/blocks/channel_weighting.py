"""Conditional channel weighting, of which Lite-HRNet is made."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import (
    AdaptiveAveragePool,
    ChannelShuffle,
    GlobalAveragePool,
    Multiply,
    NearestResize,
    Split,
)
from hrnet_graph.rules.layers import conv_module, half, halves
from hrnet_graph.rules.options import Channels


def channel_weighting(
    b: Builder,
    maps: Sequence[Value],
    channels: Sequence[int],
    *,
    reduction: Channels = 8,
    own_reduction: Channels = 4,
) -> list[Value]:
    """Weighs half of the channels of all branches by what all say together, then by their means.

    maps[i]: (channels[i], H/2^i, W/2^i) -> result[i]: the same; every width is even

    reduction: How many times narrower than all branches the layer is that sees them together.
    own_reduction: How many times narrower than its branch the layer is that sees one alone.

    Source: Yu et al., "Lite-HRNet", CVPR 2021, sections 3.2 and 3.3; for the layers, Lite-HRNet,
    models/backbones/litehrnet.py, `ConditionalChannelWeighting`.
    """
    with b.scope("cross_resolution_weighting", kind="block", label="gates"):
        gates = _weigh_together(b, maps, channels, reduction)
    b.reserve("depthwise_convs", "spatial_weighting")
    result = []
    for i, (x, gate) in enumerate(zip(maps, gates, strict=True)):
        with b.scope(f"@branch{i}", kind="branch", branch=i):
            same, y = halves(b, x, channels[i], f"map{i}_half")
            gate = b.add(f"upsample{i}", NearestResize(), gate, y)
            y = b.add(f"multiply{i}", Multiply(), y, gate)
            with b.scope("depthwise_convs", i):
                y = conv_module(b, y, y.channels, kernel=3, groups=y.channels, act=None)
            with b.scope("spatial_weighting", i):
                y = _weigh_alone(b, y, own_reduction)
            result.append(b.add(f"shuffle{i}", ChannelShuffle(2), b.concat(f"concat{i}", same, y)))
    return result


def _weigh_together(
    b: Builder, maps: Sequence[Value], channels: Sequence[int], reduction: int
) -> list[Value]:
    """For each branch weights of half its channels, made of all at the coarsest resolution."""
    parts = [half(b, x, channels[i], 1, f"map{i}_half") for i, x in enumerate(maps)]
    coarsest, total = parts[-1], sum(x.channels for x in parts)
    pooled = [
        b.add(f"pool{i}", AdaptiveAveragePool(), x, coarsest) for i, x in enumerate(parts[:-1])
    ]
    y = b.concat("concat", *pooled, coarsest)
    with b.scope("conv1"):
        y = conv_module(b, y, _narrowed(total, reduction, "reduction"))
    with b.scope("conv2"):
        y = conv_module(b, y, total, act="sigmoid")
    result, start = [], 0
    for i, x in enumerate(parts):
        result.append(b.add(f"weights{i}", Split(start, start + x.channels), y))
        start += x.channels
    return result


def _weigh_alone(b: Builder, x: Value, reduction: int) -> Value:
    """A branch times weights that are made of the means of its own channels."""
    y = b.add("pool", GlobalAveragePool(), x)
    with b.scope("conv1"):
        narrow = _narrowed(x.channels, reduction, "own_reduction")
        y = conv_module(b, y, narrow, norm=False)
    with b.scope("conv2"):
        y = conv_module(b, y, x.channels, norm=False, act="sigmoid")
    return b.add("multiply", Multiply(), x, y)


def _narrowed(width: int, reduction: int, option: str) -> int:
    if width < reduction:
        what = f"{width} channels cannot be {reduction} times narrower"
        raise RuleError(what, f"expected at most {width}", option=(option,))
    return width // reduction
