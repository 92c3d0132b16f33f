"""From an image to persons by DEKR: the network run at every scale, and on the flipped image."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from hrnet_graph.errors import HRNetGraphError, quoted
from hrnet_graph.images import Preprocessor
from hrnet_graph.prediction.labels import Labels
from hrnet_graph.prediction.offsets import (
    Maps,
    find_people,
    flip_images,
    mean_of_flipped,
    read_maps,
)
from hrnet_graph.prediction.pose_nms import suppress
from hrnet_graph.prediction.rescore import load_rescorer
from hrnet_graph.prediction.results import Point, Points
from hrnet_graph.prediction.scaled_view import view_of

Run = Callable[[Tensor], Sequence[Tensor]]
"""A network: (1, C, H, W) -> its outputs, as batches of one."""

NEAR, NEAR_OF_SEVERAL = 0.05, 0.15
"""How near joints of one person are, as a part of its extent; with several scales."""

DECREASE: Mapping[int, float] = {17: 0.9, 14: 0.8}
"""Joints -> what scores at other scales are worth, on COCO and on CrowdPose; 1 for others."""

MAX_SCALE = 4.0


@dataclass(frozen=True)
class Looks:
    """How often the network looks at an image: at these scales, and flipped; and what rescores."""

    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
    rescore: str | Path | None = None


def check_scales(scales: Sequence[float]) -> tuple[float, ...]:
    """The scales, as numbers. Raises `HRNetGraphError` for others than different ones, 1 among."""
    numbers = isinstance(scales, Sequence) and not isinstance(scales, str)
    fit = numbers and all(
        type(s) in (int, float) and math.isfinite(s) and 0 < s <= MAX_SCALE for s in scales
    )
    if not fit or 1 not in scales or len(set(scales)) < len(scales):
        expected = f"expected different numbers up to {MAX_SCALE:g}, 1 among them"
        raise HRNetGraphError(f"scales: {expected}, got {quoted(scales)}", "as in 0.5, 1, 2")
    return tuple(map(float, scales))


class Dekr:
    """Says of an image which persons are there, the surest first.

    Raises `HRNetGraphError` where flipping would need to know which joints are left and right.
    """

    def __init__(self, run: Run, prepared: Preprocessor, labels: Labels, looks: Looks) -> None:
        self._run, self._prepared, self._labels = run, prepared, labels
        self._scales = check_scales(looks.scales)
        self._twins = twins(labels.names) if looks.flip else ()
        joints = len(labels.names)
        self._rescore = load_rescorer(looks.rescore, joints) if looks.rescore else None

    def __call__(self, photo: Image.Image) -> Points:
        names = self._labels.names
        maps = [self._look(photo, scale) for scale in self._scales]
        near = NEAR if len(maps) == 1 else NEAR_OF_SEVERAL
        people = find_people(maps, DECREASE.get(len(names), 1.0))
        people = suppress(people, near, len(names) // 2)
        view = view_of(photo.size, self._side)
        joints, sure = view.to_image(people.joints), people.scores.mean(dim=1)
        if self._rescore is not None:
            sure = sure * self._rescore(joints, people.scores)
        found = []
        for i in sure.argsort(descending=True, stable=True).tolist():
            rows = zip(names, joints[i].tolist(), people.scores[i].tolist(), strict=True)
            found.append(
                tuple(Point(n, round(x, 1), round(y, 1), round(s, 4)) for n, (x, y), s in rows)
            )
        scores = sure.sort(descending=True, stable=True).values.tolist()
        return Points(tuple(found), None, tuple(round(score, 4) for score in scores))

    @property
    def _side(self) -> int:
        return min(self._prepared.size)

    def _look(self, photo: Image.Image, scale: float) -> Maps:
        """What the network says at one scale, the flipped image's share in it, too."""
        pixels = self._prepared.normalise(view_of(photo.size, self._side, scale).warp(photo))
        images = torch.from_numpy(pixels)[None]
        plain = self._maps(images, scale)
        if not self._twins:
            return plain
        return mean_of_flipped(plain, self._maps(flip_images(images), scale), self._twins)

    def _maps(self, images: Tensor, scale: float) -> Maps:
        heatmaps, offsets = self._run(images)
        return read_maps(scale, heatmaps[0], offsets[0])


def twins(names: Sequence[str]) -> tuple[int, ...]:
    """For each joint the one that it is in a mirror, as names say it: left and right change places.

    Raises `HRNetGraphError` where they say nothing.
    """
    swap = {"left": "right", "right": "left"}
    mirrored = [
        re.sub("left|right", lambda side: swap[side[0].lower()], n, flags=re.I) for n in names
    ]
    at = {name.lower(): i for i, name in enumerate(names)}
    found = [at.get(name.lower(), i) for i, name in enumerate(mirrored)]
    lone = [name for name, other in zip(names, mirrored, strict=True) if other.lower() not in at]
    if lone or found == list(range(len(names))):
        what = f"'{lone[0]}' has no other side" if lone else "no joint is called left or right"
        hint = "name the joints in the spec's labels, such as left_wrist and right_wrist"
        raise HRNetGraphError(f"flip needs to know which joints are left and right: {what}", hint)
    return tuple(found)
