"""Modules that repeat one another drawn once, and figures that are read on a journal's page."""

from __future__ import annotations

from collections import Counter

import pytest
from drawn import faults
from figures import HEADS, SMALL, graph
from kinds import CATALOGUE

import hrnet_graph as hg
from hrnet_graph.choices import VIEWS, ViewName
from hrnet_graph.viz.draw import lay_out, scene_of
from hrnet_graph.viz.drawing import Drawing
from hrnet_graph.viz.fold import fold_modules
from hrnet_graph.viz.look import INCHES, Look

HIGH = 9.0
"""The height of a journal's page in which a figure stands, in inches."""


def said(drawing: Drawing) -> set[str]:
    return {line for words in drawing.labels for line in words.lines}


def tight(g: hg.Graph) -> tuple[float, float, float]:
    """The least words in two columns and in one, and the most inches of height.

    Blocks of all branches take two columns each; logits at the image's size one more row.
    """
    joint = any(scope.label == "gates" for scope in g.scopes)
    enlarged = any(node.path.startswith("@head.@resize") for node in g.nodes)
    return 5.5 if joint else 6.0, 3.7 if enlarged else 5.0, 11.69 if joint else HIGH


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_network_can_be_read_on_a_journals_page(name: str) -> None:
    """In both columns with words of 6 points and more, in one with words of 5, top to bottom."""
    g = graph(name)
    two, one, high = tight(g)
    double = lay_out(g, look=Look(width="double"), fold=True)
    single = lay_out(g, look=Look(width="single", orientation="tb"), fold=True)
    for drawing, inches, least in (
        (double, INCHES["double"], two),
        (single, INCHES["single"], one),
    ):
        assert drawing.size[0] == pytest.approx(72 * inches)
        assert drawing.size[1] <= 72 * high
        assert drawing.small_print >= least - 0.01
        assert faults(drawing, drawing is double) == []


@pytest.mark.parametrize("name", [*HEADS, "hrnet_w48_cls"])
def test_a_module_stands_for_as_many_as_compute_the_same(name: str) -> None:
    g = graph(name)
    folded, repeats = fold_modules(g)
    stages = Counter(s.path.rpartition(".")[0] for s in g.scopes if s.kind == "module")
    for module, count in repeats.items():
        stage, _, first = module.rpartition(".")
        assert count <= stages[stage]
        states = [
            [
                (key.removeprefix(f"{stage}.{int(first) + i}."), entry.shape)
                for key, entry in g.state().items()
                if key.startswith(f"{stage}.{int(first) + i}.")
            ]
            for i in range(count)
        ]
        assert all(state == states[0] for state in states)
    dropped = sum(
        node.path.startswith(f"{module.rpartition('.')[0]}.{int(module.rpartition('.')[2]) + i}.")
        for module, count in repeats.items()
        for i in range(1, count)
        for node in g.nodes
    )
    assert len(folded.nodes) + dropped == len(g.nodes)
    assert {path for node in folded.nodes for path in node.inputs} <= folded.node_at.keys()


def test_runs_of_modules_are_named_with_their_number() -> None:
    assert fold_modules(graph("hrnet_w48_cls"))[1] == {"stage3.0": 4, "stage4.0": 3}
    assert {"stage3 ×4", "stage4 ×3", "stage ×n: n modules alike"} <= said(
        lay_out(graph("hrnet_w48_cls"), fold=True)
    )
    # the last module of a bottom-up network gives one map alone
    assert fold_modules(graph("higherhrnet_w32_512"))[1] == {"stage3.0": 4, "stage4.0": 2}
    assert {"stage4", "stage4.0 ×2", "stage4.2"} <= said(
        lay_out(graph("higherhrnet_w32_512"), fold=True)
    )
    plain = lay_out(graph(SMALL))  # where no stage has two modules, there is nothing to fold
    assert lay_out(graph(SMALL), fold=True) == plain


def test_what_is_asked_for_stays_apart() -> None:
    g = graph("hrnet_w48_cls")
    held = {box.path for box in lay_out(g, "module", expand=["stage3.2"], fold=True).boxes}
    assert {"stage3.0", "stage3.2.branches.0.0", "stage3.3", "stage4.0"} <= held
    assert held.isdisjoint({"stage3.1", "stage4.1", "stage4.2"})
    only = {box.path for box in lay_out(g, only="stage3.3.branches.1", fold=True).boxes}
    assert "stage3.3.branches.1.0" in only


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "op"])
@pytest.mark.parametrize("only", ["", "stage3", "stage4"])
def test_totals_are_those_of_the_whole(view: ViewName, only: str) -> None:
    g = graph("hrnet_w48_cls")
    plain, folded = (scene_of(g, view, only, (), Look(), fold) for fold in (False, True))
    assert folded.totals == plain.totals
    assert folded.title == plain.title
    assert len(folded.parts) <= len(plain.parts)
    cost = {part.path: (part.cost, part.kept) for part in plain.parts}
    drawn = [part for part in folded.parts if part.kind != "context"]
    assert {part.path: (part.cost, part.kept) for part in drawn}.items() <= cost.items()


@pytest.mark.parametrize("change", [{"stages.2.modules": 1}, {"fuse.upsample": "bilinear"}])
def test_folded_figures_of_changed_networks_are_sound(change: dict[str, object]) -> None:
    g = graph("hrnet_w32_cls", change)
    for view in VIEWS:
        for orientation in ("lr", "tb"):
            drawing = lay_out(g, view, look=Look(orientation=orientation), fold=True)
            assert faults(drawing, orientation == "lr") == []
