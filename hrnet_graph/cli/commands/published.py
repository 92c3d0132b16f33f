"""`hrnet-graph published`."""

from __future__ import annotations

from typing import Any

import click

from hrnet_graph.cli.arguments import json_option
from hrnet_graph.cli.terminal import print_csv, print_json, print_table, track

COLUMNS = ("name", "metric", "published", "unit", "ours", "reproduced", "note")


@click.command()
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@json_option
def command(as_csv: bool, as_json: bool) -> None:
    """Set every published cost figure beside ours.

    Each under the convention that reproduces it. Where a figure is not reproduced, the note says
    why.
    """
    from hrnet_graph.spec.catalogue import list_specs

    rows = [row for name in track(list_specs(), "compiling the catalogue") for row in _rows(name)]
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(COLUMNS, [[row[column] for column in COLUMNS] for row in rows])
    else:
        print_table(COLUMNS, [_cells(row) for row in rows], right=("published", "ours"))


def _rows(name: str) -> list[dict[str, Any]]:
    from hrnet_graph.analysis.cost import analyze
    from hrnet_graph.analysis.published import published_rows
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.spec.load import load_spec

    spec = load_spec(name)
    return published_rows(spec, analyze(build_graph(spec)))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row as text."""
    ours = "" if row["ours"] is None else f"{row['ours']:.3f}"
    reproduced = "yes" if row["reproduced"] else "no"
    published = f"{row['published']:g}"
    return row["name"], row["metric"], published, row["unit"], ours, reproduced, row["note"] or ""
