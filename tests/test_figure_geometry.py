"""Where a figure puts things: rows, arrows, heads, and a journal's column."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from drawn import faults, read_svg
from figures import HEADS, SMALL, graph, svg_of

from hrnet_graph.analysis.receptive_field import receptive_fields, strides
from hrnet_graph.ir.hierarchy import branch_of
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.look import Look


@pytest.mark.parametrize("name", HEADS)
def test_branches_keep_their_rows_in_execution_order(name: str) -> None:
    g = graph(name)
    figure = read_svg(svg_of(g))
    backbone = {path: rect for path, (_, rect) in figure.parts.items() if path in g.scope_at}
    rows: dict[int, set[float]] = {}
    for path, rect in backbone.items():
        branch = branch_of(g, f"{path}.")
        if branch is not None and not path.startswith("@head"):
            rows.setdefault(branch, set()).add(round(rect.y + rect.height))
    levels = [max(row) for _, row in sorted(rows.items())]
    assert levels == sorted(levels)
    assert len(levels) == 4
    assert all(max(row) - min(row) <= 1 for row in rows.values())
    for source, target in figure.edges:
        left, right = figure.parts[source][1], figure.parts[target][1]
        assert left.x + left.width <= right.x


@pytest.mark.parametrize("name", [SMALL, "higherhrnet_w32_512"])
def test_rows_are_the_strides_of_receptive_fields(name: str) -> None:
    g = graph(name)
    expected = receptive_fields(g)
    for path, stride in strides(g).items():
        if len(g[path].type.shape) == 3 and g[path].type.size != (1, 1):
            assert float(stride) == expected[path].stride
    assert strides(g)[g.outputs[0][1]] == (32 if name == SMALL else 4)


def test_every_fuse_has_its_arrows_and_ups_and_downs_differ() -> None:
    drawing = lay_out(graph("hrnet_w48_cls"))
    fuses = Counter(
        arrow.kind for arrow in drawing.arrows if arrow.target.startswith("stage4.1.fuse_layers")
    )
    assert fuses == {"flow": 4, "down": 6, "up": 6}
    looks = {arrow.kind: (arrow.colour, arrow.dash) for arrow in drawing.arrows}
    assert len({colour for colour, _ in looks.values()}) == 3
    assert looks["down"][1] != looks["up"][1]
    said = {line for words in drawing.labels for line in words.lines}
    assert {
        "C ×4",
        "2C ×4",
        "8C ×4",
        "1/4",
        "1/32",
        "stage3.3",
        "stage4.2",
        "C = 48 channels",
    } <= said


def test_heads_are_drawn_as_the_papers_draw_them() -> None:
    def head(name: str) -> Counter[tuple[str, str]]:
        drawing = lay_out(graph(name))
        return Counter(
            (arrow.kind, arrow.target) for arrow in drawing.arrows if "head" in arrow.target
        )

    assert head("hrnet_w32_pose_256x192") == {("flow", "@head.final_layer"): 1}
    concat = {("flow", "@head.@upsample"): 1, ("up", "@head.@upsample"): 3}
    assert concat.items() <= head("hrnetv2_w18_landmark_wflw").items()
    assert sum(kind == "down" for kind, _ in head("hrnetv2p_w18")) == 4
    assert sum(kind == "down" for kind, _ in head(SMALL)) == 3
    assert head("higherhrnet_w32_512")["up", "@head.deconv_layers"] == 1
    steps = {"@head.aux_head", "@head.ocr_gather_head", "@head.ocr_distri_head"}
    assert steps < {target for _, target in head("hrnetv2_w48_ocr_cityscapes")}


@pytest.mark.parametrize("orientation", ["lr", "tb"])
@pytest.mark.parametrize(("column", "inches"), [("single", 3.5), ("double", 7.16)])
def test_a_figure_fits_a_journals_column(orientation: Any, column: Any, inches: float) -> None:
    drawing = lay_out(graph("hrnet_w48_cls"), look=Look(width=column, orientation=orientation))
    assert drawing.size[0] == pytest.approx(72 * inches)
    assert faults(drawing, orientation == "lr") == []
    if (orientation, column) in (("lr", "double"), ("tb", "single")):
        assert drawing.small_print > 3.6
