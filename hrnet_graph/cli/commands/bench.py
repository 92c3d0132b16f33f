"""`hrnet-graph bench`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrnet_graph.cli.arguments import json_option, takes_spec
from hrnet_graph.cli.output import PLOTS, check_output, to_csv
from hrnet_graph.cli.terminal import note, print_json, print_table, working, wrote
from hrnet_graph.engines.engine import MAX_THREADS
from hrnet_graph.errors import FileError, HRNetGraphError, quoted

if TYPE_CHECKING:
    from hrnet_graph.benchmark.measure import Row, Settings
    from hrnet_graph.spec.schema import Spec

TEXT = (".json", ".csv")


@click.command()
@takes_spec
@click.option(
    "--targets",
    metavar="T[:P],...",
    help="torch, torch-compile, onnxruntime or openvino, each with its precision (float32, "
    "bfloat16, float16, in short f32, bf16, f16, or int8) behind a colon. Default: those that are "
    "installed, in float32.",
)
@click.option(
    "--against",
    metavar="timm|MODULE:CALLABLE",
    help="Another network to run beside: timm's of the same topology, or what a callable returns.",
)
@click.option(
    "--threads", type=click.IntRange(1, MAX_THREADS), metavar="N", help="Default: the engine's own."
)
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, metavar="N")
@click.option(
    "--runs", type=click.IntRange(1), default=10, show_default=True, help="Rounds that count."
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint of any dialect. Default: the same random weights for all.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Images for int8.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write .json or .csv, or plot .svg or .png, by suffix.",
)
@json_option
def command(
    spec: Spec,
    targets: str | None,
    against: str | None,
    threads: int | None,
    batch: int,
    runs: int,
    weights: Path | None,
    calibration: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure latency, memory and cold start on every engine.

    Each candidate has a process of its own, and all run once a round, by turns, so that a drift of
    the machine meets all alike. The cold start is from the spec to the first output, imports
    included; peak is the process's memory until then, running that of the timed runs. A candidate
    that fails is a row that says so, and exit code 1.
    """
    from hrnet_graph.benchmark.candidates import candidates, missing
    from hrnet_graph.benchmark.measure import Settings, measure
    from hrnet_graph.benchmark.report import report

    check_output(output, (*TEXT, *PLOTS))
    chosen = candidates(spec, targets, against)
    _check_given(weights, calibration, any(candidate.precision == "int8" for candidate in chosen))
    settings = Settings(batch, threads, runs, _text(weights), _text(calibration))
    with working(f"measuring {', '.join(candidate.name for candidate in chosen)}"):
        rows = measure(spec, chosen, settings)
    absent = missing() if targets is None else {}
    data = report(spec, settings, rows, absent)
    if output is not None:
        if output.suffix.lower() not in PLOTS or any(row.seconds for row in rows):
            _write(_title(spec, settings), data, rows, output)
            wrote(output, as_json, candidates=len(rows))
        else:
            _nothing_written(output, as_json, rows)
        for row in rows:
            if row.error:
                note(f"{row.name}: {row.error}")
    elif as_json:
        print_json(data)
    else:
        _print(_title(spec, settings), rows)
    for target, remedy in absent.items():
        note(f"{target} is not installed: {remedy}")
    sys.exit(1 if any(row.error for row in rows) else 0)


def _check_given(weights: Path | None, calibration: Path | None, uses_int8: bool) -> None:
    """Raises, before anything is measured, for files that no candidate could use."""
    from hrnet_graph.files import is_file, is_folder

    if weights is not None and not is_file(weights):
        raise FileError(f"no weights file at {quoted(str(weights), 200)}")
    if uses_int8 and calibration is None:
        raise HRNetGraphError("int8 needs images to be calibrated on", "give --calibration FOLDER")
    if calibration is not None and not is_folder(calibration):
        raise FileError(f"no folder of images at {quoted(str(calibration), 200)}")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _title(spec: Spec, settings: Settings) -> str:
    threads = f", {settings.threads} threads" if settings.threads else ""
    size = "x".join(str(n) for n in (settings.batch, *spec.input))
    return f"{spec.name} at {size}{threads}, {settings.runs} rounds"


def _print(title: str, rows: Sequence[Row]) -> None:
    numbers = ("median ms", "p10", "p90", "times as fast", "first output s", "peak MiB",
               "running MiB", "difference")  # fmt: skip
    errors = ("error",) if any(row.error for row in rows) else ()
    print_table(
        ("", *numbers, *errors),
        [[row.name, *_cells(row, rows[0]), *([row.error] if errors else [])] for row in rows],
        title=title,
        right=numbers,
    )


def _cells(row: Row, first: Row) -> list[str]:
    spread = row.spread
    values = [(1000 * spread[name] if spread else None, ".2f") for name in ("median", "p10", "p90")]
    values += [(row.speed(first), ".2f"), (row.cold, ".2f")]
    values += [(None if n is None else n / 2**20, ",.0f") for n in (row.peak, row.running)]
    values += [(row.difference, ".1e")]
    return ["" if value is None else format(value, how) for value, how in values]


def _write(title: str, data: dict[str, Any], rows: Sequence[Row], output: Path) -> None:
    from hrnet_graph.files import write_text

    if output.suffix.lower() in PLOTS:
        from hrnet_graph.viz.bars import bars

        measured = [_bar(row) for row in rows if row.seconds]
        bars(measured, output, title, "milliseconds: median, tenth to ninetieth percentile")
    elif output.suffix.lower() == ".json":
        write_text(output, json.dumps(data, indent=1) + "\n")
    else:
        write_text(output, to_csv(data["candidates"], leaving_out=["seconds"]))


def _nothing_written(output: Path, as_json: bool, rows: Sequence[Row]) -> None:
    """Says that there is nothing to plot."""
    note(f"wrote no {output}: nothing was measured")
    if as_json:
        print_json({"file": None, "candidates": len(rows)})


def _bar(row: Row) -> tuple[str, float, float, float]:
    low, middle, high = (1000 * row.spread[name] for name in ("p10", "median", "p90"))
    return row.name, low, middle, high
