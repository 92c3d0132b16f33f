"""Blocks of a branch and their options: in all that reads a graph, beside who published them."""

from __future__ import annotations

from typing import Any

import pytest
import timm.models._efficientnet_blocks as mobile
import torch
from onnx_models import assert_same, filled, made
from small import SMALL
from timm.models.convnext import ConvNeXtBlock
from timm.models.resnet import BasicBlock, Bottleneck
from torch import nn
from watch import Watch, saved_for_backward
from written import check

import hrnet_graph as hg
from hrnet_graph.analysis.memory import memory
from hrnet_graph.analysis.receptive_field import receptive_fields
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.torch.inference import optimize_for_inference
from hrnet_graph.ir.ops import Conv2d, DropPath

SE = {"squeeze_excite": {"reduction": 2}}
BLOCKS: list[dict[str, Any]] = [
    {"kind": "basic", "groups": 2, "dilation": 2, "drop_path": 0.2},
    {"kind": "bottleneck", "expansion": 1, "groups": 2, "dilation": 3, "drop_path": 0.2, **SE},
    {"kind": "depthwise_separable", "dilation": 2},
    {"kind": "depthwise_separable", "kernel": 5, "shortcut": True, "drop_path": 0.1, **SE},
    {"kind": "inverted_residual", "dilation": 2},
    {"kind": "inverted_residual", "expand_ratio": 1, "drop_path": 0.3, **SE},
    {"kind": "convnext", "drop_path": 0.3, "dilation": 2},
    {"kind": "convnext", "layer_scale": None},
]


def name(block: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in block.items())


def network(block: dict[str, Any], **changes: Any) -> hg.Spec:
    """A small network whose branches are made of a block."""
    edits = {"head": {"kind": "features"}, "stages.2.modules": 1, **changes}
    return hg.load_spec(SMALL, {"stages.1.block": block, "stages.2.block": block, **edits})


@pytest.mark.parametrize(
    "block",
    [
        block if len(block) > 2 else pytest.param(block, marks=pytest.mark.slow, id=name(block))
        for block in BLOCKS
    ],
    ids=name,
)
def test_all_who_read_a_block_agree(block: dict[str, Any]) -> None:
    spec = network(block)
    graph = hg.build_graph(spec)
    assert not [count for count in verify(graph) if not count.agrees]
    check(spec, [(64, 64), (96, 64)])
    model = filled(spec)
    assert_same(model, made(model), (1, 64, 64))
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad(), Watch(image) as watch:
        expected = model(image)
    assert memory(graph).peak == watch.peak
    assert memory(graph).activations == saved_for_backward(graph)
    with torch.inference_mode():
        for one, other in zip(optimize_for_inference(model)(image), expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    sum(y.sum() for y in model.train()(image.repeat(2, 1, 1, 1))).backward()
    assert all(p.grad is not None for p in model.parameters())


def beside(
    theirs: nn.Module, block: dict[str, Any], rename: dict[str, str], channels: int = 8
) -> None:
    """One block with the weights of another's gives the same."""
    ours = hg.build_module(network(block)).eval().get_submodule("stage2.0.branches.1.0")
    state = theirs.eval().state_dict()
    for old, new in rename.items():
        state = {key.replace(old, new): value for key, value in state.items()}
    ours.load_state_dict(state)
    x = torch.randn(1, channels, 12, 9)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dilation", [1, 2])
def test_blocks_are_those_of_timm(dilation: int) -> None:
    at = {"dilation": dilation}
    basic = BasicBlock(8, 8, dilation=dilation, first_dilation=dilation)
    beside(basic, {"kind": "basic", **at}, {})
    inner = Bottleneck(32, 8, cardinality=2, base_width=32, dilation=dilation)
    beside(inner, {"kind": "bottleneck", "groups": 2, **at}, {}, channels=32)
    separable = mobile.DepthwiseSeparableConv(8, 8, dilation=dilation, noskip=True, pw_act=True)
    beside(separable, {"kind": "depthwise_separable", **at}, {})
    inverted = mobile.InvertedResidual(8, 8, exp_ratio=6, dw_kernel_size=5, dilation=dilation)
    beside(inverted, {"kind": "inverted_residual", "kernel": 5, **at}, {})
    next_ = ConvNeXtBlock(8, dilation=dilation, conv_mlp=True, ls_init_value=0.5)
    names = {"conv_dw": "dwconv", "mlp.fc1": "pwconv1", "mlp.fc2": "pwconv2",
             "gamma": "layer_scale.gamma"}  # fmt: skip
    beside(next_, {"kind": "convnext", **at}, names)


def test_a_dilated_convolution_keeps_the_size_and_sees_further() -> None:
    plain, dilated = (
        hg.build_graph(network({"kind": "basic", "dilation": d}, input=[3, 61, 93])) for d in (1, 3)
    )
    assert [n.type for n in plain.nodes] == [n.type for n in dilated.nodes]
    assert hg.analyze(plain).total.macs == hg.analyze(dilated).total.macs
    path = "stage2.0.branches.0.0.conv1"
    seen = [receptive_fields(graph)[path].size for graph in (plain, dilated)]
    assert seen[0] is not None
    assert seen[1] == seen[0] + 2 * 2 * 4  # two more rows of stride 4 on either side
    assert dilated[path].op.label == "conv 3x3 dilation 3"


def test_dilation_and_groups_reach_every_convolution_of_a_kernel() -> None:
    graph = hg.build_graph(network({"kind": "basic", "dilation": 2, "groups": 2}))
    inside = [n.op for n in graph.nodes if ".branches." in n.path and isinstance(n.op, Conv2d)]
    assert {(op.kernel, op.dilation, op.groups) for op in inside} == {(3, 2, 2)}


def test_paths_are_dropped_as_deep_as_a_block_stands_and_always_in_a_single_one() -> None:
    block = {"kind": "basic", "drop_path": 0.4}
    last = {"stages.1.block": "basic"}
    alone = hg.load_spec(SMALL, {"stages.1.block": block})
    grown = hg.load_spec(SMALL, {"stages.1.block": block, "stages.2.block": block, "stages.0.block":
                                 {"kind": "bottleneck", "drop_path": 0.4}})  # fmt: skip
    rates = [
        [node.op.rate for node in hg.build_graph(spec).nodes if isinstance(node.op, DropPath)]
        for spec in (alone, grown, network(block, **last))
    ]
    assert rates[0] == rates[2][:2] == [0.4, 0.4]
    assert rates[1][0] == 0
    assert max(rates[1]) == rates[1][-1] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"kind": "basic", "drop_path": 1}, "drop_path: expected less than 1, got 1"),
        ({"kind": "basic", "dilation": 65}, "dilation: expected at most 64, got 65"),
        ({"kind": "basic", "groups": 3}, "groups: 4 channels make no 3 groups"),
        ({"kind": "convnext", "layer_scale": 0}, "layer_scale: expected more than 0, got 0"),
        ({"kind": "depthwise_separable", "kernel": 4}, "kernel: expected an odd number, got 4"),
        (
            {"kind": "depthwise_separable", "drop_path": 0.5},
            "drop_path: nothing in the network reads it\n  it is read with `shortcut: true`",
        ),
        (
            {"kind": "inverted_residual", "kernel": 1, "dilation": 2},
            "dilation: nothing in the network reads it",
        ),
    ],
)
def test_what_does_not_fit_or_has_no_effect_is_refused(block: dict[str, Any], message: str) -> None:
    with pytest.raises(hg.SpecError) as refused:
        hg.build_graph(network(block))
    assert message in str(refused.value)


def test_what_cannot_change_the_width_says_what_it_keeps() -> None:
    with pytest.raises(hg.SpecError, match="keeps 4 channels, and is given 8") as refused:
        hg.build_graph(hg.load_spec(SMALL, {"stages.0.block": "convnext"}))
    assert "`channels: [8]` keeps what it is given" in str(refused.value)
    hg.build_graph(hg.load_spec(SMALL, {"stages.0": {"block": "convnext", "channels": [8]}}))
