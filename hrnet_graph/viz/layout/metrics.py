"""How large everything is, in points."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hrnet_graph.viz.find_font import find_font
from hrnet_graph.viz.font import Font
from hrnet_graph.viz.scene import Part


class Metrics:
    """Sizes. `squeeze` makes what holds no text smaller, `text` is the size of small print.

    slab: the thickness of one feature map, along the flow
    between: from one map of a run to the next
    gap: from column to column, at least
    row_gap: from row to row
    row_bend: what a gap is wider by for every row that a link crosses in it
    head: the length of an arrow's head
    """

    def __init__(
        self,
        horizontal: bool,
        squeeze: float = 1.0,
        text: float = 8.0,
        font: Font | None = None,
    ) -> None:
        self.horizontal, self.squeeze, self.text = horizontal, squeeze, text
        self.font = font or find_font()
        along = squeeze if horizontal else max(squeeze, 0.3)  # a page is narrow, but it is high
        self.slab, self.between = 7 * along, 5 * along
        self.gap, self.head = 3 + 15 * along, 2 + 3 * along
        self.row_gap, self.row_bend = 1.5 + 13.5 * squeeze, 4 + 9 * along

    def face(self, row: int, pooled: bool) -> float:
        """How high the maps of a row are: the finest are the highest, what is pooled the lowest."""
        squeeze = 0.1 + 0.9 * self.squeeze
        return POINT if pooled else max(62 * squeeze * 0.76**row, 9)

    def text_size(self, lines: tuple[str, ...], bold: bool = False) -> tuple[float, float]:
        """Width and height of lines of small print."""
        return self.font.extent(lines, self.text, bold)


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


def is_bold(part: Part) -> bool:
    """Whether a part's words are bold: those of inputs and outputs are."""
    return part.shape == "name" and part.kind != "context"


def slabs(part: Part) -> int:
    """How many maps a part is drawn as."""
    return min(max(part.repeat, 1), MOST)


def extent(part: Part, metrics: Metrics, first: int, last: int, finest: int) -> Extent:
    """The extent of a part in rows; `finest` is the number of channels that is least deep."""
    wide, high = metrics.text_size(part.lines, is_bold(part))
    if part.shape == "map":
        return _map_extent(part, metrics, first, finest)
    if part.shape == "box":
        wide, high = max(wide + 12, 24 if part.kind == "op" else 0), high + 8
    else:
        wide, high = wide + 2 + 4 * metrics.squeeze, high + 4
    if not metrics.horizontal:
        wide, high = high, wide
    half = max(high / (2 * (1 + last - first)), 7)
    return Extent(wide, half, half, wide)


def _map_extent(part: Part, metrics: Metrics, row: int, finest: int) -> Extent:
    """A map is deeper by the same step with every doubling of channels.

    Words stand below it, or to its right where the flow goes down.
    """
    wide, high = metrics.text_size(part.lines)
    doublings = math.log2(max(part.channels, 1) / max(finest, 1))
    count, deep = slabs(part), min(max(3 + 1.6 * doublings, 2), 11) * metrics.squeeze
    body = count * metrics.slab + (count - 1) * metrics.between + deep
    half = metrics.face(row, part.pooled) / 2
    overhang = max(deep - half, 0.0)
    if metrics.horizontal:
        below = half + (high + 2 if part.lines else 0)
        return Extent(max(body, wide), half + deep, below, body, deep, overhang)
    below = half + deep + (wide + 4 if part.lines else 0)
    return Extent(max(body, high), half, below, body, deep, overhang)
