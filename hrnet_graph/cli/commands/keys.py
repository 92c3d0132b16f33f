"""`hrnet-graph keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.table import Column, Table, shape, text
from hrnet_graph.cli.terminal import present

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec

COLUMNS = (
    text("key"),
    shape("shape"),
    Column("kind", lambda row: "" if row["trainable"] else "buffer"),
)


@click.command()
@takes_spec
@json_option
def command(spec: Spec, as_json: bool) -> None:
    """List the keys of the state_dict, with their shapes.

    In registration order.
    """
    from hrnet_graph.compiler.build import build_graph

    rows = [
        {"key": key, "shape": entry.shape, "trainable": entry.trainable}
        for key, entry in build_graph(spec).state().items()
    ]
    present(Table(COLUMNS, rows, notes=(f"{len(rows)} keys",)), as_json)
