"""A table in the width of a terminal: every number whole, and a line that says what was left out.

Columns stand closer and words are folded; then large counts are written shorter, as 17.3 G; then
columns are left out, by their rank, the last first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from hrnet_graph.cli.table import Table

COUNT = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+)")
MARGIN, WIDE, NARROW = 2, 3, 2
"""What stands beside a table in all, and between two columns: where there is room, and where not.
"""

BREAK = re.compile(r"(?<=[\s_])|(?<=[-.,:/=|])(?![0-9])")
"""Where words may be folded: never within a number."""


@dataclass(frozen=True)
class Text:
    """A column of a table as text: heading, cells, and total if there is one.

    right: whether it holds numbers, which are never folded
    rank: of several, the highest is left out first
    lines: in how many its longest words are folded at most
    """

    number: int
    cells: Sequence[str]
    right: bool
    rank: int
    lines: int

    @property
    def width(self) -> int:
        """What it takes on one line."""
        return max(map(cell_len, self.cells))

    @property
    def least(self) -> int:
        """What it takes at least: for numbers the widest, for words as many lines as it may."""
        if self.right:
            return max(map(cell_len, (*self.cells[0].split(), *self.cells[1:])), default=0)
        longest = max(cell_len(part.rstrip()) for c in self.cells for part in BREAK.split(c))
        return max(longest, -(-self.width // self.lines)) if self.rank else longest

    def folded(self, width: int) -> Text:
        """The column in lines of at most this width."""
        return replace(self, cells=[fold(cell, width) for cell in self.cells])

    def shortened(self) -> Text:
        """The column with large counts in thousands, millions and so on."""
        return replace(self, cells=[shorten(cell) for cell in self.cells]) if self.right else self


def fold(text: str, width: int) -> str:
    """A text in lines of at most this width; only a part that is wider by itself is cut."""
    lines = [""]
    for part in BREAK.split(text):
        if lines[-1] and cell_len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
        while cell_len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return "\n".join(line.rstrip() for line in lines)


def shorten(cell: str) -> str:
    """`17,277,996,032` -> `17.3 G`, where that is shorter; other cells as they are."""
    from hrnet_graph.analysis.numbers import short

    match = COUNT.fullmatch(cell)
    if match is None:
        return cell
    return min(cell, match[1] + short(int(match[2].replace(",", ""))), key=len)


@dataclass(frozen=True)
class Fitted:
    """What is shown of a table: columns, whether they stand close, and the lines below it."""

    columns: Sequence[Text]
    is_close: bool
    notes: Sequence[str]


def fit(table: Table, width: int) -> Fitted:
    """A table as it is shown in a terminal of this width; 0 is for one without end."""
    full = [
        Text(i, cells, column.right, column.rank if i else 0, column.lines)
        for i, (column, cells) in enumerate(zip(table.columns, _cells(table), strict=True))
    ]
    whole = MARGIN - WIDE + sum(column.width + WIDE for column in full)
    if not width or whole <= width:
        return Fitted(full, False, table.notes)
    for shown in _choices(full):
        room = width - MARGIN - NARROW * (len(shown) - 1)
        widths = _share([column.width for column in shown], [c.least for c in shown], room)
        if widths or len(shown) == 1:
            break
    kept = {column.number for column in shown}
    left_out = [column.cells[0] for column in full if column.number not in kept]
    is_short = any(column.cells != full[column.number].cells for column in shown)
    said = [
        *(["k, M, G: 1e3, 1e6, 1e9"] if is_short else []),
        *([f"left out: {', '.join(left_out)}"] if left_out else []),
    ]
    notes = [f"{'; '.join(said)} (a wider terminal or a pipe shows all)"] if said else []
    folded = [column.folded(w) for column, w in zip(shown, widths or [room], strict=True)]
    return Fitted(folded, True, [*table.notes, *notes])


def _cells(table: Table) -> list[list[str]]:
    """Every column from its heading to its total."""
    rows = [*table.rows] if table.total is None else [*table.rows, table.total]
    return [[column.heading, *map(column.cell, rows)] for column in table.columns]


def _choices(full: list[Text]) -> Iterator[list[Text]]:
    """The columns as they are, with short numbers, then fewer and fewer of them."""
    yield full
    shown = [column.shortened() for column in full]
    yield shown
    for column in sorted(shown, key=lambda column: (column.rank, column.number))[:0:-1]:
        shown = [other for other in shown if other is not column]
        yield shown


def _share(wanted: list[int], least: list[int], room: int) -> list[int]:
    """Widths that fit in the room, the widest made narrower first; none if there are none."""
    widths = list(wanted)
    while sum(widths) > room:
        spare = [i for i, (w, low) in enumerate(zip(widths, least, strict=True)) if w > low]
        if not spare:
            return []
        widths[max(spare, key=widths.__getitem__)] -= 1
    return widths
