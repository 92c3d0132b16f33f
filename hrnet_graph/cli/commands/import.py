"""`hrnet-graph import`."""

from __future__ import annotations

from pathlib import Path

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import file_option, json_option
from hrnet_graph.cli.terminal import note, print_json, wrote
from hrnet_graph.files import write_text


@click.command()
@click.argument("source", metavar="FILE")
@file_option("-o", "--output", help="The spec to write. Default: standard output.")
@json_option
def command(source: str, output: Path | None, as_json: bool) -> None:
    """Turn another repository's config into a spec.

    A published yacs config, an OpenMMLab config, or a timm name. A Python config is read as data
    and never run. What was not used is reported on standard
    error.
    """
    from hrnet_graph.spec.emit import to_short
    from hrnet_graph.spec.importers.read import import_config

    spec, imported = import_config(source)
    hg.build_graph(spec)
    unused = {"ignored": imported.ignored, "assumed": imported.assumed}
    for what, entries in unused.items():
        for entry in entries:
            note(f"{what}: {entry}")
    if output is not None:
        write_text(output, to_short(spec))
        wrote(output, as_json, **unused)
    elif as_json:
        print_json({"spec": spec.dump(), **unused})
    else:
        click.echo(to_short(spec), nl=False)
