"""Words in figures: what may stand there."""

from __future__ import annotations


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
