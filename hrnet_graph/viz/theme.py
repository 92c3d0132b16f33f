"""How figures look, in one table. Colours are Okabe and Ito's, safe for the colour-blind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

INK = "#222222"

RESOLUTIONS = ("#0072b2", "#009e73", "#e69f00", "#f0e442", "#cc79a7", "#56b4e9")
"""The colour of each resolution from 1/4 on, in figures, pages, plots and Mermaid.

Beyond the last they start again, as they do before the first.
"""


@dataclass(frozen=True)
class Theme:
    """The colours of a figure.

    low, high: the ends of the scale of costs
    """

    paper: str
    ink: str
    quiet: str
    line: str
    band: str
    inner: str
    blank: str
    low: str
    high: str
    directions: Mapping[str, str]
    marks: Mapping[str, str]


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        paper="#ffffff",
        ink=INK,
        quiet="#5c5c5c",
        line="#7a7a7a",
        band="#f4f5f7",
        inner="#e9ebef",
        blank="#e4e6ea",
        low="#fff7d6",
        high="#7a1f00",
        directions={"flow": "#8f8f8f", "down": "#d55e00", "up": "#0072b2"},
        marks={"added": "#009e73", "removed": "#d55e00", "changed": "#cc79a7"},
    ),
    "dark": Theme(
        paper="#16181d",
        ink="#f0f0f0",
        quiet="#b4b7bf",
        line="#8d929c",
        band="#1f2229",
        inner="#2a2e37",
        blank="#3a3f4a",
        low="#3b2a1d",
        high="#ffd27a",
        directions={"flow": "#9aa0ab", "down": "#ff8a3d", "up": "#6cc3f5"},
        marks={"added": "#2fd3a0", "removed": "#ff8a3d", "changed": "#f0a3cf"},
    ),
}


def number_of(stride: Fraction) -> int:
    """Which colour of `RESOLUTIONS` a resolution has."""
    return (round(math.log2(stride)) - 2) % len(RESOLUTIONS)


def face_of(number: int, theme: Theme = THEMES["light"]) -> str:
    """A resolution's colour for areas."""
    return mix(RESOLUTIONS[number], theme.paper, 0.35)


def line_of(number: int, theme: Theme = THEMES["light"]) -> str:
    """A resolution's colour for lines: as little nearer to ink as makes it seen on paper."""
    shades = (mix(RESOLUTIONS[number], theme.ink, step / 20) for step in range(20))
    return next(shade for shade in shades if contrast(shade, theme.paper) >= 3)


DASHES: Mapping[str, str] = {"flow": "solid", "down": "solid", "up": "dashed"}
WEIGHTS: Mapping[str, float] = {"flow": 0.8, "down": 1.5, "up": 0.8}
"""Directions are told apart without colour, too: by dashes and by weight, in points."""


def mix(colour: str, other: str, share: float) -> str:
    """A colour with a share, from 0 to 1, of another one."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21. Source: WCAG 2.2, contrast ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    """How bright a colour is, from 0 to 1. Source: WCAG 2.2, relative luminance."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(w * s for w, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
