"""`hrnet-graph list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hrnet_graph.cli.arguments import json_option
from hrnet_graph.cli.terminal import print_json, print_table, track

if TYPE_CHECKING:
    from hrnet_graph.spec.schema import Spec


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the catalogue, with cost and published accuracy."""
    from hrnet_graph.spec.catalogue import list_specs

    rows = [_row(name) for name in track(list_specs(), "compiling the catalogue")]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "task", "input", "params", "GMACs", "published accuracy"),
        [
            (
                row["name"],
                row["task"],
                "x".join(str(n) for n in row["input"]),
                f"{row['params'] / 1e6:.2f} M",
                f"{row['macs'] / 1e9:.2f}",
                ", ".join(
                    f"{f['metric']} {f['value']:g} {f['unit']}".strip() for f in row["accuracy"][:1]
                ),
            )
            for row in rows
        ],
        right=("params", "GMACs"),
    )
    click.echo("GMACs are 1e9 multiply-accumulates; the HRNet papers' GFLOPs are MACs / 2^30.")


def _row(name: str) -> dict[str, Any]:
    from hrnet_graph.analysis.cost import analyze
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.spec.catalogue import TASKS
    from hrnet_graph.spec.load import load_spec

    spec = load_spec(name)
    report = analyze(build_graph(spec))
    return {
        "name": name,
        "task": TASKS.get(spec.head.kind, spec.head.kind),
        "input": spec.input,
        "params": report.params,
        "macs": report.macs,
        "accuracy": _accuracy(spec),
        "source": spec.published.source if spec.published else None,
    }


def _accuracy(spec: Spec) -> list[dict[str, Any]]:
    figures = spec.published.figures if spec.published else ()
    return [figure.model_dump() for figure in figures if not figure.is_cost]
