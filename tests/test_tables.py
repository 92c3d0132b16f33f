"""Results as rows: what people, spreadsheets and pages are shown of the same values."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import hrnet_graph as hg
from hrnet_graph.analysis.cost import Cost
from hrnet_graph.choices import COUNTS, GROUPINGS, Grouping
from hrnet_graph.cli.table import Row, Table, mebibytes, number, shape, text
from hrnet_graph.cli.terminal import present

ROWS: list[Row] = [
    {"name": "a|b", "size": 2**20 * 1536, "of": (3, 4), "part": 0.5},
    {"name": None, "size": None, "of": (), "part": 2 / 3, "error": "two\nlines, one row"},
]
TABLE = Table(
    (
        text("name"),
        mebibytes("size", "MiB"),
        shape("of"),
        number("part", form=".0%"),
        text("error"),
    ),
    ROWS,
    notes=("a note",),
)


def test_cells_are_for_people() -> None:
    assert TABLE.cells() == [
        ["a|b", "1,536.0", "3x4", "50%", ""],
        ["", "", "scalar", "67%", "two\nlines, one row"],
    ]
    assert TABLE.to_markdown().splitlines()[2:] == [
        "| a/b | 1,536.0 | 3x4 | 50% |  |",
        "|  |  | scalar | 67% | two lines, one row |",
    ]


def test_csv_and_json_hold_all_values_and_none_that_is_rounded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    present(TABLE, as_json=False, as_csv=True)
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert first["size"] == str(2**20 * 1536)
    assert (float(second["part"]), second["name"], second["error"]) == (
        2 / 3,
        "",
        "two\nlines, one row",
    )
    present(TABLE, as_json=True)
    assert json.loads(capsys.readouterr().out)[1]["part"] == 2 / 3
    present(TABLE, as_json=True, output=tmp_path / "a.json", data=lambda: {"x": 1}, rows=2)
    assert json.loads((tmp_path / "a.json").read_text()) == {"version": 1, "x": 1}
    said = {"version": 1, "file": str(tmp_path / "a.json"), "rows": 2}
    assert json.loads(capsys.readouterr().out) == said


def test_a_table_ends_with_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    present(TABLE, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["name", "MiB", "of", "part", "error"]
    assert lines[-1] == "a note"


@pytest.mark.parametrize("by", GROUPINGS)
def test_the_rows_of_a_report_add_up_to_it(by: Grouping) -> None:
    report = hg.analyze(hg.build_graph("hrnet_w18_small_v1_cls"))
    rows = report.rows(by, "macs")
    for count in COUNTS:
        assert sum(int(row[count]) for row in rows) == report.as_dict()[count]
    macs = [int(row["macs"]) for row in rows]
    assert macs == sorted(macs, reverse=True)
    assert report.as_dict(by, "macs")["parts"] == rows
    assert report.rows() == [{"part": "total", **report.total.as_dict()}]
    by_op = {op: cost.operations for op, cost in report.by("op").items() if cost.operations}
    assert report.operations_by_op == by_op


def test_a_cost_names_all_that_is_counted() -> None:
    assert tuple(Cost(1, 2, 3, 4, 5).as_dict().values()) == (1, 2, 4, 3, 4, 5)
