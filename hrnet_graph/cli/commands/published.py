"""`hrnet-graph published`."""

from __future__ import annotations

import click

from hrnet_graph.cli.arguments import csv_option, json_option
from hrnet_graph.cli.table import Column, Row, Table, number, text
from hrnet_graph.cli.terminal import present, track

COLUMNS = (
    text("name"),
    text("metric"),
    number("published", form="g"),
    text("unit"),
    number("ours", form=".3f"),
    Column("reproduced", lambda row: "yes" if row["reproduced"] else "no"),
    text("note"),
)


@click.command()
@csv_option
@json_option
def command(as_csv: bool, as_json: bool) -> None:
    """Set every published cost figure beside ours.

    Each under the convention that reproduces it. Where a figure is not reproduced, the note says
    why.
    """
    from hrnet_graph.spec.catalogue import list_specs

    rows = [row for name in track(list_specs(), "compiling the catalogue") for row in _rows(name)]
    present(Table(COLUMNS, rows), as_json, as_csv=as_csv)


def _rows(name: str) -> list[Row]:
    from hrnet_graph.analysis.cost import analyze
    from hrnet_graph.analysis.published import published_rows
    from hrnet_graph.compiler.build import build_graph
    from hrnet_graph.spec.load import load_spec

    spec = load_spec(name)
    return list(published_rows(spec, analyze(build_graph(spec))))
