"""The published repositories' configs: YAML in the manner of yacs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hrnet_graph.errors import FileError, quoted
from hrnet_graph.spec.importers.config import BILINEAR, NORMAL, Config, Imported, read_stage
from hrnet_graph.spec.importers.images import read_labels

STEM_STAGE = {"block": "bottleneck", "branches": 1, "modules": 1, "blocks": 4, "channels": [64]}
"""The first stage that the pose repositories hard-code."""

ZERO_BIAS = {**NORMAL, "conv_bias": "zero"}


def from_yacs(data: Mapping[str, Any]) -> Imported:
    """A published config as spec data. Raises `FileError` if it is of no network of this family.

    Source: the experiments of HRNet-Image-Classification, deep-high-resolution-net.pytorch,
    HRNet-Semantic-Segmentation, HRNet-Facial-Landmark-Detection and HigherHRNet.
    """
    config = Config(data)
    name = config.get("MODEL.NAME")
    if not isinstance(name, str) or name not in _TASKS:
        raise FileError(f"MODEL.NAME: expected one of {', '.join(_TASKS)}, got {quoted(name)}")
    spec = _TASKS[name](config)
    stages = _stages(config)
    if spec["head"]["kind"] in ("heatmap", "bottom_up"):
        stages[-1]["outputs"] = 1
    for key in ("MODEL.PRETRAINED", "MODEL.INIT_WEIGHTS"):
        config.get(key)
    spec |= read_labels(config, spec["head"], config.get("DATASET.DATASET"))
    return config.imported({**spec, "stages": stages})


def _stages(config: Config) -> list[dict[str, Any]]:
    stages = [dict(STEM_STAGE)] if config.get("MODEL.EXTRA.STAGE1") is None else []
    keys = (f"MODEL.EXTRA.STAGE{number}" for number in range(1, 9))
    stages += [_stage(config, key) for key in keys if config.get(key) is not None]
    if len(stages) < 2:
        raise FileError("MODEL.EXTRA.STAGE2: missing; expected the stages of the network")
    return stages


def _stage(config: Config, key: str) -> dict[str, Any]:
    method = config.get(f"{key}.FUSE_METHOD", "SUM")
    if method != "SUM":
        raise FileError(f"{key}.FUSE_METHOD: expected SUM, got {quoted(method)}")
    # One published file says NUM_RANCHES, and its network takes the count from elsewhere.
    stated = config.get(f"{key}.NUM_BRANCHES", config.get(f"{key}.NUM_RANCHES"))
    return read_stage(config, key, stated, str.upper)


def _input(config: Config, *keys: str) -> list[int]:
    """The image as (3, height, width), from the first key that states (width, height)."""
    for key in keys:
        if config.get(key) is not None:
            return config.image(key)
    raise FileError(f"{keys[0]}: missing; expected width and height of the image")


def _classification(config: Config) -> dict[str, Any]:
    classes = config.get("MODEL.NUM_CLASSES", config.get("DATASET.NUM_CLASSES"))
    if classes is None:
        config.assumed.append("1000 classes, as the repository's code does")
    head = {"kind": "classification", "classes": classes or 1000}
    size = _input(config, "MODEL.IMAGE_SIZE")
    return {"input": size, "head": head, "preprocess": {"resize": "crop"}}


def _heatmap(config: Config) -> dict[str, Any]:
    head = {"kind": "heatmap", "joints": config.integer("MODEL.NUM_JOINTS"), **_kernel(config)}
    return {"input": _input(config, "MODEL.IMAGE_SIZE"), "head": head, "init": ZERO_BIAS}


def _bottom_up(config: Config) -> dict[str, Any]:
    deconv = "MODEL.EXTRA.DECONV"
    if config.integer(f"{deconv}.NUM_DECONVS", 1) != 1:
        raise FileError(f"{deconv}.NUM_DECONVS: expected 1, got another number")
    head = {
        "kind": "bottom_up",
        "joints": config.integer("MODEL.NUM_JOINTS"),
        "blocks": config.integer(f"{deconv}.NUM_BASIC_BLOCKS", 4),
        "channels": config.integers(f"{deconv}.NUM_CHANNELS")[0],
    }
    return {"input": _input(config, "DATASET.INPUT_SIZE"), "head": head, "init": ZERO_BIAS}


def _segmentation(config: Config) -> dict[str, Any]:
    aligned = config.get("MODEL.ALIGN_CORNERS")
    if aligned is None:
        branch = "as branch pytorch-v1.1 does; branch HRNet-OCR has true"
        config.assumed.append(f"align_corners false, {branch}")
    head = {"kind": "segmentation", "classes": config.integer("DATASET.NUM_CLASSES")}
    head |= {"align_corners": bool(aligned), **_kernel(config)}
    return {**_dense(config, head), "norm": {"momentum": 0.01}}


def _ocr(config: Config) -> dict[str, Any]:
    head = {
        "kind": "ocr",
        "classes": config.integer("DATASET.NUM_CLASSES"),
        "features": config.integer("MODEL.OCR.MID_CHANNELS", 512),
        "keys": config.integer("MODEL.OCR.KEY_CHANNELS", 256),
        "dropout": float(config.get("MODEL.OCR.DROPOUT", 0.05)),
        "align_corners": bool(config.get("MODEL.ALIGN_CORNERS", True)),
    }
    init = {**NORMAL, "head": {"conv": "default"}}
    return {**_dense(config, head), "init": init}


def _landmark(config: Config) -> dict[str, Any]:
    if config.get("MODEL.NUM_JOINTS") is None:
        raise FileError("MODEL.NUM_JOINTS: missing; a landmark network states it")
    head = {"kind": "landmark", "points": config.integer("MODEL.NUM_JOINTS"), **_kernel(config)}
    spec = _dense(config, {**head, "align_corners": False}, "MODEL.IMAGE_SIZE")
    return {**spec, "norm": {"momentum": 0.01}}


def _dense(config: Config, head: dict[str, Any], *sizes: str) -> dict[str, Any]:
    """What the networks that upsample bilinearly share."""
    fuse = {**BILINEAR, "align_corners": head["align_corners"]}
    size = _input(config, *(sizes or ("TEST.IMAGE_SIZE", "TRAIN.IMAGE_SIZE")))
    return {"input": size, "fuse": fuse, "head": head, "init": NORMAL}


def _kernel(config: Config) -> dict[str, int]:
    return {"kernel": config.integer("MODEL.EXTRA.FINAL_CONV_KERNEL", 1)}


_TASKS: Mapping[str, Callable[[Config], dict[str, Any]]] = {
    "cls_hrnet": _classification,
    "pose_hrnet": _heatmap,
    "seg_hrnet": _segmentation,
    "seg_hrnet_ocr": _ocr,
    "hrnet": _landmark,
    "pose_higher_hrnet": _bottom_up,
}
"""The name of a repository's model -> what its config says besides the stages."""
