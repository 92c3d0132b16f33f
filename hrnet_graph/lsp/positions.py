"""Places in a text, in our count (from 1, characters) and in an editor's (from 0, in its units)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lsprotocol import types

from hrnet_graph.language.tokens import BREAK
from hrnet_graph.language.values import Range

UNITS: Mapping[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "utf-16": lambda text: len(text) + sum(char > "\uffff" for char in text),
    "utf-32": len,
}
"""Encoding, which an editor may choose -> how many of its units a text takes."""


@dataclass(frozen=True)
class Positions:
    """The places of one text, in the units of an encoding."""

    text: str
    encoding: str = "utf-16"

    def _units(self, text: str) -> int:
        return UNITS[self.encoding](text)

    @cached_property
    def _lines(self) -> list[str]:
        return BREAK.split(self.text)

    def theirs(self, line: int, column: int) -> types.Position:
        """A place of ours as a position; one outside of the text is the nearest inside."""
        row = min(max(line - 1, 0), len(self._lines) - 1)
        return types.Position(row, self._units(self._lines[row][: max(column - 1, 0)]))

    def their_range(self, place: Range) -> types.Range:
        """A range of ours."""
        return types.Range(
            self.theirs(place.line, place.column), self.theirs(place.end_line, place.end_column)
        )

    def ours(self, position: types.Position) -> tuple[int, int]:
        """A position as line and column of ours; one outside of the text is the nearest inside."""
        row = min(position.line, len(self._lines) - 1)
        units, column = 0, 1
        for char in self._lines[row]:
            units += self._units(char)
            if units > position.character:
                break
            column += 1
        return row + 1, column

    def line(self, number: int) -> types.Range:
        """A whole line, by its number from 1."""
        end = self.theirs(number, len(self.text) + 1)
        return types.Range(types.Position(end.line, 0), end)

    def edit_to(self, new: str) -> types.TextEdit:
        """The one edit that makes another text of this one: from the first difference to the last.

        It never divides a line break of two characters.
        """
        old = self.text
        most = min(len(old), len(new))
        start = next((i for i in range(most) if old[i] != new[i]), most)
        start -= start > 0 and old[start - 1] == "\r"
        most -= start
        back = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
        back -= back > 0 and old[len(old) - back] == "\n"
        place = types.Range(self._at(start), self._at(len(old) - back))
        return types.TextEdit(place, new[start : len(new) - back])

    def _at(self, offset: int) -> types.Position:
        before = BREAK.split(self.text[:offset])
        return types.Position(len(before) - 1, self._units(before[-1]))
