"""`hrnet-graph field`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.terminal import print_json, print_table

if TYPE_CHECKING:
    from hrnet_graph.ir.graph import Graph
    from hrnet_graph.spec.schema import Spec


@click.command()
@takes_spec
@json_option
def command(spec: Spec, as_json: bool) -> None:
    """Show the receptive fields of branches and outputs.

    Of every branch at the end of each stage, in pixels of the image, exact: the largest extent that
    a cell can depend on.
    """
    from hrnet_graph.analysis.receptive_field import receptive_fields
    from hrnet_graph.compiler.build import build_graph

    graph = build_graph(spec)
    found = receptive_fields(graph)
    rows: list[dict[str, Any]] = [
        {"place": place, "size": found[path].size, "stride": found[path].stride}
        for place, path in _places(graph)
    ]
    if as_json:
        print_json({"name": graph.name, "fields": rows})
        return
    print_table(
        ("place", "pixels", "stride"),
        [
            (row["place"], "the whole image" if row["size"] is None else f"{row['size']:,}",
             f"{row['stride']:g}")
            for row in rows
        ],
        title=graph.name,
        right=("pixels", "stride"),
    )  # fmt: skip


def _places(graph: Graph) -> list[tuple[str, str]]:
    """What is reported: the last map of each branch in each stage, then the outputs."""
    from hrnet_graph.ir.hierarchy import branch_of

    places: dict[str, str] = {}
    for scope in graph.scopes:
        if scope.kind == "stage":
            inside = f"{scope.path}."
            nodes = [node for node in graph.order if node.path.startswith(inside)]
            last = {branch_of(graph, node.path): node.path for node in nodes}
            places |= {f"{scope.path} branch {branch}": path for branch, path in last.items()}
    places |= {f"output {name}": path for name, path in graph.outputs}
    return list(places.items())
