"""OpenMMLab's necks and heads, each as the spec's head with the same layers, or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config
from hrnet_graph.spec.importers.norm import own_norm, read_norm
from hrnet_graph.spec.importers.openmmlab_expect import (
    BACKBONE_ONLY,
    Norm,
    Part,
    Stages,
    expect_maps,
    expect_widths,
)
from hrnet_graph.spec.importers.openmmlab_pose import POSE_HEADS
from hrnet_graph.spec.importers.stages import widths_of

DETECTOR_PARTS = ("rpn_head", "roi_head", "bbox_head", "mask_head", "semantic_head")
"""What a detector has behind its pyramid; torchvision's heads take their place here."""


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
        config.refuse(f"{section}.type", what, BACKBONE_ONLY)
    return read(config, section, stages, norm)


def _fcn(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmsegmentation's FCN. Source: mmsegmentation 1.2, models/decode_heads/fcn_head.py."""
    head = _pixel_classifier(config, key, stages, norm)
    return {"head": {"kind": "segmentation", **head}}


def _pixel_classifier(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Classes and corners of an FCN head with the one convolution of the published networks."""
    width = sum(widths_of(stages[-1]))
    own = _dense(config, key, stages, norm)
    config.expect(f"{key}.num_convs", 1, default=2)
    config.expect(f"{key}.kernel_size", 1, default=3)
    config.expect(f"{key}.concat_input", False, default=True)
    config.expect(f"{key}.dilation", 1, default=1)
    config.expect(f"{key}.channels", width)
    return {**_classes(config, key), **own}


def _dense(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """What every head of mmsegmentation that reads all branches has to say, and its own norm.

    Source: mmsegmentation 1.2, models/decode_heads/decode_head.py.
    """
    config.expect(f"{key}.input_transform", "resize_concat")
    return _layers(config, key, stages, norm)


def _layers(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """What a head says of the maps that it reads and of its layers, and its own norm."""
    widths = widths_of(stages[-1])
    expect_maps(config, stages, all_of_them=True)
    config.expect(f"{key}.in_index", list(range(len(widths))), default=-1)
    config.expect(f"{key}.in_channels", list(widths))
    config.expect(f"{key}.conv_cfg", None, {"type": "Conv2d"}, {"type": "Conv"})
    config.expect(f"{key}.act_cfg", {"type": "ReLU"}, default={"type": "ReLU"})
    if not config.has(f"{key}.norm_cfg"):
        config.refuse(f"{key}.norm_cfg", "missing; the head has no normalisation, ours has one")
    if config.has("model.neck"):
        kind = config.kind("model.neck.type")
        config.refuse("model.neck", f"no such neck before this head is known: {quoted(kind)}")
    return own_norm(norm, read_norm(config, f"{key}.norm_cfg"))


def _uper(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmsegmentation's UPerNet. Source: mmsegmentation 1.2, models/decode_heads/uper_head.py."""
    config.expect(f"{key}.input_transform", None, "multiple_select")
    own = _layers(config, key, stages, norm)
    channels = config.integer(f"{key}.channels")
    head = {"kind": "upernet", **_classes(config, key), "channels": channels, **own}
    del head["bias"]
    if config.has(f"{key}.pool_scales"):
        head["pool_scales"] = config.integers(f"{key}.pool_scales")
    head["dropout"] = max(config.number(f"{key}.dropout_ratio", 0.1), 0.0)
    return {"head": head}


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
        config.refuse(section, f"expected FCNHead and OCRHead, got {got}", BACKBONE_ONLY)
    config.expect("model.num_stages", 2, default=2)
    coarse = _pixel_classifier(config, first, stages, norm)
    own = _dense(config, second, stages, norm)
    config.expect(f"{second}.scale", 1, default=1)
    head = {**_classes(config, second), **own}
    if head != coarse:
        config.refuse(second, "expected the classes, corners and norm of the head before it")
    features = config.integer(f"{second}.channels")
    keys = config.integer(f"{second}.ocr_channels")
    dropout = max(config.number(f"{second}.dropout_ratio", 0.1), 0.0)
    head |= {"kind": "ocr", "features": features, "keys": keys, "dropout": dropout}
    return {"head": head}


def _pyramid(config: Config, key: str, stages: Stages, norm: Norm) -> Part:
    """Mmdet's HRFPN, and HRNet-Object-Detection's. Source: mmdet 3.3, models/necks/hrfpn.py."""
    expect_maps(config, stages, all_of_them=True)
    expect_widths(config, f"{key}.in_channels", list(widths_of(stages[-1])))
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
    expect_maps(config, stages, all_of_them=True)
    config.expect(f"{fuse}.in_channels", list(widths))
    own = own_norm(norm, read_norm(config, f"{fuse}.norm_cfg"))
    features = config.integer(f"{fuse}.out_channels", 2048)
    config.expect(f"{key}.in_channels", features)
    config.assumed.append(
        "biases of the head's convolutions, as published; mmpretrain has none, for its norms make "
        "up for them (--set head.bias=false leaves them out)"
    )
    head = {"kind": "classification", "classes": config.integer(f"{key}.num_classes"), **own}
    return {"head": head if features == 2048 else {**head, "features": features}}


_HEADS: Mapping[str, Callable[[Config, str, Stages, Norm], Part]] = {
    **POSE_HEADS,
    "FCNHead": _fcn,
    "UPerHead": _uper,
    "HRFPN": _pyramid,
    "LinearClsHead": _linear,
}
"""The classes whose layers a head of the spec language has."""
