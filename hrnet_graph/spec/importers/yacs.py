"""The published repositories' configs: YAML in the manner of yacs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.catalogue import list_specs
from hrnet_graph.spec.importers.config import Config, Imported
from hrnet_graph.spec.importers.dekr import read_columns, read_dekr
from hrnet_graph.spec.importers.hrformer import from_yaml
from hrnet_graph.spec.importers.images import read_labels
from hrnet_graph.spec.importers.stages import BILINEAR, NORMAL, read_stage

STEM_STAGE = {"block": "bottleneck", "branches": 1, "modules": 1, "blocks": 4, "channels": [64]}
"""The first stage that the code of `FIRST_IS_FIXED` hard-codes, whatever a config says."""

DEKR = "hrnet_dekr"

FIRST_IS_FIXED = ("pose_hrnet", "pose_higher_hrnet", "hrnet")
"""Source: `self.layer1` in lib/models of the pose repositories and of the facial landmarks'."""

ZERO_BIAS = {**NORMAL, "conv_bias": "zero"}

HARMLESS = (
    "MODEL.NAME",
    "MODEL.PRETRAINED",
    "MODEL.INIT_WEIGHTS",
    "MODEL.SYNC_BN",
    "MODEL.TARGET_TYPE",
    "MODEL.SIGMA",
    "MODEL.STYLE",
    "MODEL.HEATMAP_SIZE",
    "MODEL.GPUS",
    "MODEL.EXTRA.PRETRAINED_LAYERS",
    "MODEL.SPEC.PRETRAINED_LAYERS",
    "MODEL.EXTRA.TARGET_TYPE",
    "MODEL.EXTRA.HEATMAP_SIZE",
    "MODEL.EXTRA.SIGMA",
    "MODEL.EXTRA.FROZEN_STAGES",
    "MODEL.EXTRA.FREEZE_LAYERS",
)
"""Keys of `MODEL` that say how weights start, are trained or compared, and nothing of the network.

Source: lib/config/default.py and models.py of the repositories.
"""


def from_yacs(config: Config, backbone_only: bool = False) -> Imported:
    """A published config as spec data. Raises `FileError` if it is of no network of this family.

    Source: the experiments of HRNet-Image-Classification, deep-high-resolution-net.pytorch,
    HRNet-Semantic-Segmentation, HRNet-Facial-Landmark-Detection, HigherHRNet and DEKR.
    """
    if config.has("MODEL.HRT"):
        return from_yaml(config, backbone_only)
    name = config.get("MODEL.NAME")
    if not isinstance(name, str) or name not in _TASKS:
        problem = f"expected one of {', '.join(_TASKS)}, got {quoted(name)}"
        config.refuse("MODEL.NAME", problem, _catalogued(str(name)))
    if name == DEKR:
        stages = [dict(STEM_STAGE), *read_columns(config)]
    else:
        stages = _stages(config, first_is_fixed=name in FIRST_IS_FIXED)
    spec = _TASKS[name](config)
    config.expect("MODEL.EXTRA.STEM_INPLANES", 64, default=64)
    if spec["head"]["kind"] in ("heatmap", "bottom_up"):
        stages[-1]["outputs"] = 1
    if backbone_only:
        config.left.append(f"the head of {name}")
        spec["head"] = {"kind": "features"}
    spec |= read_labels(config, spec["head"], config.known("DATASET.DATASET"))
    return config.imported({**spec, "stages": stages}, "MODEL", HARMLESS)


def _catalogued(name: str) -> str:
    """That the catalogue has networks whose names begin so, where it has."""
    names = list_specs() if (begin := _letters(name)) else ()
    found = next((each for each in names if _letters(each).startswith(begin)), None)
    told = "its config says no more of the network than its name"
    return f"{told}; `hrnet-graph init {found}` begins with the catalogue's" if found else ""


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _stages(config: Config, first_is_fixed: bool) -> list[dict[str, Any]]:
    first = "MODEL.EXTRA.STAGE1"
    if first_is_fixed and config.has(first):
        _read_all(config, first)
        config.assumed.append(f"four bottlenecks first: this code never reads {first}")
    fixed = first_is_fixed or not config.has(first)
    stages = [dict(STEM_STAGE)] if fixed else []
    for number in range(2 if fixed else 1, 5):
        key = f"MODEL.EXTRA.STAGE{number}"
        if not config.has(key):
            config.refuse(key, "missing; expected the stages of the network")
        stages.append(_stage(config, key, is_first=number == 1))
    return stages


def _read_all(config: Config, key: str) -> None:
    """Takes a whole section as understood."""
    section = config.get(key)
    for name in section if isinstance(section, Mapping) else ():
        config.get(f"{key}.{name}")


def _stage(config: Config, key: str, is_first: bool) -> dict[str, Any]:
    config.expect(f"{key}.FUSE_METHOD", "SUM", default="SUM")
    # One published file says NUM_RANCHES, and its network takes the count from elsewhere.
    misspelt = f"{key}.NUM_RANCHES"
    branches = misspelt if config.has(misspelt) else f"{key}.NUM_BRANCHES"
    return read_stage(config, key, branches, str.upper, is_first)


def _input(config: Config, default: tuple[int, int], *keys: str) -> list[int]:
    """The image as (3, height, width), from the first key that states (width, height)."""
    for key in keys:
        if config.states(key):
            width, height = config.size(key)
            return [3, height, width]
    config.assumed.append(f"an image of {default[0]}x{default[1]}, the repository's default")
    return [3, default[1], default[0]]


def _classification(config: Config) -> dict[str, Any]:
    classes = 1000
    config.expect("MODEL.EXTRA.FINAL_CONV_KERNEL", 1, default=1)
    for key in ("MODEL.NUM_CLASSES", "DATASET.NUM_CLASSES"):
        if config.has(key):
            classes = config.integer(key)
            break
    else:
        config.assumed.append("1000 classes, as the repository's code does")
    head = {"kind": "classification", "classes": classes}
    image = _input(config, (256, 256), "MODEL.IMAGE_SIZE")
    return {"input": image, "head": head, "preprocess": {"resize": "crop"}}


def _joints(config: Config) -> int:
    if not config.has("MODEL.NUM_JOINTS"):
        config.assumed.append("17 joints, the repository's default")
    return config.integer("MODEL.NUM_JOINTS", 17)


def _heatmap(config: Config) -> dict[str, Any]:
    head = {"kind": "heatmap", "joints": _joints(config), **_kernel(config)}
    image = _input(config, (256, 256), "MODEL.IMAGE_SIZE")
    return {"input": image, "head": head, "init": ZERO_BIAS}


def _bottom_up(config: Config) -> dict[str, Any]:
    deconv = "MODEL.EXTRA.DECONV"
    config.expect(f"{deconv}.NUM_DECONVS", 1, default=1)
    config.expect(f"{deconv}.KERNEL_SIZE", 4, [4], default=[4])
    config.expect(f"{deconv}.CAT_OUTPUT", True, [True], default=[True])
    config.expect("MODEL.EXTRA.FINAL_CONV_KERNEL", 1, default=1)
    config.expect("MODEL.TAG_PER_JOINT", True, default=True)
    config.expect("LOSS.NUM_STAGES", 2, default=2)
    if not config.has("LOSS.WITH_AE_LOSS"):
        config.assumed.append("tags beside the first heatmaps, as the published files state")
    tags = config.expect("LOSS.WITH_AE_LOSS", [True, False], [False, False], default=[True, False])
    head = {
        "kind": "bottom_up",
        "joints": _joints(config),
        "blocks": config.integer(f"{deconv}.NUM_BASIC_BLOCKS", 4),
        "channels": config.integers(f"{deconv}.NUM_CHANNELS")[0],
    }
    head |= {} if tags[0] else {"tags": False}
    image = _input(config, (512, 512), "DATASET.INPUT_SIZE")
    return {"input": image, "head": head, "init": ZERO_BIAS}


def _dekr(config: Config) -> dict[str, Any]:
    return {**read_dekr(config), "init": ZERO_BIAS}


def _aligned(config: Config) -> bool:
    """Whether upsampling aligns corners: what the branch that wrote the file does by default."""
    aligned = config.has("MODEL.NUM_OUTPUTS")
    if not config.has("MODEL.ALIGN_CORNERS"):
        branch = "HRNet-OCR, whose files state MODEL.NUM_OUTPUTS" if aligned else "pytorch-v1.1"
        config.assumed.append(f"align_corners {str(aligned).lower()}, as branch {branch}, does")
    return config.flag("MODEL.ALIGN_CORNERS", aligned)


def _classes(config: Config) -> int:
    if not config.has("DATASET.NUM_CLASSES"):
        config.assumed.append("19 classes, the repository's default")
    return config.integer("DATASET.NUM_CLASSES", 19)


def _segmentation(config: Config) -> dict[str, Any]:
    if config.has("MODEL.NUM_OUTPUTS"):
        config.expect("MODEL.NUM_OUTPUTS", 1)
    for key in ("MID_CHANNELS", "KEY_CHANNELS", "DROPOUT", "SCALE"):  # of the other network
        config.get(f"MODEL.OCR.{key}")
    head = {"kind": "segmentation", "classes": _classes(config)}
    head |= {"align_corners": _aligned(config), **_kernel(config)}
    return {**_dense(config, head), "norm": {"momentum": 0.01}}


def _ocr(config: Config) -> dict[str, Any]:
    config.expect("MODEL.OCR.SCALE", 1, default=1)
    config.expect("MODEL.NUM_OUTPUTS", 2, default=2)
    config.expect("MODEL.EXTRA.FINAL_CONV_KERNEL", 1, default=1)
    head = {
        "kind": "ocr",
        "classes": _classes(config),
        "features": config.integer("MODEL.OCR.MID_CHANNELS", 512),
        "keys": config.integer("MODEL.OCR.KEY_CHANNELS", 256),
        "dropout": config.number("MODEL.OCR.DROPOUT", 0.05),
        "align_corners": config.flag("MODEL.ALIGN_CORNERS", True),
    }
    init = {**NORMAL, "head": {"conv": "default"}}
    return {**_dense(config, head), "init": init}


def _landmark(config: Config) -> dict[str, Any]:
    if not config.has("MODEL.NUM_JOINTS"):
        config.refuse("MODEL.NUM_JOINTS", "missing; a landmark network states it")
    # With a kernel of 3 that code pads the convolution 1x1 before it, too, and the map grows.
    kernel = config.expect("MODEL.EXTRA.FINAL_CONV_KERNEL", 1, default=1)
    head = {"kind": "landmark", "points": config.integer("MODEL.NUM_JOINTS"), "kernel": kernel}
    spec = _dense(config, {**head, "align_corners": False}, "MODEL.IMAGE_SIZE")
    return {**spec, "norm": {"momentum": 0.01}}


def _dense(config: Config, head: dict[str, Any], *sizes: str) -> dict[str, Any]:
    """What the networks that upsample bilinearly share."""
    fuse = {**BILINEAR, "align_corners": head["align_corners"]}
    default = (256, 256) if sizes else (2048, 1024)
    image = _input(config, default, *(sizes or ("TEST.IMAGE_SIZE", "TRAIN.IMAGE_SIZE")))
    return {"input": image, "fuse": fuse, "head": head, "init": NORMAL}


def _kernel(config: Config) -> dict[str, int]:
    return {"kernel": config.expect("MODEL.EXTRA.FINAL_CONV_KERNEL", 1, 3, default=1)}


_TASKS: Mapping[str, Callable[[Config], dict[str, Any]]] = {
    "cls_hrnet": _classification,
    "pose_hrnet": _heatmap,
    "seg_hrnet": _segmentation,
    "seg_hrnet_ocr": _ocr,
    "hrnet": _landmark,
    "pose_higher_hrnet": _bottom_up,
    DEKR: _dekr,
}
"""The name of a repository's model -> what its config says besides the stages."""
