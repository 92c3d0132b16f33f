"""Anchors and aliases in the way of a change: what is used elsewhere stays there as it is."""

from __future__ import annotations

from collections.abc import Iterator

from hrnet_graph.errors import Key
from hrnet_graph.language.data import at, read_data
from hrnet_graph.language.tree import Entry, Node, read_tree, way
from hrnet_graph.language.writing import write_inline


def open_up(text: str, place: Key) -> str:
    """The text in which what changes inside the value at a key changes nowhere else.

    An alias on the way to it is written out; an anchor that is repeated moves to the first alias.
    """
    for depth, entry in enumerate(way(read_tree(text), place), 1):
        node, value = entry.node, place[:depth]
        if node.source:
            written = text[: node.start] + _written(text, value) + text[node.end :]
            return open_up(written, place)
        if node.uses:
            moved = _moved(text, node, node.uses[0], value)
            return open_up(_without_anchor(moved, node), place)
    return text


def free(text: str, place: Key) -> str:
    """The text in which the value at a key can go: what repeats a part of it has it itself."""
    text = open_up(text, place[:-1])
    target = way(read_tree(text), place)[-1]
    for inner, node in _nodes(target, place):
        uses = (use for use in node.uses if use.start > target.node.end)
        if first := next(uses, None):
            return free(_moved(text, node, first, inner), place)
    anchored = target.node.start < target.node.content and not target.node.source
    return _without_anchor(text, target.node) if anchored else text


def _nodes(entry: Entry, place: Key) -> Iterator[tuple[Key, Node]]:
    """A value and all inside it, with their keys."""
    yield place, entry.node
    for inner in entry.node.entries or ():
        yield from _nodes(inner, (*place, inner.key))


def _moved(text: str, node: Node, alias: Node, place: Key) -> str:
    """The text with an alias that has the value and the anchor itself, for those after it."""
    anchor = text[node.start : node.content].split()[0]
    return text[: alias.start] + f"{anchor} {_written(text, place)}" + text[alias.end :]


def _without_anchor(text: str, node: Node) -> str:
    anchor = text[node.start : node.content].split()[0]
    before, after = text[: node.start], text[node.start + len(anchor) :]
    if after.startswith((" ", "\t")):
        return before + after.lstrip(" \t")
    return before.rstrip(" \t") + after  # nothing else stands on the line


def _written(text: str, place: Key) -> str:
    return write_inline(at(read_data(text), place))
