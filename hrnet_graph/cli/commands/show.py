"""`hrnet-graph show`."""

from __future__ import annotations

import click

from hrnet_graph.cli.arguments import json_option, read_spec, takes_spec
from hrnet_graph.cli.terminal import print_json


@click.command()
@takes_spec
@json_option
def command(
    spec: str, changes: tuple[str, ...], size: tuple[int, int] | None, as_json: bool
) -> None:
    """Show the resolved spec as YAML: `extends` followed, changes made, defaults written out."""
    from hrnet_graph.spec.emit import to_yaml

    data = read_spec(spec, changes, size).dump()
    if as_json:
        print_json(data)
    else:
        click.echo(to_yaml(data), nl=False)
