"""`hrnet-graph flops`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.terminal import print_json, print_table

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec


@click.command()
@takes_spec
@click.option(
    "--by",
    type=click.Choice(("stage", "branch", "module", "op")),
    help="Break the counts down by part.",
)
@json_option
def command(
    spec: Spec,
    by: str | None,
    as_json: bool,
) -> None:
    """Count parameters, MACs and FLOPs for one image, exactly and without torch.

    MACs are the multiply-accumulates of convolutions, linear layers and matrix products;
    FLOPs are 2 x MACs.
    """
    from hrnet_graph.analysis.cost import GROUPINGS, analyze
    from hrnet_graph.compiler.build import build_graph

    report = analyze(build_graph(spec))
    grouping = next((grouping for grouping in GROUPINGS if grouping == by), None)
    parts = report.by(grouping) if grouping else {}
    totals = {"params": report.params, "macs": report.macs, "flops": report.flops}
    shape = report.graph.input.type
    if as_json:
        rows = [
            {str(by): name, "params": cost.params, "macs": cost.macs, "flops": cost.flops}
            for name, cost in parts.items()
        ]
        data = {"name": report.graph.name, "input": shape.shape, **totals}
        print_json({**data, "by": by, "parts": rows} if by else data)
        return
    print_table(
        (by or "", "params", "MACs", "FLOPs"),
        [
            (name, *(f"{n:,}" for n in (cost.params, cost.macs, cost.flops)))
            for name, cost in parts.items()
        ]
        or [("total", *(f"{n:,}" for n in totals.values()))],
        title=f"{report.graph.name} at {shape}",
        total=("total", *(f"{n:,}" for n in totals.values())) if by else (),
        right=("params", "MACs", "FLOPs"),
    )
    click.echo(
        f"{report.params / 1e6:.2f} M params, {report.macs / 1e9:.3f} GMACs (1e9),"
        f" {report.macs / 2**30:.3f} as MACs / 2^30, which the HRNet papers call GFLOPs"
    )
