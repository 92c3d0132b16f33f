"""From an image to persons by DEKR: the network run at every scale, and on the flipped image."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

from hrnet_graph.errors import HRNetGraphError, InputError
from hrnet_graph.images import Preprocessor
from hrnet_graph.prediction.labels import Labels
from hrnet_graph.prediction.looks import MAX_SCALE, Looks
from hrnet_graph.prediction.maps import overview
from hrnet_graph.prediction.mirror import twins
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
from hrnet_graph.prediction.scaled_view import ScaledView, even_scales, view_of

Run = Callable[[Tensor], Sequence[Tensor]]
"""A network: (1, C, H, W) -> its outputs, as batches of one."""

NEAR, NEAR_OF_SEVERAL = 0.05, 0.15
"""How near joints of one person are, as a part of its extent; with several scales."""

DECREASE: Mapping[int, float] = {17: 0.9, 14: 0.8}
"""Joints -> what scores at other scales are worth, on COCO and on CrowdPose; 1 for others."""


class Dekr:
    """Says of an image which persons are there, the surest first.

    Raises `HRNetGraphError` where flipping would need to know which joints are left and right.
    """

    def __init__(self, run: Run, prepared: Preprocessor, labels: Labels, looks: Looks) -> None:
        self._run, self._prepared, self._labels = run, prepared, labels
        self._scales = tuple(map(float, looks.scales))
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
        order = sure.argsort(descending=True, stable=True)
        found = zip(joints[order].tolist(), people.scores[order].tolist(), strict=True)
        instances = tuple(
            tuple(
                Point(name, round(x, 1), round(y, 1), round(score, 4))
                for name, (x, y), score in zip(names, points, scores, strict=True)
            )
            for points, scores in found
        )
        shown = _within(overview(people.heatmaps), view, photo.size)
        return Points(instances, shown, tuple(round(s, 4) for s in sure[order].tolist()))

    @property
    def _side(self) -> int:
        return min(self._prepared.size)

    def _look(self, photo: Image.Image, scale: float) -> Maps:
        """What the network says at one scale, the flipped image's share in it, too."""
        view = view_of(photo.size, self._side, scale)
        images = torch.from_numpy(self._prepared.normalise(view.warp(photo)))[None]
        try:
            plain = self._maps(images, scale)
        except InputError as error:
            if scale == 1:
                raise
            message = f"at scale {scale:g}, {error.message}"
            raise HRNetGraphError(message, self._remedy(photo, scale)) from error
        if not self._twins:
            return plain
        return mean_of_flipped(plain, self._maps(flip_images(images), scale), self._twins)

    def _remedy(self, photo: Image.Image, scale: float) -> str:
        """The nearest scale that the network takes, as a hint; nothing if none is."""
        for other in even_scales(photo.size, self._side, scale, MAX_SCALE):
            size = view_of(photo.size, self._side, other).size
            with contextlib.suppress(InputError):
                self._run(torch.zeros(1, self._prepared.channels, *size))
                return f"a scale that fits: {other:g}"
        return ""

    def _maps(self, images: Tensor, scale: float) -> Maps:
        heatmaps, offsets = self._run(images)
        return read_maps(scale, heatmaps[0], offsets[0])


def _within(seen: Image.Image, view: ScaledView, size: tuple[int, int]) -> Image.Image:
    """What of a view, as a picture of its size, lies in the image."""
    ends = view.from_image((0, 0)), view.from_image(size)
    box = [min(max(n, 0), side) for end in ends for n, side in zip(end, seen.size, strict=True)]
    left, top, right, bottom = box
    extent = (max(1, round(right - left)), max(1, round(bottom - top)))
    return seen.resize(extent, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
