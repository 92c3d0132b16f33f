"""A drawing as SVG: words as outlines, so that they look alike everywhere, and as text to find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape

from hrnet_graph.viz.drawing import STAND_INS, Arrow, Box, Drawing, Ink, Label, Point
from hrnet_graph.viz.font import Face, Font, Glyph
from hrnet_graph.viz.paint import lines_of, outline
from hrnet_graph.viz.words import clean

_EM = 1000
"""How many units of an outline are as long as its font is high."""

_HEAD = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
 "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">"""

_SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'

_DASHES = {"dashed": ' stroke-dasharray="5,2"', "dotted": ' stroke-dasharray="1,5"'}

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "-": "&#45;", '"': "&quot;", "'": "&#39;"}
)


def to_svg(drawing: Drawing) -> str:
    """The drawing as the SVG that Graphviz makes of its DOT, with the same bytes everywhere.

    Words lie as invisible text over their outlines, so that they can be searched and copied.
    """
    width, height = drawing.size
    wide, high = _number(drawing.width, 1), _number(drawing.height, 1)
    page = f'viewBox="0 0 {_number(drawing.width)} {_number(drawing.height)}"'
    corners = f"0,0 0,-{high} {wide},-{high} {wide},0 0,0"
    lines = (
        _HEAD,
        f'<svg width="{width:.2f}pt" height="{height:.2f}pt" {page} {_SPACES}>',
        f'<g id="graph0" class="graph" transform="scale(1 1) rotate(0) translate(0 {high})">',
        f"<title>{_escape(clean(drawing.name, 300))}</title>",
        f'<polygon fill="{drawing.paper}" stroke="none" points="{corners}"/>',
        *(_ink(ink, drawing.height) for ink in drawing.backdrop),
        *_arrows(drawing),
        *(_box(drawing, number, box) for number, box in enumerate(drawing.boxes, 1)),
        "</g>\n",  # the drawing ends; its words stand in the page
        *_words(drawing),
        "</svg>\n",
    )
    return "\n".join(lines)


def _ink(ink: Ink, high: float) -> str:
    points = [_point(point, high) for point in ink.points]
    paint = f'fill="{ink.fill or "none"}" stroke="{ink.stroke or ink.fill}"'
    shape, ends = ("polygon", [*points, points[0]]) if ink.fill else ("polyline", points)
    return f'<{shape} {paint}{_line(ink.weight, ink.dash)} points="{" ".join(ends)}"/>'


def _arrows(drawing: Drawing) -> Iterator[str]:
    """The tensors, those that begin at one part together, each numbered as it stands."""
    places = {box.path: place for place, box in enumerate(drawing.boxes)}
    numbered = enumerate(drawing.arrows, 1)
    for number, arrow in sorted(numbered, key=lambda each: places[each[1].source]):
        ends = f"{drawing.names[arrow.source]}->{drawing.names[arrow.target]}"
        yield _part(f"edge{number}", f"edge {arrow.kind}", ends, _curve(arrow, drawing.height))


def _curve(arrow: Arrow, high: float) -> str:
    first, *rest = (_point(point, high) for point in arrow.points[:-1])
    return _path("none", arrow.colour, _line(arrow.weight, arrow.dash), first, rest)


def _box(drawing: Drawing, number: int, box: Box) -> str:
    high = drawing.height
    first, *rest = (f"{_number(x)},{_number(y - high)}" for x, y in outline(box, high))
    if box.fill or box.stroke:
        shape = _path(box.fill or "none", box.stroke or "none", _line(box.weight), first, rest)
    else:
        ink = 'fill="none" stroke="none" pointer-events="all"'  # of a map, whose ink lies below
        shape = f'<polygon {ink}{_line(box.weight)} points="{" ".join((first, *rest))}"/>'
    tooltip = _escape(clean(box.tooltip or box.path, 300))
    link = f'<g id="a_node{number}"><a xlink:title="{tooltip}">\n{shape}\n</a>\n</g>'
    return _part(f"node{number}", f"node part {box.kind}", drawing.names[box.path], link)


def _path(fill: str, stroke: str, line: str, first: str, rest: Iterable[str]) -> str:
    return f'<path fill="{fill}" stroke="{stroke}"{line} d="M{first}C{" ".join(rest)}"/>'


def _line(weight: float, dash: str = "solid") -> str:
    width = _number(weight)
    return ("" if width == "1" else f' stroke-width="{width}"') + _DASHES.get(dash, "")


def _part(name: str, kind: str, title: str, shape: str) -> str:
    return f'<g id="{name}" class="{kind}">\n<title>{_escape(title)}</title>\n{shape}\n</g>'


def _escape(text: str) -> str:
    return text.translate(_ENTITIES).replace("  ", " &#160;")


def _point(point: Point, high: float) -> str:
    """A point, as exact as in DOT."""
    return f"{_number(point[0], 1)},{_number(-float(_number(high - point[1], 1)), 1)}"


def _words(drawing: Drawing) -> Iterator[str]:
    glyphs: dict[str, Glyph] = {}
    labels = [_label(label, drawing.font, glyphs) for label in drawing.labels]
    yield "<defs>"
    for name, glyph in sorted(glyphs.items()):
        yield f'<path id="{name}" d="{_outline(glyph.face, glyph.character)}"/>'
    family = escape(f"{drawing.font.name},{STAND_INS}")
    yield f'</defs>\n<g class="words" pointer-events="all" font-family="{family}">'
    yield from labels
    yield "</g>"


def _label(label: Label, font: Font, drawn: dict[str, Glyph]) -> str:
    """A label's lines, each as outlines with its text over them; its glyphs join the drawn."""
    lines = []
    for line in lines_of(label, font):
        x, base = _number(line.x), _number(line.base)
        inked = [glyph for glyph in line.glyphs if not glyph.character.isspace()]
        drawn.update((_name(glyph), glyph) for glyph in inked)
        uses = "".join(
            f'<use xlink:href="#{_name(glyph)}" x="{glyph.x / label.size * _EM:.0f}"/>'
            for glyph in inked
        )
        lines.append(
            f'<text x="{x}" y="{base}" textLength="{_number(line.width)}"'
            f' lengthAdjust="spacingAndGlyphs" fill="none">{escape(line.text, quote=False)}</text>'
            f'<g transform="translate({x} {base})scale({label.size / _EM:.6g})">{uses}</g>'
        )
    bold = ' font-weight="bold"' if label.bold else ""
    size = _number(label.size)
    return f'<g fill="{label.colour}" font-size="{size}"{bold}>{"".join(lines)}</g>'


def _name(glyph: Glyph) -> str:
    return f"{glyph.face.name}-{ord(glyph.character):x}"


@lru_cache(2**12)  # a figure that is drawn while one types has the same characters each time
def _outline(face: Face, character: str) -> str:
    """A character's outline from its baseline, y down."""
    from fontTools.pens.svgPathPen import SVGPathPen
    from fontTools.pens.transformPen import TransformPen

    pen, scale = SVGPathPen(None, "{:.0f}".format), _EM / face.units
    face.draw(character, TransformPen(pen, (scale, 0, 0, -scale, 0, 0)))
    return str(pen.getCommands())


def _number(value: float, digits: int = 2) -> str:
    """A hundredth of a point is finer than any eye."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
