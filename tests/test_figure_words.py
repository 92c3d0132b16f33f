"""The words of a figure: whole, and harmless whatever they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn import faults, read_svg
from figures import HEADS, SMALL, dot_of, graph, svg_of

import hrnet_graph as hg
from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.viz.draw import lay_out
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
        assert faults(drawing) == []
        assert len(drawing.boxes) == len(lay_out(plain, view).boxes)
    views: tuple[ViewName, ...] = ("figure", "module")
    for view in views:
        assert len(dot_of(g, view)) < 400_000
        svg = svg_of(g, view)
        assert len(read_svg(svg).parts) == len(lay_out(plain, view).boxes)
        assert b"<script" not in svg
        assert b"<b>" not in svg
