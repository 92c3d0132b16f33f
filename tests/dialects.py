"""A small network for every dialect: of its kind, with the official keys."""

from __future__ import annotations

from typing import Any

from published import fill
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.compiler.weights.dialects import Dialect
from hrnet_graph.compiler.weights.litehrnet import LITE

HEADS: dict[str, dict[str, Any]] = {
    "classification": SMALL["head"],
    "ocr": {"kind": "ocr", "classes": 3, "features": 8, "keys": 4},
    "segmentation": {"kind": "segmentation", "classes": 3},
    "landmark": {"kind": "landmark", "points": 3, "deconv": [28]},
    "upernet": {"kind": "upernet", "classes": 3, "channels": 4},
    "simcc": {"kind": "simcc", "joints": 2},
    "regression": {"kind": "regression", "joints": 2},
    "feature_pyramid": {"kind": "feature_pyramid", "channels": 4, "levels": 3},
    "bottom_up": {"kind": "bottom_up", "joints": 2, "blocks": 1},
    "dekr": {"kind": "dekr", "joints": 3, "joint_channels": 2},
    "heatmap": {"kind": "heatmap", "joints": 2},
    "features": {"kind": "features"},
}


TRANSFORMER = {"kind": "transformer", "head_channels": 2, "window": 3}
HRFORMER: dict[str, dict[str, Any]] = {
    "heatmap": {"backbone": "backbone", "keys": {"final_layer": "keypoint_head.final_layer"}},
    "ocr": {"backbone": "backbone", "keys": hg.load_spec("hrformer_small_ocr_cityscapes").keys},
}
"""What the official keys are beside those of HRNet, where blocks are transformers."""


_NARROW = {"width": 2, "stem.channels": 2, "neck.channels": 3, "input": [3, 64, 64], "labels": None}
DDRNET: dict[str, dict[str, Any]] = {
    "segmentation": {**_NARROW, "head": {"classes": 3, "auxiliary": "stage3.0", "inner": 2}},
    "features": {**_NARROW, "head": {"kind": "features"}},
}
"""What makes a small network of DDRNet."""


def of_dialect(dialect: Dialect) -> Network:
    """A small network of the kind that a dialect names, its own keys the official ones."""
    if dialect in LITE:
        return lite(dialect)
    if dialect.marks:
        return filled(hg.load_spec("ddrnet23_slim_seg_cityscapes", DDRNET[dialect.head]))
    if dialect.block == "conv1.weight":
        return network(dialect.head)
    blocks = {f"stages.{i}.block": TRANSFORMER for i in (1, 2)}
    return network(dialect.head, **blocks, **HRFORMER.get(dialect.head, {}))


def network(head: str, **changes: object) -> Network:
    """A small network with a head, its weights filled so that nothing is zero or one."""
    single = head in ("heatmap", "bottom_up", "simcc")
    edits = {
        "head": HEADS[head],
        "stages.2.outputs": 1 if single else 3,
        "backbone": "backbone" if head == "feature_pyramid" else None,
        **changes,
    }
    return filled(hg.load_spec(SMALL, edits))


def filled(spec: hg.Spec) -> Network:
    model = hg.build_module(spec).eval()
    fill(model)
    return model


def lite(dialect: Dialect) -> Network:
    """A small Lite-HRNet of the kind that a dialect names."""
    kind = "naive_" if any("branch2" in mark for mark in dialect.marks) else ""
    changes: dict[str, Any] = {"width": 8, "stages.1.modules": 1, "stages.2.modules": 1}
    origin = hg.load_spec(f"litehrnet18_{kind}coco_256x192")
    if dialect.head == "features":
        keys = {key.removeprefix("backbone."): name for key, name in (origin.keys or {}).items()}
        del keys["final_layer"]
        changes |= {"head": {"kind": "features"}, "keys": None, "labels": None, "backbone": None}
        origin = hg.load_spec(origin, changes)
        changes = {"keys": keys}
    return filled(hg.load_spec(origin, changes))
