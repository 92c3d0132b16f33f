"""`hrnet-graph build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, output_option, takes_spec
from hrnet_graph.cli.terminal import note, working, wrote
from hrnet_graph.errors import HRNetGraphError, shown

if TYPE_CHECKING:
    from hrnet_graph.compiler.passes.optimise import Target
    from hrnet_graph.spec.schema import Spec

TARGETS = ("torch", "onnxruntime", "openvino")
"""Of `compiler.passes.optimise`, said again so that the help imports little; a test compares."""


@click.command()
@takes_spec
@output_option("NAME.pt")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint to start from, of any dialect: .pt, .pth, .pth.tar or .safetensors.",
)
@click.option("--partial", is_flag=True, help="Take what fits of the weights, and say what not.")
@click.option("--dialect", metavar="NAME", help="The checkpoint's dialect, if not to be guessed.")
@click.option("--device", metavar="D", help="The torch device to build on, such as cpu or cuda:0.")
@click.option("--fixed-size", is_flag=True, help="Make .onnx for the spec's input size alone.")
@click.option(
    "--as-published", is_flag=True, help="Leave batch norm in .onnx, and optimise nothing."
)
@click.option(
    "--passes",
    is_flag=True,
    help="Write nothing: show what optimising does, refuses and saves.",
)
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="torch",
    help="The engine that --passes optimises for. Default: torch",
)
@json_option
def command(
    spec: Spec,
    output: Path | None,
    weights: Path | None,
    partial: bool,
    dialect: str | None,
    device: str | None,
    fixed_size: bool,
    as_published: bool,
    passes: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Build the torch module and save it with its spec, or write its source.

    As .pt, .safetensors or .onnx, by suffix; as .py, readable source that needs torch alone.
    """
    from hrnet_graph.compiler.build import build_graph

    if passes:
        from hrnet_graph.cli.passes import report_passes

        report_passes(build_graph(spec), target, as_json)
        return
    if output is not None and output.suffix.lower() == ".py":
        _refuse_for_source(output, weights=weights, partial=partial, dialect=dialect, device=device)
        _write_source(spec, output)
        wrote(output, as_json)
        return
    from hrnet_graph.compiler.module.build import build_module
    from hrnet_graph.compiler.module.checkpoint import check_suffix, load_weights
    from hrnet_graph.compiler.module.files import WRITERS, save

    graph = build_graph(spec)
    file = output or Path(f"{graph.name}.pt")
    check_suffix(file, tuple(WRITERS))
    with working(f"building {graph.name}"):
        network = build_module(graph, device=device)
    report = None
    if weights is not None:
        report = load_weights(network, weights, partial=partial, dialect=dialect)
        note(str(report))
    with working(f"writing {file}"):
        save(network, file, fixed_size=fixed_size, as_published=as_published)
    wrote(file, as_json, weights=report.as_dict() if report else "random")


def _refuse_for_source(output: Path, **given: object) -> None:
    """Source is written without tensors: what is about weights has no place in it."""
    stated = [f"--{name}" for name, value in given.items() if value]
    if stated:
        raise HRNetGraphError(
            f"{', '.join(stated)}: {shown(str(output), 200)} is source and holds no weights",
            "write the weights with another build, -o NAME.pt or NAME.safetensors",
        )


def _write_source(spec: Spec, output: Path) -> None:
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.compiler.source.write import to_source
    from hrnet_graph.files import write_text

    graph = build_graph(spec)
    with working(f"writing {output}"):
        write_text(output, to_source(graph))
