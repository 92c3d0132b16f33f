"""What goes to the terminal: tables for people, JSON for machines, messages to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

Item = TypeVar("Item")


def print_json(data: Any) -> None:
    """Prints one JSON document to standard output."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    total: Sequence[str] = (),
    right: Sequence[str] = (),
) -> None:
    """Prints a table; `right` names the columns that are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=bool(total),
        pad_edge=False,
    )
    for i, column in enumerate(columns):
        table.add_column(
            column,
            footer=Text(total[i]) if total else "",
            justify="right" if column in right else "left",
            no_wrap=True,
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, highlight=False).print(table, soft_wrap=width is not None)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints comma-separated values to standard output, one header line first."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def note(message: str) -> None:
    """Prints a message to standard error."""
    click.echo(message, err=True)


def wrote(path: object, as_json: bool, **facts: object) -> None:
    """Says which file was written."""
    if as_json:
        print_json({"file": str(path), **facts})
    else:
        note(f"wrote {path}")


@contextmanager
def working(what: str) -> Iterator[None]:
    """Says on standard error what takes its time, while a person is watching."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(what)):
        yield


def track(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a progress bar on standard error where a person is watching."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, what, total=total, console=Console(stderr=True), transient=True)
