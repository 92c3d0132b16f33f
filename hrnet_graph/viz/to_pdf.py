"""A drawing as PDF of one page, with the characters that it uses embedded. Source: ISO 32000-1."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

from hrnet_graph.viz.drawing import Drawing, Label
from hrnet_graph.viz.font import Face, Glyph
from hrnet_graph.viz.shape import DASHES, Line, Shape, lines, shapes

_OPERATOR = {"M": "m", "L": "l", "C": "c", "Z": "h"}

_FIRST_FONT = 6
"""The number of the first object that is of a font; each takes five."""

_CMAP = """\
/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
{ranges}
endcmap CMapName currentdict /CMap defineresource pop end end"""

Sets = dict[Face, str]
"""The characters that are drawn in each face; a character's code is its place, from 1 on."""


def to_pdf(drawing: Drawing) -> bytes:
    """The drawing as PDF, of its size on paper; its words can be searched and copied."""
    width, height = drawing.size
    rows = [(label, line) for label in drawing.labels for line in lines(label, drawing.font)]
    sets: Sets = {}
    for _, line in rows:
        for glyph in line.glyphs:
            held = sets.get(glyph.face, "")
            sets[glyph.face] = held if glyph.character in held else held + glyph.character
    fonts = "".join(f"/F{i} {_FIRST_FONT + 5 * i} 0 R " for i in range(len(sets)))
    title = f"\ufeff{drawing.name[:300]}".encode("utf-16-be", "replace").hex()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.2f} {height:.2f}]"
        f" /Contents 4 0 R /Resources << /Font << {fonts}>> >> >>".encode(),
        _stream("\n".join(_content(drawing, rows, sets)).encode()),
        f"<< /Title <{title}> /Producer (hrnet-graph) >>".encode(),
    ]
    for face, characters in sets.items():
        objects += _font(face, characters, _FIRST_FONT + len(objects) - 5)
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    """Objects, numbered from 1 on, as a file; the first is the catalog, the fifth has the title."""
    file, places = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), []
    for number, held in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, held)
    start, count = len(file), len(objects) + 1
    file += b"xref\n0 %d\n0000000000 65535 f \n" % count
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    file += b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\n" % count
    return bytes(file + b"startxref\n%d\n%%%%EOF\n" % start)


def _stream(data: bytes, more: str = "") -> bytes:
    packed = zlib.compress(data, 9)
    head = f"<< /Length {len(packed)} /Filter /FlateDecode{more} >>"
    return b"%s\nstream\n%s\nendstream" % (head.encode(), packed)


def _content(drawing: Drawing, rows: Sequence[tuple[Label, Line]], sets: Sets) -> Iterator[str]:
    """The page, drawn from its upper left corner down."""
    scale, codes = _number(drawing.scale), {face: i for i, face in enumerate(sets)}
    yield f"{scale} 0 0 -{scale} 0 {_number(drawing.size[1])} cm"
    yield f"{_colour(drawing.paper)} rg 0 0 {drawing.width:.2f} {drawing.height:.2f} re f"
    for thing in drawing.things:
        yield from (_shape(shape) for shape in shapes(thing) if shape.fill or shape.stroke)
    yield "BT"
    for label, line in rows:
        for face, run in groupby(line.glyphs, key=lambda glyph: glyph.face):
            yield _run(list(run), label, line, f"/F{codes[face]}", sets[face])
    yield "ET"


def _shape(shape: Shape) -> str:
    steps = " ".join(
        " ".join(f"{_number(x)} {_number(y)}" for x, y in points) + f" {_OPERATOR[name]}"
        for name, points in shape.path
    )
    inks = [f"{_colour(shape.fill)} rg"] if shape.fill else []
    if shape.stroke:
        dashes = " ".join(map(_number, DASHES.get(shape.dash, ())))
        inks.append(f"{_colour(shape.stroke)} RG {_number(shape.weight)} w [{dashes}] 0 d")
    operator = "B" if shape.fill and shape.stroke else "f" if shape.fill else "S"
    return f"{' '.join(inks)} {steps} {operator}"


def _run(run: Sequence[Glyph], label: Label, line: Line, font: str, characters: str) -> str:
    codes = "".join(f"{characters.index(glyph.character) + 1:04x}" for glyph in run)
    at = f"{_number(line.x + run[0].x)} {_number(line.y)}"
    size = _number(label.size)
    return f"{_colour(label.colour)} rg {font} {size} Tf 1 0 0 -1 {at} Tm <{codes}> Tj"


def _font(face: Face, characters: str, first: int) -> list[bytes]:
    """The five objects of a font, the first of them number `first`. Codes are glyphs' numbers."""
    name = f"/HRNETG+{face.name}"
    wide = " ".join(_number(1000 * face.advance(c) / face.units) for c in characters)
    low, high, left, right = -300, 1000, -200, 1200
    return [
        f"<< /Type /Font /Subtype /Type0 /BaseFont {name} /Encoding /Identity-H"
        f" /DescendantFonts [{first + 1} 0 R] /ToUnicode {first + 4} 0 R >>".encode(),
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont {name} /CIDToGIDMap /Identity"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        f" /FontDescriptor {first + 2} 0 R /W [1 [{wide}]] >>".encode(),
        f"<< /Type /FontDescriptor /FontName {name} /Flags 4 /ItalicAngle 0 /StemV 80"
        f" /FontBBox [{left} {low} {right} {high}] /Ascent {high} /Descent {low}"
        f" /CapHeight {1000 * face.capital:.0f} /FontFile2 {first + 3} 0 R >>".encode(),
        _embedded(face, characters),
        _stream(_CMAP.format(ranges=_ranges(characters)).encode()),
    ]


def _embedded(face: Face, characters: str) -> bytes:
    """The face with these characters alone, as TrueType."""
    names = [".notdef", *(f"g{i}" for i in range(1, len(characters) + 1))]
    glyphs, advances = {".notdef": TTGlyphPen(None).glyph()}, {".notdef": (face.units, 0)}
    for name, character in zip(names[1:], characters, strict=True):
        pen = TTGlyphPen(None)
        face.draw(character, Cu2QuPen(pen, face.units / 1000, all_quadratic=True))
        glyphs[name] = pen.glyph()
        advances[name] = (face.advance(character), 0)
    builder = FontBuilder(face.units, isTTF=True)
    builder.updateHead(created=0, modified=0)
    builder.font.recalcTimestamp = False
    builder.setupGlyphOrder(names)
    builder.setupGlyf(glyphs)
    for name, glyph in glyphs.items():
        advances[name] = advances[name][0], getattr(glyph, "xMin", 0)
    builder.setupHorizontalMetrics(advances)
    builder.setupHorizontalHeader(ascent=face.units, descent=-face.units // 4)
    builder.setupPost(keepGlyphNames=False)
    file = BytesIO()
    builder.save(file)
    return _stream(file.getvalue(), f" /Length1 {len(file.getvalue())}")


def _ranges(characters: str) -> str:
    """What text every code stands for, in blocks of a hundred at most."""
    pairs = [
        f"<{code:04x}> <{character.encode('utf-16-be').hex()}>"
        for code, character in enumerate(characters, start=1)
    ]
    blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
    return "\n".join(f"{len(b)} beginbfchar {' '.join(b)} endbfchar" for b in blocks)


def _colour(colour: str) -> str:
    return " ".join(_number(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))


def _number(value: float) -> str:
    """Of points, to a thousandth."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
