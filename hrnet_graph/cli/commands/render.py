"""`hrnet-graph render`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrnet_graph.cli.arguments import json_option, output_option, takes_look, takes_spec
from hrnet_graph.cli.terminal import wrote

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec


@click.command()
@takes_spec
@output_option("NAME.svg")
@click.option(
    "--view",
    type=click.Choice(("figure", "fuse", "stage", "module", "block", "op")),
    default="figure",
    show_default=True,
    help="As the papers draw it, one fuse unit in detail, or how much is one box.",
)
@click.option("--only", default="", metavar="PART", help="Draw one part alone, such as stage3.1.")
@click.option(
    "--expand", multiple=True, metavar="PART", help="Open a part by one level. Repeatable."
)
@takes_look
@json_option
def command(spec: Spec, output: Path | None, view: Any, as_json: bool, **choices: Any) -> None:
    """Draw the network as svg, png, pdf or dot, by suffix."""
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.viz.render import render

    graph = build_graph(spec)
    wrote(render(graph, output or f"{graph.name}.svg", view=view, **choices), as_json, view=view)
