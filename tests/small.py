"""The small network that most tests build, and what they make of it."""

from __future__ import annotations

from typing import Any

import torch

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Network

SMALL: dict[str, Any] = {
    "name": "small",
    "input": [3, 64, 64],
    "width": 4,
    "stem": {"channels": 8},
    "stages": [
        {"block": "bottleneck", "branches": 1, "blocks": 1, "channels": [4]},
        {"block": "basic", "branches": 2, "blocks": 1},
        {"block": "basic", "branches": 3, "modules": 2, "blocks": 1},
    ],
    "head": {"kind": "classification", "classes": 5, "channels": [4, 8, 16], "features": 32},
}

HEADS: list[dict[str, Any]] = [
    SMALL["head"],
    {"kind": "heatmap", "joints": 4},
    {"kind": "features"},
    {"kind": "segmentation", "classes": 3},
    {"kind": "landmark", "points": 3},
    {"kind": "ocr", "classes": 3, "features": 16, "keys": 8},
    {"kind": "feature_pyramid", "channels": 4, "levels": 3},
    {"kind": "bottom_up", "joints": 2, "blocks": 1},
    {"kind": "heatmap", "joints": 4, "deconv": [6, 4], "deconv_kernels": [4, 3]},
    {"kind": "regression", "joints": 4},
    {"kind": "simcc", "joints": 4},
    {"kind": "upernet", "classes": 3, "channels": 8},
    {"kind": "dekr", "joints": 2, "joint_channels": 2, "joint_blocks": 1},
]
"""One head of each kind that fits it."""


def with_head(head: dict[str, Any], **changes: Any) -> Network:
    """The module of the small network with another head and, unless told otherwise, one module."""
    outputs = 1 if head["kind"] in ("heatmap", "bottom_up", "simcc") else 3
    edits = {"head": head, "stages.2.outputs": outputs, "stages.2.modules": 1, **changes}
    torch.manual_seed(0)
    return hg.build_module(hg.load_spec(SMALL, edits))


PLAIN = [
    name
    for name in hg.list_specs()
    if hg.load_spec(name).fuse.options.get("downsample", "strided") == "strided"
    and hg.load_spec(name).neck is None
]
"""The networks of the catalogue that HRNet's own papers draw; the others are its descendants."""


def narrow(name: str) -> hg.Spec:
    """A network of the catalogue with few channels, and modules of attention but once a stage."""
    spec = hg.load_spec(name)
    changes: dict[str, object] = {"width": 6}
    for i, stage in enumerate(spec.stages):
        kind = stage.block_rules[0].kind
        if kind == "transformer":
            changes |= {f"stages.{i}.block.head_channels": 3, f"stages.{i}.modules": 1}
        elif kind == "channel_weighting":
            changes["width"] = 8
        elif "squeeze_excite" in stage.block_rules[0].options:
            changes[f"stages.{i}.block.squeeze_excite.reduction"] = 2
    return hg.load_spec(spec, changes)


def maps_of(result: Any) -> list[torch.Tensor]:
    """The tensors that a network of any head returns."""
    if isinstance(result, dict):
        return list(result.values())
    return [result] if isinstance(result, torch.Tensor) else list(result)
