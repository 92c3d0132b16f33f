"""What the language answers: places in a text, and what stands, or may stand, there.

Lines and columns count from 1, columns in characters; a range ends before its last column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CompletionKind = Literal["key", "rule", "value", "spec", "file"]
"""What a completion is: a key, a kind of rule, another value, a catalogue name, a file's path."""


@dataclass(frozen=True, slots=True)
class Range:
    """From one place in a text to another."""

    line: int
    column: int
    end_line: int
    end_column: int

    def holds(self, line: int, column: int) -> bool:
        """Whether a cursor there stands inside, at the beginning, or at the end."""
        return (self.line, self.column) <= (line, column) <= (self.end_line, self.end_column)


@dataclass(frozen=True, slots=True)
class Completion:
    """A word for a place: `insert` and `after` take the place of `range`, the cursor between them.

    detail: what is expected of it, in a few words
    meaning: what it is for, in Markdown
    """

    label: str
    insert: str
    detail: str
    kind: CompletionKind
    meaning: str
    range: Range
    after: str = ""


@dataclass(frozen=True, slots=True)
class Hover:
    """What stands somewhere, in Markdown."""

    text: str
    range: Range


@dataclass(frozen=True, slots=True)
class Symbol:
    """A part of a spec, and its own parts; `name_range` is that of the words that name it."""

    name: str
    detail: str
    range: Range
    name_range: Range
    children: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file."""

    file: str
    range: Range
