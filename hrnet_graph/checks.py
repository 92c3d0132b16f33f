"""Checks of what callers give."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from contextlib import suppress
from typing import SupportsIndex

from hrnet_graph.errors import HRNetGraphError, quoted


def checked_int(name: str, value: object, upto: int, unit: str) -> int:
    """A whole number from 1 to `upto`, of Python or numpy; `name` and `unit` say what it counts.

    Raises `HRNetGraphError` for anything else.
    """
    number = 0
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        with suppress(TypeError):  # an array has the method, and refuses unless it is one number
            number = operator.index(value)
    if not 1 <= number <= upto:
        raise HRNetGraphError(f"{name}: expected 1 to {upto} {unit}, got {quoted(value)}")
    return number


def checked_size(name: str, value: object, upto: int) -> tuple[int, int]:
    """(height, width) in pixels. Raises `HRNetGraphError` for anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise HRNetGraphError(f"{name}: expected (height, width), got {quoted(value)}")
    height, width = (checked_int(name, n, upto, "pixels") for n in value)
    return height, width


def check_kind(caller: str, value: object, kind: type, remedy: str) -> None:
    """Raises `HRNetGraphError`, with what to give instead, for an argument of another type."""
    if not isinstance(value, kind):
        got = f"{type(value).__name__} {quoted(value)}"
        raise HRNetGraphError(f"{caller}: expected a {kind.__name__}, got {got}", remedy)


A_GRAPH = "hg.build_graph makes one of a spec; of a module it is model.graph"
