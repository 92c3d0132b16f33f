"""A figure as a value: everything has its place, in points, x to the right and y down."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeVar

from hrnet_graph.viz.font import Font

Point = tuple[float, float]
Align = Literal["left", "centre"]

STAND_INS = "Arial,Helvetica,sans-serif"
"""Fonts of the widths of ours, for programs that draw words in a font of the machine's."""


@dataclass(frozen=True)
class Rect:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def corners(self) -> tuple[Point, ...]:
        """Clockwise from the upper left."""
        right, bottom = self.x + self.width, self.y + self.height
        return (self.x, self.y), (right, self.y), (right, bottom), (self.x, bottom)


@dataclass(frozen=True)
class Ink:
    """A polygon, or a line if it has no fill, that is there for the eye alone."""

    points: tuple[Point, ...]
    fill: str = ""
    stroke: str = ""
    dash: str = "solid"
    weight: float = 0.6


@dataclass(frozen=True)
class Box:
    """A part of the network: what can be pointed at. `fill` and `stroke` may be empty."""

    path: str
    kind: str
    rect: Rect
    tooltip: str = ""
    fill: str = ""
    stroke: str = ""
    weight: float = 0.8


@dataclass(frozen=True)
class Label:
    """Lines of text in a rectangle. `owner` is the part that they belong to, if they do."""

    lines: tuple[str, ...]
    rect: Rect
    size: float
    colour: str
    bold: bool = False
    align: Align = "centre"
    owner: str = ""


@dataclass(frozen=True)
class Arrow:
    """A tensor from part to part: a Bézier spline to the foot of the arrow's head, and its tip."""

    source: str
    target: str
    kind: str
    points: tuple[Point, ...]
    colour: str
    dash: str = "solid"
    weight: float = 0.8

    @property
    def head(self) -> Ink:
        """Its head, wider than its line; versions of Graphviz place theirs differently."""
        (x, y), tip = self.points[-2:]
        dx, dy = tip[0] - x, tip[1] - y
        half = max(0.4, 1.3 * self.weight / max(math.hypot(dx, dy), 0.1))
        wings = (x - half * dy, y + half * dx), tip, (x + half * dy, y - half * dx)
        return Ink(wings, self.colour, weight=0.0)


_PLAIN = re.compile(r"[\w@./ -]{1,200}", re.ASCII)

Thing = TypeVar("Thing", bound=Ink | Box | Label | Arrow)


def moved(thing: Thing, dx: float, dy: float) -> Thing:
    """The same, shifted."""
    if isinstance(thing, Box | Label):
        rect = replace(thing.rect, x=thing.rect.x + dx, y=thing.rect.y + dy)
        return replace(thing, rect=rect)
    return replace(thing, points=tuple((x + dx, y + dy) for x, y in thing.points))


@dataclass(frozen=True)
class Drawing:
    """A figure of `width` x `height` points, drawn `scale` times as large."""

    name: str
    width: float
    height: float
    paper: str
    font: Font
    inks: tuple[Ink, ...] = ()
    boxes: tuple[Box, ...] = ()
    labels: tuple[Label, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    scale: float = 1.0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height on paper, in points."""
        return self.scale * self.width, self.scale * self.height

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Under what names the parts stand in files, by path: their own where these are plain."""
        paths = (box.path for box in self.boxes)
        return {x: x if _PLAIN.fullmatch(x) else f"part:{i}" for i, x in enumerate(paths)}

    @property
    def backdrop(self) -> tuple[Ink, ...]:
        """What is there for the eye alone, on a sheet of paper, under the parts and tensors."""
        edge = Rect(0, 0, self.width, self.height).corners
        sheet = Ink(edge, self.paper, self.paper)
        return (sheet, *self.inks, *(arrow.head for arrow in self.arrows))

    @property
    def small_print(self) -> float:
        """The size of the smallest text on paper, in points."""
        return self.scale * min((label.size for label in self.labels), default=0.0)
