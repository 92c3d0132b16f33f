"""A small network for every dialect: of its kind, with the official keys."""

from __future__ import annotations

from typing import Any

from published import fill
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.compiler.torch.network import Network
from hrnet_graph.compiler.weights.dialects import Dialect

HEADS: dict[str, dict[str, Any]] = {
    "classification": {"kind": "classification", "classes": 5},
    "ocr": {"kind": "ocr", "classes": 3, "features": 8, "keys": 4},
    "segmentation": {"kind": "segmentation", "classes": 3},
    "landmark": {"kind": "landmark", "points": 3},
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
FOUR = [
    {"block": "bottleneck", "branches": 1, "blocks": 4, "channels": [64]},
    *({"block": "basic", "branches": n, "blocks": 1, "modules": 1 + (n == 3)} for n in (2, 3, 4)),
]
WHOLE: dict[str, Any] = {
    **SMALL,
    "stem": {"channels": 64},
    "stages": FOUR,
    "head": HEADS["classification"],
}
"""A network as the repositories' code builds it: four stages, and a stem and a first one of 64."""
HRFORMER: dict[str, dict[str, Any]] = {
    "heatmap": {"backbone": "backbone", "keys": {"final_layer": "keypoint_head.final_layer"}},
    "ocr": {
        "backbone": "backbone",
        "keys": hg.load_spec("hrformer_small_ocr_cityscapes").keys,
        "head.inner_bias": True,
        "head.aux_features": 512,
        "head.aux_kernel": 3,
    },
    "classification": {"head.depthwise": True},
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
    if dialect.known_by:
        return filled(hg.load_spec("ddrnet23_slim_seg_cityscapes", DDRNET[dialect.head]))
    if dialect.first != "conv1.weight":
        return lite(dialect)
    if dialect.name == "paddle":
        return filled(hg.load_spec("hrnet_w18_cls", {"width": 2, "input": [3, 64, 64]}))
    if dialect.block == "conv1.weight":
        return network(dialect.head)
    blocks = {f"stages.{i}.block": TRANSFORMER for i in (1, 2, 3)}
    blocks["fuse"] = {"kind": "sum", "downsample": "depthwise"}
    model = network(dialect.head, **blocks, **HRFORMER.get(dialect.head, {}))
    for key, value in model.state_dict().items():
        if key.endswith("bias_table") and dialect.head == "heatmap":
            value.zero_()  # which their pose code does not read
    return model


def lite(dialect: Dialect) -> Network:
    """A small Lite-HRNet of the kind that a dialect names."""
    kind = "naive_" if dialect.block.startswith("branch2") else ""
    changes: dict[str, Any] = {"width": 8, "stages.1.modules": 1, "stages.2.modules": 1}
    origin = hg.load_spec(f"litehrnet18_{kind}coco_256x192")
    if dialect.head == "features":
        keys = {key.removeprefix("backbone."): name for key, name in (origin.keys or {}).items()}
        del keys["final_layer"]
        changes |= {"head": {"kind": "features"}, "keys": None, "labels": None, "backbone": None}
        origin = hg.load_spec(origin, changes)
        changes = {"keys": keys}
    return filled(hg.load_spec(origin, changes))


def network(head: str, **changes: object) -> Network:
    """A small network with a head, its weights filled so that nothing is zero or one."""
    single = head in ("heatmap", "bottom_up", "simcc")
    edits = {
        "head": HEADS[head],
        "stages.3.outputs": 1 if single else 4,
        "backbone": "backbone" if head == "feature_pyramid" else None,
        **changes,
    }
    return filled(hg.load_spec(WHOLE, edits))


def filled(spec: hg.Spec) -> Network:
    """The module of a spec, its weights filled so that nothing is zero or one."""
    model = hg.build_module(spec).eval()
    fill(model)
    return model
