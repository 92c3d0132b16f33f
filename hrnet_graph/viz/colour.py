"""What the colour of a part says: its resolution, its cost, or how it differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hrnet_graph.analysis.numbers import count_of, short
from hrnet_graph.viz.drawing import Ink, Rect
from hrnet_graph.viz.look import Colour
from hrnet_graph.viz.scene import Link, Part, Scene
from hrnet_graph.viz.theme import DASHES, WEIGHTS, Theme, contrast, face_of, mix, number_of

_DASH = {"added": "solid", "removed": "dashed", "changed": "dotted"}


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
        if self.compared and part.mark:
            return (mix(self.theme.marks[part.mark], self.theme.paper, 0.55),)
        if self.compared or len(part.rows) > 1:
            return (self.theme.blank,)
        fade = 0.45 if part.shape == "box" else 0.0
        faces = (face_of(number_of(stride), self.theme) for stride in part.segments or part.rows)
        return tuple(mix(face, self.theme.paper, fade) for face in faces)

    def scale(self, share: float) -> str:
        """The colour of a cost by the root of its share of the highest: small ones differ."""
        return mix(self.theme.low, self.theme.high, share**0.5)

    def outline(self, part: Part) -> str:
        """The colour of a part's edges."""
        if part.mark:
            return self.theme.marks[part.mark]
        return mix(self.layers(part)[0], self.theme.ink, 0.55)

    def block(self, face: Rect, depth: float, fills: Sequence[str], stroke: str) -> Iterator[Ink]:
        """A block in perspective: its upper side lit, its right side in the shade, its face."""
        a, b, c, _ = face.corners
        up_a, up_b, up_c = ((x + depth, y - depth) for x, y in (a, b, c))
        yield Ink((a, up_a, up_b, b), mix(fills[0], "#ffffff", 0.35), stroke)
        yield Ink((b, up_b, up_c, c), mix(fills[-1], "#000000", 0.22), stroke)
        yield Ink(face.corners, fills[0], stroke)

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
        way = link.direction
        return self.theme.directions[way], DASHES[way], WEIGHTS[way]

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

    def ends(self) -> str:
        """The scale's words: both its ends, and what it counts."""
        if self.colour == "params":
            return f"0 to {short(self.most)} parameters"
        unit = "MACs" if self.colour == "macs" else "B kept for training in float32"
        return f"0 to {count_of(self.most, unit)}"


def cost_of(part: Part, colour: Colour) -> int:
    """The cost that a colour shows: memory is what training keeps in float32, in bytes."""
    if colour == "memory":
        return 4 * part.kept
    return part.cost.params if colour == "params" else part.cost.macs


def paints(scene: Scene, theme: Theme, colour: Colour) -> Paints:
    """The colours for a scene."""
    most = max((cost_of(part, colour) for part in scene.parts), default=0)
    return Paints(theme, colour, most, any(part.mark for part in scene.parts))


def legible(fill: str, theme: Theme) -> str:
    """Ink or paper for words on a fill, whichever is in higher contrast to it."""
    return max((theme.ink, theme.paper), key=lambda colour: contrast(colour, fill))
