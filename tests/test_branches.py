"""Stages whose branches differ, activation at each use, and DDRNet's neck and head on them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from onnx_models import assert_same, filled, made
from watch import Watch, saved_for_backward
from written import check

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.receptive_field import strides
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.torch.inference import optimize_for_inference
from hrnet_graph.ir.ops import Activation, Conv2d, Sum

DUAL: dict[str, Any] = {
    "name": "dual",
    "input": [3, 72, 104],
    "width": 4,
    "stem": {"channels": 4, "bias": True},
    "transition": "none",
    "stages": [
        {"multiples": [1], "blocks": 1, "preactivated": True},
        {"multiples": [2, 4], "blocks": [1, 2], "strides": [2, 4], "preactivated": True},
        {
            "block": [{"kind": "bottleneck", "expansion": 2}, "basic"],
            "multiples": [2, 6],
            "blocks": 1,
            "strides": [1, 2],
            "preactivated": True,
        },
    ],
    "fuse": {"kind": "sum", "upsample": "bilinear", "widen": "each"},
    "neck": {"kind": "dappm", "channels": 3},
    "head": {"kind": "segmentation", "classes": 3, "norm_first": True, "bias": False, "inner": 4,
             "inner_kernel": 3, "auxiliary": "stage2.0"},
}  # fmt: skip
THREE: dict[str, Any] = {
    "stages": [
        {"multiples": [1], "blocks": 1},
        {"multiples": [1, 2, 2], "blocks": 1, "strides": [1, 2, 2], "modules": 2},
    ],
    "neck": None,
}
"""Two of three branches of one resolution, activated where they are made."""


def graph(**changes: Any) -> hg.Graph:
    return hg.build_graph(hg.load_spec(DUAL, changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {**THREE, "head": {"kind": "features"}},
        pytest.param(
            {**THREE, "fuse.upsample": "nearest", "head": {"kind": "heatmap", "joints": 2},
             "input": [3, 64, 96], "stages.1.outputs": 1},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["two paths", "three branches", "fixed factors"],
)  # fmt: skip
def test_all_who_read_such_stages_agree(changes: dict[str, Any]) -> None:
    spec = hg.load_spec(DUAL, changes)
    built = hg.build_graph(spec)
    assert not [count for count in verify(built) if not count.agrees]
    _, height, width = spec.input
    check(spec, [(height, width), (height + 32, width)])
    model = filled(spec)
    assert_same(model, made(model), (1, height, width))
    image = torch.randn(1, 3, height, width)
    with torch.no_grad(), Watch(image) as watch:
        expected = model(image)
    assert memory(built).peak == watch.peak
    grouped = hg.build_graph(hg.load_spec(spec, {"norm": {"kind": "group", "groups": 1}}))
    assert memory(grouped).activations == saved_for_backward(grouped)  # of one image
    expected = list(expected.values()) if isinstance(expected, dict) else expected
    with torch.inference_mode():
        result = optimize_for_inference(model)(image)
    result = list(result.values()) if isinstance(result, dict) else result
    for one, other in zip(result, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    answer = model.train()(image.repeat(2, 1, 1, 1))
    sum(y.sum() for y in (answer.values() if isinstance(answer, dict) else answer)).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_strides_and_widths_are_those_of_the_branches() -> None:
    built = graph(neck=None, head={"kind": "features"}, input=[3, 61, 93])
    paths = built.output_paths
    assert [built[path].type.shape for path in paths] == [(16, 8, 12), (24, 2, 3)]
    assert [strides(built)[path] for path in paths] == [8, 32]


def test_a_way_down_widens_at_each_step_where_it_is_asked_to() -> None:
    changes = {"stages.1.strides": [2, 8], "stages.1.multiples": [2, 8], "stages.2.strides": [1, 1]}
    rows = {}
    for widen in ("each", "last"):
        built = graph(**changes, **{"fuse.widen": widen})
        way = "stage2.0.fuse_layers.1.0"
        inside = (n.op for n in built.nodes if n.path.startswith(way))
        rows[widen] = [op.out for op in inside if isinstance(op, Conv2d)]
    assert rows == {"each": [16, 32], "last": [8, 32]}


def test_no_convolution_reads_a_sum_that_is_still_to_be_activated() -> None:
    """Where a stage leaves activation to who reads it, each does it for itself."""
    built = graph(neck=None, head={"kind": "ocr", "classes": 2, "features": 4, "keys": 2})
    sums = {node.path for node in built.nodes if isinstance(node.op, Sum)}
    read = {p for n in built.nodes if isinstance(n.op, Conv2d) for p in n.inputs}
    assert not read & sums
    first = [n.path for n in built.nodes if n.inputs == ("layer1.0.sum",)]
    assert first == ["stage2.0.branches.0.act", "stage2.0.branches.1.act"]
    assert all(isinstance(built[path].op, Activation) for path in first)


def test_branches_whose_blocks_differ_are_named_by_them() -> None:
    labels = {s.path: s.label for s in graph().scopes if s.kind == "block"}
    assert labels["stage3.0.branches.0.0"] == "bottleneck block"
    assert labels["stage3.0.branches.1.0"] == "basic block"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages.1.strides": [4, 2]}, "stages.1.strides: expected branches from fine to coarse,"
                                       " got strides 16, 8"),
        ({"stages.1.strides": [1, 3]}, "stages.1.strides.1: expected 1, 2, 4 or 8, got 3"),
        ({"stages.1.strides": [2]}, "stages.1.strides: expected 2 numbers, one a branch, got 1"),
        ({"stages.1.multiples": [2]}, "stages.1.blocks: expected 1 numbers, one a branch, got 2"),
        ({"stages.2.block": ["basic", "shuffle"]},
         "stages.2.strides.1: the shuffle block keeps the resolution: expected 1, got 2"),
        ({"stages.0.block": "transformer"},
         "stages.0.preactivated: the transformer block leaves no activation to who reads it"),
        ({"stages.2.block": ["basic", "channel_weighting"]},
         "stages.2.block.1: channel_weighting is one block of all branches, and none of a list"),
        ({"stages.2.block": ["basic", "bsic"]},
         "stages.2.block.1: unknown block 'bsic'; did you mean 'basic'?"),
        ({"stages.2.block": ["basic", {"kind": "basic", "group": 2}]},
         "stages.2.block.1.group: unknown key; did you mean 'groups'?"),
        ({"stages.2.block": []}, "stages.2.block: expected at least 1 in the list, got ()"),
        ({"stages.2.channels": [4, 4]}, "stages.2.multiples: nothing in the network reads it"),
        ({"head.auxiliary": "stage4.0"}, "head.auxiliary: no earlier map is called 'stage4.0'"),
        ({"order": ["layer1", "stge2"]}, "order: no part of the network is called 'stge2'"),
        ({"order": ["layer1", "layer1"]}, "order: 'layer1' is there twice"),
        ({"fuse.upsample": "nearest"}, "input: 72x104 does not fit"),
    ],
)  # fmt: skip
def test_what_branches_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    data = {**DUAL, "stages": [dict(stage) for stage in DUAL["stages"]]}
    if "stages.2.channels" in changes:  # both stated in one document
        data["stages"][2]["channels"] = changes.pop("stages.2.channels")
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(hg.load_spec(data, changes))
    assert message in str(refused.value).splitlines()[0]


def test_parts_stand_where_keys_and_order_put_them() -> None:
    """At the top, out of a stage that is then called piece by piece, and in the order stated."""
    keys = {"stage2.0.branches.0": "/fine", "stage2.0.branches.1": "/coarse"}
    spec = hg.load_spec(DUAL, {"keys": keys, "order": ["coarse", "spp", "fine"]})
    named, plain = hg.build_module(spec).eval(), hg.build_module(DUAL).eval()
    tops = list(dict.fromkeys(key.partition(".")[0] for key in named.state_dict()))
    assert tops[tops.index("coarse") :][:3] == ["coarse", "spp", "fine"]
    old = {"fine": "stage2.0.branches.0", "coarse": "stage2.0.branches.1"}
    theirs = plain.state_dict()
    named.load_state_dict({
        key: theirs[".".join((old.get(key.split(".")[0], key.split(".")[0]), *key.split(".")[1:]))]
        for key in named.state_dict()
    })  # fmt: skip
    image = torch.randn(2, 3, 72, 104)
    with torch.inference_mode():
        ours, before = named(image), plain(image)
    assert all(torch.equal(ours[name], before[name]) for name in before)
    check(spec, [(72, 104)])


@pytest.mark.parametrize("size", [(8, 8), (16, 200), (33, 65)])
def test_ddrnet_takes_any_size(size: tuple[int, int]) -> None:
    built = hg.build_graph("ddrnet23_slim_seg_cityscapes", size)
    shape = tuple(-(-n // 8) for n in size)
    assert built[built.output_paths[0]].type.shape == (19, *shape)
