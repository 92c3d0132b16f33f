"""Words in figures: what may stand there."""

from __future__ import annotations


def clean(text: str, limit: int = 40) -> str:
    """A text from outside as it may be drawn: one line, printable, no longer than `limit`."""
    line = "".join(c for c in " ".join(text[: 4 * limit].split()) if c.isprintable())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def times(shape: tuple[int, ...]) -> str:
    """The extents of a shape with multiplication signs between them."""
    return "×".join(str(extent) for extent in shape)
