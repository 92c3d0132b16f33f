"""Results as pictures."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hrnet_graph.prediction.labels import Colour, Labels
from hrnet_graph.prediction.results import Boxes, Classes, Points, Regions, Result, Scored

LEGEND = 12
"""How many classes a legend names."""

DRAWN = 20
"""How many boxes a picture shows, the surest ones."""

LEAST = 448
"""An image with fewer pixels than the square of this is enlarged, so that marks on it are told."""

INK, PAPER = (20, 20, 20), (255, 255, 255)

Row = tuple[Colour | None, str]
"""A line of the caption; a colour is shown as a square before it."""


@dataclass(frozen=True)
class Sheet:
    """The image as it is drawn on: `factor` times as large, with marks that grow with `side`.

    side: of the square with as many pixels
    """

    image: Image.Image
    factor: int
    side: float

    @property
    def font(self) -> ImageFont.FreeTypeFont:
        font = ImageFont.load_default(size=max(11, round(self.side / 40)))
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font

    def at(self, *pixels: float) -> tuple[float, ...]:
        """Coordinates in the given image, as coordinates here."""
        return tuple(self.factor * pixel for pixel in pixels)


def draw(image: Image.Image, result: Result, labels: Labels, title: str) -> Image.Image:
    """The image with a result drawn on it, and below it a title and what it shows.

    A small image is enlarged, by a whole number; the caption is whole, however narrow the image.
    """
    sheet = enlarge(image)
    picture, rows = _drawn(image, sheet, result, labels)
    line = round(1.5 * sheet.font.size)
    wide = max(picture.width, 18 * line)
    caption = [
        (colour if not i else None, bool(colour), text)
        for colour, row in [(None, title), *rows]
        for i, text in enumerate(wrap(row, sheet.font, wide - (2.5 if colour else 1) * line))
    ]
    page = Image.new("RGB", (wide, picture.height + len(caption) * line + line // 2), PAPER)
    page.paste(picture, (0, 0))
    pen = ImageDraw.Draw(page)
    for i, (colour, is_indented, text) in enumerate(caption):
        left, top = line // 2, picture.height + line // 4 + i * line
        if colour:
            corners = (left, top + line // 8, left + 3 * line // 4, top + 7 * line // 8)
            pen.rectangle(corners, fill=colour, outline=INK, width=max(1, line // 20))
        pen.text((left + line * is_indented, top), text, fill=INK, font=sheet.font)
    return page


def enlarge(image: Image.Image) -> Sheet:
    """A sheet to draw on, with pixels kept as squares where it is larger than the image."""
    side = math.sqrt(image.width * image.height)
    factor = math.ceil(LEAST / side)
    size = (factor * image.width, factor * image.height)
    large = image.resize(size, Image.Resampling.NEAREST) if factor > 1 else image.copy()
    return Sheet(large, factor, factor * side)


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> Iterator[str]:
    """A text in lines of at most a width in pixels, broken at spaces where there are any."""
    text = " ".join(text.splitlines())
    while font.getlength(text) > width:
        lengths = range(1, len(text))
        fits = max(1, bisect_right(lengths, width, key=lambda n: font.getlength(text[:n])))
        end = text.rfind(" ", 1, fits + 1)
        end = end if end > 0 else fits
        yield text[:end]
        text = text[end:].lstrip(" ")
    yield text


def colour_regions(raw: Image.Image, labels: Labels) -> Image.Image:
    """A label image in the colours of its classes."""
    if raw.mode != "L":  # a palette image has 256 colours at most
        return Image.fromarray(np.asarray(labels.palette, np.uint8)[np.asarray(raw)])
    coloured = raw.copy()
    coloured.putpalette([level for colour in labels.palette for level in colour])
    return coloured.convert("RGB")


def _drawn(
    image: Image.Image, sheet: Sheet, result: Result, labels: Labels
) -> tuple[Image.Image, list[Row]]:
    """The sheet with a result drawn on it, and the rows of its caption."""
    if isinstance(result, Classes):
        return sheet.image, [(None, _scored(found)) for found in result.best]
    if isinstance(result, Regions):
        mixed = Image.blend(image, colour_regions(result.labels, labels), 0.6)
        rows: list[Row] = [(labels.palette[s.index], _scored(s)) for s in result.shares[:LEGEND]]
        if left := result.shares[LEGEND:]:
            rows.append((None, f"and {_count(len(left), 'class', 'classes')} more"))
        return enlarge(mixed).image, rows
    row = (
        _points(sheet, result, labels)
        if isinstance(result, Points)
        else _boxes(sheet, result, labels)
    )
    return sheet.image, [(None, row)]


def _scored(found: Scored) -> str:
    return f"{found.name}  {100 * found.score:.1f} %"


def _points(sheet: Sheet, result: Points, labels: Labels) -> str:
    """Draws points with their heatmap, if there is one, and says how many there are."""
    if result.heatmap is not None:
        glow = result.heatmap.resize(sheet.image.size, Image.Resampling.BILINEAR)
        sheet.image.paste((255, 170, 0), mask=glow.point(lambda value: value // 2))
    pen = ImageDraw.Draw(sheet.image)
    size, width = max(3.0, sheet.side / 130), max(2, round(sheet.side / 250))
    for number, instance in enumerate(result.instances):
        colour = labels.palette[number % len(labels.palette)]
        for a, b in labels.skeleton:
            start, end = instance[a], instance[b]
            if start is not None and end is not None:
                pen.line(sheet.at(start.x, start.y, end.x, end.y), fill=colour, width=width)
        for index, point in enumerate(instance):
            if point is not None:
                x, y = sheet.at(point.x, point.y)
                box, fill = (x - size, y - size, x + size, y + size), labels.palette[index]
                pen.ellipse(box, fill=fill, outline=PAPER, width=max(1, width // 2))
    found = sum(point is not None for instance in result.instances for point in instance)
    many = len(result.instances)
    return f"{_count(found, 'point', 'points')}, {_count(many, 'instance', 'instances')}"


def _boxes(sheet: Sheet, result: Boxes, labels: Labels) -> str:
    """Draws boxes with their names, and says how many there are.

    A name stands on its box, or in it where there is no room above, and inside the picture.
    """
    pen, font = ImageDraw.Draw(sheet.image), sheet.font
    width = max(2, round(sheet.side / 250))
    for box in reversed(result.boxes[:DRAWN]):
        colour = labels.palette[box.index % len(labels.palette)]
        left, top, right, bottom = sheet.at(*box.corners)
        pen.rectangle((left, top, right, bottom), outline=colour, width=width)
        text = f"{box.name} {100 * box.score:.0f} %"
        wide, high = font.getlength(text) + 2 * width, 1.3 * font.size
        left = max(0.0, min(left, sheet.image.width - wide))
        top = top - high if top >= high else max(0.0, min(top, sheet.image.height - high))
        pen.rectangle((left, top, left + wide, top + high), fill=colour)
        pen.text((left + width, top), text, fill=_legible(colour), font=font)
    drawn = f", the surest {DRAWN} drawn" if len(result.boxes) > DRAWN else ""
    return _count(len(result.boxes), "box", "boxes") + drawn


def _legible(fill: Colour) -> Colour:
    """Ink or paper for words on a colour, by how bright that is to the eye."""
    return INK if np.dot(fill, (0.299, 0.587, 0.114)) > 115 else PAPER


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
