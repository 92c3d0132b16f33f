"""Where sizes do not fit, the part of a network that does is a graph: drawn, counted and bounded."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from drawn import faults
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import specs

import hrnet_graph as hg
from hrnet_graph.choices import ViewName
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.html.page import to_html

VIEWS: tuple[ViewName, ...] = ("figure", "stage", "module", "block", "op")


@pytest.mark.parametrize(
    ("text", "stopped", "nodes"),
    [
        ("extends: hrnet_w18_small_v1_cls\ninput: [3, 230, 224]", "stage3.0.fuse_layers.0", 113),
        ("extends: hrnet_w18_small_v1_cls\ninput: [3, 226, 224]", "stage2.0.fuse_layers.0", 56),
        ("extends: hrnet_w18_small_v1_cls\nnorm: {kind: group, groups: 7}", "@stem", 2),
        ("extends: hrnetv2_w18\nnorm: {kind: group, groups: 16}", "transition1.0", 50),
        ("extends: hrnetv2_w18\nhead: {out_indices: [5]}", "@head", 1044),
        ("extends: hrnet_w32_cls\nbackbone: classifier", "@head.classifier", 1110),
    ],
)
def test_a_part_ends_where_the_spec_does_not_fit(text: str, stopped: str, nodes: int) -> None:
    found = hg.check(text)
    assert found.graph is not None
    assert (found.stopped, len(found.graph.nodes)) == (stopped, nodes)
    assert found.report is None
    assert hg.analyze(found.graph).total.params > 0
    draw(found.graph)


def test_a_network_of_too_many_operations_is_no_graph() -> None:
    found = hg.check("extends: hrnet_w32_cls\nstages: {3: {modules: 1000, blocks: 9}}")
    assert "more than 100000 operations" in found.problems[0].message
    assert found.graph is None
    assert found.stopped.startswith("stage4.")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_stages=3, max_branches=3), st.integers(9, 90), st.integers(9, 90))
def test_any_part_is_drawn_and_is_part_of_the_whole(
    data: dict[str, Any], height: int, width: int
) -> None:
    data["input"] = [data["input"][0], height, width]
    found = hg.check(yaml.safe_dump(data))
    assume(found.stopped)
    assert found.graph is not None
    whole = hg.build_graph(data, (64, 64))
    paths = [node.path for node in found.graph.nodes]
    assert paths == [node.path for node in whole.nodes if node.path in found.graph.node_at]
    for node in found.graph.operations:
        assert (node.op, node.inputs) == (whole[node.path].op, whole[node.path].inputs)
    stage = found.stopped.removeprefix("backbone.").partition(".")[0]
    assert any(f".{stage}." in f".{node.path}" for node in whole.nodes)
    draw(found.graph)


def draw(graph: hg.Graph) -> None:
    """Draws a graph in all ways; nothing gets in anything's way."""
    for view in VIEWS[:3] if len(graph.nodes) > 200 else VIEWS:
        drawing = lay_out(graph, view)
        assert drawing.boxes
        assert not faults(drawing)
    assert to_html(graph)
