"""Checks of what callers give."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import SupportsIndex

from hrnet_graph.errors import HRNetGraphError, quoted


def checked_int(name: str, value: object, upto: int, unit: str, least: int = 1) -> int:
    """A whole number to `upto`, of Python or numpy; `name` and `unit` say what it counts.

    Raises `HRNetGraphError` for anything else.
    """
    number = least - 1
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        with suppress(TypeError):  # an array has the method, and refuses unless it is one number
            number = operator.index(value)
    if not least <= number <= upto:
        raise HRNetGraphError(f"{name}: expected {least} to {upto} {unit}, got {quoted(value)}")
    return number


def checked_size(name: str, value: object, upto: int) -> tuple[int, int]:
    """(height, width) in pixels. Raises `HRNetGraphError` for anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise HRNetGraphError(f"{name}: expected (height, width), got {quoted(value)}")
    height, width = (checked_int(name, n, upto, "pixels") for n in value)
    return height, width


def checked_path(name: str, value: object) -> str | Path:
    """The name of a file. Raises `HRNetGraphError` for anything else."""
    if not isinstance(value, str | Path):
        got = f"{type(value).__name__} {quoted(value)}"
        raise HRNetGraphError(f"{name}: expected the name of a file, got {got}")
    return value


def check_kind(caller: str, value: object, kind: type, remedy: str) -> None:
    """Raises `HRNetGraphError`, with what to give instead, for an argument of another type."""
    if not isinstance(value, kind):
        got = f"{type(value).__name__} {quoted(value)}"
        raise HRNetGraphError(f"{caller}: expected a {kind.__name__}, got {got}", remedy)


A_GRAPH = "hg.build_graph makes one of a spec; of a module it is model.graph"
