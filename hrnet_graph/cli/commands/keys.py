"""`hrnet-graph keys`."""

from __future__ import annotations

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, takes_spec
from hrnet_graph.cli.table import Column, Table, shape, text
from hrnet_graph.cli.terminal import present

COLUMNS = (
    text("key"),
    shape("shape"),
    Column("kind", lambda row: "" if row["trainable"] else "buffer"),
)


@as_command("keys hrnet_w32_cls")
@takes_spec
def command(spec: hg.Spec, as_json: bool) -> None:
    """List the keys of the state_dict, with their shapes.

    In registration order.
    """
    rows = [
        {"key": key, "shape": entry.shape, "trainable": entry.trainable}
        for key, entry in hg.build_graph(spec).state().items()
    ]
    present(Table(COLUMNS, rows, notes=(f"{len(rows)} keys",)), as_json)
