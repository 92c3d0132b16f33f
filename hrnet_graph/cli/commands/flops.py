"""`hrnet-graph flops`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.output import PLOTS, check_output
from hrnet_graph.cli.terminal import print_csv, print_json, print_table, working, wrote
from hrnet_graph.errors import HRNetGraphError

if TYPE_CHECKING:
    from hrnet_graph.analysis.cost import Cost, Grouping, Report
    from hrnet_graph.ir.graph import Graph
    from hrnet_graph.spec.schema import Spec

GROUPINGS = ("stage", "branch", "module", "block", "op", "kind", "node")
COLUMNS = ("params", "macs", "flops", "operations", "activations", "layers")
"""Of `analysis.cost`, said again so that the help needs no import of it; a test compares."""


@click.command()
@takes_spec
@click.option("--by", type=click.Choice(GROUPINGS), help="Break the counts down by part.")
@click.option(
    "--sort", type=click.Choice(COLUMNS), help="Largest first; in execution order if not."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option(
    "--verify",
    is_flag=True,
    help="Build the module and count it with fvcore and torch too; exit code 1 on any difference.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the shares of stages and branches as .svg or .png.",
)
@json_option
def command(
    spec: Spec,
    by: Grouping | None,
    sort: str | None,
    as_csv: bool,
    verify: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Count parameters, MACs and FLOPs for one image.

    Exact, and without torch. MACs are the multiply-accumulates of convolutions, linear layers and
    matrix products; FLOPs are 2 x MACs. Operations are what everything else does (norm, activation,
    sum, resampling, softmax), which neither includes. Activations are the number of values
    in all results. Layers are convolutions and linear layers.
    """
    from hrnet_graph.analysis.cost import analyze
    from hrnet_graph.compiler.build import build_graph

    _check_options(by=by, sort=sort, csv=as_csv, verify=verify, plot=plot)
    check_output(plot, PLOTS)
    graph = build_graph(spec)
    if verify:
        _verify(graph, as_json)
        return
    report = analyze(graph)
    if plot is not None:
        from hrnet_graph.viz.charts import plot_shares

        plot_shares(report, plot)
        wrote(plot, as_json)
        return
    parts = report.by(by) if by else {}
    if sort:
        parts = dict(sorted(parts.items(), key=lambda item: -getattr(item[1], sort)))
    if as_json:
        print_json(_data(report, by, parts))
    elif as_csv:
        rows = parts or {"total": report.total}
        print_csv((by or "part", *COLUMNS), [(name, *_row(cost)) for name, cost in rows.items()])
    else:
        _print(report, by, parts)


def _check_options(by: object, sort: object, csv: object, verify: object, plot: object) -> None:
    """Refuses what would be left undone beside the count of another kind that is asked for."""
    for name, chosen in (("--verify", verify), ("--plot", plot)):
        others = {"--by": by, "--sort": sort, "--csv": csv, "--verify": verify, "--plot": plot}
        given = [option for option, value in others.items() if value and option != name]
        if chosen and given:
            raise HRNetGraphError(f"{name} stands alone, got it beside {', '.join(given)}")
    if sort and not by:
        raise HRNetGraphError("--sort orders the parts of --by, got no --by")


def _row(cost: Cost) -> tuple[int, ...]:
    return tuple(getattr(cost, column) for column in COLUMNS)


def _data(report: Report, by: str | None, parts: dict[str, Cost]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": report.graph.name,
        "input": report.graph.input.type.shape,
        **{column: getattr(report.total, column) for column in COLUMNS},
        "operations_by_op": _apart(report),
    }
    if by:
        columns = {name: {c: getattr(cost, c) for c in COLUMNS} for name, cost in parts.items()}
        data |= {"by": by, "parts": [{by: name, **values} for name, values in columns.items()]}
    return data


def _apart(report: Report) -> dict[str, int]:
    """What is neither MACs nor FLOPs, by operation."""
    return {op: cost.operations for op, cost in report.by("op").items() if cost.operations}


def _print(report: Report, by: str | None, parts: dict[str, Cost]) -> None:
    headings = ("params", "MACs", "FLOPs", "operations", "activations", "layers")
    total = ("total", *(f"{n:,}" for n in _row(report.total)))
    rows = [(name, *(f"{n:,}" for n in _row(cost))) for name, cost in parts.items()]
    print_table(
        (by or "", *headings),
        rows or [total],
        title=f"{report.graph.name} at {report.graph.input.type}",
        total=total if rows else (),
        right=headings,
    )
    apart = ", ".join(f"{op} {count:,}" for op, count in _apart(report).items())
    click.echo(
        f"{report.params / 1e6:.2f} M params, {report.macs / 1e9:.3f} GMACs (1e9),"
        f" {report.macs / 2**30:.3f} as MACs / 2^30, which the HRNet papers call GFLOPs\n"
        f"not in MACs or FLOPs: {apart}"
    )


def _verify(graph: Graph, as_json: bool) -> None:
    from hrnet_graph.benchmark.verify import verify

    with working(f"counting {graph.name} with fvcore and torch"):
        checks = verify(graph)
    agree = all(check.agrees for check in checks)
    if as_json:
        print_json({"agree": agree, "checks": [check.as_dict() for check in checks]})
    else:
        print_table(
            ("counter", "operator", "theirs", "ours", ""),
            [
                (
                    c.counter,
                    c.operator,
                    f"{c.theirs:,}",
                    f"{c.ours:,}",
                    "" if c.agrees else "DIFFERS",
                )
                for c in checks
                if c.counted
            ],
            title=f"{graph.name} at {graph.input.type}",
            right=("theirs", "ours"),
        )
        for check in checks:
            if not check.counted:
                click.echo(f"{check.counter} leaves uncounted: {check.operator} x {check.theirs}")
        click.echo("all counts agree exactly" if agree else "counts differ")
    sys.exit(0 if agree else 1)
