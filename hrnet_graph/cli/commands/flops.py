"""`hrnet-graph flops`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

import hrnet_graph as hg
from hrnet_graph.choices import COUNTS, GROUPINGS, Count, Grouping
from hrnet_graph.cli.arguments import csv_option, file_option, json_option, takes_spec
from hrnet_graph.cli.table import Column, Table, number, text
from hrnet_graph.cli.terminal import PLOTS, check_output, present, working, wrote
from hrnet_graph.errors import HRNetGraphError

COLUMNS = tuple(
    number(count, {"macs": "MACs", "flops": "FLOPs"}.get(count, "")) for count in COUNTS
)
CHECKS = (
    text("counter"),
    text("operator"),
    number("theirs"),
    number("ours"),
    Column("", lambda row: "" if row["agrees"] else "DIFFERS"),
)


@click.command()
@takes_spec
@click.option("--by", type=click.Choice(GROUPINGS), help="Break the counts down by part.")
@click.option("--sort", type=click.Choice(COUNTS), help="Largest first; in execution order if not.")
@csv_option
@click.option(
    "--verify",
    is_flag=True,
    help="Build the module and count it with fvcore and torch too; exit code 1 on any difference.",
)
@file_option("--plot", help="Draw the shares of stages and branches as .svg or .png.")
@json_option
def command(
    spec: hg.Spec,
    by: Grouping | None,
    sort: Count | None,
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
    _check_options(
        {"--by": by, "--sort": sort, "--csv": as_csv, "--verify": verify, "--plot": plot}
    )
    check_output(plot, PLOTS)
    graph = hg.build_graph(spec)
    if verify:
        _verify(graph, as_json)
        return
    report = hg.analyze(graph)
    if plot is not None:
        from hrnet_graph.viz.charts import plot_shares

        plot_shares(report, plot)
        wrote(plot, as_json)
        return
    table = _table(report, by, sort)
    present(table, as_json, as_csv=as_csv, data=partial(report.as_dict, by, sort))


def _check_options(given: Mapping[str, object]) -> None:
    """Refuses what would be left undone beside the count of another kind that is asked for."""
    for name in ("--verify", "--plot"):
        others = [option for option, value in given.items() if value and option != name]
        if given[name] and others:
            raise HRNetGraphError(f"{name} stands alone, got it beside {', '.join(others)}")
    if given["--sort"] and not given["--by"]:
        raise HRNetGraphError("--sort orders the parts of --by, got no --by")


def _table(report: hg.Report, by: Grouping | None, sort: Count | None) -> Table:
    apart = ", ".join(f"{op} {count:,}" for op, count in report.operations_by_op.items())
    return Table(
        (text(by or "part", by or ""), *COLUMNS),
        report.rows(by, sort),
        f"{report.graph.name} at {report.graph.input.type}",
        total={by: "total", **report.total.as_dict()} if by else None,
        notes=(
            f"{report.params / 1e6:.2f} M params, {report.macs / 1e9:.3f} GMACs (1e9),"
            f" {report.macs / 2**30:.3f} as MACs / 2^30, which the HRNet papers call GFLOPs",
            f"not in MACs or FLOPs: {apart}",
        ),
    )


def _verify(graph: hg.Graph, as_json: bool) -> None:
    from hrnet_graph.benchmark.verify import verify

    with working(f"counting {graph.name} with fvcore and torch"):
        checks = verify(graph)
    agree = all(check.agrees for check in checks)
    uncounted = [
        f"{check.counter} leaves uncounted: {check.operator} x {check.theirs}"
        for check in checks
        if not check.counted
    ]
    table = Table(
        CHECKS,
        [check.as_dict() for check in checks if check.counted],
        f"{graph.name} at {graph.input.type}",
        notes=(*uncounted, "all counts agree exactly" if agree else "counts differ"),
    )
    data = {"agree": agree, "checks": [check.as_dict() for check in checks]}
    present(table, as_json, data=lambda: data)
    sys.exit(0 if agree else 1)
