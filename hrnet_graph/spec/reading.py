"""What is read of a spec: a spec that takes down what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, cast

from pydantic.fields import FieldInfo

from hrnet_graph.errors import Fix, Key
from hrnet_graph.spec.part import Model
from hrnet_graph.spec.problems import fix_at
from hrnet_graph.spec.rule import Rule
from hrnet_graph.spec.schema import DESCRIPTIONS, Spec

UNREAD = "nothing in the network reads it"

Part = TypeVar("Part", bound=Model)


def reading(spec: Spec, taken: set[Key]) -> Spec:
    """The spec, which adds to `taken` the key of every value that is read, inner ones as well."""
    return reading_part(spec, taken, ())


def reading_part(part: Part, taken: set[Key], key: Key) -> Part:
    """The part of a spec that stands at a key, in the same way."""
    return cast(Part, _Reading(part, taken, key))


class _Reading:
    """A part of a spec; what is derived from its values is derived anew, and so reads them."""

    def __init__(self, part: Model, taken: set[Key], key: Key) -> None:
        self._part, self._taken, self._key = part, taken, key

    def __getattr__(self, name: str) -> object:
        if name not in _fields(type(self._part)):
            return getattr(type(self._part), name).__get__(self)
        return self._read(getattr(self._part, name), (*self._key, name))

    def _read(self, value: object, key: Key) -> object:
        if isinstance(value, Model):
            return _Reading(value, self._taken, key)
        if isinstance(value, tuple) and any(isinstance(item, Model) for item in value):
            return tuple(self._read(item, (*key, i)) for i, item in enumerate(value))
        self._taken.add(key)
        return value


@cache
def _fields(kind: type[Model]) -> Mapping[str, FieldInfo]:
    """The fields of a part of a spec, which its class works out anew each time."""
    return kind.model_fields


_NO_WORD = "leave it out: the network is the same without it"
"""What is said of an option that no word of another one has an effect."""


@dataclass(frozen=True)
class Unread:
    """A key that changes nothing: why, in words with the value beside it that it `needs`, if any,
    and what it is told as.
    """

    key: Key
    why: str = ""
    needs: tuple[str, object] | None = None
    message: str = UNREAD

    @property
    def hint(self) -> str:
        if self.needs and "{}" in self.why:
            return self.why.format(Fix(*self.needs).change)
        return "" if self.message != UNREAD else _NO_WORD if "{}" in self.why else self.why

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """Stating what it needs, and not stating it."""
        fixes = [fix_at(self.key, None, "remove")]
        if self.needs:
            name, value = self.needs
            fixes.insert(0, fix_at((*self.key[:-1], name), value))
        return tuple(fix for fix in fixes if fix)


_WHY: Mapping[str | int, str] = {
    "width": "every stage states its `channels`",
    "fuse": "no module fuses by it",
    "transition": "no stage is reached by it",
    "groups": "it is for `{}`",
    "momentum": "it is for `{}`",
    "std": "it is for `{}`",
    "eps": "it is for `{}`",
    "norm": "nothing there is normalised",
    "conv_bias": "no convolution there has a bias",
}
"""What is known of why nothing reads a key."""

_FOR: Mapping[str | int, tuple[str, object]] = {
    "groups": ("kind", "group"),
    "momentum": ("kind", "batch"),
    "eps": ("kind", "batch"),
    "std": ("conv", "normal"),
}
"""The value beside a key that it is for."""


def unread_option(key: Key, needs: tuple[str, object] | None) -> Unread:
    """An option of a rule that has no effect, and another that it would have one with."""
    return Unread(key, "it is read with `{}`", needs)


def unread_keys(spec: Spec, taken: AbstractSet[Key]) -> Iterator[Unread]:
    """The values that a spec states and nobody reads.

    A value that is the default anyway is nobody's statement.
    """
    read = {key[:length] for key in taken for length in range(1, len(key) + 1)}
    found: Key | None = None
    for key in _stated(spec, ()):
        if key not in read and key[: len(found or ())] != found:
            found = key
            yield Unread(key, _WHY.get(key[-1], ""), _FOR.get(key[-1]))


def _stated(part: Model, key: Key) -> Iterator[Key]:
    """The keys of the values that are not the defaults; a part that may lack is one of them."""
    for name, field in _fields(type(part)).items():
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
        if isinstance(value, Rule):
            yield from _norms(value, at)


def _norms(named: Rule, key: Key) -> Iterator[Key]:
    """The keys of the normalisation that a rule has for itself, and those that it holds."""
    if named.norm is not None:
        yield (*key, "norm")
        yield from _stated(named.norm, (*key, "norm"))
    for option, value in named.pairs:
        inner = value.items() if isinstance(value, Mapping) else ()
        for name, each in inner:
            if isinstance(each, Rule):
                yield from _norms(each, (*key, option, name))
