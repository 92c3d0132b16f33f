"""Results as pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hrnet_graph.prediction.labels import Colour, Labels
from hrnet_graph.prediction.results import Boxes, Classes, Points, Regions, Result

LEGEND = 12
"""How many classes a legend names."""

DRAWN = 20
"""How many boxes a picture shows, the surest ones."""

INK, PAPER = (20, 20, 20), (255, 255, 255)


Row = tuple[Colour | None, str]
"""A line of the caption; a colour is shown as a square before it."""


def draw(image: Image.Image, result: Result, labels: Labels, title: str) -> Image.Image:
    """The image with a result drawn on it, and below it a title and what it shows."""
    picture, rows = _drawn(image, result, labels)
    font = _font(image)
    line = round(1.5 * font.size)
    height = image.height + (1 + len(rows)) * line + line // 2
    sheet = Image.new("RGB", (image.width, height), PAPER)
    sheet.paste(picture, (0, 0))
    pen = ImageDraw.Draw(sheet)
    top = image.height + line // 4
    pen.text((line // 2, top), title, fill=INK, font=font)
    for i, (colour, text) in enumerate(rows, start=1):
        left, at = line // 2, top + i * line
        if colour is not None:
            pen.rectangle((left, at + 2, left + line - 6, at + line - 4), fill=colour, outline=INK)
            left += line
        pen.text((left, at), text, fill=INK, font=font)
    return sheet


def colour_regions(raw: Image.Image, labels: Labels) -> Image.Image:
    """A label image in the colours of its classes."""
    if raw.mode != "L":  # a palette image has 256 colours at most
        return Image.fromarray(np.asarray(labels.palette, np.uint8)[np.asarray(raw)])
    coloured = raw.copy()
    coloured.putpalette([level for colour in labels.palette for level in colour])
    return coloured.convert("RGB")


def _drawn(image: Image.Image, result: Result, labels: Labels) -> tuple[Image.Image, list[Row]]:
    """The image with a result drawn on it, and the rows of its caption."""
    if isinstance(result, Classes):
        return image, [(None, f"{found.name}  {100 * found.score:.1f} %") for found in result.best]
    if isinstance(result, Regions):
        mixed = Image.blend(image, colour_regions(result.labels, labels), 0.6)
        shown = result.shares[:LEGEND]
        return mixed, [(labels.palette[s.index], f"{s.name}  {100 * s.score:.1f} %") for s in shown]
    if isinstance(result, Points):
        return _points(image, result, labels)
    return _boxes(image, result, labels)


def _points(image: Image.Image, result: Points, labels: Labels) -> tuple[Image.Image, list[Row]]:
    glow = result.heatmap.resize(image.size, Image.Resampling.BILINEAR)
    picture = Image.composite(
        Image.new("RGB", image.size, (255, 170, 0)), image, glow.point(lambda value: value // 2)
    )
    pen = ImageDraw.Draw(picture)
    size = max(2, max(image.size) // 160)
    for number, instance in enumerate(result.instances):
        colour = labels.palette[number % len(labels.palette)]
        for a, b in labels.skeleton:
            start, end = instance[a], instance[b]
            if start is not None and end is not None:
                pen.line((start.x, start.y, end.x, end.y), fill=colour, width=max(1, size // 2))
        for index, point in enumerate(instance):
            if point is not None:
                box = (point.x - size, point.y - size, point.x + size, point.y + size)
                pen.ellipse(box, fill=labels.palette[index], outline=PAPER)
    found = sum(point is not None for instance in result.instances for point in instance)
    many = len(result.instances)
    row = f"{_count(found, 'point', 'points')}, {_count(many, 'instance', 'instances')}"
    return picture, [(None, row)]


def _boxes(image: Image.Image, result: Boxes, labels: Labels) -> tuple[Image.Image, list[Row]]:
    picture = image.copy()
    pen = ImageDraw.Draw(picture)
    width = max(2, max(image.size) // 250)
    font = _font(picture)
    for box in reversed(result.boxes[:DRAWN]):
        colour = labels.palette[box.index % len(labels.palette)]
        pen.rectangle(box.corners, outline=colour, width=width)
        text = f"{box.name} {100 * box.score:.0f} %"
        left, top = max(0, box.corners[0]), max(0, box.corners[1])
        pen.rectangle(pen.textbbox((left, top), text, font=font), fill=colour)
        pen.text((left, top), text, fill=INK, font=font)
    drawn = f", the surest {DRAWN} drawn" if len(result.boxes) > DRAWN else ""
    return picture, [(None, _count(len(result.boxes), "box", "boxes") + drawn)]


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _font(image: Image.Image) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=max(11, image.width // 40))
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
