"""The part of a font that a PDF file needs, as the objects of that file."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from hrnet_graph.errors import FileError, error_line, quoted
from hrnet_graph.viz.font import Face

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

_CODES = """\
/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CMapName /Codes def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
{rows}
endcmap
end
end
"""

_ROWS = 100
"""How many characters one section of a CMap may list."""


def stream(data: bytes, entries: str = "") -> bytes:
    """A stream, packed, with entries of its dictionary."""
    packed = zlib.compress(data, 9)
    said = f"<< /Length {len(packed)} /Filter /FlateDecode {entries}>>\nstream\n"
    return said.encode() + packed + b"\nendstream"


@dataclass(frozen=True)
class EmbeddedFont:
    """A font of some characters, its name on the page, and the number of each one's glyph."""

    name: str
    face: Face
    data: bytes
    glyphs: Mapping[str, int]

    def code(self, character: str) -> str:
        """How a character is written on the page, or a square where the font has none."""
        return f"{self.glyphs.get(character, 0):04x}"

    def objects(self, first: int) -> tuple[bytes, ...]:
        """The objects of the font, the first of which has the number `first` in the file."""
        from fontTools.ttLib import TTFont

        font = TTFont(BytesIO(self.data))
        outlines = "glyf" in font
        tag = "".join(chr(ord("A") + byte % 26) for byte in sha256(self.data).digest()[:6])
        base = f"/{tag}+{self.face.name}"
        widths = " ".join(_thousandths(font, each[0]) for each in _advances(font))
        kind = "/CIDFontType2 /CIDToGIDMap /Identity" if outlines else "/CIDFontType0"
        system = "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        file = "/FontFile2" if outlines else "/FontFile3"
        entries = f"/Length1 {len(self.data)} " if outlines else "/Subtype /OpenType "
        texts = (
            f"<< /Type /Font /Subtype /Type0 /BaseFont {base} /Encoding /Identity-H "
            f"/DescendantFonts [{first + 1} 0 R] /ToUnicode {first + 4} 0 R >>",
            f"<< /Type /Font /Subtype {kind} /BaseFont {base} /CIDSystemInfo {system} "
            f"/FontDescriptor {first + 2} 0 R /W [0 [{widths}]] >>",
            f"<< /Type /FontDescriptor /FontName {base} /Flags 4 {_measures(font)} "
            f"{file} {first + 3} 0 R >>",
        )
        codes = stream(_codes(self.glyphs).encode())
        return (*(text.encode() for text in texts), stream(self.data, entries), codes)


def embed(face: Face, characters: Iterable[str], name: str) -> EmbeddedFont:
    """The part of a font that draws some characters.

    Raises `FileError` for a font whose file is broken elsewhere than where it is read to draw.
    """
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options(
        layout_features=[], hinting=False, glyph_names=False, notdef_outline=True, name_IDs=[]
    )
    try:
        data = BytesIO(face.path.read_bytes())
        font = TTFont(data, fontNumber=face.number, recalcTimestamp=False)
        cutter = Subsetter(options)
        cutter.populate(text="".join(characters))
        cutter.subset(font)
        font.save(part := BytesIO())
        named = font.getBestCmap() or {}  # squares alone have no names
        glyphs = {chr(code): font.getGlyphID(glyph) for code, glyph in named.items()}
    except Exception as error:  # whatever a broken file makes of its reader
        where = quoted(str(face.path), 200)
        raise FileError(f"a pdf cannot take in the font {where}: {error_line(error)}") from None
    return EmbeddedFont(name, face, part.getvalue(), glyphs)


def _advances(font: TTFont) -> list[tuple[int, int]]:
    return [font["hmtx"].metrics[glyph] for glyph in font.getGlyphOrder()]


def _thousandths(font: TTFont, value: float) -> str:
    """A length in units of the font as PDF has it, in thousandths of the font's size."""
    return f"{1000 * value / font['head'].unitsPerEm:.6g}"


def _measures(font: TTFont) -> str:
    """Source: ISO 32000-1:2008, table 122; the weight of stems, which no font says, is usual."""
    head, lines = font["head"], font["hhea"]
    capital = getattr(font["OS/2"], "sCapHeight", 0) or 0.7 * head.unitsPerEm
    box = (head.xMin, head.yMin, head.xMax, head.yMax)
    sides = " ".join(_thousandths(font, side) for side in box)
    heights = zip(
        ("Ascent", "Descent", "CapHeight"), (lines.ascent, lines.descent, capital), strict=True
    )
    said = " ".join(f"/{name} {_thousandths(font, value)}" for name, value in heights)
    return f"/FontBBox [{sides}] /ItalicAngle 0 {said} /StemV 80"


def _codes(glyphs: Mapping[str, int]) -> str:
    """What characters glyphs are, for those who search and copy."""
    rows = [
        f"<{number:04x}> <{character.encode('utf-16-be').hex()}>"
        for character, number in sorted(glyphs.items(), key=lambda each: each[1])
    ]
    parts = [rows[i : i + _ROWS] for i in range(0, len(rows), _ROWS)]
    listed = [f"{len(part)} beginbfchar\n" + "\n".join(part) + "\nendbfchar" for part in parts]
    return _CODES.format(rows="\n".join(listed))
