"""The neck of DDRNet: a deep aggregation pyramid pooling module."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import BilinearResize, GlobalAveragePool, Op, WindowAveragePool
from hrnet_graph.rules.layers import norm_act_conv
from hrnet_graph.rules.options import Channels

POOLS: Sequence[Op] = (
    *(WindowAveragePool(size, stride) for size, stride in ((5, 2), (9, 4), (17, 8))),
    GlobalAveragePool(),
)
"""The means that are taken of the coarsest map, of ever larger windows."""


def dappm(b: Builder, maps: Sequence[Value], *, channels: Channels = 128) -> list[Value]:
    """Pools the coarsest map in ever larger windows, and adds what comes of it to the finest.

    maps[i]: (C_i, H_i, W_i) -> one map, (C_0, H_0, W_0); maps between the first and the last end
    here, and of one map alone the result has its width

    Whatever is convolved here is normalised and activated first.

    channels: Width of each scale.

    Source: Hong et al., "Deep Dual-resolution Networks", 2021, section 3.3 and figure 5; for the
    layers, ydhongHIT/DDRNet, segmentation/DDRNet_23_slim.py, `DAPPM`.
    """
    finest, coarsest = maps[0], maps[-1]
    label = "pyramid pooling"
    with b.scope("spp", kind="block", branch=len(maps) - 1, label=label):
        y = _pyramid(b, coarsest, channels, finest.channels)
    if len(maps) == 1:
        return [y]
    with b.scope("@add", kind="block", branch=0):
        y = b.add("upsample", BilinearResize(), y, finest)
        return [b.sum("sum", finest, y)]


def _pyramid(b: Builder, x: Value, channels: int, out: int) -> Value:
    """Every scale enlarged, added to the one before it and convolved; then all together.

    x: (C, H, W) -> (out, H, W)
    """
    pooled = []
    for i, pool in enumerate(POOLS, start=1):
        with b.scope(f"scale{i}"):
            pooled.append(norm_act_conv(b, b.add("0", pool, x), channels, first=1))
    with b.scope("scale0"):
        scales = [norm_act_conv(b, x, channels)]
    for i, scale in enumerate(pooled, start=1):
        y = b.add(f"upsample{i}", BilinearResize(), scale, x)
        y = b.sum(f"sum{i}", y, scales[-1])
        with b.scope(f"process{i}"):
            scales.append(norm_act_conv(b, y, channels, kernel=3))
    y = b.concat("concat", *scales)
    with b.scope("compression"):
        y = norm_act_conv(b, y, out)
    with b.scope("shortcut"):
        x = norm_act_conv(b, x, out)
    return b.sum("sum", y, x)
