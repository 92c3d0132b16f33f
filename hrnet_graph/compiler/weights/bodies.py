"""Stem and stages of a repository's network, as spec data, read off the shapes of its weights.

What a repository's code can build is what its configs can say, and that is what is read here; what
they cannot say is as the code has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count, takewhile
from math import isqrt
from typing import Any

from hrnet_graph.compiler.weights.shapes import Shapes
from hrnet_graph.errors import FileError

Body = dict[str, Any]

BIASES = 2
"""Side of a window -> 2 * side - 1 offsets of positions along it."""


def hrnet(shapes: Shapes) -> Body:
    """HRNet's: residual blocks, and a fuse by sums behind every module."""
    return {**_four(shapes, _residual), "fuse": "sum"}


def hrformer(shapes: Shapes) -> Body:
    """HRFormer's: transformer blocks on all branches, ways down depthwise."""
    return {**_four(shapes, _transformer), "fuse": {"kind": "sum", "downsample": "depthwise"}}


def _four(shapes: Shapes, block: Callable[[Shapes, str], tuple[Any, int]]) -> Body:
    """The stem, whose width is fixed, a first stage of residual blocks, and three more."""
    first, channels = _residual(shapes, "layer1.0.")
    blocks = shapes.count("layer1.")
    row = {"block": first, "branches": 1, "blocks": blocks, "channels": [channels]}
    stages = [row, *(_stage(shapes, f"stage{i}.", block) for i in (2, 3, 4))]
    modules = stages[-1]["modules"]
    if not shapes.count(f"stage4.{modules - 1}.fuse_layers.1."):
        stages[-1]["outputs"] = 1
    image = shapes.of("conv1.weight")[1]
    return {"input": [image, 64, 64], "stem": {"channels": 64}, "stages": stages}


def _stage(shapes: Shapes, at: str, block: Callable[[Shapes, str], tuple[Any, int]]) -> Body:
    branches = [f"{at}0.branches.{i}." for i in range(shapes.count(f"{at}0.branches."))]
    if not branches:
        raise FileError(f"expected four stages, and there is no '{at}0'")
    found = [block(shapes, f"{branch}0.") for branch in branches]
    kinds = [kind for kind, _ in found]
    return {
        "block": kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else kinds,
        "branches": len(branches),
        "modules": shapes.count(at),
        "blocks": [shapes.count(branch) for branch in branches],
        "channels": [channels for _, channels in found],
    }


def _residual(shapes: Shapes, at: str) -> tuple[str, int]:
    """The kind of a residual block and its width before it is expanded."""
    kind = "bottleneck" if f"{at}conv3.weight" in shapes else "basic"
    return kind, shapes.outputs(f"{at}conv1.weight")


def _transformer(shapes: Shapes, at: str) -> tuple[Body, int]:
    """A transformer block with its options, and its width."""
    offsets, heads = shapes.of(f"{at}attn.attn.relative_position_bias_table")[:2]
    channels = shapes.outputs(f"{at}attn.attn.out_proj.weight")
    block = {
        "kind": "transformer",
        "head_channels": max(1, channels // max(1, heads)),
        "window": (isqrt(offsets) + 1) // BIASES,
        "mlp_ratio": max(1, shapes.outputs(f"{at}mlp.fc1.weight") // max(1, channels)),
    }
    return block, channels


def lite_hrnet(shapes: Shapes) -> Body:
    """Lite-HRNet's, whose stages are counted from 0: channel weighting or shuffle units."""
    numbers = takewhile(lambda i: shapes.count(f"stage{i}."), count())
    stages = [_lite_stage(shapes, f"stage{i}.") for i in numbers]
    naive = any(stage["block"] == "shuffle" for stage in stages)
    keys = {f"stage{i + 1}": f"stage{i}" for i in range(len(stages))}
    if naive:
        keys |= {
            f"stage{i + 1}.*.branches": "layers"
            for i, stage in enumerate(stages)
            if stage["block"] == "shuffle"
        }
    width = shapes.outputs("stem.linear_conv.conv.weight") + shapes.outputs(
        "stem.branch1.1.conv.weight"
    )
    stem = {"kind": "shuffle", "channels": width}
    inner = shapes.outputs("stem.conv1.conv.weight")
    return {
        "input": [shapes.of("stem.conv1.conv.weight")[1], 64, 64],
        "stem": stem | ({"inner": inner} if inner != width else {}),
        "transition": "separable",
        "stages": stages,
        "fuse": {"kind": "sum", "downsample": "depthwise", "finest_twice": True},
        "neck": "iterative" if shapes.count("head_layer.projects.") else None,
        "keys": keys,
    }


def _lite_stage(shapes: Shapes, at: str) -> Body:
    first = f"{at}0.layers.0."
    stage: Body = {"modules": shapes.count(at)}
    if f"{first}0.branch2.0.conv.weight" in shapes:
        branches = range(shapes.count(f"{at}0.layers."))
        widths = [f"{at}0.layers.{i}.0.branch2.0.conv.weight" for i in branches]
        blocks = [shapes.count(f"{at}0.layers.{i}.") for i in branches]
        stage |= {"block": "shuffle", "blocks": blocks}
    else:
        branches = range(shapes.count(f"{first}depthwise_convs."))
        widths = [f"{first}depthwise_convs.{i}.conv.weight" for i in branches]
        narrow, total = shapes.of(f"{first}cross_resolution_weighting.conv1.conv.weight")[:2]
        block = {"kind": "channel_weighting", "reduction": max(1, total // max(1, narrow))}
        stage |= {"block": block, "blocks": shapes.count(f"{at}0.layers.")}
    fuse = {} if shapes.count(f"{at}0.fuse_layers.") else {"fuse": "none"}
    channels = [2 * shapes.outputs(width) for width in widths]
    return {**stage, "branches": len(branches), "channels": channels, **fuse}


def ddrnet(shapes: Shapes) -> Body:
    """DDRNet's, of two branches: its width, the blocks of its first layers and its pooling's width.

    Source: ydhongHIT/DDRNet de0db31, segmentation/DDRNet_23.py and DDRNet_39.py.
    """
    deep = "layer3_1.0.conv1.weight" in shapes
    width, image = shapes.of("conv1.0.weight")[:2]
    return {
        "extends": "ddrnet39_seg_cityscapes" if deep else "ddrnet23_slim_seg_cityscapes",
        "input": [image, 64, 64],
        "width": width,
        "stem.channels": width,
        "neck.channels": shapes.outputs("spp.scale0.2.weight"),
        "labels": None,
    }


BODIES: Mapping[str, Callable[[Shapes], Body]] = {
    "conv1.weight": hrnet,
    "mlp.fc1.weight": hrformer,
    "depthwise_convs.0.conv.weight": lite_hrnet,
    "branch2.0.conv.weight": lite_hrnet,
}
"""The key by which a dialect knows the first block -> what reads such a network's body."""
