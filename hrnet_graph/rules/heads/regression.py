"""The head of pose by regression."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Flatten, GlobalAveragePool, Linear, Rows
from hrnet_graph.rules.options import Channels


def regression(b: Builder, maps: Sequence[Value], *, joints: Channels) -> Value:
    """Coordinates of every joint, by one linear layer of the means of all maps.

    maps[i]: (C_i, H/2^i, W/2^i) -> (joints, 2), columns and rows, from 0 to 1 across the image

    joints: Number of joints, or points.

    Source: Toshev and Szegedy, "DeepPose", CVPR 2014; for the layer, mmpose 1.3,
    models/heads/regression_heads/regression_head.py, behind the neck GlobalAveragePooling.
    """
    with b.scope("@pool"):
        means = [b.add(f"pool{i}", GlobalAveragePool(), x) for i, x in enumerate(maps)]
        x = b.add("flatten", Flatten(), b.concat("concat", *means))
    return b.add("coordinates", Rows(joints), b.add("fc", Linear(2 * joints), x))
