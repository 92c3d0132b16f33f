"""OpenMMLab's necks and heads, each as the spec's head with the same layers, or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config
from hrnet_graph.spec.importers.norm import read_norm
from hrnet_graph.spec.importers.stages import NORMAL, widths_of

Stages = Sequence[Mapping[str, Any]]
Norm = Mapping[str, Any] | None
Part = dict[str, Any]

DETECTOR_PARTS = ("rpn_head", "roi_head", "bbox_head", "mask_head", "semantic_head")
"""What a detector has behind its pyramid; torchvision's heads take their place here."""

_BACKBONE_ONLY = "--backbone-only imports the backbone alone, with the maps of its last stage"


def head_section(config: Config) -> str | None:
    """The section of the config that says what the network makes of its branches."""
    if config.kind("model.neck.type") == "HRFPN":
        return "model.neck"
    sections = ("model.decode_head", "model.keypoint_head", "model.head", "model.neck")
    return next((section for section in sections if config.has(section)), None)


def read_head(config: Config, section: str, stages: Stages, norm: Norm) -> Part:
    """The spec's head, and what of the spec comes with it, from the section that says it.

    Raises `FileError` if no head of this language has those layers.
    """
    if section == "model.decode_head" and isinstance(config.get(section), list | tuple):
        return _cascade(config, section, stages, norm)
    kind = config.kind(f"{section}.type")
    read = _HEADS.get(kind or "")
    if read is None:
        what = f"no head of the spec language is {quoted(kind)} (known: {', '.join(_HEADS)})"
        config.refuse(f"{section}.type", what, _BACKBONE_ONLY)
    return read(config, section, stages, norm)


def _expect_maps(config: Config, stages: Stages, all_of_them: bool) -> None:
    """That the backbone hands on what the head reads: all branches, or the finest alone."""
    if all_of_them == ("outputs" in stages[-1]):
        key = "model.backbone"
        expected = "all branches" if all_of_them else "the finest branch alone"
        config.refuse(key, f"its head reads {expected}, `multiscale_output` says otherwise")


def _expect_widths(config: Config, key: str, *known: Any) -> None:
    """That a head is as wide as the maps it reads, where it says so."""
    if config.has(key):
        config.expect(key, *known)


def _expect_no_other_norm(config: Config, key: str, norm: Norm) -> None:
    """That a head's normalisation is the backbone's, since a spec has one for all."""
    theirs = read_norm(config, key) or {}
    ours = dict(norm or {})
    alike = ("batch", "sync_batch")
    kinds = [each.get("kind", "batch") for each in (theirs, ours)]
    if kinds[0] != kinds[1] and not all(kind in alike for kind in kinds):
        config.refuse(key, f"expected {kinds[1]} normalisation, as in the backbone, got {kinds[0]}")
    for name in ("eps", "groups"):
        if theirs.get(name) != ours.get(name):
            config.refuse(key, f"expected the backbone's {name}, got {quoted(theirs.get(name))}")


def _expect_batch_norm(config: Config, key: str, norm: Norm) -> None:
    if norm and norm.get("kind") == "group":
        config.refuse(key, "its layers have batch normalisation, the backbone has group", "")


def _heatmap(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 1.x. Source: mmpose 1.3, models/heads/heatmap_heads/heatmap_head.py."""
    deconv = f"{key}.deconv_out_channels"
    if widths := config.get(deconv, (256, 256, 256)):
        default = "" if config.states(deconv) else ", mmpose's default"
        problem = f"deconvolutions of {quoted(widths)} channels{default}: no head here has them"
        config.refuse(deconv, problem, _BACKBONE_ONLY)
    config.get(f"{key}.deconv_kernel_sizes")
    _expect_codec(config, key)
    points = config.integer(f"{key}.out_channels")
    final = _final_layer(config, key)
    convs = list(config.get(f"{key}.conv_out_channels") or ())
    kernels = list(config.get(f"{key}.conv_kernel_sizes") or ())
    return _keypoints(config, key, stages, norm, points, final, convs, kernels)


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
    if config.integer(f"{key}.num_deconv_layers", 3) != 0:
        problem = "expected no deconvolution layers, which the spec language has not"
        config.refuse(f"{key}.num_deconv_layers", f"{problem} (mmpose's default is 3)")
    for name in ("num_deconv_filters", "num_deconv_kernels"):
        config.get(f"{key}.{name}")
    final: int = config.expect(f"{key}.extra.final_conv_kernel", 1, 3, default=1)
    count = config.integer(f"{key}.extra.num_conv_layers", 0)
    kernels = list(config.get(f"{key}.extra.num_conv_kernels") or ())
    width = sum(widths_of(stages[-1]))
    points = config.integer(f"{key}.out_channels")
    return _keypoints(config, key, stages, norm, points, final, [width] * count, kernels)


def _keypoints(
    config: Config,
    key: str,
    stages: Stages,
    norm: Norm,
    points: int,
    kernel: int,
    convs: Sequence[Any],
    kernels: Sequence[Any],
) -> Part:
    """One convolution on the finest branch, or the landmark head on all branches together."""
    widths = widths_of(stages[-1])
    if not convs:
        _expect_single_map(config, key)
        _expect_maps(config, stages, all_of_them=False)
        _expect_widths(config, f"{key}.in_channels", widths[0])
        return {"head": {"kind": "heatmap", "joints": points, "kernel": kernel}, "init": NORMAL}
    _expect_all_maps(config, key, stages, norm)
    if list(convs) != [sum(widths)] or list(kernels) != [1]:
        problem = f"expected one convolution 1x1 of {sum(widths)} channels before the last, got"
        config.refuse(key, f"{problem} {quoted(list(convs))} with kernels {quoted(list(kernels))}")
    head = {"kind": "landmark", "points": points, "kernel": kernel}
    return {"head": head, "init": NORMAL}


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
    config.expect(f"{key}.input_transform", "resize_concat")
    config.expect(f"{key}.in_index", every)
    config.expect(f"{key}.align_corners", False, default=False)


def _expect_all_maps(config: Config, key: str, stages: Stages, norm: Norm) -> list[int]:
    """That a head reads all branches together, with batch normalisation; their widths."""
    widths = widths_of(stages[-1])
    _expect_concat(config, key, len(widths))
    _expect_maps(config, stages, all_of_them=True)
    _expect_batch_norm(config, key, norm)
    _expect_widths(config, f"{key}.in_channels", sum(widths), list(widths))
    return widths


def _higher(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 0.x. Source: mmpose 0.x, models/heads/ae_higher_resolution_head.py."""
    _expect_single_map(config, key)
    _expect_maps(config, stages, all_of_them=False)
    _expect_batch_norm(config, key, norm)
    _expect_widths(config, f"{key}.in_channels", widths_of(stages[-1])[0])
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
    }
    return {"head": head, "init": NORMAL}


def _dekr(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpose 1.x and 0.x. Source: mmpose 1.3, models/heads/hybrid_heads/dekr_head.py."""
    widths = _expect_all_maps(config, key, stages, norm)
    config.expect(f"{key}.decoder.type", "SPR", default="SPR")
    config.leave(f"{key}.rescore_cfg", "what rescores poses: predict takes the official one")
    old = config.has(f"{key}.num_joints")
    width = "num_offset_filters_per_joint" if old else "num_displacement_filters_per_keypoint"
    head = {
        "kind": "dekr",
        "joints": config.integer(f"{key}.{'num_joints' if old else 'num_keypoints'}"),
        "joint_channels": config.integer(f"{key}.{width}", 15),
    }
    channels = config.integer(f"{key}.num_heatmap_filters", 32)
    head |= {} if channels == widths[0] else {"channels": channels}
    return {"head": head, "init": {**NORMAL, "conv_bias": "zero"}}


def _fcn(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmsegmentation's FCN. Source: mmsegmentation 1.2, models/decode_heads/fcn_head.py."""
    head = _pixel_classifier(config, key, stages, norm)
    return {"head": {"kind": "segmentation", **head}}


def _pixel_classifier(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Classes and corners of an FCN head with the one convolution of the published networks."""
    width = sum(widths_of(stages[-1]))
    _expect_dense(config, key, stages, norm)
    config.expect(f"{key}.num_convs", 1, default=2)
    config.expect(f"{key}.kernel_size", 1, default=3)
    config.expect(f"{key}.concat_input", False, default=True)
    config.expect(f"{key}.dilation", 1, default=1)
    config.expect(f"{key}.channels", width)
    return _classes(config, key)


def _expect_dense(config: Config, key: str, stages: Stages, norm: Norm) -> None:
    """What every head of mmsegmentation that reads all branches has to say.

    Source: mmsegmentation 1.2, models/decode_heads/decode_head.py.
    """
    widths = widths_of(stages[-1])
    _expect_maps(config, stages, all_of_them=True)
    config.expect(f"{key}.input_transform", "resize_concat")
    config.expect(f"{key}.in_index", list(range(len(widths))), default=-1)
    config.expect(f"{key}.in_channels", list(widths))
    config.expect(f"{key}.conv_cfg", None, {"type": "Conv2d"}, {"type": "Conv"})
    config.expect(f"{key}.act_cfg", {"type": "ReLU"}, default={"type": "ReLU"})
    if not config.has(f"{key}.norm_cfg"):
        config.refuse(f"{key}.norm_cfg", "missing; the head has no normalisation, ours has one")
    _expect_no_other_norm(config, f"{key}.norm_cfg", norm)
    if config.has("model.neck"):
        kind = config.kind("model.neck.type")
        config.refuse("model.neck", f"no such neck before this head is known: {quoted(kind)}")


def _classes(config: Config, key: str) -> Part:
    classes = config.integer(f"{key}.num_classes")
    config.expect(f"{key}.out_channels", None, classes)
    aligned = config.flag(f"{key}.align_corners", False)
    return {"classes": classes, "align_corners": aligned, "bias": False}


def _cascade(config: Config, section: str, stages: Stages, norm: Norm) -> Part:
    """An FCN and the OCR head behind it. Source: mmsegmentation 1.2, decode_heads/ocr_head.py."""
    first, second = f"{section}.0", f"{section}.1"
    kinds = [config.kind(f"{section}.{i}.type") for i in range(len(config.get(section)))]
    if kinds != ["FCNHead", "OCRHead"]:
        got = ", ".join(map(str, kinds))
        config.refuse(section, f"expected FCNHead and OCRHead, got {got}", _BACKBONE_ONLY)
    config.expect("model.num_stages", 2, default=2)
    coarse = _pixel_classifier(config, first, stages, norm)
    _expect_dense(config, second, stages, norm)
    config.expect(f"{second}.scale", 1, default=1)
    head = _classes(config, second)
    if head != coarse:
        config.refuse(second, "expected the classes and corners of the head before it")
    features = config.integer(f"{second}.channels")
    keys = config.integer(f"{second}.ocr_channels")
    dropout = max(config.number(f"{second}.dropout_ratio", 0.1), 0.0)
    head |= {"kind": "ocr", "features": features, "keys": keys, "dropout": dropout}
    return {"head": head}


def _pyramid(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmdet's HRFPN, and HRNet-Object-Detection's. Source: mmdet 3.3, models/necks/hrfpn.py."""
    _expect_maps(config, stages, all_of_them=True)
    _expect_widths(config, f"{key}.in_channels", list(widths_of(stages[-1])))
    for name in ("pooling_type", "pooling"):
        config.expect(f"{key}.{name}", "AVG", default="AVG")
    config.expect(f"{key}.conv_cfg", None)
    config.expect(f"{key}.share_conv", False, default=False)
    if config.has(f"{key}.norm_cfg"):
        config.assumed.append(f"no normalisation in the pyramid: HRFPN never reads {key}.norm_cfg")
        read_norm(config, f"{key}.norm_cfg")
        config.get(f"{key}.norm_cfg.requires_grad")
    stride = f"{key}.conv_stride" if config.has(f"{key}.conv_stride") else f"{key}.stride"
    head = {
        "kind": "feature_pyramid",
        "channels": config.integer(f"{key}.out_channels"),
        "levels": config.integer(f"{key}.num_outs", 5),
        "stride": config.integer(stride, 1),
    }
    for part in DETECTOR_PARTS:
        config.leave(f"model.{part}", f"{config.described(f'model.{part}')}: torchvision's is used")
    return {"head": head, "backbone": "backbone"}


def _linear(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmpretrain's classifier. Source: mmpretrain 1.2, models/necks/hr_fuse.py, linear_head.py."""
    widths = widths_of(stages[-1])
    fuse, pool = "model.neck.0", "model.neck.1"
    for place, kind in ((fuse, "HRFuseScales"), (pool, "GlobalAveragePooling")):
        if config.kind(f"{place}.type") != kind:
            config.refuse("model.neck", "expected HRFuseScales and GlobalAveragePooling")
    _expect_maps(config, stages, all_of_them=True)
    _expect_batch_norm(config, fuse, norm)
    config.expect(f"{fuse}.in_channels", list(widths))
    if config.has(f"{fuse}.norm_cfg"):
        _expect_no_other_norm(config, f"{fuse}.norm_cfg", norm)
    features = config.integer(f"{fuse}.out_channels", 2048)
    config.expect(f"{key}.in_channels", features)
    config.assumed.append(
        "biases of the head's convolutions, as published; mmpretrain has none, for its norms make "
        "up for them (--set head.bias=false leaves them out)"
    )
    head = {"kind": "classification", "classes": config.integer(f"{key}.num_classes")}
    return {"head": head if features == 2048 else {**head, "features": features}}


_HEADS: Mapping[str, Callable[[Config, str, Stages, Norm], Part]] = {
    "HeatmapHead": _heatmap,
    "TopdownHeatmapSimpleHead": _simple,
    "TopDownSimpleHead": _simple,
    "AEHigherResolutionHead": _higher,
    "BottomUpHigherResolutionHead": _higher,
    "DEKRHead": _dekr,
    "FCNHead": _fcn,
    "HRFPN": _pyramid,
    "LinearClsHead": _linear,
}
"""The classes whose layers a head of the spec language has."""
