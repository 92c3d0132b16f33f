"""`hrnet-graph flops`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import click

import hrnet_graph as hg
from hrnet_graph.choices import COUNTS, GROUPINGS, Count, Grouping
from hrnet_graph.cli.arguments import (
    Load,
    as_command,
    complete_spec,
    csv_option,
    takes_changes,
    written_option,
)
from hrnet_graph.cli.files import plots, tables
from hrnet_graph.cli.table import FIGURES, Column, Table, change, number, text
from hrnet_graph.cli.terminal import present, working, wrote
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.extras import require

COLUMNS = tuple(FIGURES[count] for count in COUNTS)
BESIDE = (
    text("input", rank=2),
    FIGURES["params"],
    change("more_params"),
    FIGURES["macs"],
    change("more_macs"),
    number("flops", "FLOPs", rank=3),
)
CHECKS = (
    text("counter"),
    text("operator"),
    number("theirs"),
    number("ours"),
    Column("", lambda row: "" if row["agrees"] else "DIFFERS", rank=0),
)


@as_command(
    "flops hrnet_w32_cls --by stage",
    "flops hrnet_w18_cls hrnet_w32_cls hrnet_w48_cls -o table.tex",
    "flops hrnet_w32_cls --plot shares.svg",
)
@click.argument("specs", nargs=-1, required=True, shell_complete=complete_spec, metavar="SPEC...")
@takes_changes
@click.option("--by", type=click.Choice(GROUPINGS), help="Break the counts down by part.")
@click.option("--sort", type=click.Choice(COUNTS), help="Largest first; in execution order if not.")
@csv_option
@click.option(
    "--verify",
    is_flag=True,
    help="Build the module and count it with fvcore and torch too; exit code 1 on any difference.",
)
@written_option(
    "-o",
    "--output",
    kinds=partial(tables, drawn=False),
    help="Write .csv, .json, .md or .tex (booktabs), by suffix; - is standard output.",
)
@written_option(
    "--plot", kinds=plots, help="Draw the shares of stages and branches as .svg or .png."
)
def command(
    specs: tuple[str, ...],
    load: Load,
    by: Grouping | None,
    sort: Count | None,
    as_csv: bool,
    verify: bool,
    output: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Count parameters, MACs and FLOPs for one image.

    Exact, and without torch; of several networks in one table, each with its difference from the
    first. MACs are the multiply-accumulates of convolutions, linear layers and matrix products;
    FLOPs are 2 x MACs. Operations are what everything else does (norm, activation, sum, resampling,
    softmax), which neither includes. Activations are the number of values in all results. Layers
    are convolutions and linear layers.
    """
    _check_options(
        {"--by": by, "--sort": sort, "--csv": as_csv, "--verify": verify, "--output": output,
         "--plot": plot, "more than one SPEC": len(specs) > 1},
    )  # fmt: skip
    graphs = [hg.build_graph(load(spec)) for spec in specs]
    if verify:
        _verify(graphs[0], as_json)
        return
    report = hg.analyze(graphs[0])
    if plot is not None:
        from hrnet_graph.viz.charts import plot_shares

        plot_shares(report, plot)
        wrote(plot, as_json)
    elif len(graphs) > 1:
        table = _beside(specs, graphs, by, sort)
        present(table, as_json, as_csv=as_csv, output=output)
    else:
        table = _table(report, by, sort)
        data = partial(report.as_dict, by, sort)
        present(table, as_json, as_csv=as_csv, data=data, output=output)


def _check_options(given: Mapping[str, object]) -> None:
    """Refuses what would be left undone beside the count of another kind that is asked for."""
    for name in ("--verify", "--plot"):
        others = [option for option, value in given.items() if value and option != name]
        if given[name] and others:
            raise HRNetGraphError(f"{name} stands alone, got it beside {', '.join(others)}")
    if given["--csv"] and given["--output"]:
        raise HRNetGraphError("--csv is for standard output, got it beside --output")
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


def _beside(
    specs: Sequence[str], graphs: Sequence[hg.Graph], by: Grouping | None, sort: Count | None
) -> Table:
    """Several networks, by name, or as they were given where two have the same, or by number."""
    from hrnet_graph.analysis.comparison import compare

    known, numbered = [graph.name for graph in graphs], enumerate(specs, 1)
    choices = known, [*specs], [f"{i}: {spec}" for i, spec in numbered]
    names = next(names for names in choices if len({*names}) == len(graphs))
    reports = {name: hg.analyze(graph) for name, graph in zip(names, graphs, strict=True)}
    parts = (text(by),) if by else ()
    notes = (
        f"difference: from {names[0]}",
        "MACs and FLOPs for one image; the HRNet papers' GFLOPs are MACs / 2^30",
    )
    return Table(
        (*parts, text("network", rank=0), *BESIDE), compare(reports, by, sort), notes=notes
    )


def _verify(graph: hg.Graph, as_json: bool) -> None:
    require("torch", "--verify", ("torch", "fvcore"))
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
