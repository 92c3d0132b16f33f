"""`hrnet-graph published`."""

from __future__ import annotations

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command, csv_option
from hrnet_graph.cli.table import Column, Table, number, text
from hrnet_graph.cli.terminal import present, track

COLUMNS = (
    text("name"),
    text("metric"),
    number("published", form="g"),
    text("unit", rank=2),
    number("ours", form=".3f"),
    Column("reproduced", lambda row: "yes" if row["reproduced"] else "no"),
    text("note", rank=3),
)


@as_command(
    "published",
    "published --csv",
)
@csv_option
def command(as_csv: bool, as_json: bool) -> None:
    """Set every published cost figure beside ours.

    Each under the convention that reproduces it. Where a figure is not reproduced, the note says
    why.
    """
    from hrnet_graph.analysis.published import published_rows

    specs = map(hg.load_spec, track(hg.list_specs(), "compiling the catalogue"))
    rows = [r for spec in specs for r in published_rows(spec, hg.analyze(hg.build_graph(spec)))]
    present(Table(COLUMNS, rows), as_json, as_csv=as_csv)
