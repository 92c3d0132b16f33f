"""The fuse unit of learnt weights: every branch receives a mean of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import WeightedSum
from hrnet_graph.rules.ways import AlignCorners, Connect, Downsample, Upsample, Ways, fuse


def fuse_by_weighted_sum(
    b: Builder,
    maps: Sequence[Value],
    outputs: int,
    *,
    normalise: Literal["fast", "softmax"] = "fast",
    upsample: Upsample = "nearest",
    downsample: Downsample = "strided",
    align_corners: AlignCorners = False,
    connect: Connect = "all",
) -> list[Value]:
    """Adds all branches as `sum` does, each times a learnt weight; weights come to one together.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same, for i < outputs

    Each output has one number for each of its terms, all 1 at first.

    normalise: How weights come to one. `fast`: each is divided by their sum, and what is negative
    counts as zero. `softmax`: by the softmax of all.

    Source: Tan et al., "EfficientDet", CVPR 2020, section 3.3.
    """

    def gather(terms: Sequence[Value]) -> Value:
        return b.activation("act", b.add("sum", WeightedSum(normalise == "softmax"), *terms))

    ways = Ways(connect, upsample, downsample, align_corners)
    return fuse(b, maps, outputs, ways, gather, label="weights")
