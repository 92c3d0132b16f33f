"""Words in figures: what may stand there, and how wide it becomes."""

from __future__ import annotations

from collections.abc import Sequence

_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
"""The widths of ASCII's printable characters in Helvetica, in thousandths of the font's size."""

_SIGNS = {"×": 584, "→": 1000, "…": 1000}

_SLACK = 1.12
"""Other fonts that stand in for Helvetica are a little wider."""

_LINE = 1.25
"""The height of a line, in the font's size."""


def width(text: str, size: float) -> float:
    """About how wide a text is drawn, in points: never less than in Helvetica or Arial.

    A character that is not in the table counts as wide as it is high.
    """
    total = sum(_WIDTHS[ord(c) - 32] if " " <= c <= "~" else _SIGNS.get(c, 1000) for c in text)
    return _SLACK * size * total / 1000


def extent(lines: Sequence[str], size: float) -> tuple[float, float]:
    """How wide and how high lines of text are, in points."""
    wide = max((width(line, size) for line in lines), default=0.0)
    return wide, len(lines) * _LINE * size


def clean(text: str, limit: int = 40) -> str:
    """A text from outside as it may be drawn: one line, printable, no longer than `limit`.

    What is too much is left out in the middle: names begin with where, and end with what.
    """
    text = text if len(text) <= 8 * limit else f"{text[: 4 * limit]}…{text[-4 * limit :]}"
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    end = limit // 2
    return line if len(line) <= limit else f"{line[: limit - 1 - end]}…{line[-end:]}"


def fold(name: str, most: int = 22) -> list[str]:
    """A long dotted name in two lines, broken after the dot that is nearest to its middle."""
    dots = [i for i, c in enumerate(name) if c == "."]
    if len(name) <= most or not dots:
        return [name]
    end = 1 + min(dots, key=lambda i: abs(2 * i + 1 - len(name)))
    return [name[:end], name[end:]]


def times(shape: tuple[int, ...]) -> str:
    """The extents of a shape with multiplication signs between them."""
    return "×".join(str(extent) for extent in shape)
