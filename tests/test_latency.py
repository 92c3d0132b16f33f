"""Latency of networks: from sections that are measured once, kept, and checked by measuring."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import hrnet_graph as hg
from hrnet_graph.cli.main import cli
from hrnet_graph.ir.graph import Graph
from hrnet_graph.search.latency import WHOLE, Latency
from hrnet_graph.search.sections import sections_of

NAME = "hrnet_w18_small_v1_cls"
SMALL = {"width": 4, "input": (3, 32, 32)}


@pytest.mark.parametrize("name", [NAME, "ddrnet23_slim_seg_cityscapes", "litehrnet18_mpii"])
def test_every_operation_stands_in_one_section(name: str) -> None:
    graph = hg.build_graph(name, input_size=(64, 64))
    sections = sections_of(graph)
    paths = [node.path for section in sections for node in section.nodes]
    assert sorted(paths) == sorted(node.path for node in graph.operations)
    assert {"", "@head"}.isdisjoint(map(len, paths))
    report = hg.analyze(graph)
    alone = sum(hg.analyze(section.network).macs for section in sections)
    around = sum(hg.analyze(each.around).macs for each in sections if each.around)
    assert alone - around == report.macs


def test_what_is_alike_has_one_digest() -> None:
    changes = {"stages.2.modules": 3}
    narrow, wide = (hg.build_graph(hg.load_spec(NAME, {**changes, "width": n})) for n in (4, 8))
    found = [section.digest for section in sections_of(narrow)]
    assert len(found) - len(set(found)) == 2
    assert len(set(found) & {section.digest for section in sections_of(wide)}) == 2


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The names of what is measured, which takes as long as its MACs say."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = []

    def least(self: Latency, graph: Graph, seconds: float) -> float:
        names.append(graph.name)
        return hg.analyze(graph).macs / 1e9

    monkeypatch.setattr(Latency, "_least", least)
    return names


def run(*arguments: str) -> Any:
    changes = (f"--set={key}={json.dumps(value)}" for key, value in SMALL.items())
    varied = ("--vary", "width=2..40", "--vary", "modules=3..5")
    command = ["fit", NAME, *changes, "--target", "torch", *varied, *arguments, "--json"]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["networks"]


def test_what_is_found_comes_to_the_limit_and_is_measured_once(measured: list[str]) -> None:
    networks = run("--latency", "30ms")
    for row in networks:
        assert row["predicted"] == pytest.approx(row["macs"] / 1e9)
        assert row["measured"] == pytest.approx(row["macs"] / 1e9)
        assert row["predicted"] <= 0.03
    values = {**SMALL, "width": networks[0]["width"] + 1}
    assert hg.analyze(hg.build_graph(hg.load_spec(NAME, values))).macs > 0.03e9
    before = len(measured)
    assert run("--latency", "30ms") == networks
    sizes = {(row["width"], *row["modules"]) for row in networks}
    assert len(measured) - before == len(sizes)


def test_a_damaged_table_is_told_and_measured_anew(measured: list[str], tmp_path: Path) -> None:
    run("--latency", "30ms")
    (path,) = (tmp_path / "cache").rglob("*.json")
    path.write_text('{"conditions": 1}')
    with pytest.warns(UserWarning, match="holds no timings of ours, and is measured anew") as told:
        hg_latency().predict(hg.build_graph(hg.load_spec(NAME, SMALL)))
    assert len(told) == 1
    assert json.loads(path.read_text())["conditions"]["engine"] == "torch"


def hg_latency() -> Latency:
    """What predicts for torch."""
    from hrnet_graph.engines.engine import choose_engine

    engine, precision, threads, _ = choose_engine("torch", "float32", None)
    own = hg.build_graph(hg.load_spec(NAME, SMALL))
    return Latency(own, engine, precision, threads, 0.03)


def test_the_least_of_several_runs_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    latency = hg_latency()
    times = count()
    latency.clock = lambda: next(times) ** 2 / 1000
    assert latency.measure(hg.build_graph(hg.load_spec(NAME, SMALL))) == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--latency", "30"), "expected a time such as 30ms, got '30'"),
        (("--latency", "0ms"), "expected a time such as 30ms, got '0ms'"),
        (("--latency", "30ms"), "expected an engine for --latency"),
        (("--latency", "30ms", "--target", "x"), "unknown target 'x'"),
        (
            ("--latency", "30ms", "--target", "auto"),
            "expected one engine for --latency, got 'auto'",
        ),
        (("--macs", "1e9", "--target", "torch"), "--target changes nothing without a limit"),
        (("--macs", "1e9", "--threads", "1"), "--threads changes nothing without a limit"),
    ],
)
def test_what_says_no_latency_is_refused(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(cli, ["fit", NAME, *arguments])
    text = result.output + str(result.exception)
    assert result.exit_code
    assert message in text


def test_what_is_disturbed_in_one_turn_is_measured_right_in_the_other(
    measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = Latency._least

    def least(self: Latency, graph: Graph, seconds: float) -> float:
        first = graph.name not in measured
        return undisturbed(self, graph, seconds) * (9 if first and seconds < WHOLE else 1)

    monkeypatch.setattr(Latency, "_least", least)
    for row in run("--latency", "30ms"):
        assert row["predicted"] == pytest.approx(row["macs"] / 1e9)
