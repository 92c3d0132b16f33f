"""What a network that was changed is called: its origin's name, and what was changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hrnet_graph.errors import Key, dotted_key
from hrnet_graph.spec.schema import DESCRIPTIONS, MAX_NAME, Spec
from hrnet_graph.spec.source import Located


def marked_name(before: Spec, after: Spec, changes: Sequence[Located]) -> str:
    """The name of what changes made of a spec: `hrnet_w32_cls, width 48`.

    Another size of the image makes no other network, and neither does what describes one.
    """
    plain, *marks = before.name.split(", ")
    found = dict(mark.split(" ", 1) for mark in marks)
    old, new = before.dump(), after.dump()
    stated = [leaf for change in changes for leaf in _leaves(change)]
    for key, item in stated:
        inside = any(other != key and other[: len(key)] == key for other, _ in stated)
        at = (*key, "kind") if inside else key  # `norm: batch` beside `norm.momentum`
        if _makes_another(key, _at(old, at), _at(new, at)):
            found[dotted_key(key).removesuffix(".kind")] = _word(item.plain())
    name = ", ".join([plain, *(f"{key} {word}" for key, word in found.items())])
    return name if len(name) <= MAX_NAME else f"{plain[: MAX_NAME - 20]}, changes {len(found)}"


def _makes_another(key: Key, old: object, new: object) -> bool:
    """Whether a value that a change states makes another network."""
    if key[0] == "input" and isinstance(old, tuple) and isinstance(new, tuple):
        return bool(old[0] != new[0])
    return key[0] not in DESCRIPTIONS and key not in _SIZE and bool(old != new)


_SIZE: tuple[Key, ...] = (("input", 1), ("input", 2))


def _leaves(item: Located, key: Key = ()) -> Iterator[tuple[Key, Located]]:
    """The values that a change states, each with its key."""
    listed = isinstance(item.value, tuple) and any(isinstance(x.value, Mapping) for x in item.value)
    if not listed and not isinstance(item.value, Mapping):
        yield key, item
        return
    for name, inner in item.children():
        index = isinstance(name, str) and name.isdigit()
        yield from _leaves(inner, (*key, int(name) if index else name))


def _at(data: Any, key: Key) -> object:
    """The value at a key of plain data; a rule that is stated by its kind alone is that kind."""
    for part in key:
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list | tuple):
            data = data[part] if isinstance(part, int) and part < len(data) else None
        elif part != "kind":
            return None
    return data


def _word(value: object) -> str:
    """A value in a name: one word of letters that no file's name and no code is hurt by."""
    if isinstance(value, tuple):
        return "-".join(_word(item) for item in value)
    text = str(value).lower() if value is None or isinstance(value, bool) else str(value)
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:30] or "none"
