"""`hrnet-graph weights`."""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path
from textwrap import fill, indent

import click

from hrnet_graph.cli.arguments import (
    as_command,
    dialect_option,
    force_option,
    prefix_option,
    written_option,
)
from hrnet_graph.cli.files import Read, checkpoints
from hrnet_graph.cli.terminal import wrote


@click.group(epilog="\b\nExamples:\n  hrnet-graph weights convert w.pth --to timm -o timm.pth")
def command() -> None:
    """Convert checkpoints between repositories' names of weights."""


@as_command("weights convert w.pth --to timm -o timm.pth")
@click.argument("source", type=Read("weights file"), metavar="IN")
@dialect_option("--to", "The one to write", required=True)
@written_option(
    "-o",
    "--output",
    kinds=checkpoints,
    required=True,
    help="The file to write: .pth, .pt, .safetensors or .pdparams, by suffix; - is standard "
    "output.",
)
@force_option
@dialect_option("--from", "The file's own, if not to be guessed", "dialect")
@prefix_option
def convert(
    source: Path, to: str, output: Path, dialect: str | None, prefix: str | None, as_json: bool
) -> None:
    """Write a checkpoint under the names of another repository.

    The dialect of IN is recognised by its keys. A network that the other repository's code does
    not build is refused, with the weight that it has otherwise; values change where the same
    network is built otherwise there: biases folded into norms (mmsegmentation, paddle), scales of
    InPlaceABN, rows of several weights in one (mmpose).
    """
    from hrnet_graph.compiler.checkpoints.convert import convert as convert_file

    read = convert_file(source, to, output, dialect=dialect, prefix=prefix)
    wrote(output, as_json, read=read.name, head=read.head, written=to)


def _told() -> str:
    """The dialects, whose they are and of which heads, as lines of a help."""
    from hrnet_graph.compiler.weights.dialects import described

    rows = [fill(row, 76, subsequent_indent="    ") for row in described().splitlines()]
    return "\b\nDialects, and the heads of networks that they name:\n" + indent(
        "\n".join(rows), "  "
    )


convert.help = f"{cleandoc(convert.help or '')}\n\n{_told()}"
command.add_command(convert)
