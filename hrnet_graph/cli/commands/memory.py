"""`hrnet-graph memory`."""

from __future__ import annotations

from dataclasses import asdict
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
    """Show what weights and the peak of inference take.

    For one image, in bytes, at each precision. The peak is of the results of operations, by the
    order in which the module executes and releases; the working memory of the engine that computes
    a convolution is not in it.
    """
    from hrnet_graph.analysis.memory import PRECISIONS, memory
    from hrnet_graph.compiler.build import build_graph

    graph = build_graph(spec)
    found = [memory(graph, precision) for precision in PRECISIONS]
    if as_json:
        print_json([asdict(row) for row in found])
        return
    columns = ("weights", "gradients", "optimiser", "peak")
    print_table(
        ("precision", *(f"{column} MiB" for column in columns), "peak at"),
        [
            (row.precision, *(f"{getattr(row, c) / 2**20:,.1f}" for c in columns), row.peak_node)
            for row in found
        ],
        title=f"{graph.name} at {graph.input.type}",
        right=[f"{column} MiB" for column in columns],
    )
    click.echo(
        "optimiser: Adam's two moments in float32; peak: results of operations, input included"
    )
