"""Mmpose's heads, each as the spec's head with the same layers, or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config
from hrnet_graph.spec.importers.norm import own_norm
from hrnet_graph.spec.importers.openmmlab_expect import (
    BACKBONE_ONLY,
    Norm,
    Part,
    Stages,
    expect_maps,
    expect_widths,
)
from hrnet_graph.spec.importers.stages import NORMAL, widths_of


def _heatmap(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 1.x. Source: mmpose 1.3, models/heads/heatmap_heads/heatmap_head.py."""
    widths, kernels = (f"{key}.deconv_{name}" for name in ("out_channels", "kernel_sizes"))
    deconv = _deconv(config, key, norm, widths, kernels, (256, 256, 256), (4, 4, 4))
    _expect_codec(config, key)
    points = config.integer(f"{key}.out_channels")
    final = _final_layer(config, key)
    convs = list(config.get(f"{key}.conv_out_channels") or ())
    _expect_joined(config, key, f"{key}.conv_out_channels", convs)
    sides = list(config.get(f"{key}.conv_kernel_sizes") or ())
    return _keypoints(config, key, stages, norm, points, final, convs, sides, deconv)


def _deconv(
    config: Config,
    key: str,
    norm: Norm,
    widths: str,
    kernels: str,
    usual_widths: Sequence[int],
    usual_kernels: Sequence[int],
) -> Part:
    """The options of the spec's head for transposed convolutions, none where there are none."""
    rows = []
    for place, usual in ((widths, usual_widths), (kernels, usual_kernels)):
        found = config.get(place, usual) or ()
        if not isinstance(found, list | tuple) or not all(type(n) is int for n in found):
            config.refuse(place, f"expected a list of whole numbers, got {quoted(found)}")
        rows.append(list(found))
    if not rows[0]:
        return {}
    if len(rows[1]) != len(rows[0]) or not all(2 <= side <= 4 for side in rows[1]):
        expected = f"expected {len(rows[0])} kernels of 2 to 4 pixels"
        config.refuse(kernels, f"{expected}, one a deconvolution, got {quoted(rows[1])}")
    sides = {} if set(rows[1]) == {4} else {"deconv_kernels": rows[1]}
    return {"deconv": rows[0], **sides, **own_norm(norm, None)}


def _final_layer(config: Config, key: str) -> int:
    """The kernel of the last convolution, which keeps the size of the map."""
    if config.states(f"{key}.final_layer") and not config.has(f"{key}.final_layer"):
        config.refuse(f"{key}.final_layer", "a head without a last convolution is not known here")
    kernel: int = config.expect(f"{key}.final_layer.kernel_size", 1, 3, 5, 7, default=1)
    config.expect(f"{key}.final_layer.padding", kernel // 2, default=0)
    config.expect(f"{key}.final_layer.type", "Conv2d", "Conv", default="Conv2d")
    return kernel


def _expect_codec(config: Config, key: str) -> None:
    """That maps are heatmaps, one a joint, and not offsets too."""
    for codec in (f"{key}.decoder", "codec"):
        if config.has(f"{codec}.type"):
            config.expect(f"{codec}.type", "MSRAHeatmap", "UDPHeatmap", "MegviiHeatmap")
        config.expect(f"{codec}.heatmap_type", "gaussian", default="gaussian")


def _simple(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 0.x. Source: mmpose 0.x, models/heads/topdown_heatmap_simple_head.py."""
    layers = config.integer(f"{key}.num_deconv_layers", 3)
    filters, sides = (f"{key}.num_deconv_{name}" for name in ("filters", "kernels"))
    if layers:
        deconv = _deconv(config, key, norm, filters, sides, (256, 256, 256), (4, 4, 4))
        if len(deconv.get("deconv", ())) != layers:
            config.refuse(filters, f"expected {layers} widths, as `num_deconv_layers` says")
    else:
        deconv = {}
        config.get(filters)
        config.get(sides)
    final: int = config.expect(f"{key}.extra.final_conv_kernel", 1, 3, default=1)
    count = config.integer(f"{key}.extra.num_conv_layers", 0)
    kernels = list(config.get(f"{key}.extra.num_conv_kernels") or ())
    width = deconv["deconv"][-1] if deconv else sum(widths_of(stages[-1]))
    points = config.integer(f"{key}.out_channels")
    convs = [width] * count
    _expect_joined(config, key, f"{key}.extra.num_conv_layers", convs)
    return _keypoints(config, key, stages, norm, points, final, convs, kernels, deconv)


def _keypoints(
    config: Config,
    key: str,
    stages: Stages,
    norm: Norm,
    points: int,
    kernel: int,
    convs: Sequence[Any],
    kernels: Sequence[Any],
    deconv: Part,
) -> Part:
    """One convolution on the finest branch, or the landmark head on all branches together."""
    widths = widths_of(stages[-1])
    if not convs:
        _expect_single_map(config, key)
        expect_maps(config, stages, all_of_them=False)
        expect_widths(config, f"{key}.in_channels", widths[0])
        head = {"kind": "heatmap", "joints": points, "kernel": kernel, **deconv}
        return {"head": head, "init": NORMAL}
    _expect_all_maps(config, key, stages)
    width = deconv["deconv"][-1] if deconv else sum(widths)
    if list(convs) != [width] or list(kernels) != [1]:
        problem = f"expected one convolution 1x1 of {width} channels before the last, got"
        config.refuse(key, f"{problem} {quoted(list(convs))} with kernels {quoted(list(kernels))}")
    own = own_norm(norm, None)
    head = {"kind": "landmark", "points": points, "kernel": kernel, **deconv, **own}
    return {"head": head, "init": NORMAL}


def _expect_joined(config: Config, key: str, option: str, convs: Sequence[Any]) -> None:
    """That an option has convolutions before the last of all branches together alone."""
    if convs and not (config.has("model.neck") or config.states(f"{key}.input_transform")):
        expected = "expected no convolution before the last, since the head reads one branch"
        config.refuse(option, f"{expected}, got {quoted(config.get(option))}", BACKBONE_ONLY)


def _expect_single_map(config: Config, key: str) -> None:
    """That nothing stands between backbone and head."""
    if config.has("model.neck"):
        kind = config.kind("model.neck.type")
        config.refuse("model.neck", f"no such neck before a heatmap head is known: {quoted(kind)}")
    config.expect(f"{key}.in_index", 0, -1, [0], default=0)
    config.expect(f"{key}.input_transform", None)
    config.get(f"{key}.align_corners")


def _expect_concat(config: Config, key: str, branches: int) -> None:
    """That all branches are resized to the finest, corners not aligned, and concatenated."""
    every = list(range(branches))
    if config.has("model.neck"):
        neck = "model.neck"
        config.expect(f"{neck}.type", "FeatureMapProcessor")
        config.expect(f"{neck}.concat", True, default=False)
        config.expect(f"{neck}.select_index", None, every)
        config.expect(f"{neck}.scale_factor", 1.0, 1, default=1.0)
        config.expect(f"{neck}.apply_relu", False, default=False)
        config.expect(f"{neck}.align_corners", False, default=False)
        return
    if not config.states(f"{key}.input_transform"):
        what = "missing; expected a FeatureMapProcessor with concat=True, since the head reads all"
        config.refuse("model.neck", f"{what} branches together", BACKBONE_ONLY)
    config.expect(f"{key}.input_transform", "resize_concat")
    config.expect(f"{key}.in_index", every)
    config.expect(f"{key}.align_corners", False, default=False)


def _expect_all_maps(config: Config, key: str, stages: Stages) -> list[int]:
    """That a head reads all branches together; their widths."""
    widths = widths_of(stages[-1])
    _expect_concat(config, key, len(widths))
    expect_maps(config, stages, all_of_them=True)
    expect_widths(config, f"{key}.in_channels", sum(widths), list(widths))
    return widths


def _higher(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 0.x. Source: mmpose 0.x, models/heads/ae_higher_resolution_head.py."""
    _expect_single_map(config, key)
    expect_maps(config, stages, all_of_them=False)
    expect_widths(config, f"{key}.in_channels", widths_of(stages[-1])[0])
    config.expect(f"{key}.tag_per_joint", True, default=True)
    config.expect(f"{key}.num_deconv_layers", 1, default=1)
    config.expect(f"{key}.num_deconv_kernels", [4], default=[4])
    config.expect(f"{key}.cat_output", [True])
    config.expect(f"{key}.extra.final_conv_kernel", 1, default=1)
    tags = config.expect(f"{key}.with_ae_loss", [True, False], [False, False])
    head = {
        "kind": "bottom_up",
        "joints": config.integer(f"{key}.num_joints"),
        "channels": (config.integers(f"{key}.num_deconv_filters") or [32])[0],
        "blocks": config.integer(f"{key}.num_basic_blocks", 4),
        **({} if tags[0] else {"tags": False}),
        **own_norm(norm, None),
    }
    return {"head": head, "init": NORMAL}


def _dekr(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 1.x and 0.x. Source: mmpose 1.3, models/heads/hybrid_heads/dekr_head.py."""
    widths = _expect_all_maps(config, key, stages)
    config.expect(f"{key}.decoder.type", "SPR", default="SPR")
    config.leave(f"{key}.rescore_cfg", "what rescores poses: predict takes the official one")
    old = config.has(f"{key}.num_joints")
    width = "num_offset_filters_per_joint" if old else "num_displacement_filters_per_keypoint"
    head = {
        "kind": "dekr",
        "joints": config.integer(f"{key}.{'num_joints' if old else 'num_keypoints'}"),
        "joint_channels": config.integer(f"{key}.{width}", 15),
        **own_norm(norm, None),
    }
    channels = config.integer(f"{key}.num_heatmap_filters", 32)
    head |= {} if channels == widths[0] else {"channels": channels}
    return {"head": head, "init": {**NORMAL, "conv_bias": "zero"}}


def _regression(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 1.x. Source: mmpose 1.3, models/heads/regression_heads/regression_head.py."""
    config.expect("model.neck.type", "GlobalAveragePooling")
    expect_maps(config, stages, all_of_them=False)
    expect_widths(config, f"{key}.in_channels", widths_of(stages[-1])[0])
    for codec in (f"{key}.decoder", "codec"):
        if config.has(f"{codec}.type"):
            config.expect(f"{codec}.type", "RegressionLabel")
    joints = config.integer(f"{key}.num_joints")
    return {"head": {"kind": "regression", "joints": joints}, "init": NORMAL}


def _simcc(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 1.x. Source: mmpose 1.3, models/heads/coord_cls_heads/simcc_head.py."""
    _expect_single_map(config, key)
    expect_maps(config, stages, all_of_them=False)
    expect_widths(config, f"{key}.in_channels", widths_of(stages[-1])[0])
    for layers in ("deconv_out_channels", "conv_out_channels"):
        usual = (256, 256, 256) if layers[0] == "d" else None
        config.expect(f"{key}.{layers}", None, [], default=usual)
        config.get(f"{key}.{layers.replace('out_channels', 'kernel_sizes')}")
    for unread in ("deconv_type", "deconv_num_groups"):
        config.get(f"{key}.{unread}")
    width, height = config.size(f"{key}.input_size")
    config.expect(f"{key}.in_featuremap_size", [-(-width // 4), -(-height // 4)])
    ratio = config.number(f"{key}.simcc_split_ratio", 2.0)
    for codec in (f"{key}.decoder", "codec"):
        if config.has(f"{codec}.type"):
            config.expect(f"{codec}.type", "SimCCLabel")
        if config.has(f"{codec}.input_size"):
            config.expect(f"{codec}.input_size", [width, height])
    head = {"kind": "simcc", "joints": config.integer(f"{key}.out_channels"), "split_ratio": ratio}
    return {"head": {**head, "kernel": _final_layer(config, key)}, "init": NORMAL}


POSE_HEADS: Mapping[str, Callable[[Config, str, Stages, Norm], Part]] = {
    "HeatmapHead": _heatmap,
    "RegressionHead": _regression,
    "SimCCHead": _simcc,
    "TopdownHeatmapSimpleHead": _simple,
    "TopDownSimpleHead": _simple,
    "AEHigherResolutionHead": _higher,
    "BottomUpHigherResolutionHead": _higher,
    "DEKRHead": _dekr,
}
"""Mmpose's classes whose layers a head of the spec language has."""
