"""Every kind of normalisation, of a network and of one part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run
from onnx_models import assert_same, filled, made
from small import SMALL, maps_of, with_head
from written import check

import hrnet_graph as hg
from hrnet_graph.benchmark.verify import verify
from hrnet_graph.compiler.torch.inference import optimize_for_inference

NORMS: list[Any] = ["frozen_batch", {"kind": "group", "groups": 2}, "layer", "instance", "none"]
CLASSIFICATION = {**SMALL["head"], "features": 8}
BOTTOM_UP = {"kind": "bottom_up", "joints": 2, "blocks": 1}
X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def labels(graph: hg.Graph) -> dict[str, set[str]]:
    """The part at the top -> the norms in it."""
    found: dict[str, set[str]] = {}
    for node in graph.nodes:
        if node.op.family == "norm":
            found.setdefault(node.path.partition(".")[0], set()).add(node.op.label)
    return found


@pytest.mark.parametrize("norm", NORMS, ids=str)
@pytest.mark.parametrize("head", [CLASSIFICATION, BOTTOM_UP], ids=lambda head: head["kind"])
def test_all_that_a_network_comes_to_agrees(norm: Any, head: dict[str, Any]) -> None:
    outputs = 1 if head["kind"] == "bottom_up" else 3
    changes = {"norm": norm, "head": head, "stages.2.outputs": outputs, "stages.2.modules": 1}
    spec = hg.load_spec(SMALL, changes)
    graph = hg.build_graph(spec)
    assert not [check for check in verify(graph) if not check.agrees]
    check(spec, [(64, 96)])
    model = filled(spec)
    assert_same(model, made(model), (1, 64, 64), (2, 96, 64))
    with torch.no_grad():
        fast, plain = (maps_of(each(X)) for each in (optimize_for_inference(model), model))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(fast, plain, strict=True))
    trained = hg.build_module(spec).train()
    torch.stack([x.square().sum() for x in maps_of(trained(X))]).sum().backward()
    assert not [key for key, p in trained.named_parameters() if p.grad is None]


@pytest.mark.parametrize("name", ["hrnet_w18_small_v1_cls", "litehrnet18_coco_256x192"])
def test_without_a_norm_every_convolution_that_one_followed_has_a_bias(name: str) -> None:
    usual = hg.build_graph(name)
    bare = hg.build_graph(hg.load_spec(name, {"norm": "none"}))
    assert not labels(bare)
    followed = {node.inputs[0] for node in usual.nodes if node.op.family == "norm"}
    for node in usual.nodes:
        if node.op.family != "norm":
            bias = getattr(bare[node.path].op, "bias", None)
            assert bias == (True if node.path in followed else getattr(node.op, "bias", None))
    assert len(bare.nodes) == len(usual.nodes) - len(followed)


def test_a_frozen_norm_has_the_published_weights_and_no_parameters(tmp_path: Path) -> None:
    usual = with_head(CLASSIFICATION, norm="batch")
    for key, value in usual.state_dict().items():
        if key.endswith(("running_mean", "running_var")):
            value.uniform_(0.5, 2)
    hg.save(usual, tmp_path / "usual.pt")
    frozen = with_head(CLASSIFICATION, norm="frozen_batch")
    report = hg.load_weights(frozen, tmp_path / "usual.pt")
    assert report.complete
    assert {reason for _, reason in report.ignored} == {"a frozen norm counts no batches"}
    frozen.train()
    usual.eval()
    assert torch.equal(frozen(X), usual(X))  # in training, too
    norms = [key for key in frozen.state_dict() if ".bn" in f".{key}"]
    assert norms
    assert not {key for key, _ in frozen.named_parameters()} & {*norms}
    counted, plain = (hg.analyze(model.graph) for model in (frozen, usual))
    assert counted.params == sum(p.numel() for p in frozen.parameters()) < plain.params
    assert counted.macs == plain.macs
    hg.save(frozen, tmp_path / "frozen.pt")
    back = hg.load_weights(usual, tmp_path / "frozen.pt")
    assert back.complete
    assert {key.rpartition(".")[2] for key, _ in back.filled} == {"num_batches_tracked"}


def test_freezing_and_frozen_norms_go_together() -> None:
    model = with_head(CLASSIFICATION, norm="frozen_batch")
    hg.freeze(model, upto="stage2")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    model(X).square().sum().backward()
    optimiser.step()
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert changed
    assert not [
        key for key in changed if key.startswith(("conv1", "layer1", "stage2")) or "bn" in key
    ]


def test_a_part_has_its_own_norm() -> None:
    changes = {
        "stem.norm": "instance",
        "stages.1.block": {"kind": "basic", "norm": {"kind": "group", "groups": 2}},
        "stages.2.transition": {"norm": "layer"},
        "stages.2.fuse": {"norm": "none"},
        "head.norm": "frozen_batch",
    }
    graph = hg.build_graph(hg.load_spec(SMALL, changes))
    assert labels(graph) == {
        "@stem": {"instance norm"},
        "layer1": {"batch norm"},
        "transition1": {"batch norm"},
        "stage2": {"group norm 2", "batch norm"},
        "transition2": {"layer norm"},
        "stage3": {"batch norm"},
        "@head": {"frozen batch norm"},
    }
    assert "stage3.0.fuse_layers.0.1.0.bias" in graph.state()
    assert isinstance(graph.spec, hg.Spec)
    assert hg.build_graph(graph.spec) == graph


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"head.norm": {"kind": "group", "groups": 3}}, "head.norm.groups", "incre_modules.0.0"),
        ({"head.norm": "group"}, "head.norm.groups", "missing; group normalisation needs"),
        ({"head.norm": {"kind": "group", "group": 3}}, "head.norm.group", "unknown key; did you"),
        ({"head.norm": {"kind": "layer", "momentum": 0.2}}, "head.norm.momentum", "nothing in"),
        ({"head.norm": "weight"}, "head.norm.kind", "expected 'batch', 'sync_batch', 'frozen_ba"),
        (
            {"head.norm": 1},
            "head.norm",
            "expected a norm (one of batch, sync_batch, frozen_batch, group, layer, instance, none), got 1",
        ),
        ({"norm": {"kind": "none", "eps": 0.1}}, "norm.eps", "nothing in the network reads it"),
        (
            {"head": {"kind": "features", "norm": {"kind": "group", "groups": 2}}},
            "head.norm",
            "nothing in the network reads it",
        ),
        ({"head.norm": "none", "head.bias": False}, "head.bias", "nothing in the network reads"),
        ({"norm": "instance", "input": [3, 16, 16]}, "input", "16x16 does not fit: "),
    ],
)
def test_a_norm_that_cannot_be_is_told_where_it_is_stated(
    changes: dict[str, Any], key: str, told: str
) -> None:
    with pytest.raises(hg.SpecError) as caught:
        hg.build_graph(hg.load_spec(SMALL, changes))
    problems = [p for p in caught.value.problems if p.key == key]
    assert [p.message[: len(told)] for p in problems] == [told]


def test_from_the_command_line() -> None:
    shown = run("flops", "hrnet_w18_small_v1_cls", "--set", "head.norm=layer", "--set", "norm=none")
    assert "layer norm" in shown.stdout
