"""From a network's outputs to a result, and which head is read how: one open table.

A package adds a row for a head of its own by an entry point in the group `hrnet_graph.decoders`,
whose name is the head's and whose object is a `Decoder`: one of its own, or one of those here, for
outputs of that kind: `depth = "hrnet_graph.prediction.decoders:REGIONS"`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted
from hrnet_graph.images import Placement, Preprocessor
from hrnet_graph.plug_ins import load, offered
from hrnet_graph.prediction.coordinates import axes, coordinates
from hrnet_graph.prediction.dekr import Dekr, Run
from hrnet_graph.prediction.group import group
from hrnet_graph.prediction.labels import Labels
from hrnet_graph.prediction.looks import Looks
from hrnet_graph.prediction.maps import overview
from hrnet_graph.prediction.mirror import mean_of_heatmaps, twins
from hrnet_graph.prediction.results import Classes, Point, Points, Regions, Result, Scored
from hrnet_graph.spec.schema import Spec

TOP = 5

AT_ONCE = 2**26
"""So many probabilities, 256 MiB, are enlarged to an image at once; more are one class by one."""


@dataclass(frozen=True)
class Decoder:
    """How a head's outputs are read.

    noun: what one channel of the last output is called where no names are known
    decode: outputs, as batches of one in the network's order, labels and place -> result
    mean: the last output of an image, that of the flipped image, and the number of each channel's
    twin in a mirror -> their mean; None where the flipped image cannot be asked
    """

    noun: str
    decode: Callable[[Sequence[Tensor], Labels, Placement], Result]
    mean: Callable[[Tensor, Tensor, Sequence[int]], Tensor] | None = None

    def count(self, channels: Sequence[int]) -> int:
        """How many names there are for outputs of so many channels."""
        return channels[-1]

    def answering(
        self, run: Run, prepared: Preprocessor, labels: Labels, looks: Looks
    ) -> Callable[[Image.Image], Result]:
        """From an image that was read to what a network, as `run` calls it, says of it."""
        if looks.beside_flip or (looks.flip and self.mean is None):
            asked = looks.beside_flip if self.mean else looks.stated
            raise HRNetGraphError(_only(asked, is_flip=asked == "flip"))
        twin = twins(labels.names) if looks.flip else ()

        def answer(photo: Image.Image) -> Result:
            images = torch.from_numpy(prepared.scale(photo))
            outputs = run(images)
            if self.mean is not None and twin:
                flipped = run(images.flip(3))
                outputs = [*outputs[:-1], self.mean(outputs[-1], flipped[-1], twin)]
            return self.decode(outputs, labels, prepared.place(photo))

        return answer


@dataclass(frozen=True)
class LookingDecoder:
    """How outputs are read of several looks at an image, each in the image's own proportions.

    noun: as of `Decoder`
    start: network, what reads images, labels and looks -> from an image to a result
    """

    noun: str
    start: Callable[[Run, Preprocessor, Labels, Looks], Callable[[Image.Image], Result]]

    def count(self, channels: Sequence[int]) -> int:
        """How many joints there are: one heatmap less."""
        return channels[0] - 1

    def answering(
        self, run: Run, prepared: Preprocessor, labels: Labels, looks: Looks
    ) -> Callable[[Image.Image], Result]:
        """From an image that was read to what a network, as `run` calls it, says of it."""
        return self.start(run, prepared, labels, looks)


def classes(outputs: Sequence[Tensor], labels: Labels, place: Placement) -> Classes:
    """The five likeliest classes. Last output: logits (1, classes)"""
    logits = outputs[-1][0].float()
    best = logits.softmax(dim=0).topk(min(TOP, len(logits)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Classes(tuple(Scored(i, labels.names[i], round(score, 4)) for i, score in pairs))


def regions(outputs: Sequence[Tensor], labels: Labels, place: Placement) -> Regions:
    """The likeliest class of every pixel of the image, to whose size probabilities are enlarged.

    Last output: logits (1, classes, H, W)

    Raises `HRNetGraphError` where the network did not see all of the image.
    """
    if not place.is_whole:
        raise HRNetGraphError(
            "the network sees a crop of the image, so that the rest would have no class",
            "state preprocess: {resize: stretch} in the spec, or {resize: fit}",
        )
    seen, size = _over_image(outputs[-1].float().softmax(dim=1), place)
    best = likeliest_class(seen, size)[: place.image_size[0], : place.image_size[1]]
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


def _over_image(maps: Tensor, place: Placement) -> tuple[Tensor, tuple[int, int]]:
    """The cells that an image fills, from the first on, and the pixels that they are enlarged to.

    Where the image ends within a cell, that cell reaches beyond it.
    """
    cells, pixels = [], []
    for count, side, seen in zip(
        maps.shape[2:], place.image_size, (place.height, place.width), strict=True
    ):
        cells.append(min(count, math.ceil(side / seen * count)))
        pixels.append(max(side, round(cells[-1] / count * seen)))
    return maps[:, :, : cells[0], : cells[1]], (pixels[0], pixels[1])


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


def points(outputs: Sequence[Tensor], labels: Labels, place: Placement) -> Points:
    """The peak of every heatmap. Last output: heatmaps (1, points, H, W)"""
    maps = outputs[-1][0].float()
    found = []
    for name, plane in zip(labels.names, maps, strict=True):
        row, column = divmod(int(plane.argmax()), plane.shape[1])
        found.append(_point(name, plane, row, column, place))
    return Points((tuple(found),), overview(maps))


def people(outputs: Sequence[Tensor], labels: Labels, place: Placement) -> Points:
    """The persons that the tags of bottom-up pose group.

    Outputs: (1, 2 * joints, H, W), heatmaps and tags, or heatmaps alone; (1, joints, 2 * H, 2 * W)

    Heatmaps of both resolutions are averaged at the finer one, as in the published evaluation
    (HigherHRNet, lib/core/inference.py).
    """
    coarse, fine = outputs[0].float(), outputs[1].float()
    joints = len(labels.names)
    (enlarged,) = functional.interpolate(
        coarse, size=fine.shape[2:], mode="bilinear", align_corners=False
    )
    maps = (enlarged[:joints] + fine[0]) / 2
    tags = enlarged[joints:] if len(enlarged) == 2 * joints else torch.zeros_like(maps)
    found = []
    for person in group(maps, tags):
        row: list[Point | None] = [None] * joints
        for joint, peak in person.items():
            row[joint] = _point(labels.names[joint], maps[joint], peak.row, peak.column, place)
        found.append(tuple(row))
    return Points(tuple(found), overview(maps))


def _point(name: str, plane: Tensor, row: int, column: int, place: Placement) -> Point:
    """A peak of a heatmap as a point of the image; a cell's middle is its place.

    It is moved a quarter of a cell towards its higher neighbour on each axis, as in the published
    evaluation (deep-high-resolution-net.pytorch, lib/core/inference.py).
    """
    height, width = plane.shape
    x, y = column + 0.5, row + 0.5
    if 0 < column < width - 1:
        x += 0.25 * float((plane[row, column + 1] - plane[row, column - 1]).sign())
    if 0 < row < height - 1:
        y += 0.25 * float((plane[row + 1, column] - plane[row - 1, column]).sign())
    across, down = place.at(x / width, y / height)
    return Point(name, round(across, 1), round(down, 1), round(float(plane[row, column]), 4))


def _only(asked: str, is_flip: bool) -> str:
    """Which heads alone can be asked so."""
    others = [k for k, d in DECODERS.items() if is_flip and isinstance(d, Decoder) and d.mean]
    return f"{asked}: for heads of the kind {' or '.join(['dekr', *others])} alone"


CLASSES = Decoder("class", classes)
REGIONS = Decoder("class", regions)
JOINTS = Decoder("joint", points, mean_of_heatmaps)
LANDMARKS = Decoder("point", points, mean_of_heatmaps)
PEOPLE = Decoder("joint", people)
COORDINATES = Decoder("joint", coordinates)
AXES = Decoder("joint", axes)
POSES = LookingDecoder("joint", Dekr)

DECODERS: Mapping[str, Decoder | LookingDecoder] = {
    "classification": CLASSES,
    "segmentation": REGIONS,
    "ocr": REGIONS,
    "upernet": REGIONS,
    "heatmap": JOINTS,
    "bottom_up": PEOPLE,
    "dekr": POSES,
    "landmark": LANDMARKS,
    "regression": COORDINATES,
    "simcc": AXES,
}
"""Head -> how it is read."""


def decoder_for(spec: Spec, head: str | None = None) -> Decoder | LookingDecoder:
    """How the outputs of a spec's head are read; of several heads, those of one by its name.

    Raises `HRNetGraphError` if that is not known, if several heads leave open which is meant, or if
    the package that should know is broken.
    """
    several = spec.head.inner
    if several and head not in several:
        known = [*several]
        got = (
            f", got {quoted(head)}{did_you_mean(head, known)}" if head else f": {', '.join(known)}"
        )
        expected = f"{spec.name} has several heads; expected the name of one{got}"
        raise HRNetGraphError(expected, f"state --head {next(iter(several))}")
    if head and not several:
        raise HRNetGraphError(f"{spec.name} has one head, got {quoted(head)} for the name of one")
    kind = several[head].kind if head else spec.head.kind
    if kind in DECODERS:
        return DECODERS[kind]
    if kind in offered("decoders"):
        return load("decoders", kind, f"the decoder of the head '{kind}'", Decoder)
    boxes = () if several else ("feature_pyramid",)
    names = ", ".join(sorted({*DECODERS, *boxes, *offered("decoders")}))
    raise HRNetGraphError(
        f"{spec.name}: expected a head that answers, got {kind} (known: {names})",
        "a package adds a head's decoder by an entry point in the group hrnet_graph.decoders",
    )
