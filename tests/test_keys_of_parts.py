"""`keys:` calls parts of a network otherwise, by names that they can have."""

from __future__ import annotations

from typing import Any

import pytest
from written import check

import hrnet_graph as hg

LITE = "litehrnet18_mpii"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"backbone.stage1": "forward"}, "every torch module has 'forward' already"),
        ({"backbone.stage1": "stage2"}, "two operations are named"),
        ({"backbone.stage9": "stage0"}, "no part of the network is called 'backbone.stage9'"),
        ({"backbone.stage1": "__init__"}, "expected letters"),
        ({"backbone.stage1": "a\nb"}, "expected letters"),
        ({"backbone.stage1": "/"}, "expected a name behind '/'"),
        ({"final_layer": ""}, "nothing is left of the name of 'head.final_layer'"),
    ],
)
def test_a_name_that_no_part_can_have_is_refused(keys: dict[str, str], message: str) -> None:
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(hg.load_spec(LITE, {"keys": keys}))
    assert message in str(refused.value)


def test_a_part_is_renamed_with_all_that_is_inside() -> None:
    keys = {"stage2": "second", "*.0.fuse_layers": "fuse", "classifier": "head.fc"}
    before = hg.build_graph("hrnet_w18_small_v1_cls").state()
    spec = hg.load_spec("hrnet_w18_small_v1_cls", {"keys": keys})
    after = hg.build_graph(spec).state()
    assert [entry.shape for entry in after.values()] == [entry.shape for entry in before.values()]
    assert "second.0.fuse.0.1.0.weight" in after
    assert "head.fc.weight" in after
    assert not [key for key in after if "fuse_layers" in key or key.startswith("stage2")]


SMALL_POSE: dict[str, Any] = {
    "name": "small",
    "width": 4,
    "input": [3, 64, 64],
    "stages": [
        {"block": "basic", "branches": 1, "blocks": 1, "channels": [4]},
        {"block": "basic", "branches": 2, "blocks": 1, "modules": 2},
    ],
    "head": {"kind": "heatmap", "joints": 3},
}


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        (
            {"keys": {"stage2": "foo", "layer1": "foo.0.branches.0"}},
            "keys.layer1",
            "two operations are named",
        ),
        ({"keys": {"stage2": "a", "stage9": "b"}}, "keys.stage9", "no part of the network is"),
        ({"keys": {"*.0": "a", "stage2.0": "b"}}, "keys.stage2.0", "an entry before it names all"),
        ({"keys": {"stage2": "stage2"}}, "keys.stage2", "what is there is called 'stage2' anyway"),
        ({"keys": {"stage2": None}}, "keys.stage2", "expected text, got null"),
        ({"order": ["stage2"]}, "order", "its parts stand in this order anyway"),
        ({"order": ["stage2", "stage2.1"]}, "order.1", "a name before it has all that it does"),
        ({"order": ["stage2.0", "layer1"]}, "order.1", "'layer1' cannot stand right after"),
    ],
)
def test_an_entry_that_does_nothing_or_clashes_is_refused_where_it_stands(
    changes: dict[str, Any], key: str, message: str
) -> None:
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(hg.load_spec(SMALL_POSE, changes))
    (problem,) = refused.value.problems
    assert (problem.key, problem.message.startswith(message)) == (key, True), problem


def test_what_is_inherited_and_names_nothing_any_more_is_dropped() -> None:
    base = {**SMALL_POSE, "keys": {"final_layer": "last", "stage2": "second"}}
    base["order"] = ["last", "second", "layer1"]
    head = {"kind": "segmentation", "classes": 2}
    graph = hg.build_graph(hg.load_spec(base, {"head": head}))
    spec = graph.spec
    assert isinstance(spec, hg.Spec)
    assert spec.keys == {"stage2": "second"}
    assert spec.order == ("second", "layer1")
    assert hg.build_graph(spec.dump()) == graph
    assert hg.load_spec(base, {"keys.stage2": None}).keys == {"final_layer": "last"}
    assert hg.load_spec(base, {"keys": {"stage2": None, "final_layer": None}}).keys is None


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": {"conv1": "stage2.0.conv1"}},
        {"keys": {"stage2.0.branches.1.0.bn1": "/top", "conv2": "a.keys"}},
        {"keys": {"stage2.0.fuse_layers": ""}},
        {"order": ["final_layer", "stage2", "layer1"]},
        {"order": ["stage2.1", "stage2.0"]},
        {"head": {"kind": "features", "earlier": ["stride4"], "out_indices": [1]}},
        {"stages.1.block": "adaptive", "head": {"kind": "simcc", "joints": 3}, "fuse": "concat",
         "init.head": {"conv": "default"}, "order": ["mlp_head_x", "conv1"]},
        {"width": 16, "norm": "layer", "stages.1.block": "channel_weighting", "input": [3, 64, 32],
         "activation": "hardswish", "head": {"kind": "upernet", "classes": 2, "channels": 4}},
    ],
)  # fmt: skip
def test_parts_called_and_ordered_at_will_are_written_to_the_bit(changes: dict[str, Any]) -> None:
    graph = hg.build_graph(hg.load_spec(SMALL_POSE, changes))
    assert [*hg.build_module(graph, device="meta").state_dict()] == [*graph.state()]
    height, width = graph.input.type.size
    check(graph, [(height, width)])
