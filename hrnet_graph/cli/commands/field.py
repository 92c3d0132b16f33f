"""`hrnet-graph field`."""

from __future__ import annotations

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, takes_spec
from hrnet_graph.cli.table import Table, number, text
from hrnet_graph.cli.terminal import present

COLUMNS = (
    text("place"),
    number("size", "pixels", none="the whole image"),
    number("stride", form="g", none="none"),
)


@as_command("field hrnet_w32_cls")
@takes_spec
def command(spec: hg.Spec, as_json: bool) -> None:
    """Show the receptive fields of branches and outputs.

    Of every branch at the end of each stage, in pixels of the image, exact: the largest extent that
    a cell can depend on.
    """
    from hrnet_graph.analysis.receptive_field import fields_of_branches

    rows = fields_of_branches(hg.build_graph(spec))
    table = Table(COLUMNS, rows, spec.name)
    present(table, as_json, data=lambda: {"name": spec.name, "fields": rows})
