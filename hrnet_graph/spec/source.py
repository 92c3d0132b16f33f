"""YAML text, read safely: plain values of the YAML 1.2 core schema, each with its place."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import yaml

from hrnet_graph.errors import Key, Mark, Problem, SpecError, first_of, quoted
from hrnet_graph.files import State, state_of

MAX_BYTES = 64 * 1024
MAX_DEPTH = 24
MAX_VALUES = 20_000

STDIN = Path("-")
"""What stands for standard input."""

IN_MEMORY = "spec"
"""What a spec is called that stands in no file."""

Scalar = str | int | float | bool | None

_LINE_END = re.compile(r"\r\n|\r|\n")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Located:
    """A value and where it stands; `size` is the reader's count of the values inside."""

    value: Scalar | tuple[Located, ...] | Mapping[str, Located]
    mark: Mark
    key_mark: Mark | None = None
    size: int = 1

    def plain(self) -> Any:
        """The value as plain Python data, lists as tuples."""
        if isinstance(self.value, tuple):
            return tuple(item.plain() for item in self.value)
        if isinstance(self.value, Mapping):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value

    def children(self) -> Iterator[tuple[str | int, Located]]:
        """What the value contains, by key or index."""
        if isinstance(self.value, tuple):
            yield from enumerate(self.value)
        elif isinstance(self.value, Mapping):
            yield from self.value.items()

    def find(self, key: Key) -> Located:
        """The value at `key`, or the innermost one on the way there."""
        found = self
        for part in key:
            inner = found._child(part)
            if inner is None:
                break
            found = inner
        return found

    def _child(self, part: str | int) -> Located | None:
        if isinstance(self.value, Mapping):
            return self.value.get(str(part)) if isinstance(part, str) else None
        if isinstance(self.value, tuple) and isinstance(part, int) and 0 <= part < len(self.value):
            return self.value[part]
        return None


def locate(value: Any, mark: Mark) -> Located:
    """Plain Python data as located values that all stand at `mark`."""
    if isinstance(value, Mapping):
        value = {str(key): locate(item, mark) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        value = tuple(locate(item, mark) for item in value)
    return Located(value, mark, mark)


_NEEDED: ContextVar[dict[Path, State] | None] = ContextVar("needed", default=None)


@contextmanager
def files_needed() -> Iterator[Mapping[Path, State]]:
    """The files that are asked for meanwhile, those that are not there among them.

    Each with the state that it was in before it was looked at: another state later is another
    content, however soon it came.
    """
    needed: dict[Path, State] = {}
    token = _NEEDED.set(needed)
    try:
        yield needed
    finally:
        _NEEDED.reset(token)


def need(path: Path) -> Path:
    """A file that a spec is read from, once `files_needed` knows of it."""
    if (needed := _NEEDED.get()) is not None and path != STDIN:
        needed.setdefault(path, state_of(path))
    return path


def read_text(path: Path, what: str = "a spec", most: int = MAX_BYTES) -> str:
    """The text of a small file, or of standard input for `-`.

    Raises `SpecError` if it is too large, not UTF-8 or not readable.
    """
    place = Mark(str(path))
    try:
        with nullcontext(_standard_input()) if path == STDIN else need(path).open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise _problem(place, f"cannot be read: {error.strerror or error}") from None
    if len(data) > most:
        raise _problem(place, f"expected {what} of at most {most} bytes, got a larger file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"got another byte at {error.start}"
        raise _problem(place, f"expected UTF-8 text, {got}") from None


def checked_text(text: str, file: str) -> str:
    """A text as `read_text` gives that of a file. Raises `SpecError` if it is too large."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        message = f"expected a spec of at most {MAX_BYTES} bytes, got a longer text"
        raise _problem(Mark(file), message)
    return text.removeprefix("\ufeff")


def _standard_input() -> IO[bytes]:
    """Standard input; empty where it was closed before the start."""
    return sys.stdin.buffer if sys.stdin else BytesIO()


def parse(text: str, file: str) -> Located:
    """One YAML document as located values. Raises `SpecError` with the place of what is wrong."""
    return _Reader(text, file).document()


def _problem(place: Mark, message: str, hint: str = "") -> SpecError:
    return SpecError([Problem(place, "", message, hint)])


class _Reader:
    """Turns YAML events into located values, counting as it goes."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        self._behind = 0  # of what has been read
        self._events = iter(self._parse(text))
        self._anchors: dict[str, Located] = {}
        self._duplicates: list[Problem] = []

    def _parse(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            got = f"got the character {chr(error.character)!r}"
            raise _problem(Mark(self._file), f"expected plain text, {got}") from None
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            place = self._mark(at, at) if at else Mark(self._file)
            message = f"not YAML: {error.problem or error.context}"
            tab = r"'\t'" in message
            hint = "YAML indents with spaces; replace the tab by spaces" if tab else ""
            raise _problem(place, message, hint) from None

    def _mark(self, start: Any, end: Any) -> Mark:
        """Two marks of YAML's as one of ours: YAML counts from 0, and takes more for line ends."""
        return Mark(self._file, *self._at(start.index), *self._at(end.index))

    def _at(self, index: int) -> tuple[int, int]:
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def _read_to(self, event: yaml.Event) -> None:
        """Takes down where a scalar, an alias or a list in brackets ends."""
        start: Any = event.start_mark
        end: Any = event.end_mark
        self._behind = end.index
        if isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
            text = self._text[start.index : end.index]  # with the empty lines below it
            self._behind = start.index + len(text.rstrip())

    def document(self) -> Located:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise _problem(Mark(self._file, 1, 1, 1, 1), "expected a spec, got an empty file")
        root = self._value(next(self._events), depth=0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            place = self._mark(after.start_mark, after.end_mark)
            raise _problem(place, "expected one document, got a second one")
        if not isinstance(root.value, Mapping):
            # what is no spec may be anybody's file, and is not quoted
            got = "a list" if isinstance(root.value, tuple) else "a single value"
            raise _problem(root.mark, f"expected a mapping of spec keys, got {got}")
        if self._duplicates:
            raise SpecError(first_of(self._duplicates))
        return root

    def _value(self, event: yaml.Event, depth: int) -> Located:
        mark = self._mark(event.start_mark, event.end_mark)
        if isinstance(event, yaml.AliasEvent):
            self._read_to(event)
            if event.anchor not in self._anchors:
                raise _problem(mark, f"alias *{event.anchor} names no anchor above it")
            return self._anchors[event.anchor]
        if depth > MAX_DEPTH:
            raise _problem(mark, f"nested more than {MAX_DEPTH} levels deep")
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if event.tag not in (None, "!"):
            raise _problem(mark, f"expected a plain value, got the tag {quoted(event.tag)}")
        value: Any
        inside: tuple[Located, ...] = ()
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, mark)
            self._read_to(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = inside = tuple(self._sequence(event, depth))
        else:
            value = self._mapping(event, depth)
            inside = tuple(value.values())
        end_line, end_column = self._at(self._behind)
        mark = replace(mark, end_line=end_line, end_column=end_column)
        located = Located(value, mark, None, 1 + sum(item.size for item in inside))
        if located.size > MAX_VALUES:
            expected = f"expected at most {MAX_VALUES} values"
            raise _problem(mark, f"{expected}, got more (aliases written out)")
        if event.anchor is not None:
            self._anchors[event.anchor] = located
        return located

    def _inside(self, start: yaml.CollectionStartEvent) -> Iterator[yaml.Event]:
        """The events in a list or a mapping; one without brackets ends with the last of them."""
        while not isinstance(event := next(self._events), yaml.CollectionEndEvent):
            yield event
        if start.flow_style:
            self._read_to(event)

    def _sequence(self, start: yaml.CollectionStartEvent, depth: int) -> Iterator[Located]:
        for event in self._inside(start):
            yield self._value(event, depth + 1)

    def _mapping(self, start: yaml.CollectionStartEvent, depth: int) -> dict[str, Located]:
        items: dict[str, Located] = {}
        for event in self._inside(start):
            mark = self._mark(event.start_mark, event.end_mark)
            if not isinstance(event, yaml.ScalarEvent):
                raise _problem(mark, "expected a word as key, got a list, a mapping or an alias")
            key = event.value
            item = self._value(next(self._events), depth + 1)
            if key in items:
                message = f"duplicate key; it stands at {items[key].key_mark} already"
                self._duplicates.append(Problem(mark, quoted(key)[1:-1], message))
            else:
                items[key] = replace(item, key_mark=mark)
        return items

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Scalar:
        text = str(event.value)
        if not event.implicit[0]:
            return text
        if len(text) > 20 and _INTEGER.fullmatch(text):
            raise _problem(mark, f"expected a number that fits, got one of {len(text)} digits")
        return plain_scalar(text)


def plain_scalar(text: str) -> Scalar:
    """What an unquoted scalar means in the YAML 1.2 core schema: `on` is text, `1e3` a number."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
