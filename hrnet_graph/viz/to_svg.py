"""A drawing as SVG: words as outlines, so that they look alike everywhere, and as text to find."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from hrnet_graph.viz.drawing import Arrow, Box, Drawing, Ink, Label, Point
from hrnet_graph.viz.font import Font, Glyph
from hrnet_graph.viz.paint import backdrop, lines_of, outline
from hrnet_graph.viz.to_dot import STAND_INS
from hrnet_graph.viz.words import clean

_EM = 1000
"""How many units of an outline are as long as its font is high."""

_DASHES = {"solid": "", "dashed": ' stroke-dasharray="5,2"', "dotted": ' stroke-dasharray="1,5"'}

_ENTITIES = {'"': "&quot;", "'": "&#39;", "-": "&#45;"}
"""What stands in names for what ends a comment or an attribute, as Graphviz writes it."""


def to_svg(drawing: Drawing) -> str:
    """The drawing as SVG, with the parts and tensors as groups of the classes that Graphviz gives.

    It is the same file that Graphviz makes of `to_dot`, to the byte, but for words. They lie as
    invisible text over their outlines, so that they can be searched and copied.
    """
    return "\n".join((*_frame(drawing), *_words(drawing), "</svg>\n"))


def _frame(drawing: Drawing) -> Iterator[str]:
    """All but the words, with y below zero, counted from the foot of the paper."""
    (width, height), high = drawing.size, drawing.height
    right, top = _tenth(drawing.width), _tenth(-high)
    yield '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
    yield '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"'
    yield ' "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    yield (
        f'<svg width="{width:.2f}pt" height="{height:.2f}pt"'
        f' viewBox="0 0 {_number(drawing.width)} {_number(drawing.height)}"'
        ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    place = f"scale(1 1) rotate(0) translate(0 {_tenth(high)})"
    yield f'<g id="graph0" class="graph" transform="{place}">'
    yield f"<title>{_text(clean(drawing.name, 300))}</title>"
    sheet = f"0,0 0,{top} {right},{top} {right},0 0,0"
    yield f'<polygon fill="{drawing.paper}" stroke="none" points="{sheet}"/>'
    yield from (_ink(ink, high) for ink in backdrop(drawing))
    order = {box.path: number for number, box in enumerate(drawing.boxes)}
    numbered = enumerate(drawing.arrows, 1)
    for number, arrow in sorted(numbered, key=lambda each: order[each[1].source]):
        yield from _arrow(arrow, number, drawing)
    for number, box in enumerate(drawing.boxes, 1):
        yield from _box(box, number, drawing)
    yield "</g>\n"


def _ink(ink: Ink, high: float) -> str:
    points = (*ink.points, ink.points[0]) if ink.fill else ink.points
    drawn = _stroke(ink.fill, ink.stroke or ink.fill, ink.weight, ink.dash)
    kind = "polygon" if ink.fill else "polyline"
    return f'<{kind} {drawn} points="{" ".join(_point(point, high) for point in points)}"/>'


def _arrow(arrow: Arrow, number: int, drawing: Drawing) -> Iterator[str]:
    source, target = (_text(drawing.names[path]) for path in (arrow.source, arrow.target))
    start, *others = (_point(point, drawing.height) for point in arrow.points[:-1])
    yield f'<g id="edge{number}" class="edge {arrow.kind}">'
    yield f"<title>{source}&#45;&gt;{target}</title>"
    drawn = _stroke("", arrow.colour, arrow.weight, arrow.dash)
    yield f'<path {drawn} d="M{start}C{" ".join(others)}"/>'
    yield "</g>"


def _box(box: Box, number: int, drawing: Drawing) -> Iterator[str]:
    yield f'<g id="node{number}" class="node part {box.kind}">'
    yield f"<title>{_text(drawing.names[box.path])}</title>"
    tooltip = _text(clean(box.tooltip or box.path, 300))
    yield f'<g id="a_node{number}"><a xlink:title="{tooltip}">'
    drawn = _stroke(box.fill, box.stroke, box.weight)
    high = drawing.height
    start, *others = (f"{_number(x)},{_number(y - high)}" for x, y in outline(box, high))
    if box.fill or box.stroke:
        yield f'<path {drawn} d="M{start}C{" ".join(others)}"/>'
    else:
        yield f'<polygon {drawn} points="{" ".join((start, *others))}"/>'
    yield "</a>\n</g>\n</g>"


def _stroke(fill: str, stroke: str, weight: float, dash: str = "solid") -> str:
    """How a shape is drawn; what has neither ink nor fill can still be pointed at."""
    width = "" if weight == 1 else f' stroke-width="{_number(weight)}"'
    bare = "" if fill or stroke else ' pointer-events="all"'
    return f'fill="{fill or "none"}" stroke="{stroke or "none"}"{bare}{width}{_DASHES[dash]}'


def _point(point: Point, high: float) -> str:
    """A tenth of a point is finer than any eye."""
    return f"{_tenth(point[0])},{_tenth(point[1] - high)}"


def _tenth(value: float) -> str:
    return _number(round(value, 1))


def _text(text: str) -> str:
    return escape(text, _ENTITIES)


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
            f' lengthAdjust="spacingAndGlyphs" fill="none">{escape(line.text)}</text>'
            f'<g transform="translate({x} {base})scale({label.size / _EM:.6g})">{uses}</g>'
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


def _number(value: float) -> str:
    """A hundredth of a point is finer than any eye."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
