"""What a foreign config says of images: how they are scaled, and what their classes are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hrnet_graph.errors import quoted
from hrnet_graph.spec.importers.config import Config
from hrnet_graph.spec.schema import OUTPUTS

DATA_SETS: Mapping[str, tuple[str, int]] = {
    "imagenet": ("imagenet", 1000),
    "cityscapes": ("cityscapes", 19),
    "CityscapesDataset": ("cityscapes", 19),
    "coco": ("coco_keypoints", 17),
    "coco_kpt": ("coco_keypoints", 17),
    "CocoDataset": ("coco_keypoints", 17),
    "crowd_pose_kpt": ("crowdpose_keypoints", 14),
    "CrowdPoseDataset": ("crowdpose_keypoints", 14),
}
"""What repositories call a data set -> its labels here, and how many they are."""

SCALES: Mapping[str, bool] = {
    "model.data_preprocessor": False,
    "data_preprocessor": False,
    "img_norm_cfg": True,
}
"""Sections that scale images -> whether red comes first where they do not say.

Source: mmengine 0.10, `ImgDataPreprocessor`; mmcv 1.x and 2.1, `Normalize`.
"""

TURNED = ("bgr_to_rgb", "rgb_to_bgr", "to_rgb")
"""Keys that turn the channels of an image, read with blue first; two of mmengine, one of mmcv."""

MAX_LEVEL = 65_535

NAMES = ("metainfo", "train_dataloader.dataset.metainfo", "data.train", "")
"""Sections that name classes; the last is the config itself."""


def read_scale(config: Config, channels: int) -> dict[str, list[float]]:
    """`mean` and `std` from a section that states them in levels of 0 to 255, empty if none does.

    Raises `FileError` if they are no numbers, one for each channel of the image.
    """
    for section, by_default in SCALES.items():
        if config.known(f"{section}.mean") is None:
            continue
        rows = [_levels(config, f"{section}.{key}", channels) for key in ("mean", "std")]
        turns = [config.known(f"{section}.{key}") for key in TURNED]
        stated = [turn for turn in turns if turn is not None] or [by_default]
        if True not in stated and len(rows[0]) == 3:
            rows = [row[::-1] for row in rows]
            config.assumed.append(
                f"{section}: red first, as images are here; that network takes blue first,"
                " so that weights of it need the inputs of conv1 turned round"
            )
        return dict(zip(("mean", "std"), rows, strict=True))
    return {}


def _levels(config: Config, key: str, channels: int) -> list[float]:
    row = config.known(key)
    levels = isinstance(row, list | tuple) and all(
        type(n) in (int, float) and abs(n) <= MAX_LEVEL for n in row
    )
    if not levels:
        config.refuse(key, f"expected a list of numbers of 0 to 255, got {quoted(row)}")
    if len(row) != channels:
        expected = f"expected {channels} numbers, as model.backbone.in_channels says"
        config.refuse(key, f"{expected}, got {quoted(row)}")
    return [round(n / 255, 6) for n in row]


def read_labels(config: Config, head: Mapping[str, Any], data_set: object) -> dict[str, Any]:
    """`labels` and `palette` where a config lists as many as the head has outputs, or names a data
    set that is known here.
    """
    if head["kind"] == "features":
        return {}
    counts = [head[key] for key in OUTPUTS & head.keys()]
    found: dict[str, Any] = {}
    for section in NAMES:
        prefix = f"{section}." if section else ""
        for key, ours, kind in (("classes", "labels", str), ("palette", "palette", list | tuple)):
            row = config.known(prefix + key)
            if row is None or ours in found:
                continue
            listed = isinstance(row, list | tuple) and all(isinstance(item, kind) for item in row)
            if listed and all(len(row) == count for count in counts):
                found[ours] = row
            else:
                expected = f"a list of {counts[0]}" if counts else "a list"
                config.assumed.append(f"no {ours}, since {prefix}{key} is not {expected}")
    known = DATA_SETS.get(data_set) if isinstance(data_set, str) else None
    if "labels" not in found and known is not None and counts == [known[1]]:
        found["labels"] = known[0]
    return found
