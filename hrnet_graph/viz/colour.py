"""What the colour of a part says: its resolution, its cost, or how it differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hrnet_graph.viz.drawing import Ink, Rect
from hrnet_graph.viz.look import Colour
from hrnet_graph.viz.numbers import short
from hrnet_graph.viz.scene import Link, Part, Scene
from hrnet_graph.viz.theme import DASHES, Theme, mixed, row_colour

_DASH = {"": "", "added": "solid", "removed": "dashed", "changed": "dotted"}

UNITS = {"macs": "MACs", "params": "parameters", "memory": "bytes of results in float32"}
"""What the scale of a cost counts."""


@dataclass(frozen=True)
class Paints:
    """The colours of one scene. `most` is the highest cost of a part."""

    theme: Theme
    colour: Colour
    most: int
    compared: bool

    def layers(self, part: Part) -> tuple[str, ...]:
        """The fills of a part: several where it is a concatenation."""
        if self.colour != "resolution":
            return (self.scale(cost_of(part, self.colour) / max(self.most, 1)),)
        if self.compared:
            marked = mixed(
                self.theme.marks.get(part.mark, self.theme.blank), self.theme.paper, 0.55
            )
            return (marked if part.mark else self.theme.blank,)
        if len(part.rows) > 1:
            return (self.theme.blank,)
        rows = part.segments or part.rows
        fade = 0.45 if part.shape == "box" else 0.0
        return tuple(mixed(row_colour(self.theme, row), self.theme.paper, fade) for row in rows)

    def scale(self, share: float) -> str:
        """The colour of a cost, as a share of the highest; even steps for equal ratios near it."""
        return mixed(self.theme.low, self.theme.high, share**0.5)

    def outline(self, part: Part) -> str:
        """The colour of a part's edges."""
        if part.mark:
            return self.theme.marks[part.mark]
        return mixed(self.layers(part)[0], self.theme.ink, 0.55)

    def lit(self, fill: str) -> str:
        """The upper side of a block."""
        return mixed(fill, "#ffffff", 0.35)

    def shaded(self, fill: str) -> str:
        """The right side of a block."""
        return mixed(fill, "#000000", 0.22)

    def on(self, part: Part) -> str:
        """The colour of words that stand on a part."""
        if part.kind == "context":
            return self.theme.quiet
        if part.shape == "name":
            return self.theme.marks.get(part.mark, self.theme.ink)
        return legible(self.layers(part)[0], self.theme)

    def link(self, link: Link) -> tuple[str, str, float]:
        """Colour, dashes and weight of a link."""
        if link.mark:
            return self.theme.marks[link.mark], _DASH[link.mark], 1.4
        if self.compared:
            return self.theme.directions["flow"], "solid", 0.8
        return self.theme.directions[link.direction], DASHES[link.direction], 0.8

    def hatch(self, part: Part, rect: Rect) -> Iterator[Ink]:
        """A pattern over a part that differs: a frame, and strokes one way, or the other, or both.

        Told apart without colour: added rises, removed falls, changed crosses.
        """
        if not part.mark:
            return
        stroke, step = self.theme.marks[part.mark], 5.0
        bottom = rect.y + rect.height
        yield Ink((*rect.corners, rect.corners[0]), stroke=stroke, weight=1.0)
        reach = rect.width + rect.height
        for i in range(1, int(reach / step) + 1):
            at = i * step
            x0, x1 = rect.x + max(0.0, at - rect.height), rect.x + min(at, rect.width)
            y0, y1 = rect.y + min(at, rect.height), rect.y + max(0.0, at - rect.width)
            if part.mark in ("added", "changed"):
                yield Ink(((x0, y0), (x1, y1)), stroke=stroke, weight=0.5)
            if part.mark in ("removed", "changed"):
                flipped = (x0, bottom + rect.y - y0), (x1, bottom + rect.y - y1)
                yield Ink(flipped, stroke=stroke, weight=0.5)

    def ends(self) -> tuple[str, str, str]:
        """The scale's words: what it counts, and both its ends."""
        return UNITS[self.colour], "0", short(self.most)


def cost_of(part: Part, colour: Colour) -> int:
    """The cost that a colour shows: memory is what the results take in float32, in bytes."""
    if colour == "memory":
        return 4 * part.cost.activations
    return part.cost.params if colour == "params" else part.cost.macs


def paints(scene: Scene, theme: Theme, colour: Colour) -> Paints:
    """The colours for a scene."""
    most = max((cost_of(part, colour) for part in scene.parts), default=0)
    return Paints(theme, colour, most, any(part.mark for part in scene.parts))


def legible(fill: str, theme: Theme) -> str:
    """Ink for words on a fill: dark on light, light on dark."""
    red, green, blue = (int(fill[i : i + 2], 16) for i in (1, 3, 5))
    dark, pale = sorted((theme.ink, theme.paper), key=lambda colour: int(colour[1:3], 16))
    return dark if 0.3 * red + 0.59 * green + 0.11 * blue > 135 else pale
