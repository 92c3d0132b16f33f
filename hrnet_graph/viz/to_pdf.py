"""A drawing as PDF: one page, with its fonts in it, so that words can be searched and copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from hrnet_graph.viz.drawing import Drawing, Label, Point
from hrnet_graph.viz.font import Face, Font
from hrnet_graph.viz.paint import lines_of, outline
from hrnet_graph.viz.pdf_font import EmbeddedFont, embed, stream
from hrnet_graph.viz.words import clean

_DASHES = {"solid": "[] 0 d", "dashed": "[5 2] 0 d", "dotted": "[1 5] 0 d"}

_FIXED = 5
"""How many objects a file has besides those of its fonts."""


def to_pdf(drawing: Drawing) -> bytes:
    """The drawing as a page of its size, the same bytes whenever and wherever it is written.

    Source: ISO 32000-1:2008.
    """
    fonts = _fonts(drawing)
    content = "\n".join(("4 M", *_shapes(drawing), *_words(drawing, fonts)))
    written: list[bytes] = []
    named = []
    for font in fonts.values():
        number = _FIXED + len(written) + 1
        named.append(f"/{font.name} {number} 0 R")
        written += font.objects(number)
    width, height = drawing.size
    title = clean(drawing.name, 300).encode("utf-16-be").hex()
    box, used = f"[0 0 {width:.2f} {height:.2f}]", f"<< /Font << {' '.join(named)} >> >>"
    page = f"/MediaBox {box} /Resources {used} /Contents 4 0 R"
    return _file(
        (
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R {page} >>".encode(),
            stream(content.encode("ascii")),
            f"<< /Title <feff{title}> /Producer (hrnet-graph) >>".encode(),
            *written,
        )
    )


def _file(objects: tuple[bytes, ...]) -> bytes:
    """Objects, numbered from 1 on, of which the first is the root and the fifth says the title."""
    file, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, each in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    start, count = len(file), len(objects) + 1
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    file += b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, rows)
    file += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (count, _FIXED)
    return bytes(file + b"startxref\n%d\n%%%%EOF\n" % start)


def _fonts(drawing: Drawing) -> Mapping[Face, EmbeddedFont]:
    """The faces that draw words, each with the characters that it draws."""
    drawn: dict[Face, set[str]] = {}
    for label in drawing.labels:
        for line in lines_of(label, drawing.font):
            for glyph in line.glyphs:
                drawn.setdefault(glyph.face, set()).add(glyph.character)
    return {
        face: embed(face, characters, f"F{number}")
        for number, (face, characters) in enumerate(drawn.items(), 1)
    }


def _shapes(drawing: Drawing) -> Iterator[str]:
    """All but the words, in the drawing's own points, y down, until the end of the page."""
    scale = f"{drawing.scale:.6g}"
    yield f"{scale} 0 0 -{scale} 0 {drawing.size[1]:.4f} cm"
    for ink in drawing.backdrop:
        start, *others = ink.points
        yield _pen(ink.fill, ink.stroke or ink.fill, ink.weight, ink.dash)
        yield " ".join((f"{_point(start)} m", *(f"{_point(point)} l" for point in others)))
        # a line of no weight is the thinnest that a printer has
        yield ("b" if ink.weight else "f") if ink.fill else "S"
    for arrow in drawing.arrows:
        yield _pen("", arrow.colour, arrow.weight, arrow.dash)
        yield f"{_spline(arrow.points[:-1])} S"
    for box in drawing.boxes:
        if box.fill or box.stroke:
            yield _pen(box.fill, box.stroke, box.weight)
            paint = "b" if box.fill and box.stroke else "f" if box.fill else "s"
            yield f"{_spline(outline(box, drawing.height))} {paint}"


def _pen(fill: str, stroke: str, weight: float, dash: str = "solid") -> str:
    inks = [f"{_colour(fill)} rg"] if fill else []
    if stroke:
        inks += [f"{_colour(stroke)} RG", f"{_number(weight)} w", _DASHES[dash]]
    return " ".join(inks)


def _spline(points: tuple[Point, ...]) -> str:
    start, *others = map(_point, points)
    curves = (f"{' '.join(others[i : i + 3])} c" for i in range(0, len(others), 3))
    return " ".join((f"{start} m", *curves))


def _words(drawing: Drawing, fonts: Mapping[Face, EmbeddedFont]) -> Iterator[str]:
    yield "BT"
    for label in drawing.labels:
        yield f"{_colour(label.colour)} rg"
        yield from _label(label, drawing.font, fonts)
    yield "ET"


def _label(label: Label, font: Font, fonts: Mapping[Face, EmbeddedFont]) -> Iterator[str]:
    """A label's lines, each in as many pieces as it takes fonts to draw."""
    for line in lines_of(label, font):
        for face, piece in groupby(line.glyphs, key=lambda glyph: glyph.face):
            glyphs = [*piece]
            codes = "".join(fonts[face].code(glyph.character) for glyph in glyphs)
            place = _point((line.x + glyphs[0].x, line.base))
            yield f"/{fonts[face].name} {_number(label.size)} Tf 1 0 0 -1 {place} Tm <{codes}> Tj"


def _colour(colour: str) -> str:
    """`#ff8000` -> `1 0.502 0`."""
    return " ".join(f"{int(colour[i : i + 2], 16) / 255:.3g}" for i in (1, 3, 5))


def _point(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """A hundredth of a point is finer than any eye."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
