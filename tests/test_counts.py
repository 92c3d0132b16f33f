"""Counts: by part, by role, and beside the field's own counters."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections import Counter
from typing import Any

import commands
import pytest
from hypothesis import HealthCheck, given, settings
from published import HRFORMER, HRFORMER_OCR, MEASURED, PUBLISHED
from small import PLAIN
from strategies import specs

import hrnet_graph as hg
from hrnet_graph.benchmark.verify import verify

SMALL_SIZES = {
    "hrnet_w32_cls": (64, 64),
    "hrnet_w48_pose_256x192": (64, 96),
    "hrnetv2_w18_small_v2_seg_cityscapes": (65, 97),
    "hrnetv2_w48_ocr_cityscapes": (64, 64),
    "hrnetv2_w18_landmark_wflw": (64, 64),
    "hrnetv2p_w18": (128, 128),
    "higherhrnet_w32_512": (64, 64),
}

SHORT = {f"stages.{i}.{part}": 1 for i in range(1, 4) for part in ("modules", "blocks")}
"""Every operation of a published network, most of them once."""


@pytest.mark.parametrize("name", SMALL_SIZES)
def test_fvcore_and_torch_agree_operator_by_operator(name: str) -> None:
    short = {} if name == "hrnet_w32_cls" else SHORT
    checks = verify(hg.build_graph(hg.load_spec(name, short), SMALL_SIZES[name]))
    assert all(check.agrees for check in checks)
    counted = {(check.counter, check.operator) for check in checks if check.counted}
    assert {("fvcore", "conv"), ("fvcore", "batch_norm"), ("torch", "convolution")} <= counted
    assert any(check.operator == "aten::add" for check in checks if not check.counted)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_stages=3))
def test_fvcore_and_torch_agree_on_random_networks(data: dict[str, Any]) -> None:
    assert all(check.agrees for check in verify(hg.build_graph(data, (64, 64))))


@pytest.mark.parametrize(
    "name", [n for n in PLAIN if n in PUBLISHED and MEASURED[PUBLISHED[n]]["fvcore_by_operator"]]
)
def test_operations_are_what_fvcore_measured(name: str) -> None:
    ours = {
        op: c.macs or c.operations for op, c in hg.analyze(hg.build_graph(name)).by("op").items()
    }
    theirs = dict(MEASURED[PUBLISHED[name]]["fvcore_by_operator"])
    assert ours["batch norm"] == theirs["batch_norm"]
    nearest = sum(count for op, count in ours.items() if op.startswith("nearest"))
    assert nearest == theirs.get("upsample_nearest2d", 0)
    assert ours.get("bilinear", 0) == theirs.get("upsample_bilinear2d", 0)
    counted = (op for op in ours if "conv" in op and "deformable" not in op)  # fvcore has no count
    assert sum(ours[op] for op in counted) == theirs["conv"]


@pytest.mark.parametrize(
    "name", [n for n, m in (HRFORMER | HRFORMER_OCR).items() if MEASURED[m]["fvcore_by_operator"]]
)
def test_all_that_fvcore_measured_of_hrformer(name: str) -> None:
    measured = MEASURED[PUBLISHED[name]]
    height, width = measured["input_shape"][2:]
    graph, ours = hg.build_graph(name, (height, width)), Counter[str]()
    for node in graph.operations:
        for counters, count in node.op.counted(graph.operands(node), node.type):
            ours[counters.fvcore] += count
    theirs = measured["fvcore_by_operator"]
    assert {op: ours[op] for op in theirs} == theirs


def test_a_wrong_count_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from hrnet_graph.ir.ops import Conv2d

    monkeypatch.setattr(Conv2d, "macs", lambda self, x, y: 7)
    checks = verify(hg.build_graph("hrnet_w18_small_v1_cls", (64, 64)))
    assert {check.operator for check in checks if not check.agrees} == {"conv", "convolution"}


def test_layers_by_role() -> None:
    kinds = hg.analyze(hg.build_graph("hrnet_w48_cls")).by("kind")
    assert list(kinds) == [
        "stem", "residual unit", "transition", "fuse up", "fuse sum", "fuse down", "head",
    ]  # fmt: skip
    assert {kind: part.layers for kind, part in kinds.items()} == {
        "stem": 2,
        "residual unit": 4 * 3 + 1 + 8 * (2 + 4 * 3 + 3 * 4),
        "transition": 4,
        "fuse up": 1 + 4 * 3 + 3 * 6,
        "fuse down": 1 + 4 * 4 + 3 * 10,
        "fuse sum": 0,
        "head": 4 * 4 + 3 + 1 + 1,
    }


def test_blocks_and_nodes_are_named() -> None:
    report = hg.analyze(hg.build_graph("hrnet_w18_small_v1_cls"))
    assert "stage3.0.branches.2.1" in report.by("block")
    assert "stage3.0.fuse_layers.1" in report.by("block")
    node = report.by("node")["stage3.0.branches.2.1.conv1"]
    assert (node.params, node.macs, node.activations, node.layers) == (
        64 * 64 * 9,
        64 * 64 * 9 * 14 * 14,
        64 * 14 * 14,
        1,
    )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.run("flops", *arguments)


def test_a_neck_is_one_part_among_stages_and_modules() -> None:
    report = hg.analyze(hg.build_graph("ddrnet23_slim_seg_cityscapes"))
    assert [*report.by("stage")] == [
        *("stem", "layer1", "stage2", "stage3", "stage4", "stage5", "spp", "add", "head")
    ]
    assert "stage3.0" in report.by("module")


def test_csv_and_sorting() -> None:
    result = run("hrnet_w32_cls", "--by", "stage", "--sort", "params", "--csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows[0]["stage"] == "stage4"
    params = [int(row["params"]) for row in rows]
    assert params == sorted(params, reverse=True)
    assert sum(params) == 41_232_680


def test_nothing_is_silently_in_or_out() -> None:
    text = run("hrnetv2_w48_ocr_cityscapes").stdout
    assert "not in MACs or FLOPs: batch norm " in text
    for op in ("relu", "sum", "bilinear", "softmax", "scale"):
        assert f", {op} " in text
    data = json.loads(run("hrnet_w32_cls", "--json").stdout)
    assert sum(data["operations_by_op"].values()) == data["operations"]


def test_what_is_too_large_to_run_is_counted_and_not_verified() -> None:
    graph = hg.build_graph("hrnet_w18_small_v1_cls", (65_536, 65_536))
    assert hg.analyze(graph).macs > 1e14
    with pytest.raises(hg.HRNetGraphError, match="at most 16000000 pixels to run, got 65536x65536"):
        verify(graph)


def test_verify_command() -> None:
    result = run("hrnet_w18_small_v1_cls", "--input", "64x64", "--verify")
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("all counts agree exactly\n")
    assert "fvcore leaves uncounted: aten::add x" in result.stdout
    data = json.loads(
        run("hrnet_w18_small_v1_cls", "--input", "64x64", "--verify", "--json").stdout
    )
    assert data["agree"] is True
