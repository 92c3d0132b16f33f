"""`hrnet-graph show`."""

from __future__ import annotations

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, takes_spec
from hrnet_graph.cli.terminal import print_bare_json


@as_command("show hrnet_w32_cls --set width=48")
@takes_spec
def command(spec: hg.Spec, as_json: bool) -> None:
    """Show the resolved spec as YAML.

    `extends` is followed, changes are made, defaults are written out.
    """
    from hrnet_graph.compiler.build import prove
    from hrnet_graph.spec.emit import to_yaml

    spec = prove(spec)
    if as_json:
        print_bare_json(spec.dump())
    else:
        click.echo(to_yaml(spec.dump()), nl=False)
