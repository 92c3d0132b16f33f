"""From centres and offsets to poses (DEKR): all who may be there, each scored by its centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

MAX_PEOPLE = 30
THRESHOLD = 0.01
"""The least height of a centre."""
STRIDE = 4
"""Pixels of the view from one cell of the maps to the next."""
SHIFT = 3
"""By so many pixels a flipped image is moved, so that its cells lie on those of the other one."""


@dataclass(frozen=True)
class Maps:
    """What a network says at one scale.

    heatmaps: (joints + 1, H, W), the centres' last; poses: (joints, 2, H, W), where each pixel's
    joints lie, columns and rows, in cells
    """

    scale: float
    heatmaps: Tensor
    poses: Tensor

    @property
    def cell(self) -> float:
        """Pixels of the view at scale 1 from one cell to the next."""
        return STRIDE / self.scale


@dataclass(frozen=True)
class People:
    """Poses, in pixels of the view at scale 1, and heatmaps of its size.

    joints: (people, joints, 2), columns and rows; scores: (people, joints)
    """

    joints: Tensor
    scores: Tensor
    heatmaps: Tensor


def read_maps(scale: float, heatmaps: Tensor, offsets: Tensor) -> Maps:
    """What a network says of an image. heatmaps: (joints + 1, H, W), offsets: (2 * joints, H, W)"""
    height, width = offsets.shape[1:]
    columns = torch.arange(width, dtype=offsets.dtype).expand(height, width)
    rows = torch.arange(height, dtype=offsets.dtype)[:, None].expand(height, width)
    return Maps(scale, heatmaps, torch.stack([columns, rows]) - offsets.unflatten(0, (-1, 2)))


def flip_images(images: Tensor) -> Tensor:
    """Images flipped and moved to the left, the last columns kept. x: (N, C, H, W) -> the same"""
    flipped = images.flip(3)
    return torch.cat([flipped[..., SHIFT:], flipped[..., -SHIFT:]], dim=3)


def mean_of_flipped(plain: Maps, flipped: Maps, twin: Sequence[int]) -> Maps:
    """The mean of what is said of an image and of the flipped one; `twin` is each joint's other.

    Source: DEKR, lib/core/inference.py, `get_multi_stage_outputs` and `aggregate_results`.
    """
    pairs = torch.tensor([*twin, len(twin)])
    heatmaps = (plain.heatmaps + flipped.heatmaps.flip(2)[pairs]) / 2
    poses = flipped.poses[pairs[:-1]].clone()
    poses[:, 0] = poses.shape[3] - 1 - poses[:, 0]
    return Maps(plain.scale, heatmaps, (plain.poses + poses.flip(3)) / 2)


def find_people(scales: Sequence[Maps], decrease: float) -> People:
    """The poses at the highest centres of every scale, those of the largest first.

    Scores at other scales than 1 are brought to those of scale 1, and times `decrease`.

    Source: Geng et al., "Bottom-Up Human Pose Estimation Via Disentangled Keypoint Regression",
    CVPR 2021, section 3.3; DEKR, lib/core/inference.py, `aggregate_results`.
    """
    ordered = sorted(scales, key=lambda maps: -maps.scale)
    found = {maps.scale: _proposals(maps) for maps in ordered}
    best = {scale: float(max(scores, default=1.0)) for scale, (_, scores) in found.items()}
    joints, scores = [], []
    for scale, (poses, centres) in found.items():
        factor = 1.0 if scale == 1 else best[1.0] / best[scale] * decrease
        joints.append(poses)
        scores.append(centres * factor)
    heatmaps = sum(_enlarged(maps) for maps in ordered) / len(ordered)
    assert isinstance(heatmaps, Tensor)
    poses = torch.cat(joints)
    return People(poses, torch.cat(scores)[:, None].expand(poses.shape[:2]), heatmaps)


def _proposals(maps: Maps) -> tuple[Tensor, Tensor]:
    """The poses at the highest centres, and their heights: (n, joints, 2) and (n,)."""
    centres = maps.heatmaps[-1]
    mean_side = sum(centres.shape) / 2
    kernel = 7 if mean_side > 300 else 5 if mean_side > 200 else 3
    highest = functional.max_pool2d(centres[None, None], kernel, 1, kernel // 2)[0, 0]
    kept = centres.where(centres == highest, torch.zeros_like(centres)).flatten()
    best = kept.topk(min(MAX_PEOPLE, len(kept)))
    is_person = best.values > THRESHOLD
    poses = maps.cell * maps.poses.flatten(2)[:, :, best.indices[is_person]]
    return poses.permute(2, 0, 1), best.values[is_person]


def _enlarged(maps: Maps) -> Tensor:
    """Heatmaps at the size of the view at scale 1: a cell's first pixel has its value."""
    height, width = maps.heatmaps.shape[1:]
    size = (int(maps.cell * height), int(maps.cell * width))
    down, right = size[0] // height - 1, size[1] // width - 1
    grid = (size[0] - down, size[1] - right)
    x = functional.interpolate(maps.heatmaps[None], grid, mode="bilinear", align_corners=True)
    return functional.pad(x, (0, right, 0, down), mode="replicate")[0]
