"""`hrnet-graph import`."""

from __future__ import annotations

from pathlib import Path

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, force_option, written_option
from hrnet_graph.cli.files import Read, specs
from hrnet_graph.cli.terminal import note, print_json, wrote
from hrnet_graph.files import write_text


@as_command(
    "import experiment.yaml -o mine.yaml",
    "import hrnet_w48 --json",
)
@click.argument("source", metavar="FILE")
@written_option("-o", "--output", kinds=specs, help="The spec to write. Default: standard output.")
@force_option
@click.option(
    "--base",
    metavar="DIR",
    type=Read("folder", folder=True),
    help="Where the bases of a Python config may be, too. Default: its own tree.",
)
@click.option(
    "--ignore",
    metavar="KEY",
    multiple=True,
    help="Read the config without this key, at your own risk; the spec says so. Repeatable.",
)
@click.option("--backbone-only", is_flag=True, help="Leave the head, and say what it was.")
def command(
    source: str,
    output: Path | None,
    base: Path | None,
    ignore: tuple[str, ...],
    backbone_only: bool,
    as_json: bool,
) -> None:
    """Turn another repository's config into a spec.

    A published yacs config, an OpenMMLab or PaddleClas config, or a timm name. A Python config and
    its bases are read as data and never run. Whatever makes another network than the config's own
    code would build, or may, is refused with its place. What was not used is reported on standard
    error.
    """
    from hrnet_graph.spec.emit import to_short
    from hrnet_graph.spec.importers.read import import_config

    spec, imported = import_config(source, base=base, ignore=ignore, backbone_only=backbone_only)
    hg.build_graph(spec)
    unused = {name: getattr(imported, name) for name in ("ignored", "risked", "assumed", "left")}
    for what, entries in unused.items():
        for entry in entries:
            note(f"{what}: {entry}")
    risk = "# read without {}, which may make another network\n"
    header = "".join(risk.format(key) for key in imported.risked)
    text = header + to_short(spec)
    if output is not None:
        write_text(output, text)
        wrote(output, as_json, **unused)
    elif as_json:
        print_json({"spec": spec.dump(), **unused})
    else:
        click.echo(text, nl=False)
