"""A spec's text as a tree with places, however broken it is: what an editor has while one types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from hrnet_graph.language.tokens import Token, tokens
from hrnet_graph.language.values import Range
from hrnet_graph.spec.source import MAX_BYTES, MAX_DEPTH, Scalar, plain_scalar

Style = Literal["word", "quoted", "block", "mapping", "list"]
Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value: a scalar with its `text`, or a mapping or list with its `entries`."""

    style: Style
    range: Range
    text: str = ""
    entries: tuple[Entry, ...] = ()
    in_flow: bool = False

    @property
    def is_scalar(self) -> bool:
        """Whether it holds no others."""
        return self.style not in ("mapping", "list")

    def get(self, step: str | int) -> Entry | None:
        """The first entry of that key or index."""
        return next((entry for entry in self.entries if entry.step == step), None)

    def find(self, steps: Steps) -> Entry | None:
        """The entry at the end of some steps."""
        entry, node = None, self
        for step in steps:
            if (entry := node.get(step)) is None:
                return None
            node = entry.value or _NOTHING
        return entry

    def plain(self) -> object:
        """The value as plain data; what is half-typed is None."""
        if self.style == "mapping":
            stated = (e for e in self.entries if e.colon)
            return {str(e.step): e.value.plain() if e.value else None for e in stated}
        if self.style == "list":
            return tuple(e.value.plain() if e.value else None for e in self.entries)
        return self.scalar

    @property
    def scalar(self) -> Scalar:
        """What a scalar means."""
        fits = self.style == "word" and len(self.text) <= 20
        return plain_scalar(self.text) if fits else self.text


@dataclass(frozen=True, slots=True)
class Entry:
    """One of a mapping, or of a list (`step` is its index); `range` is that of its key or dash.

    colon: whether a key has one yet
    """

    step: str | int
    range: Range
    colon: bool
    value: Node | None


_NOTHING = Node("mapping", Range(1, 1, 1, 1))


def outline(text: str) -> Node:
    """The mapping that a text is, or will be; empty for what is too large to be a spec."""
    if len(text) > MAX_BYTES:
        return _NOTHING
    reader = _Reader(tokens(text))
    return reader.document()


def end_of(entry: Entry) -> Range:
    """All that an entry takes, from its key to the end of its value."""
    last = entry.value.range if entry.value else entry.range
    return replace(entry.range, end_line=last.end_line, end_column=last.end_column)


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens, self._at = found, 0

    @property
    def _next(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def document(self) -> Node:
        """Everything as one mapping: what stands at another indentation than it should counts."""
        root: Node | None = None
        while (token := self._next) is not None:
            before = self._at
            node = self._block(token.range.column, 0, is_root=True)
            if self._at == before:
                self._at += 1
            root = _merged(root, node)
        return root if root is not None and root.style == "mapping" else _NOTHING

    def _block(self, column: int, depth: int, is_root: bool = False) -> Node | None:
        """The value that begins at the next token, which stands in `column`."""
        token = self._next
        if token is None or depth > MAX_DEPTH:
            self._skip_line()
            return None
        if token.kind == "-":
            return self._list(column, depth)
        if token.kind in ("{", "["):
            return self._flow(depth)
        if token.kind in ("word", "quoted"):
            return self._mapping(column, depth, is_root)
        if token.kind == "block":
            self._at += 1
            return Node("block", token.range, token.text)
        self._skip_line()
        return None

    def _mapping(self, column: int, depth: int, is_root: bool) -> Node:
        """Keys under one another; one word without a colon is a scalar, but for a document's."""
        entries: list[Entry] = []
        first = self._tokens[self._at]
        while (token := self._next) is not None and token.kind in ("word", "quoted"):
            if entries and (not token.first or token.range.column != column):
                break
            self._at += 1
            colon = self._is(":", on=token.range.end_line)
            self._at += colon
            value = self._value_of(token, column, depth) if colon else None
            entries.append(Entry(token.text, token.range, colon, value))
            if not colon and self._on(token.range.end_line):
                self._skip_line()
            self._stray(entries, column, depth)
        if len(entries) == 1 and not entries[0].colon and not is_root:
            return _scalar(first)
        return Node("mapping", _around(entries), "", tuple(entries))

    def _value_of(self, key: Token, column: int, depth: int) -> Node | None:
        """The value behind a key's colon, or in the lines below that are further in."""
        token = self._next
        if token is None:
            return None
        if token.range.line == key.range.end_line:
            if token.kind in ("word", "quoted", "block"):
                self._at += 1
                return _scalar(token)
            return self._flow(depth) if token.kind in ("{", "[") else None
        if token.range.column > column or (token.kind == "-" and token.range.column == column):
            return self._block(token.range.column, depth + 1)
        return None

    def _list(self, column: int, depth: int) -> Node:
        entries: list[Entry] = []
        while (token := self._next) is not None and token.kind == "-":
            if entries and (not token.first or token.range.column != column):
                break
            dash, value, inner = self._take(), None, self._next
            if inner is not None and (
                inner.range.line == dash.range.line or inner.range.column > column
            ):
                value = self._block(inner.range.column, depth + 1)
            entries.append(Entry(len(entries), dash.range, True, value))
            self._stray(entries, column, depth)
        return Node("list", _around(entries), "", tuple(entries))

    def _stray(self, entries: list[Entry], column: int, depth: int) -> None:
        """Goes past what stands further in than it should, and adds it where it seems to belong."""
        while (token := self._next) is not None:
            if token.first and token.range.column <= column:
                return
            before, last = self._at, entries[-1]
            node = self._block(token.range.column, depth + 1)
            if self._at == before:
                self._at += 1
            if last.value is None or not last.value.is_scalar:
                entries[-1] = replace(last, value=_merged(last.value, node))

    def _flow(self, depth: int) -> Node:
        opened = self._take()
        is_list, entries = opened.kind == "[", list[Entry]()
        close = "]" if is_list else "}"
        while (token := self._next) is not None and token.kind != close:
            if token.kind in ",]}":
                self._at += 1
            elif is_list:
                entries.append(self._flow_item(len(entries), depth))
            else:
                entries.extend(self._flow_pair(depth))
        end = self._take().range if self._next else opened.range
        place = Range(opened.range.line, opened.range.column, end.end_line, end.end_column)
        return Node("list" if is_list else "mapping", place, "", tuple(entries), in_flow=True)

    def _flow_pair(self, depth: int) -> Iterator[Entry]:
        """A key and its value; what is neither is passed over."""
        key = self._next
        if key is None or key.kind not in ("word", "quoted"):
            self._flow_value(depth)
            return
        self._at += 1
        colon = self._is(":")
        self._at += colon
        value = self._flow_value(depth) if colon else None
        yield Entry(key.text, key.range, colon, value)
        while (token := self._next) is not None and token.kind not in ",]}":
            self._flow_value(depth)

    def _flow_item(self, index: int, depth: int) -> Entry:
        token = self._tokens[self._at]
        value = self._flow_value(depth)
        if self._is(":"):
            self._at += 1
            pair = Entry(token.text, token.range, True, self._flow_value(depth))
            value = Node("mapping", end_of(pair), "", (pair,), in_flow=True)
        return Entry(index, token.range, True, value)

    def _flow_value(self, depth: int) -> Node | None:
        token = self._next
        if token is None or token.kind in ",]}":
            return None
        if token.kind in "{[":
            return self._flow(depth + 1)
        self._at += 1
        return _scalar(token) if token.kind in ("word", "quoted") else None

    def _is(self, kind: str, on: int | None = None) -> bool:
        token = self._next
        return token is not None and token.kind == kind and on in (None, token.range.line)

    def _on(self, line: int) -> bool:
        return self._next is not None and self._next.range.line == line

    def _skip_line(self) -> None:
        """Goes to the first token of the next line."""
        self._at += 1
        while self._next is not None and not self._next.first:
            self._at += 1


def _scalar(token: Token) -> Node:
    style: Style = "quoted" if token.kind == "quoted" else "word"
    return Node("block" if token.kind == "block" else style, token.range, token.text)


def _around(entries: list[Entry]) -> Range:
    first, last = entries[0].range, end_of(entries[-1])
    return Range(first.line, first.column, last.end_line, last.end_column)


def _merged(one: Node | None, other: Node | None) -> Node | None:
    """Two values that stand where one should."""
    if one is None or other is None or one.style != other.style or one.is_scalar:
        return one or other
    more = other.entries
    if one.style == "list":
        more = tuple(replace(e, step=len(one.entries) + i) for i, e in enumerate(more))
    entries = [*one.entries, *more]
    return replace(one, range=_around(entries), entries=tuple(entries))
