"""The head of pose by classification of coordinates (SimCC)."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Annotated

from annotated_types import Gt, Le

from hrnet_graph.errors import RuleError
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.ops import FlattenPixels, Linear
from hrnet_graph.rules.options import Channels, Kernel


def simcc(
    b: Builder,
    maps: Sequence[Value],
    *,
    joints: Channels,
    split_ratio: Annotated[float, Gt(0), Le(16)] = 2.0,
    kernel: Kernel = 1,
) -> dict[str, Value]:
    """Every joint's column and row as classes, from the finest branch alone.

    maps[0]: (C, H, W) -> x: (joints, split_ratio * image's width), y: (joints, split_ratio * its
    height) logits, for an image of the spec's size alone

    joints: Number of joints.
    split_ratio: Classes for a pixel of the image.
    kernel: Side of the convolution, in pixels; odd.

    Source: Li et al., "SimCC", ECCV 2022, section 3; for the layers, mmpose 1.3,
    models/heads/coord_cls_heads/simcc_head.py, without deconvolution.
    """
    x = b.conv("final_layer", maps[0], joints, kernel, bias=True)
    flat = b.add("flatten", FlattenPixels(), x)
    height, width = b.image.type.size
    logits = {}
    for axis, extent in (("x", width), ("y", height)):
        classes = int(extent * split_ratio)
        if not classes:
            problem = f"leaves no class for {extent} pixels of {axis}"
            hint = f"{ceil(1000 / extent) / 1000:g} leaves one"
            raise RuleError(f"{split_ratio:g} {problem}", hint, option=("split_ratio",))
        logits[axis] = b.add(f"mlp_head_{axis}", Linear(classes), flat)
    return logits
