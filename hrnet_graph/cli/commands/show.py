"""`hrnet-graph show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.terminal import print_json

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec


@click.command()
@takes_spec
@json_option
def command(spec: Spec, as_json: bool) -> None:
    """Show the resolved spec as YAML.

    `extends` is followed, changes are made, defaults are written out.
    """
    from hrnet_graph.spec.emit import to_yaml

    data = spec.dump()
    if as_json:
        print_json(data)
    else:
        click.echo(to_yaml(data), nl=False)
