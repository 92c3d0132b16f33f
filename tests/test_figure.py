"""Figures: a reading of the graph, with nothing in anything's way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from drawn import faults, read_svg
from figures import SMALL, graph, svg_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kinds import CATALOGUE
from strategies import specs

import hrnet_graph as hg
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.ir.hierarchy import View, collapse_to
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.select import figure_boxes, figure_view, layer_view, view_boxes

law = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def built(data: dict[str, Any]) -> hg.Graph:
    """A random spec's graph, at a size that fits."""
    for size in (None, (256, 256)):
        try:
            return hg.build_graph(data, size)
        except hg.SpecError as error:
            assert "does not fit" in str(error)
    assume(False)
    raise AssertionError


def shown(g: hg.Graph, view: ViewName) -> View:
    """What a view is to show."""
    if view == "figure":
        return figure_view(g, figure_boxes(g), strides(g))
    collapsed = collapse_to(g, view_boxes(g, view))
    return layer_view(collapsed, hg.analyze(g).nodes) if view == "layer" else collapsed


def check_reading(
    g: hg.Graph, view: View, parts: set[str], edges: Counter[tuple[str, str]]
) -> None:
    """The drawn parts hold every operation once; the drawn edges are the tensors between them."""
    outputs = {f"output {name}" for name, _ in g.outputs}
    assert parts == view.boxes.keys() | outputs
    held = [node.path for box in view.boxes.values() for node in box.nodes]
    assert sorted(held) == sorted(node.path for node in g.nodes)
    box_of = {node.path: box.path for box in view.boxes.values() for node in box.nodes}
    tensors = {
        (box_of[operand], box_of[node.path], operand)
        for node in g.nodes
        for operand in node.inputs
        if box_of[operand] != box_of[node.path]
    }
    expected = Counter((source, target) for source, target, _ in tensors)
    expected.update((box_of[path], f"output {name}") for name, path in g.outputs)
    assert edges == expected


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_figure_of_the_catalogue_is_a_reading_of_the_graph(name: str) -> None:
    g = graph(name)
    drawing = lay_out(g)
    assert faults(drawing) == []
    figure = read_svg(svg_of(g))
    check_reading(g, shown(g, "figure"), set(figure.parts), figure.edges)
    assert figure.size == pytest.approx((drawing.width, drawing.height), abs=1.5)


@law
@given(specs(max_branches=6), st.sampled_from(["lr", "tb"]))
def test_a_figure_of_a_random_network(data: dict[str, Any], orientation: Any) -> None:
    g = built(data)
    for view in VIEWS:
        if view == "fuse" and not any(scope.kind == "fuse" for scope in g.scopes):
            continue
        drawing = lay_out(g, view, look=Look(orientation=orientation))
        assert faults(drawing, orientation == "lr") == []
        if view != "fuse":
            edges = Counter((arrow.source, arrow.target) for arrow in drawing.arrows)
            check_reading(g, shown(g, view), {box.path for box in drawing.boxes}, edges)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_branches=6))
def test_the_svg_of_a_random_network(data: dict[str, Any]) -> None:
    g = built(data)
    figure = read_svg(svg_of(g))
    check_reading(g, shown(g, "figure"), set(figure.parts), figure.edges)


@pytest.mark.parametrize("view", ["stage", "module", "block"])
@pytest.mark.parametrize("name", [SMALL, "hrnetv2p_w18", "higherhrnet_w32_512"])
def test_a_collapsed_view_is_a_reading_of_the_graph(name: str, view: ViewName) -> None:
    g = graph(name)
    drawing = lay_out(g, view)
    assert faults(drawing) == []
    edges = Counter((arrow.source, arrow.target) for arrow in drawing.arrows)
    check_reading(g, shown(g, view), {box.path for box in drawing.boxes}, edges)


def test_the_svg_of_every_operation_is_a_reading_of_the_graph() -> None:
    g = graph(SMALL)
    figure = read_svg(svg_of(g, "op"))
    check_reading(g, shown(g, "op"), set(figure.parts), figure.edges)
    assert set(figure.edges) >= set(g.nx.edges)
