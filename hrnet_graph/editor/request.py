"""A request as it came: JSON that anybody may have written, read field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hrnet_graph.errors import HRNetGraphError, did_you_mean, quoted

MAX_TEXT = 256 * 1024
"""The longest text that is looked at at all, in characters: a spec has at most a quarter of it."""

MAX_PARTS = 200
"""The most parts that a figure is asked to open."""


class Request:
    """A request's fields, each checked where it is read. Raises `HRNetGraphError`."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def text(self, name: str, default: str | None = None) -> str:
        """A field that is text."""
        value = self._fields.get(name, default)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise HRNetGraphError(f"{name}: expected text, got {quoted(value)}")
        if len(value) > MAX_TEXT:
            raise HRNetGraphError(f"{name}: expected at most {MAX_TEXT} characters")
        return value

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        """A field that is one of some words."""
        value = self.text(name, default)
        if value not in known:
            raise HRNetGraphError(f"{name}: unknown {quoted(value)}{did_you_mean(value, known)}")
        return value

    def number(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A field that is an integer within bounds."""
        value = self._fields.get(name, default)
        if type(value) is not int or not low <= value <= high:
            expected = f"expected an integer from {low} to {high}"
            raise HRNetGraphError(f"{name}: {expected}, got {quoted(value)}")
        return value

    def flag(self, name: str) -> bool:
        """A field that is true or false; false where it is not there."""
        value = self._fields.get(name)
        if not isinstance(value, bool | None):
            raise HRNetGraphError(f"{name}: expected true or false, got {quoted(value)}")
        return bool(value)

    def words(self, name: str) -> tuple[str, ...]:
        """A field that is a list of texts; none where it is not there."""
        value = self._fields.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise HRNetGraphError(f"{name}: expected a list of texts, got {quoted(value)}")
        if len(value) > MAX_PARTS:
            raise HRNetGraphError(f"{name}: expected at most {MAX_PARTS}, got {len(value)}")
        return tuple(value)

    def value(self, name: str) -> object:
        """A field that may be anything."""
        return self._fields.get(name)
