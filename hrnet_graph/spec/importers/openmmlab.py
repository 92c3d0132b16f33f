"""OpenMMLab's configs: mmpose, mmsegmentation and mmdetection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hrnet_graph.errors import FileError
from hrnet_graph.spec.importers.config import BILINEAR, NORMAL, Config, Imported, read_stage
from hrnet_graph.spec.importers.images import read_labels, read_scale


def from_openmmlab(data: Mapping[str, Any]) -> Imported:
    """A config, its model, its backbone or the backbone's `extra` alone, as spec data.

    Raises `FileError` if it describes no network of this family.

    Source: mmpose, mmsegmentation and mmdetection 3.x, `HRNet`, `HRFPN`, `FCNHead`, `OCRHead`.
    """
    config = Config(_as_config(data))
    extra = "model.backbone.extra"
    kind = config.get("model.backbone.type", "HRNet")
    if kind != "HRNet" or not isinstance(config.get(extra), Mapping):
        raise FileError("expected a config whose backbone is an HRNet with `extra`")
    keys = (f"{extra}.stage{number}" for number in range(1, 9))
    stages = [
        read_stage(config, key, config.get(f"{key}.num_branches"), str.lower)
        for key in keys
        if config.get(key) is not None
    ]
    if not stages:
        raise FileError(f"{extra}.stage1: missing; expected the stages of the network")
    spec = _head(config)
    last = f"{extra}.stage{len(stages)}.multiscale_output"
    if spec["head"]["kind"] == "heatmap" and not config.get(last, False):
        stages[-1]["outputs"] = 1
    if config.get(f"{extra}.upsample.mode") == "bilinear":
        aligned = config.get(f"{extra}.upsample.align_corners") is True
        spec["fuse"] = {**BILINEAR, "align_corners": aligned}
    momentum = config.get("model.backbone.norm_cfg.momentum")
    if momentum is not None:
        spec["norm"] = {"momentum": momentum}
    spec["input"] = _input(config)
    resize = {"resize": "fit"} if spec["head"]["kind"] == "feature_pyramid" else {}
    spec["preprocess"] = {**resize, **read_scale(config)}
    spec |= read_labels(config, spec["head"], config.get("dataset_type"))
    return config.imported({**spec, "stages": stages})


def _as_config(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part of a config as if it stood in a whole one."""
    if "model" in data:
        return data
    if "backbone" in data:
        return {"model": data}
    if "extra" in data:
        return {"model": {"backbone": data}}
    if "stage2" in data:
        return {"model": {"backbone": {"extra": data}}}
    raise FileError("expected an OpenMMLab config with `model`, `backbone` or `extra`")


def _head(config: Config) -> dict[str, Any]:
    """The head, and with it how the repository that has it upsamples and starts."""
    decode = config.get("model.decode_head")
    if isinstance(decode, list):
        return _ocr(decode)
    if isinstance(decode, Mapping):
        head = {"kind": "segmentation", "classes": config.integer("model.decode_head.num_classes")}
        aligned = config.get("model.decode_head.align_corners") is True
        return {"head": {**head, "align_corners": aligned}, "fuse": BILINEAR}
    if config.get("model.neck.type") == "HRFPN":
        head = {
            "kind": "feature_pyramid",
            "channels": config.integer("model.neck.out_channels", 256),
            "levels": config.integer("model.neck.num_outs", 5),
            "stride": config.integer("model.neck.stride", 1),
        }
        return {"head": head, "backbone": "backbone"}
    for key in ("model.head", "model.keypoint_head"):
        if isinstance(config.get(key), Mapping):
            return _keypoints(config, key)
    config.assumed.append("no head: the maps of the last stage")
    return {"head": {"kind": "features"}}


def _ocr(decode: list[Any]) -> dict[str, Any]:
    heads = (head for head in decode if isinstance(head, Mapping))
    ocr = Config(next((head for head in heads if head.get("type") == "OCRHead"), {}))
    head = {
        "kind": "ocr",
        "classes": ocr.integer("num_classes"),
        "features": ocr.integer("channels", 512),
        "keys": ocr.integer("ocr_channels", 256),
        "align_corners": ocr.get("align_corners") is True,
    }
    return {"head": head, "fuse": BILINEAR}


def _keypoints(config: Config, key: str) -> dict[str, Any]:
    """A heatmap head; with convolutions of its own before the last it is the landmark head."""
    points = config.integer(f"{key}.out_channels")
    inner = config.get(f"{key}.conv_out_channels", config.get(f"{key}.extra.num_conv_layers"))
    if inner:
        return {"head": {"kind": "landmark", "points": points}, "init": NORMAL}
    kernel = config.integer(f"{key}.extra.final_conv_kernel", 1)
    return {"head": {"kind": "heatmap", "joints": points, "kernel": kernel}, "init": NORMAL}


def _input(config: Config) -> list[int]:
    """The image as (3, height, width), from wherever a config says it."""
    for key in ("codec.input_size", "data_cfg.image_size"):
        if config.get(key) is not None:
            return config.image(key)
    if config.get("crop_size") is not None:
        return [3, *(config.integers("crop_size") * 2)[:2]]
    config.assumed.append("an image of 256x256, since the config states none")
    return [3, 256, 256]
