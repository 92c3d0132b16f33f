"""A font as a value: how wide its characters are, and their outlines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from hrnet_graph.choices import FONT

if TYPE_CHECKING:
    from fontTools.pens.basePen import AbstractPen
    from fontTools.ttLib import TTFont
    from fontTools.ttLib.ttGlyphSet import _TTGlyphSet

_LINE = 1.25
"""The height of a line, in the font's size."""

_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufefc]+(?: +[\u0590-\u08ff\ufb1d-\ufefc]+)*")


@dataclass(frozen=True)
class Face:
    """One weight of a font: a file, or one of several fonts in a file.

    `known` is its name where that need not be looked up in the file.
    """

    path: Path
    number: int = 0
    known: str = ""

    @cached_property
    def font(self) -> TTFont:
        """The file, of which a table is read when it is asked for."""
        from fontTools.ttLib import TTFont

        return TTFont(BytesIO(self.path.read_bytes()), fontNumber=self.number, lazy=True)

    @cached_property
    def name(self) -> str:
        """Such as `Arimo-Bold`: letters, digits and hyphens alone, as every format takes them."""
        name = self.known or self.font["name"].getDebugName(6) or self.path.stem
        return re.sub(r"[^A-Za-z0-9-]", "", name)[:60] or "font"

    @cached_property
    def units(self) -> int:
        """How many of its units are as long as the font is high."""
        return int(self.font["head"].unitsPerEm)

    @cached_property
    def capital(self) -> float:
        """How high a capital is, in the font's size."""
        return float(getattr(self.font["OS/2"], "sCapHeight", 0) / self.units or 0.7)

    @cached_property
    def _glyphs(self) -> _TTGlyphSet:
        return self.font.getGlyphSet()

    @cached_property
    def _advances(self) -> dict[str, tuple[int, int]]:
        metrics: dict[str, tuple[int, int]] = self.font["hmtx"].metrics
        return metrics

    @cached_property
    def _glyph_of(self) -> dict[int, str]:
        return dict(self.font.getBestCmap() or {})

    def has(self, character: str) -> bool:
        """Whether it can draw a character."""
        return ord(character) in self._glyph_of

    def advance(self, character: str) -> int:
        """How far a character moves on, in the font's units."""
        return self._advances[self._glyph_of.get(ord(character), ".notdef")][0]

    def draw(self, character: str, pen: AbstractPen) -> None:
        """Draws a character's outline in the font's units, y up, or a square if it has none."""
        from fontTools.pens.recordingPen import DecomposingRecordingPen

        outline = DecomposingRecordingPen(self._glyphs)
        self._glyphs[self._glyph_of.get(ord(character), ".notdef")].draw(outline)
        outline.replay(pen)


@dataclass(frozen=True)
class Glyph:
    """A character, the face that draws it, and where it begins on its line, in points."""

    character: str
    face: Face
    x: float


@dataclass(frozen=True)
class Font:
    """A family in two weights. What it lacks is drawn in the font of the package."""

    name: str
    regular: Face
    bold: Face

    def arrange(self, text: str, size: float, bold: bool = False) -> tuple[list[Glyph], float]:
        """A line of text as glyphs from the left, and its width in points.

        Letters are set side by side, without kerning; what is read from the right is turned, and
        Arabic letters are not joined.
        """
        glyphs, x, own = [], 0.0, self.bold if bold else self.regular
        for character in _RIGHT_TO_LEFT.sub(lambda found: found[0][::-1], text):
            face = own if own.has(character) else shipped(bold)
            glyphs.append(Glyph(character, face, x))
            x += face.advance(character) / face.units * size
        return glyphs, x

    def width(self, text: str, size: float, bold: bool = False) -> float:
        """How wide a line of text is, in points."""
        return _width(self, text, size, bold)

    def extent(self, lines: Sequence[str], size: float, bold: bool = False) -> tuple[float, float]:
        """How wide and how high lines of text are, in points."""
        wide = max((self.width(line, size, bold) for line in lines), default=0.0)
        return wide, len(lines) * _LINE * size

    def lacks(self, texts: Iterable[str]) -> str:
        """The characters of texts that neither it nor the font of the package has."""
        faces = self.regular, shipped(False)
        return "".join(
            c for c in sorted(set().union(*texts)) if not any(face.has(c) for face in faces)
        )


@lru_cache(2**14)  # a layout asks for the same words many times
def _width(font: Font, text: str, size: float, bold: bool) -> float:
    return font.arrange(text, size, bold)[1]


@cache
def shipped(bold: bool) -> Face:
    """A weight of the font in the package."""
    name = f"{FONT}-{'Bold' if bold else 'Regular'}.ttf"
    known = f"{FONT}-Bold" if bold else FONT
    return Face(Path(__file__).with_name("fonts") / name, known=known)
