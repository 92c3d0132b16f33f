"""Rows as people, spreadsheets and pages read them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""One row of a result: its values, of any kind, by name."""


@dataclass(frozen=True)
class Column:
    """What a table shows of every row under a heading.

    right: whether it is of numbers, which are never cut nor folded
    rank: where a terminal is too narrow for all, the highest is left out first; 0 is not
    lines: in how many its longest words are folded before a column is left out
    """

    heading: str
    cell: Callable[[Row], str]
    right: bool = False
    rank: int = 1
    lines: int = 4


def text(
    key: str, heading: str | None = None, none: str = "", rank: int = 1, lines: int = 4
) -> Column:
    """A column of words."""

    def cell(row: Row) -> str:
        value = row.get(key)
        return none if value is None else str(value)

    return Column(key if heading is None else heading, cell, rank=rank, lines=lines)


def shape(key: str, rank: int = 1) -> Column:
    """A column of extents: `3x224x224`."""
    return Column(key, lambda row: "x".join(map(str, row[key])) or "scalar", rank=rank)


def change(key: str) -> Column:
    """A column of signed differences; `=` where there is none."""
    return Column("difference", lambda row: f"{row[key]:+,}" if row[key] else "=", right=True)


def number(
    key: str,
    heading: str = "",
    *,
    form: str = ",",
    per: float = 1,
    unit: str = "",
    none: str = "",
    rank: int = 1,
) -> Column:
    """A column of numbers, in so many at once (`per`), as `format` writes them with `form`."""

    def cell(row: Row) -> str:
        value = row.get(key)
        if value is None:
            return none
        return format(value if per == 1 else value / per, form) + unit

    return Column(heading or key, cell, right=True, rank=rank)


def mebibytes(key: str, heading: str = "", form: str = ",.1f", rank: int = 1) -> Column:
    """A column of bytes, in MiB."""
    return number(key, heading, form=form, per=2**20, rank=rank)


FIGURES: Mapping[str, Column] = {
    "params": number("params"),
    "macs": number("macs", "MACs"),
    "flops": number("flops", "FLOPs"),
    "operations": number("operations"),
    "activations": number("activations"),
    "layers": number("layers"),
    "memory": mebibytes("memory", "memory MiB"),
    "field": number("field", "field px"),
}
"""The columns of what is counted of a network, in units."""


@dataclass(frozen=True)
class Table:
    """Rows, which of them is shown under which heading, and the lines around.

    total: the last row, set apart, if there is one
    notes: the lines below
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    title: str = ""
    total: Row | None = None
    notes: Sequence[str] = ()

    def cells(self) -> list[list[str]]:
        """The rows as text; the total is not among them."""
        return [[column.cell(row) for column in self.columns] for row in self.rows]

    def to_csv(self) -> str:
        """All values of all rows, not rounded, under their names in order of appearance."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        file = io.StringIO()
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return file.getvalue()

    def to_markdown(self) -> str:
        """The columns as a table of a Markdown page."""
        lines = [[column.heading for column in self.columns], ["---"] * len(self.columns)]
        return "".join(
            f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in line)} |\n"
            for line in [*lines, *self.cells()]
        )
