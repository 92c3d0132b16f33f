"""A small set of drawn shapes, written as the folders that `data.py` reads."""

from __future__ import annotations

import colorsys
import json
import math
import random
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from PIL import Image, ImageDraw

from training.data import MASKED

Shape = tuple[str, tuple[float, float, float, float]]
"""A kind of shape, and the box that it fills: left, top, right, bottom."""

KINDS = ("circle", "square", "triangle")
SIDE = 128
"""Height and width of a made image, in pixels."""


def make(folder: Path, heads: Collection[str], joints: int, count: int = 48) -> None:
    """Writes `count` images and what heads are to learn of them, whole or not at all.

    The same at every call.
    """
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)  # of one that was killed
    try:
        _write(draft, heads, joints, count)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(folder: Path, heads: Collection[str], joints: int, count: int) -> None:
    chance = random.Random(0)
    if "classification" in heads:
        _classes(folder, count, chance)
    elif "feature_pyramid" in heads:
        _boxes(folder, count, chance)
    else:
        if joints:
            _points(folder, count, chance, joints, people=2 if "bottom_up" in heads else 1)
        if not joints or not MASKED.isdisjoint(heads):
            _masks(folder, count, chance)


def _classes(folder: Path, count: int, chance: random.Random) -> None:
    for i in range(count):
        kind = KINDS[i % len(KINDS)]
        image = _background(chance)
        _draw(image, (kind, _box(chance)), _colour(chance))
        _save(image, folder / kind / f"{i:04}.png")


def _masks(folder: Path, count: int, chance: random.Random) -> None:
    for i in range(count):
        path = folder / "images" / f"{i:04}.png"
        image = Image.open(path) if path.exists() else _background(chance)
        mask, box = Image.new("L", (SIDE, SIDE)), _box(chance)
        _draw(image, (KINDS[i % 3], box), _colour(chance))
        _draw(mask, (KINDS[i % 3], box), 1)
        _save(image, path)
        _save(mask, folder / "masks" / f"{i:04}.png")


def _boxes(folder: Path, count: int, chance: random.Random) -> None:
    boxes = {}
    for i in range(count):
        image, box = _background(chance), _box(chance)
        _draw(image, (KINDS[i % 3], box), _colour(chance))
        _save(image, folder / "images" / f"{i:04}.png")
        boxes[f"{i:04}.png"] = [[*box, 1 + i % 3]]
    (folder / "boxes.json").write_text(json.dumps(boxes))


def _points(folder: Path, count: int, chance: random.Random, joints: int, people: int) -> None:
    """Every person is a ring of joints, each of its own hue."""
    points = {}
    for i in range(count):
        image = _background(chance)
        draw = ImageDraw.Draw(image)
        found = []
        for person in range(people):
            reach = SIDE / people
            x, y = reach * (person + 0.5), chance.uniform(0.4, 0.6) * SIDE
            radius = chance.uniform(0.2, 0.4) * reach
            ring = []
            for joint in range(joints):
                angle = 2 * math.pi * joint / joints
                at = (x + radius * math.cos(angle), y + radius * math.sin(angle))
                hue = colorsys.hsv_to_rgb(joint / joints, 1, 1)
                box = (at[0] - 5, at[1] - 5, at[0] + 5, at[1] + 5)
                draw.ellipse(box, fill=tuple(int(255 * part) for part in hue))
                ring.append([*at, 1])
            found.append(ring)
        _save(image, folder / "images" / f"{i:04}.png")
        points[f"{i:04}.png"] = found
    (folder / "points.json").write_text(json.dumps(points))


def _background(chance: random.Random) -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), tuple(chance.randrange(60) for _ in range(3)))


def _colour(chance: random.Random) -> tuple[int, ...]:
    return tuple(chance.randrange(120, 256) for _ in range(3))


def _box(chance: random.Random) -> tuple[float, float, float, float]:
    side = chance.uniform(0.3, 0.6) * SIDE
    left, top = chance.uniform(0, SIDE - side), chance.uniform(0, SIDE - side)
    return left, top, left + side, top + side


def _draw(image: Image.Image, shape: Shape, fill: int | tuple[int, ...]) -> None:
    kind, (left, top, right, bottom) = shape
    draw = ImageDraw.Draw(image)
    if kind == "triangle":
        draw.polygon([(left, bottom), ((left + right) / 2, top), (right, bottom)], fill=fill)
        return
    outline: Callable[..., None] = draw.ellipse if kind == "circle" else draw.rectangle
    outline((left, top, right, bottom), fill=fill)


def _save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
