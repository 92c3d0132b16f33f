"""`hrnet-graph list`."""

from __future__ import annotations

import hrnet_graph as hg
from hrnet_graph.cli.arguments import as_command
from hrnet_graph.cli.table import Column, Row, Table, number, shape, text
from hrnet_graph.cli.terminal import present, track


@as_command(
    "list",
    "list --json",
)
def command(as_json: bool) -> None:
    """List the catalogue, with cost and published accuracy."""
    rows = [_row(name) for name in track(hg.list_specs(), "compiling the catalogue")]
    conventions = "GMACs are 1e9 multiply-accumulates; the HRNet papers' GFLOPs are MACs / 2^30."
    present(Table(COLUMNS, rows, notes=(conventions,)), as_json)


def _row(name: str) -> Row:
    from hrnet_graph.spec.catalogue import TASKS

    spec = hg.load_spec(name)
    report = hg.analyze(hg.build_graph(spec))
    figures = spec.published.figures if spec.published else ()
    return {
        "name": name,
        "task": TASKS.get(spec.head.kind, spec.head.kind),
        "input": spec.input,
        "params": report.params,
        "macs": report.macs,
        "accuracy": [figure.model_dump() for figure in figures if not figure.is_cost],
        "source": spec.published.source if spec.published else None,
    }


def _accuracy(row: Row) -> str:
    """The first of the published figures that are no cost."""
    figures = [f"{f['metric']} {f['value']:g} {f['unit']}".strip() for f in row["accuracy"]]
    return figures[0] if figures else ""


COLUMNS = (
    text("name"),
    text("task", rank=2),
    shape("input", rank=3),
    number("params", form=".2f", per=1e6, unit=" M"),
    number("macs", "GMACs", form=".2f", per=1e9),
    Column("published accuracy", _accuracy, rank=2),
)
