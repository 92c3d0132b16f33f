"""A spec's text laid out evenly; keys keep their order, and comments stay where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.language.data import read_data, same
from hrnet_graph.language.tree import line_break, line_start

STEP = 2
"""The columns by which each level is indented."""

_BREAK = re.compile(r"\r\n|\r|\n")
_KINDS: tuple[tuple[tuple[type[yaml.Token], ...], str], ...] = (
    ((yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken), "("),
    ((yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken), ")"),
    ((yaml.ValueToken,), ":"),
    ((yaml.FlowEntryToken,), ","),
    ((yaml.BlockEntryToken,), "-"),
    ((yaml.KeyToken,), "?"),
    ((yaml.AnchorToken, yaml.TagToken), "&"),
    ((yaml.DocumentStartToken, yaml.DocumentEndToken, yaml.DirectiveToken), "%"),
)
"""What a token is called below: by the character that it is, or is like."""


def format_text(text: str) -> str:
    """The text of a spec laid out evenly, which says the same and has the same comments.

    Two columns a level, one blank after a colon, a comma and a dash, none inside brackets, two at
    least before a comment, one blank line at most and none at either end, no blanks at the end of
    a line. The order of the keys, their lines, and quotes stay. Raises `HRNetGraphError` where the
    text is no YAML, or is written in a way that cannot be laid out.
    """
    data = read_data(text)
    plain = _BREAK.sub("\n", text.removeprefix("\ufeff"))
    laid = "".join(_Layout(plain).pieces()).replace("\n", line_break(text))
    if not same(read_data(laid), data):
        raise HRNetGraphError("expected a text that can be laid out without changing what it says")
    return laid


@dataclass(frozen=True)
class _Word:
    """What stands in the text without a gap: one token. `is_key`: it begins a key."""

    start: int
    end: int
    kind: str
    is_key: bool


def _words(text: str) -> Iterator[_Word]:
    """The tokens of a text that are not empty."""
    is_key = False
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        start, end = token.start_mark.index, token.end_mark.index
        if start == end:
            is_key = is_key or isinstance(token, yaml.KeyToken)
            continue
        kind = next((name for types, name in _KINDS if isinstance(token, types)), "")
        yield _Word(start, start + len(text[start:end].rstrip()), kind, is_key)
        is_key = False


@dataclass(frozen=True)
class _Block:
    """A collection without brackets: the column it had, and the one it gets."""

    column: int
    new: int
    is_list: bool = False


class _Layout:
    """Goes from word to word; the gap between two of them is written anew."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._blocks: tuple[_Block, ...] = ()
        self._depth = 0

    def pieces(self) -> Iterator[str]:
        """The new text: each gap, then the word behind it."""
        before: _Word | None = None
        for word in _words(self._text):
            gap = self._text[before.end if before else 0 : word.start]
            above = self._blocks
            at = _Block(word.start - line_start(self._text, word.start), self._column(word))
            if before is None or "\n" in gap:
                yield self._lines(gap, (*above, at), before is None) + " " * at.new
            else:
                yield _between(before.kind, word.kind, gap)
            yield self._moved(self._text[word.start : word.end])
            before = word
        last = before.end if before else 0
        yield self._lines(self._text[last:] + "\n", self._blocks, False).rstrip("\n") + "\n"

    def _column(self, word: _Word) -> int:
        """The new column of a word, if it is the first on its line; opens and ends collections."""
        column = word.start - line_start(self._text, word.start)
        if word.kind == "%":
            return 0
        is_part = self._depth == 0 and (word.is_key or word.kind in ("-", "?"))
        self._depth += {"(": 1, ")": -1}.get(word.kind, 0)
        if not is_part:
            return max(column + self._shift(), 0)
        is_list = word.kind == "-"
        blocks = [block for block in self._blocks if block.column <= column]
        if blocks and blocks[-1].is_list and not is_list and blocks[-1].column == column:
            blocks.pop()  # a list at the column of its own key has ended
        if not blocks or (blocks[-1].column, blocks[-1].is_list) != (column, is_list):
            blocks.append(_Block(column, blocks[-1].new + STEP if blocks else 0, is_list))
        self._blocks = tuple(blocks)
        return blocks[-1].new

    def _shift(self) -> int:
        """By how many columns the innermost collection moves, and what is in it."""
        return self._blocks[-1].new - self._blocks[-1].column if self._blocks else 0

    def _moved(self, word: str) -> str:
        """A word whose further lines move with the collection that it is in."""
        first, *rest = word.split("\n")
        shift = self._shift()
        for line in rest:
            blanks = len(line) - len(line.lstrip(" "))
            line = " " * shift + line if shift > 0 else line[min(-shift, blanks) :]
            first += "\n" + (line if line.strip() else "")
        return first

    def _lines(self, gap: str, blocks: tuple[_Block, ...], is_top: bool) -> str:
        """A gap with line breaks: comments at the columns of what they stand beside."""
        beside, *lines = gap.split("\n")[:-1] if not is_top else ["", *gap.split("\n")[:-1]]
        blanks = len(beside) - len(beside.lstrip())
        text = ("  "[min(blanks, 2) :] + beside).rstrip() + ("" if is_top else "\n")
        for line in lines:
            comment = line.strip()
            if comment:
                column = len(line) - len(line.lstrip())
                if self._depth:
                    new = max(column + self._shift(), 0)
                else:
                    fitting = [block for block in blocks if block.column <= column]
                    new = max(fitting or blocks[-1:], key=lambda block: block.column).new
                text += " " * new + comment + "\n"
            elif text and not text.endswith("\n\n"):
                text += "\n"
        return text


def _between(before: str, kind: str, gap: str) -> str:
    """The gap between two words on a line."""
    if before in (":", "-", "?", "&"):
        return " "
    if before == "(" or kind in (")", ",", ":"):
        return ""
    return " " if before == "," else gap
