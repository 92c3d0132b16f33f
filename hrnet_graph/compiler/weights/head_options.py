"""The options of a published head, read off the shapes of its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

from hrnet_graph.compiler.weights.shapes import Shape, Shapes

Options = dict[str, Any]


def _classification(shapes: Shapes) -> Options:
    return {"classes": shapes.outputs("classifier.weight")}


def _ocr(shapes: Shapes) -> Options:
    return {
        "classes": shapes.outputs("cls_head.weight"),
        "features": shapes.outputs("conv3x3_ocr.0.weight"),
        "keys": shapes.outputs("ocr_distri_head.object_context_block.f_pixel.0.weight"),
    }


def _segmentation(shapes: Shapes) -> Options:
    classes, *_, kernel = shapes.of("last_layer.3.weight")
    return {"classes": classes, "kernel": kernel}


def _norm_first(shapes: Shapes) -> Options:
    inner = {
        "classes": shapes.outputs("final_layer.conv2.weight"),
        "inner": shapes.outputs("final_layer.conv1.weight"),
    }
    auxiliary = "seghead_extra.conv1.weight" in shapes
    return inner | ({"auxiliary": "stage3.0"} if auxiliary else {})


def _landmark(shapes: Shapes) -> Options:
    points, *_, kernel = shapes.of("head.3.weight")
    return {"points": points, "kernel": kernel, **_deconv(shapes)}


def _heatmap(shapes: Shapes) -> Options:
    joints, *_, kernel = shapes.of("final_layer.weight")
    return {"joints": joints, "kernel": kernel, **_deconv(shapes)}


def _deconv(shapes: Shapes) -> Options:
    """The widths and the kernels of transposed convolutions, every third layer."""
    layers: list[Shape] = []
    while (key := f"deconv_layers.{3 * len(layers)}.weight") in shapes:
        layers.append(shapes.of(key))
    if not layers:
        return {}
    return {"deconv": [row[1] for row in layers], "deconv_kernels": [row[-1] for row in layers]}


def _upernet(shapes: Shapes) -> Options:
    count = shapes.count("psp_modules.")
    return {
        "classes": shapes.outputs("conv_seg.weight"),
        "channels": shapes.outputs("fpn_bottleneck.conv.weight"),
        "pool_scales": [*range(1, count + 1)],
    }


def _simcc(shapes: Shapes) -> Options:
    joints, *_, kernel = shapes.of("final_layer.weight")
    (width, cells), (height, _) = (shapes.of(f"mlp_head_{axis}.weight") for axis in "xy")
    ratio = round(sqrt(width * height / (16 * cells)), 3)
    return {"joints": joints, "kernel": kernel, "split_ratio": ratio}


def image_of_simcc(shapes: Shapes) -> tuple[int, int]:
    """The height and width of the only image that such a network takes."""
    ratio = _simcc(shapes)["split_ratio"]
    width, height = (shapes.outputs(f"mlp_head_{axis}.weight") for axis in "xy")
    return round(height / ratio), round(width / ratio)


def _regression(shapes: Shapes) -> Options:
    return {"joints": max(1, shapes.outputs("fc.weight") // 2)}


def _pyramid(shapes: Shapes) -> Options:
    channels = shapes.outputs("neck.reduction_conv.0.weight")
    return {"channels": channels, "levels": shapes.count("neck.fpn_conv.")}


def _bottom_up(shapes: Shapes) -> Options:
    joints = shapes.outputs("final_layers.1.weight")
    return {
        "joints": joints,
        "tags": shapes.outputs("final_layers.0.weight") != joints,
        "channels": shapes.of("deconv_layers.0.0.0.weight")[1],
        "blocks": shapes.count("deconv_layers.0.") - 1,
    }


def _dekr(shapes: Shapes) -> Options:
    joints = shapes.count("offset_final_layer.")
    return {
        "joints": joints,
        "channels": shapes.outputs("transition_heatmap.0.weight"),
        "joint_channels": max(1, shapes.outputs("transition_offset.0.weight") // max(1, joints)),
        "blocks": shapes.count("head_heatmap.0."),
        "joint_blocks": shapes.count("offset_feature_layers.0."),
        "kernel": shapes.of("head_heatmap.1.weight")[-1],
    }


HEADS: Mapping[str, Callable[[Shapes], Options]] = {
    "classification": _classification,
    "ocr": _ocr,
    "segmentation": _segmentation,
    "landmark": _landmark,
    "heatmap": _heatmap,
    "upernet": _upernet,
    "simcc": _simcc,
    "regression": _regression,
    "feature_pyramid": _pyramid,
    "bottom_up": _bottom_up,
    "dekr": _dekr,
    "features": lambda shapes: {},
    "norm first": _norm_first,
}
"""Head, and the one of DDRNet -> what reads its options. Raises `FileError` for missing layers."""
