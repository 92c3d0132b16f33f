"""What a prediction says, as values; coordinates are pixels of the image that was given."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Scored:
    """A class and its probability, from 0 to 1."""

    index: int
    name: str
    score: float


@dataclass(frozen=True)
class Classes:
    """The likeliest classes, best first."""

    best: tuple[Scored, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Point:
    """A keypoint or landmark: column x and row y, and the height of its heatmap there, if any."""

    name: str
    x: float
    y: float
    score: float


@dataclass(frozen=True)
class Points:
    """The points of each person or face; a point that was not found is None.

    heatmap: where the network sees any, from black to white, if it has one
    scores: how sure each instance is, if it is known of the whole
    """

    instances: tuple[tuple[Point | None, ...], ...]
    heatmap: Image.Image | None
    scores: tuple[float, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        sure = {} if self.scores is None else {"scores": [*self.scores]}
        rows = [[p and asdict(p) for p in points] for points in self.instances]
        return {"instances": rows, **sure}


@dataclass(frozen=True)
class Regions:
    """The class of every pixel, as an image of mode L or I;16, and each class's share of it."""

    labels: Image.Image
    shares: tuple[Scored, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"shares": [asdict(share) for share in self.shares]}


@dataclass(frozen=True)
class Box(Scored):
    """A box with its class: left, top, right and bottom."""

    corners: tuple[float, float, float, float]


@dataclass(frozen=True)
class Boxes:
    """The boxes that were found, surest first."""

    boxes: tuple[Box, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Result = Classes | Points | Regions | Boxes
