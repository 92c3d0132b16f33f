"""Names, colours and skeletons of data sets, as data."""

from __future__ import annotations

import colorsys
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Labels:
    """The names of a network's outputs, a colour for each, and which points are joined."""

    names: tuple[str, ...]
    palette: tuple[Colour, ...]
    skeleton: tuple[tuple[int, int], ...] = ()


@cache
def labels_for(label_set: str | None, count: int, what: str) -> Labels:
    """The labels of a set, if it has as many as there are outputs; else numbers."""
    if label_set is not None:
        source = files("hrnet_graph.prediction").joinpath("data", f"{label_set}.json")
        data = json.loads(source.read_text(encoding="utf-8"))
        if len(data["names"]) == count:
            palette = data.get("palette") or _palette(count)
            skeleton = tuple((a, b) for a, b in data.get("skeleton", ()))
            return Labels(tuple(data["names"]), tuple((r, g, b) for r, g, b in palette), skeleton)
    return Labels(tuple(f"{what} {i}" for i in range(count)), _palette(count))


def _palette(count: int) -> tuple[Colour, ...]:
    """Colours far apart: hues by the golden angle, in turn light and dark."""
    colours = []
    for i in range(count):
        light = (0.95, 0.75, 0.55)[i % 3]
        red, green, blue = colorsys.hsv_to_rgb(i * 0.618034 % 1, 0.75, light)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colours)
