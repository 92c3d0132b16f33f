"""What goes to the terminal: tables for people, JSON for machines, messages to standard error."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TextIO, TypeVar

import click

from hrnet_graph.cli.table import Table
from hrnet_graph.files import check_suffix, check_writable, write_text

Item = TypeVar("Item")

PLOTS = (".svg", ".png")


def check_output(path: Path | None, known: Sequence[str]) -> None:
    """Checks a file that is asked for, if one is, before anything is computed.

    Raises `FileError` if it could not be written, and `HRNetGraphError` if it is a chart and
    nothing draws charts here.
    """
    if path is None:
        return
    suffix = check_suffix(path, known)
    check_writable(path)
    if suffix in PLOTS:
        from hrnet_graph.viz.charts import require_matplotlib

        require_matplotlib()


def present(
    table: Table,
    as_json: bool,
    *,
    as_csv: bool = False,
    data: Callable[[], object] | None = None,
    output: Path | None = None,
    plot: Callable[[Path], None] | None = None,
    **facts: object,
) -> None:
    """Prints a result as a table, as JSON or as CSV, or writes it as .json, .csv or .md by suffix.

    `data` gives its JSON document where that is more than the rows, `plot` draws an .svg or .png;
    `facts` are said of a file.
    """
    if output is not None:
        suffix = output.suffix.lower()
        if plot and suffix in PLOTS:
            plot(output)
        elif suffix == ".json":
            write_text(output, json.dumps(data() if data else table.rows, indent=1) + "\n")
        else:
            write_text(output, table.to_markdown() if suffix == ".md" else table.to_csv())
        wrote(output, as_json, **facts)
    elif as_json:
        print_json(data() if data else table.rows)
    elif as_csv:
        click.echo(table.to_csv(), nl=False)
    else:
        print_table(table)


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Says what Python warns of meanwhile in plain lines."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        yield
    for each in found:
        note(str(each.message))


def print_json(data: object) -> None:
    """Prints one JSON document to standard output."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(table: Table) -> None:
    """Prints a table, cut to the width of the terminal where a person is watching."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(
        title=Text(table.title) if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=table.total is not None,
        pad_edge=False,
    )
    for column in table.columns:
        grid.add_column(
            column.heading,
            footer=Text(column.cell(table.total)) if table.total is not None else "",
            justify="right" if column.right else "left",
            no_wrap=True,
        )
    for cells in table.cells():
        grid.add_row(*map(Text, cells))
    width = None if _is_watched(sys.stdout) else 10_000
    console = Console(width=width, highlight=False)
    with console.capture() as shown:
        console.print(grid, soft_wrap=width is not None)
    click.echo(shown.get(), nl=False)
    for line in table.notes:
        click.echo(line)


def note(message: str) -> None:
    """Prints a message to standard error."""
    click.echo(message, err=True)


def wrote(path: object, as_json: bool, **facts: object) -> None:
    """Says which file was written."""
    if as_json:
        print_json({"file": str(path), **facts})
    else:
        note(f"wrote {path}")


def working(what: str) -> AbstractContextManager[object]:
    """Says on standard error what takes its time, while a person is watching."""
    if not _is_watched(sys.stderr):
        return nullcontext()
    from rich.console import Console
    from rich.text import Text

    return Console(stderr=True).status(Text(what))


def track(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a progress bar on standard error where a person is watching."""
    if not _is_watched(sys.stderr):
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, what, total=total, console=Console(stderr=True), transient=True)


def _is_watched(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; one that was closed before the start is None."""
    return stream is not None and stream.isatty()
