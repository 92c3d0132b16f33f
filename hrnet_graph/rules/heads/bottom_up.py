"""The published head of bottom-up pose (HigherHRNet)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Interval

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import ConvTranspose2d
from hrnet_graph.rules.blocks.basic import basic
from hrnet_graph.rules.function import summary_of
from hrnet_graph.rules.options import Channels


def bottom_up(
    b: Builder,
    maps: Sequence[Value],
    *,
    joints: Channels,
    tags: bool = True,
    channels: Channels | None = None,
    blocks: Annotated[int, Interval(ge=0, le=100)] = 4,
) -> dict[str, Value]:
    """Heatmaps and grouping tags at the finest branch, and heatmaps at twice its resolution.

    maps[0]: (C, H, W) -> heatmaps_and_tags: (2 * joints, H, W) (without `tags`: (joints, H, W)),
    heatmaps: (joints, 2 * H, 2 * W)

    joints: Number of joints of a person.
    tags: Whether each joint has a map of grouping tags too.
    channels: Width of the enlarged map; that of the finest branch where unstated.
    blocks: Basic blocks on the enlarged map.

    Source: Cheng et al., "HigherHRNet", CVPR 2020, section 3; for the layers,
    HigherHRNet-Human-Pose-Estimation, lib/models/pose_higher_hrnet.py.
    """
    x = maps[0]
    width = x.channels if channels is None else channels
    b.reserve("final_layers", "deconv_layers")
    coarse = b.conv("final_layers.0", x, (2 if tags else 1) * joints, bias=True)
    x = b.concat("concat", x, coarse)
    with b.scope("deconv_layers", 0):
        with b.scope(0):
            x = b.add("0", ConvTranspose2d(width, kernel=4, stride=2), x)
            x = b.activation("2", b.norm("1", x))
        for k in range(blocks):
            with b.scope(k + 1, 0, kind="block", branch=0, label="basic block",
                         summary=summary_of(basic)):  # fmt: skip
                x = basic(b, x, width)
    fine = b.conv("final_layers.1", x, joints, bias=True)
    return {"heatmaps_and_tags": coarse, "heatmaps": fine}
