"""Reads figures back: what an SVG shows, and whether a drawing's things keep out of each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

from fontTools.pens.boundsPen import BoundsPen
from fontTools.svgLib.path import parse_path

from hrnet_graph.viz.drawing import Arrow, Drawing, Point, Rect

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"


@dataclass(frozen=True)
class Figure:
    """What an SVG shows: parts with their kinds and rectangles, edges, and lines of words.

    A line of words is (text, where it may be selected, where its ink lies).
    """

    parts: dict[str, tuple[str, Rect]]
    edges: Counter[tuple[str, str]]
    words: list[tuple[str, Rect, Rect]]
    size: tuple[float, float]


def read_svg(svg: bytes) -> Figure:
    root = ElementTree.fromstring(svg)
    sheet, _ = root.findall(f"{SVG}g")
    match = re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", sheet.get("transform", ""))
    assert match is not None
    dx, dy = float(match[1]), float(match[2])
    parts: dict[str, tuple[str, Rect]] = {}
    edges: Counter[tuple[str, str]] = Counter()
    for group in sheet.findall(f"{SVG}g"):
        title = group.findtext(f"{SVG}title") or ""
        kinds = (group.get("class") or "").split()
        if kinds[:2] == ["node", "part"]:
            assert title not in parts
            shapes = (*group.iter(f"{SVG}polygon"), *group.iter(f"{SVG}path"))
            points = [p for x in shapes for p in corners(x.get("points") or x.get("d") or "")]
            parts[title] = (" ".join(kinds[2:]), bounds((x + dx, y + dy) for x, y in points))
        elif kinds[0] == "edge":
            source, _, target = title.partition("->")
            edges[source, target] += 1
    width, height = (float(root.get(side, "").removesuffix("pt")) for side in ("width", "height"))
    return Figure(parts, edges, list(_words(root)), (width, height))


def corners(path: str) -> list[Point]:
    """The points of a path; those of curves enclose it."""
    numbers = list(map(float, re.findall(r"-?[\d.]+", path)))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def bounds(points: Iterable[Point]) -> Rect:
    xs, ys = zip(*points, strict=True)
    return Rect(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def _words(root: ElementTree.Element) -> Iterator[tuple[str, Rect, Rect]]:
    outlines = {path.get("id", ""): path.get("d", "") for path in root.iter(f"{SVG}path")}
    for label in root.findall(f"{SVG}g[@class='words']/{SVG}g"):
        size = float(label.get("font-size", ""))
        for text, glyphs in zip(
            *(label.findall(f"{SVG}{tag}") for tag in ("text", "g")), strict=True
        ):
            x, y, wide = (float(text.get(key, "")) for key in ("x", "y", "textLength"))
            match = re.fullmatch(
                r"translate\((\S+) (\S+)\)scale\((\S+)\)", glyphs.get("transform", "")
            )
            assert match is not None
            left, base, scale = map(float, match.groups())
            ink = [
                (left + scale * (float(use.get("x", "")) + a), base + scale * b)
                for use in glyphs
                for a, b in _extent(outlines[use.get(f"{XLINK}href", "")[1:]])
            ]
            yield text.text or "", Rect(x, y - size, wide, 1.25 * size), bounds(ink or [(x, y)])


@cache
def _extent(outline: str) -> tuple[Point, ...]:
    """Two corners of a character's outline."""
    pen = BoundsPen(None)
    parse_path(outline, pen)
    left, top, right, bottom = pen.bounds
    return (left, top), (right, bottom)


def along(arrow: Arrow, steps: int = 12) -> Iterator[Point]:
    """Points on an arrow, from its foot to its tip."""
    points = arrow.points[:-1]
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = points[i : i + 4]
        for step in range(steps + 1):
            t = step / steps
            s = 1 - t
            weights = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
            yield (
                sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
            )
    yield arrow.points[-1]


def inside(point: Point, rect: Rect, slack: float) -> bool:
    x, y = point
    return (
        rect.x + slack < x < rect.x + rect.width - slack
        and rect.y + slack < y < rect.y + rect.height - slack
    )


def overlaps(one: Rect, other: Rect, slack: float = 0.0) -> bool:
    """Whether two rectangles share more than `slack` points in both directions."""
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return wide > slack and high > slack


def faults(drawing: Drawing, horizontal: bool = True) -> list[str]:
    """What is wrong with a drawing's geometry; nothing, if all is well."""
    boxes = {box.path: box.rect for box in drawing.boxes}
    return [
        *(f"{a} overlaps {b}" for a, b in _overlaps(boxes.items())),
        *_words_astray(drawing, boxes),
        *(fault for arrow in drawing.arrows for fault in _strays(arrow, boxes, horizontal)),
    ]


def _overlaps(items: Iterable[tuple[str, Rect]]) -> Iterator[tuple[str, str]]:
    """Pairs of rectangles that share more than an edge."""
    left = sorted(items, key=lambda item: item[1].x)
    for i, (name, rect) in enumerate(left):
        for other, second in left[i + 1 :]:
            if second.x > rect.x + rect.width:
                break
            if overlaps(rect, second, 0.1):
                yield name, other


def _words_astray(drawing: Drawing, boxes: dict[str, Rect]) -> Iterator[str]:
    """Words that leave the page, run into others, or into a part that is not theirs."""
    page = Rect(0, 0, drawing.width, drawing.height)
    for word in drawing.labels:
        if not all(inside(corner, page, 0) for corner in word.rect.corners):
            yield f"{word.lines} leaves the page"
        for path, rect in boxes.items():
            if path != word.owner and overlaps(rect, word.rect, 0.1):
                yield f"{word.lines} runs into {path}"
    named = ((f"{i} {word.lines}", word.rect) for i, word in enumerate(drawing.labels))
    yield from (f"{a} runs into {b}" for a, b in _overlaps(named))


def _strays(arrow: Arrow, boxes: dict[str, Rect], horizontal: bool) -> Iterator[str]:
    """An arrow that goes back, through a part, or past the two that it joins."""
    a, b = boxes[arrow.source], boxes[arrow.target]
    for (x, y), box, end in ((arrow.points[0], a, "source"), (arrow.points[-1], b, "target")):
        meeting = (box.x + box.width / 2, y) if horizontal else (x, box.y + box.height / 2)
        if not inside(meeting, box, -0.5):
            yield f"{arrow.source} -> {arrow.target} does not meet its {end}"
    if (a.x + a.width > b.x) if horizontal else (a.y + a.height > b.y):
        yield f"{arrow.source} -> {arrow.target} goes back"
    points = list(along(arrow))
    xs, ys = zip(*points, strict=True)
    left, top = min(xs) - 0.1, min(ys) - 0.1
    span = Rect(left, top, max(xs) + 0.1 - left, max(ys) + 0.1 - top)
    for path, rect in boxes.items():
        mine = path in (arrow.source, arrow.target)
        if not mine and overlaps(rect, span) and any(inside(p, rect, 0.5) for p in points):
            yield f"{arrow.source} -> {arrow.target} runs through {path}"
