"""A drawing as PNG: the same pixels on every machine."""

from __future__ import annotations

import math
from io import BytesIO
from itertools import chain

from PIL import Image

from hrnet_graph.viz.drawing import Drawing, Label
from hrnet_graph.viz.raster import Canvas, band, dashes, flatten
from hrnet_graph.viz.shape import DASHES, Line, Shape, lines, outline, placed, shapes

RESOLUTION, PRINTED = 192, 300
"""In pixels an inch: on a screen, and on a journal's page."""

_SIDE, _PIXELS = 32_767, 200_000_000
"""How many pixels a png may be wide or high, and have in all."""


def fitting(drawing: Drawing, resolution: float) -> float:
    """The resolution in which a drawing is no larger than a png may be."""
    wide, high = (resolution * side / 72 for side in drawing.size)
    return resolution * min(1.0, _SIDE / max(wide, high), math.sqrt(_PIXELS / (wide * high)))


def to_png(drawing: Drawing, resolution: float = RESOLUTION) -> bytes:
    """The drawing as PNG in so many pixels an inch, or in fewer if it would be too large."""
    resolution = fitting(drawing, resolution)
    scale = drawing.scale * resolution / 72
    wide, high = (max(round(scale * side), 1) for side in (drawing.width, drawing.height))
    canvas = Canvas(wide, high, drawing.paper)
    for thing in drawing.things:
        for shape in shapes(thing):
            _paint(canvas, shape, scale)
    for label in drawing.labels:
        for line in lines(label, drawing.font):
            _write(canvas, line, label, scale)
    file = BytesIO()
    Image.fromarray(canvas.pixels).save(file, "PNG", dpi=(resolution, resolution))
    return file.getvalue()


def _paint(canvas: Canvas, shape: Shape, scale: float) -> None:
    contours = [(scale * points, closed) for points, closed in flatten(shape.path)]
    if shape.fill:
        canvas.fill([points for points, _ in contours], shape.fill)
    if shape.stroke:
        lengths = [scale * length for length in DASHES.get(shape.dash, ())]
        for points, closed in contours:
            pieces = dashes(points, lengths) if lengths else [points]
            bands = [band(piece, scale * shape.weight, closed) for piece in pieces]
            canvas.fill(list(chain.from_iterable(bands)), shape.stroke)


def _write(canvas: Canvas, line: Line, label: Label, scale: float) -> None:
    contours = []
    for glyph in line.glyphs:
        at = scale * (line.x + glyph.x), scale * line.y
        path = placed(outline(glyph.face, glyph.character), scale * label.size, at)
        contours += [points for points, _ in flatten(path)]
    canvas.fill(contours, label.colour)
