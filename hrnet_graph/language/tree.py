"""A spec's text as a tree of spans: where each key and value begins and ends, in characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import yaml

from hrnet_graph.errors import Key

_PROPERTIES = re.compile(r"(?:(?:&[^\s,\[\]{}]+|!)\s*)*")
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(eq=False, slots=True)
class Node:
    """A value in the text.

    start: where it begins, its anchor included; content: where it begins without; end: behind its
    last character; column: of its first key or dash, from 0; style: the quote of a scalar (`|` and
    `>` for its block forms), `[` or `{` for a collection in flow style, `*` for an alias, else "";
    source: what an alias repeats; uses: the aliases that repeat this value
    """

    start: int
    content: int
    end: int
    column: int
    style: str
    entries: tuple[Entry, ...] | None = None
    source: Node | None = None
    uses: list[Node] = field(default_factory=list)

    @property
    def is_flow(self) -> bool:
        """Whether this is a collection in brackets or braces."""
        return self.style in ("[", "{")

    @property
    def is_block(self) -> bool:
        """Whether this is a collection of lines, without brackets or braces."""
        return self.entries is not None and not self.is_flow


@dataclass(eq=False, slots=True)
class Entry:
    """A key and its value, or an index and the item.

    start: of the key, or of the item's dash; behind: where what follows the colon or dash begins
    """

    key: str | int
    start: int
    behind: int
    node: Node


@lru_cache(maxsize=4)
def read_tree(text: str) -> Node:
    """The tree of a text that `spec.source.parse` takes, not to be changed."""
    return _Reader(text).document()


def way(root: Node, place: Key) -> list[Entry]:
    """The entries on the way to the value at a key, which is there; aliases are followed."""
    found, node = [], root
    for part in place:
        entry = next(entry for entry in (node.source or node).entries or () if entry.key == part)
        found.append(entry)
        node = entry.node
    return found


def skip(text: str, at: int) -> int:
    """Where the next character stands that is no blank, line break or comment."""
    while at < len(text):
        if text[at] == "#" and (at == 0 or text[at - 1] in " \t\r\n"):
            at = line_end(text, at)
        elif text[at] in " \t\r\n\ufeff":
            at += 1
        else:
            break
    return at


def line_start(text: str, at: int) -> int:
    """Where the line of a character begins."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def line_end(text: str, at: int) -> int:
    """Where the line of a character ends, before its line break."""
    found = _BREAK.search(text, at)
    return found.start() if found else len(text)


def is_first(text: str, at: int) -> bool:
    """Whether nothing but blanks stands on a line before a character."""
    return not text[line_start(text, at) : at].strip(" \t")


def line_break(text: str) -> str:
    """How the text ends its lines."""
    found = _BREAK.search(text)
    return found[0] if found else "\n"


def _span(event: yaml.Event) -> tuple[int, int]:
    """Where what an event says begins and ends."""
    assert event.start_mark is not None
    assert event.end_mark is not None
    return event.start_mark.index, event.end_mark.index


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._events = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node:
        next(self._events)
        next(self._events)
        return self._node(next(self._events))

    def _node(self, event: yaml.Event) -> Node:
        start, end = _span(event)
        column = start - line_start(self._text, start)
        if isinstance(event, yaml.AliasEvent):
            source = self._anchors[str(event.anchor)]
            source.uses.append(Node(start, start, end, column, "*", source=source))
            return source.uses[-1]
        properties = _PROPERTIES.match(self._text, start)
        content = min(properties.end() if properties else start, end)
        if isinstance(event, yaml.ScalarEvent):
            style = event.style or ""
            end = content + len(self._text[content:end].rstrip()) if style in ("|", ">") else end
            node = Node(start, content, end, column, style)
        else:
            content = skip(self._text, content)
            column = content - line_start(self._text, content)
            is_list = isinstance(event, yaml.SequenceStartEvent)
            assert isinstance(event, yaml.CollectionStartEvent)
            style = ("[" if is_list else "{") if event.flow_style else ""
            node = Node(start, content, content, column, style)
            read = self._items if is_list else self._keys
            node.entries = tuple(read(node))
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _items(self, node: Node) -> Iterator[Entry]:
        """The items of a list; the end of the list is set behind the last one."""
        at, index = node.content, 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            dash = _span(event)[0] if node.is_flow else skip(self._text, at)
            item = self._node(event)
            yield Entry(index, dash, dash + (not node.is_flow), item)
            at, index = item.end, index + 1
        node.end = _span(event)[1] if node.is_flow else at

    def _keys(self, node: Node) -> Iterator[Entry]:
        """The keys of a mapping; the end of the mapping is set behind the last value."""
        at = node.content
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            assert isinstance(event, yaml.ScalarEvent)
            value = self._node(next(self._events))
            start, end = _span(event)
            at = skip(self._text, end)
            behind = at + 1 if self._text[at : at + 1] == ":" else end
            yield Entry(event.value, start, behind, value)
            at = max(value.end, behind)
        node.end = _span(event)[1] if node.is_flow else at
