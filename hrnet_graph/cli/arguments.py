"""What commands have in common: the spec, its overrides, the output."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

import hrnet_graph as hg
from hrnet_graph.cli.terminal import note
from hrnet_graph.errors import quoted

Command = TypeVar("Command", bound=Callable[..., Any])
Load = Callable[[str], "hg.Spec"]


def all_of(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Adds several options, in the order of the help."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def complete_spec(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The catalogue names that begin so, or else files."""
    names = [CompletionItem(name) for name in hg.list_specs() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def _read_size(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """`256x192` as (256, 192)."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", value)
    if match is None:
        message = f"expected HEIGHTxWIDTH in pixels, such as 256x192, got {quoted(value)}"
        raise click.BadParameter(message)
    return int(match[1]), int(match[2])


def takes_spec(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the argument SPEC and the options that change it; the command gets a loaded `Spec`.

    Where SPEC holds weights and others are given too, those win, and it is said.
    """

    @wraps(command)
    def with_spec(spec: str, load: Load, **others: Any) -> Any:
        loaded = load(spec)
        if loaded.weights_file is not None and others.get("weights") is not None:
            note(f"weights: of {others['weights']}, not those in {spec}")
        return command(loaded, **others)

    return click.argument("spec", shell_complete=complete_spec)(takes_changes(with_spec))


def takes_changes(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --set and --input; the command gets `load`, which reads a SPEC with these changes."""

    @wraps(command)
    def with_changes(changes: tuple[str, ...], size: tuple[int, int] | None, **others: Any) -> Any:
        return command(load=partial(_load, changes=changes, size=size), **others)

    return all_of(
        click.option(
            "--set",
            "changes",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change one value of the spec; dotted keys, YAML values. Repeatable.",
        ),
        click.option(
            "--input",
            "size",
            callback=_read_size,
            metavar="HxW",
            help="Another image size, in pixels.",
        ),
    )(with_changes)


seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    metavar="N",
    help="The seed of random weights. Default: another one each time.",
)

takes_space = all_of(  # for `read_space`
    click.option(
        "--vary",
        "varied",
        multiple=True,
        required=True,
        metavar="KEY=a,b,c",
        help="What to try for one key, or a range 16..48..8; dotted keys, YAML values. Repeatable.",
    ),
    click.option(
        "--where", metavar="CONDITION", help="Keep what holds: 'macs < 5e9 and params < 30e6'."
    ),
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document to standard output."
)
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")


def file_option(
    *names: str, help: str, metavar: str = "FILE", required: bool = False
) -> Callable[[Command], Command]:
    """Adds an option that is a path."""
    path = click.Path(path_type=Path)
    return click.option(*names, type=path, metavar=metavar, required=required, help=help)


def output_option(default: str) -> Callable[[Command], Command]:
    """Adds -o FILE, whose default is derived from the spec's name."""
    text = f"The file to write; its suffix says what. Default: {default}"
    return file_option("-o", "--output", help=text)


def _load(spec: str, changes: tuple[str, ...], size: tuple[int, int] | None) -> hg.Spec:
    """The spec that SPEC, --set and --input name."""
    from hrnet_graph.spec.load import load_with, override, read_override
    from hrnet_graph.spec.source import Mark

    located = [read_override(change) for change in changes]
    if size is not None:
        height, width = size
        mark = Mark(f"--input {height}x{width}")
        located += [override("input.1", height, mark), override("input.2", width, mark)]
    return load_with(spec, located)


def read_space(
    varied: tuple[str, ...], where: str | None
) -> tuple[dict[str, list[Any]], Callable[[Mapping[str, Any]], bool] | None]:
    """The values to try for each key, and the condition that a variant must meet, if any."""
    from hrnet_graph.search.expression import condition
    from hrnet_graph.search.sweep import FIGURES, read_varied

    vary = read_varied(varied)
    names = (*FIGURES, *(key for key in vary if key.isidentifier()))
    return vary, condition(where, names) if where else None
