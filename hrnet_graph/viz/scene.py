"""What a figure shows, before anything has a place: parts, the links between them, groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal

from hrnet_graph.analysis.cost import Cost

Shape = Literal["map", "box", "name"]
"""How a part is drawn: as feature maps, as a box with text in it, or as text alone."""

Mark = Literal["", "added", "removed", "changed"]
"""How a part of one network differs from another's."""

MARKS: tuple[Mark, ...] = ("added", "removed", "changed")

Direction = Literal["flow", "down", "up"]
"""Whether a link keeps the resolution, lowers it or raises it."""


@dataclass(frozen=True)
class Part:
    """One thing that is drawn.

    rows: the strides of the rows that it stands in, finest first
    column: parts with the same text here stand in one column
    lines: what is written in or beside it
    repeat: how many residual units it stands for; 0 if it stands for none
    segments: the strides of what is concatenated in it
    pooled: whether its result has no height and width left
    kept: the numbers in it that training keeps for the backward pass
    """

    path: str
    kind: str
    shape: Shape
    rows: tuple[Fraction, ...]
    column: str
    lines: tuple[str, ...] = ()
    tooltip: str = ""
    channels: int = 0
    repeat: int = 0
    segments: tuple[Fraction, ...] = ()
    pooled: bool = False
    cost: Cost = field(default_factory=Cost)
    kept: int = 0
    mark: Mark = ""


@dataclass(frozen=True)
class Link:
    """A tensor that flows from one part to another. `row` is its stride, `text` its shape."""

    source: str
    target: str
    tensor: str
    row: Fraction
    direction: Direction
    text: str = ""
    mark: Mark = ""


@dataclass(frozen=True)
class Group:
    """Parts that belong together: a stage, or a module of one."""

    path: str
    name: str
    depth: int
    members: frozenset[str]


@dataclass(frozen=True)
class Scene:
    """A figure's content; parts stand in execution order.

    rows: the name of each stride
    """

    name: str
    title: str
    totals: str
    parts: tuple[Part, ...]
    links: tuple[Link, ...]
    groups: tuple[Group, ...]
    rows: Mapping[Fraction, str]
    notes: tuple[str, ...] = ()

    @cached_property
    def part_at(self) -> dict[str, Part]:
        """Parts by path."""
        return {part.path: part for part in self.parts}
