"""Numbers that callers give."""

from __future__ import annotations

import operator
from typing import Any

from hrnet_graph.errors import HRNetGraphError, shown


def whole(name: str, value: Any, most: int, of: str) -> int:
    """A whole number from 1 to `most`, of Python or numpy; `name` and `of` say what it counts.

    Raises `HRNetGraphError` for anything else.
    """
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = 0
    if not 1 <= number <= most:
        raise HRNetGraphError(f"{name}: expected 1 to {most} {of}, got {shown(value)}")
    return number
