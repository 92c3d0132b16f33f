"""`hrnet-graph memory`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.terminal import print_json, print_table

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec

COLUMNS = ("weights", "gradients", "optimiser", "activations", "peak", "on CPU")


@click.command()
@takes_spec
@json_option
def command(spec: Spec, as_json: bool) -> None:
    """Show what weights, training and the peak of inference take.

    For one image at each precision. The peak is of the results of operations, by the order in which
    the module executes and releases; beside it, what torch's allocator peaks at on a CPU with the
    copies that oneDNN makes.
    """
    from hrnet_graph.analysis.memory import memory
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.precision import FLOATS

    graph = build_graph(spec)
    found = [memory(graph, precision) for precision in FLOATS]
    if as_json:
        print_json([asdict(row) for row in found])
        return
    print_table(
        ("precision", *COLUMNS, "peak at"),
        [
            (
                row.precision,
                *map(_mebibytes, (row.weights, row.gradients, row.optimiser, row.activations)),
                _mebibytes(row.peak),
                _mebibytes(row.cpu_peak),
                row.peak_node,
            )
            for row in found
        ],
        title=f"{graph.name} at {graph.input.type}, in MiB",
        right=COLUMNS,
    )
    click.echo(
        "optimiser: Adam's two moments in float32; activations: what training keeps for the "
        "backward pass;\npeak: the most that inference holds, image included; on CPU: that with "
        "oneDNN's copies, channels first"
    )


def _mebibytes(size: int | None) -> str:
    return "" if size is None else f"{size / 2**20:,.1f}"
