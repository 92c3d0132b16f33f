"""`hrnet-graph graph`."""

from __future__ import annotations

from pathlib import Path

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import json_option, output_option, takes_spec
from hrnet_graph.cli.terminal import wrote
from hrnet_graph.files import check_writable


@click.command()
@takes_spec
@output_option("NAME.graphml")
@json_option
def command(spec: hg.Spec, output: Path | None, as_json: bool) -> None:
    """Write the graph as GraphML, node-link JSON or DOT."""
    from hrnet_graph.artefacts import find_artefact
    from hrnet_graph.compiler.model import Model

    target = output or Path(f"{spec.file_name}.graphml")
    artefact = find_artefact(target, "graph")
    check_writable(target)
    graph = hg.build_graph(spec)
    artefact.write(Model(graph), target)
    wrote(target, as_json, nodes=len(graph.nodes), edges=graph.nx.number_of_edges())
