"""The head of one-stage bottom-up pose (DEKR)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from annotated_types import Interval

from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import Split
from hrnet_graph.rules.blocks.adaptive import adaptive
from hrnet_graph.rules.blocks.basic import basic
from hrnet_graph.rules.function import summary_of
from hrnet_graph.rules.layers import conv_norm_act, upsample_and_concat
from hrnet_graph.rules.options import Channels, Kernel

Blocks = Annotated[int, Interval(ge=0, le=100)]


def dekr(
    b: Builder,
    maps: Sequence[Value],
    *,
    joints: Channels,
    channels: Channels | None = None,
    joint_channels: Channels = 15,
    blocks: Blocks = 1,
    joint_blocks: Blocks = 2,
    kernel: Kernel = 1,
) -> dict[str, Value]:
    """Heatmaps of joints and of persons' centres, and how far each joint lies from every pixel.

    maps[i]: (C_i, H/2^i, W/2^i) -> heatmaps: (joints + 1, H, W), the centres' last;
    offsets: (2 * joints, H, W), columns before rows, from a joint to the pixel

    joints: Number of joints of a person.
    channels: Width of the heatmaps' branch; that of the finest branch where unstated.
    joint_channels: Width of the branch that each joint has for its offsets.
    blocks: Basic blocks of the heatmaps' branch.
    joint_blocks: Adaptive blocks of every joint's branch.
    kernel: Side of the last convolutions, in pixels; odd.

    Source: Geng et al., "Bottom-Up Human Pose Estimation Via Disentangled Keypoint Regression",
    CVPR 2021, section 3; for the layers, DEKR, lib/models/hrnet_dekr.py.
    """
    width = maps[0].channels if channels is None else channels
    x = upsample_and_concat(b, maps, align_corners=False)
    with b.scope("transition_heatmap"):
        heatmaps = conv_norm_act(b, x, width)
    with b.scope("transition_offset"):
        features = conv_norm_act(b, x, joints * joint_channels)
    with b.scope("head_heatmap"):
        heatmaps = _run(b, "0", heatmaps, basic, "basic block", blocks)
        heatmaps = b.conv("1", heatmaps, joints + 1, kernel, bias=True)
    b.reserve("offset_feature_layers", "offset_final_layer")
    offsets = []
    with b.scope("@joints", kind="branch", label=f"{joints} joints"):
        for j in range(joints):
            part = Split(j * joint_channels, (j + 1) * joint_channels)
            y = b.add(f"joint{j}", part, features)
            y = _run(b, f"offset_feature_layers.{j}", y, adaptive, "adaptive block", joint_blocks)
            offsets.append(b.conv(f"offset_final_layer.{j}", y, 2, kernel, bias=True))
        return {"heatmaps": heatmaps, "offsets": b.concat("offsets", *offsets)}


def _run(
    b: Builder,
    name: str,
    x: Value,
    block: Callable[[Builder, Value, int], Value],
    label: str,
    count: int,
) -> Value:
    """Blocks one after another, of one width.

    x: (C, H, W) -> (C, H, W)
    """
    with b.scope(name):
        for k in range(count):
            with b.scope(k, kind="block", label=label, summary=summary_of(block)):
                x = block(b, x, x.channels)
    return x
