"""Figures say what is so: of a part alone, of rows, of fuse units, of two networks."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from drawn import faults
from figures import SMALL, graph

import hrnet_graph as hg
from hrnet_graph.analysis.cost import Cost, analyze
from hrnet_graph.analysis.numbers import count_of, short
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.choices import ViewName
from hrnet_graph.viz.compare import compare_scenes
from hrnet_graph.viz.draw import lay_out, scene_of
from hrnet_graph.viz.layout import decor
from hrnet_graph.viz.layout.compose import compose
from hrnet_graph.viz.layout.frame import Frame
from hrnet_graph.viz.layout.grid import columns
from hrnet_graph.viz.layout.metrics import Metrics
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.scene import Scene


def scene(g: hg.Graph, view: ViewName = "figure", only: str = "", **look: Any) -> Scene:
    return scene_of(g, view, only, (), Look(**look))


@pytest.mark.parametrize("view", ["figure", "block"])
@pytest.mark.parametrize("only", ["stage3", "stage3.0", "stage3.0.branches.1"])
def test_a_parts_totals_are_its_own(view: ViewName, only: str) -> None:
    g = graph(SMALL)
    nodes = analyze(g).nodes
    cost = sum((c for path, c in nodes.items() if path.startswith(f"{only}.")), Cost())
    assert 0 < cost.params < analyze(g).params
    totals = scene(g, view, only).totals
    assert totals == f"{short(cost.params)} parameters, {count_of(cost.macs, 'MACs')} at 3×224×224"


def test_the_whole_figures_totals_are_the_networks() -> None:
    g = graph(SMALL)
    report = analyze(g)
    assert scene(g).totals.startswith(f"{short(report.params)} parameters, ")
    assert f" {count_of(report.macs, 'MACs')} at " in scene(g).totals


@pytest.mark.parametrize("name", ["hrnetv2p_w32", "hrnet_w32_pose_256x192"])
def test_rows_are_named_by_a_size_that_is_drawn(name: str) -> None:
    g = graph(name)
    sizes = {
        (stride, "×".join(map(str, g[path].type.shape[1:])))
        for path, stride in strides(g).items()
        if len(g[path].type.shape) == 3
    }
    rows = scene(g, labels="numbers").rows
    assert len(rows) >= 4
    assert sizes >= set(rows.items())


def test_c_is_explained_where_it_is_written() -> None:
    g = graph(SMALL)
    note = ("C = 16 channels",)
    assert scene(g).notes == note
    assert scene(g, "fuse").notes == note
    assert scene(g, only="stem").notes == ()
    assert scene(g, "block").notes == ()
    assert scene(g, labels="numbers").notes == ()


@pytest.fixture(scope="module")
def bilinear() -> hg.Graph:
    g = graph(SMALL, {"stages.3.fuse.upsample": "bilinear"})
    resized = [n for n in g.nodes if n.op.family == "resample" and len(n.inputs) > 1]
    assert resized, "no resampling reads the size of another tensor"
    return g


def test_a_branch_read_for_its_size_alone_flows_nowhere(bilinear: hg.Graph) -> None:
    unit = scene(bilinear, "fuse")
    ways = [p.path for p in unit.parts if p.shape == "box" and p.path[-1].isdigit()]
    assert ways
    for path in ways:
        assert len([link for link in unit.links if link.target == path]) == 1
    assert faults(lay_out(bilinear, "fuse")) == []


def test_panels_follow_one_another_without_gaps() -> None:
    unit = scene(graph("hrnet_w48_cls"), "fuse")
    column = columns(unit)
    assert set(column.values()) == set(range(max(column.values()) + 1))
    spans = [{column[path] for path in group.members} for group in unit.groups]
    assert len(spans) == 4
    assert all(max(a) < min(b) for a, b in pairwise(spans))


@pytest.mark.parametrize("order", [1, -1])
def test_stages_of_both_networks_keep_apart(order: int) -> None:
    whole = graph("hrnet_w18_small_v1_cls")
    stages = hg.load_spec(SMALL).dump()["stages"][:-1]
    fewer = hg.build_graph(hg.load_spec(SMALL, {"stages": stages}))
    first, second = (whole, fewer)[::order]
    both = compare_scenes(first, second, Look())
    names = [group.path for group in both.groups if not group.depth]
    assert names.index("stage3") < names.index("stage4") < names.index("@head")
    column = columns(both)
    spans = [{column[path] for path in g.members} for g in both.groups if not g.depth]
    assert all(max(a) < min(b) for a, b in pairwise(spans))
    assert faults(compose(both, Look())) == []


@pytest.mark.parametrize("name", ["hrnetv2_w48_ocr_cityscapes", SMALL])
def test_bands_hold_the_links_between_their_parts(name: str) -> None:
    drawing = lay_out(graph(name))
    frame = Frame(scene(graph(name)), Metrics(horizontal=True))
    inner = 0
    for group in decor.band(frame.scene):
        top, bottom = decor.reach_across(frame, group)
        for index, lane in frame.grid.tracks.items():
            link = frame.scene.links[index]
            if {link.source, link.target} <= group.members:
                inner += 1
                assert top < frame.axes[lane] < bottom
    assert inner
    assert faults(drawing) == []


@pytest.mark.parametrize("orientation", ["lr", "tb"])
def test_what_is_pooled_has_no_height_left(orientation: Any) -> None:
    """It is drawn lower than any map, and the links that meet and leave it touch its ink."""
    drawing = lay_out(graph(SMALL), look=Look(orientation=orientation))
    across = 1 if orientation == "lr" else 0
    head = scene(graph(SMALL), orientation=orientation)
    faces: dict[str, float] = {}
    for part in (part for part in head.parts if part.shape == "map"):
        (box,) = (box.rect for box in drawing.boxes if box.path == part.path)
        front = [
            ink.points
            for ink in drawing.inks
            if len(ink.points) == 4 and len({p[0] for p in ink.points}) == 2
            and all(box.x <= x <= box.x + box.width for x, _ in ink.points)
            and all(box.y <= y <= box.y + box.height for _, y in ink.points)
        ]  # fmt: skip
        faces[part.path] = max(
            max(p[across] for p in points) - min(p[across] for p in points) for points in front
        )
    pooled = {part.path for part in head.parts if part.pooled}
    assert len(pooled) == 2
    assert max(faces[path] for path in pooled) < min(
        face for path, face in faces.items() if path not in pooled
    )
    for arrow in drawing.arrows:
        if arrow.source in pooled:
            assert any(touches(ink.points, arrow.points[0]) for ink in drawing.inks if ink.fill)
        if arrow.target in pooled:
            assert any(touches(ink.points, arrow.points[-1]) for ink in drawing.inks if ink.fill)


def touches(polygon: tuple[tuple[float, float], ...], point: tuple[float, float]) -> bool:
    """Whether a point lies within half a point of the edge of a polygon."""
    x, y = point
    for (ax, ay), (bx, by) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        dx, dy = bx - ax, by - ay
        t = min(max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0), 1)
        if math.hypot(x - ax - t * dx, y - ay - t * dy) < 0.5:
            return True
    return False


def test_what_is_pooled_is_not_upsampled() -> None:
    links = scene(graph(SMALL, {"head": {"kind": "regression", "joints": 4}})).links
    pooled = [link for link in links if link.target.startswith("@head")]
    assert len(pooled) > 2
    assert {link.direction for link in pooled} == {"flow"}
