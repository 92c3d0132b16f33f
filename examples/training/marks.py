"""Points and boxes of images, read from JSON and checked before any training."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, FiniteFloat, PositiveInt, TypeAdapter, ValidationError

import hrnet_graph as hg


def _filled(row: tuple[float, float, float, float, int]) -> Any:
    left, top, right, bottom, _ = row
    if not (left < right and top < bottom):
        raise ValueError("expected left < right and top < bottom")
    return row


Point = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
Corners = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat, PositiveInt]
Box = Annotated[Corners, AfterValidator(_filled)]

POINTS = ("points.json", TypeAdapter(dict[str, list[list[Point]]]), "[[[x, y, seen], ...], ...]")
BOXES = (
    "boxes.json",
    TypeAdapter(dict[str, list[Box]]),
    "[[left, top, right, bottom, class], ...]",
)
"""File name, what it holds, and the same in words, of one image."""


def read_marks(folder: Path, head: str, images: Iterable[str]) -> dict[str, Any]:
    """What the folder's JSON says of every image. Raises `FileError`, naming file and image."""
    name, kind, form = BOXES if head == "feature_pyramid" else POINTS
    where, hint = repr(str(folder / name)), f"expected {{IMAGE: {form}, ...}}"
    try:
        marks: dict[str, Any] = kind.validate_json((folder / name).read_bytes())
    except OSError as error:
        raise hg.FileError(f"cannot read {where}: {error.strerror}", hint) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = f" at {'.'.join(map(str, first['loc']))!r}" if first["loc"] else ""
        raise hg.FileError(f"{where}{place}: {first['msg']}", hint) from None
    for image in images:
        if image not in marks:
            raise hg.FileError(f"{where} does not list the image {image!r}", hint)
    if head != "feature_pyramid":
        counts = {len(person) for people in marks.values() for person in people}
        if len(counts) != 1:
            got = " and ".join(str(count) for count in sorted(counts)[:2]) or "no person at all"
            raise hg.FileError(f"{where}: expected persons of equally many points, got {got}", hint)
    return marks
