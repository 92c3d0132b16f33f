"""`hrnet-graph graph`."""

from __future__ import annotations

from pathlib import Path

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, output_option, takes_spec
from hrnet_graph.cli.files import checked_target, graphs
from hrnet_graph.cli.terminal import wrote


@as_command("graph hrnet_w32_cls -o w32.graphml")
@takes_spec
@output_option("NAME.graphml", graphs)
def command(spec: hg.Spec, output: Path | None, as_json: bool) -> None:
    """Write the graph as GraphML, node-link JSON or DOT."""
    from hrnet_graph.artefacts import find_artefact
    from hrnet_graph.compiler.model import Model

    target = output or checked_target(f"{spec.file_name}.graphml")
    artefact = find_artefact(target, "graph")
    graph = hg.build_graph(spec)
    artefact.write(Model(graph), target)
    wrote(target, as_json, nodes=len(graph.nodes), edges=graph.nx.number_of_edges())
