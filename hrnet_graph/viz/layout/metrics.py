"""How large everything is, in points."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hrnet_graph.viz import text_metrics
from hrnet_graph.viz.scene import Part


@dataclass(frozen=True)
class Metrics:
    """Sizes. `squeeze` makes what holds no text smaller, `text` is the size of small print."""

    horizontal: bool
    squeeze: float = 1.0
    text: float = 8.0

    @property
    def slab(self) -> float:
        """The thickness of one feature map, along the flow."""
        return 7 * self.squeeze

    @property
    def between(self) -> float:
        """From one map of a run to the next."""
        return 5 * self.squeeze

    @property
    def gap(self) -> float:
        """From column to column, at least."""
        return 3 + 15 * self.squeeze

    @property
    def row_gap(self) -> float:
        """From row to row."""
        return 5 + 10 * self.squeeze

    @property
    def row_bend(self) -> float:
        """What a gap is wider by for every row that a link crosses in it."""
        return 4 + 9 * self.squeeze

    @property
    def head(self) -> float:
        """The length of an arrow's head."""
        return 2 + 3 * self.squeeze

    def face(self, row: int, pooled: bool) -> float:
        """How high the maps of a row are: the finest are the highest, what is pooled the lowest."""
        squeeze = 0.4 + 0.6 * self.squeeze
        return POINT if pooled else max(54 * squeeze * 0.72**row, 9)

    def text_size(self, lines: tuple[str, ...]) -> tuple[float, float]:
        """Width and height of lines of small print."""
        wide = max((text_metrics.width(line, self.text) for line in lines), default=0.0)
        return wide, text_metrics.height(len(lines), self.text)


@dataclass(frozen=True)
class Extent:
    """What a part takes up: along the flow, and to both sides of its row's axis.

    `body` is the length of what is drawn, text apart. `depth` is how far a map goes into the
    paper; where that is further than it is high, the axis lies outside of it by `overhang`.
    """

    along: float
    above: float
    below: float
    body: float
    depth: float = 0.0
    overhang: float = 0.0


POINT = 7.0
"""How high a map of a single pixel is, which stands for a vector as well."""

MOST = 4
"""A run is drawn as that many maps at most; its number says how many there are."""


def depth(channels: int, finest: int) -> float:
    """How deep a map is drawn: deeper by the same step with every doubling of channels."""
    return min(max(3 + 1.6 * math.log2(max(channels, 1) / max(finest, 1)), 2), 11)


def slabs(part: Part) -> int:
    """How many maps a part is drawn as."""
    return min(max(part.repeat, 1), MOST)


def extent(part: Part, metrics: Metrics, row: int, finest: int) -> Extent:
    """The extent of a part in a row; `finest` is the number of channels that is least deep."""
    wide, high = metrics.text_size(part.lines)
    if part.shape == "map":
        return _map_extent(part, metrics, row, finest, wide, high)
    if part.shape == "box":
        wide, high = wide + 12, high + 8
        if part.kind == "op":
            wide = max(wide, 24)
    if part.shape == "name":
        wide, high = wide + 6, high + 4
    if not metrics.horizontal:
        wide, high = high, wide
    share = high / (2 * len(part.rows))
    return Extent(wide, max(share, 7), max(share, 7), wide)


def _map_extent(
    part: Part, metrics: Metrics, row: int, finest: int, wide: float, high: float
) -> Extent:
    """Words stand below a map, or to its right where the flow goes down."""
    count, deep = slabs(part), depth(part.channels, finest) * metrics.squeeze
    body = count * metrics.slab + (count - 1) * metrics.between + deep
    half = metrics.face(row, part.pooled) / 2
    overhang = max(deep - half, 0.0)
    if metrics.horizontal:
        below = half + (high + 2 if part.lines else 0)
        return Extent(max(body, wide), half + deep, below, body, deep, overhang)
    below = half + deep + (wide + 4 if part.lines else 0)
    return Extent(max(body, high), half, below, body, deep, overhang)
