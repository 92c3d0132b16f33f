"""What a Python config's names stand for while it is read: data, or what was not understood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from hrnet_graph.errors import FileError, Mark
from hrnet_graph.spec.source import Located

MAX_DEPTH = 60
"""Levels of nested data; configs have about ten."""


@dataclass(frozen=True, slots=True)
class NotUnderstood(Located):
    """A value that could not be told without running the file: the expression, and why."""

    text: str = ""
    why: str = ""
    imported: str = ""
    """The dotted name of what it is, where the file imports it."""


@dataclass(eq=False, slots=True)
class Box:
    """A mapping or a sequence that later statements can change, shared by all names of it.

    `broken` says that something which was not understood may have changed it. `merges` marks
    mappings of another config, which are mmengine's `ConfigDict`: they update key by key, all the
    way down, have their keys as attributes, and copy what is put into them. `views` are what an
    iterator or a view goes through, whose items later statements may change or find taken.
    """

    items: dict[str | int, Value] | list[Value]
    mark: Mark
    broken: NotUnderstood | None = None
    merges: bool = False
    is_tuple: bool = False
    views: tuple[Box, ...] | None = None

    def entries(self) -> Iterator[Any]:
        """What it holds while it changes: pairs of a mapping, items of a sequence."""
        return iter(self.items.items() if isinstance(self.items, dict) else self.items)


Value = Located | Box


def is_mapping(value: Value) -> bool:
    """Whether a value is an unbroken mapping."""
    return isinstance(value, Box) and not value.broken and isinstance(value.items, dict)


def boxes_in(value: Value) -> Iterator[Box]:
    """Every mapping and sequence that is reached from a value, each once."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        box = waiting.pop()
        if isinstance(box, Box) and id(box) not in seen:
            seen.add(id(box))
            yield box
            waiting += box.items.values() if isinstance(box.items, dict) else box.items


def copied(value: Value, done: dict[int, Value] | None = None) -> Value:
    """A deep copy, which shares within itself what the original shares."""
    done = {} if done is None else done
    if not isinstance(value, Box):
        return value
    if id(value) not in done:
        done[id(value)] = box = replace(value)
        if isinstance(value.items, dict):
            box.items = {key: copied(item, done) for key, item in value.items.items()}
        else:
            box.items = [copied(item, done) for item in value.items]
    return done[id(value)]


def frozen(value: Value, done: dict[int, Located] | None = None, depth: int = 0) -> Located:
    """A value as located data that nothing changes any more; what is shared stays shared."""
    done = {} if done is None else done
    if not isinstance(value, Box):
        return value
    if value.broken:
        return value.broken
    if depth > MAX_DEPTH:
        raise FileError(f"{value.mark}: nested more than {MAX_DEPTH} levels deep")
    if id(value) not in done:
        inside: Any
        if isinstance(value.items, dict):
            inside = {str(k): frozen(item, done, depth + 1) for k, item in value.items.items()}
        else:
            inside = tuple(frozen(item, done, depth + 1) for item in value.items)
        done[id(value)] = Located(inside, value.mark)
    return done[id(value)]


def merged(child: Box, base: Box) -> Box:
    """A config's mapping laid over that of its base, with `_delete_` as mmengine reads it.

    Source: mmengine 0.10, mmengine/config/config.py, `Config._merge_a_into_b`.
    """
    assert isinstance(child.items, dict)
    assert isinstance(base.items, dict)
    items: dict[str | int, Value] = dict(base.items)
    for key, value in child.items.items():
        below = items.get(key)
        if not isinstance(value, Box) or not isinstance(value.items, dict) or value.broken:
            items[key] = value
            continue
        alone = dict(value.items)
        delete = alone.pop("_delete_", None) if below is not None else None
        new = Box(alone, value.mark)
        if isinstance(delete, NotUnderstood | Box):
            items[key] = delete
        elif below is None or (delete is not None and delete.value):
            items[key] = new
        elif isinstance(below, NotUnderstood) or (isinstance(below, Box) and below.broken):
            items[key] = below
        elif not is_mapping(below):
            message = f"{value.mark}: {key}: a mapping cannot change what is none in the base"
            raise FileError(message, "write `_delete_=True` into it to put it in its place")
        else:
            assert isinstance(below, Box)
            items[key] = merged(new, below)
    return Box(items, child.mark)
