"""Names, colours and skeletons of data sets, as data."""

from __future__ import annotations

import colorsys
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hrnet_graph.errors import HRNetGraphError

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Labels:
    """The names of a network's outputs, a colour for each, and which points are joined."""

    names: tuple[str, ...]
    palette: tuple[Colour, ...]
    skeleton: tuple[tuple[int, int], ...] = ()


@cache
def labels_for(
    stated: str | tuple[str, ...] | None,
    count: int,
    what: str,
    palette: tuple[Colour, ...] | None = None,
) -> Labels:
    """The labels that a spec states; of a data set, if it has as many as there are outputs; or else
    numbers. Raises `HRNetGraphError` for names or colours of another number.
    """
    for listed, noun in ((stated, "labels"), (palette, "colours in the palette")):
        if isinstance(listed, tuple) and len(listed) != count:
            raise HRNetGraphError(f"expected {count} {noun}, one for each, got {len(listed)}")
    names: Sequence[str] | None = None
    skeleton: Sequence[tuple[int, int]] = ()
    if isinstance(stated, tuple):
        names = stated
    elif stated is not None:
        source = files("hrnet_graph.prediction").joinpath("data", f"{stated}.json")
        data = json.loads(source.read_text(encoding="utf-8"))
        if len(data["names"]) == count:
            names, skeleton = data["names"], data.get("skeleton", ())
            palette = palette or data.get("palette")
    return Labels(
        tuple(names or (f"{what} {i}" for i in range(count))),
        tuple((r, g, b) for r, g, b in palette or _palette(count)),
        tuple((a, b) for a, b in skeleton),
    )


def _palette(count: int) -> tuple[Colour, ...]:
    """Colours far apart: hues by the golden angle, in turn light and dark."""
    colours = []
    for i in range(count):
        light = (0.95, 0.75, 0.55)[i % 3]
        red, green, blue = colorsys.hsv_to_rgb(i * 0.618034 % 1, 0.75, light)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colours)
