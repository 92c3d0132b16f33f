"""`hrnet-graph sweep`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hrnet_graph.cli.arguments import json_option, read_space, takes_space, takes_spec
from hrnet_graph.cli.output import PLOTS, check_output, to_csv
from hrnet_graph.cli.terminal import print_json, print_table, track, wrote

if TYPE_CHECKING:
    from hrnet_graph.search.sweep import Variant
    from hrnet_graph.spec.schema import Spec

TEXT = (".csv", ".json", ".md")
COLUMNS = ("params", "macs", "memory", "field")


@click.command()
@takes_spec
@takes_space
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Write .csv, .json or .md, or plot .svg or .png, by suffix.")  # fmt: skip
@json_option
def command(
    spec: Spec, varied: tuple[str, ...], where: str | None, output: Path | None, as_json: bool
) -> None:
    """Count every combination of some values of a spec.

    On all cores. A combination that makes no network is a row that says so.
    """
    from hrnet_graph.search.sweep import combinations, sweep

    check_output(output, (*TEXT, *PLOTS))
    vary, keeps = read_space(varied, where)
    total = len(combinations(vary))
    rows = list(track(sweep(spec, vary), f"counting {total} variants", total))
    if keeps is not None:
        rows = [row for row in rows if row.counts and keeps({**row.values, **row.counts})]
    if output is not None:
        _write(spec.name, tuple(vary), rows, output)
        wrote(output, as_json, variants=len(rows))
    elif as_json:
        print_json([row.as_dict() for row in rows])
    else:
        print_table(*_table(tuple(vary), rows), right=COLUMNS)
        click.echo(
            "memory: peak bytes of inference in float32; field: pixels of the largest receptive "
            f"field\n{len(rows)} of {total} variants"
        )


def _table(keys: Sequence[str], rows: Sequence[Variant]) -> tuple[list[str], list[list[str]]]:
    """Columns and cells for people."""
    errors = any(row.error for row in rows)
    cells = [
        [str(row.values[key]) for key in keys]
        + [f"{row.counts[column]:,}" if row.counts else "" for column in COLUMNS]
        + ([row.error] if errors else [])
        for row in rows
    ]
    return [*keys, *COLUMNS, *(["error"] if errors else [])], cells


def _write(name: str, keys: Sequence[str], rows: Sequence[Variant], output: Path) -> None:
    from hrnet_graph.files import write_text

    suffix = output.suffix.lower()
    if suffix in PLOTS:
        _plot(name, keys, rows, output)
    elif suffix == ".json":
        write_text(output, json.dumps([row.as_dict() for row in rows], indent=1) + "\n")
    elif suffix == ".md":
        columns, cells = _table(keys, rows)
        lines = [columns, ["---"] * len(columns), *cells]
        text = "".join(
            f"| {' | '.join(' '.join(c.replace('|', '/').split()) for c in line)} |\n"
            for line in lines
        )
        write_text(output, text)
    else:
        write_text(output, to_csv([row.as_dict() for row in rows]))


def _plot(name: str, keys: Sequence[str], rows: Sequence[Variant], output: Path) -> None:
    from hrnet_graph.search.sweep import pareto
    from hrnet_graph.viz.charts import plot_scatter

    def points(variants: Sequence[Variant]) -> list[tuple[int, int, str]]:
        return [
            (v.counts["macs"], v.counts["params"], ", ".join(f"{k}={v.values[k]}" for k in keys))
            for v in variants
            if v.counts
        ]

    front = points(pareto(rows, "macs", "params"))
    plot_scatter(points(rows), front, output, f"variants of {name}")
