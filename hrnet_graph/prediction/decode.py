"""From a network's output to a result."""

from __future__ import annotations

import math
from functools import partial

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from hrnet_graph.images import Placement
from hrnet_graph.prediction.group import group
from hrnet_graph.prediction.labels import Labels
from hrnet_graph.prediction.results import Classes, Point, Points, Regions, Scored

TOP = 5

AT_ONCE = 2**26
"""So many probabilities, 256 MiB, are enlarged to an image at once; more are one class by one."""


def classes(logits: Tensor, labels: Labels) -> Classes:
    """The five likeliest classes. logits: (1, classes)"""
    best = logits[0].softmax(dim=0).topk(min(TOP, logits.shape[1]))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Classes(tuple(Scored(i, labels.names[i], round(score, 4)) for i, score in pairs))


def regions(logits: Tensor, labels: Labels, image_size: tuple[int, int]) -> Regions:
    """The likeliest class of every pixel of the image, after softmax. logits: (1, classes, H, W)

    `image_size` is (height, width) of the image; probabilities are enlarged to it.
    """
    best = likeliest_class(logits.float().softmax(dim=1), image_size)
    counts = torch.bincount(best.flatten(), minlength=len(labels.names)).tolist()
    height, width = best.shape
    shares = tuple(
        Scored(i, labels.names[i], round(count / best.numel(), 4))
        for i, count in sorted(enumerate(counts), key=lambda pair: -pair[1])
        if count
    )
    small = len(labels.names) <= 256
    pixels = best.to(torch.uint8 if small else torch.int16).numpy().tobytes()
    return Regions(Image.frombytes("L" if small else "I;16", (width, height), pixels), shares)


def likeliest_class(probabilities: Tensor, size: tuple[int, int], at_once: int = AT_ONCE) -> Tensor:
    """The class of the highest probability at every pixel, the first of equals.

    probabilities: (1, classes, h, w), enlarged bilinearly -> (height, width), integers

    Beyond `at_once` numbers, classes are enlarged one after another and the best so far is kept:
    the same result in about 13 bytes a pixel, whatever the number of classes.
    """
    enlarge = partial(functional.interpolate, size=size, mode="bilinear", align_corners=False)
    if probabilities.shape[1] * math.prod(size) <= at_once:
        return enlarge(probabilities)[0].argmax(dim=0)
    first, *others = probabilities.split(1, dim=1)
    highest = enlarge(first)[0, 0]
    best = torch.zeros(size, dtype=torch.uint8 if len(others) < 256 else torch.int32)
    for index, other in enumerate(others, start=1):
        plane = enlarge(other)[0, 0]
        best.masked_fill_(plane > highest, index)
        torch.maximum(highest, plane, out=highest)
    return best


def points(heatmaps: Tensor, labels: Labels, place: Placement) -> Points:
    """The peak of every heatmap. heatmaps: (1, points, H, W)

    A peak is moved a quarter of a cell towards its higher neighbour, as in the published evaluation
    (deep-high-resolution-net.pytorch, lib/core/inference.py).
    """
    maps = heatmaps[0].float()
    height, width = maps.shape[1:]
    found = []
    for name, plane in zip(labels.names, maps, strict=True):
        row, column = divmod(int(plane.argmax()), width)
        x, y = _refine(plane, row, column)
        found.append(_point(name, x, y, float(plane[row, column]), (height, width), place))
    return Points((tuple(found),), _overview(maps))


def people(coarse: Tensor, fine: Tensor, labels: Labels, place: Placement) -> Points:
    """The persons that the tags of bottom-up pose group. coarse: (1, 2 * joints, H, W), heatmaps
    and tags, or heatmaps alone; fine: (1, joints, 2 * H, 2 * W)

    Heatmaps of both resolutions are averaged at the finer one, as in the published evaluation
    (HigherHRNet, lib/core/inference.py).
    """
    joints = len(labels.names)
    size = fine.shape[2:]
    enlarged = functional.interpolate(
        coarse.float(), size=size, mode="bilinear", align_corners=False
    )
    maps = (enlarged[0, :joints] + fine[0].float()) / 2
    tags = enlarged[0, joints:] if coarse.shape[1] == 2 * joints else torch.zeros_like(maps)
    found = []
    for person in group(maps, tags):
        row: list[Point | None] = [None] * joints
        for joint, peak in person.items():
            x, y = _refine(maps[joint], peak.row, peak.column)
            row[joint] = _point(labels.names[joint], x, y, peak.score, tuple(size), place)
        found.append(tuple(row))
    return Points(tuple(found), _overview(maps))


def _refine(plane: Tensor, row: int, column: int) -> tuple[float, float]:
    """A peak's column and row, a quarter of a cell towards the higher neighbour on each axis."""
    height, width = plane.shape
    x, y = float(column), float(row)
    if 0 < column < width - 1:
        x += 0.25 * float((plane[row, column + 1] - plane[row, column - 1]).sign())
    if 0 < row < height - 1:
        y += 0.25 * float((plane[row + 1, column] - plane[row - 1, column]).sign())
    return x, y


def _point(
    name: str, x: float, y: float, score: float, size: tuple[int, ...], place: Placement
) -> Point:
    """A cell of a heatmap as a point of the image; a cell's middle is its place."""
    height, width = size
    across = place.left + (x + 0.5) / width * place.width
    down = place.top + (y + 0.5) / height * place.height
    return Point(name, round(across, 1), round(down, 1), round(score, 4))


def _overview(maps: Tensor) -> Image.Image:
    """The largest value of all heatmaps at every cell, from black to white."""
    plane = maps.amax(dim=0)
    scaled = 255 * (plane - plane.min()) / (plane.max() - plane.min()).clamp_min(1e-12)
    height, width = plane.shape
    return Image.frombytes("L", (width, height), scaled.byte().numpy().tobytes())
