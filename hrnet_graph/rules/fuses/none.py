"""No fuse unit: branches stay apart."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value


def fuse_nothing(b: Builder, maps: Sequence[Value], outputs: int) -> list[Value]:
    """Every branch passes on as it is, without a layer; those beyond `outputs` end here.

    maps[i]: (C_i, H/2^i, W/2^i) -> result[i]: the same, for i < outputs

    Source: Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation",
    CVPR 2019, section 4.4, which compares networks without intermediate fusion.
    """
    return list(maps[:outputs])
