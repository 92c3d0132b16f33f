"""How figures look, in one table. Colours are Okabe and Ito's, safe for the colour-blind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

INK = "#222222"

BRANCHES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9")
"""The colour of each branch's lines, finest first; beyond the last they start again."""


@dataclass(frozen=True)
class Theme:
    """The colours of a figure.

    rows: the colour of each resolution from 1/4 on; beyond the last they start again
    low, high: the ends of the scale of costs
    """

    paper: str
    ink: str
    quiet: str
    line: str
    band: str
    inner: str
    blank: str
    rows: tuple[str, ...]
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
        rows=("#5b9fd0", "#5fc1a2", "#f0b752", "#f5e98a", "#dfa6c6", "#a9d7f2"),
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
        rows=("#2f7fb8", "#1e9673", "#b9801a", "#a99a1f", "#a3618a", "#4a93bd"),
        low="#3b2a1d",
        high="#ffd27a",
        directions={"flow": "#9aa0ab", "down": "#ff8a3d", "up": "#6cc3f5"},
        marks={"added": "#2fd3a0", "removed": "#ff8a3d", "changed": "#f0a3cf"},
    ),
}

DASHES: Mapping[str, str] = {"flow": "solid", "down": "solid", "up": "dashed"}
WEIGHTS: Mapping[str, float] = {"flow": 0.8, "down": 1.5, "up": 0.8}
"""Directions are told apart without colour, too: by dashes and by weight, in points."""


def mix(colour: str, other: str, share: float) -> str:
    """A colour with a share, from 0 to 1, of another one."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
