"""A drawing as SVG: words as outlines, so that they look alike everywhere, and as text to find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.sax.saxutils import escape, quoteattr

from hrnet_graph.viz.drawing import Drawing, Label
from hrnet_graph.viz.engine import run_graphviz
from hrnet_graph.viz.font import Font, Glyph
from hrnet_graph.viz.to_dot import STAND_INS, to_dot

_EM = 1000
"""How many units of an outline are as long as its font is high."""

_ALIKE = (
    (r"<!--.*?-->\n?", ""),  # the version, and every part's name again
    (r'(points="[^"]*) "', r'\1"'),
    (r'"transparent"', '"none"'),
    (r'fill="none" stroke="none"', r'\g<0> pointer-events="all"'),  # maps, whose ink lies below
)
"""What versions of Graphviz write in their own ways -> what stands there."""


def to_svg(drawing: Drawing) -> str:
    """The drawing as Graphviz's SVG, the same bytes by several versions of it and with any fonts.

    Words lie as invisible text over their outlines, so that they can be searched and copied.
    Raises `FileError` if Graphviz cannot draw.
    """
    bare = replace(drawing, labels=(), scale=1.0)
    svg = run_graphviz(to_dot(bare), "svg", drawing.font).decode()
    for pattern, alike in _ALIKE:
        svg = re.sub(pattern, alike, svg, flags=re.DOTALL)
    width, height = drawing.size
    sides = (
        f'<svg width="{width:.2f}pt" height="{height:.2f}pt"'
        f' viewBox="0 0 {_number(drawing.width)} {_number(drawing.height)}"'
    )
    svg = re.sub(r'<svg width="[^"]*" height="[^"]*"\s+viewBox="[^"]*"', sides, svg, count=1)
    return "\n".join((svg.removesuffix("</svg>\n"), *_words(drawing), "</svg>\n"))


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


def _number(value: float) -> str:
    """A hundredth of a point is finer than any eye."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
