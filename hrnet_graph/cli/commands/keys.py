"""`hrnet-graph keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.terminal import print_json, print_table

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec


@click.command()
@takes_spec
@json_option
def command(spec: Spec, as_json: bool) -> None:
    """List the keys of the state_dict, with their shapes.

    In registration order.
    """
    from hrnet_graph.compiler.build import build_graph

    state = build_graph(spec).state()
    if as_json:
        print_json(
            [
                {"key": key, "shape": entry.shape, "trainable": entry.trainable}
                for key, entry in state.items()
            ]
        )
        return
    rows = [
        (
            key,
            "x".join(str(n) for n in entry.shape) or "scalar",
            "" if entry.trainable else "buffer",
        )
        for key, entry in state.items()
    ]
    print_table(("key", "shape", "kind"), rows)
    click.echo(f"{len(state)} keys")
