"""Panels of stages, modules and heads hold what is theirs, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from drawn import faults
from figures import HEADS, SMALL, graph

from hrnet_graph.choices import ViewName
from hrnet_graph.viz.draw import lay_out, scene_of
from hrnet_graph.viz.layout import decor
from hrnet_graph.viz.layout.frame import Frame
from hrnet_graph.viz.layout.grid import columns
from hrnet_graph.viz.layout.metrics import Metrics
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.to_png import RESOLUTION, fitting


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(
    ("view", "expand"),
    [("figure", ()), ("module", ()), ("module", ("stage4",)), ("block", ()), ("op", ())],
)
def test_no_part_stands_in_a_panel_that_is_not_its_own(
    name: str, view: ViewName, expand: Sequence[str]
) -> None:
    scene = scene_of(graph(name), view, "", expand, Look())
    column = columns(scene)
    assert scene.groups
    for group in scene.groups:
        own = {column[path] for path in group.members}
        strangers = [
            p for p in column if p not in group.members and min(own) <= column[p] <= max(own)
        ]
        assert strangers == [], group.path


def test_a_transition_stands_before_the_stage_that_it_leads_to() -> None:
    views: tuple[tuple[ViewName, Sequence[str]], ...] = (("block", ()), ("module", ["stage4"]))
    for view, expand in views:
        boxes = {b.path: b.rect for b in lay_out(graph("hrnet_w32_cls"), view, "", expand).boxes}
        right = max(r.x + r.width for path, r in boxes.items() if path.startswith("transition3"))
        assert right < min(r.x for path, r in boxes.items() if path.startswith("stage4"))


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("horizontal", [True, False])
def test_links_of_a_head_run_inside_its_panel(name: str, horizontal: bool) -> None:
    frame = Frame(scene_of(graph(name), "figure", "", (), Look()), Metrics(horizontal))
    for group in decor.band(frame.scene):
        first, last = frame.grid.span(group.members)
        top, bottom = decor.reach_across(frame, group)
        for index, lane in frame.grid.tracks.items():
            link = frame.scene.links[index]
            span = [frame.grid.cells[path].column for path in (link.source, link.target)]
            if {link.source, link.target} & group.members and span[0] < last and span[1] > first:
                assert top <= frame.axes[lane] <= bottom, (link, group.path)


@pytest.mark.parametrize("name", HEADS)
def test_rows_stand_near_one_another(name: str) -> None:
    """Whatever else stands at 1/4, the branches' rows are as far apart as their maps ask for."""
    frame = Frame(scene_of(graph(name), "figure", "", (), Look()), Metrics(horizontal=True))
    axes = [frame.axes[row, 0] for stride, row in frame.grid.rows.items() if 4 <= stride <= 32]
    gaps = [b - a for a, b in pairwise(axes)]
    assert max(gaps) < 2 * min(gaps)
    assert max(gaps) < 110


@pytest.mark.parametrize("name", HEADS)
def test_the_stem_is_drawn_in_its_two_steps(name: str) -> None:
    g = graph(name)
    prefix = g.backbone_prefix
    arrows = {(a.source, a.target): a.kind for a in lay_out(g).arrows}
    first, second = f"{prefix}@stem.conv1", f"{prefix}@stem.conv2"
    assert arrows[g.input.path, first] == "down"
    assert arrows[first, second] == "down"
    views: tuple[ViewName, ...] = ("stage", "module", "op")
    for view in views:
        kinds = {a.kind for a in lay_out(g, view).arrows if a.source == g.input.path}
        assert kinds == {"down"}, view


def test_a_stem_can_be_opened() -> None:
    opened = scene_of(graph(SMALL), "figure", "", ("stem",), Look())
    assert {"@stem.conv1", "@stem.bn1", "@stem.act2"} <= opened.part_at.keys()


def test_the_blocks_of_ocr_fit_a_png_and_keep_what_their_names_end_in() -> None:
    g = graph("hrnetv2_w48_ocr_cityscapes")
    drawing = lay_out(g, "block")
    assert fitting(drawing, RESOLUTION) == RESOLUTION
    opened = lay_out(g, "block", expand=["head.ocr_distri_head"])
    assert faults(opened) == []
    names = {words.owner: words.lines for words in opened.labels if words.owner}
    path = "@head.ocr_distri_head.object_context_block.f_pixel.3.0"
    assert path in names, sorted(names)[:9]
    assert "".join(names[path]).startswith("ocr_distri_head.object_context_block.f_pixel.3.0")


def test_a_sum_with_convolutions_says_so() -> None:
    g = graph("hrnet_w32_cls")
    for look in (Look(), Look(colour="macs")):
        said = {words.owner: words.lines for words in lay_out(g, look=look).labels}
        assert said["@head.sum1"] == ("conv 3x3 /2", "sum", "512")
    said = {
        words.owner: words.lines for words in lay_out(graph("hrnetv2_w18_landmark_wflw")).labels
    }
    assert said["@head.@upsample"][0] == "concat"
