"""What commands have in common: the spec, its overrides, the output."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

import hrnet_graph as hg
from hrnet_graph.choices import TORCH_DEVICES
from hrnet_graph.cli.files import Command, Kinds, Read, Written, remember_force
from hrnet_graph.cli.terminal import note
from hrnet_graph.errors import Mark, did_you_mean, quoted

if TYPE_CHECKING:
    from hrnet_graph.search.expression import Condition

Function = TypeVar("Function", bound=Callable[..., Any])
Option = Callable[[Callable[..., Any]], Callable[..., Any]]
Load = Callable[[str], "hg.Spec"]

TABLE_HELP = (
    "Write .csv, .json, .md or .tex (booktabs), or plot .svg or .png, by suffix; - is standard"
    " output."
)
PARTS = "such as stem, layer1, stage2, stage3.1, head"
"""How parts of a network are called, for help texts."""


class Number(click.FloatRange):  # noqa: TID251 (the one place that mends it)
    """A finite number between bounds, which not-a-number passes by."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"expected a finite number, got {value}", param, ctx)
        return number


def as_command(*examples: str) -> Callable[[Callable[..., Any]], Command]:
    """Makes a command of a function, with `--json`, and with examples at the end of its help."""
    shown = "\n".join(f"  hrnet-graph {example}" for example in examples)

    def make(function: Callable[..., Any]) -> Command:
        made = click.command(cls=Command, epilog=f"\b\nExamples:\n{shown}")(function)
        text = "Print one JSON document to standard output."
        made.params.append(click.Option(["--json", "as_json"], is_flag=True, help=text))
        return made

    return make


def all_of(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Adds several options, in the order of the help."""

    def add(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def complete_spec(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The catalogue names that begin so, or else files."""
    known = (*hg.list_specs(), *hg.list_variants())
    names = [CompletionItem(name) for name in known if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def _read_size(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """`256x192` as (256, 192), in any spelling; `224` as a square."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,5})(?: ?[xX×*, ] ?([0-9]{1,5}))?", value.strip())
    if match is None:
        message = f"expected HEIGHTxWIDTH in pixels, such as 256x192, got {quoted(value)}"
        raise click.BadParameter(message)
    return int(match[1]), int(match[2] or match[1])


def _check_changes(
    ctx: click.Context, param: click.Parameter, changes: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuses what lacks its value before that is taken for another argument."""
    for change in changes:
        if "=" not in change:
            from hrnet_graph.spec.load import read_override

            read_override(change)
    return changes


change_options = all_of(
    click.option(
        "--set",
        "changes",
        multiple=True,
        callback=_check_changes,
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
)


def takes_spec(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the argument SPEC and the options that change it; the command gets a loaded `Spec`.

    Where SPEC holds weights and others are given too, those win, and it is said.
    """

    @wraps(function)
    def with_spec(spec: str, load: Load, **others: Any) -> Any:
        loaded = load(spec)
        if loaded.weights_file is not None and others.get("weights") is not None:
            note(f"weights: of {others['weights']}, not those in {spec}")
        return function(loaded, **others)

    return click.argument("spec", shell_complete=complete_spec)(takes_changes(with_spec))


def takes_changes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --set and --input; the command gets `load`, which reads a SPEC with these changes."""

    @wraps(function)
    def with_changes(changes: tuple[str, ...], size: tuple[int, int] | None, **others: Any) -> Any:
        return function(load=partial(_load, changes=changes, size=size), **others)

    return change_options(with_changes)


seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    metavar="N",
    help="The seed of random weights. Default: another one each time.",
)

prefix_option = click.option(
    "--prefix",
    metavar="TEXT",
    help="Take the weights whose keys begin so, such as net.encoder., and leave it off.",
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
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
force_option = click.option(
    "--force",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=remember_force,
    help="Replace the file if it is there.",
)


def _read_device(ctx: object, param: object, value: str | None) -> str | None:
    """The name of a device that torch may have."""
    kind, colon, number = (value or "cpu").partition(":")
    if kind not in TORCH_DEVICES or not re.fullmatch("[0-9]{1,3}" if colon else "", number):
        raise hg.HRNetGraphError(f"no device {quoted(value)}{did_you_mean(kind, TORCH_DEVICES)}")
    return value


device_option = click.option(
    "--device",
    metavar="D",
    callback=_read_device,
    help=f"The torch device: {', '.join(TORCH_DEVICES)}; cuda:1 is the second one.",
)


def dialect_option(name: str, help: str, *dest: str, **how: Any) -> Option:
    """Adds an option that is the name of a dialect; `help` has no full stop."""
    from hrnet_graph.compiler.weights.dialects import DIALECTS  # for few commands

    names = tuple(dict.fromkeys(dialect.name for dialect in DIALECTS))
    text = f"{help}: {', '.join(names)}."
    return click.option(name, *dest, type=click.Choice(names), metavar="DIALECT", help=text, **how)


def read_option(*names: str, what: str, help: str, folder: bool = False) -> Option:
    """Adds an option that is a file, or a folder, to read."""
    metavar = "FOLDER" if folder else "FILE"
    return click.option(*names, type=Read(what, folder), metavar=metavar, help=help)


def written_option(*names: str, kinds: Kinds, help: str, **how: Any) -> Option:
    """Adds an option that is a file to write, of some kinds."""
    return click.option(*names, type=Written(kinds), metavar="FILE", help=help, **how)


def output_option(default: str, kinds: Kinds) -> Option:
    """Adds -o FILE, whose default is derived from the spec's name."""
    text = f"The file to write; its suffix says what, - is standard output. Default: {default}."
    return written_option("-o", "--output", kinds=kinds, help=text)


def _load(spec: str, changes: tuple[str, ...], size: tuple[int, int] | None) -> hg.Spec:
    """The spec that SPEC, --set and --input name."""
    from hrnet_graph.spec.load import load_with, override, read_override

    located = [read_override(change) for change in changes]
    if size is not None:
        height, width = size
        mark = Mark(f"--input {height}x{width}")
        located += [override("input.1", height, mark), override("input.2", width, mark)]
    return load_with(spec, located)


def read_space(
    varied: tuple[str, ...], where: str | None
) -> tuple[dict[str, list[Any]], Condition | None]:
    """The values to try for each key, and the condition that a variant must meet, if any."""
    from hrnet_graph.search.expression import condition
    from hrnet_graph.search.figures import FIGURES
    from hrnet_graph.search.sweep import read_varied

    vary = read_varied(varied)
    names = (*FIGURES, *(key for key in vary if key.isidentifier()))
    return vary, None if where is None else condition(where, names)
