"""`hrnet-graph render`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, output_option, takes_spec
from hrnet_graph.cli.terminal import wrote

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec


@click.command()
@takes_spec
@output_option("NAME.svg")
@click.option(
    "--view",
    type=click.Choice(("stage", "module", "block", "op")),
    default="module",
    show_default=True,
    help="How much is drawn as one box.",
)
@json_option
def command(
    spec: Spec,
    output: Path | None,
    view: str,
    as_json: bool,
) -> None:
    """Draw the network as svg, png, pdf or dot, by suffix."""
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.ir.hierarchy import LEVELS
    from hrnet_graph.viz.render import render

    graph = build_graph(spec)
    level = next(level for level in LEVELS if level == view)
    wrote(render(graph, output or f"{graph.name}.svg", view=level), as_json, view=view)
