"""The words of a figure: whole, and harmless whatever they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn import faults, read_svg
from figures import HEADS, SMALL, dot_of, graph, svg_of

import hrnet_graph as hg
from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.viz.draw import lay_out
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.words import clean


def test_no_words_are_cut() -> None:
    for name in HEADS[::3]:
        for view in VIEWS[:-1]:
            drawing = lay_out(graph(name), view)
            for words in drawing.labels:
                needed, _ = drawing.font.extent(words.lines, words.size, words.bold)
                assert needed <= words.rect.width + 1e-6, words


def test_clean_words() -> None:
    assert clean("a\n b\x00\u202ec") == "a bc"
    assert clean("x" * 100, 10) == "xxxx…xxxxx"


HOSTILE = {
    "markup": '"quoted" \\N <b>bold</b> & <script>alert(1)</script> -->',
    "control": "two\nlines\x00and\x1ba bell\x07",
    "long": "x" * 10_000,
    "bidi": "שלום عالم \u202eevil",
    "dot": ']; a -> b [label="\\G" <![CDATA[',
}


def renamed(g: hg.Graph, name: str) -> hg.Graph:
    """The graph with a hostile name wherever a name can stand: also in paths."""
    part = name.replace(".", " ")

    def path(old: str) -> str:
        return old.replace("stage3", f"stage3{part}").replace("final_layer", part)

    nodes = tuple(
        replace(node, path=path(node.path), inputs=tuple(path(p) for p in node.inputs))
        for node in g.nodes
    )
    scopes = tuple(
        replace(scope, path=path(scope.path), label=scope.label and name) for scope in g.scopes
    )
    outputs = tuple((f"{name}{i}", path(p)) for i, (_, p) in enumerate(g.outputs))
    return replace(g, name=name, nodes=nodes, scopes=scopes, outputs=outputs)


@pytest.mark.parametrize("name", list(HOSTILE.values()), ids=list(HOSTILE))
def test_hostile_names_break_nothing(name: str) -> None:
    plain = graph(SMALL)
    g = renamed(plain, name)
    for view in VIEWS:
        drawing = lay_out(g, view)
        assert faults(drawing, horizontal=view != "layer") == []
        assert len(drawing.boxes) == len(lay_out(plain, view).boxes)
    views: tuple[ViewName, ...] = ("figure", "module")
    for view in views:
        assert len(dot_of(g, view)) < 400_000
        svg = svg_of(g, view)
        assert len(read_svg(svg).parts) == len(lay_out(plain, view).boxes)
        assert b"<script" not in svg
        assert b"<b>" not in svg


def test_kinds_are_told_apart() -> None:
    """What differs from HRNet's own blocks and fuse units says so, in words."""

    def words(**changes: object) -> list[str]:
        drawing = lay_out(hg.build_graph(hg.load_spec(SMALL, changes)))
        return [line for label in drawing.labels for line in label.lines]

    plain = words()
    assert "squeeze-excite" not in plain
    assert not any("fuse units" in line for line in plain)
    weighed = {"kind": "basic", "squeeze_excite": {"reduction": 4}}
    assert words(**{"stages.2.block": weighed}).count("squeeze-excite") > 2
    assert "inverted residual" in words(**{"stages.2.block": "inverted_residual"})
    fuse = {"kind": "sum", "upsample": "pixel_shuffle", "downsample": "average_pool"}
    assert "fuse units: pixel shuffle, average pool" in words(fuse=fuse)


def test_joints_stand_side_by_side_and_their_units_in_a_row() -> None:
    g = graph("dekr_w32_coco_512")
    (label,) = (x for x in lay_out(g).labels if x.owner == "@head.@joints")
    assert label.lines == ("17 joints", "34 ×2", "adaptive")


@pytest.mark.parametrize(
    ("name", "title"),
    [("joints", "head.joints"), ("offset_feature_layers.3", "head.joints.offset_feature_layers.3")],
)
def test_a_part_goes_by_what_its_weights_are_called(name: str, title: str) -> None:
    drawing = lay_out(graph("dekr_w32_coco_512"), only=name)
    assert drawing.labels[0].lines == (f"dekr_w32_coco_512, {title}",)
    with pytest.raises(hg.HRNetGraphError) as refused:
        lay_out(graph("dekr_w32_coco_512"), only="head.joint")
    assert "did you mean 'head.joints'? (known: stem, " in str(refused.value)
    assert "head.transition_offset" in str(refused.value)


def test_layers_go_down_a_page_unless_told() -> None:
    g = graph("litehrnet18_coco_256x192")
    wide, high = lay_out(g, "layer", "stage0.0").size
    assert 2 * wide < high
    told = lay_out(g, "layer", "stage0.0", look=Look(orientation="lr"))
    assert told.width > 2 * told.height
