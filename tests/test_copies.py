"""Variants are made of what others were: the same graphs, figures and refusals."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small import SMALL

import hrnet_graph as hg
from hrnet_graph.analysis.largest_field import largest_field
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.peak_of_parts import peak_of_parts
from hrnet_graph.analysis.receptive_field import receptive_fields
from hrnet_graph.compiler.build import build_variant
from hrnet_graph.ir.builder import Builder, Value
from hrnet_graph.ir.copies import CopyError, Known, PartBuilder
from hrnet_graph.ir.graph import Node
from hrnet_graph.ir.ops import Activation, BatchNorm
from hrnet_graph.ir.parts import Placed
from hrnet_graph.ir.trail import Trail
from hrnet_graph.rules.registry import rule
from hrnet_graph.search.figures import FIGURES, Figures, figures

NETWORK = "hrnet_graph.compiler.network"
VARIANTS = Path(__file__).parent.parent / "specs" / "variants"

CHOICES: Mapping[str, list[Any]] = {
    "width": [1, 7, 16, 64, 200, 0],
    "input": [[3, 64, 64], [3, 100, 64], [1, 64, 96], [3, 65, 97], [4, 33, 33], [3, 224, 224]],
    "norm": ["batch", {"kind": "group", "groups": 2}, {"kind": "group", "groups": 1}],
    "activation": ["silu", "relu", "leaky_relu"],
    "fuse.upsample": ["bilinear", "nearest"],
    "head": [
        {"kind": "features"},
        {"kind": "heatmap", "joints": 5},
        {"kind": "segmentation", "classes": 3},
        {"kind": "classification", "classes": 10},
    ],
}
OF_STAGES: Mapping[str, list[Any]] = {
    "modules": [1, 2, 3],
    "blocks": [1, 2, 3, [1, 2], [2, 1, 3], [1, 1, 2, 1]],
    "outputs": [1, 2, 3],
    "block": ["bottleneck", {"kind": "basic", "squeeze_excite": {"reduction": 4}}, "shuffle"],
    "fuse": [{"downsample": "depthwise"}, {"finest_twice": True}],
}


def by_nodes(spec: hg.Spec) -> dict[str, int]:
    """Every figure of a graph that is built by itself, without parts."""
    graph, _ = build_variant(spec, None)
    fields = receptive_fields(graph).values()
    return {
        **hg.analyze(graph).total.as_dict(),
        "memory": memory(graph).peak,
        "field": max(field.size or 0 for field in fields),
    }


def outcome(count: Callable[[hg.Spec], Mapping[str, int]], spec: hg.Spec) -> object:
    """The figures of a spec, or why it makes no network."""
    try:
        return dict(count(spec))
    except hg.SpecError as error:
        return str(error)


def changed(chance: random.Random, spec: hg.Spec) -> hg.Spec | None:
    """A spec with some values changed, unless they contradict each other."""
    values = {}
    for _ in range(chance.randint(1, 5)):
        key = chance.choice([*CHOICES, *OF_STAGES])
        stage = f"stages.{chance.randrange(len(spec.stages))}."
        values[f"{stage}{key}" if key in OF_STAGES else key] = chance.choice(
            [*CHOICES.get(key, []), *OF_STAGES.get(key, [])]
        )
    try:
        return hg.load_spec(spec, values)
    except hg.SpecError:
        return None


def parts_of(items: Sequence[Node | Placed]) -> list[Placed]:
    """What was copied of a network."""
    return [item for item in items if isinstance(item, Placed)]


def same(seed: int, names: Sequence[str], count: int) -> None:
    """Some changed networks have the figures that they have by themselves."""
    chance = random.Random(seed)
    found: list[object] = []
    while len(found) < count:
        spec = changed(chance, hg.load_spec(chance.choice(names)))
        if spec is not None:
            found.append(outcome(figures, spec))
            assert found[-1] == outcome(by_nodes, spec), spec.name
    refused = sum(isinstance(each, str) for each in found)
    assert 0 < refused < count


def test_changed_networks_have_the_figures_that_they_have_by_themselves() -> None:
    same(0, ["hrnet_w18_small_v1_cls", "hrnetv2_w18_small_v1_seg_cityscapes"], 24)


def test_a_network_that_is_not_registered_as_it_runs_has_too() -> None:
    spec = hg.load_spec("ddrnet23_slim_seg_cityscapes", {"input.1": 128, "input.2": 64})
    assert dict(figures(spec)) == by_nodes(spec)


@pytest.mark.slow
def test_changed_networks_of_the_whole_catalogue_have_too() -> None:
    same(1, hg.list_specs(), 300)


@pytest.mark.parametrize("name", [*hg.list_specs()[::6], str(VARIANTS / "hrnetv2_w32_unet.yaml")])
def test_a_copied_graph_is_the_graph(name: str) -> None:
    spec, known = hg.load_spec(name), Known()
    alone, nodes = build_variant(spec, None)
    for _ in range(3):
        graph, items = build_variant(spec, known)
        assert graph == alone
    assert nodes == alone.nodes
    copied = sum(len(placed.nodes) for placed in parts_of(items))
    assert spec.keys or copied > 0.97 * len(graph.nodes)


def test_every_module_is_copied_and_followed_as_one() -> None:
    spec = hg.load_spec("hrnet_w18_small_v2_cls", {"width": 100, "stages.2.modules": 5})
    build_variant(spec, known := Known())
    first = parts_of(build_variant(spec, known)[1])
    graph, items = build_variant(spec, known)
    parts = parts_of(items)
    assert [placed.nodes for placed in first] == [placed.nodes for placed in parts]
    modules = [scope.path for scope in graph.scopes if scope.kind == "module"]
    assert [p.prefix[:-1] for p in parts if p.prefix[:-1] in modules] == modules
    assert len({id(p.part) for p in parts if p.prefix.startswith("stage3.")}) == 1
    assert peak_of_parts(graph, items) == peak_of_parts(graph, graph.nodes)
    assert peak_of_parts(graph, items) == memory(graph).peak // 4
    assert largest_field(graph, items) == largest_field(graph, graph.nodes)


def test_a_variant_drops_paths_by_its_own_depth() -> None:
    known, dropping = Known(), {"kind": "basic", "drop_path": 0.3}
    blocks = {f"stages.{i}.block": dropping for i in (1, 2, 3)}
    for modules in (1, 2):
        for stage in (1, 3):
            values = {**blocks, f"stages.{stage}.modules": modules}
            spec = hg.load_spec("hrnet_w18_small_v1_cls", values)
            assert build_variant(spec, known)[0] == build_variant(spec, None)[0]


def test_a_variant_begins_where_the_one_before_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    known, begun, follow = Known(at_once=True), list[int](), Trail.follow

    def spied(trail: Trail[object], *asked: Any) -> list[object]:
        found = follow(trail, *asked)
        begun.append(len(found))
        return found

    monkeypatch.setattr(Trail, "follow", spied)
    dropping = {"stages.3.block": {"kind": "basic", "drop_path": 0.3}}
    for values in (
        {"stages.3.modules": 1},
        {"stages.3.modules": 2},
        {"stages.3.modules": 2, "stages.2.modules": 2},
        {"stages.2.modules": 2, "head.classes": 7},
        {"stages.2.modules": 2, "activation": "silu"},
        {"stages.2.modules": 2, "activation": "silu", "stages.3.channels": [8, 8, 8, 8]},
        dropping,
        {**dropping, "stages.3.modules": 2},
        {},
    ):
        spec = hg.load_spec("hrnet_w18_small_v1_cls", values)
        assert build_variant(spec, known)[0] == build_variant(spec, None)[0]
    assert begun == [0, 3, 2, 3, 0, 3, 0, 0, 0]


def test_a_rule_that_is_another_now_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(b: Builder, x: Value, *, channels: int, stride: int, bias: bool) -> Value:
        return b.conv("conv", x, channels, 3, stride, bias)

    spec, known, ask = hg.load_spec("hrnet_w18_small_v1_cls"), Known(at_once=True), rule
    before = build_variant(spec, known)[0]
    other = replace(ask("stem", "conv"), function=bare)
    monkeypatch.setattr(f"{NETWORK}.rule", lambda *of: other if of[0] == "stem" else ask(*of))
    after = build_variant(spec, known)[0]
    assert after != before
    assert after == build_variant(spec, None)[0]


def test_memory_is_emptied_when_it_is_full() -> None:
    known = Known(most=400)
    for width in (8, 9, 8):
        spec = hg.load_spec("hrnet_w18_small_v1_cls", {"width": width})
        graph, items = build_variant(spec, known)
        assert dict(Figures(graph, items)) == by_nodes(spec)


def test_only_what_is_asked_for_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("peak_of_parts", "largest_field"):
        monkeypatch.delattr(f"hrnet_graph.search.figures.{name}")
    found = figures(hg.load_spec(SMALL))
    assert found["params"] == hg.analyze(hg.build_graph(SMALL)).params
    assert [*found] == [*FIGURES]
    with pytest.raises(NameError):
        found["field"]


def copying(write: Callable[[Builder, Value], Value]) -> PartBuilder:
    """An empty builder that has met what this writes of an image."""
    known = Known()
    for _ in range(2):
        b = known.builder(Builder(BatchNorm(), Activation()), ())
        b.once("write", write, b.input((3, 8, 8)))
    return known.builder(Builder(BatchNorm(), Activation()), ())


def test_what_is_read_of_operands_but_their_type_is_not_copied() -> None:
    def write(b: Builder, x: Value) -> Value:
        op = next(node.op for node in b.finish(x, **NAMED).nodes if node.path == x.path)
        return b.add("again", op, *([b.image] if op.label != "input" else []))

    b = copying(write)
    x = b.conv("first", b.input((3, 8, 8)), 3)
    assert b.once("write", write, x).type == x.type
    assert not b.placed


def test_a_rule_that_remembers_is_not_copied() -> None:
    def write(b: Builder, x: Value) -> Value:
        return b.remember("mine", b.conv("same", x, 4))

    b = copying(write)
    x = b.once("write", write, b.input((3, 8, 8)))
    assert b.recall("mine") == x
    assert not b.placed


def test_a_copy_never_stands_on_another() -> None:
    def write(b: Builder, x: Value) -> Value:
        return b.conv("same", x, 4)

    b = copying(write)
    x = b.input((3, 8, 8))
    b.once("write", write, x)
    assert len(b.placed) == 1
    with pytest.raises(hg.HRNetGraphError, match="two operations are named 'same'"):
        b.once("write", write, x)


def test_what_is_added_under_a_reserved_name_is_not_passed_over() -> None:
    def write(b: Builder, x: Value) -> Value:
        b.reserve("a", "b")
        x = b.conv("b", x, 4)
        with b.scope("a"):
            return b.conv("0", x, 4)

    b = copying(write)
    x = b.once("write", write, b.input((3, 8, 8)))
    assert [node.path for node in b.finish(x, **NAMED).nodes] == ["input", "a.0", "b"]
    assert len(b.placed) == 1
    with b.scope("a"):
        b.conv("1", x, 4)
    with pytest.raises(CopyError):
        b.finish(x, **NAMED)


NAMED: dict[str, Any] = {
    "name": "net",
    "init": hg.build_graph(SMALL).init,
    "head_init": hg.build_graph(SMALL).init,
}
