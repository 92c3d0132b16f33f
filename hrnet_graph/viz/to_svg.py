"""A drawing as SVG: words as outlines, so that they look alike everywhere, and as text to find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from hrnet_graph.viz.drawing import Arrow, Box, Drawing, Label
from hrnet_graph.viz.font import Glyph
from hrnet_graph.viz.shape import (
    DASHES,
    STAND_INS,
    Line,
    Path,
    Shape,
    lines,
    outline,
    placed,
    shapes,
)
from hrnet_graph.viz.text_metrics import clean

_EM = 1000
"""How many units of an outline are as long as its font is high."""


def to_svg(drawing: Drawing) -> str:
    """The drawing as SVG, the same bytes on every machine.

    A part is a group with its `data-part`, a tensor one with `data-source` and `data-target`; words
    lie as invisible text over their outlines, so that they can be searched and copied.
    """
    return "\n".join(_document(drawing)) + "\n"


def _document(drawing: Drawing) -> Iterator[str]:
    (width, height), names = drawing.size, drawing.names
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' width="{width:.2f}pt" height="{height:.2f}pt"'
        f' viewBox="0 0 {_number(drawing.width)} {_number(drawing.height)}">'
    )
    yield f"<title>{escape(clean(drawing.name, 300))}</title>"
    yield from _glyphs(drawing)
    yield f'<rect width="100%" height="100%" fill="{drawing.paper}"/>'
    yield from (_path(shape) for ink in drawing.inks for shape in shapes(ink))
    yield from (_arrow(arrow, names) for arrow in drawing.arrows)
    yield from (_box(box, names[box.path]) for box in drawing.boxes)
    family = quoteattr(f"{drawing.font.name},{STAND_INS}")
    yield f'<g class="words" pointer-events="all" font-family={family}>'
    yield from (_label(label, drawing) for label in drawing.labels)
    yield "</g>\n</svg>"


def _path(shape: Shape, attributes: str = "") -> str:
    stroke = f' stroke="{shape.stroke}" stroke-width="{_number(shape.weight)}"'
    dashes = ",".join(map(_number, DASHES.get(shape.dash, ())))
    return (
        f'<path d="{_steps(shape.path)}" fill="{shape.fill or "none"}"'
        + (stroke if shape.stroke else "")
        + (f' stroke-dasharray="{dashes}"' if dashes else "")
        + f"{attributes}/>"
    )


def _steps(path: Path, digits: int = 2) -> str:
    return "".join(
        name + " ".join(f"{_number(x, digits)},{_number(y, digits)}" for x, y in points)
        for name, points in path
    )


def _arrow(arrow: Arrow, names: Mapping[str, str]) -> str:
    source, target = (quoteattr(names[end]) for end in (arrow.source, arrow.target))
    drawn = "".join(map(_path, shapes(arrow)))
    return f'<g class="edge {arrow.kind}" data-source={source} data-target={target}>{drawn}</g>'


def _box(box: Box, name: str) -> str:
    """A part; one without ink can be pointed at as well."""
    (shape,) = shapes(box)
    title = escape(clean(box.tooltip or box.path, 300))
    drawn = _path(shape, "" if shape.fill else ' pointer-events="all"')
    kind, part = quoteattr(f"part {box.kind}"), quoteattr(name)
    return f"<g class={kind} data-part={part}><title>{title}</title>{drawn}</g>"


def _label(label: Label, drawing: Drawing) -> str:
    bold = ' font-weight="bold"' if label.bold else ""
    drawn = "".join(_line(line, label.size) for line in lines(label, drawing.font))
    return f'<g fill="{label.colour}" font-size="{_number(label.size)}"{bold}>{drawn}</g>'


def _line(line: Line, size: float) -> str:
    x, y = _number(line.x), _number(line.y)
    fit = f'textLength="{_number(line.width)}" lengthAdjust="spacingAndGlyphs"'
    text = f'<text x="{x}" y="{y}" {fit} fill="none">{escape(line.text)}</text>'
    glyphs = "".join(
        f'<use xlink:href="#{_identity(glyph)}" x="{glyph.x / size * _EM:.0f}"/>'
        for glyph in line.glyphs
        if not glyph.character.isspace()
    )
    return f'{text}<g transform="translate({x} {y})scale({size / _EM:.6g})">{glyphs}</g>'


def _identity(glyph: Glyph) -> str:
    return f"{glyph.face.name}-{ord(glyph.character):x}"


def _glyphs(drawing: Drawing) -> Iterator[str]:
    """Every outline that words are made of, once."""
    found = {
        _identity(glyph): outline(glyph.face, glyph.character)
        for label in drawing.labels
        for line in lines(label, drawing.font)
        for glyph in line.glyphs
    }
    yield "<defs>"
    for identity, path in sorted(found.items()):
        yield f'<path id="{identity}" d="{_steps(placed(path, _EM, (0.0, 0.0)), 0)}"/>'
    yield "</defs>"


def _number(value: float, digits: int = 2) -> str:
    """A hundredth of a point is finer than any eye."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if digits else text
    return "0" if text == "-0" else text
