"""JSON as the command line says it, in files and on the terminal: numbers in it are finite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite

from hrnet_graph.errors import HRNetGraphError


def to_json(data: object, *, indent: int | None = None, ensure_ascii: bool = False) -> str:
    """Data as JSON. Raises `HRNetGraphError` that names a number in it that is NaN or infinite."""
    try:
        return json.dumps(data, indent=indent, ensure_ascii=ensure_ascii, allow_nan=False)
    except ValueError:
        place, number = next(_not_finite(data, ""), ("", None))
        if number is None:
            raise
    problem = f"{place}: expected a finite number, as JSON has them alone, got {number}"
    raise HRNetGraphError(problem, "the network's numbers are perhaps too large to compute with")


def _not_finite(data: object, at: str) -> Iterator[tuple[str, float]]:
    """The numbers that are NaN or infinite, by their places."""
    if isinstance(data, float) and not isfinite(data):
        yield at, data
    elif isinstance(data, Mapping | list | tuple):
        parts = data.items() if isinstance(data, Mapping) else enumerate(data)
        for key, value in parts:
            yield from _not_finite(value, f"{at}.{key}".lstrip("."))
