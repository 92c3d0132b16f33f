"""`hrnet-graph graph`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, output_option, takes_spec
from hrnet_graph.cli.terminal import wrote
from hrnet_graph.errors import FileError, quoted

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec


@click.command()
@takes_spec
@output_option("NAME.graphml")
@json_option
def command(spec: Spec, output: Path | None, as_json: bool) -> None:
    """Write the graph as GraphML, node-link JSON or DOT."""
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.compiler.graph_file import WRITERS
    from hrnet_graph.viz.render import render

    graph = build_graph(spec)
    target = output or Path(f"{graph.name}.graphml")
    suffix = target.suffix.lower()
    if suffix == ".dot":
        render(graph, target, view="op")
    elif suffix in WRITERS:
        WRITERS[suffix](graph, target)
    else:
        expected = ", ".join((*WRITERS, ".dot"))
        raise FileError(
            f"expected a file name that ends in one of {expected}, got {quoted(str(target), 200)}"
        )
    wrote(target, as_json, nodes=len(graph.nodes), edges=graph.nx.number_of_edges())
