"""Networks side by side: what differs, what it costs, as a table for people and for papers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run

import hrnet_graph as hg
from hrnet_graph.analysis.comparison import in_order
from hrnet_graph.analysis.difference import difference
from hrnet_graph.analysis.receptive_field import receptive_fields
from hrnet_graph.cli.latex import escape, to_latex
from hrnet_graph.cli.table import Table, number, text


def test_a_node_whose_operands_changed_says_which() -> None:
    graphs = [
        hg.build_graph(hg.load_spec("hrnet_w18_small_v1_cls", {"stages.3.modules": modules}))
        for modules in (2, 1)
    ]
    found = difference(*graphs)
    assert found.changed
    assert all(a != b for _, a, b in found.changed)
    ours, theirs = next((a, b) for key, a, b in found.changed if key == "incre_modules.0.0.conv1")
    assert ours == "conv 1x1 -> 32x56x56, reads stage4.1.fuse_layers.0.act"
    assert theirs == "conv 1x1 -> 32x56x56, reads stage4.0.fuse_layers.0.act"


def test_a_node_whose_options_changed_says_which() -> None:
    changes = {"norm": {"kind": "batch", "eps": 0.5}}
    graphs = [hg.build_graph(hg.load_spec("hrnetv2_w18", c)) for c in ({}, changes)]
    for _, ours, theirs in difference(*graphs).changed:
        assert ours.endswith(", eps 1e-05")
        assert theirs.endswith(", eps 0.5")


def test_new_stages_stand_where_they_are_and_the_costs_add_up() -> None:
    names = ("hrnet_w18_small_v1_cls", "hrnet_w18_cls")
    spec = hg.load_spec(names[0])
    shorter = {**spec.dump(), "stages": spec.dump()["stages"][:3]}
    graphs = [hg.build_graph(shorter), hg.build_graph(names[0])]
    rows = difference(*graphs).rows()
    stages = [row["stage"] for row in rows]
    assert stages[-4:] == ["transition3", "stage4", "head", "total"]
    assert [row["stage"] for row in difference(*reversed(graphs)).rows()] == stages
    a, b = map(hg.analyze, graphs)
    assert rows[-1] == {
        "stage": "total", "params": a.params, "more_params": b.params - a.params,
        "macs": a.macs, "more_macs": b.macs - a.macs,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [("ad", "abcd", "abcd"), ("abd", "acd", "acbd"), ("", "ab", "ab"), ("abc", "", "abc"),
     ("ab", "xaby", "xaby"), ("ab", "ba", "ab")],
)  # fmt: skip
def test_names_of_two_rows_keep_both_orders(first: str, second: str, both: str) -> None:
    assert "".join(in_order(first, second)) == both


def test_several_networks_in_one_table(tmp_path: Path) -> None:
    names = ("hrnet_w18_cls", "hrnet_w32_cls", "hrnetv2_w18")
    rows = json.loads(run("flops", *names, "--json").stdout)
    reports = [hg.analyze(hg.build_graph(name)) for name in names]
    assert [row["network"] for row in rows] == list(names)
    for row, report in zip(rows, reports, strict=True):
        for count, value in report.total.as_dict().items():
            assert row[count] == value
            assert row[f"more_{count}"] == value - reports[0].total.as_dict()[count]
    text = run("flops", *names).stdout
    assert "+19,933,676" in text
    assert "difference: from hrnet_w18_cls" in text
    by = json.loads(run("flops", *names, "--by", "stage", "--json").stdout)
    assert [row["stage"] for row in by[::3]][-2:] == ["stage4", "head"]
    for name, report in zip(names, reports, strict=True):
        assert sum(row["macs"] for row in by if row["network"] == name) == report.macs
    most = json.loads(run("flops", *names, "--by", "stage", "--sort", "macs", "--json").stdout)
    assert most[0]["stage"] == "stage4"
    assert run("flops", *names, "--verify").returncode == 2


def test_networks_of_one_name_are_called_as_they_were_given(tmp_path: Path) -> None:
    for folder, width in (("a", 8), ("b", 9)):
        (tmp_path / folder).mkdir()
        spec = f"extends: hrnet_w18_small_v1_cls\nwidth: {width}\n"
        (tmp_path / folder / "mine.yaml").write_text(spec)
    rows = json.loads(run("flops", "a/mine.yaml", "b/mine.yaml", "--json", cwd=tmp_path).stdout)
    assert [row["network"] for row in rows] == ["a/mine.yaml", "b/mine.yaml"]
    rows = json.loads(run("flops", "a/mine.yaml", "a/mine.yaml", "--json", cwd=tmp_path).stdout)
    assert [row["network"] for row in rows] == ["1: a/mine.yaml", "2: a/mine.yaml"]


def test_a_table_for_a_paper(tmp_path: Path) -> None:
    (tmp_path / "a_100%.yaml").write_text("extends: hrnet_w18_cls\nwidth: 8\n")
    for suffix in ("tex", "md"):
        line = ("flops", "hrnet_w48_cls", "a_100%.yaml", "-o", f"t.{suffix}")
        result = run(*line, cwd=tmp_path)
        assert result.stderr == f"wrote t.{suffix}\n"
    lines = (tmp_path / "t.tex").read_text().splitlines()
    table = lines[lines.index("\\begin{tabular}{llrrrrr}") :]
    assert table == [
        "\\begin{tabular}{llrrrrr}", "\\toprule",
        "network & input & params & difference & MACs & difference & FLOPs \\\\", "\\midrule",
        "hrnet\\_w48\\_cls & 3x224x224 & 77.5\\,M & = & 17.3\\,G & = & 34.6\\,G \\\\",
        "a\\_100\\_ & 3x224x224 & 13.8\\,M & $-$63.7\\,M & 2.50\\,G & $-$14.8\\,G & 5.00\\,G \\\\",
        "\\bottomrule", "\\end{tabular}",
    ]  # fmt: skip
    assert all(line.startswith("% ") for line in lines[: -len(table)])
    assert "\\usepackage{booktabs}" in lines[0]
    page = (tmp_path / "t.md").read_text().splitlines()
    assert page[0].startswith("| network | input | params | difference | MACs |")
    assert len({line.count("|") for line in page}) == 1


def test_latex_says_what_it_means() -> None:
    assert escape(r"a_b & 5% ~ \x{$} [1]") == (
        r"a\_b \& 5\% \textasciitilde{} \textbackslash{}x\{\$\} {[}1{]}"
    )
    table = Table(
        (text("name"), number("n")), [{"name": "[a]", "n": -1234567}], "a title\nof two lines",
        total={"name": "total", "n": 5},
    )  # fmt: skip
    assert to_latex(table).splitlines()[1:] == [
        "% a title of two lines", r"\begin{tabular}{lr}", r"\toprule", r"name & n \\",
        r"\midrule", r"{[}a{]} & $-$1.23\,M \\", r"\midrule", r"total & 5 \\", r"\bottomrule",
        r"\end{tabular}",
    ]  # fmt: skip


def test_a_vector_has_no_stride() -> None:
    found = json.loads(run("field", "hrnet_w18_small_v1_cls", "--json").stdout)["fields"]
    assert found[-1] == {"place": "output out", "size": None, "stride": None}
    assert found[-2]["stride"] == 32
    assert run("field", "hrnet_w18_small_v1_cls").stdout.splitlines()[-2].split()[-1] == "none"
    maps = receptive_fields(hg.build_graph("hrnetv2_w18_small_v1_seg_cityscapes"))
    assert {field.stride for field in maps.values()} <= {1, 2, 4, 8, 16, 32}
