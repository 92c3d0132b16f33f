"""Receptive fields, differences, published figures and sweeps."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run
from torch import nn

import hrnet_graph as hg
from hrnet_graph.analysis.difference import difference
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.published import same_digits
from hrnet_graph.analysis.receptive_field import receptive_fields
from hrnet_graph.search.expression import condition
from hrnet_graph.search.sweep import ALONE, Variant, count_of, pareto, read_vary, sweep

TINY: dict[str, Any] = {
    "name": "tiny",
    "input": [1, 512, 512],
    "width": 1,
    "stem": {"channels": 1},
    "stages": [
        {"block": "basic", "branches": 1, "blocks": 1, "channels": [1]},
        {"block": "basic", "branches": 2, "blocks": 1},
        {"block": "basic", "branches": 3, "blocks": 1, "outputs": 1},
    ],
    "head": {"kind": "bottom_up", "joints": 1, "blocks": 1},
}


@pytest.mark.parametrize(
    "fuse", [{"upsample": "nearest"}, {"upsample": "bilinear"},
             {"upsample": "bilinear", "align_corners": True}],
)  # fmt: skip
def test_fields_are_where_gradients_arrive(fuse: dict[str, Any]) -> None:
    graph = hg.build_graph({**TINY, "fuse": {"kind": "sum", **fuse}})
    model = hg.build_module(graph).eval().double()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.constant_(layer.weight, 0.5)
    image = torch.ones(1, 1, 512, 512, dtype=torch.double, requires_grad=True)
    found = receptive_fields(graph)
    outputs = model(image)
    for name, path in graph.outputs:
        value, stride = outputs[name], found[path].stride
        assert stride is not None
        middle = value.shape[2] // 2
        reached = []
        for row in range(middle, middle + round(16 / stride) + 1):
            (gradient,) = torch.autograd.grad(value[0, 0, row, middle], image, retain_graph=True)
            rows = gradient[0, 0].abs().amax(dim=1).nonzero().flatten()
            reached.append(int(rows[-1] - rows[0]) + 1)
        size = found[path].size
        assert size is not None
        if fuse.get("align_corners"):
            assert size - 40 <= max(reached) <= size
        else:
            assert max(reached) == size


def test_fields_of_the_published_networks() -> None:
    graph = hg.build_graph("hrnet_w32_cls")
    found = receptive_fields(graph)
    assert found["@stem.act2"].size == 7
    assert found["@stem.act2"].stride == 4
    assert found["layer1.3.act"].size == 7 + 4 * 8
    assert found[graph.outputs[0][1]].size is None
    data = json.loads(run("field", "hrnet_w32_cls", "--json").stdout)
    assert data["fields"][0] == {"place": "layer1 branch 0", "size": 39, "stride": 4.0}


def test_the_same_network_has_no_difference() -> None:
    a = hg.build_graph("hrnet_w18_cls")
    assert difference(a, hg.build_graph("hrnet_w18_cls")).same
    result = run("diff", "hrnet_w32_cls", "hrnet_w32_cls")
    assert (result.returncode, result.stdout) == (
        0,
        "hrnet_w32_cls and hrnet_w32_cls are the same network\n",
    )


def test_difference_of_two_heads() -> None:
    a, b = hg.build_graph("hrnet_w32_cls"), hg.build_graph("hrnetv2_w32")
    found = difference(a, b)
    assert not found.added
    assert {key.partition(".")[0] for key in found.lost} == {
        "incre_modules", "downsamp_modules", "final_layer", "classifier",
    }  # fmt: skip
    assert found.kept == len(b.state())
    assert not found.reshaped
    stages = {stage: (x, y) for stage, x, y in found.stages}
    assert stages["head"][1].params == 0
    assert stages["stage4"][0] == stages["stage4"][1]


def test_difference_of_two_upsamplings_is_seen() -> None:
    bilinear = hg.load_spec("hrnetv2_w18", {"fuse.upsample": "bilinear"})
    found = difference(hg.build_graph("hrnetv2_w18"), hg.build_graph(bilinear))
    assert {key.rpartition(".")[2] for key, _, _ in found.changed} == {"2"}
    assert not found.same
    assert not found.reshaped


def test_diff_command() -> None:
    result = run("diff", "hrnet_w32_cls", "hrnet_w48_cls", "--json")
    data = json.loads(result.stdout)
    assert result.returncode == 1
    assert data["spec"] == [{"key": "width", "a": 32, "b": 48}]
    assert not data["same"]
    text = run("diff", "hrnet_w32_cls", "hrnet_w48_cls").stdout
    assert "498 weights fit both" in text
    assert run("diff", "hrnet_w32_cls", "hrnet_w99_cls").returncode == 2


@pytest.mark.parametrize(
    ("published", "counted", "same"),
    [(8.31, 8.308, True), (65.8, 65.859, True), (7.1, 7.12, True), (45.2, 45.89, False),
     (16.0, 16.02, True), (16.0, 16.2, False), (74.3, 75.98, False), (1.49, 1.4915, True)],
)  # fmt: skip
def test_digits_are_compared_as_printed(published: float, counted: float, same: bool) -> None:
    assert same_digits(published, counted) is same


def test_every_published_cost_is_reproduced_or_explained() -> None:
    rows = json.loads(run("published", "--json").stdout)
    assert len(rows) > 50
    for row in rows:
        assert row["reproduced"] != bool(row["note"]), row
    reproduced = {(row["name"], row["metric"]) for row in rows if row["reproduced"]}
    assert ("higherhrnet_w32_512", "cost") in reproduced
    assert ("hrnetv2_w48_seg_cityscapes", "params") in reproduced


CONDITION = {"macs": 4e9, "params": 2e7, "width": 18}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("macs < 5e9", True),
        ("macs < 5e9 and params < 1e6", False),
        ("not macs < 5e9 or width == 18", True),
        ("1e6 < params <= 2 * 1e7", True),
        ("macs / params > 100 + 99.5", True),
        ("-width < 0", True),
        ("width != 18", False),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    assert condition(text, CONDITION)(CONDITION) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maccs < 5", "unknown name 'maccs' in the condition; did you mean 'macs'?"),
        ("__import__('os')", "no \"__import__\\('os'\\)\""),
        ("macs.real < 5", "no 'macs.real'"),
        ("[x for x in (1,)]", "no '\\[x for x in"),
        ("macs ** 9", "no 'macs \\*\\* 9'"),
        ("lambda: 1", "no 'lambda: 1'"),
        ("macs <", "'macs <' is no condition"),
        ("x" * 600, "at most 500 characters"),
        ("(" * 240 + "1" + ")" * 240, "is no condition"),
    ],
)
def test_conditions_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(hg.HRNetGraphError, match=message):
        condition(text, CONDITION)


def test_conditions_that_cannot_be_decided() -> None:
    with pytest.raises(hg.HRNetGraphError, match=r"cannot be decided: .*division by zero"):
        condition("macs / 0 > 1", CONDITION)(CONDITION)
    with pytest.raises(hg.HRNetGraphError, match="cannot be decided"):
        condition("macs < 'a'", CONDITION)(CONDITION)
    with pytest.raises(hg.HRNetGraphError, match="arithmetic is for numbers"):
        condition("'a' * 9000000000 == 'b'", CONDITION)(CONDITION)


def test_sweep_counts_every_combination_in_order() -> None:
    spec = hg.load_spec("hrnet_w18_small_v1_cls")
    rows = list(sweep(spec, {"width": [4, 0, 8], "stages.2.modules": [1, 2]}))
    assert [tuple(row.values.values()) for row in rows] == [
        (4, 1), (4, 2), (0, 1), (0, 2), (8, 1), (8, 2),
    ]  # fmt: skip
    assert [bool(row.error) for row in rows] == [False, False, True, True, False, False]
    built = hg.analyze(hg.build_graph(hg.load_spec(spec, {"width": 8, "stages.2.modules": 2})))
    assert rows[-1].counts["params"] == built.params


def test_a_large_sweep_on_all_cores_is_the_same() -> None:
    spec = hg.load_spec("hrnet_w18_small_v1_cls")
    many = list(sweep(spec, {"width": list(range(1, ALONE + 1))}))
    few = list(sweep(spec, {"width": [7, ALONE]}))
    assert [many[6], many[-1]] == few


def test_pareto_keeps_what_nothing_beats() -> None:
    points = [(1, 9), (2, 5), (3, 5), (4, 1), (4, 2), (1, 9)]
    variants = [Variant({}, {"macs": m, "params": p}) for m, p in points]
    front = pareto([*variants, Variant({}, {}, "broken")], "macs", "params")
    assert [tuple(v.counts.values()) for v in front] == [(1, 9), (1, 9), (2, 5), (4, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width", "--vary width: expected KEY=a,b,c, such as width=18,32,48"),
        ("width=", "--vary width=: width: expected at least one value"),
        ("width=[", "--vary width=\\[: width: not YAML"),
    ],
)
def test_vary_is_checked(text: str, message: str) -> None:
    with pytest.raises(hg.SpecError, match=message):
        read_vary(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("width=16..48..16", [16, 32, 48]),
        ("width=2..5, 9", [2, 3, 4, 5, 9]),
        ("width=-1..1", [-1, 0, 1]),
        ("stages.1.channels=[8, 16], [4..6]", [[8, 16], [4, 5, 6]]),
        ("name=a..b, '1..3', 1..3x", ["a..b", "1..3", "1..3x"]),
    ],
)
def test_ranges(text: str, values: list[Any]) -> None:
    assert _plain(read_vary(text)[1]) == values


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def test_a_huge_range_stays_bounded() -> None:
    with pytest.raises(hg.SpecError, match="is no range of 1 to 10,000 whole numbers"):
        read_vary("width=1..999999999")


def test_sweep_tells_memory_and_field() -> None:
    (row,) = sweep(hg.load_spec("hrnet_w18_small_v1_cls"), {"width": [16]})
    graph = hg.build_graph("hrnet_w18_small_v1_cls")
    assert row.counts["memory"] == memory(graph).peak
    assert row.counts["field"] == max(f.size or 0 for f in receptive_fields(graph).values())


def test_sweeps_that_cannot_be() -> None:
    spec = hg.load_spec("hrnet_w18_small_v1_cls")
    with pytest.raises(
        hg.SpecError, match="--vary widht: widht: unknown key; did you mean 'width'"
    ):
        list(sweep(spec, {"widht": [1]}))
    with pytest.raises(hg.SpecError, match="expected an index from 0 to 3"):
        list(sweep(spec, {"stages.9.modules": [1]}))
    with pytest.raises(hg.HRNetGraphError, match="expected 1 to 100000 variants, got 1000000"):
        count_of({str(i): range(10) for i in range(6)})


def test_sweep_counts_only_the_figures_that_are_named(tmp_path: Path) -> None:
    varied = ("sweep", "hrnet_w18_small_v1_cls", "--vary", "width=4,-1,12")
    chosen = ("--figures", "layers, params")
    printed = run(*varied, *chosen)
    assert printed.stdout.splitlines()[1].split() == ["width", "params", "layers", "error"]
    assert "memory" not in printed.stdout
    path = tmp_path / "rows.jsonl"
    assert run(*varied, *chosen, "-o", path).returncode == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["width"] for row in rows] == [4, -1, 12]
    assert [*rows[0]] == ["width", "params", "layers", "error"]
    assert rows[1]["error"].startswith("overrides: width: expected at least 1")
    wrong = run(*varied, "--figures", "parms")
    assert wrong.returncode == 2
    assert "no figure is called 'parms'; did you mean 'params'?" in wrong.stderr


def test_a_sweep_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("before")
    varied = ("sweep", "hrnet_w18_small_v1_cls", "--vary", "width=4,8")
    result = run(*varied, "--where", "macs / (width - 8) > 1", "-o", path)
    assert result.returncode == 2
    assert "cannot be decided" in result.stderr
    assert path.read_text() == "before"


@pytest.mark.parametrize("suffix", ["csv", "json", "md", "svg", "png"])
def test_sweep_command_writes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sweep.{suffix}"
    where = ("--where", "macs < 2e9 and width > 4")
    varied = ("--vary", "width=4,8,12,-1", "--vary", "stages.2.modules=1,2")
    result = run("sweep", "hrnet_w18_small_v1_cls", *varied, *where, "-o", path)
    assert result.returncode == 0, result.stderr
    data = path.read_bytes()
    if suffix == "csv":
        assert [row["width"] for row in csv.DictReader(data.decode().splitlines())] == [
            "8",
            "8",
            "12",
            "12",
        ]
    elif suffix == "json":
        assert len(json.loads(data)) == 4
    elif suffix == "md":
        assert data.decode().startswith("| width | stages.2.modules | params |")
    else:
        assert data.startswith(b"<?xml" if suffix == "svg" else b"\x89PNG")
        again = tmp_path / f"again.{suffix}"
        run("sweep", "hrnet_w18_small_v1_cls", *varied, *where, "-o", again)
        assert again.read_bytes() == data


def test_sweep_command_prints_what_makes_no_network() -> None:
    result = run("sweep", "hrnet_w18_small_v1_cls", "--vary", "width=4,x")
    assert "width: expected an integer, got 'x'" in result.stdout
    assert result.stdout.endswith("2 of 2 variants\n")
    assert run("sweep", "hrnet_w18_cls", "--vary", "width=4", "-o", "a.bmp").returncode == 2
