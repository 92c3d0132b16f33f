"""`hrnet-graph build`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import hrnet_graph as hg
from hrnet_graph.choices import PASS_TARGETS, PassTarget
from hrnet_graph.cli.arguments import (
    as_command,
    device_option,
    dialect_option,
    force_option,
    output_option,
    prefix_option,
    read_option,
    seed_option,
    takes_spec,
)
from hrnet_graph.cli.files import checked_target, networks
from hrnet_graph.cli.terminal import note, working, wrote
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.files import files_of

SAVING = ("fixed_size", "batch", "as_published", "float16")
"""The options that are about a kind of file; the others are about weights."""


@as_command(
    "build hrnet_w32_cls --weights w.pth -o w32.onnx",
    "build hrnet_w32_cls -o w32.py",
    "build hrnet_w32_cls --passes --target openvino",
)
@takes_spec
@output_option("NAME.pt", networks)
@force_option
@read_option(
    "--weights",
    what="weights file",
    help="A checkpoint to start from, of any dialect: .pt, .pth, .pth.tar or .safetensors. "
    "Default: the weights that SPEC holds, or random ones.",
)
@click.option("--partial", is_flag=True, help="Take what fits of the weights, and say what not.")
@dialect_option("--dialect", "The checkpoint's dialect, if not to be guessed")
@prefix_option
@seed_option
@device_option
@click.option("--fixed-size", is_flag=True, help="Make .onnx for the spec's input size alone.")
@click.option(
    "--batch",
    type=click.IntRange(1, 65536),
    metavar="N",
    help="Make .onnx for batches of N images alone.",
)
@click.option(
    "--as-published", is_flag=True, help="Leave batch norm in .onnx, and optimize nothing."
)
@click.option("--float16", is_flag=True, help="Store the weights of .param in half the bytes.")
@click.option(
    "--passes",
    is_flag=True,
    help="Write nothing: show what optimizing does and refuses, and the figures before and after.",
)
@click.option(
    "--target",
    type=click.Choice(PASS_TARGETS),
    help="The engine that --passes optimizes for; torch if unstated.",
)
def command(
    spec: hg.Spec,
    output: Path | None,
    passes: bool,
    target: PassTarget | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Build the network and write it, by suffix.

    As .pt or .safetensors with its spec, as .py, readable source that needs torch alone, as .onnx,
    as .pt2, the program that torch.export makes, or as .param, for ncnn, with a .bin beside it.
    """
    from hrnet_graph.artefacts import find_artefact
    from hrnet_graph.compiler.model import Model
    from hrnet_graph.ir.sizes import open_types
    from hrnet_graph.ir.types import times

    artefact = find_artefact(output or "network.pt", "network")
    stated = {f"--{name.replace('_', '-')}": value for name, value in given.items()}
    saving = {name: given.pop(name) for name in SAVING}
    _check_options({**stated, "--output": output}, not artefact.weights, passes, target)
    about = ("--partial", "--dialect", "--prefix")
    if any(stated[name] for name in about) and not (stated["--weights"] or spec.weights_file):
        raise HRNetGraphError(
            f"{about[0]}, {about[1]} and {about[2]} are about --weights, got none"
        )
    options = artefact.check_options(**saving)
    if passes:
        from hrnet_graph.cli.passes import report_passes

        report_passes(hg.build_graph(spec), target or "torch", as_json)
        return
    file = output or checked_target(f"{spec.file_name}.pt")
    graph, said = hg.build_graph(spec), dict[str, object]()
    model: Model | hg.Network = Model(graph)
    if artefact.weights:
        model, said["weights"] = _build(graph, **given)
    if not open_types(graph):
        note(f"size: {times(graph.input.type.size)} alone, with which the weights go")
    with working(f"writing {file}"):
        artefact.write(model, file, **options)
    _, *beside = files_of(file)
    wrote(file, as_json, *beside, **({"beside": str(*beside)} if beside else {}), **said)


def _build(graph: hg.Graph, **how: Any) -> tuple[hg.Network, object]:
    """The network, and what became of its weights."""
    from hrnet_graph.compiler.torch.build import build_with_report
    from hrnet_graph.compiler.torch.unwrap import random_weights

    with working(f"building {graph.name}"):
        network, report = build_with_report(graph, **how)
    if report is not None:
        note(str(report))
        return network, report.as_dict()
    random = str(random_weights(network))
    note(f"weights: {random}")
    return network, random


def _check_options(
    given: Mapping[str, object], is_source: bool, passes: bool, target: str | None
) -> None:
    """Refuses what would be left undone."""
    stated = [name for name, value in given.items() if value is not None and value is not False]
    if passes and stated:
        raise HRNetGraphError(f"--passes writes nothing, got it beside {', '.join(stated)}")
    if target and not passes:
        raise HRNetGraphError("--target is for --passes, got it alone")
    stated = [name for name in stated if name != "--output"]
    if is_source and stated:
        raise HRNetGraphError(
            f"{', '.join(stated)}: source holds no weights and is of no engine's",
            "write the weights with another build, -o NAME.pt or NAME.safetensors",
        )
