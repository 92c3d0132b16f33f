"""The HTML page, read without a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

import pytest
from figures import HEADS
from hostile import NAMES, hostile_graph
from hypothesis import given, settings
from strategies import Data, specs

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.receptive_field import receptive_fields, strides
from hrnet_graph.ir.builder import Builder
from hrnet_graph.ir.graph import Initialisation
from hrnet_graph.ir.hierarchy import LEVELS, collapse, convex_scopes, outermost
from hrnet_graph.ir.ops import Activation, BatchNorm
from hrnet_graph.viz.html.document import document, openings, rows
from hrnet_graph.viz.html.page import to_html
from hrnet_graph.viz.theme import number_of


class Page(HTMLParser):
    """The elements of a page, and the text in its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def held(text: str) -> Any:
    """The JSON document in a page."""
    return json.loads(Page(text).scripts[0])


@pytest.mark.parametrize("name", HEADS)
def test_the_page_holds_the_graph(name: str) -> None:
    graph = hg.build_graph(name)
    data = held(to_html(graph))
    nodes = data["nodes"]
    assert nodes["path"] == [node.path for node in graph.order]
    paths = [[nodes["path"][i] for i in inputs] for inputs in nodes["inputs"]]
    assert paths == [list(node.inputs) for node in graph.order]
    assert nodes["shape"] == [list(node.type.shape) for node in graph.order]
    assert [data["ops"][i][0] for i in nodes["op"]] == [node.op.label for node in graph.order]
    report = hg.analyze(graph)
    for cost in ("params", "macs"):
        assert nodes[cost] == [getattr(report.nodes[node.path], cost) for node in graph.order]
    assert 4 * sum(nodes["memory"]) == memory(graph).activations
    stride = strides(graph)
    assert nodes["hue"] == [number_of(stride[node.path]) for node in graph.order]
    named = {1 / Fraction(name) for _, names in data["resolutions"] for name in names.split(", ")}
    assert named == set(stride.values())
    assert data["totals"] == {"params": report.params, "macs": report.macs}
    found = receptive_fields(graph)
    assert nodes["field"] == [found[node.path].size or 0 for node in graph.order]
    assert [(name, nodes["path"][i]) for name, i in data["outputs"]] == list(graph.outputs)
    entries = [
        f"{node.key}.{entry}"
        for node, state in zip(graph.order, nodes["state"], strict=True)
        for entry, _ in data["states"][state]
    ]
    assert sorted(entries) == sorted(graph.state())


def assert_levels_are_those_of_collapse(graph: hg.Graph) -> None:
    closing = openings(graph)
    for number, level in enumerate(LEVELS):
        closed = {path for path, opens in closing.items() if opens > number}
        boxes = {outermost(node.path, closed) for node in graph.nodes}
        assert boxes == set(collapse(graph, level).boxes), level


@pytest.mark.parametrize("name", HEADS)
def test_the_levels_are_those_of_the_hierarchy(name: str) -> None:
    assert_levels_are_those_of_collapse(hg.build_graph(name))


@settings(deadline=None, max_examples=25)
@given(specs())
def test_random_networks_have_levels_and_rows(data: Data) -> None:
    try:
        graph = hg.build_graph(data)
    except hg.SpecError:
        return
    assert_levels_are_those_of_collapse(graph)
    row_of = rows(graph)
    assert row_of.keys() == graph.node_at.keys()
    assert len(held(to_html(graph))["rows"]) == max(row_of.values()) + 1


def test_scopes_that_wait_for_each_other_stay_open() -> None:
    b = Builder(BatchNorm(), Activation("relu"))
    image = b.input((3, 8, 8))
    with b.scope("a", kind="stage"), b.scope("block", kind="block"):
        left = b.conv("conv", image, 4)
    with b.scope("b", kind="stage"):
        left = b.conv("after_a", left, 4)
        right = b.conv("before_a", image, 4)
    with b.scope("a"):
        right = b.norm("norm", b.conv("after_b", right, 4))
    init = Initialisation()
    total = b.sum("sum", left, right)
    graph = b.finish(total, name="knot", init=init, head_init=init)
    assert {"a", "b"} <= convex_scopes(graph).keys()
    assert openings(graph) == {"a.block": 3}


def test_nodes_stand_in_the_row_of_their_branch_or_size() -> None:
    row_of = rows(hg.build_graph("hrnet_w32_cls"))
    assert row_of["@stem.conv1"] == 0
    assert row_of["stage3.0.fuse_layers.2.0.0.0"] == 2
    assert row_of["@head.sum1"] == 2
    assert row_of["@head.classifier"] == 3
    assert document(hg.build_graph("hrnet_w32_cls"))["rows"] == [
        [56, 56],
        [28, 28],
        [14, 14],
        [7, 7],
    ]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = to_html(hg.build_graph("hrnet_w18_small_v1_cls"))
    assert text.isascii()
    links = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text)
    assert set(links) == {"http://www.w3.org/2000/svg"}
    for tag, attributes in Page(text).tags:
        assert tag not in {"link", "img", "iframe", "object"}
        assert not {"src", "href", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    (policy,) = [a["content"] for t, a in Page(text).tags if "http-equiv" in a]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_is_small() -> None:
    assert len(to_html(hg.build_graph("hrnet_w18_small_v1_cls"))) < 150_000
    assert len(to_html(hg.build_graph("hrnet_w48_cls"))) < 250_000


def test_the_page_is_the_same_from_run_to_run() -> None:
    code = (
        "import hrnet_graph as hg; from hrnet_graph.viz.html.page import to_html;"
        "from hashlib import sha256;"
        "print(sha256(to_html(hg.build_graph('hrnetv2p_w18')).encode()).hexdigest())"
    )

    def digest(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert digest("1") == digest("2")


def test_hostile_names_leave_the_page_whole() -> None:
    text = to_html(hostile_graph())
    assert text.isascii()
    page, clean = Page(text), Page(to_html(hg.build_graph("hrnet_w18_small_v1_cls")))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in clean.tags]
    assert page.scripts[1:] == clean.scripts[1:]
    scopes = {scope["path"] for scope in held(text)["scopes"]}
    assert scopes >= set(NAMES)
    assert [name for name, _ in held(text)["outputs"]] == list(NAMES)


def test_fields_that_would_take_long_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrnet_graph.viz.html.document.MAX_FIELDS", 100)
    assert "field" not in document(hg.build_graph("hrnet_w18_small_v1_cls"))["nodes"]
