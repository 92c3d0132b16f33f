"""Why a network is slow: bounds that follow from the counts, and the longest chain."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import Any

import commands
import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import specs

import hrnet_graph as hg
from hrnet_graph.analysis.device import DEVICES, find_device
from hrnet_graph.analysis.roofline import longest_chain, roofline
from hrnet_graph.benchmark.machine import measure_limits

A100 = DEVICES["a100"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return commands.run("roofline", *arguments)


def test_parts_add_up_to_the_whole() -> None:
    found = roofline(hg.build_graph("hrnet_w18_small_v1_cls"), A100)
    for grouping in ("stage", "branch", "kind", "op", "node"):
        parts = found.by(grouping).values()
        assert sum(part.flops for part in parts) == found.total.flops
        assert sum(part.bytes for part in parts) == found.total.bytes
        assert sum(part.time for part in parts) == pytest.approx(found.total.time)


def test_a_convolution_by_hand() -> None:
    found = roofline(hg.build_graph("hrnet_w18_small_v1_cls"), A100, "float16", batch=8)
    work = found.works["@stem.conv1"]
    assert work.flops == 8 * 2 * 27 * 64 * 112 * 112
    assert work.bytes == 2 * (27 * 64 + 8 * (3 * 224 * 224 + 64 * 112 * 112))
    assert work.seconds == {"memory": work.bytes / 2039e9}
    assert work.intensity == work.flops / work.bytes


def test_what_bounds_follows_the_device() -> None:
    graph = hg.build_graph("hrnet_w18_small_v1_cls")
    slow = roofline(graph, replace(A100, flops={"float32": 1e9}))
    narrow = roofline(graph, replace(A100, bandwidth=1e6))
    idle = roofline(graph, replace(A100, launch=1.0))
    assert [r.total.limit for r in (slow, narrow, idle)] == ["compute", "memory", "launch"]
    assert idle.total.time == pytest.approx(idle.total.kernels)
    assert slow.total.time > 0.9 * slow.total.flops / 1e9


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_stages=3))
def test_the_longest_chain_is_the_longest(data: dict[str, Any]) -> None:
    graph = hg.build_graph(data, (64, 96))
    report = hg.analyze(graph)
    chain = longest_chain(report)
    weights: nx.DiGraph[str] = nx.DiGraph()
    for source, target in graph.nx.edges:
        weights.add_edge(source, target, kernels=int(not graph[target].op.is_view))
    assert chain.kernels == nx.dag_longest_path_length(weights, weight="kernels")
    assert 0 < chain.macs <= report.macs
    assert chain.first in {node.key for node in graph.nodes}


def test_a_chain_without_branches_is_all_there_is() -> None:
    single = {"name": "single", "input": [3, 32, 32], "width": 4, "head": {"kind": "heatmap", "joints": 2},
              "stages": [{"block": "basic", "branches": 1, "blocks": 2}]}  # fmt: skip
    report = hg.analyze(hg.build_graph(single))
    assert longest_chain(report).macs <= report.macs
    assert longest_chain(report).first == "conv1"
    assert longest_chain(report).last == "final_layer"


def test_this_machine_has_limits() -> None:
    flops, bandwidth, launch = measure_limits()
    assert flops > 1e8
    assert bandwidth > 1e8
    assert 0 < launch < 1e-2


def test_devices_state_their_source() -> None:
    for device in DEVICES.values():
        assert device.source
        assert device.peak("float32") > 1e12
    assert DEVICES["epyc7763"].peak("float32") == pytest.approx(64 * 2.45e9 * 32)


def test_command() -> None:
    text = run("hrnet_w48_cls", "--by", "kind", "--device", "v100").stdout
    assert "longest chain: 354 of 1108 kernels" in text
    assert "NVIDIA V100 data sheet" in text
    data = json.loads(run("hrnet_w48_cls", "--peak", "1", "--bandwidth", "100", "--json").stdout)
    assert data["device"]["flops"] == {"float32": 1e12}
    assert data["chain"]["kernels"] == 354
    assert sum(part["kernels"] for part in data["parts"]) == data["kernels"] == 1108
    assert data["ridge"] == 10


def test_command_measures_this_machine() -> None:
    measured = run("hrnet_w18_small_v1_cls", "--device", "measured", "--launch", "3")
    assert "this machine (measured with torch)" in measured.stdout
    assert "3 µs a launch" in measured.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "a10"], "unknown device 'a10'; did you mean 'a100'?"),
        (["--device", ""], "unknown device '' (known: t4, v100"),
        (["--device", "v100", "--precision", "bfloat16"], "v100 has no peak in bfloat16"),
        (["--peak", "3"], "--peak and --bandwidth together"),
        (["--peak", "3", "--bandwidth", "4", "--device", "t4"], "--peak and --bandwidth together"),
        (["--peak", "0", "--bandwidth", "4"], "0"),
    ],
)
def test_bad_input(arguments: list[str], message: str) -> None:
    result = run("hrnet_w18_small_v1_cls", *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_find_device() -> None:
    assert find_device("h100").bandwidth == 3350e9
