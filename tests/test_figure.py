"""Figures: a reading of the graph, on a grid, with nothing in anything's way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drawn import faults, read_svg
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import specs

import hrnet_graph as hg
from hrnet_graph.analysis.field import fields
from hrnet_graph.analysis.stride import strides
from hrnet_graph.ir.hierarchy import View, branch_of, collapse
from hrnet_graph.viz.dot import drawn, to_dot
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.engine import draw
from hrnet_graph.viz.look import Look
from hrnet_graph.viz.render import render, render_difference
from hrnet_graph.viz.select import VIEWS, ViewName, figure_boxes, figure_view
from hrnet_graph.viz.words import clean, width

SMALL = "hrnet_w18_small_v1_cls"

HEADS = (
    SMALL,
    "hrnet_w32_pose_256x192",
    "hrnetv2_w18",
    "hrnetv2_w18_small_v1_seg_cityscapes",
    "hrnetv2_w48_ocr_cityscapes",
    "hrnetv2_w18_landmark_wflw",
    "hrnetv2p_w18",
    "higherhrnet_w32_512",
)
"""One network a kind of head."""

law = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def graph(name: str) -> hg.Graph:
    return hg.build_graph(hg.load_spec(name))


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
    assert view != "fuse"
    return collapse(g, view)


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


@pytest.mark.parametrize("name", hg.list_specs())
def test_a_figure_of_the_catalogue_is_a_reading_of_the_graph(name: str) -> None:
    g = graph(name)
    drawing = drawn(g)
    assert faults(drawing) == []
    figure = read_svg(draw(to_dot(g), "svg"))
    check_reading(g, shown(g, "figure"), set(figure.parts), figure.edges)
    assert figure.size == pytest.approx((drawing.width, drawing.height), abs=1.5)


@law
@given(specs(max_branches=6), st.sampled_from(["lr", "tb"]))
def test_a_figure_of_a_random_network(data: dict[str, Any], orientation: Any) -> None:
    g = built(data)
    for view in VIEWS:
        if view == "fuse" and not any(scope.kind == "fuse" for scope in g.scopes):
            continue
        drawing = drawn(g, view, look=Look(orientation=orientation))
        assert faults(drawing, orientation == "lr") == []
        if view != "fuse":
            edges = Counter((arrow.source, arrow.target) for arrow in drawing.arrows)
            check_reading(g, shown(g, view), {box.path for box in drawing.boxes}, edges)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(specs(max_branches=6))
def test_the_svg_of_a_random_network(data: dict[str, Any]) -> None:
    g = built(data)
    figure = read_svg(draw(to_dot(g), "svg"))
    check_reading(g, shown(g, "figure"), set(figure.parts), figure.edges)


@pytest.mark.parametrize("view", ["stage", "module", "block"])
@pytest.mark.parametrize("name", [SMALL, "hrnetv2p_w18", "higherhrnet_w32_512"])
def test_a_collapsed_view_is_a_reading_of_the_graph(name: str, view: ViewName) -> None:
    g = graph(name)
    drawing = drawn(g, view)
    assert faults(drawing) == []
    edges = Counter((arrow.source, arrow.target) for arrow in drawing.arrows)
    check_reading(g, shown(g, view), {box.path for box in drawing.boxes}, edges)


def test_the_svg_of_every_operation_is_a_reading_of_the_graph() -> None:
    g = graph(SMALL)
    figure = read_svg(draw(to_dot(g, "op"), "svg"))
    check_reading(g, shown(g, "op"), set(figure.parts), figure.edges)
    assert set(figure.edges) >= set(g.nx.edges)


@pytest.mark.parametrize("name", HEADS)
def test_branches_keep_their_rows_in_execution_order(name: str) -> None:
    g = graph(name)
    figure = read_svg(draw(to_dot(g), "svg"))
    trunk = {path: rect for path, (_, rect) in figure.parts.items() if path in g.scope_at}
    rows: dict[int, set[float]] = {}
    for path, rect in trunk.items():
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
    expected = fields(g)
    for path, stride in strides(g).items():
        if len(g[path].type.shape) == 3 and g[path].type.size != (1, 1):
            assert float(stride) == expected[path].stride
    assert strides(g)[g.outputs[0][1]] == (32 if name == SMALL else 4)


def test_no_words_are_cut() -> None:
    for name in HEADS[::3]:
        for view in VIEWS[:-1]:
            drawing = drawn(graph(name), view)
            for words in drawing.words:
                needed = max(width(line, words.size) for line in words.lines) / 1.12
                assert needed <= words.rect.width, words


def test_every_fuse_has_its_arrows_and_ups_and_downs_differ() -> None:
    drawing = drawn(graph("hrnet_w48_cls"))
    fuses = Counter(
        arrow.kind for arrow in drawing.arrows if arrow.target.startswith("stage4.1.fuse_layers")
    )
    assert fuses == {"flow": 4, "down": 6, "up": 6}
    looks = {arrow.kind: (arrow.colour, arrow.dash) for arrow in drawing.arrows}
    assert len({colour for colour, _ in looks.values()}) == 3
    assert looks["down"][1] != looks["up"][1]
    said = {line for words in drawing.words for line in words.lines}
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
        drawing = drawn(graph(name))
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


def test_a_fuse_in_detail_names_its_operators() -> None:
    g = graph("hrnet_w48_cls")
    drawing = drawn(g, "fuse", only="stage3.1")
    assert faults(drawing) == []
    said = {words.owner: words.lines for words in drawing.words if words.owner}
    assert said["stage3.1.fuse_layers.2.0"] == (
        "conv 3x3 /2, batch norm, relu",
        "conv 3x3 /2, batch norm",
    )
    assert said["stage3.1.fuse_layers.0.2"] == ("conv 1x1, batch norm", "nearest x4")
    held = {box.path for box in drawing.boxes}
    ways = {f"stage3.1.fuse_layers.{i}.{j}" for i in range(3) for j in range(3) if i != j}
    sums = {f"stage3.1.fuse_layers.{i}.{end}" for i in range(3) for end in ("sum", "act")}
    copies = {
        f"stage3.1.branches.{j} for stage3.1.fuse_layers.{i}" for i in range(3) for j in range(3)
    }
    assert held == ways | sums | copies
    last = drawn(g, "fuse")
    assert any(box.path.startswith("stage4.2.fuse_layers.3") for box in last.boxes)


def test_only_and_expand() -> None:
    g = graph("hrnet_w48_cls")
    only = {box.path: box.kind for box in drawn(g, "block", only="stage3.1").boxes}
    inner = {path for path, kind in only.items() if kind != "context"}
    assert len(inner) == 3 * 4 + 3
    assert all(path.startswith("stage3.1.") for path in inner)
    assert len(only) > len(inner)
    opened = {box.path for box in drawn(g, "stage", expand=["stage4", "head"]).boxes}
    assert {"stage3", "stage4.0", "stage4.1", "stage4.2", "@head.incre_modules.0.0"} <= opened
    assert "stage4" not in opened
    deep = {box.path for box in drawn(g, "stage", expand=["stage4.1"]).boxes}
    assert {"stage4.0", "stage4.1.branches.0.3", "stage4.2"} <= deep
    units = {box.path for box in drawn(g, expand=["stage2"]).boxes}
    assert {"stage2.0.branches.1.3", "stage3.0.branches.1"} <= units
    inside = {box.path for box in drawn(g, "stage", only="stage2.0.branches.0.1").boxes}
    assert "stage2.0.branches.0.1.conv1" in inside
    for options in ({"expand": ["stage4"]}, {"only": "head"}, {"only": "stem", "expand": ["stem"]}):
        for view in ("figure", "stage", "module", "block"):
            assert faults(drawn(g, view, **options)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "stage9"}, "no part 'stage9' in 'hrnet_w18_small_v1_cls'; did you mean 'stage4'?"),
        ({"expand": ["layer"]}, "no part 'layer' in 'hrnet_w18_small_v1_cls'; did you mean 'layer1'?"),
        ({"view": "fuse", "only": "layer1"}, "no module with a fuse unit in 'layer1'"),
        ({"view": "figur"}, "unknown view 'figur'; did you mean 'figure'? (known: figure, fuse, stage"),
        ({"theme": "drak"}, "unknown theme 'drak'; did you mean 'dark'? (known: light, dark)"),
        ({"width": "triple"}, "unknown width 'triple'"),
        ({"scale": 0.0}, "expected a scale from 0.1 to 10, got 0.0"),
        ({"font": "\n"}, "expected the name of a font, or several with commas between them, got '\\n'"),
        ({"font": 'a"><script>'}, "expected the name of a font, or several with commas between them, got"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_one_message(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(hg.HRNetGraphError) as caught:
        render(graph(SMALL), tmp_path / "a.svg", **options)
    assert caught.value.message.startswith(message)
    assert not list(tmp_path.iterdir())


def test_choices_change_the_figure() -> None:
    g = graph(SMALL)

    def said(**look: Any) -> set[str]:
        return {line for words in drawn(g, look=Look(**look)).words for line in words.lines}

    assert {"C ×2", "1/8"} <= said()
    assert {"16 ×2", "28×28"} <= said(labels="numbers")
    assert said(labels="none").isdisjoint({"C ×2", "16 ×2", "1/8", "28×28"})
    assert any(line.endswith("MB of results in float32") for line in said(colour="memory"))
    assert drawn(g, look=Look(theme="dark")).paper != drawn(g).paper
    plain, large = drawn(g), drawn(g, look=Look(scale=2))
    assert large.size == pytest.approx((2 * plain.width, 2 * plain.height))
    tall = drawn(g, look=Look(orientation="tb"))
    assert tall.height > tall.width
    for colour in ("macs", "params", "memory"):
        costly = drawn(g, look=Look(colour=colour))
        assert {ink.fill for ink in costly.inks} != {ink.fill for ink in plain.inks}
        assert faults(costly) == []


@pytest.mark.parametrize("orientation", ["lr", "tb"])
@pytest.mark.parametrize(("column", "inches"), [("single", 3.5), ("double", 7.16)])
def test_a_figure_fits_a_journals_column(orientation: Any, column: Any, inches: float) -> None:
    drawing = drawn(graph("hrnet_w48_cls"), look=Look(width=column, orientation=orientation))
    assert drawing.size[0] == pytest.approx(72 * inches)
    assert faults(drawing, orientation == "lr") == []
    if (orientation, column) in (("lr", "double"), ("tb", "single")):
        assert drawing.small_print > 3.6


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
def test_hostile_names_break_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = graph(SMALL)
    g = renamed(plain, name)
    for view in VIEWS:
        drawing = drawn(g, view)
        assert faults(drawing) == []
        assert len(drawing.boxes) == len(drawn(plain, view).boxes)
    views: tuple[ViewName, ...] = ("figure", "module")
    for view in views:
        dot = to_dot(g, view)
        assert len(dot) < 400_000
        for engine in ("system", "wheel"):
            if engine == "wheel":
                monkeypatch.setattr("shutil.which", lambda _: None)
            svg = draw(dot, "svg")
            figure = read_svg(svg)
            assert len(figure.parts) == len(drawn(plain, view).boxes)
            assert b"<script" not in svg
            assert b"<b>" not in svg
        monkeypatch.undo()


def test_clean_words() -> None:
    assert clean("a\n b\x00\u202ec") == "a bc"
    assert clean("x" * 100, 10) == "xxxxxxxxx…"


@pytest.mark.parametrize("view", ["figure", "block"])
def test_both_engines_keep_every_position(view: ViewName, monkeypatch: pytest.MonkeyPatch) -> None:
    g = graph(SMALL)
    drawing, dot = drawn(g, view), to_dot(g, view)
    figures = [read_svg(draw(dot, "svg"))]
    monkeypatch.setattr("shutil.which", lambda _: None)
    figures.append(read_svg(draw(dot, "svg")))
    for figure in figures:
        for box in drawing.boxes:
            rect = figure.parts[box.path][1]
            assert rect.centre == pytest.approx(box.rect.centre, abs=1)
            assert (rect.width, rect.height) == pytest.approx(
                (box.rect.width, box.rect.height), abs=1.6
            )


@pytest.mark.skipif(not shutil.which("neato"), reason="needs the system's Graphviz")
@pytest.mark.parametrize("command", [["dot"], ["neato"], ["neato", "-n2"]])
def test_any_command_of_graphviz_draws_the_dot(command: list[str]) -> None:
    dot = to_dot(graph(SMALL))
    result = subprocess.run(
        [*command, "-Tsvg"], input=dot.encode(), capture_output=True, check=True
    )
    assert result.stderr == b""
    assert read_svg(result.stdout) == read_svg(draw(dot, "svg"))


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_every_format_without_a_system_graphviz(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    path = render(graph(SMALL), tmp_path / f"a.{suffix}")
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix])


def test_the_same_bytes_from_run_to_run() -> None:
    code = f"""
import sys
import hrnet_graph as hg
from hrnet_graph.viz.dot import to_dot
from hrnet_graph.viz.engine import draw
for view in ("figure", "fuse", "block"):
    sys.stdout.buffer.write(draw(to_dot(hg.build_graph({SMALL!r}), view), "svg"))
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


def marks(drawing: Drawing) -> dict[str, str]:
    kinds = {box.path: box.kind.split() for box in drawing.boxes}
    return {path: kind[1] if len(kind) > 1 else "" for path, kind in kinds.items()}


def test_a_difference_marks_what_differs(tmp_path: Path) -> None:
    from hrnet_graph.viz.compare import compared
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
            drawing = compose(compared(before, after, Look()), Look())
            assert faults(drawing) == []
            found = marks(drawing)
            for path, mark in expected.items():
                assert found[path] == (name if mark == "added" else mark)
            said = {words.lines[0] for words in drawing.words}
            assert said >= {mark for mark in found.values() if mark}
    file = render_difference(a, graph("hrnet_w32_pose_256x192"), tmp_path / "a.svg")
    figure = read_svg(file.read_bytes())
    assert {kind.split()[-1] for kind, _ in figure.parts.values()} >= {"removed", "changed"}


@pytest.mark.parametrize(("a", "b"), [(HEADS[i], HEADS[i - 1]) for i in range(len(HEADS))])
def test_any_two_networks_make_one_figure(a: str, b: str) -> None:
    from hrnet_graph.viz.compare import compared
    from hrnet_graph.viz.layout.compose import compose

    assert faults(compose(compared(graph(a), graph(b), Look()), Look())) == []
