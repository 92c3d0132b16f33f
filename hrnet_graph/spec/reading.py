"""What is read of a spec: a spec that takes down what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import cast

from hrnet_graph.errors import Key
from hrnet_graph.spec.part import Model
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import DESCRIPTIONS, Spec


def reading(spec: Spec, taken: set[Key]) -> Spec:
    """The spec, which adds to `taken` the key of every value that is read, inner ones as well."""
    return cast(Spec, _Reading(spec, taken, ()))


class _Reading:
    """A part of a spec; what is derived from its values is derived anew, and so reads them."""

    def __init__(self, part: Model, taken: set[Key], key: Key) -> None:
        self._part, self._taken, self._key = part, taken, key

    def __getattr__(self, name: str) -> object:
        if name not in type(self._part).model_fields:
            return getattr(type(self._part), name).__get__(self)
        return self._read(getattr(self._part, name), (*self._key, name))

    def _read(self, value: object, key: Key) -> object:
        if isinstance(value, Model):
            return _Reading(value, self._taken, key)
        if isinstance(value, tuple) and any(isinstance(item, Model) for item in value):
            return tuple(self._read(item, (*key, i)) for i, item in enumerate(value))
        self._taken.add(key)
        return value


def unread_keys(spec: Spec, taken: AbstractSet[Key]) -> Iterator[Key]:
    """The keys of the values that a spec states and nobody reads.

    A value that is the default anyway is nobody's statement.
    """
    read = {key[:length] for key in taken for length in range(1, len(key) + 1)}
    yield from (key for key in _stated(spec, ()) if key not in read)


def _stated(part: Model, key: Key) -> Iterator[Key]:
    """The keys of the values that are not the defaults; a part that may lack is one of them."""
    for name, field in type(part).model_fields.items():
        value, at = getattr(part, name), (*key, name)
        if not key and name in DESCRIPTIONS:
            continue
        if isinstance(value, tuple) and any(isinstance(item, Model) for item in value):
            for index, item in enumerate(value):
                yield from _stated(item, (*at, index))
            continue
        plain = value.short() if isinstance(value, Rule) else value
        if value is not None and field.default not in (value, plain):
            if field.default is None or not isinstance(value, Model):
                yield at
            if isinstance(value, Model):
                yield from _stated(value, at)
