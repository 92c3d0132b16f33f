"""What goes to the terminal: tables for people, JSON for machines, messages to standard error."""

from __future__ import annotations

import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Literal, TextIO, TypeVar

import click

from hrnet_graph.cli.files import is_output, is_replaced
from hrnet_graph.cli.json_text import to_json
from hrnet_graph.cli.table import Table
from hrnet_graph.errors import HRNetGraphError, Problem, SpecError
from hrnet_graph.files import write_text

Item = TypeVar("Item")

VERSION = 1
"""Of what `--json` prints. Raised when a key goes or means something else, not for a new one."""


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
    """Prints a result as a table, as JSON or as CSV, or writes it to a file by suffix.

    `data` gives its JSON document where that is more than the rows, `plot` draws an .svg or .png;
    `facts` are said of a file.
    """
    if output is not None:
        suffix = output.suffix.lower()
        if plot and suffix in (".svg", ".png"):
            plot(output)
        elif suffix == ".json":
            document = _versioned(data() if data else table.rows)
            write_text(output, to_json(document, indent=1, ensure_ascii=True) + "\n")
        elif suffix == ".tex":
            from hrnet_graph.cli.latex import to_latex

            write_text(output, to_latex(table))
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
    """Prints one JSON document to standard output, an object with its version."""
    print_bare_json(_versioned(data))


def print_bare_json(data: object) -> None:
    """Prints a JSON document that has a format of its own: a spec, or a schema."""
    click.echo(to_json(data, indent=2))


def _versioned(data: object) -> object:
    return {"version": VERSION, **data} if isinstance(data, dict) else data


def print_table(table: Table) -> None:
    """Prints a table, fitted to the width of the terminal where a person is watching."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    from hrnet_graph.cli.fit import fit

    width = _width()
    fitted = fit(table, width)
    grid = Grid(
        box=box.SIMPLE_HEAD,
        show_footer=table.total is not None,
        pad_edge=False,
        collapse_padding=fitted.is_close,
    )
    for column in fitted.columns:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        heading, footer = Text(column.cells[0]), Text(column.cells[-1])
        grid.add_column(heading, footer, justify=justify, overflow="fold")
    for i in range(1, 1 + len(table.rows)):
        grid.add_row(*(Text(column.cells[i]) for column in fitted.columns))
    console = Console(width=width or 10_000, highlight=False)
    with console.capture() as page:
        if table.title:
            console.print(Text(table.title), style="italic")
        console.print(grid, soft_wrap=not width)
    click.echo(page.get(), nl=False)
    for line in fitted.notes:
        say(line)


def say(line: str) -> None:
    """Prints a line, folded between words where a person is watching."""
    width = _width()
    click.echo("\n".join(_folded(line, width)) if width else line)


def _folded(line: str, width: int) -> list[str]:
    """A line in lines of at most this width, those that follow as deep as the first."""
    start = line[: len(line) - len(line.lstrip())]
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=start, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(line) or [""]


def _width() -> int:
    """Of the terminal, in characters; 0 where no person is watching."""
    return shutil.get_terminal_size().columns if is_watched() else 0


def note(message: str) -> None:
    """Prints a message to standard error."""
    click.echo(message, err=True)


def note_error(error: HRNetGraphError, as_json: bool = False) -> None:
    """Prints an error to standard error, after its place where there is one, as editors expect.

    As JSON to standard output, too, where that was asked for.
    """
    problems = error.problems if isinstance(error, SpecError) else ()
    note(f"{'' if any(problem.place for problem in problems) else 'error: '}{error}")
    if as_json:
        print_error(error.message, error.hint, problems)


def print_error(message: str, hint: str = "", problems: Sequence[Problem] = ()) -> None:
    """Prints an error as a JSON document."""
    told = [problem.as_dict() for problem in problems]
    print_json({"error": message, "hint": hint, "problems": told})


def wrote(path: Path, as_json: bool, *beside: Path, **facts: object) -> None:
    """Says which file was written, and which ones beside it."""
    if is_output(path):
        return
    replaced = is_replaced(path)
    if as_json:
        print_json({"file": str(path), **({"replaced": True} if replaced else {}), **facts})
    else:
        files = ", ".join(map(str, (path, *beside)))
        note(f"{'replaced' if replaced else 'wrote'} {files}")


def working(what: str) -> AbstractContextManager[object]:
    """Says on standard error what takes its time, while a person is watching."""
    if not is_watched(sys.stderr):
        return nullcontext()
    from rich.console import Console
    from rich.text import Text

    return Console(stderr=True).status(Text(what))


@contextmanager
def telling(what: str) -> Iterator[Callable[[str], object]]:
    """The same, and takes what it is at just then."""
    with working(what) as status:
        update = getattr(status, "update", None)
        yield (lambda at: update(f"{what}: {at}")) if update else str


def track(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a progress bar on standard error where a person is watching."""
    if not is_watched(sys.stderr):
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, what, total=total, console=Console(stderr=True), transient=True)


def is_watched(stream: TextIO | None = None) -> bool:
    """Whether a stream, standard output where none is given, is a terminal."""
    watched = stream or sys.stdout
    return watched is not None and watched.isatty()
