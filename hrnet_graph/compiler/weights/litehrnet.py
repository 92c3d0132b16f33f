"""How the weights of Lite-HRNet are named. Source: Lite-HRNet (official); mmpose 1.3."""

from __future__ import annotations

from hrnet_graph.compiler.weights.dialect import Dialect, Renames

_BACKBONE = "backbone."

_TRUNK: Renames = tuple((f"{_BACKBONE}{part}.", f"{part}.") for part in ("stem", "head_layer"))

_HEADS: tuple[tuple[str, str], ...] = (
    ("official", "keypoint_head.final_layer."),
    ("mmpose", "head.final_layer."),
)

_BLOCKS = (
    "stage0.0.layers.0.depthwise_convs.0.conv.weight",
    "stage0.0.layers.0.0.branch2.0.conv.weight",
)
"""A key in the first block: of channel weighting, of shuffle units."""

_STEM = "stem.conv1.conv.weight"

LITE: tuple[Dialect, ...] = tuple(
    dialect
    for block in _BLOCKS
    for marks in ((_STEM, block),)
    for dialect in (
        *(
            Dialect(
                name,
                "heatmap",
                _BACKBONE,
                (*_TRUNK, (theirs, "final_layer.")),
                marks=(*marks, "final_layer.weight"),
            )
            for name, theirs in _HEADS
        ),
        Dialect("official", "features", marks=marks),
        Dialect("openmmlab", "features", _BACKBONE, _TRUNK, marks=marks),
    )
)
