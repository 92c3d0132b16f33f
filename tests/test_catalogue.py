"""The catalogue is what was published, to the unit, and needs no torch to say so."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest
from published import CLASSIFIERS, HRFORMER_OCR, MEASURED, POSE, PUBLISHED, keys_sha256

import hrnet_graph as hg
from hrnet_graph.ir.ops import DeformConv2d, WindowAttention

UNMEASURED = ("hrnetv2_w18", "hrnetv2_w32", "hrnetv2_w40", "hrnetv2_w48", "se_hrnet_w64_cls")


def test_catalogue_is_complete() -> None:
    assert set(hg.list_specs()) == {*PUBLISHED, *UNMEASURED}


@pytest.mark.parametrize("name", PUBLISHED)
def test_keys_params_and_macs_are_the_published_ones(name: str) -> None:
    measured = MEASURED[PUBLISHED[name]]
    height, width = measured["input_shape"][2:]
    graph = hg.build_graph(name, (height, width) if name in HRFORMER_OCR else None)
    report = hg.analyze(graph)
    assert graph.input.type.shape == tuple(measured["input_shape"][1:])
    assert keys_sha256(graph.state()) == measured["keys_sha256"]
    assert len(graph.state()) == measured["state_dict_keys"]
    assert report.params == measured["params"]
    counted = _counted(graph)
    assert sum(counted[k] for k in ("conv", "twice", "deformable")) == measured["macs_hook_conv"]
    unhooked = counted["attention"] // 4  # the last of four projections is called as a function
    assert counted["linear"] - unhooked == measured["macs_hook_linear"]
    shapes = [(1, *graph[path].type.shape) for _, path in graph.outputs]
    assert shapes == [tuple(shape) for shape in measured["output_shapes"].values()]
    unseen = counted["deformable"]  # by torch's counter
    assert report.flops + 2 * (counted["twice"] - unseen) == measured["torch_flop_counter_total"]


def _counted(graph: hg.Graph) -> Counter[str]:
    """MACs as fvcore calls them, of attention's projections, and of what the authors run twice.

    Lite-HRNet's published code computes what it adds twice anew for the second time.
    """
    macs: Counter[str] = Counter()
    twice = any(node.key.endswith(".twice") for node in graph.operations)
    for node in graph.operations:
        for counters, count in node.op.counted(graph.operands(node), node.type):
            macs[counters.fvcore] += count
            if twice and re.search(r"fuse_layers\.[1-9]\.0\.", node.key):
                macs["twice"] += count * (counters.fvcore == "conv")
            if isinstance(node.op, WindowAttention) and counters.fvcore == "linear":
                macs["attention"] += count
            if isinstance(node.op, DeformConv2d):
                macs["deformable"] += count
    return macs


@pytest.mark.parametrize(
    ("name", "reference"),
    [("hrnetv2_w18", "mmseg_hrnet_w18_backbone"), ("hrnetv2_w48", "mmseg_hrnet_w48_backbone")],
)
def test_backbones_are_those_of_mmsegmentation(name: str, reference: str) -> None:
    measured = MEASURED[reference]
    height, width = measured["input_shape"][2:]
    graph = hg.build_graph(name, (height, width))
    shapes = [graph[path].type.shape for _, path in graph.outputs]
    assert shapes == [tuple(shape[1:]) for shape in measured["output_shapes"].values()]
    assert keys_sha256(graph.state(), "backbone.") == measured["keys_sha256"]
    assert hg.analyze(graph).macs == measured["macs_hook_conv"]


@pytest.mark.parametrize("name", [*CLASSIFIERS, *POSE])
def test_published_cost_is_ours_to_the_printed_digits(name: str) -> None:
    published = hg.load_spec(name).published
    report = hg.analyze(hg.build_graph(name))
    figures = {figure.metric: figure for figure in published.figures} if published else {}
    assert published is not None or name == "hrnet_w48_pose_mpii"
    if "cost" in figures:
        assert figures["cost"].unit == "MACs / 2^30"
        assert figures["cost"].value == pytest.approx(report.macs / 2**30, abs=0.06)
        assert figures["params"].value == pytest.approx(report.params / 1e6, abs=0.06)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_state_the_published_errors(name: str) -> None:
    measured = MEASURED[CLASSIFIERS[name]]["published"]
    published = hg.load_spec(name).published
    assert published is not None
    stated = {figure.metric: figure.value for figure in published.figures}
    assert stated["top-1 error"] == measured["top1_err"]
    assert stated["top-5 error"] == measured["top5_err"]


def test_only_what_builds_or_runs_a_network_imports_torch() -> None:
    """Nor the packages that only an option asks for, such as fvcore for `flops --verify`."""
    code = """
import sys
import hrnet_graph as hg
assert not {"torch", "networkx", "pydantic"} & sys.modules.keys(), "at import"
from hrnet_graph.cli.main import cli
for arguments in (
    ["list"], ["show", "hrnet_w18_cls"], ["validate", "hrnet_w18_cls"], ["keys", "hrnet_w18_cls"],
    ["flops", "hrnet_w18_cls", "--by", "stage"], ["schema"],
    ["render", "hrnet_w18_cls", "-o", sys.argv[1] + "/a.svg"],
    ["graph", "hrnet_w18_cls", "-o", sys.argv[1] + "/a.graphml"],
    ["init", "hrnet_w18_cls", "-o", sys.argv[1] + "/a.yaml"],
    ["memory", "hrnet_w18_cls"], ["roofline", "hrnet_w18_cls", "--device", "a100"],
    ["field", "hrnet_w18_small_v1_cls"], ["published"], ["import", "hrnet_w18"],
    ["diff", "hrnet_w18_cls", "hrnet_w18_cls"], ["sweep", "hrnet_w18_cls", "--vary", "width=8,16"],
    ["build", "hrnet_w18_cls", "-o", sys.argv[1] + "/a.py"], ["build", "hrnet_w18_cls", "--passes"],
):
    try:
        cli.main(arguments, standalone_mode=False)
    except SystemExit as stop:
        assert not stop.code, arguments
    assert not {"torch", "fvcore", "onnx", "matplotlib", "optuna"} & sys.modules.keys(), arguments
from hrnet_graph.cli.commands import flops
cli.main(["flops", "hrnet_w18_small_v1_cls", "--input", "32x32", "--verify"], standalone_mode=False)
assert {"torch", "fvcore"} <= sys.modules.keys()
"""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", code, folder], check=True, capture_output=True)
