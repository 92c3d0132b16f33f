"""From along and across the flow to x and y on paper."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet_graph.viz.drawing import Point, Rect


@dataclass(frozen=True)
class Plane:
    """Which way the flow goes, and where its origin lies on paper."""

    horizontal: bool
    x: float = 0.0
    y: float = 0.0

    def point(self, u: float, v: float) -> Point:
        """A point on paper."""
        return (self.x + u, self.y + v) if self.horizontal else (self.x + v, self.y + u)

    def rect(self, u: float, v: float, along: float, across: float) -> Rect:
        """A rectangle on paper, by where it begins and how far it reaches."""
        x, y = self.point(u, v)
        return Rect(x, y, along, across) if self.horizontal else Rect(x, y, across, along)
