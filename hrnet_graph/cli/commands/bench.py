"""`hrnet-graph bench`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hrnet_graph as hg
from hrnet_graph.cli.arguments import (
    TABLE_HELP,
    Number,
    as_command,
    read_option,
    takes_spec,
    written_option,
)
from hrnet_graph.cli.files import plots, tables
from hrnet_graph.cli.table import Table, mebibytes, number, text
from hrnet_graph.cli.terminal import note, present, print_json, working
from hrnet_graph.engines.engine import MAX_THREADS, MOST, engine_names
from hrnet_graph.engines.plan import checked_bound
from hrnet_graph.errors import HRNetGraphError
from hrnet_graph.precision import FLOATS, PRECISIONS, SHORT

if TYPE_CHECKING:
    from hrnet_graph.benchmark.candidates import Candidate
    from hrnet_graph.benchmark.measure import Settings
    from hrnet_graph.benchmark.report import Benchmark

RUNS = 10
"""Rounds that count, unless another number is stated."""

RECOMMENDS = ("precision", "seconds", "again")
OTHERS = ("against", "runs", "weights", "calibration", "max_difference")
"""The options that --recommend alone reads, and those that it does not."""

COLUMNS = (
    text("name", ""),
    number("median", "median ms", form=".2f", per=1e-3),
    number("p10", form=".2f", per=1e-3),
    number("p90", form=".2f", per=1e-3),
    number("speed", "times as fast", form=".2f"),
    number("cold", "first output s", form=".2f"),
    mebibytes("peak", "peak MiB", ",.0f"),
    mebibytes("running", "running MiB", ",.0f"),
    number("difference", form=".1e"),
)


@as_command(
    "bench hrnet_w18_cls",
    "bench hrnet_w18_cls --targets torch,openvino:bf16 --against timm -o times.csv",
    "bench hrnet_w18_cls --recommend --beside 2",
)
@takes_spec
@click.option(
    "--targets",
    metavar="T[:P],...",
    help=f"{', '.join(engine_names())}, each with its precision ({', '.join(PRECISIONS)}, or in "
    "short f32, bf16, f16) behind a colon. Default: those that are installed, in float32.",
)
@click.option(
    "--against",
    metavar="timm|MODULE:CALLABLE",
    help="Another network to run beside: timm's of the same topology, or what a callable returns.",
)
@click.option(
    "--threads", type=click.IntRange(1, MAX_THREADS), metavar="N", help="Default: the engine's own."
)
@click.option(
    "--batch",
    type=click.IntRange(1, MOST),
    default=1,
    show_default=True,
    metavar="N",
    help="Images at once.",
)
@click.option(
    "--runs", type=click.IntRange(1), metavar="N", help=f"Rounds that count. Default: {RUNS}."
)
@read_option(
    "--weights",
    what="weights file",
    help="A checkpoint of any dialect. Default: those in SPEC, or the same random ones for all.",
)
@read_option("--calibration", what="folder of images", folder=True, help="Images for int8.")
@click.option(
    "--max-difference",
    type=float,
    metavar="D",
    help="int8 in as many layers as leave its results on the images within that share of the "
    "largest value of torch's in float32.",
)
@click.option(
    "--beside",
    type=click.IntRange(0, MOST),
    default=0,
    metavar="N",
    help="Keep so many processes busy meanwhile.",
)
@click.option(
    "--recommend",
    "recommends",
    is_flag=True,
    help="Which engine, threads and waiting are best here; what target='auto' takes.",
)
@click.option(
    "--precision",
    type=click.Choice([*FLOATS, *SHORT]),
    help="What --recommend computes in. Default: float32.",
)
@click.option(
    "--seconds",
    type=Number(1),
    metavar="S",
    help="About how long --recommend may measure. Default: 120.",
)
@click.option("--again", is_flag=True, help="Measure for --recommend although an answer is kept.")
@written_option("-o", "--output", kinds=tables, help=TABLE_HELP)
def command(
    spec: hg.Spec, output: Path | None, as_json: bool, recommends: bool, **how: Any
) -> None:
    """Measure latency, memory and cold start on every engine.

    Each candidate has a process of its own, and all run once a round, by turns, so that a drift of
    the machine meets all alike. The cold start is from the spec to the first output, imports
    included; peak is the process's memory until then, running that of the timed runs. A candidate
    that fails is a row that says so, and exit code 1.

    With --recommend those that are installed are tried with several numbers of threads and ways to
    wait, held against torch, and left when they are clearly behind; the answer is kept.
    """
    others = OTHERS if recommends else RECOMMENDS
    stated = (name for name in others if how[name] is not None and how[name] is not False)
    if unread := [f"--{name.replace('_', '-')}" for name in stated]:
        about = "not for --recommend" if recommends else "for --recommend, which is not given"
        raise HRNetGraphError(f"{', '.join(unread)}: {about}", f"leave {unread[0]} out")
    kept = {name: value for name, value in how.items() if name not in others}
    if recommends:
        from hrnet_graph.cli.recommend import recommend

        recommend(spec, output, as_json, **kept)
    else:
        _compare(spec, output, as_json, **kept)


def _compare(
    spec: hg.Spec,
    output: Path | None,
    as_json: bool,
    *,
    targets: str | None,
    against: str | None,
    runs: int | None,
    **how: Any,
) -> None:
    """Shows what every candidate takes; ends with exit code 1 if one fails."""
    from hrnet_graph.benchmark.candidates import candidates, missing
    from hrnet_graph.benchmark.measure import Settings, measure
    from hrnet_graph.benchmark.report import Benchmark

    chosen = candidates(spec, targets, against)
    settings = Settings(runs=runs or RUNS, **how)
    _check_int8(chosen, settings)
    with working(f"measuring {', '.join(candidate.name for candidate in chosen)}"):
        measured = measure(spec, chosen, settings)
    found = Benchmark(spec, settings, measured, missing() if targets is None else {})
    if output and output.suffix.lower() in plots() and len(found.failed) == len(measured):
        note(f"wrote no {output}: nothing was measured")
        if as_json:
            print_json({"file": None, "candidates": len(measured)})
    else:
        columns = (*COLUMNS, text("error", rank=0)) if found.failed else COLUMNS
        plans = (f"{row.name}: {row.plan}" for row in measured if row.plan is not None)
        whose = (f"weights: {found.weights}", *plans)
        present(
            Table(columns, found.rows(), found.title, notes=whose), as_json, data=found.as_dict,
            output=output, plot=partial(_plot, found), candidates=len(measured),
        )  # fmt: skip
    if output is not None:
        for name, error in found.failed.items():
            note(f"{name}: {error}")
    for target, remedy in found.missing.items():
        note(f"{target} is not installed: {remedy}")
    sys.exit(1 if found.failed else 0)


def _check_int8(chosen: Sequence[Candidate], settings: Settings) -> None:
    """Raises `HRNetGraphError` for int8 without images, and for a bound on it without int8."""
    in_int8 = any(each.precision == "int8" for each in chosen)
    if settings.max_difference is not None and not in_int8:
        what = f"--max-difference is for int8, got {', '.join(each.name for each in chosen)}"
        raise HRNetGraphError(what, "leave it out, or give --targets openvino:int8")
    checked_bound(settings.max_difference, "int8")
    if settings.calibration is not None and not in_int8:
        what = f"--calibration is for int8, got {', '.join(each.name for each in chosen)}"
        raise HRNetGraphError(what, "leave it out, or give --targets openvino:int8")
    if settings.calibration is None and in_int8:
        raise HRNetGraphError("int8 needs images to be calibrated on", "give --calibration FOLDER")


def _plot(found: Benchmark, output: Path) -> None:
    from hrnet_graph.viz.charts import plot_bars

    measured = [
        (row["name"], 1000 * row["p10"], 1000 * row["median"], 1000 * row["p90"])
        for row in found.rows()
        if "median" in row
    ]
    unit = "milliseconds: median, tenth to ninetieth percentile"
    plot_bars(measured, output, found.title, unit)
