"""`hrnet-graph build`."""

from __future__ import annotations

from pathlib import Path

import click

from hrnet_graph.cli.arguments import json_option, output_option, read_spec, takes_spec
from hrnet_graph.cli.terminal import wrote


@click.command()
@takes_spec
@output_option("NAME.pt")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights to start from: .pt, .pth or .safetensors; every key and shape must agree.",
)
@click.option("--device", metavar="D", help="The torch device to build on, such as cpu or cuda:0.")
@json_option
def command(
    spec: str,
    changes: tuple[str, ...],
    size: tuple[int, int] | None,
    output: Path | None,
    weights: Path | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Build the torch module and save spec and weights: .pt or .safetensors, by suffix."""
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.compiler.module.build import build_module
    from hrnet_graph.compiler.module.files import check_suffix, save

    graph = build_graph(read_spec(spec, changes, size))
    target = output or Path(f"{graph.name}.pt")
    check_suffix(target)
    network = build_module(graph, device=device, weights=weights)
    save(network, target)
    wrote(target, as_json, weights=str(weights) if weights else "random")
