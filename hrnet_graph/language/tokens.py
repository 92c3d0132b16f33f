"""YAML text as tokens, however broken it is: brackets always match, and nothing is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hrnet_graph.language.values import Range
from hrnet_graph.spec.source import MAX_DEPTH

BREAK = re.compile(r"\r\n|\r|\n")
"""What ends a line, as for the marks of problems."""

_ENTRY = re.compile(r"[ \t]*(-([ \t]|$)|[\w.\"'-]+[ \t]*:([ \t]|$)|[^\s{}\[\],:#]+[ \t]*$)")
"""A line that seems to begin something: an item, a key with its colon, or a word alone."""

_MOST_LINES = 50
"""Over how many lines a quoted scalar may go."""

_PAIRS = {"{": "}", "[": "]"}
_BLOCK = re.compile(r"[|>][+-]?[0-9]?[+-]?[ \t]*(#.*)?$")
_PROPERTY = re.compile(r"[&!][^\s,\[\]{}]*")


@dataclass(frozen=True, slots=True)
class Token:
    """One of `- : , { } [ ]`, or a scalar: `word`, `quoted`, `block` (over several lines).

    first: whether nothing stands before it in its line
    """

    kind: str
    text: str
    range: Range
    first: bool


def tokens(text: str) -> list[Token]:
    """The tokens of a text, every bracket closed: where that is missing, before the next entry."""
    lines = BREAK.split(text)
    scanner = _Scanner(lines, mends=False)
    found = [*scanner.tokens()]
    return found if scanner.is_sound else [*_Scanner(lines, mends=True).tokens()]


class _Scanner:
    """Goes through the lines once. `mends`: whether a line that begins something ends brackets."""

    def __init__(self, lines: list[str], mends: bool) -> None:
        self.is_sound = True
        self._lines, self._mends = lines, mends
        self._line, self._at = 0, 0
        self._open: list[str] = []
        self._indent = 0  # of the line that the outermost open bracket stands in
        self._key = 0  # column of the last key in this line, or of its first character
        self._last: Token | None = None

    def tokens(self) -> Iterator[Token]:
        for token in self._scan():
            self._last = token
            yield token
        self.is_sound = self.is_sound and not self._open
        yield from self._close(len(self._open))

    def _scan(self) -> Iterator[Token]:
        while self._line < len(self._lines):
            line = self._lines[self._line]
            indent = len(line) - len(line.lstrip(" \t"))
            if self._open and self._mends and indent <= self._indent and _ENTRY.match(line):
                yield from self._close(len(self._open))
            self._at = self._key = indent
            here = self._line
            if not (indent == 0 and line.startswith(("---", "...", "%"))):
                while self._line == here and (at := self._at) < len(line):
                    yield from self._token(line, first=at == indent)
                    self._at += self._line == here and self._at == at  # never stands still
            if self._line == here:
                self._line += 1

    def _token(self, line: str, first: bool) -> Iterator[Token]:
        """What stands at the cursor, which moves behind it."""
        at, char = self._at, line[self._at]
        follows = line[at + 1 : at + 2]
        blank = follows in ("", " ", "\t")
        if char == "#" and (at == 0 or line[at - 1] in " \t"):
            self._at = len(line)
        elif char in " \t" or (char == "?" and blank):
            self._at += 1
        elif char in "{[]}" or (char == "," and self._open):
            yield from self._bracket(char, first)
        elif (char == ":" and self._open) or (char in ":-" and blank and not self._open):
            if char == ":" and self._last and not self._open:
                self._key = self._last.range.column - 1
            yield self._take(char, 1, first)
        elif match := _PROPERTY.match(line, at):
            self._at = match.end()
        else:
            yield self._scalar(line, char, first)

    def _scalar(self, line: str, char: str, first: bool) -> Token:
        if char in "\"'":
            return self._quoted(char, first)
        if char in "|>" and not self._open and _BLOCK.match(line, self._at):
            return self._block(first)
        return self._word(line, first)

    def _take(self, kind: str, length: int, first: bool, text: str = "") -> Token:
        number, at = self._line + 1, self._at + 1
        self._at += length
        return Token(kind, text or kind, Range(number, at, number, at + length), first)

    def _bracket(self, char: str, first: bool) -> Iterator[Token]:
        if char in _PAIRS:
            if len(self._open) >= MAX_DEPTH:
                self._at += 1
                return
            if not self._open:  # one that begins a document holds whatever follows
                self._indent = -1 if first else self._indent_of_line()
            self._open.append(_PAIRS[char])
        elif char != ",":
            if char not in self._open:
                self.is_sound = False
                self._at += 1
                return
            while self._open[-1] != char:
                self.is_sound = False
                yield from self._close(1)
            self._open.pop()
        yield self._take(char, 1, first)

    def _indent_of_line(self) -> int:
        line = self._lines[self._line]
        return len(line) - len(line.lstrip(" \t"))

    def _close(self, count: int) -> Iterator[Token]:
        """The brackets that are missing, behind the last token."""
        for _ in range(count):
            end = self._last.range if self._last else Range(1, 1, 1, 1)
            char = self._open.pop()
            place = Range(end.end_line, end.end_column, end.end_line, end.end_column)
            yield Token(char, char, place, False)

    def _word(self, line: str, first: bool) -> Token:
        """A plain scalar of one line."""
        stop = r":(?=[ \t,\[\]{}]|$)|[,\[\]{}]|[ \t]#" if self._open else r":(?=[ \t]|$)|[ \t]#"
        match = re.compile(stop).search(line, self._at + 1)
        text = line[self._at : match.start() if match else len(line)].rstrip(" \t")
        return self._take("word", len(text), first, text)

    def _quoted(self, quote: str, first: bool) -> Token:
        """A quoted scalar: to its quote, or to its line's end where an entry comes before that."""
        start = Range(self._line + 1, self._at + 1, 0, 0)
        ends = re.compile(r"(?:[^'\n]|'')*'" if quote == "'" else r'(?:[^"\\\n]|\\.)*"')
        text, number, at = "", self._line, self._at + 1
        while number < min(len(self._lines), self._line + _MOST_LINES):
            line = self._lines[number]
            if number > self._line and _ENTRY.match(line):
                break
            if match := ends.match(line, at):
                return self._quoted_until(start, text + line[at : match.end() - 1], number,
                                          match.end(), first)  # fmt: skip
            text, number, at = f"{text}{line[at:].strip()} ", number + 1, 0
        self.is_sound = False
        line = self._lines[self._line]
        return self._quoted_until(start, line[self._at + 1 :], self._line, len(line), first)

    def _quoted_until(self, start: Range, text: str, line: int, at: int, first: bool) -> Token:
        self._line, self._at = line, at
        place = Range(start.line, start.column, line + 1, at + 1)
        return Token("quoted", text, place, first)

    def _block(self, first: bool) -> Token:
        """A literal or folded scalar: all lines that are further in than its key."""
        start, number = (self._line + 1, self._at + 1), self._line + 1
        while number < len(self._lines):
            line = self._lines[number]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= self._key:
                break
            number += 1
        inside = self._lines[self._line + 1 : number]
        last = self._lines[number - 1]
        self._line, self._at = number, 0
        return Token("block", "\n".join(inside), Range(*start, number, len(last) + 1), first)
