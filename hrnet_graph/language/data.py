"""Plain data of a spec, read and changed by key; values, no mutation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from hrnet_graph.errors import HRNetGraphError, Key, quoted
from hrnet_graph.spec.source import MAX_BYTES, MAX_DEPTH, Scalar, parse

Plain = Scalar | list["Plain"] | dict[str, "Plain"]


@lru_cache(maxsize=4)  # a change asks for the same text several times
def read_data(text: str) -> dict[str, Plain]:
    """The plain data of a spec's text, not to be changed.

    Raises `HRNetGraphError` where it is none.
    """
    if len(text) > MAX_BYTES:
        raise HRNetGraphError(f"expected a spec of at most {MAX_BYTES} bytes, got {len(text)}")
    data = plain_value(parse(text, "").plain())
    assert isinstance(data, dict)
    return data


def plain_value(value: object, depth: int = 0) -> Plain:
    """What a caller gives as plain data of a spec: tuples as lists, keys as text.

    Raises `HRNetGraphError` for what is no value of a spec.
    """
    if depth > MAX_DEPTH:
        raise HRNetGraphError(f"expected a value nested at most {MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        return {str(key): plain_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item, depth + 1) for item in value]
    if value is None or type(value) in (str, int, float, bool):
        return cast(Scalar, value)
    expected = "expected a number, a text, true, false, a list or a mapping"
    raise HRNetGraphError(f"{expected}, got {quoted(value)}")


def same(a: Plain, b: Plain) -> bool:
    """Whether two values are equal and of the same types: 1 is neither 1.0 nor true."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


def step(data: Plain, part: str) -> str | int | None:
    """A part of a dotted key as this value has it: a key, an index, or None if it has no such."""
    if isinstance(data, dict):
        return part if part in data else None
    if isinstance(data, list) and part.isdecimal() and part.isascii() and len(part) < 6:
        return int(part) if int(part) < len(data) else None
    return None


def at(data: Plain, key: Key) -> Plain:
    """The value at a key that is there."""
    for part in key:
        data = cast(Mapping[str | int, Plain], data)[part]  # a list, too, by its index
    return data


def having(data: Plain, key: Key, value: Plain) -> Plain:
    """The data with a value at a key; the item behind the last one of a list is appended."""
    if not key:
        return value
    part, rest = key[0], key[1:]
    if isinstance(data, list):
        assert isinstance(part, int)
        old = data[part] if part < len(data) else None
        return [*data[:part], having(old, rest, value), *data[part + 1 :]]
    inner = dict(data) if isinstance(data, dict) else {}
    return {**inner, str(part): having(inner.get(str(part)), rest, value)}


def lacking(data: Plain, key: Key) -> Plain:
    """The data without the value at a key that is there."""
    part, rest = key[0], key[1:]
    if isinstance(data, list):
        assert isinstance(part, int)
        inner = [lacking(data[part], rest)] if rest else []
        return [*data[:part], *inner, *data[part + 1 :]]
    assert isinstance(data, dict)
    if rest:
        return {**data, str(part): lacking(data[str(part)], rest)}
    return {name: item for name, item in data.items() if name != part}
