"""One figure of two networks: it marks what differs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from drawn import faults, read_svg
from figures import HEADS, SMALL, graph

import hrnet_graph as hg
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.render import render_difference


def marks(drawing: Drawing) -> dict[str, str]:
    kinds = {box.path: box.kind.split() for box in drawing.boxes}
    return {path: kind[1] if len(kind) > 1 else "" for path, kind in kinds.items()}


def test_a_difference_marks_what_differs(tmp_path: Path) -> None:
    from hrnet_graph.viz.compare import compare_scenes
    from hrnet_graph.viz.layout.compose import compose

    a = graph(SMALL)
    changes: Sequence[tuple[dict[str, object], dict[str, str]]] = (
        ({"stages.2.modules": 2}, {"stage3.1.branches.0": "added", "stage3.0.branches.0": ""}),
        ({"stages.1.blocks": 3}, {"stage2.0.branches.0": "changed", "stage3.0.branches.0": ""}),
        ({}, {"stage2.0.branches.0": "", "stage4.0.fuse_layers.3": ""}),
    )
    for change, expected in changes:
        b = hg.build_graph(hg.load_spec(SMALL, change))
        for before, after, name in ((a, b, "added"), (b, a, "removed")):
            drawing = compose(compare_scenes(before, after, Look()), Look())
            assert faults(drawing) == []
            found = marks(drawing)
            for path, mark in expected.items():
                assert found[path] == (name if mark == "added" else mark)
            said = {words.lines[0] for words in drawing.labels}
            assert said >= {mark for mark in found.values() if mark}
    file = render_difference(a, graph("hrnet_w32_pose_256x192"), tmp_path / "a.svg")
    figure = read_svg(file.read_bytes())
    assert {kind.split()[-1] for kind, _ in figure.parts.values()} >= {"removed", "changed"}


@pytest.mark.parametrize(("a", "b"), [(HEADS[i], HEADS[i - 1]) for i in range(len(HEADS))])
def test_any_two_networks_make_one_figure(a: str, b: str) -> None:
    from hrnet_graph.viz.compare import compare_scenes
    from hrnet_graph.viz.layout.compose import compose

    assert faults(compose(compare_scenes(graph(a), graph(b), Look()), Look())) == []


def test_a_tensor_of_both_networks_is_one_tensor() -> None:
    """Whether a backbone's paths have a prefix or not, its readers leave it at one place."""
    from hrnet_graph.viz.compare import compare_scenes
    from hrnet_graph.viz.layout.compose import compose

    detector, backbone = graph("hrnetv2p_w18"), graph("hrnetv2_w18")
    assert (detector.backbone_prefix, backbone.backbone_prefix) == ("backbone.", "")
    for pair in ((detector, backbone), (backbone, detector)):
        drawing = compose(compare_scenes(*pair, Look()), Look())
        last = [a for a in drawing.arrows if a.source == "stage4.2.fuse_layers.1"]
        assert {arrow.target for arrow in last} == {"@head.@upsample", "output out1"}
        assert len({arrow.points[0] for arrow in last}) == 1
