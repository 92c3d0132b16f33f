"""What commands have in common: the spec, its overrides, the output."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from hrnet_graph.errors import quoted

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec

Command = TypeVar("Command", bound=Callable[..., Any])


def complete_spec(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The catalogue names that begin so, or else files."""
    from hrnet_graph.spec.catalogue import list_specs

    names = [CompletionItem(name) for name in list_specs() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def read_size(
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
    """Adds the argument SPEC and the options that change it; the command gets a loaded `Spec`."""

    @wraps(command)
    def with_spec(
        spec: str, changes: tuple[str, ...], size: tuple[int, int] | None, **others: Any
    ) -> Any:
        return command(read_spec(spec, changes, size), **others)

    return click.argument("spec", shell_complete=complete_spec)(takes_changes(with_spec))


def takes_changes(command: Command) -> Command:
    """Adds --set and --input."""
    set_option = click.option(
        "--set",
        "changes",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change one value of the spec; dotted keys, YAML values. Repeatable.",
    )
    size_option = click.option(
        "--input",
        "size",
        callback=read_size,
        metavar="HxW",
        help="Another image size, in pixels.",
    )
    return set_option(size_option(command))


def takes_look(command: Command) -> Command:
    """Adds the options that say how a figure looks; pass them all on to `render`."""
    for option in reversed((*_content_options(), *_page_options())):
        command = option(command)
    return command


def _content_options() -> tuple[Callable[[Command], Command], ...]:
    """What a figure's colours and words say, and which way it goes."""
    return (
        click.option(
            "--orientation",
            type=click.Choice(("lr", "tb")),
            default="lr",
            show_default=True,
            help="From left to right, or from top to bottom.",
        ),
        click.option(
            "--colour",
            type=click.Choice(("resolution", "macs", "params", "memory")),
            default="resolution",
            show_default=True,
            help="What the colour of a part says.",
        ),
        click.option(
            "--labels",
            type=click.Choice(("symbolic", "numbers", "none")),
            default="symbolic",
            show_default=True,
            help="C, 2C and 1/4, or 48, 96 and pixels.",
        ),
        click.option("--no-labels", "labels", flag_value="none", help="Same as --labels none."),
        click.option(
            "--title/--no-title",
            default=True,
            show_default=True,
            help="The network's name and totals above, or none.",
        ),
    )


def _page_options() -> tuple[Callable[[Command], Command], ...]:
    """What a figure is drawn on and with, and how large."""
    from hrnet_graph.viz.theme import FONT

    return (
        click.option(
            "--theme",
            type=click.Choice(("light", "dark")),
            default="light",
            show_default=True,
            help="On white, or on near black.",
        ),
        click.option(
            "--font",
            default=FONT,
            show_default=True,
            metavar="NAME",
            help="A font, or several with commas between them: the first that is found.",
        ),
        click.option(
            "--scale",
            type=float,
            default=1.0,
            show_default=True,
            metavar="FACTOR",
            help="Draw everything larger or smaller, 0.1 to 10 times; with --width, too.",
        ),
        click.option(
            "--width",
            type=click.Choice(("single", "double")),
            help="Fit one column of a journal's page (3.5 in), or two (7.16 in).",
        ),
    )


def takes_space(command: Command) -> Command:
    """Adds --vary and --where; pass both on to `read_space`."""
    vary_option = click.option(
        "--vary",
        "varied",
        multiple=True,
        required=True,
        metavar="KEY=a,b,c",
        help="What to try for one key, or a range 16..48..8; dotted keys, YAML values. Repeatable.",
    )
    where_option = click.option(
        "--where", metavar="CONDITION", help="Keep what holds: 'macs < 5e9 and params < 30e6'."
    )
    return vary_option(where_option(command))


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document to standard output."
)


def output_option(default: str) -> Callable[[Command], Command]:
    """Adds -o FILE, whose default is derived from the spec's name."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"The file to write; its suffix says what. Default: {default}",
    )


def read_spec(spec: str, changes: tuple[str, ...], size: tuple[int, int] | None) -> Spec:
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
    from hrnet_graph.search.figures import FIGURES
    from hrnet_graph.search.sweep import read_varied

    vary = read_varied(varied)
    names = (*FIGURES, *(key for key in vary if key.isidentifier()))
    return vary, condition(where, names) if where else None
