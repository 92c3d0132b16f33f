"""A drawing as SVG: words as outlines, so that they look alike everywhere, and as text to find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from hrnet_graph.viz.drawing import Arrow, Box, Drawing, Ink, Label, Point
from hrnet_graph.viz.font import Font, Glyph
from hrnet_graph.viz.to_dot import STAND_INS, backdrop
from hrnet_graph.viz.words import clean

_EM = 1000
"""How many units of an outline are as long as its font is high."""

_HEAD = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
 "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">"""

_SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'

_DASHES = {"dashed": ' stroke-dasharray="5,2"', "dotted": ' stroke-dasharray="1,5"'}

_ENTITIES = {"-": "&#45;", '"': "&quot;", "'": "&#39;"}


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
        *(_ink(ink, drawing.height) for ink in backdrop(drawing)),
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
    drawn = bool(box.fill or box.stroke)
    (x, y), high = box.rect.centre, drawing.height
    x, y = float(f"{x:.1f}"), float(f"{high - y:.1f}")
    right, up = (max(round(side), 1) / 2 for side in (box.rect.width, box.rect.height))
    corners = ((x + right, y + up), (x - right, y + up), (x - right, y - up), (x + right, y - up))
    if drawn:
        first, *rest = (f"{_number(a)},{_number(-b)}" for a, b in _rounded(corners))
        shape = _path(box.fill or "none", box.stroke or "none", _line(box.weight), first, rest)
    else:
        points = " ".join(f"{_number(a)},{_number(-b)}" for a, b in (*corners, corners[0]))
        ink = 'fill="none" stroke="none" pointer-events="all"'  # of a map, whose ink lies below
        shape = f'<polygon {ink}{_line(box.weight)} points="{points}"/>'
    tooltip = _escape(clean(box.tooltip or box.path, 300))
    link = f'<g id="a_node{number}"><a xlink:title="{tooltip}">\n{shape}\n</a>\n</g>'
    return _part(f"node{number}", f"node part {box.kind}", drawing.names[box.path], link)


def _rounded(corners: tuple[Point, ...]) -> Iterator[Point]:
    """The Bézier curve around a box, from behind its first corner, as Graphviz rounds it."""
    sides = [(*a, *b) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)]
    radius = min(12.0, *(max(abs(c - a), abs(d - b)) / 3 for a, b, c, d in sides))
    points = []
    for a, b, c, d in sides:
        part = radius / (max(abs(c - a), abs(d - b)) or 1.0)
        for at in (part / 2, part, part, 1 - part, 1 - part, 1 - part / 2):
            points.append((a + at * (c - a), b + at * (d - b)))
    yield from (*points[1:], *points[:2])


def _path(fill: str, stroke: str, line: str, first: str, rest: Iterable[str]) -> str:
    return f'<path fill="{fill}" stroke="{stroke}"{line} d="M{first}C{" ".join(rest)}"/>'


def _line(weight: float, dash: str = "solid") -> str:
    width = _number(weight)
    return ("" if width == "1" else f' stroke-width="{width}"') + _DASHES.get(dash, "")


def _part(name: str, kind: str, title: str, shape: str) -> str:
    return f'<g id="{name}" class="{kind}">\n<title>{_escape(title)}</title>\n{shape}\n</g>'


def _escape(text: str) -> str:
    return escape(text, _ENTITIES).replace("  ", " &#160;")


def _point(point: Point, high: float) -> str:
    """A point, as exact as in DOT."""
    return f"{_number(point[0], 1)},{_number(-float(_number(high - point[1], 1)), 1)}"


def _words(drawing: Drawing) -> Iterator[str]:
    glyphs: dict[str, Glyph] = {}
    labels = [_label(label, drawing.font, glyphs) for label in drawing.labels]
    yield "<defs>"
    yield from (f'<path id="{name}" d="{_outline(glyphs[name])}"/>' for name in sorted(glyphs))
    family = quoteattr(f"{drawing.font.name},{STAND_INS}")
    yield f'</defs>\n<g class="words" pointer-events="all" font-family={family}>'
    yield from labels
    yield "</g>"


def _label(label: Label, font: Font, drawn: dict[str, Glyph]) -> str:
    """A label's lines, each on its baseline, capitals in the middle; its glyphs join the drawn."""
    _, high = font.extent(label.lines, label.size, label.bold)
    step, (middle, centre) = high / max(len(label.lines), 1), label.rect.centre
    lines = []
    for i, text in enumerate(label.lines):
        glyphs, wide = font.arrange(text, label.size, label.bold)
        x = _number(label.rect.x if label.align == "left" else middle - wide / 2)
        base = centre - high / 2 + (i + 0.5) * step + font.regular.capital / 2 * label.size
        inked = [glyph for glyph in glyphs if not glyph.character.isspace()]
        drawn.update((_name(glyph), glyph) for glyph in inked)
        uses = "".join(
            f'<use xlink:href="#{_name(glyph)}" x="{glyph.x / label.size * _EM:.0f}"/>'
            for glyph in inked
        )
        lines.append(
            f'<text x="{x}" y="{_number(base)}" textLength="{_number(wide)}"'
            f' lengthAdjust="spacingAndGlyphs" fill="none">{escape(text)}</text>'
            f'<g transform="translate({x} {_number(base)})scale({label.size / _EM:.6g})">{uses}</g>'
        )
    bold = ' font-weight="bold"' if label.bold else ""
    size = _number(label.size)
    return f'<g fill="{label.colour}" font-size="{size}"{bold}>{"".join(lines)}</g>'


def _name(glyph: Glyph) -> str:
    return f"{glyph.face.name}-{ord(glyph.character):x}"


def _outline(glyph: Glyph) -> str:
    """A character's outline from its baseline, y down."""
    from fontTools.pens.svgPathPen import SVGPathPen
    from fontTools.pens.transformPen import TransformPen

    pen, scale = SVGPathPen(None, "{:.0f}".format), _EM / glyph.face.units
    glyph.face.draw(glyph.character, TransformPen(pen, (scale, 0, 0, -scale, 0, 0)))
    return str(pen.getCommands())


def _number(value: float, digits: int = 2) -> str:
    """A hundredth of a point is finer than any eye."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
