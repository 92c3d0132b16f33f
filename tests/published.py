"""The measured facts of the published networks, and the rule that fills weights for the goldens."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hrnet_graph.ir.ops import State

DATA = Path(__file__).parent / "data"

MEASURED: dict[str, dict[str, Any]] = {
    model["name"]: model
    for file in ("measured.json", "measured2.json")
    for model in json.loads((DATA / file).read_text())["models"]
}

CLASSIFIERS = {
    f"hrnet_{variant}_cls": f"official_cls_{variant}"
    for variant in ("w18_small_v1", "w18_small_v2", "w18", "w30", "w32", "w40", "w44", "w48", "w64")
}
POSE = {
    f"hrnet_{width}_pose_{size}": f"official_pose_{width}_{reference}"
    for width in ("w32", "w48")
    for size, reference in (
        ("256x192", "coco_256x192"),
        ("384x288", "coco_384x288"),
        ("mpii", "mpii_256x256"),
    )
}
_DATA_SETS = {
    "cityscapes": "cityscapes",
    "pascal_context59": "pctx59",
    "pascal_context60": "pctx60",
    "lip": "lip",
    "ade20k": "ade20k",
    "cocostuff": "cocostuff",
}
SEGMENTATION = {
    f"hrnetv2_{variant}_seg_cityscapes": f"official_seg_v1.1_{variant}_cityscapes"
    for variant in ("w18_small_v1", "w18_small_v2", "w40", "w48")
} | {
    f"hrnetv2_w48_seg_{data}": f"official_seg_{branch}_w48_{_DATA_SETS[data]}"
    for data, branch in (
        ("pascal_context59", "v1.1"),
        ("pascal_context60", "v1.1"),
        ("lip", "v1.1"),
        ("ade20k", "ocrbranch"),
        ("cocostuff", "ocrbranch"),
    )
}
OCR = {
    f"hrnetv2_w48_ocr_{data}": f"official_seg_ocr_w48_{reference}"
    for data, reference in _DATA_SETS.items()
}
LANDMARKS = {
    f"hrnetv2_w18_landmark_{data}": f"official_face_w18_{data}"
    for data in ("wflw", "300w", "cofw", "aflw")
}
DETECTION = {
    f"hrnetv2p_w{width}": f"official_det_v2p_w{width}_backbone+hrfpn" for width in (18, 32, 40, 48)
}
BOTTOM_UP = {
    "higherhrnet_w32_512": "higherhrnet_coco_w32_512",
    "higherhrnet_w48_640": "higherhrnet_coco_w48_640",
    "higherhrnet_w32_512_crowdpose": "higherhrnet_crowd_pose_w32_512",
}
SSLD = {f"hrnet_w{width}_ssld_cls": f"timm_hrnet_w{width}_ssld" for width in (18, 48)}
_DATA_OF_POSE = {
    "coco_256x192": "coco_256x192", "coco_384x288": "coco_384x288", "mpii": "mpii_256x256"
}  # fmt: skip
LITE = {
    f"litehrnet{depth}_{data}": f"litehrnet{depth}_{reference}"
    for depth in (18, 30)
    for data, reference in _DATA_OF_POSE.items()
} | {
    f"litehrnet18_{kind}_{data}": f"{kind}_litehrnet18_{_DATA_OF_POSE[data]}"
    for kind in ("naive", "wider_naive")
    for data in ("coco_256x192", "mpii")
}
HRFORMER = {
    name: name
    for name in (
        *(f"hrformer_{size}_cls" for size in ("tiny", "small", "base")),
        *(
            f"hrformer_{w}_pose_{size}"
            for w in ("small", "base")
            for size in ("256x192", "384x288")
        ),
    )
}
DEKR = {
    "dekr_w32_coco_512": "dekr_coco_w32_512",
    "dekr_w48_coco_640": "dekr_coco_w48_640",
    "dekr_w32_crowdpose_512": "dekr_crowdpose_w32_512",
    "dekr_w48_crowdpose_640": "dekr_crowdpose_w48_640",
}
HRFORMER_OCR = {
    "hrformer_small_ocr_cityscapes": "hrformer_small_seg_ocr_cityscapes_512x1024",
    "hrformer_base_ocr_cityscapes": "hrformer_base_seg_ocr_cityscapes_256x512",
    "hrformer_small_ocr_pascal_context59": "hrformer_small_seg_ocr_pctx59_520x520",
}
"""Measured at other sizes than those they were made for."""
DDRNET = {
    f"ddrnet{size}_seg_cityscapes": f"official_ddrnet{size.replace('_', '')}_cityscapes"
    for size in ("23_slim", "23", "39")
}
PUBLISHED = {
    **CLASSIFIERS,
    **POSE,
    **SEGMENTATION,
    **OCR,
    **LANDMARKS,
    **DETECTION,
    **BOTTOM_UP,
    **SSLD,
    **LITE,
    **HRFORMER,
    **HRFORMER_OCR,
    **DEKR,
    **DDRNET,
}
"""Catalogue name -> name in measured.json or measured2.json."""


def _sized(height: int, width: int) -> dict[str, Any]:
    """For images of a size."""
    return {"input.1": height, "input.2": width}


_AUXILIARY = {"head.auxiliary": "stage3.0"}
_ALIGNED = {"fuse.align_corners": True, "head.align_corners": True}
GOLDENS: dict[str, tuple[str, dict[str, Any]]] = {
    "official_cls_w18_small_v1": ("hrnet_w18_small_v1_cls", {}),
    "official_cls_w32": ("hrnet_w32_cls", {}),
    "official_pose_w32_256x192": ("hrnet_w32_pose_256x192", {}),
    "official_seg_v1.1_w18_small_v2_128x256": ("hrnetv2_w18_small_v2_seg_cityscapes", {}),
    "official_seg_v1.1_w18_small_v2_odd_97x129": ("hrnetv2_w18_small_v2_seg_cityscapes", {}),
    "official_seg_ocrbranch_w48_128x256_acTrue": ("hrnetv2_w48_seg_cityscapes", _ALIGNED),
    "official_seg_ocr_w48_pctx59_96x160": ("hrnetv2_w48_ocr_pascal_context59", {}),
    "official_face_w18_wflw_98": ("hrnetv2_w18_landmark_wflw", {}),
    "official_det_v2p_w18_256": ("hrnetv2p_w18", {}),
    "higherhrnet_w32_256": ("higherhrnet_w32_512", {}),
    "timm_hrnet_w18_ssld_224": ("hrnet_w18_ssld_cls", {}),
    "litehrnet18_coco_odd_61x93": ("litehrnet18_coco_256x192", _sized(61, 93)),
    "naive_litehrnet18_coco_128x96": ("litehrnet18_naive_coco_256x192", {}),
    "hrformer_tiny_cls_224": ("hrformer_tiny_cls", {}),
    "hrformer_small_pose_odd_65x47": ("hrformer_small_pose_256x192", _sized(65, 47)),
    "dekr_w32_coco_128x192": ("dekr_w32_coco_512", _sized(128, 192)),
    "dekr_w32_coco_odd_93x61": ("dekr_w32_coco_512", _sized(93, 61)),
    "hrformer_small_seg_ocr_cityscapes_97x129": ("hrformer_small_ocr_cityscapes", _sized(97, 129)),
    "official_ddrnet23slim_cityscapes_136x200": ("ddrnet23_slim_seg_cityscapes", _sized(136, 200)),
    "official_ddrnet23slim_augment_72x104": (
        "ddrnet23_slim_seg_cityscapes",
        {**_sized(72, 104), **_AUXILIARY},
    ),
}
"""Golden -> the catalogue's network, and what is changed in it."""


def keys_sha256(state: Mapping[str, State], prefix: str = "") -> str:
    """The digest by which measured.json states a network's keys and shapes."""
    lines = sorted(
        f"{prefix}{key}:{entry.shape}"
        for key, entry in state.items()
        if not key.endswith("num_batches_tracked")
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@torch.no_grad()
def fill(weights: nn.Module | Mapping[str, torch.Tensor]) -> None:
    """Fills weights by their names, as the goldens were made."""
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    for key, value in state.items():
        if not value.is_floating_point() or key.endswith("regular_matrix"):
            continue
        draw = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
        shape = tuple(value.shape)
        if key.endswith("running_var"):
            filled = 0.5 + draw.random(shape)
        elif key.endswith(("running_mean", "bias")):
            filled = 0.1 * draw.standard_normal(shape)
        elif key.endswith("relative_position_bias_table"):
            filled = draw.standard_normal(shape)
        elif len(shape) == 1:
            filled = 0.5 + draw.random(shape)
        else:
            filled = draw.standard_normal(shape) * np.sqrt(0.5 / np.prod(shape[1:]))
        value.copy_(torch.from_numpy(filled.astype(np.float32)))


def golden_input(shape: tuple[int, ...]) -> torch.Tensor:
    """The image for which a golden's outputs were computed."""
    draw = np.random.Generator(np.random.PCG64(0))
    return torch.from_numpy(draw.standard_normal(shape).astype(np.float32))


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest absolute difference over the largest absolute value."""
    difference, scale = (ours - theirs).abs().max(), theirs.abs().max()
    return float((difference / scale).detach())
