"""`hrnet-graph weights`."""

from __future__ import annotations

from pathlib import Path

import click

from hrnet_graph.cli.arguments import file_option, json_option, prefix_option
from hrnet_graph.cli.terminal import wrote


@click.group()
def command() -> None:
    """Convert checkpoints between repositories' dialects."""


@command.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="IN")
@click.option(
    "--to",
    required=True,
    metavar="DIALECT",
    help="official, timm, mmpose, mmpose-0.x, "
    "mmsegmentation, mmdetection, openmmlab or inplace-abn.",
)
@file_option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="The file to write: .pth, .pt or .safetensors, by suffix.",
)
@click.option("--from", "dialect", metavar="DIALECT", help="The file's own, if not to be guessed.")
@prefix_option
@json_option
def convert(
    source: Path, to: str, output: Path, dialect: str | None, prefix: str, as_json: bool
) -> None:
    """Write a checkpoint under the names of another repository.

    The dialect of IN is recognised by its keys. Values change only where the other network is
    built differently: biases folded into norms (mmsegmentation), scales of InPlaceABN.
    """
    from hrnet_graph.compiler.checkpoints.convert import convert as convert_file

    read = convert_file(source, to, output, dialect=dialect, prefix=prefix)
    wrote(output, as_json, read=read.name, head=read.head, written=to)
