"""`hrnet-graph field`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.table import Table, number, text
from hrnet_graph.cli.terminal import present

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec

COLUMNS = (
    text("place"),
    number("size", "pixels", none="the whole image"),
    number("stride", form="g"),
)


@click.command()
@takes_spec
@json_option
def command(spec: Spec, as_json: bool) -> None:
    """Show the receptive fields of branches and outputs.

    Of every branch at the end of each stage, in pixels of the image, exact: the largest extent that
    a cell can depend on.
    """
    from hrnet_graph.analysis.receptive_field import fields_of_branches
    from hrnet_graph.compiler.build import build_graph

    graph = build_graph(spec)
    rows = fields_of_branches(graph)
    present(
        Table(COLUMNS, rows, graph.name), as_json, data=lambda: {"name": graph.name, "fields": rows}
    )
